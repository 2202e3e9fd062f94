/** Sets: adding wins, removing takes away what was seen, and nothing is left of what is gone. */
import { type Change, Document, type Draft, orSet } from "@syncline/core";
import { expect, test } from "vitest";
import { expectBytes, NAME } from "./world.js";

test("a concurrent add wins over a removal", () => {
  const { a, b } = both((draft) => draft.set("tags").add("x"));
  const remove = transact(a, 1, (draft) => draft.set("tags").remove("x"));
  const add = transact(b, 2, (draft) => draft.set("tags").add("x"));
  a.apply(add);
  b.apply(remove);
  expect(a.set("tags").values).toEqual(["x"]);
  expectBytes(b.encodeState(), a.encodeState());
});

test("a concurrent add wins over a clear, and only that element", () => {
  const { a, b } = both((draft) => {
    draft.set("tags").add("x");
    draft.set("tags").add("y");
  });
  const clear = transact(a, 1, (draft) => draft.set("tags").clear());
  const add = transact(b, 2, (draft) => draft.set("tags").add("y"));
  a.apply(add);
  b.apply(clear);
  expect(a.toJSON()).toEqual({ tags: ["y"] });
  expectBytes(b.encodeState(), a.encodeState());
});

test("adding again takes a fresh dot: a concurrent removal does not take the new add with it", () => {
  const { a, b } = both((draft) => draft.set("tags").add("x"));
  const again = transact(a, 1, (draft) => draft.set("tags").add("x"));
  const remove = transact(b, 2, (draft) => draft.set("tags").remove("x"));
  a.apply(remove);
  b.apply(again);
  expect(a.set("tags").has("x")).toBe(true);
  expectBytes(b.encodeState(), a.encodeState());
});

test("each side removed the other's dot: the element is gone on both", () => {
  const a = new Document(NAME);
  const b = new Document(NAME);
  const one = transact(a, 1, (draft) => draft.set("tags").add("x"));
  const two = transact(b, 2, (draft) => draft.set("tags").add("x"));
  a.apply(two);
  b.apply(one);
  transact(a, 1, (draft) => draft.set("tags").remove("x"));
  transact(b, 2, (draft) => draft.set("tags").remove("x"));
  a.merge(b);
  expect(a.toJSON()).toEqual({ tags: [] });
});

test("what comes and goes leaves nothing behind but its author's counter", () => {
  const document = new Document(NAME);
  transact(document, 1, (draft) => draft.set("tags").add("x"));
  transact(document, 1, (draft) => draft.set("tags").remove("x"));
  // Counters from 64 on take two bytes.
  for (let i = 0; i < 64; i++) transact(document, 1, (draft) => draft.set("tags").add("y"));
  transact(document, 1, (draft) => draft.set("tags").remove("y"));
  const bytes = document.encodeState().length;
  for (let i = 0; i < 30; i++) {
    transact(document, 1, (draft) => draft.set("tags").add(`element ${i}`));
    transact(document, 1, (draft) => draft.set("tags").remove(`element ${i}`));
  }
  expect(document.encodeState().length).toBe(bytes);
  transact(document, 1, (draft) => draft.set("tags").add("x"));
  const withX = document.encodeState().length;
  for (let i = 0; i < 30; i++) transact(document, 1, (draft) => draft.set("tags").add("x"));
  expect(document.encodeState().length).toBe(withX);
});

test("elements are values: equal ones are one, whatever the order of their keys", () => {
  const document = new Document(NAME);
  transact(document, 1, (draft) => {
    const tags = draft.set("tags");
    for (const value of [1, 1.0, -0, 0, "1", [1], { a: 1, b: 2 }, { b: 2, a: 1 }, Uint8Array.of(1)])
      tags.add(value);
    expect(tags.size).toBe(6);
  });
  expect(document.set("tags").values).toEqual([0, 1, "1", Uint8Array.of(1), [1], { a: 1, b: 2 }]);
  expect(document.set("tags").has({ b: 2, a: 1 })).toBe(true);
});

test("nothing to remove, no op", () => {
  const state = orSet.empty();
  expect(orSet.remove(state, "x")).toBeUndefined();
  expect(orSet.clear(state)).toBeUndefined();
});

function both(mutate: (draft: Draft) => void): { a: Document; b: Document } {
  const a = new Document(NAME);
  const b = new Document(NAME);
  b.apply(transact(a, 1, mutate));
  return { a, b };
}

function transact(document: Document, author: number, mutate: (draft: Draft) => void): Change {
  return document.transact({ author, stamp: 1 }, mutate)!;
}

test("what is added to a set of any size is there at once, and what is removed is not, whatever was asked before", () => {
  for (let part = 0; part < 2; part++) {
    const document = new Document(NAME);
    const tags = document.set("tags");
    for (let i = 0; i < 200; i++) {
      const name = `element ${i}`;
      expect(tags.has(name)).toBe(false);
      document.transact({ author: 1 + (i % 3), stamp: 1 }, (draft) => draft.set("tags").add(name));
      expect([tags.has(name), tags.size]).toEqual([true, i + 1]);
    }
    for (let i = 199; i >= 0; i--) {
      const name = `element ${i}`;
      document.transact({ author: 1, stamp: 1 }, (draft) => draft.set("tags").remove(name));
      expect([tags.has(name), tags.size]).toEqual([false, i]);
      document.transact({ author: 2, stamp: 1 }, (draft) => draft.set("tags").add(name));
      document.transact({ author: 2, stamp: 1 }, (draft) => draft.set("tags").remove(name));
      expect([tags.has(name), tags.size]).toEqual([false, i]);
    }
    expect(tags.values).toEqual([]);
  }
});
