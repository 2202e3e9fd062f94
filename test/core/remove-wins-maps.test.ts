/** Stories of maps in which removing wins. What holds for all histories is in the law suite and in the histories. */
import {
  type Change,
  canWriteAgain,
  conflictsOf,
  Document,
  digestOf,
  dwFlag,
  ewFlag,
  gCounter,
  gSet,
  list,
  lwwRegister,
  type MapDraft,
  observe,
  orMap,
  orSet,
  pnCounter,
  purgeDocument,
  record,
  remainingIn,
  rwMap,
  rwSet,
  type SetDraft,
  textLog,
  UndoHistory,
  type Value,
  writeAgain,
} from "@syncline/core";
import { expect, test } from "vitest";
import { expectBytes, NAME, unwrap } from "./world.js";

test("what was lost to a removal does not come back when somebody uses the key again who has not seen it", () => {
  const [ann, bob, cleo] = [new Document(NAME), new Document(NAME), new Document(NAME)];
  const made = write(ann, 1, (cards) => cards.at("c1", orMap).at("title", lwwRegister).set("Milk"));
  for (const document of [bob, cleo]) document.apply(made);
  const removed = write(ann, 1, (cards) => cards.delete("c1"));
  const counted = write(bob, 2, (cards) => cards.at("c1", orMap).at("votes", pnCounter).increment());
  cleo.apply(removed);
  const again = write(cleo, 3, (cards) => cards.at("c1", orMap).at("title", lwwRegister).set("Bread"));
  bob.apply(removed);
  expect(bob.toJSON()).toEqual({});
  bob.apply(again);
  for (const document of [ann, cleo]) document.apply(counted);
  ann.apply(again);
  for (const document of [ann, bob, cleo]) {
    expect(document.toJSON()).toEqual({ cards: { c1: { title: "Bread" } } });
    expectBytes(document.encodeState(), ann.encodeState());
  }
});

test("what only grows goes with its key, and a whole state that has not seen the removal brings nothing back", () => {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  bob.apply(
    write(ann, 1, (cards) => {
      cards.at("c1", gCounter).increment(5);
      cards.at("c2", gCounter).increment(1);
    }),
  );
  write(ann, 1, (cards) => cards.delete("c1"));
  write(ann, 1, (cards) => cards.at("c1", gCounter).increment(2));
  write(bob, 2, (cards) => cards.at("c1", gCounter).increment(7));
  const [ofAnn, ofBob] = [ann.clone(), bob.clone()];
  ann.merge(ofBob);
  bob.merge(ofAnn);
  expect(ann.toJSON()).toEqual({ cards: { c1: 2, c2: 1 } });
  expectBytes(bob.encodeState(), ann.encodeState());
});

test("what a removal takes that its maker did not know of is told, and counts in the digest", () => {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  bob.apply(write(ann, 1, (cards) => cards.at("c1", lwwRegister).set("Milk")));
  write(bob, 2, (cards) => cards.at("c1", pnCounter).increment());
  digestOf(bob);
  const told: unknown[] = [];
  observe(bob, ({ changes }) => told.push(...changes.filter(({ kind }) => kind === "counter")));
  bob.apply(write(ann, 1, (cards) => cards.delete("c1")));
  const kinds = ["remove-map", "counter"];
  expect(told).toEqual([{ path: ["cards", "c1"], kind: "counter", kinds, before: 1, after: undefined }]);
  expect(digestOf(bob)).toBe(digestOf(unwrap(Document.decodeState(bob.encodeState()))));
});

test("undoing a removal brings back what its maker took away", () => {
  const document = new Document(NAME);
  write(document, 1, (cards) => cards.at("c1", orMap).at("title", lwwRegister).set("Milk"));
  const history = new UndoHistory(10);
  history.follow(document);
  write(document, 1, (cards) => cards.delete("c1"));
  expect(document.toJSON()).toEqual({});
  expect(history.undo((mutate) => document.transact({ author: 1, stamp: 2 }, mutate))).toBe(true);
  expect(document.toJSON()).toEqual({ cards: { c1: { title: "Milk" } } });
});

test("a key that comes and goes keeps one removal, and its maker says nothing more", () => {
  const document = new Document(NAME);
  const cycle = (): Change => {
    write(document, 1, (cards) => cards.at("c1", lwwRegister).set("x"));
    return write(document, 1, (cards) => cards.delete("c1"));
  };
  cycle();
  const size = document.encodeState().length;
  for (let i = 0; i < 20; i++) expect(cycle().ops.map(({ op }) => op.act)).toEqual(["clear", "drop"]);
  expect(document.encodeState().length).toBe(size);
  expect(document.transact({ author: 1, stamp: 1 }, (draft) => draft.at("cards", rwMap).delete("c1"))).toBe(
    undefined,
  );
});

test("what a removal outdoes is told with what was written, until somebody removes the key again or it is written anew", () => {
  const [ann, bob, cleo] = [new Document(NAME), new Document(NAME), new Document(NAME)];
  const made = write(ann, 1, (cards) => cards.at("c1", orMap).at("title", lwwRegister).set("Milk"));
  for (const document of [bob, cleo]) document.apply(made);
  const removed = write(ann, 1, (cards) => cards.delete("c1"));
  const first = write(bob, 2, (cards) => cards.at("c1", orMap).at("title", lwwRegister).set("Bread"));
  const second = write(bob, 2, (cards) => cards.at("c1", orMap).at("title", lwwRegister).set("Butter"));
  cleo.apply(first);
  cleo.apply(removed);
  cleo.apply(second);
  bob.apply(removed);
  ann.merge(bob);
  for (const document of [ann, bob, cleo]) {
    expect(document.toJSON()).toEqual({});
    expect(conflictsOf(document)).toMatchObject([
      {
        type: "update_delete",
        field: "cards/c1/title",
        winner: { dot: { author: 1, counter: 3 } },
        losers: [{ value: "Butter", dot: { author: 2, counter: 2 } }],
      },
    ]);
    expectBytes(document.encodeState(), ann.encodeState());
  }
  const again = ann.transact({ author: 1, stamp: 2 }, (draft) => writeAgain(draft, conflictsOf(ann)[0]!))!;
  for (const document of [bob, cleo]) document.apply(again);
  for (const document of [ann, bob, cleo]) {
    expect(document.toJSON()).toEqual({ cards: { c1: { title: "Butter" } } });
    expect(conflictsOf(document)).toEqual([]);
    expectBytes(document.encodeState(), ann.encodeState());
  }
});

test("who removes a key again lets go of what was outdone before, and a purge lets go of all of it", () => {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  const outdo = (): void => {
    bob.merge(ann);
    write(ann, 1, (cards) => cards.delete("c1"));
    write(bob, 2, (cards) => cards.at("c1", lwwRegister).set("Bread"));
    ann.merge(bob);
    expect(conflictsOf(ann)).toMatchObject([{ losers: [{ value: "Bread" }] }]);
  };
  write(ann, 1, (cards) => cards.at("c1", lwwRegister).set("Milk"));
  outdo();
  write(ann, 1, (cards) => cards.at("c1", lwwRegister).set("Cheese"));
  expect(conflictsOf(ann)).toHaveLength(1);
  const removed = write(ann, 1, (cards) => cards.delete("c1"));
  expect(removed.ops.map(({ op }) => op.act)).toEqual(["clear", "drop", "settle"]);
  expect(conflictsOf(ann)).toEqual([]);
  write(ann, 1, (cards) => cards.at("c1", lwwRegister).set("Cheese"));
  outdo();
  ann.transact({ author: 1, stamp: 3, asIs: true }, (draft) => draft.deleteDocument());
  expect(remainingIn(ann)).toEqual(["cards"]);
  ann.transact({ author: 1, stamp: 4 }, purgeDocument);
  expect(remainingIn(ann)).toEqual([]);
  expect(ann.encodeState().toString()).not.toContain([...new TextEncoder().encode("Bread")].join());
});

/** What Bob does under a key that Ann removes meanwhile, when both have heard of both. */
function outdoneBy(doing: (cards: MapDraft) => void): Document {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  bob.apply(
    write(ann, 1, (cards) => {
      cards.at("c1", orSet).add("seen");
      cards.at("c1", list).insert(0, "seen");
      cards.at("c1", pnCounter).increment(5);
      cards.at("c1", gCounter).increment(5);
      cards.at("c1", textLog).bring(Uint8Array.of(1));
    }),
  );
  const removed = write(ann, 1, (cards) => cards.delete("c1"));
  const done = write(bob, 2, doing);
  const before = conflictsOf(bob);
  bob.apply(removed);
  ann.apply(done);
  expect([before, ann.toJSON(), bob.toJSON()]).toEqual([[], {}, {}]);
  expectBytes(bob.encodeState(), ann.encodeState());
  expectBytes(unwrap(Document.decodeState(ann.encodeState())).encodeState(), ann.encodeState());
  expect(conflictsOf(bob)).toEqual(conflictsOf(ann));
  return ann;
}

test.each<[string, (cards: MapDraft) => void, Value, Value]>([
  ["an element of a set", (cards) => cards.at("c1", orSet).add("x"), "x", ["x"]],
  ["an element of a set in which removing wins", (cards) => cards.at("c1", rwSet).add("x"), "x", ["x"]],
  ["an enabling", (cards) => cards.at("c1", ewFlag).enable(), true, true],
  ["a vote for", (cards) => cards.at("c1", dwFlag).enable(), true, true],
  ["an element of a list", (cards) => cards.at("c1", list).insert(0, "x"), "x", ["x"]],
])(
  "%s that a removal outdoes is told with its value, and can be written again",
  (_what, doing, value, shown) => {
    const ann = outdoneBy(doing);
    const told = conflictsOf(ann);
    expect(told).toMatchObject([{ type: "update_delete", field: "cards/c1", losers: [{ value }] }]);
    expect(told.every(canWriteAgain)).toBe(true);
    ann.transact({ author: 1, stamp: 2 }, (draft) => writeAgain(draft, told[0]!));
    expect(ann.toJSON()).toEqual({ cards: { c1: shown } });
    expect(conflictsOf(ann)).toEqual([]);
  },
);

function twice(doing: (which: number) => void): void {
  for (const which of [1, 2]) doing(which);
}

test.each<[string, (cards: MapDraft) => void]>([
  ["steps of a counter", (cards) => twice((by) => cards.at("c1", pnCounter).increment(by))],
  ["steps of one that only grows", (cards) => twice((by) => cards.at("c1", gCounter).increment(by))],
  ["pieces of text", (cards) => twice((byte) => cards.at("c1", textLog).bring(Uint8Array.of(byte)))],
  ["a record that was created", (cards) => twice(() => cards.at("c1", record).create())],
])(
  "%s that a removal outdoes are told once for each author, without a value, until the key is removed again",
  (_what, doing) => {
    const ann = outdoneBy(doing);
    const told = conflictsOf(ann);
    expect(told).toMatchObject([
      { type: "update_delete", field: "cards/c1", losers: [{ dot: { author: 2, counter: 2 } }] },
    ]);
    expect(told[0]!.losers[0]).not.toHaveProperty("value");
    expect(told.some(canWriteAgain)).toBe(false);
    write(ann, 1, (cards) => cards.at("c1", lwwRegister).set("again"));
    expect(conflictsOf(ann)).toEqual(told);
    write(ann, 1, (cards) => cards.delete("c1"));
    expect(conflictsOf(ann)).toEqual([]);
  },
);

/** The document of somebody who has heard of these changes, in this order. */
function heard(changes: readonly Change[]): Document {
  const document = new Document(NAME);
  for (const change of changes) document.apply(change);
  return document;
}

test("an element of a set that only grows belongs to nobody, and is not told", () => {
  expect(conflictsOf(outdoneBy((cards) => cards.at("c1", gSet).add("x")))).toEqual([]);
});

test("who empties a set under a key that is there again empties what was outdone there, too, whichever way it is heard", () => {
  const [ann, bob, cleo] = [new Document(NAME), new Document(NAME), new Document(NAME)];
  const made = write(ann, 1, (cards) => cards.at("c1", orSet).add("seen"));
  for (const document of [bob, cleo]) document.apply(made);
  const first = write(ann, 1, (cards) => cards.delete("c1"));
  const second = write(cleo, 3, (cards) => cards.delete("c1"));
  const lost = write(bob, 2, (cards) => cards.at("c1", orSet).add("lost"));
  bob.apply(first);
  const again = write(bob, 2, (cards) => cards.at("c1", orSet).add("again"));
  const emptied = write(bob, 2, (cards) => cards.at("c1", orSet).clear());
  const orders = [
    [first, second, lost, again, emptied],
    [lost, first, again, emptied, second],
    [lost, first, again, second, emptied],
    [second, lost, first, again, emptied],
  ].map((changes) => heard([made, ...changes]));
  for (const document of orders) {
    expectBytes(document.encodeState(), orders[0]!.encodeState());
    expect(conflictsOf(document)).toEqual([]);
  }
});

test("what was outdone in a map inside of a removed key is outdone there, whichever removal is heard of first", () => {
  const inner = (cards: MapDraft): MapDraft => cards.at("board", rwMap);
  const deep = (cards: MapDraft) => inner(cards).at("c1", lwwRegister);
  const [ann, bob, cleo] = [new Document(NAME), new Document(NAME), new Document(NAME)];
  const made = write(ann, 1, (cards) => deep(cards).set("Milk"));
  for (const document of [bob, cleo]) document.apply(made);
  const outer = write(ann, 1, (cards) => cards.delete("board"));
  const within = write(bob, 2, (cards) => inner(cards).delete("c1"));
  const lost = write(cleo, 3, (cards) => deep(cards).set("Bread"));
  const orders = [
    [outer, within, lost],
    [within, lost, outer],
    [lost, outer, within],
    [lost, within, outer],
  ].map((changes) => heard([made, ...changes]));
  for (const document of orders) {
    expectBytes(document.encodeState(), orders[0]!.encodeState());
    expect(conflictsOf(document)).toMatchObject([{ field: "cards/board/c1", losers: [{ value: "Bread" }] }]);
    expectBytes(unwrap(Document.decodeState(document.encodeState())).encodeState(), document.encodeState());
  }
});

test("a removal that is made again lets go of what its maker had seen to be outdone, and of nothing else", () => {
  const [ann, bob, cleo] = [new Document(NAME), new Document(NAME), new Document(NAME)];
  const made = write(ann, 1, (cards) => cards.at("c1", lwwRegister).set("Milk"));
  for (const document of [bob, cleo]) document.apply(made);
  write(ann, 1, (cards) => cards.delete("c1"));
  write(bob, 2, (cards) => cards.at("c1", lwwRegister).set("Bread"));
  ann.merge(bob);
  write(ann, 1, (cards) => cards.at("c1", lwwRegister).set("Cheese"));
  const other = ann.clone();
  const refused = write(ann, 1, (cards) => cards.delete("c1"));
  expect(refused.ops.map(({ op }) => op.act)).toEqual(["clear", "drop", "settle"]);
  write(cleo, 3, (cards) => cards.at("c1", lwwRegister).set("Butter"));
  other.merge(cleo);
  const again = other.transact({ author: 9, stamp: 2 }, (draft) => draft.repeat(refused))!;
  expect(again.ops.map(({ op }) => op.act)).toContain("settle");
  expect(other.toJSON()).toEqual({});
  expect(conflictsOf(other)).toMatchObject([{ losers: [{ value: "Butter" }] }]);
  expect(conflictsOf(other)).toHaveLength(1);
  // Where nothing of that is left there is nothing to let go of.
  const settled = other.clone();
  settled.transact({ author: 8, stamp: 3 }, (draft) => {
    draft.at("cards", rwMap).at("c1", lwwRegister).set("Ham");
    draft.at("cards", rwMap).delete("c1");
  });
  const nothing = settled.transact({ author: 9, stamp: 4 }, (draft) => draft.repeat(refused));
  expect(nothing?.ops.map(({ op }) => op.act)).not.toContain("settle");
});

test("who makes a write again under a removed key says himself that he knows of the removal, where there is one", () => {
  const [ann, cleo] = [new Document(NAME), new Document(NAME)];
  const made = write(ann, 1, (cards) => cards.at("c1", lwwRegister).set("Milk"));
  cleo.apply(made);
  const without = cleo.clone();
  cleo.apply(write(ann, 1, (cards) => cards.delete("c1")));
  const removed = cleo.clone();
  const refused = write(cleo, 3, (cards) => cards.at("c1", lwwRegister).set("Bread"));
  expect(refused.ops.map(({ op }) => op.act)).toEqual(["accept", "set"]);
  for (const [document, acts] of [
    [removed, ["accept", "set"]],
    [without, ["set"]],
  ] as const) {
    const again = document.transact({ author: 9, stamp: 2 }, (draft) => draft.repeat(refused))!;
    expect(again.ops.map(({ op }) => op.act)).toEqual(acts);
    expect(document.toJSON()).toEqual({ cards: { c1: "Bread" } });
  }
});

function write(document: Document, author: number, mutate: (cards: MapDraft) => void): Change {
  return document.transact({ author, stamp: 1 }, (draft) => mutate(draft.at("cards", rwMap)))!;
}

test("who empties the map removes each key that is there, so that each removal can win", () => {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  const made = write(ann, 1, (cards) => {
    cards.at("c1", lwwRegister).set("Milk");
    cards.at("c2", lwwRegister).set("Bread");
  });
  bob.apply(made);
  write(ann, 1, (cards) => cards.clear());
  expect(ann.toJSON()).toEqual({});
  write(bob, 2, (cards) => {
    cards.at("c1", lwwRegister).set("Oat milk");
    cards.at("c3", lwwRegister).set("Cheese");
  });
  ann.merge(bob);
  expect(ann.toJSON()).toEqual({ cards: { c3: "Cheese" } });
});

test("emptying a set under a removed key takes of what was outdone there what its maker had seen, of each author", () => {
  const people = [1, 2, 3, 4].map(() => new Document(NAME));
  const [ann, bob, cleo, dave] = people as [Document, Document, Document, Document];
  const tags = (cards: MapDraft): SetDraft => cards.at("c1", orSet);
  const made = write(ann, 1, (cards) => tags(cards).add("seen"));
  for (const document of [bob, cleo, dave]) document.apply(made);
  const removed = write(ann, 1, (cards) => cards.delete("c1"));
  // Cleo has made more ops than Bob, so that the counters of one say nothing of the other's.
  const lost = [1, 2, 3].map((i) => write(cleo, 3, (cards) => tags(cards).add(`of cleo ${i}`)));
  const first = write(bob, 2, (cards) => tags(cards).add("of bob"));
  dave.apply(lost[0]!);
  dave.apply(first);
  const emptied = write(dave, 4, (cards) => tags(cards).clear());
  const second = write(bob, 2, (cards) => tags(cards).add("of bob later"));
  const orders = [
    [removed, ...lost, first, second, emptied],
    [removed, lost[0]!, first, emptied, lost[1]!, lost[2]!, second],
    [...lost, first, second, emptied, removed],
  ].map((changes) => heard([made, ...changes]));
  const told = (document: Document) =>
    conflictsOf(document)
      .flatMap(({ losers }) => losers.map(({ value }) => value))
      .sort();
  for (const document of orders) {
    expect(told(document)).toEqual(["of bob later", "of cleo 2", "of cleo 3"]);
    expectBytes(document.encodeState(), orders[0]!.encodeState());
  }
});
