/**
 * Exhaustively small: everything that up to three replicas can do with up to four acts, delivered in every order.
 *
 * What people did is an order of sight: each act with its author and what he had seen. All of these are enumerated. Then
 * each replica's way from nothing to everything is a way through the sets of acts that are closed under sight, and two
 * ways that lead to the same set must meet in the same bytes. So every edge from set to set is looked at once, and by
 * induction every order of delivery; besides, the states of any two sets are merged, and what is shown is held against
 * the oracle.
 *
 * Left out is only what is the same: acts that have not seen each other are made in the order of their authors; and of
 * authors only the order counts, so with two there are 1 and 2, never 1 and 3.
 */
import { describe, expect, test } from "vitest";
import { type Act, CASES, type Deed, type TypeCase } from "./cases.js";
import { type Subject, subjectOf } from "./subjects.js";
import { expectBytes, expectEqual } from "./world.js";

/** `SYNCLINE_SCOPE=4` looks at four acts on three replicas of every type, which takes minutes. */
const SCOPE = Number(process.env.SYNCLINE_SCOPE ?? 0);

interface Made {
  readonly author: number;
  readonly deed: Deed;
  readonly ops: readonly Uint8Array[];
  /** The acts that it has seen, as bits. */
  readonly past: number;
}

/** A set of acts, as bits, to the state of who holds exactly these. */
type States = Map<number, Uint8Array>;

class Scope {
  histories = 0;
  readonly #each: TypeCase;
  readonly #authors: number;
  readonly #length: number;

  constructor(each: TypeCase, authors: number, length: number) {
    this.#each = each;
    this.#authors = authors;
    this.#length = length;
  }

  run(): void {
    this.#extend([], new Map([[0, subjectOf(this.#each, 9).state()]]));
  }

  /** Everything that can be done next, by whom and with whatever sight. */
  #extend(made: readonly Made[], states: States): void {
    if (made.length === this.#length) return;
    for (let author = 1; author <= this.#authors; author++) {
      const own = bitsWhere(made, (each) => each.author === author);
      for (const past of states.keys()) {
        if ((past & own) !== own || !isInOrder(made, author, past)) continue;
        for (const act of this.#each.alphabet) this.#do(made, states, author, past, act);
      }
    }
  }

  #do(made: readonly Made[], states: States, author: number, past: number, act: Act): void {
    const maker = this.#holder(author, states.get(past)!);
    // One more than what was seen, as clocks do; so acts that have not seen each other often tie.
    const stamp = countBits(past);
    const ops = maker.perform(act, stamp);
    if (ops.length === 0) return;
    const seen = new Set(made.filter((_, i) => (past >> i) & 1).map(({ deed }) => deed));
    const deed: Deed = { act, author, counter: made.length + 1, stamp, saw: (other) => seen.has(other) };
    const all = [...made, { author, deed, ops, past }];
    const grown = this.#deliver(all, states, maker.state());
    if (authorsAreFirst(all)) this.histories++;
    this.#extend(all, grown);
  }

  /** The states of all sets with the last act in them, by every edge that leads to one. */
  #deliver(made: readonly Made[], before: States, makers: Uint8Array): States {
    const states = new Map(before);
    const last = made.length - 1;
    const { past } = made[last]!;
    this.#meet(made, states, past | (1 << last), makers);
    const sets = [...before.keys()]
      .filter((set) => (set & past) === past)
      .sort((a, b) => countBits(a) - countBits(b));
    for (const set of sets) {
      // The last act comes last, or one of the others does.
      this.#arrive(made, states, set, last);
      for (let i = 0; i < last; i++) {
        const less = set & ~(1 << i);
        if (less !== set && states.has(less | (1 << last)) && (less & past) === past) {
          this.#arrive(made, states, less | (1 << last), i);
        }
      }
    }
    for (const set of sets) {
      for (const other of before.keys()) {
        const receiver = this.#holder(9, states.get(set | (1 << last))!);
        receiver.merge(before.get(other)!);
        expectBytes(receiver.state(), states.get(set | other | (1 << last))!);
      }
    }
    return states;
  }

  #arrive(made: readonly Made[], states: States, set: number, i: number): void {
    const receiver = this.#holder(9, states.get(set)!);
    for (const op of made[i]!.ops) expectEqual(receiver.apply(op), "applied");
    this.#meet(made, states, set | (1 << i), receiver.state());
  }

  /** However a set was reached, the bytes are the same; and what they show is what was done. */
  #meet(made: readonly Made[], states: States, set: number, bytes: Uint8Array): void {
    const known = states.get(set);
    if (known !== undefined) {
      expectBytes(bytes, known);
      return;
    }
    states.set(set, bytes);
    const shown = this.#each.oracle(made.filter((_, i) => (set >> i) & 1).map(({ deed }) => deed));
    expectEqual(this.#holder(9, bytes).read(), shown === undefined ? this.#each.nothing : shown);
  }

  #holder(author: number, state: Uint8Array): Subject {
    const subject = subjectOf(this.#each, author);
    subject.merge(state);
    return subject;
  }
}

/** Of two acts that follow each other here and have not seen each other, the one of the first author comes first. */
function isInOrder(made: readonly Made[], author: number, past: number): boolean {
  const last = made.length - 1;
  return last < 0 || ((past >> last) & 1) === 1 || made[last]!.author < author;
}

function authorsAreFirst(made: readonly Made[]): boolean {
  const used = new Set(made.map(({ author }) => author));
  return Math.max(...used) === used.size;
}

function bitsWhere(made: readonly Made[], holds: (each: Made) => boolean): number {
  return made.reduce((bits, each, i) => (holds(each) ? bits | (1 << i) : bits), 0);
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest &= rest - 1) count++;
  return count;
}

describe.each(CASES)("$kind", (each) => {
  const isSmall = each.alphabet.length <= 2;
  const scopes: [authors: number, length: number][] =
    SCOPE > 0
      ? [[3, SCOPE]]
      : [
          [2, 4],
          [3, isSmall ? 4 : 3],
        ];
  test.each(scopes)(
    "%i replicas, up to %i acts, every order of delivery",
    { timeout: 900_000 },
    (authors, length) => {
      const scope = new Scope(each, authors, length);
      scope.run();
      expect(scope.histories).toBeGreaterThan(authors);
    },
  );
});
