import type { Value } from "@syncline/core";
import type { Recording, Transaction } from "./recording.js";

/**
 * Text as a set of positioned characters, typed by the people of a recording.
 *
 * A character is the element [digits, letter] of a set. Digits are a dense order: between any two positions there
 * is another one. Every keystroke adds or removes elements; the text is the letters in the order of their digits.
 */
export type Character = readonly [digits: readonly number[], letter: string];

/** What one transaction of the recording amounts to. */
export interface Keystrokes {
  readonly added: readonly Character[];
  readonly removed: readonly Character[];
}

/** A character as a person's editor keeps it: deleted ones stay, unseen, so that places keep their meaning. */
interface Kept {
  readonly character: Character;
  deleted: boolean;
}

/** One person of the recording: what their editor holds, and what their next transaction does to it. */
export class Typist {
  private readonly kept: Kept[] = [];
  private readonly seen = new Set<number>();

  constructor(
    private readonly recording: Recording,
    readonly agent: number,
    /** What each transaction was found to be, by whoever typed it. */
    private readonly typed: (Keystrokes | undefined)[],
  ) {}

  /** Transactions of others that this one builds on and that are not on the screen yet, oldest first. */
  missing(index: number): number[] {
    const found: number[] = [];
    const stack = [...this.transaction(index).parents];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (this.seen.has(next)) continue;
      this.seen.add(next);
      found.push(next);
      stack.push(...this.transaction(next).parents);
    }
    return found.sort((a, b) => a - b);
  }

  /** Brings what another person typed onto the screen. */
  show(index: number): void {
    const keystrokes = this.typed[index];
    if (keystrokes === undefined) throw new Error(`transaction ${index} was not typed yet`);
    for (const character of keystrokes.added)
      this.kept.splice(this.place(character), 0, { character, deleted: false });
    for (const character of keystrokes.removed) {
      const kept = this.kept[this.place(character)];
      if (kept !== undefined && compare(kept.character, character) === 0) kept.deleted = true;
    }
  }

  /** Types a transaction of this person's. */
  type(index: number): Keystrokes {
    const added: Character[] = [];
    const removed: Character[] = [];
    for (const [position, deleted, inserted] of this.transaction(index).patches) {
      let at = this.afterVisible(position);
      for (let left = deleted, i = at; left > 0; i++) {
        const kept = this.kept[i];
        if (kept === undefined) throw new Error(`transaction ${index} deletes beyond the end`);
        if (kept.deleted) continue;
        kept.deleted = true;
        left -= 1;
        // What was typed in this very transaction never leaves it.
        const own = added.indexOf(kept.character);
        if (own === -1) removed.push(kept.character);
        else added.splice(own, 1);
      }
      for (const letter of inserted) {
        const digits = between(this.kept[at - 1]?.character[0] ?? [], this.kept[at]?.character[0]);
        const character: Character = [digits, letter];
        this.kept.splice(at, 0, { character, deleted: false });
        added.push(character);
        at += 1;
      }
    }
    this.seen.add(index);
    const keystrokes = { added, removed };
    this.typed[index] = keystrokes;
    return keystrokes;
  }

  private transaction(index: number): Transaction {
    const transaction = this.recording.txns[index];
    if (transaction === undefined) throw new Error(`no transaction ${index}`);
    return transaction;
  }

  /** The index right after this many characters that are seen. */
  private afterVisible(count: number): number {
    let left = count;
    let at = 0;
    for (; left > 0; at++) if (this.kept[at]?.deleted === false) left -= 1;
    return at;
  }

  private place(character: Character): number {
    let low = 0;
    let high = this.kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.kept[middle];
      if (other !== undefined && compare(other.character, character) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The text that a set of positioned characters stands for. */
export function textOf(elements: readonly Value[]): string {
  const characters = elements as unknown as Character[];
  return [...characters]
    .sort(compare)
    .map(([, letter]) => letter)
    .join("");
}

const BASE = 65536;

/** A position after `low` and before `high` (undefined: the end). */
function between(low: readonly number[], high: readonly number[] | undefined): number[] {
  const digits: number[] = [];
  let bound = high;
  for (let i = 0; ; i++) {
    const from = low[i] ?? 0;
    const to = bound === undefined ? BASE : (bound[i] ?? 0);
    if (to - from > 1) {
      digits.push(from + 1);
      return digits;
    }
    digits.push(from);
    if (to - from === 1) bound = undefined;
  }
}

function compare(a: Character, b: Character): number {
  const length = Math.max(a[0].length, b[0].length);
  for (let i = 0; i < length; i++) {
    const difference = (a[0][i] ?? 0) - (b[0][i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;
}
