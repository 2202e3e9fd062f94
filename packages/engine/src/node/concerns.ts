import type { Vector } from "@syncline/core";
import type { Fault, Quorum } from "@syncline/protocol";
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

  constructor(private readonly commits: Commits) {}

  /** Calls back once, when it holds; not from within this call. Returns a function that ends the waiting. */
  wait(vector: Vector, quorum: Quorum, answer: Waiting["answer"]): () => void {
    const waiting = { vector, quorum, answer };
    this.waiting.add(waiting);
    return () => this.waiting.delete(waiting);
  }

  /** Answers those for whom it holds by now. */
  settle(): void {
    for (const waiting of this.waiting) {
      if (!this.commits.holds(waiting.vector, waiting.quorum)) continue;
      this.waiting.delete(waiting);
      waiting.answer(undefined);
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
