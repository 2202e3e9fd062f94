/**
 * A set that only grows. What is in it stays for ever, so an element needs nothing beside itself: joining is union.
 *
 * As nothing says who added an element, nothing can remove it either: removing what contains such a set leaves it.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import type { Seen } from "./dots.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import type { SetView } from "./set.js";
import { know } from "./types.js";
import { bytesOfKey, readValue, type Value, valueKey, valueOfKey, writeValue } from "./value.js";

/** Adds an element. */
export interface GrowSetOp {
  readonly act: "gather";
  readonly element: Value;
}

/** What is kept of such a set: its elements, and nothing of who added them. */
export class GrowSetState {
  /** As `valueKey`. */
  readonly elements = new Set<string>();
}

export interface GrowSetDraft extends SetView {
  /** Adds a copy of the value; nothing happens if it is there. Throws `InvalidValue`. */
  add(element: Value): void;
}

export interface GrowSetType
  extends FieldType<GrowSetState, GrowSetOp, readonly Value[], SetView, GrowSetDraft> {
  /** Prepares an add of a value that belongs to the set from now on, undefined if it is there. Throws `InvalidValue`. */
  add(state: GrowSetState, element: Value): GrowSetOp | undefined;
  /** Whether the element is in the set. O(size of the element). */
  has(state: GrowSetState, element: Value): boolean;
}

/** A set to which one can only add. */
export const gSet: GrowSetType = {
  kind: KINDS["grow-set"],

  add: (state, element) => (gSet.has(state, element) ? undefined : { act: "gather", element }),
  reset: () => undefined,

  isVacant: (state) => state.elements.size === 0,
  isBlank: (state) => state.elements.size === 0,

  has: (state, element) => state.elements.has(valueKey(element)),

  /** The elements in the order of their canonical bytes. O(n log n). */
  value: (state) => sortedKeys(state).map(valueOfKey),
  json: (state) => gSet.value(state),

  empty: () => new GrowSetState(),
  isState: (state): state is GrowSetState => state instanceof GrowSetState,
  isOp: (op: AnyOp): op is GrowSetOp => op.act === "gather",

  apply(state: GrowSetState, op: GrowSetOp, _dot: Dot, _stamp: Stamp, undo?: Undo): void {
    const key = valueKey(op.element);
    if (state.elements.has(key)) return;
    state.elements.add(key);
    undo?.push(() => state.elements.delete(key));
  },

  merge(into: GrowSetState, _intoSeen: Seen, from: GrowSetState, _fromSeen: Seen): void {
    for (const key of from.elements) into.elements.add(key);
  },

  clone(state: GrowSetState): GrowSetState {
    const copy = new GrowSetState();
    gSet.merge(copy, new Map(), state, new Map());
    return copy;
  },

  again: (state, op) => gSet.add(state, op.element),

  mentions(): void {},

  writeOp(out: ByteWriter, op: GrowSetOp, _authors: AuthorTable): void {
    out.byte(OPCODE.gather);
    writeValue(out, op.element);
  },

  readOp: (input) =>
    input.byte() === OPCODE.gather ? { act: "gather", element: readValue(input) } : undefined,

  writeState(out: ByteWriter, state: GrowSetState, _authors: AuthorTable): void {
    out.uint(state.elements.size);
    for (const key of sortedKeys(state)) out.raw(bytesOfKey(key));
  },

  readState(input: ByteReader, _authors: AuthorTable): GrowSetState {
    const state = new GrowSetState();
    let before: string | undefined;
    for (let left = input.count(Number.MAX_SAFE_INTEGER, 1); left > 0; left--) {
      const at = input.offset;
      const key = valueKey(readValue(input));
      if (before !== undefined && key <= before) input.fail("elements out of order", at);
      state.elements.add(key);
      before = key;
    }
    return state;
  },

  view: (source) => new LiveGrowSet(source),
  edit: (site) => new GrowSetEditor(site),
};

know(gSet);

// On the wire for ever.
const OPCODE = { gather: 1 } as const;

/** Keys have one character per byte, so JavaScript's order of strings is the order of bytes. */
function sortedKeys(state: GrowSetState): string[] {
  return [...state.elements].sort();
}

class LiveGrowSet implements SetView {
  readonly #source: Source<GrowSetState>;

  constructor(source: Source<GrowSetState>) {
    this.#source = source;
  }

  has(element: Value): boolean {
    return gSet.has(this.#source(), element);
  }

  get size(): number {
    return this.#source().elements.size;
  }

  get values(): readonly Value[] {
    return gSet.value(this.#source());
  }
}

class GrowSetEditor extends LiveGrowSet implements GrowSetDraft {
  readonly #site: Site<GrowSetState, GrowSetOp>;

  constructor(site: Site<GrowSetState, GrowSetOp>) {
    super(site.state);
    this.#site = site;
  }

  add(element: Value): void {
    this.#site.record((state) => gSet.add(state, this.#site.own(element)));
  }
}
