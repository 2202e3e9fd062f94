/**
 * Where in a list something goes: its parent in the tree of positions, on which side, and what stood to its right.
 *
 * This is FugueMax (Weidner and Kleppmann, "The Art of the Fugue", arXiv 2305.00583). The order of a list is the order
 * in which its tree is walked: left children, the position, right children. A right child names its *origin*, what
 * stood to the right of it when it was made, because that decides between siblings. What a run of inserts has in
 * common takes no bytes: each is the right child of the one before, with the same origin.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import { compareDots } from "./dots.js";
import type { Author, Dot } from "./ids.js";

/** A place in the tree of positions. */
export interface Place {
  /** Undefined for the beginning of the list, which has right children only. */
  readonly parent: Dot | undefined;
  readonly side: "left" | "right";
  /**
   * What stood to the right: a position, nothing (`end`), or the *same* as to the right of the parent, which of a left
   * child is its own parent, and of the beginning the end. Left children always have `same`.
   */
  readonly origin: Dot | "end" | "same";
}

/** In how many ways a place is written. */
export const PLACE_FORMS = 7;

/** The one way to write a place. @param last what most places follow. */
export function formOf({ parent, side, origin }: Place, last: Dot | undefined): number {
  if (parent === undefined) return origin === "same" ? FORM.begin : FORM.beginBefore;
  if (side === "left") return FORM.left;
  if (origin === "end") return FORM.rightAtEnd;
  if (origin !== "same") return FORM.rightBefore;
  return last !== undefined && compareDots(parent, last) === 0 ? FORM.next : FORM.right;
}

/** Writes what the form does not say. */
export function writePlace(out: ByteWriter, place: Place, form: number, authors: AuthorTable): void {
  if (form !== FORM.next && place.parent !== undefined) authors.writeDot(out, place.parent);
  if (typeof place.origin === "object") authors.writeDot(out, place.origin);
}

/** @param last what most places follow, undefined if there is none. */
export function readPlace(
  input: ByteReader,
  form: number,
  last: Dot | undefined,
  authors: AuthorTable,
): Place {
  const at = input.offset;
  switch (form) {
    case FORM.next:
      return { parent: last ?? input.fail("nothing to follow", at), side: "right", origin: "same" };
    case FORM.begin:
      return { parent: undefined, side: "right", origin: "same" };
    case FORM.beginBefore:
      return { parent: undefined, side: "right", origin: authors.readDot(input) };
    case FORM.left:
      return { parent: authors.readDot(input), side: "left", origin: "same" };
    case FORM.rightAtEnd:
      return { parent: authors.readDot(input), side: "right", origin: "end" };
    case FORM.rightBefore:
      return { parent: authors.readDot(input), side: "right", origin: authors.readDot(input) };
    default: {
      const parent = authors.readDot(input);
      if (last !== undefined && compareDots(parent, last) === 0)
        input.fail("a place longer than it needs", at);
      return { parent, side: "right", origin: "same" };
    }
  }
}

/** Names what a place speaks of. */
export function mentionsOf(
  { parent, origin }: Place,
  visit: (author: Author, counter: number) => void,
): void {
  if (parent !== undefined) visit(parent.author, parent.counter);
  if (typeof origin === "object") visit(origin.author, origin.counter);
}

// On the wire for ever.
const FORM = { next: 0, begin: 1, right: 2, rightBefore: 3, beginBefore: 4, left: 5, rightAtEnd: 6 } as const;
