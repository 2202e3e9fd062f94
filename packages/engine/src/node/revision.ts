/**
 * A number that moves with each change of something, so that nobody has to look at what has not changed.
 *
 * Most parts of a node are asked every turn and have nothing to do in most of them. A part remembers the revisions of
 * what it looks at, and looks again when one has moved. Whoever owns the data moves the number where the data is
 * written, and nowhere else can it be written: a change cannot be made and not told.
 */
export class Revision {
  private count = 1;

  get number(): number {
    return this.count;
  }

  next(): number {
    return ++this.count;
  }

  hasMoved(since: number | undefined): boolean {
    return since !== this.count;
  }
}

/** Tells whether any of these has moved since it was last asked. */
export class Watch {
  private seen = 0;

  constructor(private readonly revisions: readonly { readonly number: number }[]) {}

  hasMoved(): boolean {
    // They only grow, so the sum stays what it was only if each did.
    let sum = 0;
    for (const { number } of this.revisions) sum += number;
    if (sum === this.seen) return false;
    this.seen = sum;
    return true;
  }
}
