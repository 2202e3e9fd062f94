/**
 * What a list must show: the tree of "The Art of the Fugue" (arXiv 2305.00583), drawn out in full, and on each position
 * the element that was moved there last.
 *
 * Every comparison of two right origins walks the whole tree.
 */
import type { Dot, ListOp, Value } from "@syncline/core";
import { type Placed, sameDot } from "./history.js";

type Making = Placed<Extract<ListOp, { act: "insert" | "move" }>>;

export function listValues(history: readonly Placed<ListOp>[]): readonly Value[] {
  const makings = history.filter(
    (each): each is Making => each.op.act === "insert" || each.op.act === "move",
  );
  return orderOf(makings).flatMap((making) => {
    const element = elementOf(makings, making);
    if (element === undefined || isDeleted(history, element.dot)) return [];
    return lastMaking(history, element) === making ? [element.op.value] : [];
  });
}

type Insert = Placed<Extract<ListOp, { act: "insert" }>>;

function elementOf(makings: readonly Making[], { dot, op }: Making): Insert | undefined {
  const of = op.act === "insert" ? dot : op.element;
  return makings.find((each): each is Insert => each.op.act === "insert" && sameDot(each.dot, of));
}

function isDeleted(history: readonly Placed<ListOp>[], element: Dot): boolean {
  return history.some(({ op }) => {
    if (op.act === "delete") return sameDot(op.element, element);
    if (op.act !== "empty") return false;
    return op.upTo.some((upTo) => upTo.author === element.author && upTo.counter >= element.counter);
  });
}

/** Of the moves that no other one has replaced the greatest by stamp, author and counter; the insert if there is none. */
function lastMaking(history: readonly Placed<ListOp>[], element: Insert): Placed<ListOp> {
  const moves = history.filter(({ op }) => op.act === "move" && sameDot(op.element, element.dot));
  const replaced = moves.flatMap(({ op }) => (op.act === "move" ? op.replaces : []));
  const [last] = moves
    .filter((move) => !replaced.some((dot) => sameDot(dot, move.dot)))
    .sort((a, b) => b.stamp - a.stamp || b.dot.author - a.dot.author || b.dot.counter - a.dot.counter);
  return last ?? element;
}

/** All positions from left to right. */
function orderOf(makings: readonly Making[]): Making[] {
  return walk(makings, undefined);
}

function walk(makings: readonly Making[], node: Making | undefined): Making[] {
  const children = makings.filter(({ op }) => isSame(op.place.parent, node?.dot));
  const left = children.filter(({ op }) => op.place.side === "left");
  const right = children.filter(({ op }) => op.place.side === "right");
  left.sort((a, b) => byDot(a.dot, b.dot));
  right.sort((a, b) => compareOrigins(makings, b, a) || byDot(a.dot, b.dot));
  return [
    ...left.flatMap((child) => walk(makings, child)),
    ...(node === undefined ? [] : [node]),
    ...right.flatMap((child) => walk(makings, child)),
  ];
}

/** What stood to the right of a node when it was made, undefined for the end. */
function rightOf(makings: readonly Making[], node: Making | undefined): Dot | undefined {
  if (node === undefined) return undefined;
  const { parent, side, origin } = node.op.place;
  if (side === "left") return parent;
  if (typeof origin === "object") return origin;
  if (origin === "end") return undefined;
  return rightOf(
    makings,
    makings.find(({ dot }) => isSame(dot, parent)),
  );
}

function compareOrigins(makings: readonly Making[], a: Making, b: Making): number {
  const [ofA, ofB] = [rightOf(makings, a), rightOf(makings, b)];
  if (isSame(ofA, ofB)) return 0;
  if (ofA === undefined || ofB === undefined) return ofA === undefined ? 1 : -1;
  // Neither of the two, nor what came of them, says anything about what was there before.
  const before = makings.filter((each) => !isWithin(makings, each, a) && !isWithin(makings, each, b));
  const order = walk(before, undefined);
  const at = (dot: Dot): number => order.findIndex((each) => sameDot(each.dot, dot));
  return at(ofA) - at(ofB);
}

function isWithin(makings: readonly Making[], node: Making, root: Making): boolean {
  if (node === root) return true;
  const parent = makings.find(({ dot }) => isSame(dot, node.op.place.parent));
  return parent !== undefined && isWithin(makings, parent, root);
}

function isSame(a: Dot | undefined, b: Dot | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameDot(a, b);
}

function byDot(a: Dot, b: Dot): number {
  return a.author - b.author || a.counter - b.counter;
}
