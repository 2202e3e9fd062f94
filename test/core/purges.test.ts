/** Purging a document, or a field of it, away for good: what goes, what stays, and what is said to remain. */
import {
  type Change,
  conflictsOf,
  createChange,
  Document,
  type Draft,
  decodeChange,
  deletionsIn,
  gSet,
  isRemaining,
  KINDS,
  kwMap,
  lostIn,
  lwwRegister,
  orMap,
  pnCounter,
  purgeDocument,
  purgeField,
  remainingIn,
} from "@syncline/core";
import { expect, test } from "vitest";
import { expectBytes, NAME, unwrap } from "./world.js";

const TITLE = { name: "title", kind: KINDS.register };
const BODY = { name: "body", kind: KINDS.register };

/** Title and body with a lost value each, and a counter under the title's name. */
function withLosses(): Document {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  for (const [document, author] of [
    [ann, 1],
    [bob, 2],
  ] as const)
    write(document, author, (draft) => {
      draft.register("title").set(`title of ${author}`);
      draft.register("body").set(`body of ${author}`);
    });
  ann.merge(bob);
  write(ann, 1, (draft) => {
    draft.register("title").set("title of both");
    draft.register("body").set("body of both");
    draft.counter("title").increment(3);
  });
  expect(lostIn(ann)).toHaveLength(2);
  return ann;
}

test("purging a field takes it away with what was lost there, and leaves the others with what was lost in them", () => {
  const document = withLosses();
  purge(document, (draft) => purgeField(draft, TITLE));
  expect(document.toJSON()).toEqual({ body: "body of both", "title@counter": 3 });
  expect(document.isDeleted).toBe(false);
  expect(lostIn(document)).toHaveLength(1);
  expect(conflictsOf(document)).toMatchObject([{ field: "body" }]);
  expect(holds(document, "title of")).toBe(false);
  expect(holds(document, "body of 1")).toBe(true);
  expect([isRemaining(document, TITLE), isRemaining(document, BODY)]).toEqual([false, true]);
  expect(isRemaining(document, { ...TITLE, kind: KINDS.counter })).toBe(true);
  // Once more is nothing.
  expect(document.transact({ author: 1, stamp: 9, asIs: true }, (draft) => purgeField(draft, TITLE))).toBe(
    undefined,
  );
});

test("purging one kind of a name leaves what another kind of it holds and has lost", () => {
  const document = withLosses();
  purge(document, (draft) => purgeField(draft, { ...TITLE, kind: KINDS.counter }));
  expect(document.toJSON()).toEqual({ body: "body of both", title: "title of both", "title@counter": 0 });
  expect(lostIn(document)).toHaveLength(2);
  expect(holds(document, "title of 1")).toBe(true);
});

test("a field of which only a lost value is left remains until that goes, too", () => {
  const document = withLosses();
  write(document, 1, (draft) => draft.register("title").clear());
  expect(isRemaining(document, TITLE)).toBe(true);
  purge(document, (draft) => purgeField(draft, TITLE));
  expect(isRemaining(document, TITLE)).toBe(false);
});

test("a field of a deleted document is purged, and the document stays deleted with all that it hides", () => {
  const document = withLosses();
  write(document, 1, (draft) => draft.deleteDocument());
  const other = unwrap(Document.decodeState(document.encodeState()));
  const change = purge(document, (draft) => purgeField(draft, TITLE));
  expect([document.isDeleted, document.toJSON()]).toEqual([true, {}]);
  expect([isRemaining(document, TITLE), isRemaining(document, BODY)]).toEqual([false, true]);
  // The deletion has seen the purge: nothing of it is told as written meanwhile.
  expect(conflictsOf(document).filter(({ type }) => type === "write_to_dropped")).toEqual([]);
  other.apply(change);
  expectBytes(other.encodeState(), document.encodeState());
  other.transact({ author: 2, stamp: 9, asIs: true }, (draft) => draft.restoreDocument());
  expect(other.toJSON()).toEqual({ body: "body of both", "title@counter": 3 });
});

test("purging a document leaves it deleted and empty, and says what only grows to remain", () => {
  const document = withLosses();
  write(document, 1, (draft) => {
    draft.at("cards", orMap).at("c1", lwwRegister).set("secret");
    draft.at("seen", gSet).add("for ever");
    draft.at("kept", kwMap).at("k1", pnCounter).increment();
  });
  expect(remainingIn(document)).toEqual(["body", "cards", "kept", "seen", "title", "~lost"]);
  write(document, 1, (draft) => draft.deleteDocument());
  document.transact({ author: 1, stamp: 9 }, purgeDocument);
  expect([document.isDeleted, document.toJSON(), lostIn(document)]).toEqual([true, {}, []]);
  expect(remainingIn(document)).toEqual(["seen"]);
  for (const text of ["title of", "body of", "secret"]) expect(holds(document, text)).toBe(false);
});

test("what a removal hides in a map in which using keeps remains until the document is purged", () => {
  const document = new Document(NAME);
  write(document, 1, (draft) => draft.at("kept", kwMap).at("k1", lwwRegister).set("hidden"));
  write(document, 1, (draft) => draft.at("kept", kwMap).delete("k1"));
  expect([document.toJSON(), remainingIn(document)]).toEqual([{}, ["kept"]]);
  document.transact({ author: 1, stamp: 9 }, purgeDocument);
  expect(remainingIn(document)).toEqual([]);
});

test("a document that was never deleted has no deletions", () => {
  expect(deletionsIn(new Document(NAME))).toEqual([]);
  expect(deletionsIn(withLosses())).toEqual([]);
});

test("what stands on the list of losses and is none is no loss of any field, and no conflict", () => {
  const document = withLosses();
  const strange = [
    null,
    7,
    "text",
    [],
    {},
    { path: "title" },
    { path: ["title"], loser: 1, winner: 2 },
    { path: ["title", "register"], loser: [8, 1, 1, "a"], winner: [2, 1, 1, "b"] },
    { path: [7, KINDS.register], loser: [8, 1, 1, "a"], winner: [2, 1, 1, "b"] },
    { path: ["title", KINDS.register], loser: ["8", 1, 1, "a"], winner: [2, 1, 1, "b"] },
    { path: ["title", KINDS.register], loser: [8, "1", 1, "a"], winner: [2, 1, 1, "b"] },
    { path: ["title", KINDS.register], loser: [8, 1, "1", "a"], winner: [2, 1, 1, "b"] },
    { path: ["title", KINDS.register], loser: [8, 1], winner: [2, 1, 1, "b"] },
    { path: ["title", KINDS.register], loser: [8, 1, 1, "a"], winner: [2, 1] },
    { path: ["title", KINDS.register], loser: [8, 1, 1, "a"] },
    { path: ["title", KINDS.register], winner: [8, 1, 1, "a"] },
  ];
  const before = conflictsOf(document);
  const change = createChange({
    document: NAME,
    author: 3,
    first: 1,
    stamp: 1,
    observed: [],
    paths: [[{ name: "~lost", kind: KINDS.set }]],
    ops: strange.map((element) => ({ path: 0, op: { act: "add", element, replaces: [] } })),
  });
  document.apply(unwrap(decodeChange(change.bytes)));
  expect(lostIn(document)).toHaveLength(2 + strange.length);
  expect(conflictsOf(document)).toEqual(before);
  purge(document, (draft) => purgeField(draft, TITLE));
  expect(conflictsOf(document)).toMatchObject([{ field: "body" }]);
});

/** As an administrator does it, who sees what is deleted. */
function purge(document: Document, mutate: (draft: Draft) => void): Change {
  return document.transact({ author: 1, stamp: 9, asIs: true }, mutate)!;
}

function holds(document: Document, text: string): boolean {
  return Buffer.from(document.encodeState()).includes(text);
}

function write(document: Document, author: number, mutate: (draft: Draft) => void): Change {
  return document.transact({ author, stamp: author }, mutate)!;
}
