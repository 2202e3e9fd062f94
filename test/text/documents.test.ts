import { counter, defineSchema, SynclineError } from "@syncline/client";
import { openAccess } from "@syncline/engine";
import { text } from "@syncline/text";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { database, thrown } from "../client/databases.js";
import { world } from "../scenarios/world.js";

/** Text as an app has it: bound Y.Docs, drafts, and what happens to both when the network or a server says no. */
const schema = defineSchema({ boards: { notes: text(), page: text({ type: "xml" }), votes: counter() } });

function twoPeople(seed: number) {
  const cluster = world(seed);
  cluster.master("m1");
  const [ann, bob] = ["ann", "bob"].map((name) => database(cluster, name, ["m1"], schema));
  const [hers, his] = [ann!, bob!].map(({ db }) => db.open("boards", "roadmap"));
  cluster.settle();
  return { cluster, ann: ann!, bob: bob!, hers: hers!, his: his! };
}

test("what is typed into one Y.Text appears in another, as changes of the document", () => {
  const { cluster, hers, his } = twoPeople(1);
  const events: unknown[] = [];
  his.notes.y.observe(({ delta }) => events.push(delta));
  hers.notes.y.insert(0, "Hello");
  expect(`${hers.notes}`).toBe("Hello");
  expect(hers.toJSON()).toEqual({ notes: "Hello" });
  cluster.settle();
  expect(his.notes.y.toString()).toBe("Hello");
  expect(his.toJSON()).toEqual({ notes: "Hello" });
  expect(his.kinds()).toEqual({ notes: "text" });
  expect(events).toEqual([[{ insert: "Hello" }]]);

  // Both at once, and a deletion, of which no state vector tells.
  hers.notes.y.insert(5, " world");
  his.notes.y.delete(0, 1);
  his.notes.y.insert(0, "h");
  cluster.settle();
  expect(`${hers.notes}`).toBe("hello world");
  expect(`${his.notes}`).toBe("hello world");
});

test("all handles on a document share one Y.Doc, which outlives any of them", () => {
  const { cluster, ann, hers, his } = twoPeople(2);
  const again = ann.db.open("boards", "roadmap");
  expect(again.notes.doc).toBe(hers.notes.doc);
  expect(again.notes.y).toBe(hers.notes.y);
  const { y } = hers.notes;
  hers.close();
  again.notes.y.insert(0, "still ");
  y.insert(6, "here");
  cluster.settle();
  expect(`${his.notes}`).toBe("still here");
});

test("what an editor does, and shows of its user, goes through whichever handle is open", () => {
  const { cluster, ann, hers, his } = twoPeople(4);
  const again = ann.db.open("boards", "roadmap");
  const { awareness, y } = hers.notes;
  expect(again.notes.awareness).toBe(awareness);
  hers.close();
  awareness.setLocalStateField("user", { name: "Ann" });
  y.insert(0, "Still here");
  cluster.pass(1_000);
  expect(`${his.notes}`).toBe("Still here");
  expect(his.presence.others.map(({ state }) => state)).toEqual([{ user: { name: "Ann" } }]);
  expect(ann.reported).toEqual([]);
});

test("within a transaction text is written like everything else: all or nothing, seen by reads, told of at the end", () => {
  const { cluster, hers, his } = twoPeople(3);
  hers.notes.y.insert(0, "one");
  const seen: string[] = [];
  const { y } = hers.notes;
  y.observe(() => seen.push(`${JSON.stringify(hers)} ${y}`));
  const write = hers.transact((b) => {
    b.notes.insert(3, " two");
    expect(`${b.notes}`).toBe("one two");
    expect(b.toJSON()).toEqual({ notes: "one two" });
    b.notes.delete(0, 4);
    b.votes.increment();
    // Nobody sees half of it.
    expect(y.toString()).toBe("one");
    expect(`${hers.notes}`).toBe("one");
  });
  expect(seen).toEqual(['{"notes":"two","votes":1} two']);
  cluster.settle();
  expect(his.toJSON()).toEqual({ notes: "two", votes: 1 });

  const failed = thrown(() =>
    hers.transact((b) => {
      b.notes.insert(0, "never ");
      throw new Error("no");
    }),
  );
  expect(failed).toEqual(new Error("no"));
  expect(hers.toJSON()).toEqual({ notes: "two", votes: 1 });
  expect(`${hers.notes}`).toBe("two");
  hers.transact((b) => b.notes.insert(3, "!"));
  cluster.settle();
  expect(`${his.notes}`).toBe("two!");
  return expect(write.acknowledged()).resolves.toMatchObject({ outcome: "committed" });
});

test("places that a text does not have are refused", () => {
  const { hers } = twoPeople(4);
  for (const wrong of [-1, 1, 0.5, Number.NaN]) {
    const error = thrown(() => hers.transact((b) => b.notes.insert(wrong, "x")));
    expect(error).toBeInstanceOf(SynclineError);
    expect(error).toMatchObject({ code: "INVALID_VALUE" });
  }
  expect(thrown(() => hers.transact((b) => b.notes.delete(0, 1)))).toMatchObject({ code: "INVALID_VALUE" });
  expect(hers.toJSON()).toEqual({});
});

test("an XML fragment is a field too, and both live in one Y.Doc", () => {
  const { cluster, hers, his } = twoPeople(5);
  hers.page.doc.transact(() => {
    const paragraph = new Y.XmlElement("p");
    paragraph.insert(0, [new Y.XmlText("Hello")]);
    hers.page.y.insert(0, [paragraph]);
    hers.notes.y.insert(0, "beside it");
  });
  cluster.settle();
  expect(his.toJSON()).toEqual({ page: "<p>Hello</p>", notes: "beside it" });
  expect(his.page.toString()).toBe("<p>Hello</p>");
  expect(his.page.doc).toBe(his.notes.doc);
  hers.transact((b) => b.page.y.delete(0, 1));
  cluster.settle();
  expect(his.toJSON()).toEqual({ page: "", notes: "beside it" });
});

test("what is typed without a connection is there at once and sent later", () => {
  const { cluster, hers, his } = twoPeople(6);
  cluster.network.cut("ann", "m1");
  cluster.pass(20_000);
  for (const character of "typed offline") hers.notes.y.insert(hers.notes.y.length, character);
  his.notes.y.insert(0, "meanwhile ");
  cluster.pass(5_000);
  expect(`${his.notes}`).toBe("meanwhile ");
  cluster.network.heal("ann", "m1");
  cluster.settle();
  expect(`${hers.notes}`).toBe(`${his.notes}`);
  expect(`${hers.notes}`).toContain("typed offline");
  expect(`${hers.notes}`).toContain("meanwhile ");
});

test("undo is Yjs' own: it takes back what was typed here and nothing else", () => {
  const { cluster, hers, his } = twoPeople(7);
  const undo = new Y.UndoManager(hers.notes.y);
  hers.notes.y.insert(0, "mine");
  cluster.settle();
  his.notes.y.insert(4, " and his");
  cluster.settle();
  undo.undo();
  cluster.settle();
  expect(`${his.notes}`).toBe(" and his");
  undo.redo();
  cluster.settle();
  expect(`${his.notes}`).toBe("mine and his");
});

describe("edits of a bound text that no transaction can take", () => {
  test("wait while another one is being written", () => {
    const { cluster, hers, his } = twoPeople(8);
    hers.transact((b) => {
      hers.notes.y.insert(0, "from outside");
      b.votes.increment();
    });
    cluster.settle();
    expect(his.toJSON()).toEqual({ notes: "from outside", votes: 1 });
  });

  test("are undone and reported when they are too large, and an editor is told to bind anew", () => {
    const { cluster, ann, hers, his } = twoPeople(9);
    hers.notes.y.insert(0, "small");
    const told: string[] = [];
    hers.notes.onReplaced(() => told.push(`${hers.notes}`));
    const { doc } = hers.notes;
    hers.notes.y.insert(0, "x".repeat(600_000));
    expect(told).toEqual(["small"]);
    expect(hers.notes.doc).not.toBe(doc);
    expect(ann.reported).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
    hers.notes.y.insert(5, "!");
    cluster.settle();
    expect(`${his.notes}`).toBe("small!");
  });

  test("are undone and reported when they go to a root that no field can be", () => {
    const { cluster, ann, hers, his } = twoPeople(10);
    hers.notes.doc.getText("no@field").insert(0, "x");
    expect(ann.reported).toMatchObject([{ code: "INVALID_VALUE" }]);
    hers.notes.y.insert(0, "fine");
    cluster.settle();
    expect(his.toJSON()).toEqual({ notes: "fine" });
  });
});

describe("a change that is refused for good", () => {
  /** A master that refuses the next `left` changes. What is made again after a refusal no ledger waits for: time passes. */
  function strict(seed: number) {
    const cluster = world(seed);
    const rights = { left: 0 };
    cluster.master("m1", {
      access: {
        ...openAccess,
        authorize: (_who, _document, right) => {
          if (right !== "write" || rights.left === 0) return true;
          rights.left -= 1;
          return false;
        },
      },
    });
    const [ann, bob] = ["ann", "bob"].map((name) => database(cluster, name, ["m1"], schema));
    const [hers, his] = [ann!, bob!].map(({ db }) => db.open("boards", "roadmap"));
    cluster.pass(5_000);
    return { cluster, rights, ann: ann!, hers: hers!, his: his! };
  }

  test("is taken back with all that was typed on it, at once: the editor is told, and given what it had", () => {
    const { cluster, rights, ann, hers, his } = strict(11);
    his.notes.y.insert(0, "Kept. ");
    cluster.pass(5_000);
    const told: string[] = [];
    hers.notes.onReplaced((was) => told.push(`${was} -> ${hers.notes}`));
    const refused: string[] = [];
    ann.db.onRejected(({ error }) => refused.push(error.code));
    rights.left = 1;
    for (const [i, character] of [..."Gone."].entries()) hers.notes.y.insert(6 + i, character);
    // What does not build on it stays, and so does what is done in another field.
    hers.transact((b) => b.votes.increment());
    cluster.pass(5_000);
    expect(told).toEqual(["Kept. Gone. -> Kept. "]);
    expect(refused).toEqual(["FORBIDDEN", ...Array(4).fill("MALFORMED_OP")]);
    expect(hers.toJSON()).toEqual({ notes: "Kept. ", votes: 1 });
    expect(his.toJSON()).toEqual({ notes: "Kept. ", votes: 1 });

    hers.notes.y.insert(6, "Again.");
    cluster.pass(5_000);
    expect(`${his.notes}`).toBe("Kept. Again.");
    expect(hers.saveState).toBe("saved");
    expect(told).toHaveLength(1);
    expect(ann.reported).toEqual([]);
  });

  test("takes back what goes with text that builds on it, and nothing of that by halves", () => {
    const { cluster, rights, ann, hers, his } = strict(12);
    rights.left = 1;
    hers.transact((b) => b.notes.insert(0, "one"));
    hers.transact((b) => {
      b.votes.increment();
      b.notes.insert(3, " two");
    });
    hers.transact((b) => b.votes.increment(10));
    const refused: string[] = [];
    ann.db.onRejected(({ error }) => refused.push(error.code));
    cluster.pass(5_000);
    expect(refused).toEqual(["FORBIDDEN", "MALFORMED_OP"]);
    for (const board of [hers, his]) expect(board.toJSON()).toEqual({ votes: 10 });
  });

  test("of one text takes back what was typed into another one on it", () => {
    const { cluster, rights, hers, his } = strict(13);
    rights.left = 1;
    hers.notes.y.insert(0, "refused");
    hers.page.y.insert(0, [new Y.XmlText("by the same hand")]);
    cluster.pass(5_000);
    expect(hers.toJSON()).toEqual({});
    hers.page.y.insert(0, [new Y.XmlText("again")]);
    cluster.pass(5_000);
    for (const board of [hers, his]) expect(board.toJSON()).toEqual({ page: "again" });
  });

  test("leaves who shows himself there, with his new cursor", () => {
    const { cluster, rights, hers, his } = strict(14);
    hers.notes.awareness.setLocalStateField("user", { name: "Ann" });
    hers.notes.onReplaced(() => hers.notes.awareness.setLocalStateField("cursor", 1));
    cluster.pass(5_000);
    rights.left = 1;
    hers.notes.y.insert(0, "refused");
    cluster.pass(5_000);
    const shown = { user: { name: "Ann" }, cursor: 1 };
    expect(his.presence.others.map(({ state }) => state)).toEqual([shown]);
    const { awareness } = his.notes;
    expect([...awareness.getStates()].filter(([id]) => id !== awareness.clientID)).toEqual([
      [expect.any(Number), shown],
    ]);
  });

  test("is told to whoever goes on at the old text, once", () => {
    const { cluster, rights, ann, hers } = strict(15);
    const { y } = hers.notes;
    rights.left = 1;
    y.insert(0, "refused");
    cluster.pass(5_000);
    for (const character of "nobody reads this") y.insert(0, character);
    expect(ann.reported).toMatchObject([
      { code: "INVALID_VALUE", message: expect.stringContaining("onReplaced") },
    ]);
    hers.notes.y.insert(0, "fine");
    expect(`${hers.notes}`).toBe("fine");
  });
});
