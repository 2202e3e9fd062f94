/**
 * The elements of a set with the dots that added them, in columns: nearly all of them have one dot.
 *
 * It is used like a `Map` from an element's key to its dots. Elements that have gone leave their places, until there are
 * more of those than of others; then all are moved together, with the next one that comes.
 */
import { AuthorSlots } from "./author-slots.js";
import type { Dots } from "./dots.js";
import { FEW_MAX, grown, NameTable, roomFor } from "./name-table.js";
import type { Elements } from "./set.js";

export class PackedElements implements Elements {
  #keys = new NameTable();
  #slots: number[] | Uint32Array = [];
  #counters: number[] | Uint32Array = [];
  #authors = new AuthorSlots();
  /** Dots of elements that have several, or one that does not fit. */
  #others: Map<number, Dots> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    return this.#find(key) >= 0;
  }

  get(key: string): Dots | undefined {
    const row = this.#find(key);
    return row < 0 ? undefined : this.#dotsOf(row);
  }

  /** @param dots at least one. */
  set(key: string, dots: Dots): void {
    let row = this.#keys.find(key);
    if (row < 0) {
      if (this.#keys.size > 2 * this.#size + FEW_MAX) this.#moveTogether();
      row = this.#keys.findOrAdd(key);
      if (row >= FEW_MAX && row >= this.#slots.length) this.#grow(roomFor(row + 1));
      this.#size++;
    } else if (this.#slots[row] === GONE) {
      this.#size++;
    }
    this.#put(row, dots);
  }

  delete(key: string): void {
    const row = this.#find(key);
    if (row < 0) return;
    this.#slots[row] = GONE;
    this.#others?.delete(row);
    this.#size--;
  }

  *keys(): Generator<string> {
    for (const row of this.#rows()) yield this.#keys.at(row);
  }

  /** What is set or deleted meanwhile may be seen or not; nothing may be added. */
  *[Symbol.iterator](): Generator<[key: string, dots: Dots]> {
    for (const row of this.#rows()) yield [this.#keys.at(row), this.#dotsOf(row)];
  }

  clone(): PackedElements {
    const copy = new PackedElements();
    copy.#keys = this.#keys.clone();
    copy.#slots = this.#slots.slice();
    copy.#counters = this.#counters.slice();
    copy.#authors = this.#authors.clone();
    copy.#others = this.#others && new Map(this.#others);
    copy.#size = this.#size;
    return copy;
  }

  #find(key: string): number {
    const row = this.#keys.find(key);
    return row >= 0 && this.#slots[row] !== GONE ? row : -1;
  }

  *#rows(): Generator<number> {
    for (let row = 0; row < this.#keys.size; row++) if (this.#slots[row] !== GONE) yield row;
  }

  #dotsOf(row: number): Dots {
    const slot = this.#slots[row]!;
    if (slot === OTHER) return this.#others!.get(row)!;
    return [{ author: this.#authors.at(slot), counter: this.#counters[row]! }];
  }

  #put(row: number, dots: Dots): void {
    const [dot] = dots;
    if (dots.length === 1 && dot!.counter <= COUNTER_MAX) {
      this.#slots[row] = this.#authors.slotOf(dot!.author);
      this.#counters[row] = dot!.counter;
      this.#others?.delete(row);
    } else {
      this.#slots[row] = OTHER;
      this.#counters[row] = 0;
      this.#others ??= new Map();
      this.#others.set(row, dots);
    }
  }

  #grow(length: number): void {
    this.#slots = grown(new Uint32Array(length), this.#slots);
    this.#counters = grown(new Uint32Array(length), this.#counters);
  }

  #moveTogether(): void {
    const moved = new PackedElements();
    for (const [key, dots] of this) moved.set(key, dots);
    this.#keys = moved.#keys;
    this.#slots = moved.#slots;
    this.#counters = moved.#counters;
    this.#authors = moved.#authors;
    this.#others = moved.#others;
  }
}

/** Places of authors that are none: of an element that has gone, and of one whose dots are elsewhere. */
const GONE = 2 ** 31 - 1;
const OTHER = 2 ** 31 - 2;
const COUNTER_MAX = 2 ** 32 - 1;
