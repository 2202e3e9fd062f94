/** Registers: the last write wins, concurrent writes are kept, and the two bugs that this shape is there to avoid. */
import { type Change, Document, KINDS, lwwRegister, Replica } from "@syncline/core";
import { expect, test } from "vitest";
import { expectBytes, NAME, unwrap } from "./world.js";

test("the greater stamp wins, whichever arrives first", () => {
  const early = write(new Document(NAME), 2, 100, "early");
  const late = write(new Document(NAME), 1, 200, "late");
  for (const order of [
    [early, late],
    [late, early],
  ]) {
    const document = holding(order);
    expect(document.register("title").value).toBe("late");
    expect(document.register("title").values).toEqual(["late", "early"]);
  }
});

test("equal stamps are settled by author, not by arrival or by who reads", () => {
  const one = write(new Document(NAME), 1, 100, "one");
  const two = write(new Document(NAME), 2, 100, "two");
  expect(holding([one, two]).register("title").value).toBe("two");
  expect(holding([two, one]).register("title").value).toBe("two");
});

test("a write replaces what its author saw, even under a stamp from a clock that is years ahead", () => {
  const document = new Document(NAME);
  write(document, 1, 2 ** 52, "poisoned");
  write(document, 2, 5, "healed");
  expect(document.register("title").values).toEqual(["healed"]);
});

test("a loser is kept until somebody who saw it replaces it: x, y and a clear that saw only y leave x", () => {
  const x = write(new Document(NAME), 1, 10, "x");
  const source = new Document(NAME);
  const y = write(source, 2, 20, "y");
  const r = source.transact({ author: 3, stamp: 30 }, (draft) => draft.register("title").clear())!;
  const states = [
    [x, y, r],
    [y, x, r],
    [y, r, x],
  ].map((order) => {
    const document = holding(order);
    expect(document.toJSON()).toEqual({ title: "x" });
    return document.encodeState();
  });
  for (const state of states) expectBytes(state, states[0]!);
  const byStates = holding([x]);
  byStates.merge(source);
  expectBytes(byStates.encodeState(), states[0]!);
});

test("a cleared register is absent, and a concurrent write survives the clear", () => {
  const document = new Document(NAME);
  const first = write(document, 1, 10, "first");
  const other = holding([first]);
  const clear = document.transact({ author: 1, stamp: 20 }, (draft) => draft.register("title").clear())!;
  expect(document.toJSON()).toEqual({});
  expect(document.kinds()).toEqual({});
  write(other, 2, 5, "second");
  other.apply(clear);
  expect(other.toJSON()).toEqual({ title: "second" });
});

test("a state that has seen a write and not kept it removes it elsewhere; one that has not seen it does not", () => {
  const a = new Document(NAME);
  const first = write(a, 1, 10, "first");
  const b = holding([first]);
  write(a, 1, 20, "second");
  b.merge(a);
  expect(b.register("title").values).toEqual(["second"]);
  b.merge(holding([first]));
  expect(b.register("title").values).toEqual(["second"]);
});

test("values are copied in and frozen: nobody's object is part of the state", () => {
  const document = new Document(NAME);
  const mine = { list: [1] };
  document.transact({ author: 1, stamp: 1 }, (draft) => draft.register("title").set(mine));
  mine.list.push(2);
  expect(document.register("title").value).toEqual({ list: [1] });
  expect(Object.isFrozen(document.register("title").value)).toBe(true);
});

function write(document: Document, author: number, stamp: number, value: string): Change {
  return document.transact({ author, stamp }, (draft) => draft.register("title").set(value))!;
}

function holding(changes: readonly Change[]): Document {
  const document = new Document(NAME);
  for (const change of changes) document.apply(change);
  return unwrap(Document.decodeState(document.encodeState()));
}

test("what an op replaces of its own maker's it says by number: he is not among those that it names as observed", () => {
  const [ann, bob] = [new Replica(lwwRegister, 4), new Replica(lwwRegister, 5)];
  const X = [5, 1, 0x78];
  const op = (of: typeof ann, stamp: number): number[] => [
    ...of.edit(stamp, (title) => title.set("x"))[0]!.subarray(0, -4),
  ];
  // Version, kind, dot, stamp; whom it observed, and up to where; no path; the write, and what it replaces.
  expect(op(ann, 7)).toEqual([2, KINDS.register, 4, 1, 7, 0, 0, 1, ...X]);
  expect(op(ann, 8)).toEqual([2, KINDS.register, 4, 2, 8, 0, 0, 1, ...X, 0, 1]);
  unwrap(bob.merge(ann.state()));
  expect(op(bob, 9)).toEqual([2, KINDS.register, 5, 1, 9, 1, 4, 2, 0, 1, ...X, 1, 2]);
});
