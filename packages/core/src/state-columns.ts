/**
 * The columns of saved states: numbers, names, dots and values of many things of one kind, each kind of fact together.
 *
 * Every column has one encoding, so equal states have equal bytes. What repeats, or grows evenly, is written once; where
 * that could make much of few bytes, the caller asks for a `full` column, of which each entry takes a byte at least.
 */
import type { AuthorTable } from "./author-table.js";
import { type ByteReader, ByteWriter } from "./bytes.js";
import type { Dot } from "./ids.js";
import { readRuns, writeRuns } from "./int-column.js";
import { CORE_LIMITS } from "./limits.js";
import { readValueOf, TAG, type Value, writeValue } from "./value.js";

/** Numbers from 0 on. */
export function writeColumn(out: ByteWriter, values: readonly number[], isFull = false): void {
  if (isFull) for (const value of values) out.uint(value);
  else writeRuns(out, values, false);
}

/** The same of a number that repeats. */
export function writeSame(out: ByteWriter, count: number, value: number): void {
  writeColumn(out, new Array<number>(count).fill(value));
}

/** Refuses what is below `min` or above `max`. */
export function readColumn(
  input: ByteReader,
  count: number,
  isFull = false,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): number[] {
  const at = input.offset;
  const values: number[] = [];
  if (isFull) for (let left = count; left > 0; left--) values.push(input.uint());
  else readRuns(input, count, values, false);
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value < min || value > max) input.fail(`a number that is not from ${min} to ${max}`, at);
  }
  return values;
}

/** Numbers of which the differences are small or alike. All safe integers from 0 on. */
export function writeSteps(out: ByteWriter, values: readonly number[], isFull = false): void {
  const steps: number[] = [];
  let before = 0;
  for (const value of values) {
    steps.push(value - before);
    before = value;
  }
  if (isFull) for (const step of steps) out.int(step);
  else writeRuns(out, steps);
}

export function readSteps(input: ByteReader, count: number, isFull = false): number[] {
  const at = input.offset;
  const values: number[] = [];
  if (isFull) for (let left = count; left > 0; left--) values.push(input.int());
  else readRuns(input, count, values);
  let before = 0;
  for (let i = 0; i < count; i++) {
    before += values[i]!;
    if (before < 0 || before > Number.MAX_SAFE_INTEGER) input.fail("a number beyond 2^53 or below 0", at);
    values[i] = before;
  }
  return values;
}

/** Dots by the places of their authors and by their counters. */
export function writeDotColumns(
  out: ByteWriter,
  dots: readonly Dot[],
  authors: AuthorTable,
  isFull = false,
): void {
  const slots: number[] = [];
  const counters: number[] = [];
  for (const dot of dots) {
    slots.push(authors.slotOf(dot));
    counters.push(dot.counter);
  }
  writeSteps(out, slots, isFull);
  writeSteps(out, counters);
}

export function readDotColumns(
  input: ByteReader,
  count: number,
  authors: AuthorTable,
  isFull = false,
): Dot[] {
  const at = input.offset;
  const slots = readSteps(input, count, isFull);
  const counters = readSteps(input, count);
  return slots.map(
    (slot, i) => authors.dotAt(slot, counters[i]!) ?? input.fail("a dot that was not seen", at),
  );
}

/** Texts one after the other, their lengths in bytes apart. */
export function writeTexts(out: ByteWriter, texts: readonly string[]): void {
  const contents = new ByteWriter();
  const lengths = texts.map((text) => contents.textOnly(text));
  writeColumn(out, lengths);
  out.append(contents);
  contents.end();
}

export function readTexts(input: ByteReader, count: number, bytesMax: number): string[] {
  const lengths = readColumn(input, count, false, 0, bytesMax);
  return lengths.map((length) => input.textOnly(length));
}

/** Values: their tags, their numbers, the lengths of what has one, and contents. */
export class ValueWriter {
  readonly #tags: number[] = [];
  readonly #ints: number[] = [];
  readonly #lengths: number[] = [];
  readonly #contents = new ByteWriter();

  add(value: Value): void {
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      this.#tags.push(TAG.int);
      this.#ints.push(value === 0 ? 0 : value);
    } else if (typeof value === "string") {
      this.#tags.push(TAG.text);
      this.#lengths.push(this.#contents.textOnly(value));
    } else {
      const start = this.#contents.length;
      const body = new ByteWriter();
      writeValue(body, value);
      this.#tags.push(body.first);
      this.#contents.append(body, 1);
      body.end();
      if (hasLength(this.#tags.at(-1)!)) this.#lengths.push(this.#contents.length - start);
    }
  }

  write(out: ByteWriter, isFull = false): void {
    writeColumn(out, this.#tags, isFull);
    writeRuns(out, this.#ints);
    writeColumn(out, this.#lengths);
    out.append(this.#contents);
    this.#contents.end();
  }
}

export function readValues(input: ByteReader, count: number, isFull = false): Value[] {
  const tags = readColumn(input, count, isFull, 0, TAG.object);
  let [intCount, lengthCount] = [0, 0];
  for (const tag of tags) {
    if (tag === TAG.int) intCount++;
    else if (hasLength(tag)) lengthCount++;
  }
  const ints: number[] = [];
  readRuns(input, intCount, ints);
  const lengths = readColumn(input, lengthCount, false, 0, CORE_LIMITS.valueBytesMax);
  let [int, length] = [0, 0];
  return tags.map((tag) => {
    if (tag === TAG.int) return ints[int++]!;
    if (tag === TAG.text) return input.textOnly(lengths[length++]!);
    return readValueOf(input, tag, hasLength(tag) ? lengths[length++]! : undefined);
  });
}

function hasLength(tag: number): boolean {
  return tag === TAG.text || tag === TAG.bytes || tag === TAG.list || tag === TAG.object;
}
