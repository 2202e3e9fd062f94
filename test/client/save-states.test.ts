import { counter, defineSchema, register } from "@syncline/client";
import { openAccess } from "@syncline/engine";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { database } from "./databases.js";

/** What an app can show beside a document: whether the changes made here are stored, and what was refused. */
const schema = defineSchema({ boards: { title: register<string>(), votes: counter() } });

test("a document is saved, saving, offline and saved again, and says so when it changes", () => {
  const cluster = world(1);
  const master = cluster.master("m1", { flushMs: 50 });
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  const other = db.open("boards", "other");
  const told: string[] = [];
  board.onSaveState((state) => told.push(state));
  expect(board.saveState).toBe("saved"); // Nothing was made here, so nothing waits.
  board.transact((b) => b.votes.increment());
  expect(board.saveState).toBe("offline");
  cluster.pass(2_000);
  expect(board.saveState).toBe("saved");
  board.transact((b) => b.votes.increment());
  cluster.pass(20);
  expect(board.saveState).toBe("saving"); // The master has it, its disk has not.
  expect(other.saveState).toBe("saved");
  cluster.pass(1_000);
  master.kill();
  cluster.pass(100);
  board.transact((b) => b.votes.increment());
  master.restart();
  cluster.pass(20_000);
  expect(told).toEqual(["offline", "saving", "saved", "saving", "saved", "offline", "saving", "saved"]);
});

test("of several documents each tells of its own changes, whichever was made last", () => {
  const cluster = world(4);
  cluster.master("m1", { rule: { kind: "any", needed: 1, names: ["f1"] } });
  cluster.follower("f1", { follow: ["m1"] });
  const { db } = database(cluster, "ann", ["m1"], schema);
  const open = (key: string) => db.open("boards", key);
  const [a, b, idle] = [open("a"), open("b"), open("idle")];
  const states = () => [a, b, idle].map((board) => board.saveState);
  a.transact((d) => d.votes.increment());
  cluster.pass(5_000);
  expect(states()).toEqual(["saved", "saved", "saved"]);
  cluster.network.cut("m1", "f1");
  a.transact((d) => d.votes.increment());
  b.transact((d) => d.votes.increment());
  cluster.pass(2_000);
  expect(states()).toEqual(["saving", "saving", "saved"]);
  b.transact((d) => d.votes.increment());
  expect(states()).toEqual(["saving", "saving", "saved"]);
  cluster.network.heal("m1", "f1");
  cluster.pass(20_000);
  expect(states()).toEqual(["saved", "saved", "saved"]);
  b.transact((d) => d.votes.increment());
  expect(states()).toEqual(["saved", "saving", "saved"]);
});

test("with a quorum rule a change is saved when the quorum has it", () => {
  const cluster = world(2);
  cluster.master("m1", { rule: { kind: "any", needed: 1, names: ["f1"] } });
  cluster.follower("f1", { follow: ["m1"] });
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  cluster.pass(1_000);
  cluster.network.cut("m1", "f1");
  board.transact((b) => b.votes.increment());
  cluster.pass(5_000);
  expect(board.saveState).toBe("saving");
  cluster.network.heal("m1", "f1");
  cluster.pass(20_000);
  expect(board.saveState).toBe("saved");
});

test("what is refused for good is told once it is taken back, and what follows is not poisoned", () => {
  const cluster = world(3);
  let isStrict = true;
  const access = {
    ...openAccess,
    authorize: (_: unknown, __: unknown, right: string) => right === "read" || !isStrict,
  };
  cluster.master("m1", { access });
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  cluster.pass(1_000);
  const told: unknown[] = [];
  db.onRejected((rejection) => told.push({ ...rejection, shown: board.toJSON() }));
  board.transact((b) => b.title.set("not allowed"));
  cluster.pass(1_000);
  expect(board.saveState).toBe("rejected");
  expect(told).toEqual([
    {
      collection: "boards",
      key: "roadmap",
      change: expect.stringMatching(/^boards\/roadmap@\d+:1-1$/),
      error: expect.objectContaining({ code: "FORBIDDEN" }),
      shown: {},
    },
  ]);
  isStrict = false;
  board.transact((b) => b.title.set("allowed"));
  cluster.pass(1_000);
  expect(board.saveState).toBe("saved");
  expect(cluster.nodes.get("m1")?.json("boards/roadmap")).toEqual({ title: "allowed" });
  expect(told).toHaveLength(1);
});
