/**
 * Timers that keep their order.
 *
 * The platform's own run those of equal length in order but not those of different lengths when they are late, may fire
 * a little early, and take a delay above 24 days for none at all. So all timers stand in one heap by their due time, and
 * a single timer of the platform is set for the first. Setting and cancelling take O(log n).
 */
export class Timers {
  readonly #monotonic: () => number;
  /** A heap: no entry is due after its children, at 2i + 1 and 2i + 2. */
  readonly #heap: Timer[] = [];
  #made = 0;
  #platform: ReturnType<typeof setTimeout> | undefined;
  /** When the platform's timer fires. */
  #platformDue = Number.POSITIVE_INFINITY;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Runs `task` once, not before `delayMs` have passed. Returns a function that cancels it. */
  after(delayMs: number, task: () => void): () => void {
    const timer: Timer = {
      due: this.#monotonic() + Math.max(0, delayMs),
      number: this.#made++,
      task,
      index: this.#heap.length,
    };
    this.#heap.push(timer);
    this.#rise(timer);
    this.#setPlatform();
    return () => {
      if (timer.index < 0) return;
      this.#remove(timer);
      // An idle process may end. Else the platform's timer stays: at worst it fires for nothing, once.
      if (this.#heap.length === 0) this.#clearPlatform();
    };
  }

  /** Runs what is due, in order; what is added meanwhile waits for the next time, however short its delay. */
  #run(): void {
    this.#platform = undefined;
    this.#platformDue = Number.POSITIVE_INFINITY;
    const now = this.#monotonic();
    const madeBefore = this.#made;
    try {
      for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
        if (first.due > now || first.number >= madeBefore) break;
        this.#remove(first);
        first.task();
      }
    } finally {
      this.#setPlatform();
    }
  }

  #setPlatform(): void {
    const first = this.#heap[0];
    if (first === undefined || first.due >= this.#platformDue) return;
    this.#clearPlatform();
    this.#platformDue = first.due;
    const delayMs = Math.min(Math.ceil(first.due - this.#monotonic()), PLATFORM_MS_MAX);
    this.#platform = setTimeout(() => this.#run(), Math.max(0, delayMs));
  }

  #clearPlatform(): void {
    clearTimeout(this.#platform);
    this.#platform = undefined;
    this.#platformDue = Number.POSITIVE_INFINITY;
  }

  #remove(timer: Timer): void {
    const last = this.#heap.pop();
    if (last !== undefined && last !== timer) {
      this.#place(last, timer.index);
      this.#rise(last);
      this.#sink(last);
    }
    timer.index = -1;
  }

  #rise(timer: Timer): void {
    for (;;) {
      const above = this.#heap[(timer.index - 1) >> 1];
      if (above === undefined || !isBefore(timer, above)) return;
      this.#swap(timer, above);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const left = this.#heap[2 * timer.index + 1];
      const right = this.#heap[2 * timer.index + 2];
      const below = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (below === undefined || !isBefore(below, timer)) return;
      this.#swap(timer, below);
    }
  }

  #swap(a: Timer, b: Timer): void {
    const index = a.index;
    this.#place(a, b.index);
    this.#place(b, index);
  }

  #place(timer: Timer, index: number): void {
    this.#heap[index] = timer;
    timer.index = index;
  }
}

interface Timer {
  readonly due: number;
  /** Breaks ties: first set, first run. */
  readonly number: number;
  readonly task: () => void;
  /** Its place in the heap; -1 when it is there no more. */
  index: number;
}

/** More makes platforms fire at once. A timer beyond it is set again when this has passed. */
const PLATFORM_MS_MAX = 2 ** 31 - 1;

const isBefore = (a: Timer, b: Timer): boolean => a.due < b.due || (a.due === b.due && a.number < b.number);
