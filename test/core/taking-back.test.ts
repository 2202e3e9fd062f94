/**
 * What an op did can be taken back, whoever made it and whatever stands beside it: then everything is as it was, and the
 * op does again what it does. A transaction that throws only ever takes back what its own author did on top of all that he
 * saw, so tests of transactions say nothing of the rest of what types promise here (`crdt.ts`).
 */
import { type Change, Document, decodeChange, type Undo } from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CASES } from "./cases.js";
import { draws, often } from "./share.js";
import { expectBytes, NAME, unwrap } from "./world.js";

/** How many of each op. */
const taken = new Map<string, number>();

describe.each(CASES)("$kind", ({ alphabet, more, withType }) => {
  const at = fc.nat({ max: 2 });
  const act = fc.constantFrom(...alphabet, ...alphabet, ...more);
  const step = fc.oneof(
    fc.record({ at, acts: fc.array(act, { minLength: 1, maxLength: 2 }), stamp: fc.nat({ max: 3 }) }),
    fc.record({ at, pick: fc.nat({ max: 5 }) }),
  );

  test("an op that is played and taken back leaves nothing behind", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 20, size: "max" }), (history) => {
        const documents = [0, 1, 2].map(() => new Document(NAME));
        const made: Change[] = [];
        for (const each of history) {
          const document = documents[each.at]!;
          if ("acts" in each) {
            const change = document.transact({ author: each.at + 1, stamp: each.stamp }, (draft) => {
              for (const one of each.acts) withType((type, doIt) => doIt(draft.at("f", type), one));
            });
            if (change !== undefined) made.push(change);
            continue;
          }
          const next = made.filter((change) => isNext(document, change));
          for (const change of next) takeBack(document, change);
          if (next.length > 0) document.apply(reread(next[each.pick % next.length]!));
        }
      }),
      { numRuns: draws(80) },
    );
  });
});

test("that was so of the ops of all types", () => {
  // What settles needs a removal that has outdone something, which is rarely drawn.
  const ops = new Set(CASES.flatMap((each) => each.ops).filter((act) => act !== "settle"));
  for (const act of ops) expect(taken.get(act) ?? 0, act).toBeGreaterThan(often(0));
});

function takeBack(document: Document, change: Change): void {
  const before = document.encodeState();
  const copy = document.clone();
  const undo: Undo = [];
  const { author, first, stamp, paths } = change;
  for (const [i, { path, op }] of reread(change).ops.entries()) {
    // What was never written before has no state that the op could be played on.
    const cell = copy.cell(paths[path]!);
    if (cell === undefined) continue;
    cell.apply(op, { author, counter: first + i }, stamp, undo);
    taken.set(op.act, (taken.get(op.act) ?? 0) + 1);
  }
  for (const step of undo.reverse()) step();
  expectBytes(copy.encodeState(), before);
  const played = document.clone();
  for (const each of [copy, played]) each.apply(reread(change));
  expectBytes(copy.encodeState(), played.encodeState());
  // A copy shares nothing that changes, either.
  expectBytes(document.encodeState(), before);
}

const reread = (change: Change): Change => unwrap(decodeChange(change.bytes));

function isNext(document: Document, change: Change): boolean {
  return (
    change.first === document.counter(change.author) + 1 &&
    change.observed.every((dot) => document.counter(dot.author) >= dot.counter)
  );
}
