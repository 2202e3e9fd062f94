import type { Clock } from "../ports.js";
import type { NodeLink } from "./peers.js";

/**
 * How far this node's wall clock is ahead of the others'.
 *
 * Stamps decide which of two concurrent writes to a register wins, so a master whose clock is ahead would win them all.
 * Nobody's clock is believed alone: each peer says in its greeting what time it is there, that time is carried on here by
 * the clock that only moves forward, and what counts is by how much this node is ahead of more than half of them.
 */
export class Clocks {
  private readonly heard = new Map<NodeLink, { readonly ms: number; readonly at: number }>();

  constructor(private readonly clock: Clock) {}

  /** A peer has said what time it is there. */
  hear(link: NodeLink): void {
    const { clockMs } = link.peer;
    if (clockMs !== undefined) this.heard.set(link, { ms: clockMs, at: this.clock.monotonic() });
  }

  lost(link: NodeLink): void {
    this.heard.delete(link);
  }

  /** Milliseconds, negative when it is behind; undefined when no other clock is known. */
  aheadMs(): number | undefined {
    const byName = new Map<string, number>();
    for (const [link, { ms, at }] of this.heard) {
      byName.set(link.peer.name, this.clock.now() - (ms + this.clock.monotonic() - at));
    }
    return [...byName.values()].sort((a, b) => b - a)[Math.floor(byName.size / 2)];
  }
}
