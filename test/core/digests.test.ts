/** Digests: equal for equal contents, different for different ones, whatever the way that led there. */
import { Document, digestOf, ewFlag, list, lwwRegister, orMap, pnCounter, type Value } from "@syncline/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { draws, often } from "./share.js";
import { expectEqual, NAME, steps, unwrap, World } from "./world.js";

test("after every step a digest is that of a fresh document with the same state", () => {
  let asked = 0;
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 3 }), steps, (size, history) => {
      const world = new World(size);
      for (const step of history) {
        world.step(step);
        for (const document of world.documents) {
          // A document that was asked before, beside one that never was.
          expectEqual(digestOf(document), digestOf(unwrap(Document.decodeState(document.encodeState()))));
          asked++;
        }
      }
      world.settle();
      expectEqual(new Set(world.documents.map(digestOf)).size, 1);
    }),
    { numRuns: draws(60) },
  );
  expect(asked).toBeGreaterThan(often(200));
});

test("documents have the same digest if they show the same, and only then", () => {
  const shown = new Map<bigint, string>();
  const digests = new Map<string, bigint>();
  fc.assert(
    fc.property(steps, (history) => {
      const world = new World(2);
      for (const step of history) {
        world.step(step);
        for (const document of world.documents) {
          const digest = digestOf(document);
          const text = canonical({ json: document.toJSON(), kinds: document.kinds() });
          expectEqual(shown.get(digest) ?? text, text);
          expectEqual(digests.get(text) ?? digest, digest);
          shown.set(digest, text);
          digests.set(text, digest);
        }
      }
    }),
    { numRuns: draws(100) },
  );
  expect(shown.size).toBeGreaterThan(often(40));
});

test("what has come and gone leaves nothing in it", () => {
  const document = new Document(NAME);
  const empty = digestOf(document);
  write(document, (draft) => {
    const card = draft.at("cards", orMap).at("c1", orMap);
    card.create();
    card.at("votes", pnCounter).increment();
    card.at("on", ewFlag).enable();
  });
  expect(digestOf(document)).not.toBe(empty);
  write(document, (draft) => draft.at("cards", orMap).delete("c1"));
  expect(digestOf(document)).toBe(empty);
});

test("an empty map that is there, one that is not, and one with something in it are three things", () => {
  const document = new Document(NAME);
  const digests = [digestOf(document)];
  write(document, (draft) => draft.at("cards", orMap).at("c1", orMap).create());
  digests.push(digestOf(document));
  write(document, (draft) => draft.at("cards", orMap).at("c1", orMap).at("on", ewFlag).enable());
  digests.push(digestOf(document));
  expect(new Set(digests).size).toBe(3);
  const other = new Document(NAME);
  write(other, (draft) => draft.at("cards", orMap).at("c1", orMap).at("on", ewFlag).enable());
  expect(digestOf(other)).toBe(digests[2]);
});

test("values that look alike are told apart, in order and in place", () => {
  const values: Value[] = [
    ...[null, false, true, 0, 1, "", "0", "1", "null", 0.5, -1, 2 ** 53 - 1, 2 ** 31, -(2 ** 31)],
    ...[new Uint8Array(0), new Uint8Array([0]), [], {}, [[]], [null], { a: null }, { a: [] }, ["a", "b"]],
    ...[["b", "a"], ["ab"], { a: 1, b: 2 }, { a: 2, b: 1 }, { ab: 1 }, [[1], 2], [1, [2]], [1, 2]],
  ];
  const digests = values.map((value) => {
    const document = new Document(NAME);
    write(document, (draft) => draft.register("x").set(value));
    return digestOf(document);
  });
  expect(new Set(digests).size).toBe(values.length);
});

test("it is the same number for ever", () => {
  const document = new Document(NAME);
  write(document, (draft) => {
    draft.register("title").set({ b: [1, "ü"], a: new Uint8Array([1, 2]) });
    draft.counter("votes").increment(7);
    draft.set("tags").add("p1");
    draft.at("items", list).push(1, null, "x");
    draft.at("cards", orMap).at("c1", orMap).create();
    draft.at("cards", orMap).at("c2", lwwRegister).set(-0.5);
  });
  expect(digestOf(document).toString(16)).toBe("1b9b57b01ba37d09");
});

test("in the middle of a transaction there is none", () => {
  const document = new Document(NAME);
  expect(() => write(document, () => void digestOf(document))).toThrow(/middle of a transaction/);
});

test("a transaction that throws leaves it as it was", () => {
  const document = new Document(NAME);
  write(document, (draft) => draft.register("x").set(1));
  const before = digestOf(document);
  expect(() =>
    write(document, (draft) => {
      draft.register("x").set(2);
      draft.counter("y").increment();
      throw new Error("changed my mind");
    }),
  ).toThrow("changed my mind");
  expect(digestOf(document)).toBe(before);
});

function write(document: Document, mutate: Parameters<Document["prepare"]>[1]): void {
  document.transact({ author: 1, stamp: 1 }, mutate);
}

/** Text that is equal for equal contents. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
