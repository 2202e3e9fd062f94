import { SeededRandom } from "./random.js";

/**
 * The generator that histories were played with until November 2026 (mulberry32): 32 bits of state, so two of its many
 * forks could go the same way. Histories that were kept then depend on what it draws, and are played with it.
 */
export class NarrowRandom extends SeededRandom {
  private state: number;

  /** @param drawn large numbers that this one and its forks have drawn: with 53 bits none would come twice, with 32 some do. */
  constructor(
    seed: number,
    private readonly drawn: Set<number> = new Set(),
  ) {
    super(seed);
    this.state = seed >>> 0;
  }

  override integer(below: number): number {
    if (below <= 4294967296) return super.integer(below);
    const high = Math.floor(this.float() * 2097152);
    const number = (high * 4294967296 + Math.floor(this.float() * 4294967296)) % below;
    if (this.drawn.has(number)) return this.integer(below);
    this.drawn.add(number);
    return number;
  }

  override fork(): NarrowRandom {
    return new NarrowRandom(this.integer(4294967296), this.drawn);
  }

  protected override word(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}
