/**
 * What a CRDT type is: one interface for the two forms that it has of its own. The third, deltas, is made of these
 * (`delta.ts`), and `forms.ts` has what replicas show of all three.
 *
 * **Operation form.** A mutation is *prepared* once, where it is made: a pure function of the state gives an op, or
 * nothing when there is nothing to do. It is *applied* everywhere, once, after everything its author had observed
 * (causal delivery, and each op once: that is the caller's duty, a document's or a `Replica`'s). Ops name what they
 * remove by its dots, so applying concurrent ops commutes.
 *
 * **State form.** A state and what its holder has seen. States are *merged* in any order, grouping and number, which
 * gives what applying the ops of both would have given. The encoding of a state is canonical: replicas that have
 * seen the same ops have the same bytes, whichever form brought them there.
 *
 * A type owns its states and changes them in place; what it hands out is never changed afterwards. Prepare functions
 * differ from type to type and stand beside these members on each type.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Change } from "./change.js";
import type { Children } from "./children.js";
import type { Stamp } from "./clock.js";
import type { Play } from "./descent.js";
import type { Seen } from "./dots.js";
import type { Author, Dot } from "./ids.js";
import type { KindTag } from "./kinds.js";
import type { Path } from "./path.js";
import type { Op as KnownOp } from "./types.js";
import type { Value } from "./value.js";

/** Every op says what it does; the acts of all types are different words. */
export interface AnyOp {
  readonly act: string;
}

/** Steps that take back what was applied, to be run from the last to the first. */
export type Undo = (() => void)[];

/**
 * Prepares, on a later state, what takes an op back: its own effect, and nothing that others have done since.
 * What its author has made since counts as its effect, because that took the place of it.
 * @param dot the op's. @param now as in `again`.
 */
export type Inverse<State, Op> = (state: State, dot: Dot, now: (dot: Dot) => Dot) => readonly Restoring<Op>[];

export interface Restoring<Op> {
  readonly op: Op;
  /** What it makes takes the place of what this one had made. */
  readonly of?: Dot;
}

/** Makes an op at a path; nothing for undefined. */
export type Say = (path: Path, op: KnownOp | undefined) => void;

/** The fields of a document, to a type whose fields are read together. */
export interface Among {
  /** The states of all fields of a kind, by name. */
  alike(kind: KindTag): readonly (readonly [name: string, state: unknown])[];
}

/** One type, in operation and in state form. */
export interface Crdt<State, Op extends AnyOp, Read> {
  readonly kind: KindTag;

  /** The state before any op. */
  empty(): State;
  /** Whether this is a state of this type. */
  isState(state: unknown): state is State;
  /** Whether this is an op of this type. */
  isOp(op: AnyOp): op is Op;

  /** Plays an op that is identified by `dot` and was made at `stamp`. Cannot fail on a decoded op. */
  apply(state: State, op: Op, dot: Dot, stamp: Stamp, undo?: Undo): void;

  /** Joins `from` into `into`. The contexts are those before the join. `from` is left as it was. */
  merge(into: State, intoSeen: Seen, from: State, fromSeen: Seen): void;
  /** A state that has the same and shares nothing that changes. O(size). */
  clone(state: State): State;

  /** The value that applications read. */
  value(state: State): Read;
  /** The value in a document's JSON, undefined for absent. */
  json(state: State): Value | undefined;
  /** The same, for types whose fields of one document only say something together. `owner` is the document's. */
  jsonAmong?(owner: object, name: string, fields: readonly (readonly [string, State])[]): Value | undefined;

  /** Prepares the removal of everything observed; undefined if there is nothing that could be removed. */
  reset(state: State): Op | undefined;

  /** True if there is nothing to show: a container does not show such a cell at all. */
  isVacant(state: State): boolean;
  /** True if nothing at all is kept, so that a container may let go of the cell. */
  isBlank(state: State): boolean;
  /** What is inside, for types that hold others. */
  children?(state: State): Children;
  /** Hears of an op on something inside, and says whether it counts. @param depth where in the path the names inside begin. */
  enter?(state: State, path: Path, depth: number, play: Play): boolean;
  /**
   * Calls `visit` for all, innermost first, that is about to go or to come back at once: by an op of the container, or by
   * one on something under a name.
   */
  shifted?(state: State, what: AnyOp | string, path: Path, visit: (path: Path) => void): void;
  /** Calls `say` for what somebody must have done who is about to do something under a name. */
  opening?(state: State, name: string, author: Author, path: Path, say: Say): void;
  /** Calls `say` for what shows all that is kept and not shown, so that it can be taken away. */
  uncover?(state: State, path: Path, say: Say): void;

  /**
   * Prepares, on another state, what `op` was meant to do; undefined if there is nothing to do. `now` says under which
   * dot an op stands by now that was made again before, for ops that go to what another one has made.
   */
  again(state: State, op: Op, now: (dot: Dot) => Dot): Op | undefined;

  /** Whether its ops in a change build on what is not in the document. Then nothing of the change can be made again. */
  lacks?(change: Pick<Change, "ops">, among: Among): boolean;

  /**
   * How `op` can be taken back that is about to be applied to this state; undefined if it cannot, or changes nothing
   * that shows. Types that only grow do not have it, and those of `inverses.ts` have it there.
   */
  inverse?(before: State, op: Op): Inverse<State, Op> | undefined;

  /** Names every op that `op` speaks of (what it removes, for instance). */
  mentions(op: Op, visit: (author: Author, counter: number) => void): void;
  /** Writes an op. O(size). */
  writeOp(out: ByteWriter, op: Op, authors: AuthorTable): void;
  /** Undefined when the opcode is not known (to this version). Reads the input to its end otherwise. */
  readOp(input: ByteReader, authors: AuthorTable): Op | undefined;

  /**
   * Writes the canonical bytes of a state. O(size). Registers, counters, sets and maps do not have it within a document:
   * `state-writing.ts` has it for them.
   */
  writeState?(out: ByteWriter, state: State, authors: AuthorTable): void;
  /** Reads what `writeState` has written; fails the reader on anything else. @param depth how many steps lead to it: a container's children are one deeper. */
  readState(input: ByteReader, authors: AuthorTable, depth: number): State;

  /** Many states in columns, for types of which a document may hold many small ones. */
  readonly many?: {
    /** Of `count` the caller has seen to it that it is at most the bytes there are. */
    read(input: ByteReader, count: number, authors: AuthorTable): State[];
  };
}
