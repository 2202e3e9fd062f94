import type { MutableVector, StreamId, Vector } from "@syncline/core";
import { positionIn } from "@syncline/core";
import type { CommitRule } from "@syncline/protocol";
import type { Clock, Logger } from "../ports.js";
import type { Fences } from "./fences.js";
import type { Peers } from "./peers.js";
import type { Retirements } from "./retirements.js";
import type { Retiring } from "./retiring.js";

/**
 * A node closes the streams of its own former starts, by itself, once it is known where they end (SPINE 16).
 *
 * Nobody writes into them any more, so all that there is of them is what somebody has. The node waits until it hears every
 * member, and shows all that those have shown, so that it knows who the members are. Then it does as a master that retires
 * another one: it fences these streams, catches up with what everybody says behind the fence, and says the ends. It is in no
 * hurry: who is not heard holds it up, and an attempt that does not come to an end soon is given up, so that nobody is kept
 * from what others have.
 *
 * A copied data folder that runs twice has two presents under one name. Whoever sees two processes of that name does not
 * report its fence; and what appears after a node has once closed all there was is taken for another process's, and left.
 */

/** For so long everybody has been heard before it begins, and so long it waits after an attempt. */
const QUIET_MS = 5_000;
const RETRY_MS = 60_000;
/** An attempt is given up after this. */
const ATTEMPT_MS = 5_000;

export class FormerStreams {
  private attempt:
    | { readonly fence: number; readonly streams: ReadonlySet<StreamId>; readonly until: number }
    | undefined;
  /** Everybody is heard: since when, and what they had shown by then. */
  private heard: { readonly since: number; readonly shown: Vector } | undefined;
  /** Not before this time it tries again. */
  private notBefore = Number.NEGATIVE_INFINITY;
  /** It has closed what there was when it was started. */
  private isDone = false;

  constructor(
    private readonly self: string,
    private readonly peers: Peers,
    private readonly retirements: Retirements,
    private readonly retiring: Retiring,
    private readonly fences: Fences,
    private readonly visible: Vector,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly on: {
      /** Whether it is clear which stream is its present one, if any. */
      isSteady(): boolean;
      present(): { readonly id: StreamId; readonly rule: CommitRule } | undefined;
      /** Whether this process has opened it. */
      isOpened(stream: StreamId): boolean;
      /** Something is known that was not. */
      news(): void;
    },
  ) {}

  /** Called a few times a second: begins an attempt, or gives one up. */
  look(): void {
    const now = this.clock.monotonic();
    if (this.attempt !== undefined) {
      if (now >= this.attempt.until) this.giveUp();
      return;
    }
    const streams = this.candidates();
    if (streams.size === 0 || this.doubts(streams, undefined).length > 0) {
      this.heard = undefined;
      return;
    }
    this.heard ??= { since: now, shown: this.shownByOthers() };
    if (now < Math.max(this.notBefore, this.heard.since + QUIET_MS) || !this.showsAsMuch(this.heard.shown))
      return;
    this.attempt = { fence: this.fences.set(this.self, [...streams]), streams, until: now + ATTEMPT_MS };
  }

  /** Called in each turn: decides when nothing stands against it. */
  settle(): void {
    if (this.attempt === undefined) return;
    const { fence, streams } = this.attempt;
    if (!this.fences.holds(this.self, fence)) this.leave();
    else if (!this.on.isSteady()) this.giveUp();
    else if (this.retiring.isFenced(this.self, fence) && this.doubts(streams, fence).length === 0)
      this.decide(streams);
  }

  /** The node stops. */
  stop(): void {
    if (this.attempt !== undefined) this.giveUp();
  }

  private candidates(): ReadonlySet<StreamId> {
    const { coordinator = "" } = this.retirements.of(this.self)?.fence ?? {};
    // Somebody retires it, or takes it for gone.
    const isFenced = coordinator !== "" && coordinator !== this.self;
    if (isFenced || this.peers.isContested(this.self) || !this.on.isSteady()) return new Set();
    const former = this.retiring.former(this.on.present()?.id);
    return new Set([...former].filter((stream) => !this.isDone || this.on.isOpened(stream)));
  }

  private doubts(streams: ReadonlySet<StreamId>, fence: number | undefined) {
    return this.retiring.doubtsOfOwn(streams, fence, this.on.present()?.rule);
  }

  private decide(streams: ReadonlySet<StreamId>): void {
    const ends = new Map([...this.retiring.ends(this.self)].filter(([id]) => streams.has(id)));
    this.leave();
    this.isDone = true;
    const { self: node } = this;
    this.retirements.learn({ node, generation: 0, ends, fence: this.fences.lifting(node) });
    this.logger.info("former-streams-closed", { ends: [...ends.values()] });
    this.on.news();
  }

  private giveUp(): void {
    this.leave();
    this.fences.lift(this.self);
  }

  private leave(): void {
    if (this.attempt !== undefined) this.fences.leave(this.attempt.fence);
    this.attempt = undefined;
    this.heard = undefined;
    this.notBefore = this.clock.monotonic() + RETRY_MS;
  }

  /** Who the members are stands in what is shown: what anybody knows of it is among this. */
  private shownByOthers(): Vector {
    const shown: MutableVector = new Map();
    for (const { progress, heard } of this.peers.all()) {
      for (const words of [progress, ...Array.from(heard.values(), (word) => word.progress)])
        for (const { stream, visible } of words.values())
          shown.set(stream, Math.max(visible, positionIn(shown, stream)));
    }
    return shown;
  }

  private showsAsMuch(shown: Vector): boolean {
    for (const [id, position] of shown) {
      const end = this.retirements.knownEnd(id) ?? Number.POSITIVE_INFINITY;
      if (positionIn(this.visible, id) < Math.min(position, end)) return false;
    }
    return true;
  }
}
