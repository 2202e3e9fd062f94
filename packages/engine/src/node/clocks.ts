import { CODES } from "@syncline/protocol";
import type { Clock, Logger } from "../ports.js";
import type { NodeLink } from "./peers.js";

/**
 * How far this node's wall clock is ahead of the others'.
 *
 * Stamps decide which of two concurrent writes to a register wins, so a master whose clock is ahead would win them all.
 * Nobody's clock is believed alone: each peer says in its greeting what time it is there, that time is carried on here by
 * the clock that only moves forward, and what counts is by how much this node is ahead of more than half of them.
 */
/** A clock that was set by more than this is told anew. Judgements are about minutes. */
const CLOCK_SET_MS = 60_000;

export class Clocks {
  /** By how much each peer's wall clock was ahead of the clock here that only moves forward. */
  private readonly heard = new Map<NodeLink, number>();
  /** The one in the middle; undefined until it is looked for anew. */
  private middle: number | undefined;

  /** By how much the wall clock here was ahead of the one that only moves forward when others were told of it. */
  private told: number;
  /** It was ahead of the others' when it was last looked at, by so much that it is wrong. */
  private ahead = false;

  constructor(
    private readonly clock: Clock,
    private readonly aheadMsMax: number,
    private readonly logger: Logger,
  ) {
    this.told = this.ownMs();
  }

  /** Whether a master takes no writes because of it: its stamps would win over everybody's. */
  get isAhead(): boolean {
    return this.ahead;
  }

  /** Called a few times a second, and when somebody has come. */
  look(): void {
    const aheadMs = this.aheadMs() ?? 0;
    const wasAhead = this.ahead;
    this.ahead = aheadMs > this.aheadMsMax;
    if (this.ahead && !wasAhead) {
      this.logger.error("clock-ahead", { aheadMs, remedy: CODES.NODE_CLOCK_AHEAD.remedy });
    } else if (wasAhead && !this.ahead) this.logger.info("clock-right");
  }

  /**
   * Whether the clock here was set, or has drifted as far, since others were told what time it is here. They hear that in
   * greetings only, so they are greeted anew: a link may last for months.
   */
  wasSet(): boolean {
    const ownMs = this.ownMs();
    if (Math.abs(ownMs - this.told) <= CLOCK_SET_MS) return false;
    this.told = ownMs;
    return true;
  }

  /** A peer has said what time it is there. */
  hear(link: NodeLink): void {
    const { clockMs } = link.peer;
    if (clockMs === undefined) return;
    this.heard.set(link, clockMs - this.clock.monotonic());
    this.middle = undefined;
  }

  lost(link: NodeLink): void {
    if (this.heard.delete(link)) this.middle = undefined;
  }

  /** Milliseconds, negative when it is behind; undefined when no other clock is known. */
  aheadMs(): number | undefined {
    this.middle ??= this.findMiddle();
    return this.middle === undefined ? undefined : this.ownMs() - this.middle;
  }

  /**
   * How far this node is behind more than half of those that it hears; undefined as long as it hears no more than half of so
   * many others. Of two clocks that differ nobody can say which is wrong: the one that is ahead is taken for it, because only
   * it does harm.
   */
  behindMs(others: number): number | undefined {
    const offsets = this.offsets().sort((a, b) => b - a);
    if (offsets.length * 2 <= others) return undefined;
    const [one = 0] = offsets.slice(Math.floor(offsets.length / 2));
    return offsets.length < 2 ? 0 : Math.max(0, one - this.ownMs());
  }

  private ownMs(): number {
    return this.clock.now() - this.clock.monotonic();
  }

  private findMiddle(): number | undefined {
    const offsets = this.offsets();
    return offsets.sort((a, b) => a - b)[Math.floor(offsets.length / 2)];
  }

  /** Of a node that is linked twice its later word. */
  private offsets(): number[] {
    const byName = new Map<string, number>();
    for (const [link, ms] of this.heard) byName.set(link.peer.name, ms);
    return [...byName.values()];
  }
}
