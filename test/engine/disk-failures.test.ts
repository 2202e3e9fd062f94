/**
 * Disks that fail: a write whose master's disk fails is unconfirmed, never lost nor refused, and is confirmed once the
 * master is back. And disks that are full, which is no failure: nothing is promised, and it goes on when there is room.
 */
import { LIMITS } from "@syncline/protocol";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { failingDisks } from "./disks.js";

test("a disk fails under a client's write: unconfirmed, and durable after the restart, once", () => {
  const { disks, make } = failingDisks();
  const cluster = world(1, { disk: make });
  const m1 = cluster.master("m1");
  const ann = cluster.client("ann", ["m1"]);
  ann.open("boards/a");
  cluster.pass(1_000);
  for (const disk of disks) disk.isBroken = true;
  const own = ann.write("boards/a", (b) => b.counter("votes").increment());
  cluster.pass(3_000);
  expect(m1.failure).toBeDefined();
  expect([own.durable, own.rejected]).toEqual([false, undefined]);
  expect(ann.engine.status()).toMatchObject({ writable: false, pending: 1 });
  expect(ann.json("boards/a")).toEqual({ votes: 1 });
  m1.restart();
  cluster.passUntil("it is durable", () => own.durable);
  expect(ann.engine.status().pending).toBe(0);
  for (const shown of [m1, ann]) expect(shown.json("boards/a")).toEqual({ votes: 1 });
});

test("a full disk: nothing is acknowledged or taken, reads go on, and it goes on unaided when there is room (I7)", () => {
  const { disks, make } = failingDisks();
  const cluster = world(2, { disk: make });
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const ann = cluster.client("ann", ["m1"]);
  ann.open("boards/a");
  cluster.pass(1_000);
  m1.write("boards/a", (b) => b.register("title").set("before"));
  cluster.pass(1_000);
  const [disk] = disks;
  if (disk === undefined) throw new Error("m1 has a disk");
  disk.isFull = true;

  // Who writes into the full disk first has not been refused; nobody calls it stored.
  const first = m1.write("boards/a", (b) => b.counter("votes").increment(), { waitMs: 500 });
  cluster.pass(600);
  expect(first.answer).toMatchObject({ ok: true, receipt: { outcome: "unconfirmed" } });
  const later = m1.write("boards/a", (b) => b.counter("votes").increment());
  expect(later.answer).toMatchObject({ ok: false, fault: { code: "STORAGE_FULL" } });
  const own = ann.write("boards/a", (b) => b.counter("votes").increment());
  m2.write("boards/a", (b) => b.register("title").set("after"));
  cluster.pass(10 * LIMITS.fullRetryMs);
  expect([own.durable, own.rejected]).toEqual([false, undefined]);
  expect(m1.engine.status()).toMatchObject({ isDiskFull: true, state: "active" });
  expect(m1.failure).toBeUndefined();
  expect(m1.json("boards/a")).toEqual({ title: "before", votes: 1 });
  // What it has, others get all the same.
  expect(m2.json("boards/a")).toEqual({ title: "after", votes: 1 });

  disk.isFull = false;
  cluster.passUntil("ann's write is durable", () => own.durable);
  expect(m1.engine.status().isDiskFull).toBe(false);
  cluster.passUntil("all show all", () =>
    [m1, m2, ann].every((shown) => JSON.stringify(shown.json("boards/a")) === '{"title":"after","votes":2}'),
  );
});
