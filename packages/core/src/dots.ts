/**
 * Sets of dots and what a replica has seen.
 *
 * A dot set is a small sorted array that nobody changes: whoever adds or removes makes a new one. That makes undo a
 * matter of keeping the old one, and lets states share them. What a replica has seen is one number per author,
 * because ops of an author arrive without gaps; it tells "removed" from "not seen yet" when two states are joined.
 */
import type { Author, Dot } from "./ids.js";

/** Sorted by author, then counter; no dot twice. */
export type Dots = readonly Dot[];

/** Greatest counter held of each author. Absent means none. */
export type Seen = ReadonlyMap<Author, number>;

export const NO_DOTS: Dots = Object.freeze([]);

export function compareDots(a: Dot, b: Dot): number {
  return a.author === b.author ? a.counter - b.counter : a.author - b.author;
}

export function hasSeen(seen: Seen, dot: Dot): boolean {
  return (seen.get(dot.author) ?? 0) >= dot.counter;
}

/** O(log |dots|). */
export function hasDot(dots: Dots, dot: Dot): boolean {
  let low = 0;
  let high = dots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareDots(dots[middle]!, dot) < 0) low = middle + 1;
    else high = middle;
  }
  return low < dots.length && compareDots(dots[low]!, dot) === 0;
}

export function dotsBy(author: Author, dots: Dots): Dots {
  return dots.filter((dot) => dot.author === author);
}

/** O(|dots|). */
export function plusDot(dots: Dots, dot: Dot): Dots {
  if (dots.length === 0) return [dot];
  return [...dots, dot].sort(compareDots);
}

/** O(|dots| + |removed|). */
export function withoutDots(dots: Dots, removed: Dots): Dots {
  if (removed.length === 0 || dots.length === 0) return dots;
  let at = 0;
  return dots.filter((dot) => {
    while (at < removed.length && compareDots(removed[at]!, dot) < 0) at++;
    return at === removed.length || compareDots(removed[at]!, dot) !== 0;
  });
}

/** One dot for each author: his greatest. O(n log n). */
export function greatestPerAuthor(dots: Iterable<Dot>): Dots {
  const greatest = new Map<Author, number>();
  for (const { author, counter } of dots) {
    greatest.set(author, Math.max(counter, greatest.get(author) ?? 0));
  }
  return [...greatest].sort(([a], [b]) => a - b).map(([author, counter]) => ({ author, counter }));
}

/** The dots above one counter per author. O(|dots| * log |upTo|). */
export function beyond(dots: Dots, upTo: Dots): Dots {
  const kept = dots.filter(({ author, counter }) => counter > counterOf(upTo, author));
  return kept.length === dots.length ? dots : kept;
}

/** The counter of an author of whom there is one dot at most, 0 if none. */
function counterOf(dots: Dots, author: Author): number {
  let low = 0;
  let high = dots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (dots[middle]!.author < author) low = middle + 1;
    else high = middle;
  }
  const found = dots[low];
  return found?.author === author ? found.counter : 0;
}

/**
 * The join of two dot sets with their contexts: a dot stays if both have it, or if one has it and the other has not
 * seen it yet. A dot that the other side has seen and no longer has was removed there.
 */
export function joinDots(mine: Dots, mineSeen: Seen, theirs: Dots, theirsSeen: Seen): Dots {
  if (theirs.length === 0 && (theirsSeen.size === 0 || mine.length === 0)) return mine;
  if (mine.length === 0 && mineSeen.size === 0) return theirs;
  const kept = mine.filter((dot) => !hasSeen(theirsSeen, dot) || hasDot(theirs, dot));
  for (const dot of theirs) if (!hasSeen(mineSeen, dot)) kept.push(dot);
  return kept.sort(compareDots);
}
