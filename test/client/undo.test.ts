/** Undo, redo and events, as an app has them: over a master, beside others, and after a refusal. */
import {
  counter,
  type DocEvent,
  defineSchema,
  flag,
  list,
  onChange,
  register,
  set,
  undoHistory,
} from "@syncline/client";
import { LIMITS } from "@syncline/protocol";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { database, thrown } from "./databases.js";

const schema = defineSchema({
  boards: {
    title: register<string>(),
    votes: counter(),
    tags: set<string>(),
    items: list<string>(),
    open: flag(),
  },
});

/** Virtual time in which everybody has heard of everything. */
const SETTLED_MS = 2_000;

function two(seed: number) {
  const cluster = world(seed);
  cluster.master("m1");
  const ann = database(cluster, "ann", ["m1"], schema).db;
  const bob = database(cluster, "bob", ["m1"], schema).db;
  return { cluster, ann, bob, mine: ann.open("boards", "b1"), theirs: bob.open("boards", "b1") };
}

test("what was changed here is taken back and made again, for everybody; what others did stays", () => {
  const { cluster, mine, theirs } = two(1);
  const history = undoHistory(mine);
  expect([history.canUndo, history.canRedo]).toEqual([false, false]);
  mine.transact((b) => {
    b.title.set("Roadmap");
    b.votes.increment(2);
    b.items.push("a", "b");
  });
  cluster.pass(SETTLED_MS);
  theirs.transact((b) => {
    b.votes.increment(3);
    b.items.insert(1, "theirs");
  });
  cluster.pass(SETTLED_MS);
  history.undo();
  cluster.pass(SETTLED_MS);
  for (const board of [mine, theirs]) expect(board.toJSON()).toEqual({ votes: 3, items: ["theirs"] });
  expect([history.canUndo, history.canRedo]).toEqual([false, true]);
  history.redo();
  cluster.pass(SETTLED_MS);
  for (const board of [mine, theirs]) {
    expect(board.toJSON()).toEqual({ title: "Roadmap", votes: 5, items: ["a", "theirs", "b"] });
  }
});

test("an undo is a write like any other, and nothing to undo is one that did nothing", async () => {
  const { cluster, mine } = two(2);
  const history = undoHistory(mine);
  const nothing = await history.undo().acknowledged();
  expect(nothing).toMatchObject({ outcome: "committed", change: undefined });
  mine.transact((b) => b.votes.increment());
  const write = history.undo();
  cluster.pass(SETTLED_MS);
  expect(await write.acknowledged()).toMatchObject({ outcome: "committed", nodes: ["m1"] });
  expect(mine.votes.value).toBe(0);
});

test("undoChangesMax changes are remembered, what any handle here does among them", () => {
  const { ann, mine } = two(3);
  const history = undoHistory(mine);
  const other = ann.open("boards", "b1");
  for (let i = 0; i < LIMITS.undoChangesMax; i++) mine.transact((b) => b.votes.increment());
  other.transact((b) => b.votes.increment());
  let count = 0;
  while (history.canUndo) {
    history.undo();
    count++;
  }
  expect(count).toBe(LIMITS.undoChangesMax);
  expect(mine.votes.value).toBe(1);
});

test("a history that was closed, or whose document was, takes back nothing", () => {
  const { ann, mine } = two(4);
  const history = undoHistory(mine);
  mine.transact((b) => b.votes.increment());
  history.close();
  expect(history.canUndo).toBe(false);
  const again = undoHistory(mine);
  mine.transact((b) => b.votes.increment());
  mine.close();
  expect(again.canUndo).toBe(false);
  expect(ann.open("boards", "b1").votes.value).toBe(2);
  expect(thrown(() => undoHistory(mine))).toMatchObject({ code: "CLOSED" });
  // @ts-expect-error it is no document
  expect(thrown(() => undoHistory({}))).toMatchObject({ code: "INVALID_VALUE" });
});

test("an event says what changed where, from what to what, and whether it was made here", () => {
  const { cluster, mine, theirs } = two(5);
  cluster.pass(SETTLED_MS);
  const events: DocEvent[] = [];
  const end = onChange(mine, (event) => {
    // The document shows it already.
    expect(mine.toJSON()).toBeDefined();
    events.push(event);
  });
  mine.transact((b) => {
    b.title.set("a");
    b.tags.add("x");
  });
  cluster.pass(SETTLED_MS);
  theirs.transact((b) => b.tags.add("y"));
  theirs.transact((b) => b.title.set("b"));
  cluster.pass(SETTLED_MS);
  expect(events.map(({ local, changes }) => ({ local, changes }))).toEqual([
    {
      local: true,
      changes: [
        { path: ["title"], kind: "register", kinds: ["register"], before: undefined, after: "a" },
        { path: ["tags"], kind: "set", kinds: ["set"], before: undefined, after: ["x"] },
      ],
    },
    {
      local: false,
      changes: [{ path: ["tags"], kind: "set", kinds: ["set"], before: ["x"], after: ["x", "y"] }],
    },
    {
      local: false,
      changes: [{ path: ["title"], kind: "register", kinds: ["register"], before: "a", after: "b" }],
    },
  ]);
  expect(events[1]?.author).toBe(events[2]?.author);
  expect(events[0]?.author).not.toBe(events[1]?.author);
  end();
  mine.transact((b) => b.votes.increment());
  expect(events).toHaveLength(3);
});

test("what a listener throws disturbs nobody, and one that makes a change hears of it next", () => {
  const { mine } = two(6);
  const heard: unknown[] = [];
  onChange(mine, () => {
    throw new Error("listener");
  });
  onChange(mine, ({ changes }) => {
    heard.push(changes[0]?.after);
    if (mine.votes.value < 3) mine.transact((b) => b.votes.increment());
  });
  mine.transact((b) => b.votes.increment());
  expect(heard).toEqual([1, 2, 3]);
});

test("a field may have the name of anything that is not a member, and its handle is closed all the same", () => {
  const { ann, mine } = two(7);
  mine.transact((b) => b.open.enable());
  expect(mine.open.value).toBe(true);
  mine.close();
  const again = ann.open("boards", "b1");
  expect(again.open.value).toBe(true);
});
