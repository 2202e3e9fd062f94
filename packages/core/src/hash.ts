/**
 * Hashes of values and places, and sums of them: 64 bits in two lanes of 32, because that is what this language multiplies
 * fast. They find accidents, not forgers: nothing secret is in them.
 *
 * They are compared between nodes of different versions: what is hashed how is for ever.
 */
import type { Value } from "./value.js";

/** Two lanes of 32 bits. */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

export const NO_DIGEST: Digest = Object.freeze({ high: 0, low: 0 });

export function plusDigest(a: Digest, b: Digest): Digest {
  return { high: (a.high + b.high) | 0, low: (a.low + b.low) | 0 };
}

export function minusDigest(a: Digest, b: Digest): Digest {
  return { high: (a.high - b.high) | 0, low: (a.low - b.low) | 0 };
}

export function digestBits({ high, low }: Digest): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Takes things in, one after the other. */
export class Hash {
  #high = 0x243f6a88;
  #low = 0x85a308d3 | 0;

  /** An integer of 32 bits. */
  word(word: number): this {
    this.#high = Math.imul(rotated(this.#high ^ Math.imul(word, 0xcc9e2d51 | 0), 13), 5) + 0x6b64e654;
    this.#low = Math.imul(rotated(this.#low ^ Math.imul(word, 0x85ebca6b | 0), 17), 9) + 0x38495ab5;
    return this;
  }

  text(text: string): this {
    this.word(text.length);
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i));
    return this;
  }

  digest({ high, low }: Digest): this {
    return this.word(high).word(low);
  }

  value(value: Value): this {
    if (value === null || typeof value === "boolean") return this.word(value === null ? 0 : value ? 2 : 1);
    if (typeof value === "number") {
      NUMBER.setFloat64(0, value === 0 ? 0 : value);
      return this.word(3).word(NUMBER.getInt32(0)).word(NUMBER.getInt32(4));
    }
    if (typeof value === "string") return this.word(4).text(value);
    if (value instanceof Uint8Array) {
      this.word(5).word(value.length);
      for (const byte of value) this.word(byte);
      return this;
    }
    if (isList(value)) {
      this.word(6).word(value.length);
      for (const each of value) this.value(each);
      return this;
    }
    return this.#record(value);
  }

  /** What was taken in. Both lanes see each other, so that they fail together only by chance. */
  end(): Digest {
    const high = finished(this.#high ^ rotated(this.#low, 16));
    return { high, low: finished(this.#low ^ rotated(high, 11)) };
  }

  /** The order of keys is none of its content. */
  #record(record: { readonly [key: string]: Value }): this {
    let sum = NO_DIGEST;
    const keys = Object.keys(record);
    for (const key of keys) sum = plusDigest(sum, new Hash().text(key).value(record[key]!).end());
    return this.word(7).word(keys.length).digest(sum);
  }
}

const NUMBER = new DataView(new ArrayBuffer(8));

function isList(value: readonly Value[] | { readonly [key: string]: Value }): value is readonly Value[] {
  return Array.isArray(value);
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function finished(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b | 0);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35 | 0);
  return mixed ^ (mixed >>> 16);
}
