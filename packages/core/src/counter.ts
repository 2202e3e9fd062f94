/**
 * A counter that goes up and down, can be reset, and is exact.
 *
 * For each author it keeps how far that author's steps have been counted, (seq, total): `total` is the sum of all of
 * the author's steps on this counter up to op `seq`. Such a prefix sum is a function of author and op alone, so the
 * one with the greater `seq` is simply the newer one, and joining is taking it. A reset sets a *floor* per author:
 * the (seq, total) that its maker saw and takes away. Floors are prefix sums too and join alike. The value is the
 * sum of total - floor, so steps concurrent with a reset, which lie above its floor, survive it.
 *
 * Totals only ever grow in length, not in number: one entry per author who ever stepped.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import type { Seen } from "./dots.js";
import { CounterOverflow, InvalidValue } from "./errors.js";
import { type Exact, minus, plus, plusNumber, safeNumber, ZERO } from "./exact.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { laterPrefix, NO_STEPS, type Prefix, readTotal, writeTotal } from "./prefix.js";
import { know } from "./types.js";
import type { Value } from "./value.js";

/** What is done to a counter. */
export type CounterOp =
  /** Adds `by`, an integer of magnitude up to `counterStepMax`. */
  | { readonly act: "step"; readonly by: number }
  /** Takes away, of each author, the steps up to `seq`, which sum up to `total`. */
  | { readonly act: "reset"; readonly floors: readonly Floor[] };

/** A prefix of one author's steps. Sorted by author within a reset. */
export interface Floor {
  readonly author: Author;
  readonly seq: number;
  readonly total: Exact;
}

/** What is kept of a counter: one entry per author who ever stepped. */
export class CounterState {
  readonly entries = new Map<Author, Entry>();
  /** The sum of total - floor over all entries, kept along so that reading is O(1). */
  sum: Exact = ZERO;
}

/** Never changed in place. */
interface Entry {
  readonly steps: Prefix;
  readonly floor: Prefix;
}

/** Reads a counter. */
export interface CounterView {
  /** Throws `CounterOverflow` outside ±(2^53 - 1). */
  readonly value: number;
}

/** Writes a counter within a transaction. */
export interface CounterDraft extends CounterView {
  /** Throws `InvalidValue` unless `by` is an integer of magnitude up to 2^31. */
  increment(by?: number): void;
  /** Throws `InvalidValue` unless `by` is an integer of magnitude up to 2^31. */
  decrement(by?: number): void;
  /** Takes away every step seen so far; nothing happens if there is none. */
  reset(): void;
}

/** The counter's own prepare functions, beside those of every type. */
export interface CounterType extends FieldType<CounterState, CounterOp, number, CounterView, CounterDraft> {
  /** Prepares a step. Throws `InvalidValue` unless `by` is an integer of magnitude up to `counterStepMax`. */
  step(state: CounterState, by: number): CounterOp;
  /** Prepares a reset, undefined if there is no step that is not taken away already. O(authors). */
  reset(state: CounterState): CounterOp | undefined;
}

/** A counter that goes up and down, can be reset, and is exact within ±(2^53 - 1). Reading is O(1). */
export const pnCounter: CounterType = {
  kind: KINDS.counter,

  step(_state: CounterState, by: number): CounterOp {
    if (!isStep(by)) {
      throw new InvalidValue(
        `${String(by)} is not an integer of magnitude up to ${CORE_LIMITS.counterStepMax}`,
      );
    }
    return { act: "step", by: by === 0 ? 0 : by };
  },

  reset(state: CounterState): CounterOp | undefined {
    const floors: Floor[] = [];
    for (const [author, { steps, floor }] of state.entries) {
      if (steps.seq > floor.seq) floors.push({ author, seq: steps.seq, total: steps.total });
    }
    return floors.length === 0 ? undefined : { act: "reset", floors: floors.sort(byAuthor) };
  },

  /** Throws `CounterOverflow` outside ±(2^53 - 1); the state stays exact. O(1). */
  value(state: CounterState): number {
    const value = safeNumber(state.sum);
    if (value === undefined) throw new CounterOverflow("the counter's value lies outside ±(2^53 - 1)");
    return value;
  },

  isVacant(state: CounterState): boolean {
    for (const { steps, floor } of state.entries.values()) if (steps.seq > floor.seq) return false;
    return true;
  },
  isBlank: (state) => state.entries.size === 0,

  json: (state: CounterState): Value => pnCounter.value(state),

  empty: () => new CounterState(),
  isState: (state): state is CounterState => state instanceof CounterState,
  isOp: (op: AnyOp): op is CounterOp => op.act === "step" || op.act === "reset",

  /** A step is O(1), a reset O(floors). */
  apply(state: CounterState, op: CounterOp, dot: Dot, _stamp: Stamp, undo?: Undo): void {
    if (op.act === "step") {
      const { steps, floor } = entryOf(state, dot.author);
      const total = plusNumber(steps.total, op.by);
      keep(
        state,
        dot.author,
        { steps: { seq: dot.counter, total }, floor },
        plusNumber(state.sum, op.by),
        undo,
      );
      return;
    }
    for (const { author, seq, total } of op.floors) {
      const { steps, floor } = entryOf(state, author);
      put(state, author, { steps, floor: laterPrefix(floor, { seq, total }) }, undo);
    }
  },

  /** Prefix sums say by themselves which is newer, so the contexts are not needed. */
  merge(into: CounterState, _intoSeen: Seen, from: CounterState, _fromSeen: Seen): void {
    for (const [author, theirs] of from.entries) {
      const { steps, floor } = entryOf(into, author);
      put(into, author, { steps: laterPrefix(steps, theirs.steps), floor: laterPrefix(floor, theirs.floor) });
    }
  },

  clone(state: CounterState): CounterState {
    const copy = new CounterState();
    for (const [author, entry] of state.entries) copy.entries.set(author, entry);
    copy.sum = state.sum;
    return copy;
  },

  again: (state, op) => (op.act === "step" ? pnCounter.step(state, op.by) : pnCounter.reset(state)),

  mentions(op: CounterOp, visit: (author: Author, counter: number) => void): void {
    if (op.act === "reset") for (const floor of op.floors) visit(floor.author, floor.seq);
  },

  writeOp(out: ByteWriter, op: CounterOp, authors: AuthorTable): void {
    if (op.act === "step") {
      out.byte(OPCODE.step);
      out.int(op.by);
      return;
    }
    out.byte(OPCODE.reset);
    for (const { author, seq, total } of op.floors) {
      authors.writeDot(out, { author, counter: seq });
      writeTotal(out, total);
    }
  },

  readOp(input: ByteReader, authors: AuthorTable): CounterOp | undefined {
    const at = input.offset;
    switch (input.byte()) {
      case OPCODE.step: {
        const by = input.int();
        if (!isStep(by)) input.fail("a step greater than counterStepMax", at);
        input.end();
        return { act: "step", by };
      }
      case OPCODE.reset: {
        const floors: Floor[] = [];
        while (input.remaining > 0) {
          const { author, counter: seq } = authors.readDot(input);
          const floor = { author, seq, total: readTotal(input, seq) };
          const before = floors.at(-1);
          if (before !== undefined && byAuthor(before, floor) >= 0) input.fail("authors out of order", at);
          floors.push(floor);
        }
        if (floors.length === 0) input.fail("a reset of nothing", at);
        return { act: "reset", floors };
      }
      default:
        return undefined;
    }
  },

  readState(input: ByteReader, authors: AuthorTable): CounterState {
    const state = new CounterState();
    let before = 0;
    for (let left = input.count(Number.MAX_SAFE_INTEGER, 3); left > 0; left--) {
      const at = input.offset;
      const author = authors.readAuthor(input);
      if (author <= before) input.fail("authors out of order", at);
      const seqMax = authors.counterMaxOf(author);
      const steps = readPrefix(input, seqMax);
      const floor = readPrefix(input, seqMax);
      if (steps.seq === 0 && floor.seq === 0) input.fail("an author without steps", at);
      put(state, author, { steps, floor });
      before = author;
    }
    return state;
  },

  view: (source) => new LiveCounter(source),
  edit: (site) => new CounterEditor(site),
};

know(pnCounter);

// On the wire for ever.
const OPCODE = { step: 1, reset: 2 } as const;

const NO_ENTRY: Entry = { steps: NO_STEPS, floor: NO_STEPS };

export function isStep(by: number): boolean {
  return Number.isInteger(by) && Math.abs(by) <= CORE_LIMITS.counterStepMax;
}

function byAuthor(a: Floor, b: Floor): number {
  return a.author - b.author;
}

function entryOf(state: CounterState, author: Author): Entry {
  return state.entries.get(author) ?? NO_ENTRY;
}

/** Replaces an author's entry and carries the sum along. */
function put(state: CounterState, author: Author, entry: Entry, undo?: Undo): void {
  const without = minus(state.sum, remainder(entryOf(state, author)));
  keep(state, author, entry, plus(without, remainder(entry)), undo);
}

function keep(state: CounterState, author: Author, entry: Entry, sum: Exact, undo?: Undo): void {
  const before = state.entries.get(author);
  const sumBefore = state.sum;
  state.entries.set(author, entry);
  state.sum = sum;
  undo?.push(() => {
    state.sum = sumBefore;
    if (before === undefined) state.entries.delete(author);
    else state.entries.set(author, before);
  });
}

function remainder({ steps, floor }: Entry): Exact {
  return minus(steps.total, floor.total);
}

function readPrefix(input: ByteReader, seqMax: number): Prefix {
  const seq = input.uint(seqMax);
  return seq === 0 ? NO_STEPS : { seq, total: readTotal(input, seq) };
}

class LiveCounter implements CounterView {
  readonly #source: Source<CounterState>;

  constructor(source: Source<CounterState>) {
    this.#source = source;
  }

  get value(): number {
    return pnCounter.value(this.#source());
  }
}

class CounterEditor extends LiveCounter implements CounterDraft {
  readonly #site: Site<CounterState, CounterOp>;

  constructor(site: Site<CounterState, CounterOp>) {
    super(site.state);
    this.#site = site;
  }

  increment(by = 1): void {
    this.#site.record((state) => pnCounter.step(state, by));
  }

  decrement(by = 1): void {
    this.#site.record((state) => pnCounter.step(state, -by));
  }

  reset(): void {
    this.#site.record(pnCounter.reset);
  }
}
