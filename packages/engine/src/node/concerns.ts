import type { Vector } from "@syncline/core";
import { type Fault, fault, type Quorum, ruleText } from "@syncline/protocol";
import type { Scheduler } from "../ports.js";
import type { Commits } from "./commit.js";

/**
 * Those who wait until a quorum has something: writers with a concern of their own, readers of what a majority has.
 *
 * A concern only decides when its caller is answered; nothing is replicated or shown any differently for it.
 */
interface Waiting {
  readonly vector: Vector;
  readonly quorum: Quorum;
  readonly answer: (failed: Fault | undefined) => void;
}

export class Concerns {
  private readonly waiting = new Set<Waiting>();
  /** Of them, those that wait for no longer than they have said. */
  private timed = 0;

  constructor(
    private readonly commits: Commits,
    private readonly scheduler: Scheduler,
    private readonly waitingMax: number,
    /** Why what the vector names will never be had by anybody; undefined if it may be. */
    private readonly objection: (vector: Vector) => string | undefined,
  ) {}

  /** Calls back once, when it holds; not from within this call. Returns a function that ends the waiting. */
  wait(vector: Vector, quorum: Quorum, answer: Waiting["answer"]): () => void {
    const waiting = { vector, quorum, answer };
    this.waiting.add(waiting);
    return () => this.waiting.delete(waiting);
  }

  /** Calls back once: when a quorum has everything up to this vector, or when the wait is over. */
  whenHeld(vector: Vector, quorum: Quorum, waitMs: number, answer: Waiting["answer"]): void {
    if (this.timed >= this.waitingMax) {
      answer(fault("OVERLOADED", `more than ${this.waitingMax} wait for a quorum`));
      return;
    }
    this.timed += 1;
    const settled = (failed: Fault | undefined) => {
      this.timed -= 1;
      stopWaiting();
      stopTimer();
      answer(failed);
    };
    const stopWaiting = this.wait(vector, quorum, settled);
    const stopTimer = this.scheduler.after(waitMs, () => {
      settled(fault("QUORUM_WAIT_TIMEOUT", `not at ${ruleText(quorum)} within ${waitMs} ms`));
    });
  }

  /** Answers those for whom it holds by now. */
  settle(): void {
    for (const waiting of this.waiting) {
      if (!this.commits.holds(waiting.vector, waiting.quorum)) continue;
      this.waiting.delete(waiting);
      waiting.answer(undefined);
    }
  }

  /** A stream was closed: who waits for more of it waits in vain. */
  closed(): void {
    for (const waiting of this.waiting) {
      const never = this.objection(waiting.vector);
      if (never === undefined) continue;
      this.waiting.delete(waiting);
      waiting.answer(fault("INVALID_TOKEN", never));
    }
  }

  /** The node stops, or its disk has failed: nobody waits any longer. */
  stop(why: Fault): void {
    for (const waiting of this.waiting) {
      this.waiting.delete(waiting);
      waiting.answer(why);
    }
  }
}
