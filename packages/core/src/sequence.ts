/**
 * Numbers in an order of their own, some of them shown: a counted tree.
 *
 * Leaves hold up to 64 numbers in plain arrays, inner nodes know how many are below them and how many of those are
 * shown; so what stands at an index, and at which index something stands, take O(log n), and a short list is one array.
 * Numbers are small and dense, because they are indexes of somebody's columns.
 */

interface Leaf {
  up: Inner | undefined;
  readonly items: number[];
  shown: number;
}

interface Inner {
  up: Inner | undefined;
  readonly below: (Leaf | Inner)[];
  size: number;
  shown: number;
}

type Tree = Leaf | Inner;

export class Sequence {
  #root: Tree = leafOf([]);
  /** By number. */
  readonly #leaves: Leaf[] = [];
  readonly #isShown: boolean[] = [];

  /** How many are shown. */
  get shown(): number {
    return this.#root.shown;
  }

  /** Puts the next number after another one, at the beginning if that is -1. It is not shown. O(log n). */
  insertAfter(number: number, before: number): void {
    if (before < 0) {
      this.#insert(number, firstLeaf(this.#root), 0);
      return;
    }
    const leaf = this.#leaves[before]!;
    this.#insert(number, leaf, leaf.items.indexOf(before) + 1);
  }

  /** Takes out the number that was inserted last. O(log n). */
  removeLast(number: number): void {
    this.show(number, false);
    this.#isShown.pop();
    const leaf = this.#leaves.pop()!;
    leaf.items.splice(leaf.items.indexOf(number), 1);
    for (let tree = leaf.up; tree !== undefined; tree = tree.up) tree.size--;
  }

  /** O(log n). */
  show(number: number, isShown: boolean): void {
    if (this.#isShown[number] === isShown) return;
    this.#isShown[number] = isShown;
    const by = isShown ? 1 : -1;
    for (let tree: Tree | undefined = this.#leaves[number]; tree !== undefined; tree = tree.up)
      tree.shown += by;
  }

  /** What follows, shown or not; the first one after -1; -1 at the end. */
  next(number: number): number {
    return this.#step(number, 1);
  }

  /** What stands before it, shown or not; -1 at the beginning. */
  previous(number: number): number {
    return this.#step(number, -1);
  }

  /** The last of all, shown or not; -1 if there is none. */
  last(): number {
    let leaf: Leaf | undefined = lastLeaf(this.#root);
    while (leaf?.items.length === 0) leaf = neighbour(leaf, -1);
    return leaf?.items.at(-1) ?? -1;
  }

  /** Negative if `a` stands before `b`. O(log n). */
  compare(a: number, b: number): number {
    return this.#rank(a) - this.#rank(b);
  }

  /** What is shown at an index that is there. O(log n). */
  at(index: number): number {
    let left = index;
    let tree = this.#root;
    while ("below" in tree) {
      let child = 0;
      while (left >= tree.below[child]!.shown) left -= tree.below[child++]!.shown;
      tree = tree.below[child]!;
    }
    return tree.items.find((number) => this.#isShown[number] === true && left-- === 0)!;
  }

  /** The index of what is shown. O(log n). */
  indexOf(number: number): number {
    const leaf = this.#leaves[number]!;
    let index = 0;
    for (const other of leaf.items) {
      if (other === number) break;
      if (this.#isShown[other] === true) index++;
    }
    let tree: Tree = leaf;
    for (let up = leaf.up; up !== undefined; tree = up, up = up.up) {
      for (const sibling of up.below) {
        if (sibling === tree) break;
        index += sibling.shown;
      }
    }
    return index;
  }

  /** All in order, shown or not. */
  *[Symbol.iterator](): Generator<number> {
    for (const leaf of leavesOf(this.#root)) yield* leaf.items;
  }

  #step(number: number, by: 1 | -1): number {
    let leaf: Leaf | undefined = number < 0 ? firstLeaf(this.#root) : this.#leaves[number]!;
    let at = number < 0 ? 0 : leaf.items.indexOf(number) + by;
    // Leaves may be empty when something was taken out.
    while (leaf !== undefined && (at < 0 || at >= leaf.items.length)) {
      leaf = neighbour(leaf, by);
      at = by > 0 ? 0 : (leaf?.items.length ?? 0) - 1;
    }
    return leaf?.items[at] ?? -1;
  }

  #rank(number: number): number {
    const leaf = this.#leaves[number]!;
    let rank = leaf.items.indexOf(number);
    let tree: Tree = leaf;
    for (let up = leaf.up; up !== undefined; tree = up, up = up.up) {
      for (const sibling of up.below) {
        if (sibling === tree) break;
        rank += sizeOf(sibling);
      }
    }
    return rank;
  }

  #insert(number: number, leaf: Leaf, at: number): void {
    this.#isShown[number] = false;
    this.#leaves[number] = leaf;
    leaf.items.splice(at, 0, number);
    for (let tree = leaf.up; tree !== undefined; tree = tree.up) tree.size++;
    if (leaf.items.length > LEAF_MAX) this.#splitLeaf(leaf, at === leaf.items.length - 1);
  }

  /** @param atEnd where things are only added at the end, leaves stay full. */
  #splitLeaf(leaf: Leaf, atEnd: boolean): void {
    const half = leafOf(leaf.items.splice(atEnd ? LEAF_MAX : LEAF_MAX / 2));
    for (const number of half.items) {
      this.#leaves[number] = half;
      if (this.#isShown[number] === true) half.shown++;
    }
    leaf.shown -= half.shown;
    this.#addSibling(leaf, half);
  }

  #addSibling(tree: Tree, half: Tree): void {
    const { up } = tree;
    if (up === undefined) {
      this.#root = innerOf([tree, half]);
      return;
    }
    half.up = up;
    const at = up.below.indexOf(tree) + 1;
    up.below.splice(at, 0, half);
    if (up.below.length <= INNER_MAX) return;
    const moved = innerOf(up.below.splice(at === up.below.length - 1 ? INNER_MAX : INNER_MAX / 2));
    up.size -= moved.size;
    up.shown -= moved.shown;
    this.#addSibling(up, moved);
  }
}

const LEAF_MAX = 64;
const INNER_MAX = 32;

function leafOf(items: number[]): Leaf {
  return { up: undefined, items, shown: 0 };
}

function innerOf(below: Tree[]): Inner {
  const inner: Inner = { up: undefined, below, size: 0, shown: 0 };
  for (const tree of below) {
    tree.up = inner;
    inner.size += sizeOf(tree);
    inner.shown += tree.shown;
  }
  return inner;
}

function sizeOf(tree: Tree): number {
  return "below" in tree ? tree.size : tree.items.length;
}

function firstLeaf(tree: Tree): Leaf {
  return "below" in tree ? firstLeaf(tree.below[0]!) : tree;
}

function lastLeaf(tree: Tree): Leaf {
  return "below" in tree ? lastLeaf(tree.below.at(-1)!) : tree;
}

function neighbour(leaf: Leaf, by: 1 | -1): Leaf | undefined {
  let tree: Tree = leaf;
  for (let up = leaf.up; up !== undefined; tree = up, up = up.up) {
    const sibling = up.below[up.below.indexOf(tree) + by];
    if (sibling !== undefined) return by > 0 ? firstLeaf(sibling) : lastLeaf(sibling);
  }
  return undefined;
}

function* leavesOf(tree: Tree): Generator<Leaf> {
  if ("below" in tree) for (const child of tree.below) yield* leavesOf(child);
  else yield tree;
}
