/**
 * What is done with cells of a container as they are: for maps that hide some of them, and for deltas. Registers, counters,
 * sets and maps need none of it.
 */
import { Children } from "./children.js";
import type { Undo } from "./crdt.js";
import { KINDS } from "./kinds.js";
import { type PathStep, stepKey } from "./path.js";
import type { Cell } from "./types.js";

/** Takes in a cell where there is none. */
export function putChild(children: Children, { name, kind }: PathStep, cell: Cell): void {
  Children.mapOf(children).set(stepKey({ name, kind }), { name, kind, cell });
}

/** What there is under a name, whatever its kind. O(kinds). */
export function childrenUnder(children: Children, name: string): PathStep[] {
  const steps = Object.values(KINDS).map((kind) => ({ name, kind }));
  return steps.filter((step) => Children.mapOf(children).has(stepKey(step)));
}

/** Puts all that is under a name elsewhere, where nothing is under it. */
export function moveChildren(from: Children, to: Children, name: string, undo?: Undo): void {
  const there = Children.mapOf(to);
  for (const step of childrenUnder(from, name)) {
    const key = stepKey(step);
    const child = Children.mapOf(from).get(key)!;
    from.drop(step, undo);
    there.set(key, child);
    undo?.push(() => there.delete(key));
  }
}

/** Both, of which none are the same. They are no copies. */
export function childrenOfBoth(a: Children, b: Children): Children {
  const both = new Children();
  for (const each of [a, b])
    for (const [key, child] of Children.mapOf(each)) Children.mapOf(both).set(key, child);
  return both;
}

/** All but those under some names. They are the same, not copies. */
export function childrenWithout(children: Children, names: ReadonlySet<string>): Children {
  const left = new Children();
  for (const [key, child] of Children.mapOf(children))
    if (!names.has(child.name)) Children.mapOf(left).set(key, child);
  return left;
}
