/**
 * The conflicts of a document: which values a resolution has hidden, read out of its state.
 *
 * A pure function of what the document holds, so everybody who holds the same finds the same, with the same ids (I5).
 * It looks at everything: call it where there is a conflict to be expected, or somebody asks.
 */

import type { NO_VOTES } from "./ballot.js";
import { stampMs } from "./clock.js";
import type { AnyOp, Crdt } from "./crdt.js";
import type { BareDocument } from "./document.js";
import { compareDots } from "./dots.js";
import { type Dot, documentId } from "./ids.js";
import { KINDS } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { hasValues } from "./outdone.js";
import { DELETED_PATH, isOwnField, LOST_PATH, lostOf } from "./own-fields.js";
import type { Path } from "./path.js";
import { cellsOf } from "./places.js";
import { lwwRegister, RegisterState, type Sibling } from "./register.js";
import type { RemoveWinsMapState } from "./remove-wins-map.js";
import { orSet } from "./set.js";
import { toUtf8 } from "./utf8.js";
import { type Value, valueOfKey } from "./value.js";

/** What stood against what. */
export type ConflictType =
  | "concurrent_update"
  | "update_delete"
  | "type_conflict"
  | "write_to_dropped"
  | "late_merge"
  | "clock_skew";

/** One of those that were in conflict. */
export interface ConflictSide {
  /**
   * Absent where what was done has no value of its own (a removal, a deletion, or several ops), or one for which there was no
   * room beside what was written in its place.
   */
  readonly value?: Value;
  /** Its kind, where kinds are in conflict. */
  readonly kind?: string;
  readonly dot: Dot;
}

/** A conflict that a resolution has decided, with what it has hidden. */
export interface Conflict {
  /** The same wherever the same changes are held. */
  readonly id: string;
  readonly type: ConflictType;
  /** `collection/key`. */
  readonly document: string;
  /** Where in the document, names parted by slashes; empty for all of it. */
  readonly field: string;
  readonly winner: ConflictSide;
  readonly losers: readonly ConflictSide[];
  /** All that take part. */
  readonly dots: readonly Dot[];
  /** Milliseconds since 1970 of the later of them, by the clocks of those who made them. */
  readonly at: number;
  /** Where a loser can be written again; empty if it is no single place. */
  readonly path: Path;
}

/** The newest `conflictsPerDocumentMax`, in the order of their times, then ids. O(size). */
export function conflictsOf(document: BareDocument): readonly Conflict[] {
  const found = new Map<string, Conflict>();
  const name = documentId(document.name);
  const add = (conflict: Omit<Conflict, "id" | "document" | "dots">): void => {
    const [first] = conflict.losers;
    if (first === undefined) return;
    const id = conflictId(conflict.type, name, conflict.field, first.dot);
    const known = found.get(id);
    // Several who resolve one conflict may have seen different winners.
    if (known !== undefined && known.at >= conflict.at) return;
    const dots = [conflict.winner.dot, ...conflict.losers.map(({ dot }) => dot)].sort(compareDots);
    found.set(id, { id, document: name, ...conflict, dots });
  };
  if (document.isDeleted) hidden(document, add);
  else for (const { path, state } of cellsOf(document)) inCell(path, state, add);
  for (const lost of lostIn(document)) addLost(lost, add);
  return [...found.values()].sort(byTime).slice(-CORE_LIMITS.conflictsPerDocumentMax);
}

/** Whether there is anything to be told of a document, or will be when it is no longer deleted. */
export function hasConflicts(document: BareDocument): boolean {
  if (conflictsOf(document).length > 0) return true;
  let has = false;
  for (const { path, state } of cellsOf(document))
    inCell(path, state, () => {
      has = true;
    });
  return has;
}

/** An id that says nothing by itself: 64 bits over what is in conflict. */
export function conflictId(type: ConflictType, document: string, field: string, dot: Dot): string {
  const bytes = toUtf8(`${type}\n${document}\n${field}\n${dot.author}:${dot.counter}`);
  return [0x811c9dc5, 0x01000193].map((seed) => fnv(bytes, seed)).join("");
}

/** Orders conflicts by their times, then their ids. */
export const byTime = (a: Conflict, b: Conflict): number => a.at - b.at || (a.id < b.id ? -1 : 1);

/** The deletions that stand, and what they say. */
export const deletionsIn = (document: BareDocument): readonly Sibling[] =>
  ownState(document, DELETED_PATH, lwwRegister)?.siblings ?? [];

/** The list of values that were lost when conflicts were resolved. */
export const lostIn = (document: BareDocument): readonly Value[] => {
  const state = ownState(document, LOST_PATH, orSet);
  return state === undefined ? [] : orSet.value(state);
};

function ownState<State, Op extends AnyOp>(
  document: BareDocument,
  path: Path,
  type: Crdt<State, Op, unknown>,
): State | undefined {
  return document.all(type).find(([name]) => name === path[0]!.name)?.[1];
}

type Add = (conflict: Omit<Conflict, "id" | "document" | "dots">) => void;

function inCell(path: Path, state: unknown, add: Add): void {
  const { kind } = path.at(-1)!;
  if (isOwnField(path[0]!.name)) return;
  if (state instanceof RegisterState) {
    if (state.siblings.length > 1) for (const lost of lostOf(path, state.siblings)) addLost(lost, add);
  } else if (kind === KINDS["remove-map"]) {
    const { marks, outdone } = state as Pick<RemoveWinsMapState, "marks" | "outdone">;
    for (const { path: below, register } of outdone.values()) {
      const [winner] = marks.get(below[0]!.name) ?? [];
      const at = [...path, ...below];
      if (winner !== undefined)
        for (const { author, counter, stamp, value } of register.siblings) {
          const [{ kind: of }, dot] = [at.at(-1)!, { author, counter }];
          const losers = [hasValues(of) ? { value, dot } : { dot }];
          const sides = { winner: { dot: winner.dot }, losers };
          const ms = of === KINDS.register ? stampMs(stamp) : 0;
          add({ type: "update_delete", field: fieldOf(at), path: at, ...sides, at: ms });
        }
    }
  } else if (kind === KINDS["remove-set"]) {
    for (const [key, { yes, no }] of ballotsOf(state)) {
      // Votes that nobody has replaced are concurrent: removing won over these additions.
      const [winner] = no;
      if (winner === undefined || yes.length === 0) continue;
      const value = valueOfKey(key);
      for (const dot of yes) {
        const losers = [{ value, dot }];
        add({ type: "update_delete", field: fieldOf(path), path, winner: { dot: winner }, losers, at: 0 });
      }
    }
  }
}

function ballotsOf(state: unknown): Iterable<[string, typeof NO_VOTES]> {
  const { ballots } = state as { ballots?: Map<string, typeof NO_VOTES> };
  return ballots ?? [];
}

/** Writes that a deletion hides, and that its maker had not seen. */
function hidden(document: BareDocument, add: Add): void {
  const deletions = deletionsIn(document);
  for (const { author, counter, stamp, value } of deletions) {
    const dot = { author, counter };
    if (!Array.isArray(value)) continue;
    const seen = new Map<number, number>();
    for (const entry of value) {
      const [author, counter] = Array.isArray(entry) ? entry : [];
      if (typeof author === "number" && typeof counter === "number") seen.set(author, counter);
    }
    for (const have of document.seen()) {
      const unseen = (seen.get(have.author) ?? 0) + 1;
      const isDeletion = deletions.some(
        (other) => other.author === have.author && other.counter === unseen && unseen === have.counter,
      );
      // Its maker's own later writes would have begun a new document.
      if (have.author === dot.author || have.counter < unseen || isDeletion) continue;
      const losers = [{ dot: { author: have.author, counter: unseen } }];
      add({ type: "write_to_dropped", field: "", path: [], winner: { dot }, losers, at: stampMs(stamp) });
    }
  }
}

/** An element of the list of what was lost; anything may stand there. */
function addLost(lost: Value, add: Add): void {
  if (typeof lost !== "object" || lost === null || Array.isArray(lost)) return;
  const { path, loser, winner } = lost as Readonly<Record<string, Value>>;
  if (!Array.isArray(path) || !Array.isArray(loser) || !Array.isArray(winner)) return;
  const steps: { name: string; kind: number }[] = [];
  for (let i = 0; i + 1 < path.length; i += 2) {
    const [name, kind] = [path[i], path[i + 1]];
    if (typeof name !== "string" || typeof kind !== "number") return;
    steps.push({ name, kind });
  }
  const mine = sideOf(loser);
  const theirs = sideOf(winner);
  if (mine === undefined || theirs === undefined) return;
  add({
    type: "concurrent_update",
    field: fieldOf(steps),
    path: steps,
    winner: theirs.side,
    losers: [mine.side],
    at: stampMs(Math.max(mine.stamp, theirs.stamp)),
  });
}

function sideOf([author, counter, stamp, value]: readonly Value[]) {
  if (typeof author !== "number" || typeof counter !== "number" || typeof stamp !== "number")
    return undefined;
  const dot = { author, counter };
  return { stamp, side: value === undefined ? { dot } : { value, dot } };
}

const fieldOf = (path: Path): string => path.map(({ name }) => name).join("/");

/** FNV-1a of 32 bits, as eight digits. */
function fnv(bytes: Uint8Array, seed: number): string {
  let hash = seed >>> 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
