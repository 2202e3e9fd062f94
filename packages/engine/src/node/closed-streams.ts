import type { StreamId, Vector } from "@syncline/core";
import { type Closing, type Fault, fault } from "@syncline/protocol";
import type { Logger, Scheduler } from "../ports.js";
import type { Bases } from "./bases.js";
import type { Commits } from "./commit.js";
import type { Cutting } from "./cutting.js";
import type { HeldStream, Log } from "./log.js";
import type { Mastership } from "./mastership.js";
import type { Members } from "./members.js";
import type { NodeLink, Peers } from "./peers.js";
import type { Retirements } from "./retirements.js";
import { Watch } from "./revision.js";

/**
 * What follows here from what has become known of closed streams: within its end a stream is committed, beyond it what is
 * here is put aside, and whoever was retired is heard again once it knows that (SPINE 16 to 18).
 *
 * Where something cannot be cut the end moves instead: ends are joined by max, so all others get what is kept here.
 */
export class ClosedStreams {
  /** Whether there may be a stream to be closed here. */
  private readonly unclosed: Watch;
  /** The revision of what the others have been told. */
  private toldAt = 0;
  /** Of how many retirements of itself this node says that it knows: those that its disk has. */
  private said: number;

  constructor(
    private readonly self: string,
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly members: Members,
    private readonly retirements: Retirements,
    private readonly cutting: Cutting,
    private readonly commits: Commits,
    private readonly bases: Bases,
    private readonly mastership: Mastership,
    private readonly ports: { readonly scheduler: Scheduler; readonly log: Logger },
    private readonly on: {
      /** Something is known that was not. */
      news(): void;
      /** What is shown is not what was shown and some more. */
      shownAnew(): void;
      /** Whoever waits for what lies beyond an end waits in vain. */
      closed(): void;
      forget(link: NodeLink): void;
      /** Calls back once the disk has all that was put by now. */
      whenDurable(then: () => void): void;
      /** This node was retired, and its disk has it: others listen to it when it greets them anew. */
      greetAnew(): void;
    },
  ) {
    this.said = retirements.generationOf(self);
    this.unclosed = new Watch([retirements.revision, log.revision]);
  }

  /** Of how many of its retirements this node tells others that it knows. */
  get generation(): number {
    return this.said;
  }

  learn(words: readonly Closing[]): void {
    let isNews = false;
    for (const word of words) if (this.retirements.learn(word)) isNews = true;
    if (isNews) this.on.news();
  }

  /** A stream of this node ends here. */
  learnEnd(node: string, stream: StreamId, end: number): void {
    this.learn([{ node, generation: 0, ends: new Map([[stream, end]]), fence: undefined }]);
  }

  /** Why what this vector names will never be shown: it lies beyond the end of a closed stream. */
  objectionTo(vector: Vector): string | undefined {
    for (const [id, position] of vector) {
      const end = this.retirements.knownEnd(id);
      if (end === undefined || position <= end) continue;
      return `it names position ${position} of a stream that was closed at ${end}`;
    }
    return undefined;
  }

  /** Closes what is closed by what has become known. */
  close(): void {
    if (!this.unclosed.hasMoved() || this.retirements.all().length === 0) return;
    const cuts = new Map<StreamId, number>();
    const own = this.mastership.stream;
    const isOver = own !== undefined && this.endOf(own) !== undefined;
    for (const stream of this.log.streams()) {
      const end = this.endOf(stream);
      if (end === undefined) continue;
      if (stream.held > end) cuts.set(stream.id, end);
      if (!stream.isLocal && stream.committed < end) this.commits.learn(stream, end);
    }
    const isMaster = this.mastership.current !== undefined && !isOver;
    if (isOver) this.mastership.stepBack();
    if (cuts.size > 0) this.cut(cuts, isMaster);
    this.on.closed();
  }

  private cut(ends: Map<StreamId, number>, isMaster: boolean): void {
    for (const { id, held, opening } of this.cutting.keep(ends, this.bases.vector, isMaster))
      this.learnEnd(opening.node, id, held);
    if (ends.size === 0) return;
    for (const [id, end] of ends) {
      const opening = this.log.stream(id)?.opening;
      if (opening !== undefined && end === 0) this.learnEnd(opening.node, id, 0);
    }
    const records = this.cutting.cut(ends, this.bases.vector);
    this.bases.cut();
    this.on.shownAnew();
    this.ports.log.warn("stream-cut", { records, ends: [...ends] });
  }

  private endOf({ id, opening }: HeldStream): number | undefined {
    return this.retirements.endOf(id, opening);
  }

  /** Tells everybody what is closed, and goes on with nobody who was retired and does not know it. */
  tell(): void {
    this.toldAt = this.retirements.revision.number;
    const closings = this.retirements.all();
    if (closings.length === 0) return;
    this.members.changed();
    for (const link of [...this.peers.all()]) {
      link.channel.send({ kind: "retired", closings });
      for (const { node, generation } of [...link.heard.values()])
        if (this.retirements.isRetired(node, generation)) link.unhear(node);
      if (this.retirements.isRetired(link.peer.name, link.peer.generation)) this.turnAway(link);
    }
    const generation = this.retirements.generationOf(this.self);
    if (generation === this.said) return;
    this.on.whenDurable(() => {
      this.said = generation;
      this.on.greetAnew();
    });
  }

  /** Whether there is news of which nobody was told: each time it is said because of that, and not otherwise. */
  get isUntold(): boolean {
    return this.retirements.revision.number !== this.toldAt;
  }

  private turnAway(link: NodeLink): void {
    this.on.forget(link);
    const why = retiredFault(link.peer.name);
    this.ports.scheduler.turn(() => link.channel.end(why));
  }
}

/** For a node that does not know of its retirement. */
export const retiredFault = (node: string): Fault => fault("NODE_RETIRED", `${node} was retired`);
