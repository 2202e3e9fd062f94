/**
 * A few hundred entries of an ordered map, in one piece of memory.
 *
 * Two small arrays of bytes for each entry would be four objects of the engine's that live as long as the entry does:
 * the garbage collector moves each of them twice before it leaves them alone, and looks at them ever after, which costs
 * more than all else that a store in memory does. Here keys and values stand one behind the other in a buffer that is
 * none of its business, and a table of numbers says where. What is replaced or removed leaves a hole; when half of the
 * buffer is holes, or it is full, what is left moves into a new one. Long values stand apart: they are not to be moved.
 */

/** Small enough to be moved in no time, large enough that a list of blocks stays short. */
const BLOCK_ENTRIES_MAX = 256;
const BUFFER_BYTES_MIN = 1_024;
/** A value that is longer stands apart. */
const PACKED_BYTES_MAX = 1_024;

/** For each entry: where its key begins, with the value behind it, and how long both are. */
const NUMBERS = 3;
const APART = -1;

export class PackedBlock {
  #count = 0;
  #table = new Int32Array(8 * NUMBERS);
  #buffer = new Uint8Array(BUFFER_BYTES_MIN);
  #used = 0;
  #holes = 0;
  /** Long values, by where their keys begin. */
  #apart: Map<number, Uint8Array> | undefined;

  get count(): number {
    return this.#count;
  }

  get isOverfull(): boolean {
    return this.#count > BLOCK_ENTRIES_MAX;
  }

  /** Index of the first entry whose key is not less than this one. */
  lowerBound(key: Uint8Array): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Compares the key at this index with another one. */
  compare(index: number, key: Uint8Array): number {
    const at = this.#table[index * NUMBERS]!;
    const length = this.#table[index * NUMBERS + 1]!;
    const buffer = this.#buffer;
    const shared = Math.min(length, key.length);
    for (let i = 0; i < shared; i++) {
      const difference = buffer[at + i]! - key[i]!;
      if (difference !== 0) return difference;
    }
    return length - key.length;
  }

  /** A copy, like that of a value: what is in the buffer may be overwritten. */
  key(index: number): Uint8Array {
    const at = this.#table[index * NUMBERS]!;
    return this.#buffer.slice(at, at + this.#table[index * NUMBERS + 1]!);
  }

  value(index: number): Uint8Array {
    const at = this.#table[index * NUMBERS]!;
    const length = this.#table[index * NUMBERS + 2]!;
    if (length === APART) return this.#apart!.get(at)!;
    const start = at + this.#table[index * NUMBERS + 1]!;
    return this.#buffer.slice(start, start + length);
  }

  insert(index: number, key: Uint8Array, value: Uint8Array): void {
    const from = index * NUMBERS;
    const end = this.#count * NUMBERS;
    if (end === this.#table.length) {
      const larger = new Int32Array(end * 2);
      larger.set(this.#table);
      this.#table = larger;
    }
    this.#table.copyWithin(from + NUMBERS, from, end);
    this.#count += 1;
    // Nothing yet, should what is here move to make room.
    this.#table.fill(0, from, from + NUMBERS);
    this.#write(index, key, value);
  }

  /** Gives the entry at this index, which has this key, another value. */
  replace(index: number, key: Uint8Array, value: Uint8Array): void {
    const at = this.#table[index * NUMBERS]!;
    if (this.#table[index * NUMBERS + 2] === value.length) {
      this.#buffer.set(value, at + key.length);
      return;
    }
    this.#leave(index);
    this.#table.fill(0, index * NUMBERS, (index + 1) * NUMBERS);
    this.#write(index, key, value);
  }

  remove(index: number): void {
    this.#leave(index);
    this.#table.copyWithin(index * NUMBERS, (index + 1) * NUMBERS, this.#count * NUMBERS);
    this.#count -= 1;
    if (this.#used > BUFFER_BYTES_MIN && this.#holes > this.#used / 2) this.#move(0);
  }

  /** Takes the upper half out, as a block of its own. */
  split(): PackedBlock {
    const half = this.#count >> 1;
    const upper = this.#part(half, this.#count);
    const lower = this.#part(0, half);
    this.#count = half;
    this.#table = lower.#table;
    this.#buffer = lower.#buffer;
    this.#used = lower.#used;
    this.#holes = 0;
    this.#apart = lower.#apart;
    return upper;
  }

  copy(): PackedBlock {
    return this.#part(0, this.#count);
  }

  #part(from: number, to: number): PackedBlock {
    const part = new PackedBlock();
    part.#count = to - from;
    part.#table = this.#table.slice(from * NUMBERS, Math.max(to * NUMBERS, (from + 8) * NUMBERS));
    part.#buffer = this.#buffer;
    part.#apart = this.#apart;
    part.#move(0);
    return part;
  }

  #write(index: number, key: Uint8Array, value: Uint8Array): void {
    const isApart = value.length > PACKED_BYTES_MAX;
    const bytes = key.length + (isApart ? 0 : value.length);
    if (this.#used + bytes > this.#buffer.length) this.#move(bytes);
    const at = this.#used;
    this.#buffer.set(key, at);
    if (isApart) {
      this.#apart ??= new Map();
      this.#apart.set(at, value.slice());
    } else this.#buffer.set(value, at + key.length);
    this.#used += bytes;
    const entry = index * NUMBERS;
    this.#table[entry] = at;
    this.#table[entry + 1] = key.length;
    this.#table[entry + 2] = isApart ? APART : value.length;
  }

  /** What stood at this index becomes a hole. */
  #leave(index: number): void {
    const at = this.#table[index * NUMBERS]!;
    const length = this.#table[index * NUMBERS + 2]!;
    this.#holes += this.#table[index * NUMBERS + 1]!;
    if (length === APART) this.#apart?.delete(at);
    else this.#holes += length;
  }

  /** Moves what is here into a new buffer, in order, with room for half as much again and this many bytes more. */
  #move(room: number): void {
    const table = this.#table;
    const end = this.#count * NUMBERS;
    let live = 0;
    for (let i = 0; i < end; i += NUMBERS) live += table[i + 1]! + Math.max(0, table[i + 2]!);
    const from = this.#buffer;
    const to = new Uint8Array(Math.max(BUFFER_BYTES_MIN, live + (live >> 1) + room));
    let apart: Map<number, Uint8Array> | undefined;
    let used = 0;
    for (let i = 0; i < end; i += NUMBERS) {
      const at = table[i]!;
      const bytes = table[i + 1]! + Math.max(0, table[i + 2]!);
      if (bytes === 0) continue;
      to.set(from.subarray(at, at + bytes), used);
      if (table[i + 2] === APART) {
        apart ??= new Map();
        apart.set(used, this.#apart!.get(at)!);
      }
      table[i] = used;
      used += bytes;
    }
    this.#buffer = to;
    this.#apart = apart;
    this.#used = used;
    this.#holes = 0;
  }
}
