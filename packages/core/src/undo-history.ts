/**
 * Undo and redo of what one person does in one document, as new changes like all others.
 *
 * Taking back removes what one's own ops have made and nobody else has replaced, and puts back what they have removed and
 * nobody has put there since; what others did at the same time or afterwards stays. What was not there before, and is
 * one's own alone, goes as a whole, so that no empty thing is left in a map. What is taken back is itself a change of
 * which the steps are kept, so redoing is taking that one back. What only grows cannot be taken back.
 */
import type { Inverse } from "./crdt.js";
import type { BareDocument } from "./document.js";
import type { Draft } from "./draft.js";
import type { Dot } from "./ids.js";
import { inverseOf } from "./inverses.js";
import { type Path, pathKey } from "./path.js";
import { type Cell, type Op, typeAt } from "./types.js";
import { watch } from "./watching.js";

/** An op that was made, and how it can be taken back. */
interface Step {
  readonly path: Path;
  readonly dot: Dot;
  readonly inverse: Inverse<unknown, Op>;
  /** Nothing was shown there before. */
  readonly isFirst: boolean;
}

/** Undo and redo of one author's own changes to a document. */
export class UndoHistory {
  readonly #changesMax: number;
  #undoable: Step[][] = [];
  #redoable: Step[][] = [];
  /** Under which dots things stand by now that were put back. */
  #made = new Map<string, Dot>();
  #steps: Step[] = [];
  /** Where the steps of what is made now go; undefined for a change of the user's own. */
  #target: Step[][] | undefined;
  #leave: () => void = () => {};

  /** @param changesMax how many changes can be taken back; the oldest is forgotten first. */
  constructor(changesMax: number) {
    this.#changesMax = changesMax;
  }

  /** Remembers the transactions that are made on this document from now on, and on no other any more. */
  follow(document: BareDocument): void {
    this.#leave();
    this.#leave = watch(document, {
      before: () => {},
      made: (path, op, dot) => this.#note(document, path, op, dot),
      after: (origin) => {
        const steps = this.#steps;
        this.#steps = [];
        if (origin?.local === true) this.#add(steps);
      },
    });
  }

  /** Whether `undo` has something to take back. */
  get canUndo(): boolean {
    return this.#undoable.length > 0;
  }

  /** Whether `redo` has something to bring back. Any new change of one's own takes that away. */
  get canRedo(): boolean {
    return this.#redoable.length > 0;
  }

  /**
   * Takes back the last change of which anything stands.
   * @param transact makes a transaction on the document that is followed; what it throws leaves everything as it was.
   * @returns false if there was nothing to take back.
   */
  undo(transact: (mutate: (draft: Draft) => void) => void): boolean {
    return this.#takeBack(this.#undoable, this.#redoable, transact);
  }

  /** Takes back the last undo of which anything stands. Like `undo`. */
  redo(transact: (mutate: (draft: Draft) => void) => void): boolean {
    return this.#takeBack(this.#redoable, this.#undoable, transact);
  }

  /** Forgets everything, and follows no document any more. */
  end(): void {
    this.#leave();
    this.#forget();
  }

  #forget(): void {
    this.#undoable = [];
    this.#redoable = [];
    this.#made = new Map();
  }

  #note(document: BareDocument, path: Path, op: Op, dot: Dot): void {
    const cell = document.cell(path) ?? typeAt(path)?.empty();
    const inverse = cell && inverseOf(cell, op);
    if (inverse !== undefined) this.#steps.push({ path, dot, inverse, isFirst: cell?.isVacant() === true });
  }

  #add(steps: Step[]): void {
    if (steps.length === 0) return;
    if (this.#target !== undefined) {
      keep(this.#target, steps, this.#changesMax);
      return;
    }
    if (this.#made.size > MADE_MAX) this.#forget();
    this.#redoable = [];
    keep(this.#undoable, steps, this.#changesMax);
  }

  #takeBack(from: Step[][], to: Step[][], transact: (mutate: (draft: Draft) => void) => void): boolean {
    for (let steps = from.at(-1); steps !== undefined; steps = from.at(-1)) {
      const taken = steps;
      const made = new Map(this.#made);
      let opCount = 0;
      this.#target = to;
      try {
        transact((draft) => {
          opCount = takeBack(taken, draft, made);
        });
      } finally {
        this.#target = undefined;
      }
      from.pop();
      if (opCount === 0) continue;
      this.#made = made;
      return true;
    }
    return false;
  }
}

/** More elements than this that were put back, and what was before is forgotten. */
const MADE_MAX = 10_000;

function keep(changes: Step[][], steps: Step[], max: number): void {
  changes.push(steps);
  if (changes.length > max) changes.shift();
}

/** Gives the number of ops that it took. */
function takeBack(steps: readonly Step[], draft: Draft, made: Map<string, Dot>): number {
  let opCount = 0;
  const wasThere = new Map<string, boolean>();
  for (const { path, isFirst } of steps) {
    const key = pathKey(path);
    if (!wasThere.has(key)) wasThere.set(key, !isFirst);
  }
  const gone = new Set<string>();
  for (const { path, dot, inverse } of [...steps].reverse()) {
    const key = pathKey(path);
    const cell = draft.cell(path) ?? typeAt(path)?.empty();
    if (cell === undefined || gone.has(key)) continue;
    const isInside = wasThere.get(key) === true || cell.children !== undefined;
    const whole = isInside ? undefined : resetOfOwn(cell, path, dot);
    if (whole !== undefined) {
      draft.play(path, whole);
      gone.add(key);
      opCount++;
      continue;
    }
    for (const { op, of } of inverse(cell.state, dot, (each) => standing(made, each))) {
      const stands = draft.play(path, op);
      if (of !== undefined) made.set(keyOf(standing(made, of)), stands);
      opCount++;
    }
  }
  return opCount;
}

/** What takes away everything that is there, if all of it is of this author. */
function resetOfOwn(cell: Cell, path: Path, { author }: Dot): Op | undefined {
  const reset = cell.reset();
  if (reset === undefined) return undefined;
  let isOwn = true;
  typeAt(path)?.mentions(reset, (other) => {
    isOwn &&= other === author;
  });
  return isOwn ? reset : undefined;
}

/** The dot under which something stands by now. */
function standing(made: ReadonlyMap<string, Dot>, dot: Dot): Dot {
  let last = dot;
  for (let next = made.get(keyOf(last)); next !== undefined; next = made.get(keyOf(last))) last = next;
  return last;
}

function keyOf({ author, counter }: Dot): string {
  return `${author}:${counter}`;
}
