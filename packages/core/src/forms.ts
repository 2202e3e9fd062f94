/**
 * The forms in which replicas of a CRDT tell each other what they have: an interface for each, the same for all types.
 *
 * What is told is one thing, the ops that were made. **Ops** are told one by one, to everybody, once and in causal order: the
 * least bytes at once, and somebody must keep order. A **state** is all of them together, as far as they still count: no
 * order and no number, and all the bytes. A **delta** is what of a state is new since a version: no order either, but
 * for the version, and bytes for what is new. One replica may use all three, with one or with different others; whatever
 * way ops have come, who has the same ones has the same bytes.
 */
import type { Stamp } from "./clock.js";
import type { Result } from "./result.js";

/** What became of an op or a delta: applied, held already, or before something that it needs. */
export type Arrival = "applied" | "duplicate" | "early";

/** The operation form: what a replica has done, for others to do. */
export interface OpForm<Editor> {
  /**
   * Prepares what `write` does, and applies it here: gives the bytes of each op, for every other replica. What `write` throws
   * is rethrown, and nothing has happened. O(what the type says of its calls).
   */
  edit(stamp: Stamp, write: (editor: Editor) => void): Uint8Array[];
  /**
   * Plays another replica's op. `early`, and nothing is changed, before what its author had seen of what it speaks of: keep
   * it and try again. Bad bytes are a fault, and change nothing. O(op), but for ops that remove all that there is.
   */
  apply(op: Uint8Array): Result<Arrival>;
}

/** The state form: all that a replica has. */
export interface StateForm {
  /** The whole state with what was seen, canonical. O(size). */
  state(): Uint8Array;
  /** Joins another replica's. Bad bytes are a fault, and change nothing. O(size of both). */
  merge(state: Uint8Array): Result<void>;
}
