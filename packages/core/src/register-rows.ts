/**
 * Registers with one write each, in columns: what nearly all registers of a document are nearly all of the time.
 *
 * A row is a name, the dot and stamp of the write, its value, and the first use of the name where that was another op.
 * A register that becomes anything else (cleared, or written at the same time by others) leaves its row and is kept as
 * a field. Its name stays, for the next time.
 */

import { AuthorSlots } from "./author-slots.js";
import type { AuthorTable } from "./author-table.js";
import type { ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { Use } from "./fields.js";
import type { Dot } from "./ids.js";
import { FEW_MAX, grown, NameTable, roomFor } from "./name-table.js";
import type { Sibling } from "./register.js";
import { compareUtf8 } from "./utf8.js";
import type { Value } from "./value.js";

export class RegisterRows {
  #names: NameTable;
  #writes: UseColumns;
  /** Undefined as long as they are the writes. */
  #firsts: UseColumns | undefined;
  #values: (Value | undefined)[] = [];
  #authors = new AuthorSlots();
  #size = 0;

  /** @param expected how many rows are going to be made. */
  constructor(expected = 0) {
    this.#names = new NameTable(expected);
    this.#writes = new UseColumns(expected);
  }

  /** How many rows there are. */
  get size(): number {
    return this.#size;
  }

  /** True if a write can be in a row: those of authors who have made four billion ops are not. */
  static fits(counter: number): boolean {
    return counter <= COUNTER_MAX;
  }

  /** The row of a name, -1 if it has none. */
  find(name: string): number {
    const row = this.#names.find(name);
    return row >= 0 && this.isRow(row) ? row : -1;
  }

  /** The place of a name that is in a row of another document: of a row, or of what has been one. -1 if it has none. */
  placeOf(other: RegisterRows, row: number): number {
    return this.#names.findFrom(other.#names, row);
  }

  /** How many places there are: from 0 on. */
  get places(): number {
    return this.#names.size;
  }

  /** Whether a row is in this place. */
  isRow(place: number): boolean {
    return this.#writes.slots[place] !== GONE;
  }

  /** Rows of columns that were read: they belong to the rows from now on. Where all first uses are the writes, so are their columns. */
  static of(
    names: NameTable,
    writes: Uses,
    firsts: Uses,
    values: Value[],
    authors: AuthorTable,
  ): RegisterRows {
    const rows = new RegisterRows();
    rows.#names = names;
    rows.#writes = UseColumns.of(writes, authors, rows.#authors);
    if (firsts !== writes) rows.#firsts = UseColumns.of(firsts, authors, rows.#authors);
    rows.#values = values;
    rows.#size = names.size;
    return rows;
  }

  /** What rows show, by names in the order of UTF-8. O(n log n). */
  *sorted(): Generator<[name: string, value: Value]> {
    const values = new Map<string, Value>();
    const names = this.#names.all();
    for (let row = 0; row < names.length; row++)
      if (this.isRow(row)) values.set(names[row]!, this.#values[row]!);
    const sorted = [...values.keys()].sort();
    // The language's order is that of UTF-16, which is the same up to the surrogates.
    if (sorted.some((name) => NOT_ASCII.test(name))) sorted.sort(compareUtf8);
    for (const name of sorted) yield [name, values.get(name)!];
  }

  /** In the order of the dots of their first uses. O(n log n), and O(n) if they were made in that order. */
  inOrder(): number[] {
    const { slots, counters } = this.#firsts ?? this.#writes;
    const compare = (a: number, b: number): number =>
      slots[a] === slots[b]
        ? counters[a]! - counters[b]!
        : this.#authors.at(slots[a]!) - this.#authors.at(slots[b]!);
    const rows: number[] = [];
    let [isSorted, last] = [true, -1];
    for (let row = 0; row < this.#names.size; row++) {
      if (!this.isRow(row)) continue;
      if (last >= 0 && isSorted) isSorted = compare(last, row) < 0;
      rows.push(row);
      last = row;
    }
    return isSorted ? rows : rows.sort(compare);
  }

  /** Writes the names of these rows. */
  writeNames(out: ByteWriter, rows: readonly number[]): void {
    this.#names.write(out, rows);
  }

  /** The writes of these rows, and their first uses: the same ones where those are the writes. */
  usesOf(rows: readonly number[], authors: AuthorTable): { readonly writes: Uses; readonly firsts: Uses } {
    const writes = this.#writes.of(rows, this.#authors, authors);
    return { writes, firsts: this.#firsts?.of(rows, this.#authors, authors) ?? writes };
  }

  *each(): Generator<number> {
    for (let row = 0; row < this.#names.size; row++) if (this.isRow(row)) yield row;
  }

  nameOf(row: number): string {
    return this.#names.at(row);
  }

  valueOf(row: number): Value {
    return this.#values[row]!;
  }

  isWriteOf(row: number, { author, counter }: Dot): boolean {
    return this.#writes.counters[row] === counter && this.#authors.at(this.#writes.slots[row]!) === author;
  }

  writeOf(row: number): Sibling {
    const { slots, counters, stamps } = this.#writes;
    const author = this.#authors.at(slots[row]!);
    return { author, counter: counters[row]!, stamp: stamps[row]!, value: this.#values[row]! };
  }

  firstOf(row: number): Use {
    const { slots, counters, stamps } = this.#firsts ?? this.#writes;
    return { author: this.#authors.at(slots[row]!), counter: counters[row]!, stamp: stamps[row]! };
  }

  firstStampOf(row: number): Stamp {
    return (this.#firsts ?? this.#writes).stamps[row]!;
  }

  /** Makes a row for a name that has none. */
  add(name: string, write: Sibling, first: Use = write): number {
    const row = this.#names.findOrAdd(name);
    this.#size++;
    this.#put(row, write);
    if (this.#firsts !== undefined || first !== write) this.setFirst(row, first);
    return row;
  }

  /** Puts another write in the place of the one in a row. The first use is left as it is. */
  set(row: number, write: Sibling): void {
    this.#firsts ??= this.#writes.clone();
    this.#put(row, write);
  }

  setFirst(row: number, first: Use): void {
    this.#firsts ??= this.#writes.clone();
    this.#firsts.set(row, this.#authors.slotOf(first.author), first);
  }

  drop(row: number): void {
    this.#size--;
    this.#writes.slots[row] = GONE;
    this.#values[row] = undefined;
  }

  clone(): RegisterRows {
    const copy = new RegisterRows();
    copy.#names = this.#names.clone();
    copy.#writes = this.#writes.clone();
    copy.#firsts = this.#firsts?.clone();
    copy.#values = this.#values.slice();
    copy.#authors = this.#authors.clone();
    copy.#size = this.#size;
    return copy;
  }

  #put(row: number, write: Sibling): void {
    this.#writes.set(row, this.#authors.slotOf(write.author), write);
    this.#values[row] = write.value;
  }
}

/** Dots and stamps, in columns. */
export interface Uses {
  /** Places of authors in a table. */
  readonly slots: readonly number[];
  readonly counters: readonly number[];
  readonly stamps: readonly number[];
}

const NOT_ASCII = /[^\0-\x7f]/;

/** The place of an author in a row that is none. */
const GONE = 2 ** 31 - 1;
const COUNTER_MAX = 2 ** 32 - 1;

/** Dots and stamps: few in arrays of the language, many in such that take no more than they must. */
class UseColumns {
  slots: number[] | Uint32Array = [];
  counters: number[] | Uint32Array = [];
  stamps: number[] | Float64Array = [];

  constructor(expected: number) {
    if (expected > FEW_MAX) this.#grow(expected);
  }

  /** What was read, with other places for its authors: `own` has those that are in use. */
  static of({ slots, counters, stamps }: Uses, authors: AuthorTable, own: AuthorSlots): UseColumns {
    const columns = new UseColumns(0);
    const mine = new Uint32Array(slots.length);
    let [theirs, slot] = [-1, 0];
    for (let row = 0; row < slots.length; row++) {
      if (slots[row] !== theirs) {
        theirs = slots[row]!;
        slot = own.slotOf(authors.lastOf(theirs)!.author);
      }
      mine[row] = slot;
    }
    columns.slots = mine;
    columns.counters = new Uint32Array(counters);
    columns.stamps = new Float64Array(stamps);
    return columns;
  }

  /** Those of some rows, to be written. */
  of(rows: readonly number[], own: AuthorSlots, authors: AuthorTable): Uses {
    const [slots, counters, stamps]: [number[], number[], number[]] = [[], [], []];
    for (const row of rows) {
      const counter = this.counters[row]!;
      slots.push(authors.slotOf({ author: own.at(this.slots[row]!), counter }));
      counters.push(counter);
      stamps.push(this.stamps[row]!);
    }
    return { slots, counters, stamps };
  }

  set(row: number, slot: number, { counter, stamp }: Use): void {
    if (row >= FEW_MAX && row >= this.slots.length) this.#grow(roomFor(row + 1));
    this.slots[row] = slot;
    this.counters[row] = counter;
    this.stamps[row] = stamp;
  }

  clone(): UseColumns {
    const copy = new UseColumns(0);
    copy.slots = this.slots.slice();
    copy.counters = this.counters.slice();
    copy.stamps = this.stamps.slice();
    return copy;
  }

  #grow(length: number): void {
    this.slots = grown(new Uint32Array(length), this.slots);
    this.counters = grown(new Uint32Array(length), this.counters);
    this.stamps = grown(new Float64Array(length), this.stamps);
  }
}
