/**
 * A document's heads: the last changes that no change held here has observed, one per author at most.
 *
 * They are what a new change must name to have named everything before it, because whatever else was seen is
 * observed by one of them, directly or not. Kept along with each change, they cost no search; and they are a
 * function of which changes are held, so op form and state form agree on them.
 */
import type { ChangeHead } from "./change.js";
import { hasSeen, type Seen } from "./dots.js";
import type { Author, Dot } from "./ids.js";

/** Author to the counter of the head's last op. The map's order is the order of application. */
export type Frontier = Map<Author, number>;

/** Takes note of a change that is applied now. O(observed). */
export function advance(heads: Frontier, change: Pick<ChangeHead, "author" | "last" | "observed">): void {
  for (const { author, counter } of change.observed) {
    const head = heads.get(author);
    if (head !== undefined && head <= counter) heads.delete(author);
  }
  // To be the last one of the map.
  if (heads.size > 1) heads.delete(change.author);
  heads.set(change.author, change.last);
}

/** Joins like dots: a head stays if both have it, or if the other side has not seen it. */
export function joinHeads(heads: Frontier, seen: Seen, others: Frontier, othersSeen: Seen): void {
  // Only heads of authors whom the other side knows can be gone, and of many heads these are mostly few.
  for (const author of (othersSeen.size < heads.size ? othersSeen : heads).keys()) {
    const counter = heads.get(author);
    if (counter === undefined || others.get(author) === counter) continue;
    if (hasSeen(othersSeen, { author, counter })) heads.delete(author);
  }
  for (const [author, counter] of others) {
    if (!hasSeen(seen, { author, counter })) heads.set(author, counter);
  }
}

/** The heads of other authors, the latest applied if there are more than `max`. Ascending by author. */
export function newestHeads(heads: Frontier, except: Author, max: number): Dot[] {
  if (heads.size === 0 || (heads.size === 1 && heads.has(except))) return [];
  const dots: Dot[] = [];
  for (const [author, counter] of heads) if (author !== except) dots.push({ author, counter });
  return dots.slice(-max).sort((a, b) => a.author - b.author);
}
