/**
 * What has gone wrong in other libraries of this kind, each named by its cause: none of it goes wrong here.
 */
import {
  type Change,
  createChange,
  Document,
  type Draft,
  decodeChange,
  HybridClock,
  InvalidValue,
  list,
  lwwRegister,
  type MapDraft,
  orMap,
  orSet,
  pnCounter,
  Replica,
  rwMap,
} from "@syncline/core";
import { expect, test } from "vitest";
import { expectBytes, NAME, unwrap } from "./world.js";

test("an element that both sides have, and of which each has removed the other's add, is gone", () => {
  const [a, b] = pair();
  exchange(
    a,
    write(a, 1, (draft) => draft.set("s").add("x")),
    b,
    write(b, 2, (draft) => draft.set("s").add("x")),
  );
  // Each now removes what it sees, and adds nothing; then both have removed both adds.
  exchange(
    a,
    write(a, 1, (draft) => draft.set("s").remove("x")),
    b,
    write(b, 2, (draft) => draft.set("s").remove("x")),
  );
  expect(a.toJSON()).toEqual({ s: [] });
  const joined = new Document(NAME);
  joined.merge(b);
  joined.merge(a);
  expectBytes(joined.encodeState(), a.encodeState());
});

test("a state whose clock dominates is not simply taken: what it removed goes, what it lacks stays gone", () => {
  const [a, b] = pair();
  const add = write(a, 1, (draft) => {
    draft.set("s").add("x");
    draft.set("s").add("y");
  });
  b.apply(add);
  const before = unwrap(Document.decodeState(a.encodeState()));
  write(b, 2, (draft) => draft.set("s").remove("x"));
  before.merge(b);
  expect(before.toJSON()).toEqual({ s: ["y"] });
  // And the other way round: an older state brings nothing back.
  b.merge(a);
  expect(b.toJSON()).toEqual({ s: ["y"] });
});

test("fields of one transaction have dots of their own: removing one leaves the others", () => {
  const [a] = pair();
  write(a, 1, (draft) => {
    for (const element of ["x", "y", "z"]) draft.set("s").add(element);
    draft.register("r").set(1);
  });
  write(a, 1, (draft) => draft.set("s").remove("y"));
  expect(a.toJSON()).toEqual({ r: 1, s: ["x", "z"] });
});

test("a removal inside of a child that is removed itself is not lost", () => {
  const [a, b] = pair();
  b.apply(write(a, 1, (draft) => draft.at("m", orMap).at("k", orMap).at("s", orSet).add("x")));
  const inner = write(a, 1, (draft) => draft.at("m", orMap).at("k", orMap).at("s", orSet).remove("x"));
  const outer = write(b, 2, (draft) => draft.at("m", orMap).delete("k"));
  exchange(a, inner, b, outer);
  expect(a.toJSON()).toEqual({});
});

test("equal states have equal bytes, whatever the order in which they came to be", () => {
  const [a, b] = pair();
  const ofA = write(a, 1, (draft) => addAll(draft, "x", "y"));
  const ofB = write(b, 2, (draft) => addAll(draft, "y", "z"));
  exchange(a, ofA, b, ofB);
});

test("what was seen is known op by op author by author: no gap is swallowed, and a removal always has its effect", () => {
  const one = new Replica(orSet, 1);
  const two = new Replica(orSet, 2);
  const ops = one.edit(1, (set) => {
    for (const each of ["a", "b", "c"]) set.add(each);
  });
  // The last one first: it is early, and nothing is taken to be seen by it.
  expect(unwrap(two.apply(ops[2]!))).toBe("early");
  for (const op of ops) expect(unwrap(two.apply(op))).toBe("applied");
  const remove = two.edit(1, (set) => set.remove("b"))[0]!;
  unwrap(one.apply(remove));
  expect(one.value).toEqual(["a", "c"]);
  expectBytes(one.state(), two.state());
});

test("adding again after removing commutes with everything concurrent", () => {
  const [a, b] = pair();
  b.apply(write(a, 1, (draft) => draft.set("s").add("x")));
  const again = [
    write(a, 1, (draft) => draft.set("s").remove("x")),
    write(a, 1, (draft) => draft.set("s").add("x")),
  ];
  const remove = write(b, 2, (draft) => draft.set("s").remove("x"));
  for (const change of again) b.apply(change);
  a.apply(remove);
  expect(a.toJSON()).toEqual({ s: ["x"] });
  expectBytes(a.encodeState(), b.encodeState());
});

test.each([
  ["clocks that run", 1],
  ["clocks that all stand at nothing", 0],
])("a key that is removed and used again commutes with everything concurrent: %s", (_what, tick) => {
  for (const addingWins of [true, false]) {
    const [a, b] = pair();
    const map = (draft: Draft): MapDraft => (addingWins ? draft.at("m", orMap) : draft.at("m", rwMap));
    const put = (document: Document, author: number, value: string, stamp: number): Change =>
      write(document, author, (draft) => map(draft).at("k", lwwRegister).set(value), stamp);
    b.apply(put(a, 1, "old", 0));
    const again = [write(a, 1, (draft) => map(draft).delete("k"), tick), put(a, 1, "new", 2 * tick)];
    const edit = put(b, 2, "meanwhile", tick);
    for (const change of again) b.apply(change);
    a.apply(edit);
    expectBytes(a.encodeState(), b.encodeState());
    // Used again by who has removed it: what the other one did without knowing of it is beside it, or lost to the removal.
    const isBeside = addingWins && tick === 0;
    expect(a.toJSON()).toEqual({ m: { k: isBeside ? "meanwhile" : "new" } });
  }
});

test("a tie is decided by the writers' identities, not by who receives", () => {
  const [a, b] = pair();
  const ofA = write(a, 1, (draft) => draft.register("r").set("a"), 7);
  const ofB = write(b, 2, (draft) => draft.register("r").set("b"), 7);
  exchange(a, ofA, b, ofB);
  expect(a.toJSON()).toEqual({ r: "b" });
});

test("stamps that are all zero converge, and do not swap", () => {
  const [a, b] = pair();
  const ofA = write(a, 1, (draft) => draft.register("r").set("a"), 0);
  const ofB = write(b, 2, (draft) => draft.register("r").set("b"), 0);
  exchange(a, ofA, b, ofB);
  const shown = a.toJSON();
  a.merge(b);
  b.merge(a);
  expect([a.toJSON(), b.toJSON()]).toEqual([shown, shown]);
});

test("a counter takes no fractions, so no order of adding makes a difference", () => {
  const [a] = pair();
  for (const by of [0.1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31 + 1]) {
    expect(() => write(a, 1, (draft) => draft.counter("c").increment(by))).toThrow(InvalidValue);
  }
  const [b, c] = pair();
  const big = write(b, 1, (draft) => {
    for (let i = 0; i < 2_000; i++) draft.counter("c").increment(2 ** 31);
  });
  const small = write(c, 2, (draft) => draft.counter("c").increment(1));
  exchange(b, big, c, small);
  expect(b.toJSON()).toEqual({ c: 2_000 * 2 ** 31 + 1 });
});

test("how others' ops merge is in the ops: a field that two use with different kinds is two fields", () => {
  const [a, b] = pair();
  const ofA = write(a, 1, (draft) => draft.set("s").add("x"));
  const ofB = write(b, 2, (draft) => draft.at("s", list).push("x"), 2);
  exchange(a, ofA, b, ofB);
  expect(a.toJSON()).toEqual({ s: ["x"], "s@list": ["x"] });
});

test("a dot that is used twice is noticed and not applied", () => {
  const [a, b] = pair();
  const first = write(a, 1, (draft) => draft.set("s").add("x"));
  // The same author, restored from a backup or open in two tabs, begins again.
  const second = write(new Document(NAME), 1, (draft) => draft.set("s").add("y"));
  b.apply(first);
  const before = b.encodeState();
  expect(() => b.apply(second)).toThrow(/op 2 is the next/);
  expectBytes(b.encodeState(), before);
});

test("a transaction that only removes can be saved, whatever the order of the authors' numbers", () => {
  for (const [adder, remover] of [
    [1, 2],
    [2, 1],
  ] as const) {
    const [a, b] = pair();
    b.apply(write(a, adder, (draft) => draft.set("s").add("x")));
    const remove = write(b, remover, (draft) => draft.set("s").clear());
    a.apply(unwrap(decodeChange(remove.bytes)));
    expectBytes(unwrap(Document.decodeState(b.encodeState())).encodeState(), a.encodeState());
  }
});

test("an insert whose right neighbour has not come yet is not integrated, but early", () => {
  const [a, b] = pair();
  const first = write(a, 1, (draft) => draft.at("l", list).push("a", "b"));
  b.apply(first);
  const between = write(b, 2, (draft) => draft.at("l", list).insert(1, "x"));
  const late = new Document(NAME);
  expect(() => late.apply(between)).toThrow(/before op 2 of author 1/);
  late.apply(first);
  late.apply(between);
  expect(late.toJSON()).toEqual({ l: ["a", "x", "b"] });
});

test("an author that nobody has heard of counts as none of his ops seen", () => {
  const [a, b] = pair();
  const ofB = write(b, 99, (draft) => draft.counter("c").increment());
  expect(a.counter(99)).toBe(0);
  a.merge(b);
  expect([a.counter(99), a.toJSON()]).toEqual([1, { c: 1 }]);
  expect(() => a.apply(ofB)).toThrow(/is the next/);
});

test("a clock that is years ahead wins once, and nobody is dragged along", () => {
  const [a, b] = pair();
  b.apply(write(a, 1, (draft) => draft.register("r").set("from 2099"), 2 ** 52));
  const clock = new HybridClock(() => Date.UTC(2026, 0, 1));
  clock.observe(2 ** 52);
  const stamp = clock.next();
  expect(stamp).toBeLessThan(2 ** 52);
  write(b, 2, (draft) => draft.register("r").set("now"), stamp);
  expect(b.toJSON()).toEqual({ r: "now" });
});

test("a register that loses a write with its replacement keeps the concurrent loser, in every order", () => {
  // Writes x and y at the same time, y later; a removal that has seen y alone.
  const start = new Document(NAME);
  const x = write(start.clone(), 1, (draft) => draft.at("r", lwwRegister).set("x"), 1);
  const two = start.clone();
  const y = write(two, 2, (draft) => draft.at("r", lwwRegister).set("y"), 2);
  const gone = write(two, 2, (draft) => draft.at("r", lwwRegister).clear(), 3);
  for (const order of [
    [x, y, gone],
    [y, x, gone],
    [y, gone, x],
  ]) {
    const document = new Document(NAME);
    for (const change of order) document.apply(change);
    expect(document.toJSON()).toEqual({ r: "x" });
  }
});

test("increments beside the removal of their counter count, and nothing else comes back", () => {
  const [a, b] = pair();
  b.apply(write(a, 1, (draft) => draft.at("m", orMap).at("k", pnCounter).increment(5)));
  const remove = write(a, 1, (draft) => draft.at("m", orMap).delete("k"));
  const step = write(b, 2, (draft) => draft.at("m", orMap).at("k", pnCounter).increment());
  exchange(a, remove, b, step);
  expect(a.toJSON()).toEqual({ m: { k: 1 } });
});

test("an op cannot remove what its author had not observed", () => {
  const op = { act: "remove", element: "x", removes: [{ author: 1, counter: 9 }] } as const;
  const draft = { document: NAME, author: 2, first: 1, stamp: 1, observed: [] };
  const change = createChange({
    ...draft,
    paths: [[{ name: "s", kind: orSet.kind }]],
    ops: [{ path: 0, op }],
  });
  expect(change.observed).toEqual([{ author: 1, counter: 9 }]);
  expect(() => new Document(NAME).apply(change)).toThrow(/before op 9 of author 1/);
});

function pair(): [Document, Document] {
  return [new Document(NAME), new Document(NAME)];
}

function write(document: Document, author: number, mutate: (draft: Draft) => void, stamp = 1): Change {
  return document.transact({ author, stamp }, mutate)!;
}

function exchange(a: Document, ofA: Change, b: Document, ofB: Change): void {
  a.apply(ofB);
  b.apply(ofA);
  expectBytes(a.encodeState(), b.encodeState());
}

function addAll(draft: Draft, ...elements: string[]): void {
  for (const element of elements) draft.set("s").add(element);
}
