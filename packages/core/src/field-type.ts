/**
 * What a type is to a document: a CRDT together with how its values are read and written there.
 *
 * A *view* reads whatever its source holds at that moment; an *editor* is a view that also writes. Both are made from
 * a place (`Source`, `Site`) that says where they read and record, so a type knows nothing of documents.
 */
import type { AnyOp, Crdt } from "./crdt.js";
import type { PathStep } from "./path.js";
import type { Op as KnownOp } from "./types.js";
import type { Value } from "./value.js";

/** A type with how its values are read and written. */
export interface FieldType<State, Op extends AnyOp, Read, View, Editor extends View>
  extends Crdt<State, Op, Read> {
  /** Makes what reads a value of this type at a source. O(1). */
  view(source: Source<State>): View;
  /** Makes what reads and writes a value of this type at a place of a draft. O(1). */
  edit(site: Site<State, Op>): Editor;
}

/** Gives the state that is there now, an empty one if there is none. Nobody keeps it. */
export type Source<State> = () => State;

/** A place in a draft. Everything throws `DraftClosed` after the transaction's end. */
export interface Site<State, Op extends AnyOp> {
  readonly state: Source<State>;
  /** Prepares an op, applies it and takes it down; nothing happens if there is nothing to do. */
  record(prepare: (state: State) => Op | undefined): void;
  /** A place inside this one, which is a container. */
  child<ChildState, ChildOp extends KnownOp>(
    step: PathStep,
    type: Crdt<ChildState, ChildOp, unknown>,
  ): Site<ChildState, ChildOp>;
  /** Removes all that is observed at a place inside this one and below it. */
  reset(step: PathStep): void;
  /** A private copy of a value that goes into the change. Throws `InvalidValue` and `LimitExceeded`. */
  own(value: Value): Value;
}
