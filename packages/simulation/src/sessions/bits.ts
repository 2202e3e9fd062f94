/** A set of small numbers: the changes of a recording, by their place in it. */
export class Bits {
  private readonly words: Uint32Array;

  constructor(readonly size: number) {
    this.words = new Uint32Array((size + 31) >>> 5);
  }

  add(index: number): void {
    this.words[index >>> 5]! |= 1 << (index & 31);
  }

  has(index: number): boolean {
    return ((this.words[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
  }

  addAll(others: Bits): void {
    const { words } = this;
    for (let i = 0; i < words.length; i++) words[i]! |= others.words[i]!;
  }

  keepOnly(others: Bits): void {
    const { words } = this;
    for (let i = 0; i < words.length; i++) words[i]! &= others.words[i]!;
  }

  removeAll(others: Bits): void {
    const { words } = this;
    for (let i = 0; i < words.length; i++) words[i]! &= ~others.words[i]!;
  }

  copy(): Bits {
    const copy = new Bits(this.size);
    copy.words.set(this.words);
    return copy;
  }

  /** Ascending. */
  *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < this.words.length; i++) {
      for (let word = this.words[i]!; word !== 0; word &= word - 1) {
        yield i * 32 + 31 - Math.clz32(word & -word);
      }
    }
  }
}
