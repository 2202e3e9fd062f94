/**
 * Documents under random histories: changes delivered in any causal order, duplicated and too early, mixed with
 * states that are merged, encoded and decoded on the way.
 */
import { Document, KINDS, type KindName, type Op, typeOf } from "@syncline/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CASES } from "./cases.js";
import { expectBytes, NAME, removals, steps, unwrap, World } from "./world.js";

test("every replica shows, after every step, what the specifications and its users' sight demand", {
  timeout: 240_000,
}, () => {
  const tally = new Map<string, number>();
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), steps, (size, history) => {
      const world = new World(size, tally);
      for (const step of history) world.step(step);
      world.settle();
    }),
    { numRuns: 400 },
  );
  fc.assert(
    fc.property(removals, (history) => {
      // Two only, so that they meet often.
      const world = new World(2, tally);
      for (const step of history) world.step(step);
      world.settle();
    }),
    { numRuns: 400 },
  );
  // A generator that never reaches something proves nothing about it.
  const ops = CASES.flatMap((each) => each.ops);
  const reached = "opaque siblings merge state clone apply duplicate early".split(" ");
  for (const what of [...ops, ...reached, "choice of order", "transaction", "empty transaction"]) {
    expect(tally.get(what) ?? 0, what).toBeGreaterThan(5);
  }
});

/** Every act of every op there is: the compiler refuses a new one that is not here. */
const ACTS: Record<Op["act"], KindName | "text"> = {
  ...{ set: "register", clear: "register", step: "counter", reset: "counter", grow: "grow-counter" },
  ...{ add: "set", remove: "set", removeAll: "set", include: "remove-set", exclude: "remove-set" },
  ...{ forget: "remove-set", gather: "grow-set", enable: "flag", disable: "flag", allow: "disable-flag" },
  ...{ forbid: "disable-flag", withdraw: "disable-flag", create: "map", vanish: "map", insert: "list" },
  ...{ move: "list", delete: "list", empty: "list", text: "text" },
  ...{ drop: "remove-map", accept: "remove-map", settle: "remove-map", hide: "keep-map", show: "keep-map" },
} as const;

test("what the generators must reach is every op of every type, but those of text, which has its own histories", () => {
  const reached = new Set<string>(CASES.flatMap((each) => each.ops));
  const wanted = Object.entries(ACTS).filter(([, kind]) => kind !== "text");
  expect([...reached].sort()).toEqual(wanted.map(([act]) => act).sort());
  const known = Object.values(KINDS).filter((tag) => typeOf(tag) !== undefined && tag !== KINDS.text);
  expect(CASES.map((each) => KINDS[each.kind]).sort()).toEqual(known.sort());
});

test("merging states is commutative, associative and idempotent, and does nothing to what is merged in", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const world = new World(3);
      for (const step of history) world.step(step);
      const [a, b, c] = world.documents.map((document) => document.encodeState());
      if (a === undefined || b === undefined || c === undefined) throw new Error("three documents");
      expectBytes(merged(a, b), merged(b, a));
      expectBytes(merged(merged(a, b), c), merged(a, merged(b, c)));
      expectBytes(merged(a, a), a);
      expectBytes(merged(a, new Document(NAME).encodeState()), a);
      expectBytes(merged(new Document(NAME).encodeState(), a), a);
      expectBytes(merged(merged(a, b), a), merged(a, b));
    }),
    { numRuns: 100 },
  );
});

function merged(a: Uint8Array, b: Uint8Array): Uint8Array {
  const document = unwrap(Document.decodeState(a));
  document.merge(unwrap(Document.decodeState(b)));
  return document.encodeState();
}
