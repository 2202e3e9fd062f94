import type { Random } from "@syncline/engine";

/**
 * Randomness from a seed: the same on every machine, in every run (sfc32, by Chris Doty-Humphrey, of PractRand: 128 bits of
 * state, of which 32 count).
 *
 * Each part of a simulated world takes a generator of its own from `fork`, so that a part that draws once more does not
 * change what all others draw. A fork begins at 96 drawn bits: of all that were ever made no two have met.
 */
export class SeededRandom implements Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** @param seed a whole number below 2^53. @param purpose tells generators of one seed apart. */
  constructor(seed: number, purpose = 0) {
    this.a = seed | 0;
    this.b = Math.floor(seed / TWO_TO_32) | 0;
    this.c = purpose | 0;
    // Until every bit of the state depends on every bit of the seed.
    for (let round = 0; round < 15; round++) this.step();
  }

  /** Uniform in [0, 1), 32 bits of it. */
  float(): number {
    return this.word() / TWO_TO_32;
  }

  /** Uniform in [0, below). */
  integer(below: number): number {
    if (below <= TWO_TO_32) return Math.floor(this.float() * below);
    const high = Math.floor(this.float() * TWO_TO_21);
    return (high * TWO_TO_32 + this.word()) % below;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integer(256));
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  fork(): SeededRandom {
    return new SeededRandom(this.word() * TWO_TO_21 + (this.word() >>> 11), this.word());
  }

  /** The next 32 bits, as a whole number. */
  protected word(): number {
    return this.step();
  }

  private step(): number {
    const result = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + result;
    this.c |= 0;
    return result >>> 0;
  }
}

const TWO_TO_21 = 2 ** 21;
const TWO_TO_32 = 2 ** 32;
