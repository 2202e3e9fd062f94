/**
 * A hybrid clock: stamps that follow the wall clock where it can be trusted, and causality everywhere.
 *
 * A stamp is one double: milliseconds since 2024 in 41 bits, then a counter in 12. Its maker's next stamp is always
 * greater than any it has made or seen, so a write that follows another one wins. A peer whose clock is years ahead
 * must not drag everybody along: stamps beyond the drift bound are ignored here, and those that this clock has made
 * itself while it was wrong are forgotten once it is set right. (A causally later write wins all the same, because it
 * replaces what it observed.)
 */

/** (milliseconds since 2024-01-01T00:00Z) * 4096 + counter. Compares as a number. */
export type Stamp = number;

/** Where stamps begin: 2024-01-01T00:00Z, in milliseconds since 1970. */
export const STAMP_EPOCH_MS: number = Date.UTC(2024, 0, 1);
const COUNTERS_PER_MS = 4096;

/** The wall-clock time of a stamp, in milliseconds since 1970. */
export function stampMs(stamp: Stamp): number {
  return Math.floor(stamp / COUNTERS_PER_MS) + STAMP_EPOCH_MS;
}

/** Makes stamps that follow the wall clock and causality. */
export class HybridClock {
  readonly #now: () => number;
  readonly #driftMsMax: number;
  #last: Stamp = 0;

  /** @param now wall-clock milliseconds since 1970; may jump. @param driftMsMax how far ahead others may be. */
  constructor(now: () => number, driftMsMax = 300_000) {
    this.#now = now;
    this.#driftMsMax = driftMsMax;
  }

  /** A stamp strictly greater than every one made here or observed within the drift bound. */
  next(): Stamp {
    const now = this.#now();
    // Who has heard of the greatest stamp there may be goes on from it: a millisecond's worth beyond is no clock set right.
    const last = this.#last > this.#limit(now) + COUNTERS_PER_MS ? 0 : this.#last;
    // A millisecond's 4096 counters used up, the sum carries into the next millisecond by itself.
    this.#last = Math.max(last + 1, firstStampOf(now));
    return this.#last;
  }

  /** Takes note of a stamp from elsewhere. One that is further ahead than the drift bound is ignored. */
  observe(stamp: Stamp): void {
    if (stamp <= this.#limit(this.#now())) this.#last = Math.max(this.#last, stamp);
  }

  /** The greatest stamp that is not too far ahead. */
  #limit(now: number): Stamp {
    return firstStampOf(now + this.#driftMsMax) + COUNTERS_PER_MS - 1;
  }
}

function firstStampOf(ms: number): Stamp {
  return Math.max(0, Math.floor(ms) - STAMP_EPOCH_MS) * COUNTERS_PER_MS;
}
