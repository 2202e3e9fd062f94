/**
 * A set in which adding wins over concurrent removing, without tombstones.
 *
 * Each element is there because of the dots that added it, and as long as one of them is left. Removing takes away
 * exactly the dots that the remover saw, so an add it did not see survives; and since ops arrive after everything
 * their author saw, a removed dot never comes later than its removal and nothing needs to be remembered of it.
 * Adding what is there already takes a fresh dot in place of the old ones, else a concurrent removal would take the
 * new add away with them.
 *
 * Elements are compared by their canonical bytes, and kept as those.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import {
  beyond,
  compareDots,
  type Dots,
  greatestPerAuthor,
  joinDots,
  NO_DOTS,
  plusDot,
  type Seen,
  withoutDots,
} from "./dots.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { readColumn, readDotColumns, readValues } from "./state-columns.js";
import { know } from "./types.js";
import { readValue, type Value, valueKey, valueOfKey, writeValue } from "./value.js";

/** What is done to a set. */
export type SetOp =
  /** Adds an element in place of the adds observed. */
  | { readonly act: "add"; readonly element: Value; readonly replaces: Dots }
  /** Removes the adds observed of one element. */
  | { readonly act: "remove"; readonly element: Value; readonly removes: Dots }
  /** Removes every add up to one counter per author: the greatest observed. */
  | { readonly act: "removeAll"; readonly upTo: Dots };

/** What is kept of a set: its elements with the dots that added them, and nothing of what was removed. */
export class SetState {
  /** Element, as `valueKey`, to the dots that added it: at least one. */
  elements = newElements();
}

/** Used like a `Map` that can be copied: the plain one is one, `packed.ts` has a smaller one. */
export interface Elements extends Pick<Map<string, Dots>, "size" | "has" | "get" | "keys"> {
  /** Says which dots have added an element: at least one. */
  set(key: string, dots: Dots): unknown;
  /** Nothing happens if it is not there. */
  delete(key: string): unknown;
  /** A copy that shares nothing that changes. O(size). */
  clone(): Elements;
  /** What is set or deleted meanwhile may be seen or not; nothing may be added. */
  [Symbol.iterator](): Iterator<[key: string, dots: Dots]>;
}

class PlainElements extends Map<string, Dots> implements Elements {
  clone(): Elements {
    return new PlainElements(this);
  }
}

const plainElements = (): Elements => new PlainElements();
let newElements = plainElements;

/** Has the elements of sets kept otherwise from now on, or some of them. Called by `packed.ts`. */
export function makeElementsBy(make: (plain: () => Elements) => Elements): void {
  newElements = () => make(plainElements);
}

/** Reads a set. */
export interface SetView {
  /** O(size of the value). Throws `InvalidValue`. */
  has(element: Value): boolean;
  readonly size: number;
  /** In the order of their canonical bytes. O(n log n). */
  readonly values: readonly Value[];
}

/** Writes a set within a transaction. */
export interface SetDraft extends SetView {
  /** Adds a copy of the value. Adding what is there already renews it. Throws `InvalidValue`. */
  add(element: Value): void;
  /** Nothing happens if it is not there. Throws `InvalidValue`. */
  remove(element: Value): void;
  /** Nothing happens if the set is empty. */
  clear(): void;
}

/** The set's own prepare functions, beside those of every type. */
export interface SetType extends FieldType<SetState, SetOp, readonly Value[], SetView, SetDraft> {
  /** Prepares an add of a value that belongs to the set from now on. Throws `InvalidValue`. */
  add(state: SetState, element: Value): SetOp;
  /** Prepares a removal, undefined if the element is not there. Throws `InvalidValue`. */
  remove(state: SetState, element: Value): SetOp | undefined;
  /** Prepares the removal of everything, undefined if there is nothing. O(size). */
  clear(state: SetState): SetOp | undefined;
  /** Whether the element is in the set. O(size of the element). */
  has(state: SetState, element: Value): boolean;
}

/** A set in which adding wins over concurrent removing, without tombstones. */
export const orSet: SetType = {
  kind: KINDS.set,

  add: (state, element) => ({ act: "add", element, replaces: dotsOf(state, valueKey(element)) }),

  remove(state: SetState, element: Value): SetOp | undefined {
    const removes = dotsOf(state, valueKey(element));
    return removes.length === 0 ? undefined : { act: "remove", element, removes };
  },

  clear(state: SetState): SetOp | undefined {
    const upTo = greatestPerAuthor([...state.elements].flatMap(([, dots]) => dots));
    return upTo.length === 0 ? undefined : { act: "removeAll", upTo };
  },

  reset: (state) => orSet.clear(state),

  has: (state, element) => state.elements.has(valueKey(element)),

  isVacant: (state) => state.elements.size === 0,
  isBlank: (state) => state.elements.size === 0,

  /** The elements in the order of their canonical bytes. O(n log n). */
  value: (state) => sortedKeys(state).map(valueOfKey),
  json: (state) => sortedKeys(state).map(valueOfKey),

  empty: () => new SetState(),
  isState: (state): state is SetState => state instanceof SetState,
  isOp: (op: AnyOp): op is SetOp => op.act === "add" || op.act === "remove" || op.act === "removeAll",

  /** Adding and removing are O(dots of the element), removing everything is O(size). */
  apply(state: SetState, op: SetOp, dot: Dot, _stamp: Stamp, undo?: Undo): void {
    if (op.act === "removeAll") {
      removeAll(state, op.upTo, undo);
      return;
    }
    const key = valueKey(op.element);
    const left = withoutDots(dotsOf(state, key), removedBy(op));
    put(state, key, op.act === "add" ? plusDot(left, dot) : left, undo);
  },

  merge(into: SetState, intoSeen: Seen, from: SetState, fromSeen: Seen): void {
    for (const [key, dots] of into.elements) {
      put(into, key, joinDots(dots, intoSeen, dotsOf(from, key), fromSeen));
    }
    for (const [key, dots] of from.elements) {
      if (!into.elements.has(key)) put(into, key, joinDots(NO_DOTS, intoSeen, dots, fromSeen));
    }
  },

  clone(state: SetState): SetState {
    const copy = new SetState();
    copy.elements = state.elements.clone();
    return copy;
  },

  again(state: SetState, op: SetOp): SetOp | undefined {
    if (op.act === "removeAll") return orSet.clear(state);
    return op.act === "add" ? orSet.add(state, op.element) : orSet.remove(state, op.element);
  },

  mentions(op: SetOp, visit: (author: Author, counter: number) => void): void {
    for (const dot of removedBy(op)) visit(dot.author, dot.counter);
  },

  writeOp(out: ByteWriter, op: SetOp, authors: AuthorTable): void {
    out.byte(OPCODE[op.act]);
    if (op.act !== "removeAll") writeValue(out, op.element);
    authors.writeDots(out, removedBy(op));
  },

  readOp(input: ByteReader, authors: AuthorTable): SetOp | undefined {
    const at = input.offset;
    switch (input.byte()) {
      case OPCODE.add:
        return { act: "add", element: readValue(input), replaces: authors.readDotsToEnd(input) };
      case OPCODE.remove: {
        const element = readValue(input);
        const removes = authors.readDotsToEnd(input);
        if (removes.length === 0) input.fail("a removal of nothing", at);
        return { act: "remove", element, removes };
      }
      case OPCODE.removeAll:
        return { act: "removeAll", upTo: authors.readUpToEnd(input) };
      default:
        return undefined;
    }
  },

  readState(input: ByteReader, authors: AuthorTable): SetState {
    const state = new SetState();
    const at = input.offset;
    const count = input.uint();
    // Elements are all different, so all but a few of them take bytes of their own.
    if (count > input.remaining + EMPTY_ELEMENTS_MAX)
      input.fail(`${count} elements declared, too few bytes`, at);
    const counts = readColumn(input, count, false, 1);
    const total = counts.reduce((sum, each) => sum + each, 0);
    if (total > count + input.remaining) input.fail(`${total} dots declared, too few bytes`, at);
    const dots = readDotColumns(input, total, authors, total > count);
    const values = readValues(input, count);
    let next = 0;
    let before: Dot | undefined;
    for (let i = 0; i < count; i++) {
      const own = dots.slice(next, next + counts[i]!);
      next += own.length;
      if (before !== undefined && compareDots(before, own[0]!) >= 0) input.fail("elements out of order", at);
      if (own.some((dot, j) => j > 0 && compareDots(own[j - 1]!, dot) >= 0))
        input.fail("dots out of order", at);
      before = own[0]!;
      const key = valueKey(values[i]!);
      if (state.elements.has(key)) input.fail("an element twice", at);
      state.elements.set(key, own);
    }
    return state;
  },

  view: (source) => new LiveSet(source),
  edit: (site) => new SetEditor(site),
};

know(orSet);

/** Null, true, false, and the empty text: as many elements can be without a byte in one of the columns. */
const EMPTY_ELEMENTS_MAX = 4;

// On the wire for ever.
const OPCODE = { add: 1, remove: 2, removeAll: 3 } as const;

export function dotsOf(state: SetState, key: string): Dots {
  return state.elements.get(key) ?? NO_DOTS;
}

function removedBy(op: SetOp): Dots {
  if (op.act === "add") return op.replaces;
  return op.act === "remove" ? op.removes : op.upTo;
}

function put(state: SetState, key: string, dots: Dots, undo?: Undo): void {
  const before = undo && state.elements.get(key);
  if (dots.length > 0) state.elements.set(key, dots);
  else state.elements.delete(key);
  undo?.push(() => {
    if (before === undefined) state.elements.delete(key);
    else state.elements.set(key, before);
  });
}

function removeAll(state: SetState, upTo: Dots, undo?: Undo): void {
  for (const [key, dots] of state.elements) {
    const kept = beyond(dots, upTo);
    if (kept.length < dots.length) put(state, key, kept, undo);
  }
}

/** Keys have one character per byte, so JavaScript's order of strings is the order of bytes. */
function sortedKeys(state: SetState): string[] {
  return [...state.elements.keys()].sort();
}

class LiveSet implements SetView {
  readonly #source: Source<SetState>;

  constructor(source: Source<SetState>) {
    this.#source = source;
  }

  has(element: Value): boolean {
    return orSet.has(this.#source(), element);
  }

  get size(): number {
    return this.#source().elements.size;
  }

  get values(): readonly Value[] {
    return orSet.value(this.#source());
  }
}

class SetEditor extends LiveSet implements SetDraft {
  readonly #site: Site<SetState, SetOp>;

  constructor(site: Site<SetState, SetOp>) {
    super(site.state);
    this.#site = site;
  }

  add(element: Value): void {
    this.#site.record((state) => orSet.add(state, this.#site.own(element)));
  }

  remove(element: Value): void {
    this.#site.record((state) => orSet.remove(state, this.#site.own(element)));
  }

  clear(): void {
    this.#site.record(orSet.clear);
  }
}
