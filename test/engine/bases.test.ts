/** What stands at the beginning of every log is folded into bases and let go; nothing of it is lost (SPINE 10, 11, I2, I10). */
import { Document } from "@syncline/core";
import type { Limits } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { describe, expect, test, vi } from "vitest";
import { RawClient } from "../scenarios/rawclient.js";
import { world } from "../scenarios/world.js";

/** So small that a handful of writes is a long history. */
const SMALL: Partial<Limits> = {
  foldTailChanges: 8,
  truncationRecordsMin: 4,
  retentionRecordsMax: 10,
  foldChangesMax: 5,
};

const increment = (node: SimNode, id = "boards/a") =>
  node.write(id, (b) => b.counter("votes").increment(), { waitMs: 60_000 });

function write(cluster: Cluster, node: SimNode, count: number, ids = ["boards/a", "boards/b"]): void {
  for (let i = 0; i < count; i++) {
    increment(node, ids[i % ids.length]);
    if (i % 10 === 9) cluster.pass(100);
  }
  cluster.pass(1_000);
}

const retained = (node: SimNode) => node.engine.status().retained.records;

describe("truncation", () => {
  test("a log does not grow with its history, and what it brought is all there, also after a restart", () => {
    const cluster = world(1, { limits: SMALL });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    write(cluster, m1, 200);
    expect(retained(m1)).toBeLessThanOrEqual(2 * 10);
    const both = () => [m1.json("boards/a"), m1.json("boards/b")];
    expect(both()).toEqual([{ votes: 100 }, { votes: 100 }]);
    m1.restart();
    cluster.pass(1_000);
    expect(both()).toEqual([{ votes: 100 }, { votes: 100 }]);
    write(cluster, m1, 20);
    expect(both()).toEqual([{ votes: 110 }, { votes: 110 }]);
  });

  test("as long as a member is behind, its records are kept, up to the limit", () => {
    const cluster = world(2, { limits: { ...SMALL, retentionRecordsMax: 1_000 } });
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(1_000);
    f1.kill();
    write(cluster, m1, 100);
    expect(retained(m1)).toBeGreaterThanOrEqual(100);
    f1.restart();
    cluster.settle();
    cluster.pass(2_000);
    write(cluster, m1, 20);
    expect(retained(m1)).toBeLessThan(40);
    expect(f1.json("boards/a")).toEqual({ votes: 60 });
  });

  test("what only one master's disk has is not folded and not let go, however much it is (SPINE 10)", () => {
    const cluster = world(3, { limits: SMALL });
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    cluster.settle();
    m2.kill();
    cluster.pass(1_000);
    write(cluster, m1, 100);
    expect(retained(m1)).toBeGreaterThanOrEqual(100);
    m2.restart();
    cluster.settle();
    cluster.pass(5_000);
    write(cluster, m1, 20);
    expect(retained(m1)).toBeLessThan(60);
    expect(m2.json("boards/a")).toEqual({ votes: 60 });
  });
});

describe("a large document", () => {
  const LARGE = { ...SMALL, truncationRecordsMin: 100_000, retentionRecordsMax: 1_000_000 };

  /** How often its state was written while so much was changed, one change at a time, at one that has never rested. */
  function encodedFor(changes: number, limits: Partial<Limits>) {
    const cluster = world(5, { limits });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    m1.write("boards/a", (b) => {
      for (let i = 0; i < 64; i++) b.register(`r${i}`).set("x".repeat(1_000));
    });
    for (let i = 0; i < 20; i++) increment(m1);
    cluster.pass(2_000);
    const encodings = vi.spyOn(Document.prototype, "encodeState");
    for (let i = 0; i < changes; i++) {
      increment(m1);
      if (i % 4 === 0) cluster.pass(5);
    }
    const count = encodings.mock.calls.length;
    encodings.mockRestore();
    cluster.pass(1_000);
    m1.restart();
    cluster.pass(2_000);
    expect(m1.json("boards/a")).toMatchObject({ votes: changes + 20 });
    return count;
  }

  test("is written anew when as much has come as it is large, not with every handful of changes", () => {
    // 64 kB, and changes of some 40 bytes: once for 1,600 of them, or so.
    expect(encodedFor(400, LARGE)).toBeLessThanOrEqual(1);
    const count = encodedFor(4_000, LARGE);
    expect(count).toBeGreaterThanOrEqual(2);
    expect(count).toBeLessThanOrEqual(4_000 / 128);
  });

  test("takes more changes at once than a small one when records are let go", () => {
    const letGo = { ...LARGE, truncationRecordsMin: 300 };
    const count = encodedFor(1_200, letGo);
    expect(count).toBeGreaterThanOrEqual(1);
    // In slices of five it would be 240.
    expect(count).toBeLessThanOrEqual(16);
    // Both limits say how many more: no more than foldAtOnceMax, and one for each foldBytesEach of the state.
    for (const few of [{ foldAtOnceMax: 10 }, { foldBytesEach: 6_400 }])
      expect(encodedFor(1_200, { ...letGo, ...few }), JSON.stringify(few)).toBeGreaterThan(3 * count);
  });
});

describe("snapshots", () => {
  test("a change that stands in one is known again when its client offers it there, too (I2)", () => {
    const cluster = world(6, { limits: SMALL });
    const m1 = cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    cluster.settle();
    const change = new Document({ collection: "boards", key: "a" }).transact({ author: 7, stamp: 1 }, (b) =>
      b.counter("votes").increment(),
    );
    if (change === undefined) throw new Error("no change");
    const offer = { kind: "offer", first: 1, session: new Map(), changes: [change.bytes] } as const;
    const first = new RawClient(cluster, "r1", "m1");
    cluster.pass(100);
    first.send(offer);
    cluster.pass(100);
    write(cluster, m1, 100, ["boards/b"]);
    expect(m1.engine.status().streams.find(({ node }) => node === "m1")?.truncated).toBeGreaterThan(50);
    const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
    cluster.passUntil("it is here", () => m3.json("boards/a") !== undefined);
    const second = new RawClient(cluster, "r2", "m3");
    cluster.pass(100);
    second.send(offer);
    cluster.pass(1_000);
    expect(second.durable).toBe(1);
    expect(second.refusals).toEqual([]);
    expect(m3.json("boards/a")).toEqual({ votes: 1 });
  });

  test("a follower that comes when the beginning is gone gets a snapshot, then records", () => {
    const cluster = world(4, { limits: SMALL });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    write(cluster, m1, 200);
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.settle();
    expect(f1.json("boards/a")).toEqual({ votes: 100 });
    increment(m1);
    cluster.settle();
    expect(f1.json("boards/a")).toEqual({ votes: 101 });
    f1.restart();
    cluster.settle();
    expect(f1.json("boards/a")).toEqual({ votes: 101 });
    expect(f1.engine.keys("boards", undefined, 10)).toEqual(["a", "b"]);
  });

  test("a master that was away too long is lost, gets one, and what it alone had is played on top", () => {
    const cluster = world(5, { limits: SMALL });
    const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
    const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
    const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
    cluster.settle();
    write(cluster, m3, 20);
    cluster.settle();
    for (const other of ["m1", "m2"]) cluster.network.cut("m3", other);
    for (let i = 0; i < 30; i++) increment(m3);
    for (let i = 0; i < 3; i++) increment(m3, "boards/only");
    cluster.pass(12_000);
    write(cluster, m1, 100);
    write(cluster, m2, 100);
    cluster.pass(5_000);
    expect(m1.engine.status().nodes.find(({ node }) => node === "m3")?.slot).toBe("lost");
    cluster.network.healAll();
    cluster.settle();
    for (const node of [m1, m2, m3]) {
      expect(node.json("boards/a")).toEqual({ votes: 10 + 30 + 50 + 50 });
      expect(node.json("boards/b")).toEqual({ votes: 10 + 50 + 50 });
      expect(node.json("boards/only")).toEqual({ votes: 3 });
    }
    expect(m1.engine.status().nodes.find(({ node }) => node === "m3")?.slot).toBe("streaming");
  });

  test("what nobody else has ever got of a master is not overwritten by the snapshot that it gets", () => {
    const cluster = world(7, { limits: SMALL });
    // Nobody follows m3.
    const m1 = cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
    cluster.pass(1_000);
    for (const other of ["m1", "m2"]) cluster.network.cut("m3", other);
    for (let i = 0; i < 30; i++) increment(m3);
    cluster.pass(12_000);
    write(cluster, m1, 100);
    cluster.pass(5_000);
    cluster.network.healAll();
    cluster.passUntil("m3 has caught up", () => m3.covers(m1.visible) && m3.json("boards/b") !== undefined);
    expect(m3.json("boards/a")).toEqual({ votes: 30 + 50 });
    m3.restart();
    cluster.pass(1_000);
    expect(m3.json("boards/a")).toEqual({ votes: 30 + 50 });
  });
});
