/**
 * A counter that only goes up, and is exact.
 *
 * For each author it keeps the sum of his steps, with the counter of the last of them: a prefix sum, of which the
 * longer is the newer one. That is half of what a counter with resets keeps. As there are no floors, nothing can take
 * steps away: removing what contains such a counter leaves it.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { CounterView } from "./counter.js";
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

/** Adds `by`, an integer from 1 to `counterStepMax`. */
export interface GrowCounterOp {
  readonly act: "grow";
  readonly by: number;
}

/** What is kept of such a counter: for each author the sum of what he has added. */
export class GrowCounterState {
  readonly steps = new Map<Author, Prefix>();
  /** The sum of all totals, kept along so that reading is O(1). */
  sum: Exact = ZERO;
}

export interface GrowCounterDraft extends CounterView {
  /** Throws `InvalidValue` unless `by` is an integer from 1 to 2^31. */
  increment(by?: number): void;
}

export interface GrowCounterType
  extends FieldType<GrowCounterState, GrowCounterOp, number, CounterView, GrowCounterDraft> {
  /** Prepares a step. Throws `InvalidValue` unless `by` is an integer from 1 to `counterStepMax`. */
  step(state: GrowCounterState, by: number): GrowCounterOp;
}

/** A counter that only goes up. */
export const gCounter: GrowCounterType = {
  kind: KINDS["grow-counter"],

  step(_state: GrowCounterState, by: number): GrowCounterOp {
    if (!Number.isInteger(by) || by < 1 || by > CORE_LIMITS.counterStepMax) {
      throw new InvalidValue(`${String(by)} is not an integer from 1 to ${CORE_LIMITS.counterStepMax}`);
    }
    return { act: "grow", by };
  },

  /** Throws `CounterOverflow` above 2^53 - 1; the state stays exact. O(1). */
  value(state: GrowCounterState): number {
    const value = safeNumber(state.sum);
    if (value === undefined) throw new CounterOverflow("the counter's value lies above 2^53 - 1");
    return value;
  },

  reset: () => undefined,

  isVacant: (state) => state.steps.size === 0,
  isBlank: (state) => state.steps.size === 0,

  json: (state: GrowCounterState): Value => gCounter.value(state),

  empty: () => new GrowCounterState(),
  isState: (state): state is GrowCounterState => state instanceof GrowCounterState,
  isOp: (op: AnyOp): op is GrowCounterOp => op.act === "grow",

  /** O(1). */
  apply(state: GrowCounterState, op: GrowCounterOp, dot: Dot, _stamp: Stamp, undo?: Undo): void {
    const total = plusNumber(stepsOf(state, dot.author).total, op.by);
    put(state, dot.author, { seq: dot.counter, total }, undo);
  },

  /** Prefix sums say by themselves which is newer, so the contexts are not needed. */
  merge(into: GrowCounterState, _intoSeen: Seen, from: GrowCounterState, _fromSeen: Seen): void {
    for (const [author, theirs] of from.steps) put(into, author, laterPrefix(stepsOf(into, author), theirs));
  },

  clone(state: GrowCounterState): GrowCounterState {
    const copy = new GrowCounterState();
    for (const [author, steps] of state.steps) copy.steps.set(author, steps);
    copy.sum = state.sum;
    return copy;
  },

  again: (state, op) => gCounter.step(state, op.by),

  mentions(): void {},

  writeOp(out: ByteWriter, op: GrowCounterOp, _authors: AuthorTable): void {
    out.byte(OPCODE.grow);
    out.uint(op.by);
  },

  readOp(input: ByteReader, _authors: AuthorTable): GrowCounterOp | undefined {
    if (input.byte() !== OPCODE.grow) return undefined;
    const at = input.offset;
    const by = input.uint(CORE_LIMITS.counterStepMax);
    if (by === 0) input.fail("a step of nothing", at);
    return { act: "grow", by };
  },

  writeState(out: ByteWriter, state: GrowCounterState, authors: AuthorTable): void {
    out.uint(state.steps.size);
    for (const [author, { seq, total }] of [...state.steps].sort(([a], [b]) => a - b)) {
      authors.writeDot(out, { author, counter: seq });
      writeTotal(out, total);
    }
  },

  readState(input: ByteReader, authors: AuthorTable): GrowCounterState {
    const state = new GrowCounterState();
    let before = 0;
    for (let left = input.count(Number.MAX_SAFE_INTEGER, 4); left > 0; left--) {
      const at = input.offset;
      const { author, counter: seq } = authors.readDot(input);
      if (author <= before) input.fail("authors out of order", at);
      const total = readTotal(input, seq);
      if (total.high < 0 || (total.high === 0 && total.low === 0)) input.fail("a total of nothing", at);
      put(state, author, { seq, total });
      before = author;
    }
    return state;
  },

  view: (source) => new LiveGrowCounter(source),
  edit: (site) => new GrowCounterEditor(site),
};

know(gCounter);

// On the wire for ever.
const OPCODE = { grow: 1 } as const;

function stepsOf(state: GrowCounterState, author: Author): Prefix {
  return state.steps.get(author) ?? NO_STEPS;
}

/** Replaces an author's prefix and carries the sum along. */
function put(state: GrowCounterState, author: Author, steps: Prefix, undo?: Undo): void {
  const before = state.steps.get(author);
  const sumBefore = state.sum;
  state.sum = plus(minus(sumBefore, (before ?? NO_STEPS).total), steps.total);
  state.steps.set(author, steps);
  undo?.push(() => {
    state.sum = sumBefore;
    if (before === undefined) state.steps.delete(author);
    else state.steps.set(author, before);
  });
}

class LiveGrowCounter implements CounterView {
  readonly #source: Source<GrowCounterState>;

  constructor(source: Source<GrowCounterState>) {
    this.#source = source;
  }

  get value(): number {
    return gCounter.value(this.#source());
  }
}

class GrowCounterEditor extends LiveGrowCounter implements GrowCounterDraft {
  readonly #site: Site<GrowCounterState, GrowCounterOp>;

  constructor(site: Site<GrowCounterState, GrowCounterOp>) {
    super(site.state);
    this.#site = site;
  }

  increment(by = 1): void {
    this.#site.record((state) => gCounter.step(state, by));
  }
}
