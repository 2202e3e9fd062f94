import type { Clock } from "../ports.js";

/**
 * A client's wall clock, which may be wrong by years, corrected by what the last server said in its greeting.
 *
 * Where the two differ by no more than the bound, the device is right about its own time. Beyond it the server's time
 * counts, carried on by the clock that only moves forward, so that a clock that is set later is noticed, too.
 */
export class WallClock {
  #heard: { readonly ms: number; readonly at: number } | undefined;

  readonly #clock: Clock;
  readonly #differenceMsMax: number;

  constructor(clock: Clock, differenceMsMax: number) {
    this.#clock = clock;
    this.#differenceMsMax = differenceMsMax;
  }

  /** A server has said what time it is there. */
  hear(serverMs: number): void {
    this.#heard = { ms: serverMs, at: this.#clock.monotonic() };
  }

  now(): number {
    const own = this.#clock.now();
    if (this.#heard === undefined) return own;
    const servers = this.#heard.ms + this.#clock.monotonic() - this.#heard.at;
    return Math.abs(servers - own) > this.#differenceMsMax ? servers : own;
  }
}
