/**
 * Playing an op on something inside a cell: the containers on the way are made if they are not there, and let go of
 * when nothing is left of them.
 */
import type { Stamp } from "./clock.js";
import type { AnyOp, Say, Undo } from "./crdt.js";
import { BrokenInvariant } from "./errors.js";
import type { Author, Dot } from "./ids.js";
import { type Path, pathKey } from "./path.js";
import type { Cell } from "./types.js";

/** An op with its identity. */
export interface Play {
  readonly op: AnyOp;
  readonly dot: Dot;
  readonly stamp: Stamp;
  readonly undo?: Undo | undefined;
}

/** What is at the end of a path of which `cell` is the first step, undefined if there is nothing. */
export function cellBelow(cell: Cell | undefined, path: Path): Cell | undefined {
  let below = cell;
  for (let i = 1; i < path.length; i++) below = below?.children?.get(path[i]!);
  return below;
}

/** Plays an op at the end of a path of which `cell` is the step at `depth`, 0 if not given. O(steps) and the op's. */
export function applyBelow(cell: Cell, path: Path, play: Play, depth = 0): void {
  if (depth === path.length - 1) {
    cell.apply(play.op, play.dot, play.stamp, play.undo);
    return;
  }
  const { children } = cell;
  if (children === undefined) throw new BrokenInvariant(`nothing is inside of ${pathKey(path)} at ${depth}`);
  const step = path[depth + 1]!;
  if (cell.rules.enter?.(cell.state, path, depth + 1, play) === false) return;
  const child = children.use(step, play.undo);
  applyBelow(child, path, play, depth + 1);
  if (child.isBlank()) children.drop(step, play.undo);
}

/**
 * Calls `say` for what an author must have said before he does something at the end of a path of which `cell` is the
 * first step.
 */
export function open(cell: Cell | undefined, path: Path, author: Author, say: Say): void {
  let on = cell;
  for (let i = 1; i < path.length && on !== undefined; i++) {
    on.rules.opening?.(on.state, path[i]!.name, author, path.slice(0, i), say);
    on = on.children?.get(path[i]!);
  }
}

/**
 * Calls `visit` for all that an op at the end of a path is about to take away or bring back at once, beside what is there.
 * `cell` is the first step.
 */
export function shifted(cell: Cell | undefined, path: Path, op: AnyOp, visit: (path: Path) => void): void {
  let on = cell;
  for (let i = 1; on !== undefined; i++) {
    const step = path[i];
    on.rules.shifted?.(on.state, step?.name ?? op, path.slice(0, i), visit);
    on = step && on.children?.get(step);
  }
}

/** Calls `say` for what takes away all that is kept of a cell and of what is inside of it, innermost first. */
export function resetBelow(cell: Cell, path: Path, say: Say): void {
  cell.rules.uncover?.(cell.state, path, say);
  for (const step of cell.children?.steps() ?? [])
    resetBelow(cell.children!.get(step)!, [...path, step], say);
  say(path, cell.reset());
}

/** Calls `visit` for what is at the end of a path and for all that is inside of it, innermost first. */
export function visitUpwards(cell: Cell, path: Path, visit: (cell: Cell, path: Path) => void): void {
  for (const step of cell.children?.steps() ?? []) {
    const child = cell.children?.get(step);
    if (child !== undefined) visitUpwards(child, [...path, step], visit);
  }
  visit(cell, path);
}
