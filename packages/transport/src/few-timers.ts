/**
 * Timers that keep their order, where there are few of them at a time: in a page.
 *
 * They promise what `Timers` promises, for the same reasons, and stand in a list by their due times instead of a heap: a
 * page has some timers for each link and each write that is waited for, and ships less than half of the code.
 */
export class FewTimers {
  readonly #monotonic: () => number;
  /** The first due comes first, of those that are due together the first set. */
  #waiting: Timer[] = [];
  #platform: ReturnType<typeof setTimeout> | undefined;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Runs `task` once, not before `delayMs` have passed. Returns a function that cancels it. */
  after(delayMs: number, task: () => void): () => void {
    const timer = { due: this.#monotonic() + Math.max(0, delayMs), task };
    // Sorting is stable; two that are never due are equal.
    this.#waiting = [...this.#waiting, timer].sort((a, b) => a.due - b.due || 0);
    this.#setPlatform();
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== timer);
      this.#setPlatform();
    };
  }

  /** Runs what is due, in order; what is added meanwhile waits for the next time, however short its delay. */
  #run(): void {
    const now = this.#monotonic();
    const due = this.#waiting.filter((timer) => timer.due <= now);
    try {
      for (const timer of due) {
        // One before it may have cancelled it.
        if (!this.#waiting.includes(timer)) continue;
        this.#waiting = this.#waiting.filter((other) => other !== timer);
        timer.task();
      }
    } finally {
      this.#setPlatform();
    }
  }

  #setPlatform(): void {
    clearTimeout(this.#platform);
    const [first] = this.#waiting;
    if (first === undefined) return;
    const delayMs = Math.ceil(first.due - this.#monotonic());
    this.#platform = setTimeout(() => this.#run(), Math.min(Math.max(0, delayMs), PLATFORM_MS_MAX));
  }
}

interface Timer {
  readonly due: number;
  readonly task: () => void;
}

/** More makes platforms fire at once. A timer beyond it is set again when this has passed. */
const PLATFORM_MS_MAX = 2 ** 31 - 1;
