/**
 * Authors by number: a change and a state name each author once and refer to it by its place in a table.
 *
 * With each author goes the greatest counter that may be spoken of: an op cannot remove what its author had not
 * observed, and a state holds nothing that it has not seen. So the check that keeps replicas from diverging is made
 * where dots are read, once for all types.
 */
import type { ByteReader, ByteWriter } from "./bytes.js";
import { compareDots, type Dots } from "./dots.js";
import { BrokenInvariant } from "./errors.js";
import type { Author, Dot } from "./ids.js";

/** Writes a table's entries. They must be ascending by author. */
export function writeEntries(out: ByteWriter, entries: readonly Dot[]): void {
  out.uint(entries.length);
  for (const { author, counter } of entries) {
    out.uint(author);
    out.uint(counter);
  }
}

/** Reads up to `max` entries: ascending authors, none numbered 0, each with a counter of 1 or more. */
export function readEntries(input: ByteReader, max: number): Dot[] {
  const entries: Dot[] = [];
  let before = 0;
  for (let left = input.count(max, 2); left > 0; left--) {
    const at = input.offset;
    const entry = { author: input.uint(), counter: input.uint() };
    if (entry.author <= before) input.fail("authors out of order", at);
    if (entry.counter === 0) input.fail("an op 0: counters begin with 1", at);
    entries.push(entry);
    before = entry.author;
  }
  return entries;
}

/** The authors of one change or state, each with the greatest counter that may be spoken of. */
export class AuthorTable {
  /** Of each author the greatest counter that may be mentioned, in the order of the table. */
  readonly #last: Dot[];
  #slots: Map<Author, number> | undefined;

  /** Every author with the greatest counter that may be mentioned, in the order of the table. */
  constructor(entries: Iterable<Dot>) {
    this.#last = Array.isArray(entries) ? entries : [...entries];
  }

  /** The table of a change: its author, of whom `limitFirst` says what may be mentioned, and those observed. */
  static ofChange(author: Author, observed: Dots): AuthorTable {
    const own = { author, counter: 0 };
    return new AuthorTable(observed.length === 0 ? [own] : [own, ...observed]);
  }

  /** Sets the greatest counter that may be mentioned of the first author: in a change, of the op's own. */
  limitFirst(counterMax: number): void {
    this.#last[0] = { author: this.#last[0]!.author, counter: counterMax };
  }

  /** The op of the first author that was before this one, undefined if it is his first: in a change. */
  get previous(): Dot | undefined {
    return this.#last[0]?.counter ? this.#last[0] : undefined;
  }

  /** Writes an author by number. He must be in the table. */
  writeAuthor(out: ByteWriter, author: Author): void {
    out.uint(this.#slotOf(author));
  }

  /** Reads an author by number. Fails the reader if there is none of that number. */
  readAuthor(input: ByteReader): Author {
    return this.#last[this.#readSlot(input)]!.author;
  }

  /** The greatest counter that may be mentioned of an author in the table. */
  counterMaxOf(author: Author): number {
    return this.#last[this.#slotOf(author)]!.counter;
  }

  /** Writes a dot: its author by number, then its counter. */
  writeDot(out: ByteWriter, dot: Dot): void {
    out.uint(this.slotOf(dot));
    out.uint(dot.counter);
  }

  /** The place of a dot's author, of whom it may be mentioned. */
  slotOf(dot: Dot): number {
    const slot = this.#slotOf(dot.author);
    if (dot.counter > this.#last[slot]!.counter) {
      throw new BrokenInvariant(`op ${dot.counter} of author ${dot.author} was not observed`);
    }
    return slot;
  }

  /** How many authors it has. */
  get size(): number {
    return this.#last.length;
  }

  /** The last op that may be mentioned of the author in this place, undefined if there is nobody. */
  lastOf(slot: number): Dot | undefined {
    return this.dotAt(slot, this.#last[slot]?.counter ?? 0);
  }

  /** The dot with this counter of the author in this place, undefined if it may not be mentioned. */
  dotAt(slot: number, counter: number): Dot | undefined {
    const last = this.#last[slot];
    if (last === undefined || counter > last.counter || counter < 1) return undefined;
    return { author: last.author, counter };
  }

  /** Reads a dot that may be spoken of. Fails the reader on any other. */
  readDot(input: ByteReader): Dot {
    const slot = this.#readSlot(input);
    const at = input.offset;
    const { author, counter: counterMax } = this.#last[slot]!;
    const counter = input.uint(counterMax);
    if (counter === 0) input.fail("an op 0: counters begin with 1", at);
    return { author, counter };
  }

  /** Dots in ascending order. The reader must know where they end. */
  writeDots(out: ByteWriter, dots: Dots): void {
    for (const dot of dots) this.writeDot(out, dot);
  }

  /** Reads dots to the end of the input. */
  readDotsToEnd(input: ByteReader): Dots {
    const dots: Dot[] = [];
    while (input.remaining > 0) this.#readInto(dots, input);
    return dots;
  }

  /** Reads to the end of the input what must be one dot for each of some authors, at least one. */
  readUpToEnd(input: ByteReader): Dots {
    const at = input.offset;
    const upTo = this.readDotsToEnd(input);
    if (upTo.length === 0) input.fail("a removal of nothing", at);
    if (upTo.some((dot, i) => dot.author === upTo[i - 1]?.author)) input.fail("an author twice", at);
    return upTo;
  }

  /** Reads `count` dots. */
  readDots(input: ByteReader, count: number): Dots {
    const dots: Dot[] = [];
    while (dots.length < count) this.#readInto(dots, input);
    return dots;
  }

  /** Dots after their number. */
  writeCountedDots(out: ByteWriter, dots: Dots): void {
    out.uint(dots.length);
    this.writeDots(out, dots);
  }

  /** Reads how many dots there are, and those, in their order. Fails the reader if they are out of it. */
  readCountedDots(input: ByteReader): Dots {
    return this.readDots(input, input.count(Number.MAX_SAFE_INTEGER, 2));
  }

  #readInto(dots: Dot[], input: ByteReader): void {
    const at = input.offset;
    const dot = this.readDot(input);
    const before = dots.at(-1);
    if (before !== undefined && compareDots(before, dot) >= 0) input.fail("dots out of order", at);
    dots.push(dot);
  }

  #readSlot(input: ByteReader): number {
    return input.uint(this.#last.length - 1);
  }

  #slotOf(author: Author): number {
    if (author === this.#last[0]?.author) return 0;
    this.#slots ??= new Map(this.#last.map((each, slot) => [each.author, slot]));
    const slot = this.#slots.get(author);
    if (slot === undefined) throw new BrokenInvariant(`author ${author} is not in the table`);
    return slot;
  }
}
