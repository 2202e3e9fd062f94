/**
 * An ordered map from bytes to bytes, in memory.
 *
 * Entries stand in order in blocks of bounded length, so an insertion moves a block's worth of pointers however
 * many entries there are, and a range is found by two binary searches: get, set and delete take O(log n), a range
 * of k entries O(log n + k). Entries are never changed, only replaced, so a range once taken stays as it was.
 */
import { compareKeys } from "./keys.js";

export type Entry = readonly [key: Uint8Array, value: Uint8Array];

export class OrderedMap {
  /** In order; no block is empty. */
  readonly #blocks: Entry[][] = [];

  get(key: Uint8Array): Uint8Array | undefined {
    const block = this.#blocks[this.#blockOf(key)];
    if (block === undefined) return undefined;
    const entry = block[lowerBound(block, key)];
    return entry !== undefined && compareKeys(entry[0], key) === 0 ? entry[1] : undefined;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    const index = this.#blockOf(key);
    const block = this.#blocks[index];
    if (block === undefined) {
      this.#blocks.push([[key, value]]);
      return;
    }
    const at = lowerBound(block, key);
    const there = block[at];
    const replaces = there !== undefined && compareKeys(there[0], key) === 0;
    block.splice(at, replaces ? 1 : 0, [key, value]);
    if (block.length > BLOCK_ENTRIES_MAX) {
      this.#blocks.splice(index + 1, 0, block.splice(BLOCK_ENTRIES_MAX >> 1));
    }
  }

  delete(key: Uint8Array): void {
    const index = this.#blockOf(key);
    const block = this.#blocks[index];
    if (block === undefined) return;
    const at = lowerBound(block, key);
    const there = block[at];
    if (there === undefined || compareKeys(there[0], key) !== 0) return;
    block.splice(at, 1);
    if (block.length === 0) this.#blocks.splice(index, 1);
  }

  /** The entries from `from` on and before `to`, at most `limit`, in order or from the last to the first. */
  range(from: Uint8Array, to: Uint8Array, limit: number, reverse: boolean): Entry[] {
    const found: Entry[] = [];
    const step = reverse ? -1 : 1;
    const isBeyond = (key: Uint8Array) => (reverse ? compareKeys(key, from) < 0 : compareKeys(key, to) >= 0);
    const start = reverse ? to : from;
    let index = this.#blockOf(start);
    let block = this.#blocks[index];
    let at = block === undefined ? 0 : lowerBound(block, start) - (reverse ? 1 : 0);
    while (block !== undefined && found.length < limit) {
      const entry: Entry | undefined = block[at];
      if (entry === undefined) {
        index += step;
        block = this.#blocks[index];
        at = reverse ? (block?.length ?? 0) - 1 : 0;
        continue;
      }
      if (isBeyond(entry[0])) break;
      found.push(entry);
      at += step;
    }
    return found;
  }

  /** The block that holds `key` or would take it: the last that begins at or before it, else the first. */
  #blockOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const first = this.#blocks[middle]?.[0];
      if (first !== undefined && compareKeys(first[0], key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Small enough to be moved in no time, large enough that the list of blocks stays short. */
const BLOCK_ENTRIES_MAX = 256;

/** Index of the first entry whose key is not less than `key`. */
function lowerBound(block: readonly Entry[], key: Uint8Array): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = block[middle];
    if (entry !== undefined && compareKeys(entry[0], key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
