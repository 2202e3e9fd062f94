/**
 * A column of integers: many of one meaning, of which the writer and the reader know how many there are.
 *
 * `writeRuns` writes once what repeats, and there is one way to do so: states are made of such columns. For links, where
 * nothing is hashed, `writeInts` chooses: a few are written as they are, more as themselves or as their differences.
 */
import { type ByteReader, ByteWriter } from "./bytes.js";

export function writeInts(out: ByteWriter, values: readonly number[]): void {
  if (values.length < PLAIN_BELOW) {
    for (const value of values) out.int(value);
    return;
  }
  const steps = differences(values);
  const plain = new ByteWriter();
  writeRuns(plain, values);
  const stepped = new ByteWriter();
  if (steps !== undefined) writeRuns(stepped, steps);
  const isStepped = steps !== undefined && stepped.length < plain.length;
  out.byte(isStepped ? 1 : 0);
  out.append(isStepped ? stepped : plain);
  plain.end();
  stepped.end();
}

/** @param count of which the caller has seen to it that it is not too many. Refuses what is below `min` or above `max`. */
export function readInts(
  input: ByteReader,
  count: number,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): number[] {
  const at = input.offset;
  const values: number[] = [];
  if (count < PLAIN_BELOW) {
    while (values.length < count) values.push(input.int());
  } else {
    const isStepped = input.byte();
    if (isStepped > 1) input.fail("a column of an unknown form", at);
    readRuns(input, count, values);
    if (isStepped === 1) for (let i = 1; i < count; i++) values[i] = values[i]! + values[i - 1]!;
  }
  for (const value of values) {
    if (!(value >= min && value <= max)) input.fail(`a number that is not from ${min} to ${max}`, at);
  }
  return values;
}

const PLAIN_BELOW = 8;
/** A repetition of less is not worth an end of what stands before it. */
const RUN_MIN = 3;

/** Undefined if one of them is not a safe integer. */
function differences(values: readonly number[]): number[] | undefined {
  const steps = values.map((value, i) => (i === 0 ? value : value - values[i - 1]!));
  return steps.every(Number.isSafeInteger) ? steps : undefined;
}

/** Repetitions and what is between them: each after its length, of which the last bit tells one from the other. */
export function writeRuns(out: ByteWriter, values: readonly number[], isSigned = true): void {
  let from = 0;
  for (let at = 0; at < values.length; ) {
    const end = runEnd(values, at);
    if (end - at < RUN_MIN) {
      at = end;
      continue;
    }
    writeLiterals(out, values, from, at, isSigned);
    out.uint((end - at) * 2 + 1);
    if (isSigned) out.int(values[at]!);
    else out.uint(values[at]!);
    from = at = end;
  }
  writeLiterals(out, values, from, values.length, isSigned);
}

function runEnd(values: readonly number[], at: number): number {
  let end = at + 1;
  while (end < values.length && values[end] === values[at]) end++;
  return end;
}

function writeLiterals(
  out: ByteWriter,
  values: readonly number[],
  from: number,
  to: number,
  isSigned: boolean,
): void {
  if (from === to) return;
  out.uint((to - from) * 2);
  if (isSigned) for (let i = from; i < to; i++) out.int(values[i]!);
  else for (let i = from; i < to; i++) out.uint(values[i]!);
}

/** Reads `count` integers, and refuses what `writeRuns` would not have written. */
export function readRuns(input: ByteReader, count: number, values: number[], isSigned = true): void {
  let wasLiteral = false;
  while (values.length < count) {
    const at = input.offset;
    const token = input.uint();
    const length = Math.floor(token / 2);
    const repeats = token % 2 === 1;
    if (length === 0 || length > count - values.length) input.fail("a run of a wrong length", at);
    if (repeats ? length < RUN_MIN : wasLiteral) input.fail("a run that is none", at);
    const start = values.length;
    if (repeats) {
      const value = isSigned ? input.int() : input.uint();
      for (let left = length; left > 0; left--) values.push(value);
    } else if (isSigned) {
      for (let left = length; left > 0; left--) values.push(input.int());
    } else {
      for (let left = length; left > 0; left--) values.push(input.uint());
    }
    if (!isMaximal(values, start, repeats, wasLiteral)) input.fail("a run that could be longer", at);
    wasLiteral = !repeats;
  }
}

/** True if the next column is one number from 0 on, repeated. If not, the reader is somewhere in it. */
export function isRunOf(input: ByteReader, count: number, value: number): boolean {
  return count >= RUN_MIN && input.uint() === count * 2 + 1 && input.uint() === value;
}

/** True if nothing in or around the values from `start` on belongs to another repetition. */
function isMaximal(
  values: readonly number[],
  start: number,
  repeats: boolean,
  afterLiteral: boolean,
): boolean {
  if (start > 0 && values[start] === values[start - 1]) return false;
  if (repeats) return true;
  let same = 1;
  for (let i = start + 1; i < values.length; i++) {
    same = values[i] === values[i - 1] ? same + 1 : 1;
    if (same === RUN_MIN) return false;
  }
  return !afterLiteral;
}
