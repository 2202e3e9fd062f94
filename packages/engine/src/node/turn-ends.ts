import type { Scheduler } from "../ports.js";

/**
 * A scheduler for the links of a node: what they want done at the end of a turn is done as soon as the node has settled
 * that turn, where that is under way.
 *
 * What a turn sends is made while it is settled, at its end. Links that wrote it in a turn of their own would each have
 * everybody wait for another round of the event loop.
 */
export class TurnEnds implements Scheduler {
  private waiting: (() => void)[] | undefined;

  constructor(private readonly scheduler: Scheduler) {}

  after(delayMs: number, task: () => void): () => void {
    return this.scheduler.after(delayMs, task);
  }

  turn(task: () => void): void {
    if (this.waiting === undefined) this.scheduler.turn(task);
    else this.waiting.push(task);
  }

  /** Settles, then does what links have asked for meanwhile. */
  during(settle: () => void): void {
    if (this.waiting !== undefined) {
      settle();
      return;
    }
    this.waiting = [];
    settle();
    const { waiting } = this;
    this.waiting = undefined;
    for (const task of waiting) task();
  }

  /** Does at once what links have asked for so far: what follows in this turn is nothing that they wait for. */
  sent(): void {
    const { waiting } = this;
    if (waiting === undefined || waiting.length === 0) return;
    this.waiting = [];
    for (const task of waiting) task();
  }
}
