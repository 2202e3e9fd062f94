/**
 * Tells when a queue has drained: to a quarter of what it was at most, or to zero.
 *
 * After a quarter is reached, what is left counts as the new maximum, so a queue that empties slowly is reported a few
 * times, and one that is empty always.
 */
export class DrainGauge {
  #peak = 0;

  /** The queue has grown to `queued`. */
  grew(queued: number): void {
    this.#peak = Math.max(this.#peak, queued);
  }

  /** Whether a queue that has shrunk to `queued` has drained. */
  hasDrained(queued: number): boolean {
    if (this.#peak === 0 || queued > this.#peak / 4) return false;
    this.#peak = queued;
    return true;
  }
}
