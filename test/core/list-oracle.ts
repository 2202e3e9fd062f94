/**
 * What a list must show, from what people did at which index and what each of them saw then: nothing is known of ops.
 *
 * Each deed is placed by what its doer saw, which is the oracle's answer to all that he had seen. Positions are a tree
 * as in "The Art of the Fugue", drawn anew for every question.
 */
import type { Value } from "@syncline/core";
import type { Deed } from "./cases.js";

/** An index in `count` places, counted round and round. */
export function indexIn(at = 0, count: number): number {
  return ((at % count) + count) % count;
}

export function listOracle(deeds: readonly Deed[]): Value | undefined {
  return deeds.length === 0 ? undefined : look(deeds).shown.map(({ element }) => element.act.value ?? null);
}

/** Where a deed has put something; the beginning has no deed. */
interface Node {
  readonly deed: Deed;
  readonly parent: Node | undefined;
  readonly side: "left" | "right";
  /** What stood to its right, undefined for the end. */
  readonly origin: Node | undefined;
}

interface Look {
  /** All positions, in order. */
  readonly order: readonly Node[];
  readonly shown: readonly { readonly node: Node; readonly element: Deed }[];
}

interface Meaning {
  readonly node?: Node;
  /** What a move moves and a deletion deletes. */
  readonly element?: Deed | undefined;
}

const meanings = new WeakMap<Deed, Meaning>();

function look(deeds: readonly Deed[]): Look {
  const nodes = deeds.flatMap((deed) => meaningOf(deed, deeds).node ?? []);
  const order = walk(nodes, undefined);
  const shown = order.flatMap((node) => {
    const element = node.deed.act.act === "insert" ? node.deed : meaningOf(node.deed, deeds).element;
    if (element === undefined || deeds.some((deed) => deletes(deed, element, deeds))) return [];
    return standsAt(element, deeds) === node.deed ? [{ node, element }] : [];
  });
  return { order, shown };
}

function meaningOf(deed: Deed, among: readonly Deed[]): Meaning {
  const known = meanings.get(deed);
  if (known !== undefined) return known;
  const meaning = meaningIn(deed, look(among.filter((other) => deed.saw(other))));
  meanings.set(deed, meaning);
  return meaning;
}

function meaningIn(deed: Deed, { order, shown }: Look): Meaning {
  const { act, at, to } = deed.act;
  if (act === "clear") return {};
  if (act === "insert")
    return { node: nodeAfter(deed, shown[indexIn(at, shown.length + 1) - 1]?.node, order) };
  const from = indexIn(at, shown.length);
  const element = shown[from]?.element;
  if (act === "delete") return { element };
  const target = indexIn(to, shown.length);
  return { element, node: nodeAfter(deed, shown[target > from ? target : target - 1]?.node, order) };
}

/** A right child if there is none yet, else a left child of what follows. */
function nodeAfter(deed: Deed, left: Node | undefined, order: readonly Node[]): Node {
  const next = order[left === undefined ? 0 : order.indexOf(left) + 1];
  const hasRight = order.some(({ parent, side }) => parent === left && side === "right");
  return hasRight && next !== undefined
    ? { deed, parent: next, side: "left", origin: next }
    : { deed, parent: left, side: "right", origin: next };
}

function walk(nodes: readonly Node[], parent: Node | undefined): Node[] {
  const side = (which: Node["side"]): Node[] =>
    nodes.filter((node) => node.parent === parent && node.side === which);
  const left = side("left").sort(byDeed);
  const right = side("right").sort((a, b) => compareOrigins(nodes, b, a) || byDeed(a, b));
  return [
    ...left.flatMap((node) => walk(nodes, node)),
    ...(parent === undefined ? [] : [parent]),
    ...right.flatMap((node) => walk(nodes, node)),
  ];
}

/** By where they stood for somebody who had seen neither of the two. */
function compareOrigins(nodes: readonly Node[], a: Node, b: Node): number {
  if (a.origin === b.origin) return 0;
  if (a.origin === undefined || b.origin === undefined) return a.origin === undefined ? 1 : -1;
  const before = nodes.filter(({ deed }) => a.deed.saw(deed) || b.deed.saw(deed));
  const order = walk(before, undefined);
  return order.indexOf(a.origin) - order.indexOf(b.origin);
}

function deletes(deed: Deed, element: Deed, deeds: readonly Deed[]): boolean {
  const { act } = deed.act;
  return act === "clear" ? deed.saw(element) : act === "delete" && meaningOf(deed, deeds).element === element;
}

/** The deed that has put an element where it is: its last move by those who saw the others. */
function standsAt(element: Deed, deeds: readonly Deed[]): Deed {
  const moves = deeds.filter((deed) => deed.act.act === "move" && meaningOf(deed, deeds).element === element);
  const [last] = moves
    .filter((move) => !moves.some((other) => other.saw(move)))
    .sort((a, b) => b.stamp - a.stamp || b.author - a.author || b.counter - a.counter);
  return last ?? element;
}

function byDeed(a: Node, b: Node): number {
  return a.deed.author - b.deed.author || a.deed.counter - b.deed.counter;
}
