/**
 * Plain values: what registers and sets hold, and their one canonical encoding.
 *
 * Equal values have equal bytes, so sets compare elements as bytes and replicas hash states. Hence integers that a
 * double holds exactly have one form, object keys are sorted, and what JSON or a double cannot say twice alike (NaN,
 * undefined, dates) is refused at the source. Values that were read are frozen, since a replica's state and its
 * readers share them.
 */
import { ByteReader, ByteWriter } from "./bytes.js";
import { InvalidValue } from "./errors.js";
import { CORE_LIMITS } from "./limits.js";
import { compareUtf8, hasLoneSurrogate } from "./utf8.js";

/** JSON with bytes. Treat what you are handed as immutable; a `Uint8Array` cannot be frozen, so this is a plea. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value };

/** Writes the canonical form. Throws `InvalidValue` with the path and the reason. O(size). */
export function writeValue(out: ByteWriter, value: Value): void {
  const at: Writing = { start: out.length, path: [], within: [] };
  write(out, value, at);
  room(out, 0, at);
}

/** Refuses what `writeValue` would not have written. Lists and objects come frozen, bytes as a copy. */
export function readValue(input: ByteReader): Value {
  const start = input.offset;
  const value = read(input, 0);
  if (input.offset - start > CORE_LIMITS.valueBytesMax)
    input.fail("a value larger than valueBytesMax", start);
  return value;
}

/** A value of which the tag is known, in `length` bytes where there is a length. Refuses what is not canonical. */
export function readValueOf(input: ByteReader, tag: number, length: number | undefined): Value {
  if (length === undefined) return readBody(input, tag, 0, input.offset);
  const body = input.within(length);
  const value = readBody(body, tag, 0, input.offset);
  body.end();
  return value;
}

/** Passes over a value that is known to be one. */
export function skipValue(input: ByteReader, depth = 0): void {
  if (depth > CORE_LIMITS.valueDepthMax) input.fail("a value deeper than valueDepthMax");
  switch (input.byte()) {
    case TAG.int:
      input.int();
      return;
    case TAG.float:
      input.skip(8);
      return;
    case TAG.text:
    case TAG.bytes:
      input.skip(input.uint());
      return;
    case TAG.list:
      for (let left = input.uint(); left > 0; left--) skipValue(input, depth + 1);
      return;
    case TAG.object:
      for (let left = input.uint(); left > 0; left--) {
        input.skip(input.uint());
        skipValue(input, depth + 1);
      }
      return;
    case TAG.null:
    case TAG.false:
    case TAG.true:
      return;
    default:
      input.fail("no value has this tag");
  }
}

/**
 * A string that is equal for equal values and sorts like their canonical bytes: one character for each byte.
 * For keys of a `Map`. Throws `InvalidValue`.
 */
export function valueKey(value: Value): string {
  if (isShortAscii(value)) {
    // Its bytes are its characters: most elements of most sets are never encoded.
    return String.fromCharCode(TAG.text, value.length) + value;
  }
  const out = new ByteWriter();
  writeValue(out, value);
  return binaryText(out.finish());
}

/**
 * A private copy of a value, frozen, and at most how many bytes it takes: what the caller does with his own afterwards
 * is nobody's concern. Throws `InvalidValue`. O(size).
 */
export function ownValue(value: Value): { readonly value: Value; readonly bytesMax: number } {
  // The usual values need neither a check of their inside nor a copy.
  if (isShortAscii(value)) return { value, bytesMax: value.length + 2 };
  if (Number.isSafeInteger(value)) return { value: value === 0 ? 0 : value, bytesMax: 9 };
  const out = new ByteWriter();
  writeValue(out, value);
  return { value: readValue(new ByteReader(out.finish())), bytesMax: out.length };
}

/** The value of a key made by `valueKey`: a fresh one each time. */
export function valueOfKey(key: string): Value {
  return readValue(new ByteReader(bytesOfKey(key)));
}

/** The canonical bytes in a key made by `valueKey`. */
export function bytesOfKey(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i);
  return bytes;
}

/** Puts a property on an object as its own, whatever its prototype has under that name. */
export function setOwn<T>(object: Record<string, T>, name: string, value: T): void {
  if (name in PLAIN) {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[name] = value;
  }
}

const PLAIN: object = {};

// On the wire for ever.
export const TAG = {
  null: 0,
  false: 1,
  true: 2,
  int: 3,
  float: 4,
  text: 5,
  bytes: 6,
  list: 7,
  object: 8,
} as const;

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
const ASCII = /^[\x00-\x7f]*$/;

/** Text that is as long in bytes as in characters, with a length of one byte. */
function isShortAscii(value: Value): value is string {
  return typeof value === "string" && value.length < 128 && ASCII.test(value);
}

interface Writing {
  readonly start: number;
  readonly path: (string | number)[];
  /** The lists and objects that we are inside of. */
  readonly within: object[];
}

function write(out: ByteWriter, value: unknown, at: Writing): void {
  room(out, 1, at);
  if (value === null) out.byte(TAG.null);
  else if (typeof value === "boolean") out.byte(value ? TAG.true : TAG.false);
  else if (typeof value === "number") writeNumber(out, value, at);
  else if (typeof value === "string") writeText(out, value, at);
  else if (typeof value !== "object") refuse(at, `${typeof value} is not a value`);
  else if (isBytes(value)) writeBytes(out, value, at);
  else writeContainer(out, value, at);
}

function writeNumber(out: ByteWriter, value: number, at: Writing): void {
  if (Number.isSafeInteger(value)) {
    out.byte(TAG.int);
    out.int(value);
    return;
  }
  if (!Number.isFinite(value)) refuse(at, `${value} is not a finite number`);
  out.byte(TAG.float);
  out.float64(value);
}

function writeText(out: ByteWriter, value: string, at: Writing): void {
  room(out, value.length, at);
  if (hasLoneSurrogate(value)) refuse(at, "text with a lone surrogate");
  out.byte(TAG.text);
  out.text(value);
}

function writeBytes(out: ByteWriter, value: Uint8Array, at: Writing): void {
  room(out, value.length, at);
  out.byte(TAG.bytes);
  out.bytes(value);
}

function writeContainer(out: ByteWriter, value: object, at: Writing): void {
  if (at.within.includes(value)) refuse(at, "a value that contains itself");
  if (at.within.length === CORE_LIMITS.valueDepthMax) refuse(at, `deeper than ${CORE_LIMITS.valueDepthMax}`);
  at.within.push(value);
  if (Array.isArray(value)) writeList(out, value, at);
  else writeRecord(out, value, at);
  at.within.pop();
}

function writeList(out: ByteWriter, list: readonly unknown[], at: Writing): void {
  room(out, list.length, at);
  out.byte(TAG.list);
  out.uint(list.length);
  for (let i = 0; i < list.length; i++) {
    at.path.push(i);
    write(out, list[i], at);
    at.path.pop();
  }
}

function writeRecord(out: ByteWriter, record: object, at: Writing): void {
  const prototype: unknown = Object.getPrototypeOf(record);
  // Objects of another realm (a frame, a test's sandbox) have another Object.prototype, itself without prototype.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) refuse(at, "not a plain object");
  const entries = new Map<string, unknown>(Object.entries(record));
  const keys = [...entries.keys()].sort(compareUtf8);
  room(out, 2 * keys.length, at);
  out.byte(TAG.object);
  out.uint(keys.length);
  for (const key of keys) {
    at.path.push(key);
    if (key === "__proto__") refuse(at, "__proto__ is not a key");
    if (hasLoneSurrogate(key)) refuse(at, "a key with a lone surrogate");
    room(out, key.length, at);
    out.text(key);
    write(out, entries.get(key), at);
    at.path.pop();
  }
}

/** Refuses a value too large before anything is spent on it. */
function room(out: ByteWriter, bytesMore: number, at: Writing): void {
  if (out.length - at.start + bytesMore > CORE_LIMITS.valueBytesMax) {
    refuse(at, `larger than ${CORE_LIMITS.valueBytesMax} bytes`);
  }
}

function refuse(at: Writing, reason: string): never {
  const path = at.path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
  throw new InvalidValue(path === "" ? reason : `at ${path.slice(0, 200)}: ${reason}`);
}

function isBytes(value: object): value is Uint8Array {
  return value instanceof Uint8Array || Object.prototype.toString.call(value) === "[object Uint8Array]";
}

function read(input: ByteReader, depth: number): Value {
  const at = input.offset;
  return readBody(input, input.byte(), depth, at);
}

function readBody(input: ByteReader, tag: number, depth: number, at: number): Value {
  switch (tag) {
    case TAG.null:
      return null;
    case TAG.false:
      return false;
    case TAG.true:
      return true;
    case TAG.int:
      return input.int();
    case TAG.float: {
      const value = input.float64();
      if (!Number.isFinite(value) || Number.isSafeInteger(value))
        input.fail("not the form of this number", at);
      return value;
    }
    case TAG.text:
      return input.text(CORE_LIMITS.valueBytesMax);
    case TAG.bytes:
      return input.bytes(CORE_LIMITS.valueBytesMax).slice();
    case TAG.list:
      return readList(input, depth);
    case TAG.object:
      return readRecord(input, depth);
    default:
      return input.fail(`no value has tag ${tag}`, at);
  }
}

function readList(input: ByteReader, depth: number): Value {
  if (depth === CORE_LIMITS.valueDepthMax) input.fail("a value deeper than valueDepthMax");
  const list: Value[] = [];
  for (let left = input.count(CORE_LIMITS.valueBytesMax, 1); left > 0; left--)
    list.push(read(input, depth + 1));
  return Object.freeze(list);
}

function readRecord(input: ByteReader, depth: number): Value {
  if (depth === CORE_LIMITS.valueDepthMax) input.fail("a value deeper than valueDepthMax");
  const record: Record<string, Value> = {};
  let before: string | undefined;
  for (let left = input.count(CORE_LIMITS.valueBytesMax, 2); left > 0; left--) {
    const at = input.offset;
    const key = input.text(CORE_LIMITS.valueBytesMax);
    if (before !== undefined && compareUtf8(before, key) >= 0) input.fail("keys out of order", at);
    if (key === "__proto__") input.fail("__proto__ is not a key", at);
    setOwn(record, key, read(input, depth + 1));
    before = key;
  }
  return Object.freeze(record);
}

function binaryText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  }
  return text;
}

/** As many arguments as any engine takes in one call. */
const CHUNK_BYTES = 4096;
