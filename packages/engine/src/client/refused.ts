import type { Change } from "@syncline/core";

/**
 * The dots of one document that a final refusal has made impossible.
 *
 * An author's dots have no gaps, so with a refused change all that its author made later in the document is
 * impossible too, and so is every change that observed one of those. A change that follows none of them may have been
 * accepted somewhere, and must stay as it is.
 */
export class RefusedDots {
  /** By author, the first dot that will never exist. */
  readonly #from = new Map<number, number>();

  constructor(refused: Iterable<{ readonly change: Change }>) {
    for (const { change } of refused) this.add(change);
  }

  add({ author, first }: Change): void {
    this.#from.set(author, Math.min(first, this.#from.get(author) ?? first));
  }

  /** Whether the change builds on one of these dots. */
  precede({ author, first, observed }: Change): boolean {
    return this.#has(author, first) || observed.some((dot) => this.#has(dot.author, dot.counter));
  }

  #has(author: number, counter: number): boolean {
    return counter >= (this.#from.get(author) ?? Number.POSITIVE_INFINITY);
  }
}
