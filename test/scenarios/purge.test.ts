/** Purging (2.10): nothing of what a deleted document held is left in states or records, on any node, however it came by it. */
import { createChange, type Draft, KINDS, lwwRegister, orMap } from "@syncline/core";
import { LIMITS } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { type MemoryStorage, memoryStorage } from "@syncline/storage";
import { expect, test } from "vitest";
import { allPurging } from "../../packages/engine/src/node/tables.js";
import { RawClient } from "./rawclient.js";
import { world } from "./world.js";

const A = { collection: "boards", key: "a" };

function purge(cluster: Cluster, node: SimNode): void {
  cluster.settle();
  purgeNow(cluster, node);
}

/** Without waiting for the others. */
function purgeNow(cluster: Cluster, node: SimNode): void {
  cluster.pass(100);
  const result = node.purge("boards/a");
  cluster.pass(100);
  expect(result.answer).toMatchObject({ ok: true });
}

/** Whether a text stands in a node's state of the document, or in a record that it keeps. */
function has(node: SimNode, text: string): boolean {
  const { engine } = node;
  const bytes = [engine.documentFromDisk(A)?.encodeState() ?? new Uint8Array(0)];
  for (const [stream, held] of engine.heldVector())
    for (let position = 1; position <= held; position++)
      if (engine.keeps(stream, position)) bytes.push(engine.recordAt(stream, position).bytes);
  return bytes.some((some) => Buffer.from(some).includes(text));
}

const state = (node: SimNode) => node.engine.purgeState(A).state;

function threeNodes(seed: number) {
  const cluster = world(seed, { limits: { ...LIMITS, foldTailChanges: 8 } });
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.pass(1_000);
  return { cluster, m1, m2, f1, all: [m1, m2, f1] };
}

test("values, removed ones, map keys and values lost in conflicts are gone from states and records everywhere", () => {
  const { cluster, m1, m2, all } = threeNodes(1);
  cluster.network.cut("m1", "m2");
  cluster.network.cut("m2", "f1");
  m1.write("boards/a", (b: Draft) => b.register("title").set("secret-one"));
  m2.write("boards/a", (b: Draft) => b.register("title").set("secret-two"));
  cluster.network.heal("m1", "m2");
  cluster.network.heal("m2", "f1");
  cluster.settle();
  // One of the two is lost, and kept as lost.
  m1.write("boards/a", (b: Draft) => b.register("title").set("secret-three"));
  m2.write("boards/a", (b: Draft) => b.set("tags").add("secret-tag"));
  m2.write("boards/a", (b: Draft) => b.at("cards", orMap).at("secret-key", lwwRegister).set(1));
  cluster.settle();
  m2.write("boards/a", (b: Draft) => b.deleteDocument());
  cluster.settle();
  for (const node of all) expect([has(node, "secret"), state(node)], node.name).toEqual([true, "present"]);
  purge(cluster, m1);
  cluster.settle();
  cluster.pass(5_000);
  for (const node of all) {
    expect(state(node), node.name).toBe("purged");
    expect(has(node, "secret"), node.name).toBe(false);
    expect(node.engine.keys("boards", undefined, 10)).toEqual([]);
  }
  // A node that comes later has nothing to confirm but what it got.
  const f2 = cluster.follower("f2", { follow: ["m2"] });
  cluster.settle();
  cluster.pass(5_000);
  expect([state(f2), has(f2, "secret")]).toEqual(["purged", false]);
});

test("what is not deleted is not purged", () => {
  const { cluster, m1 } = threeNodes(4);
  m1.write("boards/a", (b: Draft) => b.register("title").set("kept"));
  cluster.settle();
  const result = m1.purge("boards/a");
  cluster.settle();
  expect(result.answer).toMatchObject({ ok: false, fault: { code: "MALFORMED_OP" } });
  expect([m1.json("boards/a"), state(m1)]).toEqual([{ title: "kept" }, "present"]);
});

test("a node that is away holds the others' records up; they and it are purged once it is back, also after restarts", () => {
  const { cluster, m1, m2, f1, all } = threeNodes(2);
  m1.write("boards/a", (b: Draft) => b.register("title").set("secret"));
  cluster.settle();
  f1.kill();
  m1.write("boards/a", (b: Draft) => b.deleteDocument());
  purge(cluster, m2);
  cluster.settle();
  cluster.pass(5_000);
  for (const node of [m1, m2]) expect(state(node)).toBe("purging");
  m2.restart();
  cluster.pass(2_000);
  expect(state(m2)).toBe("purging");
  f1.restart();
  cluster.settle();
  cluster.pass(5_000);
  for (const node of all) expect([state(node), has(node, "secret")], node.name).toEqual(["purged", false]);
});

test("what was written at the same time as the purge stays, hidden, and is told; a second purge takes it away", () => {
  const { cluster, m1, m2, all } = threeNodes(3);
  m1.write("boards/a", (b: Draft) => b.register("title").set("secret"));
  cluster.settle();
  cluster.network.cut("m1", "m2");
  cluster.network.cut("f1", "m2");
  m2.write("boards/a", (b: Draft) => b.set("tags").add("meanwhile"));
  m1.write("boards/a", (b: Draft) => b.deleteDocument());
  purgeNow(cluster, m1);
  cluster.network.heal("m1", "m2");
  cluster.network.heal("f1", "m2");
  cluster.settle();
  cluster.pass(5_000);
  for (const node of all) {
    expect(node.engine.purgeState(A)).toEqual({
      state: "present",
      reason: "tags holds something, hidden by a deletion",
    });
    expect(node.engine.conflictList()).toMatchObject([{ type: "write_to_dropped", document: "boards/a" }]);
  }
  purge(cluster, m2);
  cluster.settle();
  cluster.pass(5_000);
  for (const node of all) expect([state(node), has(node, "meanwhile")], node.name).toEqual(["purged", false]);
});

test("what was purged stands in another stream, too, and is shown there later: that record goes as well", () => {
  const cluster = world(6);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"], rule: { kind: "any", needed: 1, names: ["f1"] } });
  cluster.pass(1_000);
  cluster.network.cut("m1", "m2");
  const { bytes } = createChange({
    document: A,
    author: 55,
    first: 1,
    stamp: 1,
    observed: [],
    paths: [[{ name: "tags", kind: KINDS.set }]],
    ops: [{ path: 0, op: { act: "add", element: "secret", replaces: [] } }],
  });
  for (const node of ["m1", "m2"]) {
    const eve = new RawClient(cluster, `eve at ${node}`, node);
    cluster.pass(100);
    eve.send({ kind: "offer", first: 1, session: undefined, changes: [bytes] });
    cluster.pass(100);
  }
  cluster.network.heal("m1", "m2");
  cluster.pass(5_000);
  m1.write("boards/a", (b: Draft) => b.deleteDocument());
  purgeNow(cluster, m1);
  cluster.pass(10_000);
  // The record of m2 is not committed, and nobody has it shown yet.
  for (const node of [m1, m2]) expect(state(node), node.name).toBe("purged");
  const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.settle();
  // It came with a snapshot: records are kept for a minute.
  cluster.pass(90_000);
  for (const node of [m1, m2, f1])
    expect([state(node), has(node, "secret")], node.name).toEqual(["purged", false]);
});

test("more documents than are looked at in one go: each is remembered until its records are gone, then all are let go of", () => {
  const COUNT = 120;
  const disks: MemoryStorage[] = [];
  const cluster = world(5, {
    disk: (scheduler) => {
      const disk = memoryStorage({ scheduler });
      disks.push(disk);
      return disk;
    },
  });
  const m1 = cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(1_000);
  const ids = Array.from({ length: COUNT }, (_, i) => `boards/${i}`);
  for (const id of ids) m1.write(id, (b: Draft) => b.register("title").set("secret"));
  cluster.settle();
  f1.kill();
  for (const id of ids) m1.write(id, (b: Draft) => b.deleteDocument());
  cluster.pass(1_000);
  for (const id of ids) m1.purge(id);
  cluster.pass(5_000);
  const remembered = () => [...(disks[0]?.scan(allPurging()) ?? [])].length;
  expect(remembered()).toBe(COUNT);
  f1.start();
  cluster.settle();
  cluster.pass(10_000);
  expect(remembered()).toBe(0);
  for (const id of ids)
    expect(m1.engine.purgeState({ collection: "boards", key: id.slice("boards/".length) }).state).toBe(
      "purged",
    );
});
