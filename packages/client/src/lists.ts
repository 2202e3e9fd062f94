/** Lists as an app reads and writes them. An app that has none does not ship them. */
import { type ListView as CoreListView, list as coreList, type Value } from "@syncline/core";
import { translated } from "./errors.js";
import { type Accessible, access, type holds, type Storable } from "./schema.js";

/** Holds values in an order. Made by `list()`. */
export interface ListField<T = Value> extends Accessible {
  readonly kind: "list";
  readonly [holds]?: T;
}

/** Reads a list. */
export interface ListView<T = Value> {
  /** How many elements there are. */
  readonly length: number;
  /** Undefined where there is none. O(log n). */
  at(index: number): T | undefined;
  /** All of them, in order. O(n). */
  readonly values: readonly T[];
  /** Where the first element with this value is, -1 if there is none. Values are compared by what they contain. O(n). */
  indexOf(value: T): number;
  /**
   * Of each element, in order: a name that it keeps wherever it is moved, the same for everybody, and that no other one
   * ever has. These are the keys that a user interface wants. O(n).
   */
  readonly ids: readonly string[];
  /** The id of an element, undefined where there is none. O(log n). */
  idAt(index: number): string | undefined;
  /** Where the element with an id is, -1 if it is not there (any more). O(log n). */
  indexOfId(id: string): number;
}

/** Reads and writes a list within a transaction. */
export interface ListDraft<T = Value> extends ListView<T> {
  /** Inserts copies of values, the first of which gets this index. Throws `INVALID_VALUE` for an index beyond the end. */
  insert(index: number, ...values: T[]): void;
  /** Inserts copies of values at the end. Throws `INVALID_VALUE` for what is not JSON with bytes. */
  push(...values: T[]): void;
  /** Deletes elements, one if `count` is not given. Throws `INVALID_VALUE` unless all of them are there. */
  delete(index: number, count?: number): void;
  /**
   * Moves an element so that it has another index. People who move one element at the same time leave it once; one that
   * somebody deletes at the same time is gone. Throws `INVALID_VALUE` unless both indexes are there.
   */
  move(from: number, to: number): void;
  /** Deletes all that are there. */
  clear(): void;
}

/** A field that holds values in an order, of type `T` or of any: with insert, delete and move. */
export function list(): ListField;
export function list<T extends Storable<T>>(): ListField<T>;
export function list(): ListField<unknown> {
  return {
    kind: "list",
    [access]: {
      view: (place, name) => new LiveList(() => place().at(name, coreList)),
      draft: (place, name) => place.at(name, coreList),
    },
  };
}

class LiveList implements ListView {
  readonly #core: () => CoreListView;

  /** @param core the view of the document that is there now: it may be replaced. */
  constructor(core: () => CoreListView) {
    this.#core = core;
  }

  get length(): number {
    return this.#core().length;
  }

  at(index: number): Value | undefined {
    return this.#core().at(index);
  }

  get values(): readonly Value[] {
    return this.#core().values;
  }

  indexOf(value: Value): number {
    return translated(() => this.#core().indexOf(value));
  }

  get ids(): readonly string[] {
    return this.#core().ids;
  }

  idAt(index: number): string | undefined {
    return this.#core().idAt(index);
  }

  indexOfId(id: string): number {
    return this.#core().indexOfId(id);
  }
}
