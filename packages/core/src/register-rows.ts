/**
 * Registers with one write each, in columns: what nearly all registers of a document are nearly all of the time.
 *
 * A row is a name, the dot and stamp of the write, its value, and the first use of the name where that was another op.
 * A register that becomes anything else (cleared, or written at the same time by others) leaves its row and is kept as
 * a field. Its name stays, for the next time.
 */

import { AuthorSlots } from "./author-slots.js";
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
    return row >= 0 && this.#writes.slots[row] !== GONE ? row : -1;
  }

  /** In the order of UTF-8. O(n log n). */
  sortedNames(): string[] {
    const names: string[] = [];
    for (const row of this.each()) names.push(this.#names.at(row));
    names.sort();
    // The language's order is that of UTF-16, which is the same up to the surrogates.
    return names.some((name) => NOT_ASCII.test(name)) ? names.sort(compareUtf8) : names;
  }

  *each(): Generator<number> {
    for (let row = 0; row < this.#names.size; row++) if (this.#writes.slots[row] !== GONE) yield row;
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

  /** True if the first use is not after this one. */
  isFirstBefore(row: number, stamp: Stamp): boolean {
    return (this.#firsts ?? this.#writes).stamps[row]! < stamp;
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
    this.slots = grown(Uint32Array.from(this.slots), length);
    this.counters = grown(Uint32Array.from(this.counters), length);
    this.stamps = grown(Float64Array.from(this.stamps), length);
  }
}
