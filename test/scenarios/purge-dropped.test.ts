/**
 * Purging what was dropped (2.5, 2.10): nothing of a dropped collection, or of a dropped field, is left in states or records,
 * on any node; everything else stays, and so does what was written at the same time.
 */
import { type Draft, lwwRegister, orMap } from "@syncline/core";
import type { Statement } from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "./world.js";

/** Whether a text stands in a node's state of any document, or in a record that it keeps. */
function has(node: SimNode, text: string): boolean {
  const { engine } = node;
  const bytes: Uint8Array[] = [];
  for (const name of engine.namesAfter(undefined, 100)) {
    const document = engine.documentFromDisk(name);
    if (document !== undefined) bytes.push(document.encodeState());
  }
  for (const [stream, held] of engine.heldVector())
    for (let position = 1; position <= held; position++)
      if (engine.keeps(stream, position)) bytes.push(engine.recordAt(stream, position).bytes);
  return bytes.some((some) => Buffer.from(some).includes(text));
}

const states = (node: SimNode, field?: { id: string; kind: string }): string[] =>
  ["a", "b", "c"].map((key) => node.engine.purgeState({ collection: "boards", key }, field).state);

const told = (node: SimNode): string[] =>
  node.engine.conflictList().map(({ type, document }) => `${type} ${document}`);

function alter(cluster: Cluster, node: SimNode, ...statements: Statement[]): void {
  const result = node.alter(...statements);
  cluster.passUntil("the schema is another", () => result.answer !== undefined);
  expect(result.answer).toMatchObject({ ok: true });
}

function purge(cluster: Cluster, node: SimNode, field?: { id: string; kind: string }): void {
  const result = node.purgeDropped("boards", field);
  cluster.passUntil("it is purged", () => result.done);
}

const TITLE = { id: "title", kind: "register" };

/** Once all have met, the titles are purged on every one of these, and nothing secret is left of them. */
function isPurgedEverywhere(cluster: Cluster, all: readonly SimNode[]): void {
  cluster.settle();
  cluster.pass(10_000);
  for (const node of all)
    expect([states(node, TITLE), has(node, "secret")], node.name).toEqual([
      ["purged", "purged", "purged"],
      false,
    ]);
}

function threeNodes(seed: number) {
  const cluster = world(seed, { limits: { ...LIMITS, foldTailChanges: 8 } });
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.pass(1_000);
  alter(
    cluster,
    m1,
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "title", is: { kind: "register", types: [] } },
    { do: "add", collection: "boards", field: "tags", is: { kind: "set", types: [] } },
  );
  cluster.settle();
  for (const node of [m1, m2]) cluster.network.cut(node.name, "f1");
  cluster.network.cut("m1", "m2");
  // Of each document there is a title that is lost, and one of them is deleted.
  for (const key of ["a", "b", "c"]) {
    m1.write(`boards/${key}`, (b: Draft) => b.register("title").set("secret-one"));
    m2.write(`boards/${key}`, (b: Draft) => b.register("title").set("secret-two"));
  }
  cluster.network.healAll();
  cluster.settle();
  for (const key of ["a", "b", "c"]) {
    m1.write(`boards/${key}`, (b: Draft) => b.register("title").set("secret-three"));
    m2.write(`boards/${key}`, (b: Draft) => b.set("tags").add(`kept-${key}`));
  }
  m1.write("notes/n", (b: Draft) => b.register("title").set("untouched"));
  cluster.settle();
  return { cluster, m1, m2, f1, all: [m1, m2, f1] };
}

test("a dropped collection is gone from states and records everywhere, and stays purged when it is brought back", () => {
  const { cluster, m1, m2, all } = threeNodes(91);
  m1.write("boards/c", (b: Draft) => b.deleteDocument());
  alter(cluster, m1, { do: "drop", collection: "boards" });
  cluster.settle();
  for (const node of all) expect([has(node, "secret"), has(node, "kept")], node.name).toEqual([true, true]);
  purge(cluster, m2);
  cluster.settle();
  cluster.pass(10_000);
  for (const node of all) {
    expect(states(node), node.name).toEqual(["purged", "purged", "purged"]);
    expect([has(node, "secret"), has(node, "kept")], node.name).toEqual([false, false]);
    expect(told(node)).toEqual([]);
    expect(node.json("notes/n")).toEqual({ title: "untouched" });
  }
  alter(cluster, m1, { do: "undrop", collection: "boards" });
  cluster.settle();
  for (const node of all) expect(node.engine.keys("boards", undefined, 10)).toEqual([]);
});

test("a dropped field is gone, with what was lost in it; the other fields, and deletions, stay", () => {
  const { cluster, m1, m2, f1, all } = threeNodes(92);
  m1.write("boards/c", (b: Draft) => b.deleteDocument());
  alter(cluster, m1, { do: "drop", collection: "boards", field: "title" });
  cluster.settle();
  for (const node of all) expect(states(node, TITLE)).toEqual(["present", "present", "present"]);
  purge(cluster, m1, TITLE);
  cluster.settle();
  cluster.pass(10_000);
  for (const node of all) {
    expect(states(node, TITLE), node.name).toEqual(["purged", "purged", "purged"]);
    expect(has(node, "secret"), node.name).toBe(false);
    expect(told(node), node.name).toEqual([]);
    expect(node.json("boards/a")).toEqual({ tags: ["kept-a"] });
    expect(node.engine.keys("boards", undefined, 10)).toEqual(["a", "b"]);
    expect(node.json("notes/n")).toEqual({ title: "untouched" });
  }
  // What a deletion hid is there when it is brought back, but for the field.
  const asIs = { level: "durable", waitMs: 1_000, asIs: true, token: new Map() } as const;
  m2.engine.transact(
    { collection: "boards", key: "c" },
    (b) => b.restoreDocument(),
    asIs,
    () => {},
  );
  cluster.settle();
  m2.restart();
  cluster.settle();
  for (const node of [m1, m2, f1]) expect(node.engine.keys("boards", undefined, 10)).toContain("c");
});

test("a member that is away holds records up; it is purged when it is back, and so are those that were started again", () => {
  const { cluster, m1, m2, f1, all } = threeNodes(93);
  f1.kill();
  alter(cluster, m1, { do: "drop", collection: "boards", field: "title" });
  cluster.pass(1_000);
  purge(cluster, m2, TITLE);
  cluster.pass(10_000);
  for (const node of [m1, m2]) expect(states(node, TITLE)).toEqual(["purging", "purging", "purging"]);
  m2.restart();
  cluster.pass(5_000);
  expect(states(m2, TITLE)).toEqual(["purging", "purging", "purging"]);
  f1.start();
  isPurgedEverywhere(cluster, all);
});

test("a lost value alone is a field's content, too; the record that takes it off the list is waited for", () => {
  const { cluster, m1, m2, f1, all } = threeNodes(96);
  for (const key of ["a", "b", "c"]) m1.write(`boards/${key}`, (b: Draft) => b.register("title").clear());
  alter(cluster, m1, { do: "drop", collection: "boards", field: "title" });
  cluster.settle();
  cluster.pass(1_000);
  f1.kill();
  for (const node of all.slice(0, 2))
    expect(states(node, TITLE), node.name).toEqual(["present", "present", "present"]);
  // Whoever purges would drop the field again when all is done, and so have it looked for again.
  const options = { level: "durable", waitMs: 10_000 } as const;
  for (const key of ["a", "b", "c"])
    m2.engine.purgeDropped({ collection: "boards", key }, TITLE, options, () => {});
  cluster.pass(10_000);
  for (const node of [m1, m2])
    expect([states(node, TITLE), has(node, "secret")], node.name).toEqual([
      ["purging", "purging", "purging"],
      true,
    ]);
  f1.start();
  isPurgedEverywhere(cluster, all);
});

test("conflicts of other fields keep no field purging, and neither does a field that nobody ever wrote to", () => {
  const cluster = world(97);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const register = { kind: "register", types: [] } as const;
  const add = (field: string) => ({ do: "add", collection: "boards", field, is: register }) as const;
  cluster.pass(1_000);
  alter(cluster, m1, { do: "create", collection: "boards" }, add("title"), add("votes"), add("never"));
  m1.write("boards/a", (b: Draft) => b.register("title").set("old"));
  cluster.settle();
  m1.write("boards/a", (b: Draft) => b.register("title").clear());
  const drop = (field: string) => ({ do: "drop", collection: "boards", field }) as const;
  alter(cluster, m1, drop("title"), drop("never"));
  cluster.settle();
  cluster.pass(10_000);
  const records = (): number => m1.engine.status().retained.records;
  const before = records();
  for (let i = 1; i <= 20; i++) {
    m1.write("boards/a", (b: Draft) => b.register("votes").set(i));
    m2.write("boards/a", (b: Draft) => b.register("votes").set(-i));
    cluster.pass(500);
    expect(m1.engine.purgeState({ collection: "boards", key: "a" }, TITLE).state).toBe("purged");
  }
  expect(m1.engine.conflictList().length).toBeGreaterThan(0);
  // They would be let go at once if something were to be purged.
  expect(records()).toBeGreaterThanOrEqual(before + 40);
});

test.each([undefined, TITLE])(
  "what is written at the same time stays, and is told: of a collection, or of the field %o",
  (field) => {
    const { cluster, m1, m2, all } = threeNodes(94);
    alter(cluster, m1, { do: "drop", collection: "boards", ...(field && { field: "title" }) });
    cluster.settle();
    cluster.network.cut("m1", "m2");
    cluster.network.cut("m1", "f1");
    m2.write("boards/a", (b: Draft) => b.register("title").set("meanwhile"));
    cluster.pass(500);
    purge(cluster, m1, field);
    cluster.network.healAll();
    cluster.settle();
    cluster.pass(10_000);
    for (const node of all) {
      expect(states(node, field)[0]).toBe("present");
      expect(states(node, field)[1]).toBe("purged");
      expect(told(node)).toContain("write_to_dropped boards/a");
      expect(node.engine.conflictList()).toEqual(m1.engine.conflictList());
      expect(has(node, "secret")).toBe(false);
    }
    purge(cluster, m2, field);
    cluster.settle();
    cluster.pass(10_000);
    for (const node of all) {
      expect([states(node, field)[0], has(node, "meanwhile")]).toEqual(["purged", false]);
      expect(told(node)).toEqual([]);
    }
  },
);

test("what is not dropped is not purged, nor what has the name by now", () => {
  const { cluster, m1 } = threeNodes(95);
  const refused = (collection: string, field?: typeof TITLE): unknown => {
    let answer: unknown = "none";
    const options = { level: "durable", waitMs: 1_000 } as const;
    m1.engine.purgeDropped({ collection, key: "a" }, field, options, (done) => (answer = done));
    return answer;
  };
  for (const field of [undefined, TITLE])
    expect(refused("boards", field)).toMatchObject({ ok: false, fault: { code: "MALFORMED_OP" } });
  expect(refused("notes")).toMatchObject({ ok: false, fault: { code: "MALFORMED_OP" } });
  alter(cluster, m1, { do: "drop", collection: "boards" }, { do: "create", collection: "boards" });
  m1.write("boards.2/a", (b: Draft) => b.at("cards", orMap).at("k", lwwRegister).set("new"));
  cluster.settle();
  purge(cluster, m1);
  cluster.settle();
  expect(m1.json("boards.2/a")).toEqual({ cards: { k: "new" } });
});
