/**
 * Ends of turns of an event loop: at the end of its round, after all sockets that had something have been read, so that
 * what has come at the same time is settled together.
 *
 * What comes alone has nothing to wait for. After a quiet while the first turn ends with the callback that has asked for
 * it, and does not wait for the rest of the round, which costs as much as settling a small change where nothing of it is
 * in the processor's caches. Turns end in the order in which they were asked for.
 */
export class Turns {
  #waiting = 0;
  /** When the last one was over. */
  #over = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly monotonic: () => number,
    /** After what is under way, before anything else. */
    private readonly next: (task: () => void) => void,
    /** At the end of the round. */
    private readonly atEnd: (task: () => void) => void,
  ) {}

  ask(task: () => void): void {
    const isAlone = this.#waiting === 0 && this.monotonic() - this.#over >= QUIET_MS;
    this.#waiting += 1;
    const run = () => {
      try {
        task();
      } finally {
        this.#waiting -= 1;
        this.#over = this.monotonic();
      }
    };
    if (isAlone) this.next(run);
    else this.atEnd(run);
  }
}

/** A loop with more to do than it can at once comes to its next turn sooner. */
const QUIET_MS = 1;
