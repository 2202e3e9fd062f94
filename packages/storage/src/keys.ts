/**
 * Keys and ranges, as every adapter takes them.
 *
 * What one adapter would refuse and another would accept is refused here, before either sees it, so that the memory
 * store of a test is never more tolerant than the disk. A wrong key is a mistake of ours and throws.
 */
import { BrokenInvariant } from "@syncline/core";
import type { StorageRange, StorageWrite } from "@syncline/engine";

/** Keys have 1 to this many bytes. */
export const KEY_BYTES_MAX = 500;

/** Orders keys as unsigned bytes; a key precedes those that it begins. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The least key that is greater than `key`. */
export function successorOf(key: Uint8Array): Uint8Array {
  const successor = new Uint8Array(key.length + 1);
  successor.set(key);
  return successor;
}

export function checkKey(key: Uint8Array): void {
  if (key.length < 1 || key.length > KEY_BYTES_MAX) {
    throw new BrokenInvariant(`a key of ${key.length} bytes: 1 to ${KEY_BYTES_MAX} are allowed`);
  }
}

/** Called before any write is applied: a commit is refused whole. Returns its bytes, keys included. */
export function checkWrites(writes: readonly StorageWrite[]): number {
  let bytes = 0;
  for (const { key, value } of writes) {
    checkKey(key);
    bytes += key.length + (value?.length ?? 0);
  }
  return bytes;
}

/** Ends of ranges need not be keys: they may be empty, or the successor of the longest key. */
export function checkRange({ from, to, limit }: StorageRange): void {
  const longest = Math.max(from.length, to.length);
  if (longest > KEY_BYTES_MAX + 1) throw new BrokenInvariant(`a range that ends at ${longest} bytes`);
  if (limit !== undefined && !(limit >= 0)) throw new BrokenInvariant(`a scan of ${limit} entries`);
}

/** The least key there can be, and one that is greater than all. */
export const FIRST_KEY: Uint8Array = Uint8Array.of(0);
export const LAST_KEY: Uint8Array = new Uint8Array(KEY_BYTES_MAX + 1).fill(0xff);
