/** Stories of maps in which using a key keeps all of it, and maps inside of such maps. The rest is in the law suite and in the histories. */
import {
  type Change,
  Document,
  type DocumentEvent,
  type Draft,
  differences,
  digestOf,
  gCounter,
  kwMap,
  list,
  lwwRegister,
  type MapDraft,
  observe,
  orMap,
  pnCounter,
  purgeDocument,
  remainingIn,
  rwMap,
  UndoHistory,
  type Value,
} from "@syncline/core";
import { documentJson } from "@syncline/simulation";
import fc from "fast-check";
import { expect, test } from "vitest";
import { draws, often } from "./share.js";
import { expectBytes, expectEqual, NAME, unwrap } from "./world.js";

/** Two who hold a card with a title and two votes. */
function withCard(): [Document, Document] {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  const made = write(ann, 1, (cards) => {
    cards.at("c1", orMap).at("title", lwwRegister).set("Milk");
    cards.at("c1", orMap).at("votes", pnCounter).increment(2);
  });
  bob.apply(made);
  return [ann, bob];
}

const vote = (cards: MapDraft): void => cards.at("c1", orMap).at("votes", pnCounter).increment();

test("who uses a key while somebody else removes it keeps all of it, by ops and by states, in any order", () => {
  const [ann, bob] = withCard();
  const other = ann.clone();
  const removed = write(ann, 1, (cards) => cards.delete("c1"));
  expect(removed.ops.map(({ op }) => op.act)).toEqual(["hide"]);
  expect(ann.toJSON()).toEqual({});
  const used = write(bob, 2, vote);
  const whole = { cards: { c1: { title: "Milk", votes: 3 } } };
  const joined = ann.clone();
  joined.merge(bob);
  ann.apply(used);
  other.apply(used);
  other.apply(removed);
  bob.apply(removed);
  for (const document of [ann, bob, other, joined]) {
    expect(document.toJSON()).toEqual(whole);
    expectBytes(document.encodeState(), ann.encodeState());
  }
});

test("who uses a removed key begins a new one, and one of two removals that has seen all is enough", () => {
  const [ann, bob] = withCard();
  const removals = [
    write(ann, 1, (cards) => cards.delete("c1")),
    write(bob, 2, (cards) => cards.delete("c1")),
  ];
  ann.apply(removals[1]!);
  bob.apply(removals[0]!);
  expect([ann.toJSON(), bob.toJSON()]).toEqual([{}, {}]);
  const again = write(bob, 2, vote);
  expect(again.ops.map(({ op }) => op.act)).toEqual(["show", "clear", "reset", "step"]);
  ann.apply(again);
  for (const document of [ann, bob]) expect(document.toJSON()).toEqual({ cards: { c1: { votes: 1 } } });
  expectBytes(ann.encodeState(), bob.encodeState());
  // Known by now: nothing more is said.
  expect(write(ann, 1, vote).ops.map(({ op }) => op.act)).toEqual(["step"]);
});

test("removing what shows nothing is nothing, and a key that comes and goes takes no more room", () => {
  const document = new Document(NAME);
  expect(document.transact({ author: 1, stamp: 1 }, (draft) => draft.at("cards", kwMap).delete("c1"))).toBe(
    undefined,
  );
  const cycle = (): void => {
    write(document, 1, (cards) => cards.at("c1", lwwRegister).set("x"));
    write(document, 1, (cards) => cards.delete("c1"));
  };
  for (let i = 0; i < 40; i++) cycle();
  const size = document.encodeState().length;
  for (let i = 0; i < 20; i++) cycle();
  expect(document.encodeState().length).toBe(size);
  expect(document.transact({ author: 1, stamp: 1 }, (draft) => draft.at("cards", kwMap).clear())).toBe(
    undefined,
  );
});

test("what somebody else's use brings back is told, place by place, and counts in the digest", () => {
  const [ann, bob] = withCard();
  write(ann, 1, (cards) => cards.delete("c1"));
  digestOf(ann);
  const told: DocumentEvent[] = [];
  observe(ann, (event) => told.push(event));
  ann.apply(write(bob, 2, vote));
  const places = told.flatMap(({ changes }) => changes.map(({ path, after }) => [path.at(-1), after]));
  expect(Object.fromEntries(places)).toMatchObject({ title: "Milk", votes: 3 });
  expect(digestOf(ann)).toBe(digestOf(unwrap(Document.decodeState(ann.encodeState()))));
});

test("undoing a removal brings all of it back; undoing what was begun in its place brings the removal back", () => {
  const [document] = withCard();
  const history = new UndoHistory(10);
  history.follow(document);
  const undo = (): boolean => history.undo((mutate) => document.transact({ author: 1, stamp: 2 }, mutate));
  const redo = (): boolean => history.redo((mutate) => document.transact({ author: 1, stamp: 2 }, mutate));
  const whole = document.toJSON();
  write(document, 1, (cards) => cards.delete("c1"));
  write(document, 1, vote);
  const begun = document.toJSON();
  expect(undo()).toBe(true);
  expect(document.toJSON()).toEqual({});
  expect(undo()).toBe(true);
  expect(document.toJSON()).toEqual(whole);
  expect(redo()).toBe(true);
  expect(document.toJSON()).toEqual({});
  expect(redo()).toBe(true);
  expect(document.toJSON()).toEqual(begun);
});

test("undoing a removal, or what was begun in its place, leaves what somebody else has done since", () => {
  const [ann, bob] = withCard();
  const history = new UndoHistory(10);
  history.follow(ann);
  const undo = (): boolean => history.undo((mutate) => ann.transact({ author: 1, stamp: 2 }, mutate));
  bob.apply(write(ann, 1, (cards) => cards.delete("c1")));
  bob.apply(write(ann, 1, vote));
  ann.apply(write(bob, 2, (cards) => cards.at("c1", orMap).at("title", lwwRegister).set("Bread")));
  undo();
  expect(ann.toJSON()).toEqual({ cards: { c1: { title: "Bread", votes: 2 } } });
});

test("a removal of the map that it is in takes what is hidden too, but for what only grows, which stays hidden", () => {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  const inner = (draft: Parameters<Parameters<Document["transact"]>[1]>[0]) =>
    draft.at("boards", orMap).at("b1", kwMap);
  const change = (document: Document, author: number, mutate: (cards: MapDraft) => void): Change =>
    document.transact({ author, stamp: 1 }, (draft) => mutate(inner(draft)))!;
  bob.apply(
    change(ann, 1, (cards) => {
      cards.at("c1", lwwRegister).set("hidden");
      cards.at("c1", gCounter).increment(3);
      cards.at("c2", lwwRegister).set("shown");
      cards.create();
    }),
  );
  bob.apply(change(ann, 1, (cards) => cards.delete("c1")));
  expect(ann.toJSON()).toEqual({ boards: { b1: { c2: "shown" } } });
  const removed = ann.transact({ author: 1, stamp: 2 }, (draft) => draft.at("boards", orMap).delete("b1"))!;
  expect(ann.toJSON()).toEqual({});
  const used = change(bob, 2, (cards) => cards.at("c2", pnCounter).increment());
  ann.apply(used);
  bob.apply(removed);
  expectBytes(ann.encodeState(), bob.encodeState());
  expect(ann.toJSON()).toEqual({ boards: { b1: { c2: 1 } } });
  expect(ann.encodeState().toString()).not.toContain([...new TextEncoder().encode("hidden")].join());
});

test("a map in which all is hidden is not there, whatever was created in it", () => {
  for (const inner of INNER) {
    const document = new Document(NAME);
    const change = (mutate: (map: MapDraft) => void): Change =>
      document.transact({ author: 1, stamp: 1 }, (draft) => mutate(draft.at("m", kwMap).at("k1", kwMap)))!;
    const history = [change((map) => inner(map, "k0").create()), change((map) => map.clear())];
    expect([document.toJSON(), documentJson(history)]).toEqual([{}, {}]);
  }
});

test("a purge takes what is hidden, and says while somewhere something is", () => {
  const [ann, bob] = withCard();
  bob.apply(write(ann, 1, (cards) => cards.delete("c1")));
  const transact = (
    document: Document,
    author: number,
    mutate: Parameters<Document["transact"]>[1],
    asIs = true,
  ) => document.transact({ author, stamp: 9, asIs }, mutate)!;
  bob.apply(transact(ann, 1, (draft) => draft.deleteDocument()));
  expect(remainingIn(ann)).toEqual(["cards"]);
  bob.apply(transact(ann, 1, purgeDocument, false));
  for (const document of [ann, bob]) {
    expect([document.isDeleted, document.toJSON(), remainingIn(document)]).toEqual([true, {}, []]);
    expect(document.encodeState().toString()).not.toContain([...new TextEncoder().encode("Milk")].join());
  }
});

const INNER: readonly ((outer: MapDraft, key: string) => MapDraft)[] = [
  (outer, key) => outer.at(key, kwMap),
  (outer, key) => outer.at(key, rwMap),
  (outer, key) => outer.at(key, orMap),
];

/** Maps of all kinds in a map in which using keeps, and in them again: two keys each, and few ways to use them. */
interface Deed {
  readonly who: number;
  readonly stamp: number;
  readonly what: "count" | "set" | "push" | "delete" | "clear" | "create" | "deliver" | "merge";
  /** The keys and kinds on the way. */
  readonly way: readonly (readonly [key: number, kind: number])[];
  readonly pick: number;
}

const deeds: fc.Arbitrary<Deed[]> = fc.array(
  fc.record({
    who: fc.nat({ max: 2 }),
    stamp: fc.nat({ max: 3 }),
    what: fc.constantFrom<Deed["what"][]>(
      ...(["count", "set", "push", "delete", "delete", "clear", "create", "merge"] as const),
      ...(["deliver", "deliver", "deliver", "deliver"] as const),
    ),
    // Mostly the outermost map, and the first key, so that people meet.
    way: fc.oneof(
      fc.constant([]),
      fc.array(fc.tuple(fc.nat({ max: 1 }), fc.nat({ max: 2 })), { maxLength: 2 }),
    ),
    pick: fc.oneof(fc.constantFrom(0, 2, 4), fc.nat({ max: 99 })),
  }),
  { minLength: 6, maxLength: 24, size: "max" },
);

test("maps in maps: every replica shows what was specified, tells what has changed, and all agree in the end", () => {
  let [hidden, shown, told] = [0, 0, 0];
  fc.assert(
    fc.property(deeds, (history) => {
      const documents = [0, 1, 2].map(() => new Document(NAME));
      const held = documents.map((): Change[] => []);
      const kept = documents.map(() => new Map<string, Value>());
      documents.forEach((document, at) => {
        observe(document, ({ changes }) => {
          for (const { path, kinds, after } of changes) {
            const key = JSON.stringify([kinds, path]);
            if (after === undefined) kept[at]!.delete(key);
            else kept[at]!.set(key, after);
            told++;
          }
        });
      });
      const ready = (to: number): Change[] =>
        held
          .flat()
          .filter(
            (change) =>
              change.first === documents[to]!.counter(change.author) + 1 &&
              change.observed.every((dot) => documents[to]!.counter(dot.author) >= dot.counter),
          );
      const take = (to: number, change: Change): void => {
        documents[to]!.apply(change);
        held[to]!.push(change);
      };
      const check = (at: number): void => {
        const document = documents[at]!;
        expectEqual(document.toJSON(), documentJson(held[at]!));
        for (const { path, kinds, after } of differences(new Document(NAME), document))
          if (!kinds.at(-1)!.includes("map"))
            expectEqual(kept[at]!.get(JSON.stringify([kinds, path])), after);
        const state = document.encodeState();
        const again = unwrap(Document.decodeState(state));
        expectBytes(again.encodeState(), state);
        expectEqual(digestOf(document), digestOf(again));
      };
      for (const { who, stamp, what, way, pick } of history) {
        const document = documents[who]!;
        if (what === "deliver") {
          const all = ready(who);
          if (all.length === 0) continue;
          take(who, all[pick % all.length]!);
        } else if (what === "merge") {
          const from = (who + 1 + (pick % 2)) % 3;
          document.merge(unwrap(Document.decodeState(documents[from]!.encodeState())));
          held[who]!.push(
            ...held[from]!.filter((change) => !held[who]!.some((mine) => isSame(mine, change))),
          );
        } else {
          const change = document.transact({ author: who + 1, stamp }, (draft) => {
            const map = way.reduce<MapDraft>(
              (outer, [key, kind]) => INNER[kind]!(outer, `k${key}`),
              draft.at("m", kwMap),
            );
            const key = `k${pick % 2}`;
            if (what === "count") map.at(key, pnCounter).increment();
            else if (what === "set") map.at(key, lwwRegister).set(pick % 5);
            else if (what === "push") map.at(key, list).push(pick % 5);
            else if (what === "delete") map.delete(key);
            else if (what === "clear") map.clear();
            else map.create();
          });
          if (change === undefined) continue;
          held[who]!.push(change);
          for (const { op } of change.ops) {
            if (op.act === "hide") hidden++;
            if (op.act === "show") shown++;
          }
        }
        check(who);
      }
      documents.forEach((_document, to) => {
        for (let next = ready(to)[0]; next !== undefined; next = ready(to)[0]) take(to, next);
        check(to);
        expectBytes(documents[to]!.encodeState(), documents[0]!.encodeState());
      });
    }),
    { numRuns: draws(300) },
  );
  expect(Math.min(hidden, shown, told)).toBeGreaterThan(often(30));
});

const isSame = (a: Change, b: Change): boolean => a.author === b.author && a.first === b.first;

function write(document: Document, author: number, mutate: (cards: MapDraft) => void): Change {
  return document.transact({ author, stamp: 1 }, (draft) => mutate(draft.at("cards", kwMap)))!;
}

test("a removal that is made again hides what is there, of which its maker has seen the uses; of nothing it is nothing", () => {
  const [ann, bob] = withCard();
  write(ann, 1, (cards) => cards.at("c2", lwwRegister).set("Bread"));
  const removed = write(ann, 1, (cards) => {
    cards.delete("c1");
    cards.delete("c2");
  });
  expect(ann.toJSON()).toEqual({});
  write(bob, 2, vote);
  const again = bob.transact({ author: 3, stamp: 2 }, (draft) => draft.repeat(removed))!;
  expect(bob.toJSON()).toEqual({});
  // What is not there is not hidden.
  expect(again.ops.map(({ op }) => op.act)).toEqual(["hide"]);
  expect(new Document(NAME).transact({ author: 3, stamp: 2 }, (draft) => draft.repeat(removed))).toBe(
    undefined,
  );
  // Whoever uses the key meanwhile has not seen that, and keeps all of it.
  ann.merge(bob);
  expect(ann.toJSON()).toEqual({});
});

test("such a map under a key goes with the key, and what only grows in it stays hidden", () => {
  const document = new Document(NAME);
  document.transact({ author: 1, stamp: 1 }, (draft) => {
    const cards = draft.at("boards", orMap).at("b1", kwMap);
    cards.at("c1", lwwRegister).set("Milk");
    cards.at("seen", gCounter).increment();
  });
  document.transact({ author: 1, stamp: 2 }, (draft) => draft.at("boards", orMap).delete("b1"));
  expect(document.toJSON()).toEqual({});
  document.transact({ author: 2, stamp: 3 }, (draft) =>
    draft.at("boards", orMap).at("b1", kwMap).at("c1", lwwRegister).set("Oat milk"),
  );
  expect(document.toJSON()).toEqual({ boards: { b1: { c1: "Oat milk" } } });
});

test("a removal of a key that is made again leaves it standing that the map was created, one of the map does not", () => {
  const document = new Document(NAME);
  const board = (draft: Draft) => draft.at("boards", orMap).at("b1", kwMap);
  const transact = (of: Document, mutate: (draft: Draft) => void): Change =>
    of.transact({ author: 1, stamp: 2 }, mutate)!;
  transact(document, (draft) => {
    board(draft).create();
    // It only grows, so a removal of the map hides it.
    board(draft).at("seen", gCounter).increment();
  });
  const ofKey = transact(document.clone(), (draft) => board(draft).delete("seen"));
  const ofMap = transact(document.clone(), (draft) => draft.at("boards", orMap).delete("b1"));
  for (const [change, shown] of [
    [ofKey, { boards: { b1: {} } }],
    // There is nothing left to be hidden, only that the map was created.
    [ofMap, {}],
  ] as const) {
    document.transact({ author: 3, stamp: 3 }, (draft) => draft.repeat(change));
    expect(document.toJSON()).toEqual(shown);
  }
});
