/**
 * A register: the last write wins, and concurrent writes can all be read.
 *
 * It holds its *siblings*: the writes that no later one has replaced. A write replaces those that its author saw,
 * whatever their stamps, so a clock that is years ahead wins no longer than until somebody overwrites it. Among
 * siblings the greatest stamp is the value; equal stamps are settled by author and counter, which are the same
 * everywhere, never by arrival. The losers are kept until they are replaced, and must be: with writes x and y (y
 * later) and a clear that saw only y, a replica that had dropped x early would end up empty and another with x.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import { compareDots, type Dots, hasDot, hasSeen, NO_DOTS, type Seen } from "./dots.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { readColumn, readDotColumns, readSteps, readValues } from "./state-columns.js";
import { know } from "./types.js";
import { readValue, type Value, writeValue } from "./value.js";

/** What is done to a register. */
export type RegisterOp =
  /** Writes `value` in place of the writes observed. */
  | { readonly act: "set"; readonly value: Value; readonly replaces: Dots }
  /** Removes the writes observed. */
  | { readonly act: "clear"; readonly replaces: Dots };

/** A write that nobody has replaced. */
export interface Sibling extends Dot {
  readonly stamp: Stamp;
  readonly value: Value;
}

/** What is kept of a register: its concurrent writes. */
export class RegisterState {
  /** The winner last, because what is new mostly wins: then it is put at the end, however many there are. */
  siblings: Sibling[] = [];
}

/** Reads a register. */
export interface RegisterView {
  /** The last write, undefined if there is none. */
  readonly value: Value | undefined;
  /** All concurrent writes, the last one first. */
  readonly values: readonly Value[];
  /**
   * One value made of all concurrent writes, undefined if there is none: `merge` joins two of them at a time, the last
   * write first. Everybody who reads with the same function, and a pure one, reads the same.
   */
  merged(merge: (a: Value, b: Value) => Value): Value | undefined;
}

/** Writes a register within a transaction. */
export interface RegisterDraft extends RegisterView {
  /** Writes a copy of the value. Writing what is there already is a write too. Throws `InvalidValue`. */
  set(value: Value): void;
  /** Removes the value; nothing happens if there is none. */
  clear(): void;
}

export interface RegisterType
  extends FieldType<RegisterState, RegisterOp, Value | undefined, RegisterView, RegisterDraft> {
  /** Prepares a write of a value that belongs to the register from now on. */
  set(state: RegisterState, value: Value): RegisterOp;
  /** Prepares a removal, undefined if there is nothing to remove. */
  clear(state: RegisterState): RegisterOp | undefined;
  /** All concurrent writes, the winner first. */
  values(state: RegisterState): readonly Value[];
}

/** A register that shows the last write, and keeps all concurrent ones. */
export const lwwRegister: RegisterType = {
  kind: KINDS.register,

  set: (state, value) => ({ act: "set", value, replaces: dotsOf(state) }),
  clear: (state) => (state.siblings.length === 0 ? undefined : { act: "clear", replaces: dotsOf(state) }),

  reset: (state) => lwwRegister.clear(state),

  isVacant: (state) => state.siblings.length === 0,
  isBlank: (state) => state.siblings.length === 0,

  value: (state) => state.siblings.at(-1)?.value,
  values: (state) => state.siblings.map((sibling) => sibling.value).reverse(),
  json: (state) => state.siblings.at(-1)?.value,

  empty: () => new RegisterState(),
  isState: (state): state is RegisterState => state instanceof RegisterState,
  isOp: (op: AnyOp): op is RegisterOp => op.act === "set" || op.act === "clear",

  /** O(siblings replaced), and O(siblings) if any are. */
  apply(state: RegisterState, op: RegisterOp, { author, counter }: Dot, stamp: Stamp, undo?: Undo): void {
    const { siblings } = state;
    const sibling = op.act === "set" ? { author, counter, stamp, value: op.value } : undefined;
    if (siblings.every((each) => hasDot(op.replaces, each))) {
      // The usual case. An array of its own takes less memory than one that has grown.
      state.siblings = sibling === undefined ? [] : [sibling];
      undo?.push(() => {
        state.siblings = siblings;
      });
      return;
    }
    const replaced = takeOut(siblings, op.replaces);
    if (sibling !== undefined) putIn(siblings, sibling);
    undo?.push(() => {
      if (sibling !== undefined) siblings.splice(placeOf(siblings, sibling), 1);
      for (const each of replaced) putIn(siblings, each);
    });
  },

  merge(state: RegisterState, intoSeen: Seen, from: RegisterState, fromSeen: Seen): void {
    joinSiblings(state, intoSeen, from.siblings, fromSeen);
  },

  clone(state: RegisterState): RegisterState {
    const copy = new RegisterState();
    copy.siblings = state.siblings.slice();
    return copy;
  },

  again: (state, op) => (op.act === "set" ? lwwRegister.set(state, op.value) : lwwRegister.clear(state)),

  mentions(op: RegisterOp, visit: (author: Author, counter: number) => void): void {
    for (const dot of op.replaces) visit(dot.author, dot.counter);
  },

  writeOp(out: ByteWriter, op: RegisterOp, authors: AuthorTable): void {
    if (op.act === "set") {
      out.byte(OPCODE.set);
      writeValue(out, op.value);
    } else {
      out.byte(OPCODE.clear);
    }
    authors.writeDots(out, op.replaces);
  },

  readOp(input: ByteReader, authors: AuthorTable): RegisterOp | undefined {
    const at = input.offset;
    switch (input.byte()) {
      case OPCODE.set:
        return { act: "set", value: readValue(input), replaces: authors.readDotsToEnd(input) };
      case OPCODE.clear: {
        const replaces = authors.readDotsToEnd(input);
        if (replaces.length === 0) input.fail("a clear of nothing", at);
        return { act: "clear", replaces };
      }
      default:
        return undefined;
    }
  },

  readState(input: ByteReader, authors: AuthorTable): RegisterState {
    const state = new RegisterState();
    const { siblings } = state;
    for (let left = input.count(Number.MAX_SAFE_INTEGER, 4); left > 0; left--) {
      const at = input.offset;
      const { author, counter } = authors.readDot(input);
      const sibling = { author, counter, stamp: input.uint(), value: readValue(input) };
      const before = siblings.at(-1);
      if (before !== undefined && compareSiblings(before, sibling) <= 0)
        input.fail("siblings out of order", at);
      siblings.push(sibling);
    }
    siblings.reverse();
    return state;
  },

  many: { read: readMany },

  view: (source) => new LiveRegister(source),
  edit: (site) => new RegisterEditor(site),
};

know(lwwRegister);

// On the wire for ever.
const OPCODE = { set: 1, clear: 2 } as const;

function readMany(input: ByteReader, count: number, authors: AuthorTable): RegisterState[] {
  const at = input.offset;
  const counts = readColumn(input, count);
  const total = counts.reduce((sum, each) => sum + each, 0);
  const isFull = total > count;
  if (isFull && total > input.remaining) input.fail(`${total} writes declared, too few bytes`, at);
  const dots = readDotColumns(input, total, authors);
  const stamps = readSteps(input, total);
  const values = readValues(input, total, isFull);
  let next = 0;
  return counts.map((siblings) => {
    const state = new RegisterState();
    for (const start = next; next < start + siblings; next++) {
      const { author, counter } = dots[next]!;
      const sibling = { author, counter, stamp: stamps[next]!, value: values[next]! };
      const before = state.siblings.at(-1);
      if (before !== undefined && compareSiblings(before, sibling) <= 0)
        input.fail("siblings out of order", at);
      if (siblings === 1) state.siblings = [sibling];
      else state.siblings.push(sibling);
    }
    if (siblings > 1) state.siblings.reverse();
    return state;
  });
}

/** Joins what another register holds. */
export function joinSiblings(
  { siblings }: RegisterState,
  intoSeen: Seen,
  from: readonly Sibling[],
  fromSeen: Seen,
): void {
  if (fromSeen.size > 0) {
    const isGone = (mine: Sibling) => hasSeen(fromSeen, mine) && !isIn(from, mine);
    if (siblings.some(isGone)) keepOnly(siblings, (mine) => !isGone(mine));
  }
  for (const theirs of from) if (!hasSeen(intoSeen, theirs)) putIn(siblings, theirs);
}

function dotsOf({ siblings }: RegisterState): Dots {
  if (siblings.length === 0) return NO_DOTS;
  return siblings.map(({ author, counter }) => ({ author, counter })).sort(compareDots);
}

function compareSiblings(a: Sibling, b: Sibling): number {
  return a.stamp - b.stamp || compareDots(a, b);
}

/** Where a sibling is, or would be. O(log siblings). */
function placeOf(siblings: readonly Sibling[], sibling: Sibling): number {
  let low = 0;
  let high = siblings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareSiblings(siblings[middle]!, sibling) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isIn(siblings: readonly Sibling[], sibling: Sibling): boolean {
  const found = siblings[placeOf(siblings, sibling)];
  return found !== undefined && compareDots(found, sibling) === 0;
}

function putIn(siblings: Sibling[], sibling: Sibling): void {
  const last = siblings[siblings.length - 1];
  if (last === undefined || compareSiblings(last, sibling) < 0) siblings.push(sibling);
  else siblings.splice(placeOf(siblings, sibling), 0, sibling);
}

/** Takes out the writes of these dots, which are in ascending order. O(siblings * log dots). */
function takeOut(siblings: Sibling[], dots: Dots): readonly Sibling[] {
  if (dots.length === 0) return NONE;
  const replaced = siblings.filter((sibling) => hasDot(dots, sibling));
  if (replaced.length > 0) keepOnly(siblings, (sibling) => !hasDot(dots, sibling));
  return replaced;
}

const NONE: readonly Sibling[] = [];

function keepOnly(siblings: Sibling[], isKept: (sibling: Sibling) => boolean): void {
  let kept = 0;
  for (const sibling of siblings) if (isKept(sibling)) siblings[kept++] = sibling;
  siblings.length = kept;
}

class LiveRegister implements RegisterView {
  readonly #source: Source<RegisterState>;

  constructor(source: Source<RegisterState>) {
    this.#source = source;
  }

  get value(): Value | undefined {
    return lwwRegister.value(this.#source());
  }

  get values(): readonly Value[] {
    return lwwRegister.values(this.#source());
  }

  merged(merge: (a: Value, b: Value) => Value): Value | undefined {
    const { values } = this;
    return values.length === 0 ? undefined : values.reduce((a, b) => merge(a, b));
  }
}

class RegisterEditor extends LiveRegister implements RegisterDraft {
  readonly #site: Site<RegisterState, RegisterOp>;

  constructor(site: Site<RegisterState, RegisterOp>) {
    super(site.state);
    this.#site = site;
  }

  set(value: Value): void {
    this.#site.record((state) => lwwRegister.set(state, this.#site.own(value)));
  }

  clear(): void {
    this.#site.record(lwwRegister.clear);
  }
}
