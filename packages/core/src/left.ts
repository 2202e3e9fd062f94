/**
 * Which dots are left of those that somebody has seen: for each author ranges of counters, in ascending order.
 *
 * What is left mostly lies close together, so a hundred thousand dots are a few bytes. Ranges are never spread out, so what
 * a reader makes of bytes is within a constant times their number.
 */
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Dots } from "./dots.js";
import type { Author, Dot } from "./ids.js";

export class Left {
  /** First and last counter of each range, one after the other. */
  readonly #ranges = new Map<Author, number[]>();

  /** @param dots each once, in any order. O(n log n). */
  static of(dots: readonly Dot[]): Left {
    const left = new Left();
    const counters = new Map<Author, number[]>();
    for (const { author, counter } of dots) {
      const of = counters.get(author);
      if (of === undefined) counters.set(author, [counter]);
      else of.push(counter);
    }
    for (const [author, of] of counters) {
      const ranges: number[] = [];
      for (const counter of of.sort((a, b) => a - b)) {
        const last = ranges.length - 1;
        if (last >= 0 && ranges[last] === counter - 1) ranges[last] = counter;
        else if (ranges[last] !== counter) ranges.push(counter, counter);
      }
      left.#ranges.set(author, ranges);
    }
    return left;
  }

  /** O(log ranges). */
  has({ author, counter }: Dot): boolean {
    const ranges = this.#ranges.get(author) ?? NO_RANGES;
    let low = 0;
    let high = ranges.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranges[2 * middle + 1]! < counter) low = middle + 1;
      else high = middle;
    }
    return 2 * low < ranges.length && ranges[2 * low]! <= counter;
  }

  /** Of each author of a table how many ranges there are, and of each the gap before it and its length. */
  write(out: ByteWriter, table: Dots): void {
    for (const { author } of table) {
      const ranges = this.#ranges.get(author) ?? NO_RANGES;
      out.uint(ranges.length / 2);
      let before = 0;
      for (let i = 0; i < ranges.length; i += 2) {
        // No two ranges touch, and counters begin with 1.
        out.uint(ranges[i]! - before - 1 - Number(i > 0));
        out.uint(ranges[i + 1]! - ranges[i]!);
        before = ranges[i + 1]!;
      }
    }
  }

  /** Fails the reader on dots beyond the table's. */
  static read(input: ByteReader, table: Dots): Left {
    const left = new Left();
    for (const { author, counter } of table) {
      const ranges: number[] = [];
      let before = 0;
      for (let count = input.count(Number.MAX_SAFE_INTEGER, 2); count > 0; count--) {
        const at = input.offset;
        const first = before + 1 + Number(ranges.length > 0) + input.uint();
        before = first + input.uint();
        if (before > counter) input.fail("what is left of what was not seen", at);
        ranges.push(first, before);
      }
      if (ranges.length > 0) left.#ranges.set(author, ranges);
    }
    return left;
  }
}

const NO_RANGES: readonly number[] = Object.freeze([]);
