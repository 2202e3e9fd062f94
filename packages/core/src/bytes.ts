/**
 * Bytes out and bytes in: every format of Syncline is written and read through these two.
 *
 * The writer has one way to say each thing and the reader refuses every other way, so equal contents have equal
 * bytes and may be compared and hashed as bytes. The reader never believes a length: it compares what is declared
 * with what is there before it allocates. Integers are little-endian groups of seven bits, at most eight bytes, and
 * must be safe integers (below 2^53).
 */
import { crc32 } from "./checksum.js";
import { InvalidValue, Malformed } from "./errors.js";
import { fromUtf8, hasLoneSurrogate, toUtf8 } from "./utf8.js";

/** Writes bytes into a buffer that grows. Each write is amortised O(size). */
export class ByteWriter {
  /** Taken from another writer that has ended, where there is one: making a buffer costs more than most contents. */
  #buffer: Uint8Array = spares > 0 ? spare[--spares]! : new Uint8Array(BUFFER_BYTES);
  #length = 0;
  /** The buffer is what `finish` handed out: it is full, and not to be written to again. */
  #isGiven = false;

  /** One byte, 0 to 255. */
  byte(value: number): void {
    if (this.#length === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#length++] = value;
  }

  /** An integer from 0 to 2^53 - 1, in 1 to 8 bytes. */
  uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new InvalidValue(`not an unsigned integer: ${value}`);
    if (this.#length + VARINT_BYTES_MAX > this.#buffer.length) this.#grow(VARINT_BYTES_MAX);
    const buffer = this.#buffer;
    let at = this.#length;
    let left = value;
    if (value > 0x7fffffff) {
      // Bit operations are faster, and know 32 bits: four groups of seven at once.
      left = Math.floor(value / 2 ** 28);
      const low = value - left * 2 ** 28;
      for (let shift = 0; shift < 28; shift += 7) buffer[at++] = (low >>> shift) | 128;
    }
    for (; left > 127; left >>>= 7) buffer[at++] = left | 128;
    buffer[at++] = left;
    this.#length = at;
  }

  /** An integer of magnitude below 2^53, in 1 to 8 bytes: the sign is bit 6 of the first. */
  int(value: number): void {
    if (!Number.isSafeInteger(value)) throw new InvalidValue(`not a safe integer: ${value}`);
    const magnitude = Math.abs(value);
    const sign = value < 0 ? 64 : 0;
    if (magnitude < 64) {
      this.byte(magnitude | sign);
      return;
    }
    this.byte((magnitude % 64) | sign | 128);
    this.uint(Math.floor(magnitude / 64));
  }

  /** Eight bytes, IEEE 754, big-endian. */
  float64(value: number): void {
    FLOAT.setFloat64(0, value);
    this.raw(FLOAT_BYTES);
  }

  /** Length in bytes, then UTF-8. Throws `InvalidValue` on lone surrogates. */
  text(value: string): void {
    const start = this.#length;
    if (value.length <= SHORT_TEXT) {
      this.byte(value.length);
      if (this.#ascii(value)) return;
      this.#length = start;
    }
    this.bytes(utf8Of(value));
  }

  /** UTF-8 alone. Returns how many bytes that is. Throws `InvalidValue` on lone surrogates. */
  textOnly(value: string): number {
    const start = this.#length;
    if (value.length > SHORT_TEXT || !this.#ascii(value)) this.raw(utf8Of(value));
    return this.#length - start;
  }

  /** Writes a text if it is ASCII; nothing and false if it is not. */
  #ascii(value: string): boolean {
    const { length } = value;
    if (this.#length + length > this.#buffer.length) this.#grow(length);
    const [buffer, start] = [this.#buffer, this.#length];
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127) return false;
      buffer[start + i] = unit;
    }
    this.#length = start + length;
    return true;
  }

  /** Length, then the bytes. */
  bytes(value: Uint8Array): void {
    this.uint(value.length);
    this.raw(value);
  }

  /** The bytes alone. */
  raw(value: Uint8Array): void {
    if (this.#length + value.length > this.#buffer.length) this.#grow(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what was written and keeps the memory, for the next thing to be written. */
  reset(): void {
    if (this.#isGiven) this.#buffer = NOTHING;
    this.#length = 0;
  }

  /** Appends what another writer has written, after its length: `bytes` without a copy in between. */
  nested(value: ByteWriter): void {
    this.bytes(value.#buffer.subarray(0, value.#length));
  }

  /** Begins bytes of which the length is not known yet; `close` wants what this returns. */
  open(): number {
    this.byte(0);
    return this.#length;
  }

  /** Puts in the length of what was written since `open`, which is one byte for most. */
  close(start: number): void {
    const length = this.#length - start;
    if (length > 127) {
      const written = this.#buffer.slice(start, this.#length);
      this.#length = start - 1;
      this.bytes(written);
    } else {
      this.#buffer[start - 1] = length;
    }
  }

  /** Appends what another writer has written, from some byte on. */
  append(value: ByteWriter, from = 0): void {
    this.raw(value.#buffer.subarray(from, value.#length));
  }

  /** The first byte that was written. */
  get first(): number {
    return this.#buffer[0]!;
  }

  /** Appends the checksum of what was written, mixed with one of what is not, and gives a fresh copy of all. */
  seal(mixed = 0): Uint8Array {
    const checksum = mixed ^ crc32(this.#buffer, 0, this.#length);
    for (let shift = 0; shift < 32; shift += 8) this.byte(checksum >>> shift);
    return this.finish();
  }

  /** A fresh copy of what was written. */
  finish(): Uint8Array {
    const length = this.#length;
    const copy = new Uint8Array(length);
    const buffer = this.#buffer;
    if (length > SHORT_TEXT) copy.set(buffer.subarray(0, length));
    else for (let i = 0; i < length; i++) copy[i] = buffer[i]!;
    if (!this.#isGiven) this.#giveBack(copy);
    return copy;
  }

  /** Forgets what was written, and lets another writer have the memory. */
  end(): void {
    if (!this.#isGiven) this.#giveBack(NOTHING);
    this.#length = 0;
  }

  #giveBack(instead: Uint8Array): void {
    if (spares < SPARE_BUFFERS_MAX && this.#buffer.length <= SPARE_BYTES_MAX) spare[spares++] = this.#buffer;
    this.#buffer = instead;
    this.#isGiven = true;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + by, BUFFER_BYTES));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
    this.#isGiven = false;
  }
}

const NOTHING = new Uint8Array(0);

/** Buffers of writers that have ended, for those that begin. */
const spare: Uint8Array[] = [];
/** How many of them nobody has. The array keeps its length, for one that shrinks and grows is a new one each time. */
let spares = 0;
const SPARE_BUFFERS_MAX = 8;
const SPARE_BYTES_MAX = 16_384;
const BUFFER_BYTES = 256;

/** Up to here a loop is faster than the encoder of the platform. */
const SHORT_TEXT = 64;

const FLOAT_BYTES = new Uint8Array(8);
const FLOAT = new DataView(FLOAT_BYTES.buffer);

function utf8Of(text: string): Uint8Array {
  if (hasLoneSurrogate(text)) throw new InvalidValue("text with a lone surrogate");
  return toUtf8(text);
}

/** Reads `bytes` from `start` to `end`. Every failure throws `Malformed`, with the offset in its message. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#end = end;
    this.#at = start;
  }

  /** Where the next byte is read. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Reads one byte. */
  byte(): number {
    this.#demand(1);
    return this.#bytes[this.#at++]!;
  }

  /** Reads an integer from 0 to `max`, in its shortest form. Fails the reader on anything else. */
  uint(max: number = Number.MAX_SAFE_INTEGER): number {
    const from = this.#at;
    const first = this.byte();
    const value = first < 0x80 ? first : this.#more(from, first & 0x7f, 128);
    if (value > max) this.fail(`${value} is above ${max}`, from);
    return value;
  }

  /** Reads an integer of either sign, in its shortest form. */
  int(): number {
    const from = this.#at;
    const first = this.byte();
    const value = first < 0x80 ? first & 0x3f : this.#more(from, first & 0x3f, 64);
    if (value > Number.MAX_SAFE_INTEGER) this.fail("an integer of 2^53 or more", from);
    if ((first & 0x40) === 0) return value;
    if (value === 0) this.fail("a negative zero", from);
    return -value;
  }

  /** The other bytes of an integer. */
  #more(from: number, first: number, scaleOfNext: number): number {
    let value = first;
    let scale = scaleOfNext;
    for (let left = VARINT_BYTES_MAX - 1; left > 0; left--) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte === 0) this.fail("an integer longer than it needs to be", from);
      if (byte < 0x80) return value;
    }
    return this.fail("an integer of more than eight bytes", from);
  }

  /** Reads eight bytes, IEEE 754, big-endian. */
  float64(): number {
    this.#demand(8);
    FLOAT_BYTES.set(this.#take(8));
    return FLOAT.getFloat64(0);
  }

  /** Refuses more than `bytesMax` bytes and what is not UTF-8. */
  text(bytesMax: number): string {
    return this.textOnly(this.uint(bytesMax));
  }

  /** Text of `length` bytes. Refuses what is not UTF-8. */
  textOnly(length: number): string {
    const from = this.offset;
    this.#demand(length);
    if (length <= SHORT_TEXT_BYTES) {
      const ascii = this.#ascii(length);
      if (ascii !== undefined) return ascii;
    }
    try {
      return fromUtf8(this.#take(length));
    } catch {
      return this.fail("text that is not UTF-8", from);
    }
  }

  /** A window on the input, not a copy: it lives and changes with the input. */
  bytes(bytesMax: number): Uint8Array {
    return this.raw(this.uint(bytesMax));
  }

  /** A window of `length` bytes on the input, not a copy. */
  raw(length: number): Uint8Array {
    this.#demand(length);
    return this.#take(length);
  }

  /** Passes over `length` bytes. */
  skip(length: number): void {
    this.#demand(length);
    this.#at += length;
  }

  /** A reader of the next `length` bytes, which this reader skips. */
  within(length: number): ByteReader {
    this.#demand(length);
    const start = this.offset;
    this.#at = start + length;
    return new ByteReader(this.#bytes, start, this.#at);
  }

  /** What was read from `start` on, as a window. */
  since(start: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, this.#at - start);
  }

  /** Goes back to where it has been. */
  back(offset: number): void {
    this.#at = offset;
  }

  /** Everything from `start` on to the end, as a window, whatever has been read of it. */
  rewind(start: number): Uint8Array {
    this.#at = start;
    return this.raw(this.remaining);
  }

  /** A declared number of things of at least `bytesEachMin` bytes: refused if they cannot be there. */
  count(max: number, bytesEachMin: number): number {
    const from = this.offset;
    const count = this.uint(max);
    if (count * bytesEachMin > this.remaining) this.fail(`${count} things declared, too few bytes`, from);
    return count;
  }

  /** Refuses bytes left over. */
  end(): void {
    if (this.remaining > 0) this.fail(`${this.remaining} bytes too many`);
  }

  /** Throws `Malformed` with `what` and the offset. For readers of formats, when contents are wrong. */
  fail(what: string, offset: number = this.offset): never {
    throw new Malformed(`${what}, at byte ${offset}`);
  }

  /** The next bytes, which are there. */
  #take(length: number): Uint8Array {
    this.#at += length;
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at - length, length);
  }

  #demand(length: number): void {
    if (length > this.remaining) this.fail(`${length} bytes expected, ${this.remaining} there`);
  }

  /** Most texts are short ASCII, for which the platform's decoder costs more than it saves. */
  #ascii(length: number): string | undefined {
    const [bytes, at] = [this.#bytes, this.#at];
    let text = "";
    for (let i = 0; i < length; i++) {
      const byte = bytes[at + i] ?? 0x80;
      if (byte >= 0x80) return undefined;
      text += String.fromCharCode(byte);
    }
    this.#at += length;
    return text;
  }
}

const VARINT_BYTES_MAX = 8;
const SHORT_TEXT_BYTES = 32;
