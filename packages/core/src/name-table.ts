/**
 * Names by number: each takes its bytes, and some eight more. A few are kept as strings; more stand one after the other
 * in one array of bytes, and are found through a table of their hashes, so that there is no object for each.
 */
import { ByteReader, type ByteWriter } from "./bytes.js";
import { writeColumn, writeTexts } from "./state-columns.js";
import { fromUtf8, toUtf8 } from "./utf8.js";

/** A place in the table or, if those are taken, the key in a map, whose own hashes nobody can foresee. */
type Place = number | string;

export class NameTable {
  /** As long as they are few. */
  #few: string[] | undefined = [];
  #bytes = NO_BYTES;
  /** Where each begins, and where the last one ends. */
  #starts = NO_NUMBERS;
  /** One more than a number, or 0: found by hash, the next free place taken. */
  #table = NO_NUMBERS;
  /** The same for names that found `PROBES_MAX` places taken, by their bytes. */
  #crowded: Map<string, number> | undefined;
  #size = 0;
  /** What was looked for last, and its number: who looks at something mostly looks again. */
  #last: string | undefined;
  #lastNumber = -1;
  /** Where that is in the table, or goes to. */
  #lastPlace: Place = 0;

  /** @param expected how many names are going to be added. */
  constructor(expected = 0) {
    if (expected <= FEW_MAX) return;
    this.#few = undefined;
    this.#starts = new Uint32Array(expected + 1);
    this.#table = new Uint32Array(Math.ceil((expected + 1) * LOAD_MAX));
  }

  /** A table of names that stand one after the other; undefined if one of them is there twice. */
  static of(bytes: Uint8Array, lengths: Uint32Array): NameTable | undefined {
    const names = new NameTable(Math.max(lengths.length, FEW_MAX + 1));
    names.#bytes = bytes.slice();
    let start = 0;
    for (const length of lengths) {
      const place = names.#placeOf(bytes, start, length);
      if (names.#get(place) !== 0) return undefined;
      names.#put(place, ++names.#size);
      start += length;
      names.#starts[names.#size] = start;
    }
    return names;
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a name, -1 if it has none. */
  find(name: string): number {
    if (this.#few !== undefined) return this.#few.indexOf(name);
    if (name !== this.#last) this.#look(name);
    return this.#lastNumber;
  }

  /** The number of a name, the next one if it has none. */
  findOrAdd(name: string): number {
    const number = this.find(name);
    return number < 0 ? this.#add(name) : number;
  }

  /** The number of a name of another table, -1 if it has none. */
  findFrom(other: NameTable, number: number): number {
    if (this.#few !== undefined || other.#few !== undefined) return this.find(other.at(number));
    const start = other.#starts[number]!;
    return this.#get(this.#placeOf(other.#bytes, start, other.#starts[number + 1]! - start)) - 1;
  }

  #look(name: string): void {
    const length = encode(name);
    this.#last = name;
    this.#lastPlace = this.#placeOf(scratch, 0, length);
    this.#lastNumber = this.#get(this.#lastPlace) - 1;
  }

  /** Adds a name that was looked for and is not there. */
  #add(name: string): number {
    const few = this.#few;
    if (few !== undefined && few.length < FEW_MAX) {
      few.push(name);
      return this.#size++;
    }
    if (few !== undefined) {
      this.#few = undefined;
      this.#size = 0;
      this.#starts = new Uint32Array(2 * FEW_MAX);
      for (const each of few) this.#append(encode(each));
      this.#rehash();
      this.#look(name);
    }
    const number = this.#append(encode(name));
    this.#put(this.#lastPlace, number + 1);
    this.#lastNumber = number;
    if (this.#size * LOAD_MAX > this.#table.length) this.#rehash();
    return number;
  }

  /** Keeps the name in `scratch`. */
  #append(length: number): number {
    const number = this.#size++;
    const start = this.#starts[number]!;
    if (start + length > this.#bytes.length)
      this.#bytes = grown(new Uint8Array(roomFor(start + length)), this.#bytes);
    for (let i = 0; i < length; i++) this.#bytes[start + i] = scratch[i]!;
    if (number + 1 === this.#starts.length)
      this.#starts = grown(new Uint32Array(roomFor(number + 2)), this.#starts);
    this.#starts[number + 1] = start + length;
    return number;
  }

  at(number: number): string {
    if (this.#few !== undefined) return this.#few[number]!;
    const [start, end] = [this.#starts[number]!, this.#starts[number + 1]!];
    return new ByteReader(this.#bytes, start, end).textOnly(end - start);
  }

  /** All names, in the order of their numbers. */
  all(): string[] {
    if (this.#few !== undefined) return this.#few.slice();
    const starts = this.#starts;
    const bytes = this.#bytes.subarray(0, starts[this.#size]);
    const text = fromUtf8(bytes);
    const names: string[] = [];
    if (text.length === bytes.length) {
      for (let i = 0; i < this.#size; i++) names.push(text.slice(starts[i], starts[i + 1]));
    } else {
      for (let i = 0; i < this.#size; i++) names.push(this.at(i));
    }
    return names;
  }

  /** Writes these names one after the other, their lengths in bytes before them, as `writeTexts` does. */
  write(out: ByteWriter, numbers: readonly number[]): void {
    if (this.#few !== undefined) {
      writeTexts(
        out,
        numbers.map((number) => this.at(number)),
      );
      return;
    }
    const starts = this.#starts;
    writeColumn(
      out,
      numbers.map((number) => starts[number + 1]! - starts[number]!),
    );
    // Neighbours go together: mostly all of them.
    let [from, to] = [0, 0];
    for (const number of numbers) {
      const start = starts[number]!;
      if (start !== to) {
        out.raw(this.#bytes.subarray(from, to));
        from = start;
      }
      to = starts[number + 1]!;
    }
    out.raw(this.#bytes.subarray(from, to));
  }

  clone(): NameTable {
    const copy = new NameTable();
    copy.#few = this.#few?.slice();
    copy.#bytes = this.#bytes.slice();
    copy.#starts = this.#starts.slice();
    copy.#table = this.#table.slice();
    if (this.#crowded !== undefined) copy.#crowded = new Map(this.#crowded);
    copy.#size = this.#size;
    return copy;
  }

  /** Where the name of these bytes is in the table, or would be. @param isNew it is known not to be there: nothing is compared. */
  #placeOf(bytes: Uint8Array, start: number, length: number, isNew = false): Place {
    const table = this.#table;
    let at = hashOf(bytes, start, start + length) % table.length;
    for (let probes = 0; probes < PROBES_MAX; probes++) {
      const number = table[at]! - 1;
      if (number < 0 || (!isNew && this.#isAt(number, bytes, start, length))) return at;
      at = at + 1 === table.length ? 0 : at + 1;
    }
    return bytes.subarray(start, start + length).join();
  }

  #get(place: Place): number {
    return typeof place === "number" ? this.#table[place]! : (this.#crowded?.get(place) ?? 0);
  }

  #put(place: Place, value: number): void {
    if (typeof place === "number") this.#table[place] = value;
    else (this.#crowded ??= new Map()).set(place, value);
  }

  #isAt(number: number, bytes: Uint8Array, from: number, length: number): boolean {
    const start = this.#starts[number]!;
    if (this.#starts[number + 1]! - start !== length) return false;
    // Names that differ mostly do so at their ends.
    const mine = this.#bytes;
    for (let i = length - 1; i >= 0; i--) if (mine[start + i] !== bytes[from + i]) return false;
    return true;
  }

  #rehash(): void {
    this.#table = new Uint32Array(Math.ceil(roomFor(this.#size) * LOAD_MAX));
    this.#crowded = undefined;
    for (let number = 0; number < this.#size; number++) {
      const start = this.#starts[number]!;
      this.#put(this.#placeOf(this.#bytes, start, this.#starts[number + 1]! - start, true), number + 1);
    }
    this.#last = undefined;
  }
}

/** An array that is larger, with the contents of another. */
export function grown<T extends Uint8Array | Uint32Array | Float64Array>(
  larger: T,
  array: ArrayLike<number>,
): T {
  larger.set(array);
  return larger;
}

/** How much room is made for what has become so many: a fifth more, since what is not used is paid for. */
export function roomFor(length: number): number {
  return Math.ceil(length * (length < 1_000 ? 2 : 1.2));
}

/** Up to here a search through all of them is as fast, and takes less memory. */
export const FEW_MAX = 16;
/** Places in the table for each name, at least. */
const LOAD_MAX = 1.3;
/** Places that are tried for a name. Whoever may write can choose names of one hash, which would all be tried in turn. */
const PROBES_MAX = 64;
const NO_BYTES = new Uint8Array(0);
const NO_NUMBERS = new Uint32Array(0);

/** The UTF-8 of the name that is looked for. */
let scratch = new Uint8Array(1024);

function encode(name: string): number {
  const { length } = name;
  if (length > scratch.length) scratch = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const unit = name.charCodeAt(i);
    if (unit > 127) return encodeAll(name);
    scratch[i] = unit;
  }
  return length;
}

function encodeAll(name: string): number {
  const bytes = toUtf8(name);
  if (bytes.length > scratch.length) scratch = new Uint8Array(bytes.length);
  scratch.set(bytes);
  return bytes.length;
}

/** FNV-1a, mixed once more for its upper bits. Nobody outside sees it, but anybody can foresee it. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hashed = 0x811c9dc5;
  for (let i = start; i < end; i++) hashed = Math.imul(hashed ^ bytes[i]!, 0x01000193);
  return (hashed ^ (hashed >>> 15)) >>> 0;
}
