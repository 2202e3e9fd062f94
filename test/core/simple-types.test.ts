/** Stories of the types that are a few lines each: who wins, what is kept, and how a register's writes become one value. */
import {
  type Change,
  Document,
  dwFlag,
  ewFlag,
  gCounter,
  gSet,
  InvalidValue,
  Replica,
  rwSet,
  type Value,
} from "@syncline/core";
import { expect, test } from "vitest";
import { expectBytes, NAME, unwrap } from "./world.js";

test("enabling and disabling at the same time: the one flag is on, the other is off", () => {
  const [a, b] = both((draft) => {
    draft.at("open", ewFlag).enable();
    draft.at("paid", dwFlag).enable();
  });
  const on = transact(a, 1, (draft) => {
    draft.at("open", ewFlag).enable();
    draft.at("paid", dwFlag).enable();
  });
  const off = transact(b, 2, (draft) => {
    draft.at("open", ewFlag).disable();
    draft.at("paid", dwFlag).disable();
  });
  exchange(a, on, b, off);
  expect(a.toJSON()).toEqual({ open: true, paid: false });
  // Who has seen both decides anew.
  transact(a, 1, (draft) => draft.at("paid", dwFlag).enable());
  expect(a.at("paid", dwFlag).value).toBe(true);
});

test("a flag that nobody has touched is off, and disabling it is no op", () => {
  const document = new Document(NAME);
  expect(document.at("open", ewFlag).value).toBe(false);
  expect(document.at("paid", dwFlag).value).toBe(false);
  const nothing = document.transact({ author: 1, stamp: 1 }, (draft) => {
    draft.at("open", ewFlag).disable();
    draft.at("paid", dwFlag).disable();
  });
  expect(nothing).toBeUndefined();
});

test("a removal wins over a concurrent add, until somebody who knows of it adds again", () => {
  const [a, b] = both((draft) => draft.at("guests", rwSet).add("ann"));
  const remove = transact(a, 1, (draft) => draft.at("guests", rwSet).remove("ann"));
  const add = transact(b, 2, (draft) => draft.at("guests", rwSet).add("ann"));
  exchange(a, remove, b, add);
  expect(a.at("guests", rwSet).has("ann")).toBe(false);
  expect(a.at("guests", rwSet).size).toBe(0);
  transact(b, 2, (draft) => draft.at("guests", rwSet).add("ann"));
  expect(b.at("guests", rwSet).values).toEqual(["ann"]);
});

test("emptying a set in which removing wins removes each element for itself", () => {
  const [a, b] = both((draft) => {
    for (const guest of ["ann", "bob"]) draft.at("guests", rwSet).add(guest);
  });
  const clear = transact(a, 1, (draft) => draft.at("guests", rwSet).clear());
  const add = transact(b, 2, (draft) => {
    for (const guest of ["ann", "eve"]) draft.at("guests", rwSet).add(guest);
  });
  exchange(a, clear, b, add);
  expect(clear.ops.length).toBe(2);
  expect(a.toJSON()).toEqual({ guests: ["eve"] });
});

test("what only grows refuses to shrink, and adding what is there is no op", () => {
  const document = new Document(NAME);
  transact(document, 1, (draft) => {
    draft.at("visits", gCounter).increment(2);
    draft.at("seen", gSet).add({ a: 1 });
    for (const by of [0, -1, 0.5, 2 ** 31 + 1, Number.NaN]) {
      expect(() => draft.at("visits", gCounter).increment(by)).toThrow(InvalidValue);
    }
  });
  expect(
    document.transact({ author: 1, stamp: 2 }, (draft) => draft.at("seen", gSet).add({ a: 1 })),
  ).toBeUndefined();
  expect(document.toJSON()).toEqual({ seen: [{ a: 1 }], visits: 2 });
});

test("concurrent writes of a register become one value by a function of the reader's, the same for everybody", () => {
  const [a, b] = both((draft) => draft.register("limit").set(1));
  const five = transact(a, 1, (draft) => draft.register("limit").set(5));
  const nine = transact(b, 2, (draft) => draft.register("limit").set(9));
  exchange(a, five, b, nine);
  const least = (x: Value, y: Value): Value => Math.min(Number(x), Number(y));
  for (const document of [a, b]) expect(document.register("limit").merged(least)).toBe(5);
  expect(a.register("limit").value).toBe(9);
  expect(a.register("none").merged(least)).toBeUndefined();
});

test("a type alone: what an edit that throws has done is undone, and its author's counters go on", () => {
  const replica = new Replica(rwSet, 1);
  const before = replica.state();
  expect(() =>
    replica.edit(1, (guests) => {
      guests.add("ann");
      throw new Error("changed my mind");
    }),
  ).toThrow("changed my mind");
  expectBytes(replica.state(), before);
  const other = new Replica(rwSet, 2);
  for (const op of replica.edit(2, (guests) => guests.add("bob")))
    expect(unwrap(other.apply(op))).toBe("applied");
  expect(other.view.values).toEqual(["bob"]);
});

type Mutate = Parameters<Document["prepare"]>[1];

function both(mutate: Mutate): [a: Document, b: Document] {
  const [a, b] = [new Document(NAME), new Document(NAME)];
  b.apply(transact(a, 1, mutate));
  return [a, b];
}

function exchange(a: Document, ofA: Change, b: Document, ofB: Change): void {
  a.apply(ofB);
  b.apply(ofA);
  expectBytes(a.encodeState(), b.encodeState());
}

function transact(document: Document, author: number, mutate: Mutate): Change {
  return document.transact({ author, stamp: 1 }, mutate)!;
}
