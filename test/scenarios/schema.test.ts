/** Schema changes and deletions on several masters that do not hear each other, and on their followers. */
import type { Draft } from "@syncline/core";
import {
  alterSchema,
  arranged,
  diffSchema,
  parseSchema,
  type Statement,
  TextRefused,
} from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "./world.js";

const spec = (kind: string, ...types: string[]) => ({ kind, types });

function alter(cluster: Cluster, node: SimNode, ...statements: Statement[]): void {
  const result = node.alter(...statements);
  for (let ms = 0; ms < 100 && result.answer === undefined; ms++) cluster.pass(1);
  expect(result.answer).toMatchObject({ ok: true });
}

const schemaOf = ({ engine }: SimNode) =>
  engine.catalog().collections.map(({ id, key, dropped, fields }) => ({
    id,
    key,
    dropped,
    fields: fields.map((field) => `${field.key}: ${field.kind}${field.dropped ? " dropped" : ""}`),
  }));

const told = ({ engine }: SimNode) => engine.conflictList();

function mastersAndFollower(seed: number) {
  const cluster = world(seed);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.pass(1_000);
  return { cluster, m1, m2, f1, all: [m1, m2, f1] };
}

test("conflicting definitions on both sides of a cut: one collection, both kinds, told alike everywhere (I5, I11)", () => {
  const { cluster, m1, m2, all } = mastersAndFollower(1);
  cluster.network.cut("m1", "m2");
  cluster.network.cut("m2", "f1");
  alter(
    cluster,
    m1,
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "x", is: spec("counter") },
  );
  alter(
    cluster,
    m2,
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "x", is: spec("set", "any") },
  );
  m1.write("boards/a", (b: Draft) => b.counter("x").increment());
  m2.write("boards/a", (b: Draft) => b.set("x").add("e"));
  cluster.network.heal("m1", "m2");
  cluster.network.heal("m2", "f1");
  cluster.settle();
  for (const node of all) {
    expect(schemaOf(node)).toEqual([
      { id: "boards", key: "boards", dropped: false, fields: ["x: counter", "x@set: set"] },
    ]);
    expect(told(node)).toMatchObject([{ type: "type_conflict", field: "boards.x" }]);
    expect(told(node)).toEqual(told(m1));
  }
  alter(cluster, m2, { do: "rename", collection: "boards", field: "x@set", to: "tags" });
  cluster.settle();
  for (const node of all) {
    expect(schemaOf(node)[0]?.fields).toEqual(["x: counter", "tags: set"]);
    expect(told(node)).toEqual([]);
  }
});

test("a drop against a hundred concurrent inserts: kept, told, brought back; re-creation is empty (I11)", () => {
  const { cluster, m1, m2, all } = mastersAndFollower(2);
  alter(
    cluster,
    m1,
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "x", is: spec("counter") },
  );
  m1.write("boards/before", (b: Draft) => b.counter("x").increment());
  cluster.settle();
  cluster.network.cut("m1", "m2");
  alter(cluster, m1, { do: "drop", collection: "boards" });
  for (let i = 0; i < 100; i++) m2.write(`boards/k${i}`, (b: Draft) => b.counter("x").increment());
  cluster.network.heal("m1", "m2");
  cluster.settle();
  for (const node of all) {
    const late = told(node).filter(({ type }) => type === "write_to_dropped");
    expect(late).toHaveLength(100);
    expect(late.map(({ document }) => document)).not.toContain("boards/before");
    expect(told(node).map(({ id }) => id)).toEqual(told(m1).map(({ id }) => id));
  }
  alter(cluster, m2, { do: "create", collection: "boards" });
  cluster.settle();
  for (const { engine } of all) expect(engine.catalog().named("boards")?.id).toBe("boards.2");
  alter(cluster, m1, { do: "undrop", collection: "boards", as: "archive" });
  cluster.settle();
  for (const node of all) {
    expect(node.engine.catalog().named("archive")?.id).toBe("boards");
    expect(node.engine.keys("boards", undefined, 1_000)).toHaveLength(101);
    for (let i = 0; i < 100; i++) expect(node.json(`boards/k${i}`)).toEqual({ x: 1 });
    expect(told(node)).toEqual([]);
  }
});

test("a document deleted on one side and written on the other: hidden everywhere, told alike, restored", () => {
  const { cluster, m1, m2, f1, all } = mastersAndFollower(3);
  m1.write("boards/a", (b: Draft) => b.register("title").set("a"));
  cluster.settle();
  cluster.network.cut("m1", "m2");
  m1.write("boards/a", (b: Draft) => b.deleteDocument());
  m2.write("boards/a", (b: Draft) => b.counter("votes").increment());
  cluster.network.heal("m1", "m2");
  cluster.settle();
  for (const node of all) {
    expect(node.json("boards/a")).toEqual({});
    expect(node.engine.keys("boards", undefined, 10)).toEqual([]);
    expect(told(node)).toMatchObject([{ type: "write_to_dropped", document: "boards/a" }]);
    expect(told(node)).toEqual(told(m1));
  }
  f1.restart();
  cluster.pass(2_000);
  expect(told(f1)).toEqual(told(m1));
  expect(f1.engine.keys("boards", undefined, 10)).toEqual([]);
  const [conflict] = told(m2);
  m2.restoreLoser(conflict!);
  cluster.settle();
  for (const node of all) {
    expect(node.json("boards/a")).toEqual({ title: "a", votes: 1 });
    expect(told(node)).toEqual([]);
  }
});

test("a node looks through conflictDocumentsMax documents, and tells of conflictsMax conflicts, the newest", () => {
  const cluster = world(4, { limits: { ...LIMITS, conflictDocumentsMax: 3, conflictsMax: 2 } });
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  cluster.pass(1_000);
  cluster.network.cut("m1", "m2");
  for (const key of ["a", "b", "c", "d"]) {
    for (const node of [m1, m2])
      node.write(`boards/${key}`, (b: Draft) => b.register("title").set(node.name));
    cluster.pass(10);
  }
  cluster.network.heal("m1", "m2");
  cluster.settle();
  for (const node of [m1, m2]) {
    expect(told(node).map(({ document }) => document)).toEqual(["boards/c", "boards/d"]);
    expect(node.engine.conflictList({ collection: "boards", key: "b" })).toHaveLength(1);
  }
});

const BOARDS: Statement[] = [
  { do: "create", collection: "boards" },
  { do: "add", collection: "boards", field: "title", is: spec("register", "string") },
  { do: "add", collection: "boards", field: "votes", is: spec("counter") },
];

test("a field dropped against writes to it: told for those documents alone, with the values, until it is back (I5)", () => {
  const { cluster, m1, m2, f1, all } = mastersAndFollower(5);
  alter(cluster, m1, ...BOARDS);
  m1.write("boards/before", (b: Draft) => b.register("title").set("seen"));
  cluster.settle();
  cluster.network.cut("m1", "m2");
  alter(cluster, m1, { do: "drop", collection: "boards", field: "title" });
  m2.write("boards/late", (b: Draft) => b.register("title").set("unseen"));
  m2.write("boards/before", (b: Draft) => b.counter("votes").increment());
  cluster.network.heal("m1", "m2");
  cluster.settle();
  f1.restart();
  cluster.pass(2_000);
  for (const node of all) {
    expect(told(node)).toMatchObject([
      {
        type: "write_to_dropped",
        document: "boards/late",
        field: "title",
        winner: { kind: "field" },
        losers: [{ value: "unseen" }],
      },
    ]);
    expect(told(node)).toEqual(told(m1));
  }
  alter(cluster, m2, { do: "undrop", collection: "boards", field: "title" });
  cluster.settle();
  for (const node of all) expect(told(node)).toEqual([]);
});

test("a client that drops says what it has seen: what others write meanwhile is told (I5)", () => {
  const { cluster, m1, m2, all } = mastersAndFollower(6);
  const client = cluster.client("c1", ["m1"]);
  const schema = client.open("_syncline/schema");
  const alterBy = (...statements: Statement[]) =>
    client.write("_syncline/schema", (draft) =>
      alterSchema(draft, statements, { seen: schema.session.vector() }),
    );
  cluster.settle();
  alterBy(...BOARDS);
  cluster.settle();
  m1.write("boards/before", (b: Draft) => b.register("title").set("seen"));
  cluster.settle();
  cluster.pass(1_000);
  cluster.network.cut("m1", "c1");
  alterBy({ do: "drop", collection: "boards", field: "title" });
  m2.write("boards/late", (b: Draft) => b.register("title").set("unseen"));
  cluster.pass(1_000);
  cluster.network.heal("m1", "c1");
  cluster.settle();
  for (const node of all) {
    expect(told(node)).toMatchObject([{ type: "write_to_dropped", document: "boards/late", field: "title" }]);
    expect(told(node)).toEqual(told(m1));
  }
});

test("what is folded before the drop is known, or comes by snapshot, is told like everything else (I5)", () => {
  const limits = { ...LIMITS, foldTailChanges: 8, truncationRecordsMin: 4, retentionRecordsMax: 10 };
  const cluster = world(7, { limits });
  const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
  const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
  const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
  cluster.pass(1_000);
  alter(cluster, m1, ...BOARDS);
  cluster.settle();
  for (const other of ["m1", "m2"]) cluster.network.cut(other, "m3");
  alter(cluster, m3, { do: "drop", collection: "boards", field: "title" });
  m1.write("boards/a", (b: Draft) => b.register("title").set("unseen"));
  for (let i = 0; i < 60; i++) m1.write("boards/a", (b: Draft) => b.counter("votes").increment());
  for (let i = 0; i < 60; i++) m1.write("boards/b", (b: Draft) => b.counter("votes").increment());
  cluster.pass(5_000);
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(5_000);
  for (const other of ["m1", "m2"]) cluster.network.heal(other, "m3");
  const f2 = cluster.follower("f2", { follow: ["f1"] });
  cluster.settle();
  cluster.pass(5_000);
  for (const node of [m1, m2, m3, f1, f2]) {
    expect(told(node), node.name).toMatchObject([
      { type: "write_to_dropped", document: "boards/a", field: "title", losers: [{ value: "unseen" }] },
    ]);
    expect(told(node)).toEqual(told(m1));
  }
});

test("a client that was away while the schema changed twice: what it wrote by the old names goes where it belongs, and all else is whole", () => {
  const { cluster, m1, m2, all } = mastersAndFollower(31);
  alter(
    cluster,
    m1,
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "votes", is: spec("counter") },
  );
  const ann = cluster.client("ann", ["m1", "m2"]);
  ann.write("boards/a", (b: Draft) => b.counter("votes").increment());
  cluster.settle();
  for (const node of all) cluster.network.cut("ann", node.name);
  alter(
    cluster,
    m2,
    { do: "rename", collection: "boards", field: "votes", to: "likes" },
    { do: "add", collection: "boards", field: "votes", is: spec("set", "string") },
  );
  alter(cluster, m1, { do: "rename", collection: "boards", to: "tables" });
  const bob = cluster.client("bob", ["m2"]);
  bob.write("boards/a", (b: Draft) => b.set("votes").add("of a kind that ann does not know there"));
  ann.write("boards/a", (b: Draft) => b.counter("votes").increment(10));
  cluster.pass(5_000);
  cluster.network.healAll();
  cluster.settle();
  for (const node of all) {
    const [collection] = node.engine.catalog().live;
    const document = node.document("boards/a");
    expect(arranged(collection, document?.toJSON() ?? {}, document?.kinds() ?? {})).toEqual({
      likes: 11,
      votes: ["of a kind that ann does not know there"],
    });
    expect(collection?.key).toBe("tables");
    expect(told(node)).toEqual([]);
  }
});

test("a follower that is asked for a schema change refuses, names the masters, and nothing has changed", () => {
  const { cluster, m1, f1, all } = mastersAndFollower(32);
  alter(cluster, m1, { do: "create", collection: "boards" });
  cluster.settle();
  const refused = f1.alter({ do: "drop", collection: "boards" });
  cluster.pass(100);
  expect(refused.answer).toMatchObject({
    ok: false,
    fault: { code: "READ_ONLY_FOLLOWER", masters: expect.arrayContaining(["sim://m1", "sim://m2"]) },
  });
  const again = m1.alter({ do: "add", collection: "nowhere", field: "x", is: spec("set") });
  cluster.pass(100);
  expect(again.answer).toMatchObject({ ok: false, fault: { code: "SCHEMA_CONFLICT" } });
  cluster.settle();
  for (const node of all)
    expect(schemaOf(node)).toEqual([{ id: "boards", key: "boards", dropped: false, fields: [] }]);
});

/** What a file comes to at a node: it is applied, or refused with every place that is wrong. */
function applyFile(cluster: Cluster, node: SimNode, text: string) {
  try {
    const { statements, faults } = diffSchema(node.engine.catalog(), parseSchema(text));
    if (faults.length > 0) return faults;
    alter(cluster, node, ...statements);
    return [];
  } catch (error) {
    if (error instanceof TextRefused) return [error.fault];
    throw error;
  }
}

test("a file with mistakes, and a change that is no widening, are refused on both sides of a cut, with the place and what to do; nothing has changed", () => {
  const { cluster, m1, m2, all } = mastersAndFollower(33);
  const file = "collection boards {\n  title: register<string>\n  votes: counter\n}\n";
  expect(applyFile(cluster, m1, file)).toEqual([]);
  cluster.settle();
  const before = JSON.stringify(m1.engine.catalog().collections);
  cluster.network.cut("m1", "m2");
  for (const node of [m1, m2]) {
    expect(applyFile(cluster, node, file.replace("register", "regster"))).toMatchObject([
      { line: 2, column: 10, reason: expect.stringMatching(/^regster is no kind/) },
    ]);
    expect(applyFile(cluster, node, file.replace("counter", "set<string>"))).toMatchObject([
      { line: 3, column: 3, reason: expect.stringMatching(/a kind never changes in place: add/) },
    ]);
    expect(applyFile(cluster, node, file.replace("<string>", "<number>"))).toMatchObject([
      { line: 2, column: 3, reason: expect.stringMatching(/is narrower.*Keep string/) },
    ]);
    const to = spec("register", "number");
    const narrow = node.alter({ do: "widen", collection: "boards", field: "title", to });
    cluster.pass(100);
    expect(narrow.answer).toMatchObject({
      ok: false,
      fault: { code: "SCHEMA_CONFLICT", reason: expect.stringMatching(/is narrower.*Keep string/) },
    });
  }
  // Each side widens as it likes: both types may stand there, and neither is refused for the other's sake.
  expect(applyFile(cluster, m1, file.replace("<string>", "<string | null>"))).toEqual([]);
  expect(applyFile(cluster, m2, file.replace("<string>", "<string | number>"))).toEqual([]);
  cluster.network.healAll();
  cluster.settle();
  for (const node of all) {
    expect(JSON.stringify(node.engine.catalog().collections)).toBe(
      before.replace('["string"]', '["null","number","string"]'),
    );
    expect(told(node)).toEqual([]);
  }
});
