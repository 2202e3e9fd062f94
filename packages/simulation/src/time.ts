import type { Clock, Scheduler } from "@syncline/engine";

/** More tasks than this at one moment are a timer that begins again without letting time pass. */
const TASKS_AT_ONCE_MAX = 100_000;

/**
 * Virtual time: a queue of tasks by due time. Time stands still while a task runs and then jumps to the next one.
 *
 * A turn is one task; what it put off with `turn` runs right after it, before time moves.
 */
export class VirtualTime implements Scheduler {
  private nowMs = 0;
  /** Tasks that have run since time moved last. */
  private tasksNow = 0;
  private order = 0;
  private readonly heap: Task[] = [];
  private turns: (() => void)[] = [];

  /** Milliseconds since the world began. */
  get now(): number {
    return this.nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const task: Task = { due: this.nowMs + Math.max(0, delayMs), order: this.order++, run };
    this.push(task);
    return () => {
      task.run = undefined;
    };
  }

  turn(run: () => void): void {
    this.turns.push(run);
  }

  /** Runs everything that is due within the next `ms` milliseconds, and lets them pass. */
  pass(ms: number): void {
    const until = this.nowMs + ms;
    this.endTurn();
    for (let task = this.heap[0]; task !== undefined && task.due <= until; task = this.heap[0]) this.step();
    this.nowMs = until;
  }

  /** Runs the next task. Returns false if there is none. */
  step(): boolean {
    this.endTurn();
    const task = this.pop();
    if (task === undefined) return false;
    if (task.due > this.nowMs) {
      this.nowMs = task.due;
      this.tasksNow = 0;
    } else if (++this.tasksNow > TASKS_AT_ONCE_MAX) {
      throw new Error(
        `time stands still at ${this.nowMs}: who waits must not wait for nothing again and again`,
      );
    }
    task.run?.();
    this.endTurn();
    return true;
  }

  private endTurn(): void {
    while (this.turns.length > 0) {
      const turns = this.turns;
      this.turns = [];
      for (const run of turns) run();
    }
  }

  private push(task: Task): void {
    const { heap } = this;
    heap.push(task);
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(task, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = task;
  }

  private pop(): Task | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

interface Task {
  readonly due: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const isBefore = (a: Task, b: Task): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);

/**
 * One process's share of virtual time: when the process is killed, nothing of it runs any more.
 * Its wall clock may be wrong by `skewMs`.
 */
export class ProcessTime implements Scheduler, Clock {
  alive = true;
  skewMs = 0;
  /** Milliseconds that the wall clock gains in each second. */
  driftMsPerSecond = 0;
  /** Until then the process stands still: whatever is due waits (SIGSTOP, a long garbage collection). */
  pausedUntil = 0;
  /** How often it has run: as long as this is the same, so is all that it has. */
  runs = 0;

  constructor(
    private readonly time: VirtualTime,
    /** What the process threw: it ends by that. Thrown on where this is missing. */
    private readonly crashed?: (error: unknown) => void,
  ) {}

  after(delayMs: number, task: () => void): () => void {
    return this.time.after(delayMs, () => this.run(task));
  }

  turn(task: () => void): void {
    this.time.turn(() => this.run(task));
  }

  now(): number {
    return WORLD_BEGAN_MS + this.time.now + this.skewMs + (this.driftMsPerSecond * this.time.now) / 1000;
  }

  monotonic(): number {
    return this.time.now;
  }

  /** Runs something on behalf of the process: not when it is dead, later when it is paused. */
  run(task: () => void): void {
    if (!this.alive) return;
    if (this.pausedUntil > this.time.now) {
      this.time.after(this.pausedUntil - this.time.now, () => this.run(task));
      return;
    }
    this.runs += 1;
    try {
      task();
    } catch (error) {
      if (this.crashed === undefined) throw error;
      this.crashed(error);
    }
  }
}

/** The wall-clock time at which every simulated world begins. */
export const WORLD_BEGAN_MS = Date.UTC(2026, 0, 1);
