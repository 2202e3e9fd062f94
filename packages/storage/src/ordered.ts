/**
 * An ordered map from bytes to bytes, in memory.
 *
 * Entries stand in order in blocks of bounded length, so an insertion moves a block's worth of numbers however many
 * entries there are, and a range is found by two binary searches: get, set and delete take O(log n), a range of k
 * entries O(log n + k). What goes in and what comes out are copies.
 */
import { PackedBlock } from "./packed-block.js";

export type Entry = readonly [key: Uint8Array, value: Uint8Array];

export class OrderedMap {
  /** In order; no block is empty. */
  readonly #blocks: PackedBlock[] = [];
  /** Moves with every entry that comes or goes. */
  #revision = 0;

  get(key: Uint8Array): Uint8Array | undefined {
    const block = this.#blocks[this.#blockOf(key)];
    if (block === undefined) return undefined;
    const at = block.lowerBound(key);
    return isAt(block, at, key) ? block.value(at) : undefined;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    const index = this.#blockOf(key);
    let block = this.#blocks[index];
    if (block === undefined) this.#blocks.push((block = new PackedBlock()));
    const at = block.lowerBound(key);
    if (isAt(block, at, key)) {
      block.replace(at, key, value);
      return;
    }
    this.#revision += 1;
    block.insert(at, key, value);
    if (block.isOverfull) this.#blocks.splice(index + 1, 0, block.split());
  }

  delete(key: Uint8Array): void {
    const index = this.#blockOf(key);
    const block = this.#blocks[index];
    if (block === undefined) return;
    const at = block.lowerBound(key);
    if (!isAt(block, at, key)) return;
    this.#revision += 1;
    block.remove(at);
    if (block.count === 0) this.#blocks.splice(index, 1);
  }

  copy(): OrderedMap {
    const copy = new OrderedMap();
    for (const block of this.#blocks) copy.#blocks.push(block.copy());
    return copy;
  }

  /**
   * The entries from `from` on and before `to`, at most `limit`, in order or from the last to the first. Each is looked up
   * when it is its turn: whoever needs the first only pays for no other.
   */
  range(from: Uint8Array, to: Uint8Array, limit: number, reverse: boolean): Iterable<Entry> {
    return { [Symbol.iterator]: () => (reverse ? this.#down(from, to, limit) : this.#up(from, to, limit)) };
  }

  *#up(from: Uint8Array, to: Uint8Array, limit: number): Generator<Entry> {
    let [index, at, revision] = [0, 0, -1];
    let next = from;
    for (let left = limit; left > 0; left--) {
      if (revision !== this.#revision) {
        revision = this.#revision;
        index = this.#blockOf(next);
        at = this.#blocks[index]?.lowerBound(next) ?? 0;
        if (next !== from && this.#blocks[index] !== undefined && isAt(this.#blocks[index]!, at, next))
          at += 1;
      }
      if (at >= (this.#blocks[index]?.count ?? 0)) [index, at] = [index + 1, 0];
      const block = this.#blocks[index];
      if (block === undefined || block.compare(at, to) >= 0) return;
      next = block.key(at);
      yield [next, block.value(at)];
      at += 1;
    }
  }

  *#down(from: Uint8Array, to: Uint8Array, limit: number): Generator<Entry> {
    let [index, at, revision] = [0, 0, -1];
    let next = to;
    for (let left = limit; left > 0; left--) {
      if (revision !== this.#revision) {
        revision = this.#revision;
        index = this.#blockOf(next);
        at = this.#blocks[index]?.lowerBound(next) ?? 0;
      }
      if (at === 0) at = this.#blocks[--index]?.count ?? 0;
      const block = this.#blocks[index];
      if (block === undefined || block.compare(at - 1, from) < 0) return;
      at -= 1;
      next = block.key(at);
      yield [next, block.value(at)];
    }
  }

  /** The block that holds `key` or would take it: the last that begins at or before it, else the first. */
  #blockOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#blocks[middle]!.compare(0, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function isAt(block: PackedBlock, at: number, key: Uint8Array): boolean {
  return at < block.count && block.compare(at, key) === 0;
}
