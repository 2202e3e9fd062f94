/** Counters: exact far beyond 2^53, and resets that take away what they saw and nothing else. */
import {
  ByteWriter,
  type Change,
  CounterOverflow,
  createChange,
  Document,
  decodeChange,
  type Exact,
  KINDS,
  pnCounter,
} from "@syncline/core";
import { documentJson } from "@syncline/simulation";
import { expect, test } from "vitest";
import { expectBytes, NAME, unwrap, withChecksum } from "./world.js";

const STEP = 2 ** 31;

test("a step is an integer of magnitude up to 2^31, whoever makes it", () => {
  const document = new Document(NAME);
  for (const by of [0.5, STEP + 1, -STEP - 1, Number.NaN, Number.POSITIVE_INFINITY]) {
    const mutate = () =>
      document.transact({ author: 1, stamp: 1 }, (draft) => draft.counter("votes").increment(by));
    expect(mutate).toThrow(/field "votes": .* is not an integer of magnitude/);
  }
  expect(document.isEmpty()).toBe(true);
});

test("a reset and concurrent increments: only what was seen is taken away", () => {
  const a = new Document(NAME);
  const five = a.transact({ author: 1, stamp: 1 }, (draft) => draft.counter("votes").increment(5))!;
  const b = new Document(NAME);
  b.apply(five);
  const reset = a.transact({ author: 1, stamp: 2 }, (draft) => draft.counter("votes").reset())!;
  const one = b.transact({ author: 2, stamp: 2 }, (draft) => draft.counter("votes").increment())!;
  // The author who is reset goes on: his total keeps counting from where it was.
  const two = a.transact({ author: 1, stamp: 3 }, (draft) => draft.counter("votes").increment(2))!;
  a.apply(one);
  b.apply(reset);
  b.apply(two);
  expect(a.counterField("votes").value).toBe(3);
  expectBytes(b.encodeState(), a.encodeState());
});

test("concurrent resets of the same steps take them away once", () => {
  const a = new Document(NAME);
  const five = a.transact({ author: 1, stamp: 1 }, (draft) => draft.counter("votes").increment(5))!;
  const b = new Document(NAME);
  b.apply(five);
  const one = a.transact({ author: 2, stamp: 2 }, (draft) => draft.counter("votes").reset())!;
  const two = b.transact({ author: 3, stamp: 2 }, (draft) => draft.counter("votes").reset())!;
  a.apply(two);
  b.apply(one);
  expect(a.counterField("votes").value).toBe(0);
  expectBytes(b.encodeState(), a.encodeState());
});

test("nothing to reset, no op; a step of nothing is an op", () => {
  const document = new Document(NAME);
  const by = { author: 1, stamp: 1 };
  expect(document.transact(by, (draft) => draft.counter("votes").reset())).toBeUndefined();
  expect(document.transact(by, (draft) => draft.counter("votes").increment(0))).toBeDefined();
  expect(document.toJSON()).toEqual({ votes: 0 });
  expect(document.transact(by, (draft) => draft.counter("votes").reset())).toBeDefined();
  expect(document.transact(by, (draft) => draft.counter("votes").reset())).toBeUndefined();
});

test("sums are exact beyond 2^53, in any order, and a read there is a typed error", () => {
  const ops = Array.from({ length: 10_000 }, (_, i) => ({
    path: 0,
    op: { act: "step", by: i % 3 } as const,
  }));
  const paths = [[{ name: "votes", kind: KINDS.counter }]];
  const small = createChange({ document: NAME, author: 9, first: 1, stamp: 1, observed: [], paths, ops });
  const sum = ops.reduce((total, { op }) => total + op.by, 0);

  // A double would lose every one of the small steps, or none, depending on what it adds first.
  const one = heldBy(1, { high: 2 ** 28, low: 1 });
  one.apply(small);
  expect(() => one.counterField("votes").value).toThrow(CounterOverflow);
  expect(() => one.toJSON()).toThrow(CounterOverflow);
  const two = heldBy(2, { high: -(2 ** 28), low: 0 });
  expect(() => two.counterField("votes").value).toThrow(CounterOverflow);
  const three = heldBy(2, { high: -(2 ** 28), low: 0 });
  three.merge(heldBy(1, { high: 2 ** 28, low: 1 }));
  three.apply(small);
  two.merge(one);
  expect(two.toJSON()).toEqual({ votes: sum + 1 });
  expect(three.toJSON()).toEqual({ votes: sum + 1 });
  expectBytes(three.encodeState(), two.encodeState());

  const reset = one.transact({ author: 3, stamp: 5 }, (draft) => {
    draft.counter("votes").reset();
    draft.counter("votes").increment(4);
  })!;
  expect(one.toJSON()).toEqual({ votes: 4 });
  two.apply(unwrap(decodeChange(reset.bytes)));
  expect(() => two.toJSON()).toThrow(CounterOverflow);
  two.transact({ author: 4, stamp: 6 }, (draft) => draft.counter("votes").reset());
  expect(two.toJSON()).toEqual({ votes: 0 });
});

test("reads reach exactly to 2^53 - 1 on both sides, and the specification's with them", () => {
  for (const [total, beyond] of [
    [{ high: 2 ** 21 - 1, low: 2 ** 32 - 1 }, 1],
    [{ high: -(2 ** 21), low: 1 }, -1],
  ] as const) {
    const document = heldBy(1, total);
    expect(document.counterField("votes").value).toBe(beyond * Number.MAX_SAFE_INTEGER);
    const change = document.transact({ author: 2, stamp: 1 }, (draft) =>
      draft.counter("votes").increment(beyond),
    )!;
    expect(() => document.counterField("votes").value).toThrow(CounterOverflow);
    expect(documentJson([change])).toEqual({ votes: beyond });
    document.transact({ author: 2, stamp: 1 }, (draft) => draft.counter("votes").decrement(beyond));
    expect(document.counterField("votes").value).toBe(beyond * Number.MAX_SAFE_INTEGER);
  }
});

test("carries between the two words go both ways", () => {
  const state = pnCounter.empty();
  let counter = 0;
  let expected = 0n;
  for (const by of [STEP, STEP, -1, 1, -STEP, -STEP, -1, -STEP, -STEP, 1, STEP, STEP, STEP, 5]) {
    pnCounter.apply(state, { act: "step", by }, { author: 1, counter: ++counter }, 0);
    expected += BigInt(by);
    expect(BigInt(pnCounter.value(state))).toBe(expected);
  }
});

test("resets that lie about a total leave replicas equal all the same", () => {
  const base = new Document(NAME);
  const five = base.transact({ author: 1, stamp: 1 }, (draft) => draft.counter("votes").increment(5))!;
  const lie = (author: number, total: Exact): Change =>
    createChange({
      document: NAME,
      author,
      first: 1,
      stamp: 1,
      observed: [],
      paths: [[{ name: "votes", kind: KINDS.counter }]],
      ops: [{ path: 0, op: { act: "reset", floors: [{ author: 1, seq: 1, total }] } }],
    });
  for (const [x, y] of [
    [
      { high: 0, low: 7 },
      { high: 0, low: 1 },
    ],
    [
      { high: 0, low: STEP },
      { high: -1, low: STEP },
    ],
  ] as const) {
    const [a, b] = [lie(2, x), lie(3, y)];
    const one = new Document(NAME);
    const two = new Document(NAME);
    for (const change of [five, a, b]) one.apply(unwrap(decodeChange(change.bytes)));
    for (const change of [five, b, a]) two.apply(unwrap(decodeChange(change.bytes)));
    expectBytes(two.encodeState(), one.encodeState());
  }
  // A total that so few steps cannot have is refused.
  expect(decodeChange(lie(2, { high: 0, low: STEP + 1 }).bytes).ok).toBe(false);
});

/** A document in which an author has made 2^30 steps that sum up to `total`: too many to make here. */
function heldBy(author: number, total: Exact): Document {
  const cell = new ByteWriter();
  for (const n of [1, 0, 2 ** 30]) cell.uint(n);
  cell.int(total.high);
  cell.uint(total.low);
  cell.uint(0);
  const out = new ByteWriter();
  const one = (write: () => void): void => {
    out.uint(2); // A column of one number.
    write();
  };
  out.byte(2);
  out.text(NAME.collection);
  out.text(NAME.key);
  for (const n of [1, author]) out.uint(n); // Seen: one author.
  one(() => out.uint(2 ** 30));
  out.uint(1); // Heads: that author.
  one(() => out.int(0));
  out.uint(1);
  one(() => out.uint("votes".length));
  out.textOnly("votes");
  for (const n of [0, 1, 1]) one(() => out.int(n)); // First used by op 1 of that author, at stamp 1.
  one(() => out.uint(KINDS.counter));
  const rows = new ByteWriter();
  rows.byte(0);
  rows.bytes(cell.finish());
  out.bytes(rows.finish());
  out.uint(0);
  return unwrap(Document.decodeState(withChecksum(out.finish())));
}

test("a reset that takes away steps which its author never made leaves a state that can be read", () => {
  const document = new Document(NAME);
  document.transact({ author: 1, stamp: 1 }, (draft) => draft.register("title").set("x"));
  const lie = createChange({
    document: NAME,
    author: 2,
    first: 1,
    stamp: 1,
    observed: [{ author: 1, counter: 1 }],
    paths: [[{ name: "votes", kind: KINDS.counter }]],
    ops: [{ path: 0, op: { act: "reset", floors: [{ author: 1, seq: 1, total: { high: 0, low: 3 } }] } }],
  });
  document.apply(unwrap(decodeChange(lie.bytes)));
  const loaded = unwrap(Document.decodeState(document.encodeState()));
  expect(loaded.toJSON()).toEqual(document.toJSON());
  expectBytes(loaded.encodeState(), document.encodeState());
});
