/**
 * The positions of a list: a tree that only grows, and the order in which it is walked.
 *
 * Every insert and every move makes a position, and none is ever let go of: somebody who has not heard that its element
 * is gone may put something beside it at any time, and only a proof that everybody has heard would rule that out. So a
 * position is small: a few numbers in columns, and in a state what a run of positions has in common is written once.
 *
 * Left siblings are in the order of their dots; right siblings have those with the rightmost origin first, then the order
 * of their dots (FugueMax). Origins and parents are there before what names them and never change their order, so
 * neither do siblings, and the order is a function of the positions alone.
 *
 * A position whose parent or origin is none of this list's is not made. Only who lies names such a one; and since both
 * are there with everybody or with nobody when the op is applied, everybody leaves it out.
 */
import { compareDots } from "./dots.js";
import type { Author, Dot } from "./ids.js";
import type { Place } from "./place.js";
import { Sequence } from "./sequence.js";

/** Stands for the beginning where a parent is meant, for the end where an origin is, and for none anywhere else. */
export const NONE = -1;

/** The index of a position in the columns. */
export type Position = number;

export class Positions {
  readonly order = new Sequence();
  readonly #authors: Author[] = [];
  readonly #counters: number[] = [];
  readonly #parents: Position[] = [];
  readonly #isLeft: boolean[] = [];
  readonly #origins: Position[] = [];
  /** The children of each, in order: the first of a side, and the next one on the same side. */
  readonly #firstLeft: Position[] = [];
  readonly #firstRight: Position[] = [];
  readonly #nextSibling: Position[] = [];
  #firstOfAll: Position = NONE;
  /** Of each author, by ascending counter. */
  readonly #byAuthor = new Map<Author, { counters: number[]; positions: Position[] }>();

  /** How many there are. */
  get count(): number {
    return this.#authors.length;
  }

  dotOf(position: Position): Dot {
    return { author: this.#authors[position]!, counter: this.#counters[position]! };
  }

  /** NONE if it is not there. O(log n). */
  find({ author, counter }: Dot): Position {
    const of = this.#byAuthor.get(author);
    if (of === undefined) return NONE;
    const at = lowerBound(of.counters, counter);
    return of.counters[at] === counter ? of.positions[at]! : NONE;
  }

  /** The place of what is to stand directly to the right of a position, of the beginning if NONE. */
  after(left: Position): Place {
    const right = this.order.next(left);
    // What has right children already has what follows it for one of their descendants, which has no left child.
    if (this.#firstChild(left, false) !== NONE) {
      return { parent: this.dotOf(right), side: "left", origin: "same" };
    }
    const parent = left === NONE ? undefined : this.dotOf(left);
    return { parent, side: "right", origin: this.#originAsWritten(left, right) };
  }

  /** Where a position was put. */
  placeOf(position: Position): Place {
    const parent = this.#parents[position]!;
    return {
      parent: parent === NONE ? undefined : this.dotOf(parent),
      side: this.#isLeft[position]! ? "left" : "right",
      origin: this.#isLeft[position]! ? "same" : this.#originAsWritten(parent, this.#origins[position]!),
    };
  }

  /**
   * Makes a position; NONE if it cannot be. O(log n), and where people put things into one place at the same time, as
   * many steps as there are of theirs there.
   */
  add(dot: Dot, place: Place): Position {
    const parent = place.parent === undefined ? NONE : this.find(place.parent);
    if (parent === NONE && place.parent !== undefined) return NONE;
    const origin = typeof place.origin === "object" ? this.find(place.origin) : NONE;
    if (origin === NONE && typeof place.origin === "object") return NONE;
    return this.#add(
      dot,
      parent,
      place.side === "left",
      place.origin === "same" ? this.#rightOf(parent) : origin,
    );
  }

  /** Takes back what was made last. O(log n). */
  removeLast(): void {
    const position = this.count - 1;
    const parent = this.#parents[position]!;
    const isLeft = this.#isLeft[position]!;
    const next = this.#nextSibling[position]!;
    let before = this.#firstChild(parent, isLeft);
    if (before === position) this.#setFirstChild(parent, isLeft, next);
    else {
      while (this.#nextSibling[before] !== position) before = this.#nextSibling[before]!;
      this.#nextSibling[before] = next;
    }
    const of = this.#byAuthor.get(this.#authors[position]!)!;
    const at = lowerBound(of.counters, this.#counters[position]!);
    of.counters.splice(at, 1);
    of.positions.splice(at, 1);
    if (of.counters.length === 0) this.#byAuthor.delete(this.#authors[position]!);
    this.order.removeLast(position);
    for (const column of this.#columns()) column.pop();
  }

  /** Makes those of another list that are missing; gives, for each of the other's, the one here. O(m log n). */
  join(from: Positions): Position[] {
    const here: Position[] = [];
    const at = (position: Position): Position => (position === NONE ? NONE : here[position]!);
    for (let position = 0; position < from.count; position++) {
      const dot = from.dotOf(position);
      const found = this.find(dot);
      here.push(
        found === NONE
          ? this.#add(
              dot,
              at(from.#parents[position]!),
              from.#isLeft[position]!,
              at(from.#origins[position]!),
            )
          : found,
      );
    }
    return here;
  }

  #add(dot: Dot, parent: Position, isLeft: boolean, origin: Position): Position {
    const position = this.count;
    let before = NONE;
    let after = this.#firstChild(parent, isLeft);
    while (after !== NONE && this.#comesBefore(after, dot, isLeft, origin)) {
      before = after;
      after = this.#nextSibling[after]!;
    }
    this.order.insertAfter(position, this.#neighbour(parent, isLeft, before, after));
    this.#authors.push(dot.author);
    this.#counters.push(dot.counter);
    this.#parents.push(parent);
    this.#isLeft.push(isLeft);
    this.#origins.push(origin);
    this.#firstLeft.push(NONE);
    this.#firstRight.push(NONE);
    this.#nextSibling.push(after);
    if (before === NONE) this.#setFirstChild(parent, isLeft, position);
    else this.#nextSibling[before] = position;
    this.#index(dot, position);
    return position;
  }

  /** True if a sibling stands before one with this dot and origin. */
  #comesBefore(sibling: Position, dot: Dot, isLeft: boolean, origin: Position): boolean {
    const theirs = this.#origins[sibling]!;
    if (!isLeft && theirs !== origin) {
      if (theirs === NONE || origin === NONE) return theirs === NONE;
      return this.order.compare(theirs, origin) > 0;
    }
    return compareDots(this.dotOf(sibling), dot) < 0;
  }

  /** What stands directly to the left of a new child between two siblings, NONE for the beginning. */
  #neighbour(parent: Position, isLeft: boolean, before: Position, after: Position): Position {
    if (before !== NONE) return this.#lastWithin(before);
    if (!isLeft) return parent;
    return this.order.previous(after === NONE ? parent : this.#firstWithin(after));
  }

  #lastWithin(position: Position): Position {
    let last = position;
    for (let child = this.#firstRight[last]!; child !== NONE; child = this.#firstRight[last]!) {
      while (this.#nextSibling[child] !== NONE) child = this.#nextSibling[child]!;
      last = child;
    }
    return last;
  }

  #firstWithin(position: Position): Position {
    let first = position;
    while (this.#firstLeft[first] !== NONE) first = this.#firstLeft[first]!;
    return first;
  }

  /** What stood to the right of a position when it was made, NONE for the end. */
  #rightOf(position: Position): Position {
    if (position === NONE) return NONE;
    return this.#isLeft[position]! ? this.#parents[position]! : this.#origins[position]!;
  }

  #originAsWritten(parent: Position, origin: Position): Place["origin"] {
    if (origin === this.#rightOf(parent)) return "same";
    return origin === NONE ? "end" : this.dotOf(origin);
  }

  #firstChild(parent: Position, isLeft: boolean): Position {
    if (parent === NONE) return this.#firstOfAll;
    return (isLeft ? this.#firstLeft : this.#firstRight)[parent]!;
  }

  #setFirstChild(parent: Position, isLeft: boolean, child: Position): void {
    if (parent === NONE) this.#firstOfAll = child;
    else (isLeft ? this.#firstLeft : this.#firstRight)[parent] = child;
  }

  #index({ author, counter }: Dot, position: Position): void {
    let of = this.#byAuthor.get(author);
    if (of === undefined) {
      of = { counters: [], positions: [] };
      this.#byAuthor.set(author, of);
    }
    // An author's ops come in their order, so this is nearly always the end.
    const at = lowerBound(of.counters, counter);
    of.counters.splice(at, 0, counter);
    of.positions.splice(at, 0, position);
  }

  #columns(): unknown[][] {
    return [
      this.#authors,
      this.#counters,
      this.#parents,
      this.#isLeft,
      this.#origins,
      this.#firstLeft,
      this.#firstRight,
      this.#nextSibling,
    ];
  }
}

/** The first place in an ascending column that is not below a value. */
function lowerBound(column: readonly number[], value: number): number {
  let low = 0;
  let high = column.length;
  if (high > 0 && column[high - 1]! < value) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
