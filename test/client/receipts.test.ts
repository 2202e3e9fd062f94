import { counter, defineSchema, type Receipt, register } from "@syncline/client";
import { Document } from "@syncline/core";
import { OwnChange, openAccess } from "@syncline/engine";
import { decodeToken, LIMITS } from "@syncline/protocol";
import type { Cluster } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { OwnWrite } from "../../packages/client/src/write.js";
import { world } from "../scenarios/world.js";
import { CountedTimers, database } from "./databases.js";

/** What a write's receipts say, and when. */
const schema = defineSchema({ boards: { title: register<string>(), votes: counter() } });

/** Lets virtual time pass, and then what was answered meanwhile reach who waits for it. */
async function pass(cluster: Cluster, ms: number): Promise<void> {
  cluster.pass(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

/** The answer so far of somebody who waits. */
function asked(answer: Promise<Receipt>): { readonly receipt: Receipt | undefined } {
  const box: { receipt: Receipt | undefined } = { receipt: undefined };
  void answer.then((receipt) => {
    box.receipt = receipt;
  });
  return box;
}

test("a durable write names who has it, its change, and a token that covers it", async () => {
  const cluster = world(1);
  const master = cluster.master("m1", { flushMs: 50 });
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  cluster.pass(500);
  const write = board.transact((b) => b.votes.increment());
  const received = asked(write.acknowledged({ level: "received" }));
  const durable = asked(write.acknowledged());
  const applied = asked(write.acknowledged({ level: "applied" }));
  await pass(cluster, 30);
  expect(received.receipt).toMatchObject({ outcome: "committed" });
  // The disk needs 50 ms: who says durable before lies.
  expect(durable.receipt).toBeUndefined();
  expect(applied.receipt).toBeUndefined();
  await pass(cluster, 70);
  expect(durable.receipt).toEqual({
    outcome: "committed",
    change: expect.stringMatching(/^boards\/roadmap@\d+:1-1$/),
    token: expect.any(String),
    nodes: ["m1"],
  });
  expect(applied.receipt).toEqual(durable.receipt);
  const token = decodeToken(durable.receipt?.token ?? "");
  expect(token.ok && token.value.size > 0 && master.covers(token.value)).toBe(true);
});

test("with a quorum rule it is committed when the quorum has it, and both are named", async () => {
  const cluster = world(2);
  cluster.master("m1", { rule: { kind: "any", needed: 1, names: ["f1"] } });
  cluster.follower("f1", { follow: ["m1"] });
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  await pass(cluster, 1000);
  cluster.network.cut("m1", "f1");
  const write = board.transact((b) => b.votes.increment());
  const waits = asked(write.acknowledged({ timeoutMs: 3_600_000 }));
  const notLong = asked(write.acknowledged({ level: "received", timeoutMs: 2000 }));
  await pass(cluster, 5000);
  expect(waits.receipt).toBeUndefined();
  expect(notLong.receipt).toMatchObject({ outcome: "unconfirmed", token: undefined });
  cluster.network.heal("m1", "f1");
  await pass(cluster, 20_000);
  expect(waits.receipt).toMatchObject({ outcome: "committed" });
  expect([...(waits.receipt?.nodes ?? [])].sort()).toEqual(["f1", "m1"]);
});

test("offline it is unconfirmed after the time given, says why, and is committed once there is a server", async () => {
  const cluster = world(3);
  const master = cluster.master("m1");
  master.kill();
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  const write = board.transact((b) => b.votes.increment());
  const answer = asked(write.acknowledged({ timeoutMs: 1500 }));
  await pass(cluster, 1499);
  expect(answer.receipt).toBeUndefined();
  await pass(cluster, 1);
  expect(answer.receipt).toEqual({
    outcome: "unconfirmed",
    change: expect.any(String),
    token: undefined,
    nodes: [],
    error: expect.objectContaining({ code: "UNREACHABLE" }),
  });
  master.restart();
  const again = asked(write.acknowledged({ timeoutMs: Number.POSITIVE_INFINITY }));
  await pass(cluster, 60_000);
  expect(again.receipt).toMatchObject({ outcome: "committed", nodes: ["m1"] });
  expect(again.receipt).not.toHaveProperty("error");
  expect((await write.acknowledged({ timeoutMs: 0 })).outcome).toBe("committed");
});

test("writeWaitMs is waited if nothing is said, and none at all if that is asked for", async () => {
  const cluster = world(4);
  const { db } = database(cluster, "ann", ["nobody"], schema);
  const board = db.open("boards", "roadmap");
  const write = board.transact((b) => b.votes.increment());
  expect((await write.acknowledged({ timeoutMs: 0 })).outcome).toBe("unconfirmed");
  const answer = asked(write.acknowledged());
  await pass(cluster, LIMITS.writeWaitMs - 1);
  expect(answer.receipt).toBeUndefined();
  await pass(cluster, 1);
  expect(answer.receipt).toMatchObject({ outcome: "unconfirmed" });
});

test("a write that a master refuses for good is rejected, and nowhere", async () => {
  const cluster = world(5);
  const access = {
    ...openAccess,
    authorize: (_: unknown, __: unknown, right: string) => right === "read",
  };
  cluster.master("m1", { access });
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  const write = board.transact((b) => b.votes.increment());
  const answer = asked(write.acknowledged());
  await pass(cluster, 1000);
  expect(answer.receipt).toEqual({
    outcome: "rejected",
    change: expect.any(String),
    token: undefined,
    nodes: [],
    error: expect.objectContaining({
      name: "SynclineError",
      code: "FORBIDDEN",
    }),
  });
  expect((await write.acknowledged()).outcome).toBe("rejected");
  expect(board.toJSON()).toEqual({});
  expect(db.status.pending).toBe(0);
});

test("closing answers who waits, at once, that nothing is known", async () => {
  const cluster = world(6);
  const { db } = database(cluster, "ann", ["nobody"], schema);
  const write = db.open("boards", "roadmap").transact((b) => b.votes.increment());
  const waiting = write.acknowledged({ timeoutMs: Number.POSITIVE_INFINITY });
  db.close();
  const expected = { outcome: "unconfirmed", error: expect.objectContaining({ code: "CLOSED" }) };
  expect(await waiting).toMatchObject(expected);
  expect(await write.acknowledged()).toMatchObject(expected);
});

test("what was written before closing is still sent to a master that is connected", async () => {
  const cluster = world(7);
  const master = cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  cluster.pass(1000);
  board.transact((b) => b.votes.increment());
  db.close();
  cluster.pass(1000);
  expect(master.json("boards/roadmap")).toEqual({ votes: 1 });
});

test("a transaction that does nothing is committed at once, also offline", async () => {
  const cluster = world(8);
  const { db } = database(cluster, "ann", ["nobody"], schema);
  const board = db.open("boards", "roadmap");
  const write = board.transact((b) => {
    b.title.clear();
    b.votes.reset();
  });
  const receipt = await write.acknowledged();
  expect(receipt).toEqual({ outcome: "committed", change: undefined, token: expect.any(String), nodes: [] });
  expect(decodeToken(receipt.token ?? "")).toEqual({ ok: true, value: new Map() });
  expect(db.status.pending).toBe(0);
});

test("a write whose master dies before it answers is committed by another one, once", async () => {
  const cluster = world(9);
  cluster.master("m1", { follow: ["m2"] });
  cluster.master("m2", { follow: ["m1"] });
  const { db, sim } = database(cluster, "ann", ["m1", "m2"], schema);
  const board = db.open("boards", "roadmap");
  cluster.pass(1000);
  // It reaches m1 and from there m2, but no answer comes back.
  cluster.network.blackHoleOneWay("m1", "ann");
  const write = board.transact((b) => b.votes.increment());
  cluster.pass(500);
  expect(cluster.nodes.get("m2")?.json("boards/roadmap")).toEqual({ votes: 1 });
  cluster.nodes.get("m1")?.kill();
  const answer = asked(write.acknowledged({ timeoutMs: Number.POSITIVE_INFINITY }));
  await pass(cluster, 60_000);
  expect(sim.engine.status().provider).toBe("m2");
  expect(answer.receipt).toMatchObject({ outcome: "committed" });
  const token = decodeToken(answer.receipt?.token ?? "");
  expect(token.ok && cluster.nodes.get("m2")?.covers(token.value)).toBe(true);
  expect(board.votes.value).toBe(1);
});

test("a write that became safe without an answer has a token from where it was seen", async () => {
  const document = new Document({ collection: "boards", key: "roadmap" });
  const change = document.transact({ author: 7, stamp: 1 }, (draft) => draft.counter("votes").increment());
  if (change === undefined) throw new Error("no change");
  const own = new OwnChange(change);
  const timers = new CountedTimers();
  const write = new OwnWrite(own, {
    scheduler: timers,
    isClosed: () => false,
    canKeep: () => false,
    lastFault: () => undefined,
    whenHeld: () => () => {},
    guarded: (task) => task(),
  });
  const answer = write.acknowledged();
  own.place = { stream: 5, position: 9 };
  expect(await write.acknowledged({ timeoutMs: 0 })).toMatchObject({
    outcome: "unconfirmed",
    token: undefined,
  });
  own.received = own.durable = own.committed = own.confirmed = true;
  own.tell();
  const { outcome, token } = await answer;
  expect(outcome).toBe("committed");
  expect(timers.set).toBe(0);
  expect(decodeToken(token ?? "")).toEqual({ ok: true, value: new Map([[5, 9]]) });
});

test("options that nobody knows are refused rather than ignored", async () => {
  const cluster = world(10);
  const { db } = database(cluster, "ann", ["nobody"], schema);
  const board = db.open("boards", "roadmap");
  const writes = [board.transact((b) => b.votes.increment()), board.transact(() => {})];
  for (const write of writes) {
    for (const options of [
      { sync: 2 },
      { sync: "x".repeat(6_000) },
      { quorum: "ANY 2" },
      { level: "fsynced" },
      { timeoutMs: -1 },
      { timeoutMs: Number.NaN },
      { timeoutMs: "10s" },
    ]) {
      const answer: Promise<Receipt> = Reflect.apply(write.acknowledged, write, [options]);
      await expect(answer).rejects.toMatchObject({ name: "SynclineError", code: "INVALID_VALUE" });
    }
  }
});

describe("a concern of one's own", () => {
  /** A master whose rule is LOCAL, two followers, and a client. */
  async function build(seed: number) {
    const cluster = world(seed);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const followers = ["f1", "f2"].map((name) => cluster.follower(name, { follow: ["m1"] }));
    const { db } = database(cluster, "ann", ["m1", "m2"], schema);
    const board = db.open("boards", "roadmap");
    await pass(cluster, 1_000);
    return { cluster, m1, followers, board };
  }

  test("ANY 1 of the voters: one follower is enough, and it is named", async () => {
    const { cluster, followers, board } = await build(20);
    followers[1]?.kill();
    const answer = asked(board.transact((b) => b.votes.increment()).acknowledged({ sync: "ANY 1" }));
    await pass(cluster, 1_000);
    expect(answer.receipt?.outcome).toBe("committed");
    expect(answer.receipt?.nodes).toEqual(["m1", "f1"]);
  });

  test("named nodes: not committed before they have it, and everybody sees it meanwhile", async () => {
    const { cluster, m1, followers, board } = await build(21);
    followers[1]?.kill();
    const write = board.transact((b) => b.votes.increment());
    const both = asked(write.acknowledged({ sync: "ALL (f1,f2)", timeoutMs: 5_000 }));
    const local = asked(write.acknowledged());
    await pass(cluster, 4_000);
    expect(local.receipt?.outcome).toBe("committed");
    expect(m1.json("boards/roadmap")).toEqual({ votes: 1 });
    expect(both.receipt).toBeUndefined();
    await pass(cluster, 2_000);
    expect(both.receipt?.outcome).toBe("unconfirmed");
    // It can be waited for again, also long after the write has become safe.
    const again = asked(write.acknowledged({ sync: "ALL (f1,f2)", timeoutMs: 60_000 }));
    followers[1]?.restart();
    await pass(cluster, 20_000);
    expect(again.receipt).toMatchObject({ outcome: "committed", nodes: ["m1", "f1", "f2"] });
  });

  test("a level goes with it: a memory that has it counts as received, its disk does not yet", async () => {
    const cluster = world(22);
    cluster.master("m1");
    cluster.follower("f1", { follow: ["m1"], flushMs: 2_000 });
    const { db } = database(cluster, "ann", ["m1"], schema);
    const board = db.open("boards", "roadmap");
    await pass(cluster, 10_000);
    const write = board.transact((b) => b.votes.increment());
    const received = asked(write.acknowledged({ sync: "ANY 1 (f1)", level: "received" }));
    const durable = asked(write.acknowledged({ sync: "ANY 1 (f1)" }));
    const applied = asked(write.acknowledged({ sync: "ANY 1 (f1)", level: "applied" }));
    await pass(cluster, 500);
    expect([received.receipt?.outcome, durable.receipt, applied.receipt]).toEqual([
      "committed",
      undefined,
      undefined,
    ]);
    await pass(cluster, 5_000);
    expect([durable.receipt?.outcome, applied.receipt?.outcome]).toEqual(["committed", "committed"]);
  });

  test("it survives the master it was put to: the next one answers", async () => {
    const { cluster, m1, board } = await build(23);
    cluster.master("m2", { follow: ["m1"] });
    await pass(cluster, 1_000);
    const write = board.transact((b) => b.votes.increment());
    const answer = asked(write.acknowledged({ sync: "ALL (m2,f9)", timeoutMs: 60_000 }));
    await pass(cluster, 1_000);
    m1.kill();
    await pass(cluster, 2_000);
    expect(answer.receipt).toBeUndefined();
    cluster.follower("f9", { follow: ["m2"] });
    await pass(cluster, 5_000);
    // Two of the two have it, but the master that took it is gone: that is a copy less than was asked for.
    expect(answer.receipt).toBeUndefined();
    cluster.follower("f8", { follow: ["m2"] });
    await pass(cluster, 5_000);
    expect(answer.receipt).toMatchObject({ outcome: "committed" });
  });

  test("a quorum that is none is an error that says what is meant", async () => {
    const { cluster, board } = await build(24);
    const answer = board.transact((b) => b.votes.increment()).acknowledged({ sync: "MOST" });
    const checked = expect(answer).rejects.toMatchObject({
      code: "INVALID_VALUE",
      message: expect.stringContaining('"MOST": write LOCAL, ANY 2'),
    });
    await pass(cluster, 1_000);
    await checked;
  });
});
