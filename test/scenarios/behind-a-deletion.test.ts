/** What stands in conflict behind a deletion is told again when the document comes back, whoever had it from whom (I5). */
import type { Draft } from "@syncline/core";
import { expect, test } from "vitest";
import { world } from "./world.js";

test("a node that took the deleted document in with a snapshot tells of the conflict once it is written to again", () => {
  const limits = { retentionRecordsMax: 2, truncationRecordsMin: 1, foldTailChanges: 1 };
  const cluster = world(91, { limits });
  const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
  const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
  const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
  cluster.pass(1_000);
  m1.write("boards/a", (b: Draft) => b.set("tags").add("before"));
  cluster.settle();
  cluster.network.cut("m2", "m3");
  cluster.network.cut("m1", "m3");
  for (const node of [m2, m3]) node.write("boards/a", (b: Draft) => b.register("title").set(node.name));
  cluster.network.healAll();
  cluster.settle();
  // Who knows all of it deletes it: nothing that the document shows says that there was a conflict.
  m1.write("boards/a", (b: Draft) => b.deleteDocument());
  for (let i = 0; i < 20; i++) m1.write("boards/b", (b: Draft) => b.set("tags").add(`${i}`));
  cluster.settle();

  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.settle();
  const came = [...f1.engine.heldVector()].filter(([stream]) => !f1.engine.keeps(stream, 2));
  expect(came.length, "a snapshot has brought the beginning").toBeGreaterThan(0);
  m1.write("boards/a", (b: Draft) => b.set("tags").add("after"));
  cluster.settle();
  const told = m1.engine.conflictList();
  expect(told.map(({ type }) => type)).toContain("concurrent_update");
  expect(f1.engine.conflictList()).toEqual(told);
});
