import type { DocumentName, Draft, Vector } from "@syncline/core";
import type { Clock } from "../ports.js";
import type { Clocks } from "./clocks.js";
import type { Mastership } from "./mastership.js";
import { MEMBERS, type Members } from "./members.js";
import { CLOCKS, type Skews } from "./skews.js";
import { TAKEOVERS, type Takeovers } from "./takeovers.js";

/**
 * What a master writes of its own accord into the cluster's own documents: who is here, who took over from whom, and which
 * stamps came too far ahead. Each is written once, by whoever notices that it does not stand there.
 */
export class OwnDocuments {
  constructor(
    private readonly mastership: Mastership,
    private readonly members: Members,
    private readonly takeovers: Takeovers,
    private readonly skews: Skews,
    private readonly clocks: Clocks,
    private readonly clock: Clock,
    private readonly writeWaitMs: number,
    private readonly isOpen: () => boolean,
  ) {}

  /** The member list names whom this master has met; and if its stream was taken over, it says up to where it did not know. */
  settle(): void {
    if (this.mastership.current === undefined || !this.isOpen()) return;
    const unlisted = this.members.unlisted();
    if (unlisted !== undefined) {
      this.write(MEMBERS, unlisted);
      if (!this.isOpen()) return;
    }
    const { stream } = this.mastership;
    const takeover = stream && this.takeovers.answer(stream.id, stream.held);
    if (takeover !== undefined) this.write(TAKEOVERS, takeover);
  }

  /**
   * A master that hears the clocks of more than half of the others writes down what stamps came too far ahead. Returns whether
   * it has: nothing else need happen in a quiet cluster that would flush and show it.
   */
  noteSkews(): boolean {
    if (this.mastership.current === undefined || !this.isOpen()) return false;
    const behindMs = this.clocks.behindMs(this.members.others().size);
    const unwritten = behindMs === undefined ? undefined : this.skews.unwritten(behindMs);
    this.write(CLOCKS, unwritten?.write, unwritten?.refused);
    return unwritten !== undefined;
  }

  /** It was promoted, and had so much of the streams of those who are not there. */
  tookOver(had: Vector): void {
    const { stream } = this.mastership;
    const at = Math.max(0, Math.floor(this.clock.now()));
    this.write(TAKEOVERS, stream && this.takeovers.record(stream.id, at, had));
  }

  /** A refusal may be forgotten where what is to be written is found anew each time. */
  private write(
    name: DocumentName,
    mutate: ((draft: Draft) => void) | undefined,
    refused: () => void = () => {},
  ): void {
    if (mutate === undefined) return;
    const options = { level: "durable", waitMs: this.writeWaitMs } as const;
    this.mastership.current?.writes.transact(name, mutate, options, (answer) => {
      if (!answer.ok) refused();
    });
  }
}
