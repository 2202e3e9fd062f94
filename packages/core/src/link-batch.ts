/**
 * Payloads of ops taken apart, and put together again byte for byte.
 *
 * A dot is written as how far it is below the greatest that may stand there, which is little where people go on from
 * what is new. In a batch, what is alike in its ops stands together in columns, so that what repeats is written once:
 * opcodes, values and dots of payloads whose layout is known; the others go as they are.
 */
import { type ByteReader, ByteWriter } from "./bytes.js";
import type { Dot } from "./ids.js";
import { readInts, writeInts } from "./int-column.js";
import { CORE_LIMITS } from "./limits.js";
import type { Path } from "./path.js";
import { isLayout, LAYOUT, type Layout, layoutOf } from "./payload-layout.js";
import { attempt } from "./result.js";
import { skipValue, TAG } from "./value.js";

/** The greatest counters that dots of an op may have: of its own author, then of those observed. */
export class DotLimits {
  readonly #observed: readonly Dot[];
  /** Of the author himself: the counter before the op's. */
  own: number;

  constructor(own: number, observed: readonly Dot[]) {
    this.own = own;
    this.#observed = observed;
  }

  of(slot: number, input: ByteReader): number {
    const limit = slot === 0 ? this.own : this.#observed[slot - 1]?.counter;
    return limit ?? input.fail(`no author has place ${slot}`);
  }
}

/** The layout that a payload really has. */
export function layoutIn(payload: ByteReader, path: Path, limits: DotLimits): Layout {
  if (payload.remaining === 0) return LAYOUT.raw;
  const start = payload.offset;
  const layout = layoutOf(path[path.length - 1]!.kind, payload.byte());
  const fits = attempt(() => {
    if (layout === LAYOUT.valueDots) skipValue(payload);
    if (layout === LAYOUT.int) payload.int();
    else if (layout !== LAYOUT.raw) while (payload.remaining > 0) readDot(payload, limits);
    if (layout !== LAYOUT.raw) payload.end();
  });
  payload.back(start);
  return fits.ok ? layout : LAYOUT.raw;
}

/** What follows the opcode, to the end of the frame. */
export function writeArguments(
  out: ByteWriter,
  layout: Layout,
  payload: ByteReader,
  limits: DotLimits,
): void {
  const start = payload.offset;
  if (layout === LAYOUT.valueDots) skipValue(payload);
  if (layout === LAYOUT.valueDots || layout === LAYOUT.dots) {
    out.raw(payload.since(start));
    while (payload.remaining > 0) {
      const { slot, below } = readDot(payload, limits);
      out.uint(slot);
      out.uint(below);
    }
  } else {
    out.raw(payload.rewind(start));
  }
}

export function readArguments(out: ByteWriter, layout: Layout, input: ByteReader, limits: DotLimits): void {
  const start = input.offset;
  if (layout === LAYOUT.valueDots) skipValue(input);
  if (layout === LAYOUT.valueDots || layout === LAYOUT.dots) {
    out.raw(input.since(start));
    while (input.remaining > 0) writeDot(out, input.uint(), input.uint(), limits, input);
  } else {
    out.raw(input.rewind(start));
  }
}

/** Everything of a change's ops, each of its paths by its place in the change's table. */
export class OpColumns {
  readonly paths: number[] = [];
  /** Opcode and layout in one. */
  readonly codes: number[] = [];
  readonly tags: number[] = [];
  readonly ints: number[] = [];
  /** Of texts, bytes, lists and objects, and of raw payloads. */
  readonly lengths: number[] = [];
  readonly dotCounts: number[] = [];
  readonly slots: number[] = [];
  readonly below: number[] = [];
  readonly contents = new ByteWriter();

  add(path: number, layout: Layout, payload: ByteReader, limits: DotLimits): void {
    this.paths.push(path);
    const opcode = layout === LAYOUT.raw ? 0 : payload.byte();
    this.codes.push(opcode * LAYOUTS + layout);
    if (layout === LAYOUT.raw) this.#addContents(payload, payload.offset, payload.offset + payload.remaining);
    else if (layout === LAYOUT.int) this.ints.push(payload.int());
    else {
      if (layout === LAYOUT.valueDots) this.#addValue(payload);
      const before = this.slots.length;
      while (payload.remaining > 0) {
        const { slot, below } = readDot(payload, limits);
        this.slots.push(slot);
        this.below.push(below);
      }
      this.dotCounts.push(this.slots.length - before);
    }
  }

  write(out: ByteWriter): void {
    const { paths, codes, tags, ints, lengths, dotCounts, slots, below } = this;
    for (const column of [paths, codes, tags, ints, lengths, dotCounts, slots, below]) writeInts(out, column);
    out.append(this.contents);
    this.contents.end();
  }

  #addValue(payload: ByteReader): void {
    const start = payload.offset;
    skipValue(payload);
    const end = payload.offset;
    payload.back(start);
    const tag = payload.byte();
    this.tags.push(tag);
    if (tag === TAG.int) this.ints.push(payload.int());
    else if (tag === TAG.text || tag === TAG.bytes)
      this.#addContents(payload, payload.offset + lengthBytes(payload), end);
    else if (tag === TAG.list || tag === TAG.object) this.#addContents(payload, start + 1, end);
    else this.contents.raw(payload.raw(end - payload.offset));
  }

  #addContents(payload: ByteReader, start: number, end: number): void {
    this.lengths.push(end - start);
    payload.back(start);
    this.contents.raw(payload.raw(end - start));
  }
}

/** Reads columns and writes the ops as they stand in a change. Throws when it would be more than `changeBytesMax`. */
export function readOpColumns(
  input: ByteReader,
  out: ByteWriter,
  count: number,
  pathCount: number,
  limits: DotLimits,
): void {
  const paths = readInts(input, count, 0, pathCount - 1);
  const codes = readInts(input, count, 0, 256 * LAYOUTS - 1);
  const layouts = codes.map((code) => layoutOfCode(code, input));
  const tags = readInts(input, countOf(layouts, LAYOUT.valueDots), 0, TAG.object);
  const ints = new Column(
    readInts(input, countOf(layouts, LAYOUT.int) + countOf(tags, TAG.int), Number.MIN_SAFE_INTEGER),
  );
  const { text, bytes, list, object } = TAG;
  const contents = [text, bytes, list, object].reduce((sum, tag) => sum + countOf(tags, tag), 0);
  const lengths = new Column(
    readInts(input, contents + countOf(layouts, LAYOUT.raw), 0, CORE_LIMITS.changeBytesMax),
  );
  const dotted = countOf(layouts, LAYOUT.valueDots) + countOf(layouts, LAYOUT.dots);
  const dotCounts = readInts(input, dotted, 0, DOTS_MAX);
  const dots = dotCounts.reduce((sum, each) => sum + each, 0);
  if (dots > DOTS_MAX) input.fail("more dots than a change can have");
  const slots = new Column(readInts(input, dots));
  const below = new Column(readInts(input, dots));
  const [tagColumn, dotColumn] = [new Column(tags), new Column(dotCounts)];
  const payload = new ByteWriter();
  for (let i = 0; i < count; i++) {
    payload.reset();
    const layout = layouts[i]!;
    if (layout !== LAYOUT.raw) payload.byte(Math.floor(codes[i]! / LAYOUTS));
    if (layout === LAYOUT.raw) payload.raw(input.raw(lengths.next()));
    else if (layout === LAYOUT.int) payload.int(ints.next());
    else {
      if (layout === LAYOUT.valueDots) writeValueBack(payload, tagColumn.next(), ints, lengths, input);
      for (let left = dotColumn.next(); left > 0; left--)
        writeDot(payload, slots.next(), below.next(), limits, input);
    }
    out.uint(paths[i]!);
    out.nested(payload);
    if (out.length > CORE_LIMITS.changeBytesMax) input.fail("a change of more than changeBytesMax");
    limits.own++;
  }
  payload.end();
}

/** So many layouts there can be. */
const LAYOUTS = 8;
/** Each takes two bytes at least. */
const DOTS_MAX = CORE_LIMITS.changeBytesMax / 2;

/** Numbers taken one after the other. */
class Column {
  readonly #values: readonly number[];
  #at = 0;

  constructor(values: readonly number[]) {
    this.#values = values;
  }

  next(): number {
    return this.#values[this.#at++]!;
  }
}

function writeValueBack(
  out: ByteWriter,
  tag: number,
  ints: Column,
  lengths: Column,
  input: ByteReader,
): void {
  out.byte(tag);
  if (tag === TAG.int) out.int(ints.next());
  else if (tag === TAG.text || tag === TAG.bytes) out.bytes(input.raw(lengths.next()));
  else if (tag === TAG.list || tag === TAG.object) out.raw(input.raw(lengths.next()));
  else if (tag === TAG.float) out.raw(input.raw(8));
}

function readDot(input: ByteReader, limits: DotLimits): { readonly slot: number; readonly below: number } {
  const slot = input.uint();
  const limit = limits.of(slot, input);
  return { slot, below: limit - input.uint(limit) };
}

function writeDot(out: ByteWriter, slot: number, below: number, limits: DotLimits, input: ByteReader): void {
  const counter = limits.of(slot, input) - below;
  if (counter < 0) input.fail("a dot below zero");
  out.uint(slot);
  out.uint(counter);
}

function layoutOfCode(code: number, input: ByteReader): Layout {
  const layout = code % LAYOUTS;
  return isLayout(layout) ? layout : input.fail(`no layout has number ${layout}`);
}

function countOf(values: readonly number[], wanted: number): number {
  let count = 0;
  for (const value of values) if (value === wanted) count++;
  return count;
}

/** Reads a length and says how many bytes it took. */
function lengthBytes(input: ByteReader): number {
  const start = input.offset;
  input.uint();
  return input.offset - start;
}
