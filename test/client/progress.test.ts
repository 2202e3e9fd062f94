import { counter, defineSchema } from "@syncline/client";
import { type Access, openAccess } from "@syncline/engine";
import { type CommitRule, parseRule } from "@syncline/protocol";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { database } from "./databases.js";

/** How far each write has got, told as it happens. */
const schema = defineSchema({ boards: { votes: counter() } });

test("a write is here, then on its master's disk, then committed by the quorum, and says who has it", () => {
  const cluster = world(1);
  cluster.master("m1", { rule: parseRule("ANY 1 (f1)") as CommitRule });
  cluster.pass(100);
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  cluster.pass(500);
  const write = board.transact((b) => b.votes.increment());
  const seen = [write.stage];
  write.onProgress(() => seen.push(write.stage));
  cluster.pass(1_000);
  // Nobody is there to confirm it.
  expect([...new Set(seen)]).toEqual(["local", "durable"]);
  expect(write.nodes).toEqual([]);
  cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(5_000);
  expect([...new Set(seen)]).toEqual(["local", "durable", "committed"]);
  expect(write.nodes).toEqual(["m1", "f1"]);
  expect(write.change).toMatch(/^boards\/roadmap@/);
});

test("a refused write says so, and one that did nothing is where it should be", () => {
  const cluster = world(2);
  const access: Access = { ...openAccess, authorize: (_, __, right) => right !== "write" };
  cluster.master("m1", { access });
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  const write = board.transact((b) => b.votes.increment());
  cluster.pass(2_000);
  expect(write.stage).toBe("rejected");
  const nothing = board.transact(() => {});
  expect([nothing.stage, nothing.change, nothing.nodes]).toEqual(["committed", undefined, []]);
});

test("every write is told of, with its document, until that is ended; what a listener throws disturbs nobody", () => {
  const cluster = world(3);
  cluster.master("m1");
  const { db, reported } = database(cluster, "ann", ["m1"], schema);
  const [roadmap, other] = [db.open("boards", "roadmap"), db.open("boards", "other")];
  const told: unknown[] = [];
  db.onWrite(() => {
    throw new Error("of the app");
  });
  const end = db.onWrite(({ collection, key, write }) => told.push([collection, key, write]));
  const first = roadmap.transact((b) => b.votes.increment());
  const second = other.transact((b) => b.votes.increment());
  roadmap.transact(() => {});
  expect(told).toEqual([
    ["boards", "roadmap", first],
    ["boards", "other", second],
  ]);
  end();
  roadmap.transact((b) => b.votes.increment());
  expect(told.length).toBe(2);
  expect(reported.length).toBe(3);
  expect(roadmap.votes.value).toBe(2);
});
