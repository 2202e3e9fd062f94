import { counter, defineSchema, register, SynclineError, set } from "@syncline/client";
import { CounterOverflow } from "@syncline/core";
import { openAccess } from "@syncline/engine";
import { describe, expect, test } from "vitest";
import { translated } from "../../packages/client/src/errors.js";
import { world } from "../scenarios/world.js";
import { database, thrown } from "./databases.js";

/** Documents as an app has them: reads, transactions, subscriptions, and what is refused. */
const schema = defineSchema({
  boards: { title: register<string>(), votes: counter(), tags: set<string>() },
});

function oneMaster(seed: number) {
  const cluster = world(seed);
  cluster.master("m1");
  return { cluster, ...database(cluster, "ann", ["m1"], schema) };
}

test("what one app writes another one reads, through fields that have the schema's names", async () => {
  const { cluster, db } = oneMaster(1);
  const board = db.open("boards", "roadmap");
  board.transact((b) => {
    b.title.set("Roadmap");
    b.votes.increment();
    b.tags.add("p1");
  });
  const { db: other } = database(cluster, "bob", ["m1"], schema);
  const theirs = other.open("boards", "roadmap");
  cluster.settle();
  await theirs.ready;
  expect(theirs.title.value).toBe("Roadmap");
  expect(theirs.title.values).toEqual(["Roadmap"]);
  expect(theirs.votes.value).toBe(1);
  expect(theirs.tags.has("p1")).toBe(true);
  expect(theirs.tags.has("p2")).toBe(false);
  expect(theirs.tags.size).toBe(1);
  expect(theirs.tags.values).toEqual(["p1"]);
  expect(theirs.toJSON()).toEqual({ title: "Roadmap", votes: 1, tags: ["p1"] });
  expect(theirs.kinds()).toEqual({ title: "register", votes: "counter", tags: "set" });
});

test("without a schema every field is reached by kind and name", async () => {
  const cluster = world(2);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"]);
  const note = db.open("notes", "n1");
  note.transact((draft) => {
    draft.register("text").set("hello");
    draft.counter("views").increment(3);
    draft.set("tags").add({ colour: "red" });
    expect(draft.toJSON()).toEqual({ text: "hello", views: 3, tags: [{ colour: "red" }] });
  });
  expect(note.register("text").value).toBe("hello");
  expect(note.counter("views").value).toBe(3);
  expect(note.set("tags").has({ colour: "red" })).toBe(true);
  expect(note.set("tags").size).toBe(1);
  expect(note.set("nothing").size).toBe(0);
  cluster.settle();
  expect(cluster.nodes.get("m1")?.json("notes/n1")).toEqual(note.toJSON());
});

test("concurrent writes are all there to be read", () => {
  const { cluster, db } = oneMaster(3);
  const { db: other } = database(cluster, "bob", ["m1"], schema);
  const boards = [db, other].map((one) => one.open("boards", "roadmap"));
  boards[0]?.transact((b) => b.title.set("Ann's"));
  boards[1]?.transact((b) => b.title.set("Bob's"));
  cluster.settle();
  for (const board of boards) {
    expect([...board.title.values].sort()).toEqual(["Ann's", "Bob's"]);
    expect(board.title.value).toBe(board.title.values[0]);
  }
});

describe("ready", () => {
  test("an unknown document is an empty one", async () => {
    const { cluster, db } = oneMaster(10);
    const board = db.open("boards", "nobody-was-here");
    cluster.pass(1000);
    await board.ready;
    expect(board.toJSON()).toEqual({});
    expect(board.votes.value).toBe(0);
    expect(board.title.value).toBeUndefined();
  });

  test("is not there before a server has spoken, though the document can be used", async () => {
    const { cluster, db } = oneMaster(11);
    const board = db.open("boards", "roadmap");
    let isReady = false;
    void board.ready.then(() => {
      isReady = true;
    });
    board.transact((b) => b.votes.increment());
    await Promise.resolve();
    expect(isReady).toBe(false);
    expect(board.votes.value).toBe(1);
    cluster.pass(1000);
    await board.ready;
    // Loaded already: a second handle need not wait.
    await db.open("boards", "roadmap").ready;
  });

  test("rejects with the code of a server that refuses the document", async () => {
    const cluster = world(12);
    cluster.master("m1", { access: { ...openAccess, authorize: (_, { key }) => key !== "secret" } });
    const { db } = database(cluster, "ann", ["m1"], schema);
    const secret = db.open("boards", "secret");
    const open = db.open("boards", "open");
    cluster.pass(1000);
    await expect(secret.ready).rejects.toMatchObject({
      name: "SynclineError",
      code: "FORBIDDEN",
      message: "no right to read boards/secret",
    });
    await open.ready;
  });

  test("rejects when the document or the database is closed before", async () => {
    const { db } = oneMaster(13);
    const first = db.open("boards", "first");
    const second = db.open("boards", "second");
    const waiting = [first.ready, second.ready];
    // Looked at and forgotten: nobody is there to hear of it, and the process must not end by it.
    void db.open("boards", "third").ready;
    first.close();
    db.close();
    for (const ready of waiting) await expect(ready).rejects.toMatchObject({ code: "CLOSED" });
    await expect(first.ready).rejects.toBeInstanceOf(SynclineError);
  });
});

describe("transact", () => {
  test("reads see its writes, and a throw leaves nothing and comes out as it is", () => {
    const { cluster, db } = oneMaster(20);
    const board = db.open("boards", "roadmap");
    let told = 0;
    board.subscribe(() => {
      told += 1;
    });
    const why = new Error("changed my mind");
    const error = thrown(() =>
      board.transact((b) => {
        b.votes.increment(5);
        b.title.set("Draft");
        expect(b.votes.value).toBe(5);
        expect(b.toJSON()).toEqual({ title: "Draft", votes: 5 });
        throw why;
      }),
    );
    expect(error).toBe(why);
    expect(board.toJSON()).toEqual({});
    expect(told).toBe(0);
    expect(db.status.pending).toBe(0);
    cluster.settle();
    expect(cluster.nodes.get("m1")?.json("boards/roadmap")).toBeUndefined();
  });

  test("a value that cannot be stored is refused with the field and the place", () => {
    const { db } = oneMaster(21);
    const board = db.open("boards", "roadmap");
    const draft = (value: unknown) => () =>
      // What JavaScript lets through.
      board.transact((b) => Reflect.apply(b.title.set, b.title, [value]));
    expect(thrown(draft({ a: [Number.NaN] }))).toMatchObject({
      name: "SynclineError",
      code: "INVALID_VALUE",
      message: 'field "title": at .a[0]: NaN is not a finite number',
    });
    expect(thrown(draft(undefined))).toMatchObject({ code: "INVALID_VALUE" });
    expect(thrown(draft("x".repeat(300_000)))).toMatchObject({ code: "INVALID_VALUE" });
    expect(thrown(() => board.transact((b) => b.votes.increment(0.5)))).toMatchObject({
      code: "INVALID_VALUE",
    });
    expect(thrown(() => board.tags.has(Reflect.get({}, "x")))).toMatchObject({ code: "INVALID_VALUE" });
    expect(board.toJSON()).toEqual({});
  });

  test("a change too large, and too many that wait, are refused by the limit's name", () => {
    const cluster = world(22, { limits: { outboxChangesMax: 2 } });
    const { db } = database(cluster, "ann", ["nobody"], schema);
    const board = db.open("boards", "roadmap");
    const large = thrown(() =>
      board.transact((b) => {
        for (let i = 0; i < 20_000; i++) b.votes.increment();
      }),
    );
    expect(large).toMatchObject({ code: "LIMIT_EXCEEDED", message: "opsPerChangeMax is 10000" });
    board.transact((b) => b.votes.increment());
    board.transact((b) => b.votes.increment());
    const full = thrown(() => board.transact((b) => b.votes.increment()));
    expect(full).toMatchObject({ name: "SynclineError", code: "LIMIT_EXCEEDED" });
    expect(String(full)).toContain("outboxChangesMax is 2");
    expect(board.votes.value).toBe(2);
  });

  test("a function that is async is refused, and so is a draft that outlives its transaction", () => {
    const { db } = oneMaster(23);
    const board = db.open("boards", "roadmap");
    const error = thrown(() =>
      board.transact(async (b) => {
        b.votes.increment();
      }),
    );
    expect(error).toMatchObject({ code: "INVALID_VALUE" });
    expect(board.votes.value).toBe(0);
    let kept: (() => void) | undefined;
    board.transact((b) => {
      kept = () => b.votes.increment();
    });
    expect(thrown(() => kept?.())).toMatchObject({ code: "DRAFT_CLOSED" });
    const late = thrown(() => board.transact(() => kept?.()));
    expect(late).toMatchObject({ name: "SynclineError", code: "DRAFT_CLOSED" });
  });

  test("transactions do not nest, in one document or in two, and the outer one is unharmed", () => {
    const { db } = oneMaster(24);
    const board = db.open("boards", "roadmap");
    const other = db.open("boards", "other");
    for (const inner of [board, other]) {
      board.transact((b) => {
        b.votes.increment();
        expect(thrown(() => inner.transact((i) => i.votes.increment()))).toMatchObject({
          code: "NESTED_TRANSACTION",
        });
      });
    }
    expect(board.votes.value).toBe(2);
    expect(other.votes.value).toBe(0);
  });

  test("what core throws comes out under the same code, and everything else as it is", () => {
    const overflow = new CounterOverflow("2^53");
    const ours = thrown(() =>
      translated(() => {
        throw overflow;
      }),
    );
    expect(ours).toMatchObject({ name: "SynclineError", code: "COUNTER_OVERFLOW", cause: overflow });
    const other = new TypeError("x");
    const same = thrown(() =>
      translated(() => {
        throw other;
      }),
    );
    expect(same).toBe(other);
  });
});

describe("subscribe", () => {
  test("tells of every change, own and others', after it is done, and of the loading once", () => {
    const { cluster, db } = oneMaster(30);
    const { db: other } = database(cluster, "bob", ["m1"], schema);
    const board = db.open("boards", "roadmap");
    const shown: unknown[] = [];
    board.subscribe((b) => shown.push(b.toJSON()));
    expect(shown).toEqual([]);
    cluster.pass(1000);
    expect(shown).toEqual([{}]);
    board.transact((b) => {
      b.votes.increment();
      b.title.set("Roadmap");
    });
    expect(shown).toEqual([{}, { title: "Roadmap", votes: 1 }]);
    cluster.pass(1000);
    expect(shown).toHaveLength(2); // One's own change coming back is no news.
    const theirs = other.open("boards", "roadmap");
    theirs.transact((b) => b.votes.increment(2));
    cluster.pass(1000);
    expect(shown).toEqual([{}, { title: "Roadmap", votes: 1 }, { title: "Roadmap", votes: 3 }]);
  });

  test("is not called any more once it has ended, even by a change that is being told of", () => {
    const { db } = oneMaster(31);
    const board = db.open("boards", "roadmap");
    const calls: string[] = [];
    const ends: (() => void)[] = [];
    for (const name of ["first", "second"]) {
      ends.push(
        board.subscribe(() => {
          calls.push(name);
          for (const end of ends) end();
        }),
      );
    }
    board.transact((b) => b.votes.increment());
    board.transact((b) => b.votes.increment());
    expect(calls).toEqual(["first"]);
  });

  test("a listener that throws is reported and disturbs nobody", () => {
    const { cluster, db, reported } = oneMaster(32);
    const board = db.open("boards", "roadmap");
    const why = new Error("render failed");
    let told = 0;
    board.subscribe(() => {
      throw why;
    });
    board.subscribe(() => {
      told += 1;
    });
    const write = board.transact((b) => b.votes.increment());
    expect(reported).toEqual([why]);
    expect(told).toBe(1);
    expect(write).toBeDefined();
    cluster.settle();
    expect(cluster.nodes.get("m1")?.json("boards/roadmap")).toEqual({ votes: 1 });
    expect(db.status.connection).toBe("connected");
  });

  test("a listener may write, and finds every change whole", () => {
    const { cluster, db } = oneMaster(33);
    const board = db.open("boards", "roadmap");
    const seen: [title: string | undefined, votes: number][] = [];
    board.subscribe((b) => {
      seen.push([b.title.value, b.votes.value]);
      if (b.votes.value < 3) b.transact((draft) => draft.votes.increment());
    });
    board.transact((b) => {
      b.votes.increment();
      b.title.set("one");
    });
    expect(seen).toEqual([
      ["one", 1],
      ["one", 2],
      ["one", 3],
    ]);
    cluster.settle();
    expect(cluster.nodes.get("m1")?.json("boards/roadmap")).toEqual({ title: "one", votes: 3 });
  });
});

describe("handles", () => {
  test("each is closed for itself; the document is followed until the last one is", () => {
    const { cluster, db } = oneMaster(40);
    const { db: other } = database(cluster, "bob", ["m1"], schema);
    const first = db.open("boards", "roadmap");
    const second = db.open("boards", "roadmap");
    const theirs = other.open("boards", "roadmap");
    const calls: string[] = [];
    first.subscribe(() => calls.push("first"));
    first.close();
    first.close();
    theirs.transact((b) => b.votes.increment());
    cluster.pass(1000);
    expect(second.votes.value).toBe(1);
    expect(calls).toEqual([]);
    second.close();
    cluster.pass(1000);
    theirs.transact((b) => b.votes.increment());
    cluster.pass(1000);
    expect(second.votes.value).toBe(1);
    expect(db.open("boards", "roadmap").votes.value).toBe(0); // Not followed: to be loaded anew.
  });

  test("a closed one refuses writes and subscriptions, and what was written before is still sent", () => {
    const { cluster, db } = oneMaster(41);
    const board = db.open("boards", "roadmap");
    board.transact((b) => b.votes.increment());
    board.close();
    for (const attempt of [
      () => board.transact((b) => b.votes.increment()),
      () => board.subscribe(() => {}),
    ]) {
      expect(thrown(attempt)).toMatchObject({ code: "CLOSED", message: "boards/roadmap is closed" });
    }
    cluster.settle();
    expect(cluster.nodes.get("m1")?.json("boards/roadmap")).toEqual({ votes: 1 });
  });

  test("a closed database opens nothing, and its documents show what they had", () => {
    const { cluster, db } = oneMaster(42);
    const board = db.open("boards", "roadmap");
    board.transact((b) => b.votes.increment());
    cluster.pass(1000);
    db.close();
    db.close();
    expect(board.toJSON()).toEqual({ votes: 1 });
    expect(thrown(() => board.transact((b) => b.votes.increment()))).toMatchObject({ code: "CLOSED" });
    expect(thrown(() => db.open("boards", "other"))).toMatchObject({
      code: "CLOSED",
      message: "the database is closed",
    });
  });

  test("a view goes on showing the document after a refused change was taken back", () => {
    const cluster = world(43);
    let mayWrite = true;
    const access = {
      ...openAccess,
      authorize: (_: unknown, __: unknown, right: string) => right === "read" || mayWrite,
    };
    cluster.master("m1", { access });
    const { db } = database(cluster, "ann", ["m1"], schema);
    const board = db.open("boards", "roadmap");
    const { votes } = board;
    board.transact((b) => b.votes.increment());
    cluster.pass(1000);
    mayWrite = false;
    board.transact((b) => b.votes.increment(10));
    expect(votes.value).toBe(11);
    cluster.pass(1000);
    expect(votes.value).toBe(1);
    mayWrite = true;
    board.transact((b) => b.votes.increment(100));
    expect(votes.value).toBe(101);
    cluster.pass(5000);
    expect(cluster.nodes.get("m1")?.json("boards/roadmap")).toEqual({ votes: 101 });
  });
});

describe("names", () => {
  test("what is not in the schema is refused, also where no compiler looks", () => {
    const { db } = oneMaster(50);
    const untyped: { open(collection: string, key: string): ReturnType<typeof db.open> } = db;
    expect(thrown(() => untyped.open("bords", "x"))).toMatchObject({
      code: "UNKNOWN_COLLECTION",
      message: 'collection "bords" is not in the schema',
    });
    expect(thrown(() => untyped.open("constructor", "x"))).toMatchObject({ code: "UNKNOWN_COLLECTION" });
    const board = db.open("boards", "roadmap");
    expect(thrown(() => Reflect.apply(board.register, board, ["titel"]))).toMatchObject({
      code: "UNKNOWN_FIELD",
      message: 'field "titel" of boards is not in the schema',
    });
    expect(thrown(() => Reflect.apply(board.register, board, ["votes"]))).toMatchObject({
      code: "UNKNOWN_FIELD",
      message: 'field "votes" of boards is a counter, not a register',
    });
    const inDraft = thrown(() => board.transact((b) => Reflect.apply(b.set, b, ["votes"])));
    expect(inDraft).toMatchObject({ code: "UNKNOWN_FIELD" });
  });

  test("what nobody may be called is refused, with and without a schema", () => {
    const { cluster, db } = oneMaster(51);
    const { db: untyped } = database(cluster, "bob", ["m1"]);
    expect(thrown(() => db.open("boards", ""))).toMatchObject({ code: "INVALID_VALUE" });
    expect(thrown(() => db.open("boards", "k".repeat(257)))).toMatchObject({
      code: "INVALID_VALUE",
      message: "a key has 1 to 256 bytes",
    });
    expect(thrown(() => untyped.open("a/b", "x"))).toMatchObject({ code: "INVALID_VALUE" });
    const note = untyped.open("notes", "n1");
    expect(thrown(() => note.counter("a@b"))).toMatchObject({ code: "INVALID_VALUE" });
    expect(thrown(() => note.transact((n) => n.counter("__proto__")))).toMatchObject({
      code: "INVALID_VALUE",
    });
  });

  test("a schema with an impossible name or kind is refused where it is defined", () => {
    expect(thrown(() => defineSchema({ "a/b": {} }))).toMatchObject({
      code: "INVALID_VALUE",
      message: expect.stringContaining('collection "a/b": a collection has'),
    });
    expect(thrown(() => defineSchema({ a: { "x@y": counter() } }))).toMatchObject({
      code: "INVALID_VALUE",
      message: expect.stringContaining('field "x@y" of a: '),
    });
    // As an app without types would have it.
    expect(thrown(() => Reflect.apply(defineSchema, undefined, [{ a: { x: "counter" } }]))).toMatchObject({
      code: "INVALID_VALUE",
      message:
        'field "x" of a: has no kind: use register(), counter() or set(), or another function of this library',
    });
  });

  test("a field that is called like a method is reached by kind and name, and shown like every other", () => {
    const cluster = world(52);
    cluster.master("m1");
    const doors = defineSchema({
      doors: { close: counter(), set: register<string>(), name: register<string>() },
    });
    const { db } = database(cluster, "ann", ["m1"], doors);
    const door = db.open("doors", "front");
    door.transact((d) => {
      d.counter("close").increment();
      d.register("set").set("left");
      d.name.set("Front");
    });
    expect(door.counter("close").value).toBe(1);
    expect(door.toJSON()).toEqual({ close: 1, set: "left", name: "Front" });
    door.close();
  });

  test("JSON shows the schema's kind under the bare name, whatever else others keep there", () => {
    const cluster = world(53);
    cluster.master("m1");
    const { db: untyped } = database(cluster, "bob", ["m1"]);
    const theirs = untyped.open("boards", "roadmap");
    theirs.transact((b) => {
      b.set("votes").add("yes");
      b.register("tags").set("none");
      b.register("other").set(1);
    });
    cluster.pass(1000);
    const { db } = database(cluster, "ann", ["m1"], schema);
    const board = db.open("boards", "roadmap");
    cluster.pass(1000);
    board.transact((b) => {
      b.votes.increment();
      expect(b.toJSON()).toMatchObject({ votes: 1, "votes@set": ["yes"] });
    });
    cluster.settle();
    expect(board.toJSON()).toEqual({ votes: 1, "votes@set": ["yes"], "tags@register": "none", other: 1 });
    expect(board.kinds()).toEqual({
      votes: "counter",
      "votes@set": "set",
      "tags@register": "register",
      other: "register",
    });
    expect(theirs.toJSON()).toEqual({ votes: ["yes"], "votes@counter": 1, tags: "none", other: 1 });
  });
});
