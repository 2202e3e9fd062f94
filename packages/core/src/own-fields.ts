/**
 * Fields that a document keeps for itself, beside those of its users: whether it is deleted, and what was lost when
 * somebody resolved a conflict. They are fields like all others, so they replicate, merge and are kept like data; their
 * names begin with a ~, and nothing shows them.
 *
 * **Deleting** is a write to the register `~deleted`: while it holds anything, the document shows nothing. It says what
 * its maker had seen, so everybody finds the same writes that were made at the same time and are hidden by it. Who
 * writes to a document that he sees deleted begins a new one: what he sees of the old one goes, in the same change.
 *
 * **Losing.** A register shows the greatest of several concurrent writes, and who writes next replaces them all, also
 * those that he was never shown. He is the one who has all of them at hand: he puts the others on the list `~lost`. So
 * the list is the same wherever the same changes are, and a document without conflicts has none. He does so as far as there
 * is room in his change: telling of what is lost must never keep anybody from writing.
 */
import { compareDots } from "./dots.js";
import type { Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import type { Path } from "./path.js";
import type { Sibling } from "./register.js";
import { type Value, valueKey } from "./value.js";

export const isOwnField = (name: string): boolean => name.startsWith("~");

/** Where a document says that it is deleted. */
export const DELETED_PATH: Path = [{ name: "~deleted", kind: KINDS.register }];
/** The list of values that were lost in conflicts. */
export const LOST_PATH: Path = [{ name: "~lost", kind: KINDS.set }];

/** What a deletion says: the counters that its maker had seen, or nothing if there are too many. */
export function deletionOf(seen: Iterable<Dot>): Value {
  const counters = [...seen].sort(compareDots).map(({ author, counter }) => [author, counter]);
  return counters.length > CORE_LIMITS.deletionAuthorsMax ? null : counters;
}

/** An element of the list. Of those that were too large or too deep, values are missing. */
export interface Lost {
  readonly [key: string]: Value;
  /** Names and kinds in turn. */
  readonly path: readonly Value[];
  /** Author, counter, stamp, value. */
  readonly loser: readonly Value[];
  readonly winner: readonly Value[];
}

/** What is lost when all of these writes are replaced at once (the winner is the last): an element for the list of each that was not shown. */
export function lostOf(path: Path, siblings: readonly Sibling[]): Lost[] {
  const winner = siblings.at(-1);
  const losers = siblings.slice(0, -1);
  if (winner === undefined || losers.length === 0) return [];
  const shown = valueKey(winner.value);
  const steps = path.flatMap(({ name, kind }) => [name, kind]);
  return losers
    .filter(({ value }) => valueKey(value) !== shown)
    .map(({ author, counter, stamp, value }) => ({
      path: steps,
      loser: [author, counter, stamp, value],
      winner: [winner.author, winner.counter, winner.stamp, winner.value],
    }));
}

/** The same in less and less room: without the value that was shown, and without the one that was not. */
export function formsOf(lost: Lost): readonly Lost[] {
  const short = { ...lost, winner: lost.winner.slice(0, 3) };
  return [lost, short, { ...short, loser: lost.loser.slice(0, 3) }];
}

/** Those that were written last, the newest first: as many as a document remembers. */
export function newestLost<T extends Value>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => stampOf(b) - stampOf(a)).slice(0, CORE_LIMITS.conflictsPerDocumentMax);
}

function stampOf(lost: Value): number {
  const { loser } = (lost ?? {}) as { readonly loser?: Value };
  const stamp = Array.isArray(loser) ? loser[2] : undefined;
  return typeof stamp === "number" ? stamp : 0;
}

/** Whether a change only deletes its document or brings it back. */
export function isOfLife({ paths }: { readonly paths: readonly Path[] }): boolean {
  return paths.every((path) => isOwnField(path[0]!.name));
}
