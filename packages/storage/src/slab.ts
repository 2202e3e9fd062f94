import type { StorageWrite } from "@syncline/engine";

/**
 * The small values of a commit, moved together into one buffer.
 *
 * LMDB is given the address of each value, and an array of a few dozen bytes has none: the engine keeps it among its
 * objects, and must move it out, with a call into the system for memory, when it is asked. One address serves them all.
 */
export class Slab {
  readonly #bytes: Uint8Array;
  #used = 0;

  /** @param writes of one commit, whose small values are to be moved. */
  constructor(writes: readonly StorageWrite[]) {
    let bytes = 0;
    for (const { value } of writes) if (isSmall(value)) bytes += value.length;
    this.#bytes = new Uint8Array(bytes);
  }

  /** The value where it lies now: one that is not small stays where it was. */
  moved(value: Uint8Array): Uint8Array {
    if (!isSmall(value)) return value;
    const from = this.#used;
    this.#used += value.length;
    this.#bytes.set(value, from);
    return this.#bytes.subarray(from, this.#used);
  }
}

const SMALL_BYTES = 256;

const isSmall = (value: Uint8Array | undefined): value is Uint8Array =>
  value !== undefined && value.length <= SMALL_BYTES;
