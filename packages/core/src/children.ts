/**
 * The cells inside a container, one for each pair of name and kind.
 *
 * A cell is there only as long as something is kept of it. One that is missing may never have been, or have gone; so
 * when two states are joined it counts as an empty one, and the contexts tell which of the two it was.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader } from "./bytes.js";
import { readCells } from "./cell-blocks.js";
import type { AnyOp, Crdt, Undo } from "./crdt.js";
import type { Seen } from "./dots.js";
import { BrokenInvariant } from "./errors.js";
import { checkStepName } from "./ids.js";
import { kindName } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { type PathStep, stepKey } from "./path.js";
import { readTexts } from "./state-columns.js";
import { type Cell, typeOf } from "./types.js";
import { compareUtf8 } from "./utf8.js";
import { setOwn, type Value } from "./value.js";

/** One of them, by name and kind. */
export interface Child extends PathStep {
  readonly cell: Cell;
}

export class Children {
  readonly #children = new Map<string, Child>();

  get isEmpty(): boolean {
    return this.#children.size === 0;
  }

  get(step: PathStep): Cell | undefined {
    return this.#children.get(stepKey(step))?.cell;
  }

  /** The state of a child, an empty one that is not kept if there is none. */
  state<State, Op extends AnyOp>(name: string, type: Crdt<State, Op, unknown>): State {
    const cell = this.get({ name, kind: type.kind });
    if (cell === undefined) return type.empty();
    if (!type.isState(cell.state)) throw new BrokenInvariant(`${name} has a state of another kind`);
    return cell.state;
  }

  /** The cell that an op goes to, made if it is the first. */
  use({ name, kind }: PathStep, undo?: Undo): Cell {
    const key = stepKey({ name, kind });
    const child = this.#children.get(key);
    if (child !== undefined) return child.cell;
    const cell = emptyCell(kind);
    this.#children.set(key, { name, kind, cell });
    undo?.push(() => this.#children.delete(key));
    return cell;
  }

  /** Lets go of a cell of which nothing is left. */
  drop(step: PathStep, undo?: Undo): void {
    const key = stepKey(step);
    const child = this.#children.get(key);
    if (child === undefined) return;
    this.#children.delete(key);
    undo?.push(() => this.#children.set(key, child));
  }

  /** Which cells there are now, in an order that is the same everywhere. O(n log n). */
  steps(): PathStep[] {
    return this.#sorted().map(({ name, kind }) => ({ name, kind }));
  }

  merge(seen: Seen, from: Children, fromSeen: Seen): void {
    for (const theirs of from.#children.values()) this.use(theirs);
    for (const [key, { kind, cell }] of this.#children) {
      cell.merge(seen, from.#children.get(key)?.cell ?? emptyCell(kind), fromSeen);
      if (cell.isBlank()) this.#children.delete(key);
    }
  }

  /** For `children-moves.ts`. */
  static mapOf(children: Children): Map<string, Child> {
    return children.#children;
  }

  clone(): Children {
    const copy = new Children();
    for (const [key, { name, kind, cell }] of this.#children) {
      copy.#children.set(key, { name, kind, cell: cell.clone() });
    }
    return copy;
  }

  /** True if something is shown. */
  hasShown(): boolean {
    for (const { cell } of this.#children.values()) if (!cell.isVacant()) return true;
    return false;
  }

  /** Names under which something is shown, in the order of their bytes. O(n log n). */
  names(): string[] {
    const names = new Set<string>();
    for (const { name, cell } of this.#children.values()) if (!cell.isVacant()) names.add(name);
    return [...names].sort(compareUtf8);
  }

  /**
   * Of several kinds under a name the one with the smallest tag has the bare name, and the others are shown as
   * `name@kind`, unless something has that name for its own.
   */
  json(): Record<string, Value> {
    const json: Record<string, Value> = {};
    const later: [name: string, value: Value][] = [];
    for (const { name, kind, cell } of this.#sorted()) {
      const value = cell.isVacant() ? undefined : cell.json();
      if (value === undefined) continue;
      if (Object.hasOwn(json, name)) later.push([`${name}@${kindName(kind)}`, value]);
      else setOwn(json, name, value);
    }
    for (const [name, value] of later) if (!Object.hasOwn(json, name)) setOwn(json, name, value);
    return json;
  }

  /** @param depth of these children in their field. */
  static readState(input: ByteReader, authors: AuthorTable, depth: number): Children {
    const children = new Children();
    if (depth >= CORE_LIMITS.pathDepthMax) input.fail("a path of more than pathDepthMax steps");
    const at = input.offset;
    const count = input.count(Number.MAX_SAFE_INTEGER, 1);
    const names = readTexts(input, count, CORE_LIMITS.keyBytesMax);
    let before: Child | undefined;
    const cells = readCells(input, count, CORE_LIMITS.kindTagMax, authors, depth + 1);
    for (let i = 0; i < count; i++) {
      const { kind, cell } = cells[i]!;
      const name = names[i]!;
      const reason = checkStepName(name);
      if (reason !== undefined) input.fail(reason, at);
      if (cell === undefined) input.fail(`a child of kind ${kind}, which is not known`, at);
      else if (cell.isBlank()) input.fail("a child of which nothing is left", at);
      const child = { name, kind, cell };
      if (before !== undefined && compareChildren(before, child) >= 0)
        input.fail("children out of order", at);
      children.#children.set(stepKey(child), child);
      before = child;
    }
    return children;
  }

  #sorted(): Child[] {
    return [...this.#children.values()].sort(compareChildren);
  }
}

function emptyCell(kind: number): Cell {
  const type = typeOf(kind);
  if (type === undefined) throw new BrokenInvariant(`a child of kind ${kind}, which is not known`);
  return type.empty();
}

function compareChildren(a: PathStep, b: PathStep): number {
  return compareUtf8(a.name, b.name) || a.kind - b.kind;
}
