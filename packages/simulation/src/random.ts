import type { Random } from "@syncline/engine";

/**
 * Randomness from a seed: the same on every machine, in every run (mulberry32).
 *
 * Each part of a simulated world takes a stream of its own from `fork`, so that a part that draws once more does
 * not change what all others draw.
 */
export class SeededRandom implements Random {
  private state: number;

  /** @param drawn large numbers that this one and its forks have drawn: with 53 bits none would come twice, with 32 some do. */
  constructor(
    seed: number,
    private readonly drawn: Set<number> = new Set(),
  ) {
    this.state = seed >>> 0;
  }

  /** Uniform in [0, 1), 32 bits of it. */
  float(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  integer(below: number): number {
    if (below <= 4294967296) return Math.floor(this.float() * below);
    const high = Math.floor(this.float() * 2097152);
    const number = (high * 4294967296 + Math.floor(this.float() * 4294967296)) % below;
    if (this.drawn.has(number)) return this.integer(below);
    this.drawn.add(number);
    return number;
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
    return new SeededRandom(this.integer(4294967296), this.drawn);
  }
}
