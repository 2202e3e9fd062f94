import { counter, type Database, defineSchema } from "@syncline/client";
import { type CommitRule, parseRule } from "@syncline/protocol";
import { expect, test } from "vitest";
import { RECEIPTS_MAX, sharedReceipts } from "../../packages/react/src/receipts.js";
import { database } from "../client/databases.js";
import { world } from "../scenarios/world.js";

/** The list of the last changes that components show, each as far as it has got. */
const schema = defineSchema({ boards: { votes: counter() } });

/** Lets promises settle: the world itself runs on virtual time. */
const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

test("without a quorum rule the cluster is asked whether another node has it too", async () => {
  const cluster = world(1);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], schema);
  const receipts = sharedReceipts(db as unknown as Database);
  expect(sharedReceipts(db as unknown as Database)).toBe(receipts);
  const board = db.open("boards", "roadmap");
  let told = 0;
  receipts.subscribe(() => told++);
  board.transact((b) => b.votes.increment());
  expect(receipts.list.map(({ stage }) => stage)).toEqual(["local"]);
  const before = receipts.list;
  expect(receipts.list).toBe(before);
  cluster.pass(1_000);
  expect(receipts.list).toMatchObject([
    { stage: "durable", nodes: ["m1"], collection: "boards", key: "roadmap" },
  ]);
  cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(5_000);
  await settle();
  expect(receipts.list).toMatchObject([{ stage: "quorum", nodes: ["m1", "f1"] }]);
  expect(told).toBeGreaterThan(2);
  expect(receipts.list[0]?.isKept).toBe(true);
});

test("a commit rule with a quorum needs no question", async () => {
  const cluster = world(2);
  cluster.master("m1", { rule: parseRule("ANY 1 (f1)") as CommitRule });
  cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(2_000);
  const { db } = database(cluster, "ann", ["m1"], schema);
  const receipts = sharedReceipts(db as unknown as Database);
  const board = db.open("boards", "roadmap");
  board.transact((b) => b.votes.increment());
  board.transact((b) => b.votes.increment());
  cluster.pass(3_000);
  expect(receipts.list.map(({ stage, nodes }) => [stage, nodes.length])).toEqual([
    ["quorum", 2],
    ["quorum", 2],
  ]);
});

test("the newest come first, so many and no more", () => {
  const cluster = world(3);
  const { db } = database(cluster, "ann", ["m1"], schema);
  const receipts = sharedReceipts(db as unknown as Database);
  const board = db.open("boards", "roadmap");
  for (let i = 0; i < RECEIPTS_MAX + 3; i++) board.transact((b) => b.votes.increment());
  expect(receipts.list.length).toBe(RECEIPTS_MAX);
  expect(receipts.list[0]?.id).toBe(RECEIPTS_MAX + 3);
});
