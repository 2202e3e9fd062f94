/** The member list: who is on it, everywhere the same, and whose voice counts (I5, I6). */
import type { CommitRule } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { RawClient } from "../scenarios/rawclient.js";
import { world } from "../scenarios/world.js";
import { increment } from "./changes.js";
import { helloOf, RawPeer } from "./rawpeer.js";

const LIST = "_syncline/members";
const MAJORITY: CommitRule = { kind: "majority" };
const ALL: CommitRule = { kind: "all" };

const listed = (node: SimNode) => Object.keys(node.json(LIST) ?? {}).sort();

const vote = (node: SimNode, level: "durable" | "committed" = "committed", waitMs = 10_000) =>
  node.write("boards/a", (b) => b.counter("votes").increment(), { level, waitMs });

const outcome = ({ answer }: ReturnType<typeof vote>) =>
  answer?.ok === true ? answer.receipt.outcome : answer?.fault.code;

describe("who is on the list", () => {
  test("nobody, as long as a master is alone: then it writes nothing", () => {
    const cluster = world(1);
    const m1 = cluster.master("m1");
    cluster.pass(10_000);
    expect(m1.json(LIST)).toBeUndefined();
    expect(m1.engine.status().streams[0]?.received).toBe(1);
  });

  test("whoever was ever met, with its role, its URL and whether it votes, the same everywhere", () => {
    const cluster = world(2);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    const f2 = cluster.follower("f2", { follow: ["f1"], voter: false });
    cluster.pass(2_000);
    for (const node of [m1, m2, f1, f2]) {
      expect(node.json(LIST), node.name).toEqual({
        m1: { role: "master", url: "sim://m1", voter: true },
        m2: { role: "master", url: "sim://m2", voter: true },
        f1: { role: "follower", url: "sim://f1", voter: true },
        // Heard of through f1, which writes nothing itself.
        f2: { role: "follower", url: "sim://f2", voter: false },
      });
    }
  });

  test("a node that is gone stays; restarts write nothing; one that comes back in another role is rewritten", () => {
    const cluster = world(3);
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(1_000);
    f1.kill();
    cluster.pass(1_000);
    expect(listed(m1)).toEqual(["f1", "m1"]);
    for (const node of [m1, f1]) node.restart();
    cluster.pass(1_000);
    expect(
      m1.engine
        .status()
        .streams.map(({ received }) => received)
        .sort(),
    ).toEqual([1, 2]);
    f1.kill();
    cluster.pass(500);
    cluster.follower("f1", { follow: ["m1"], voter: false });
    cluster.pass(1_000);
    expect(m1.json(LIST)).toMatchObject({ f1: { voter: false } });
  });

  test("nobody else writes there", () => {
    const cluster = world(4);
    const m1 = cluster.master("m1");
    const eve = new RawClient(cluster, "eve", "m1");
    cluster.pass(100);
    eve.send({
      kind: "offer",
      first: 1,
      session: undefined,
      changes: [increment(77, 1, { id: LIST })],
    });
    const write = m1.write(LIST, (b) => b.register("m9").set({ role: "master", url: "", voter: true }));
    cluster.pass(500);
    expect(eve.refusals.map(({ code }) => code)).toEqual(["FORBIDDEN"]);
    expect(write.answer).toMatchObject({ ok: false, fault: { code: "FORBIDDEN" } });
    expect(m1.json(LIST)).toBeUndefined();
  });
});

describe("MAJORITY and ALL", () => {
  /** Three masters that follow each other. */
  function three(cluster: Cluster, rule: CommitRule, f1Votes?: boolean) {
    const names = ["m1", "m2", "m3"];
    const masters = names.map((name) =>
      cluster.master(name, { follow: names.filter((other) => other !== name), rule }),
    ) as [SimNode, SimNode, SimNode];
    if (f1Votes !== undefined) cluster.follower("f1", { follow: ["m1"], voter: f1Votes });
    cluster.pass(2_000);
    return masters;
  }

  test("a lone node is the majority", () => {
    const cluster = world(10);
    const m1 = cluster.master("m1", { rule: MAJORITY });
    cluster.pass(100);
    const write = vote(m1);
    cluster.pass(100);
    expect(outcome(write)).toBe("committed");
  });

  test("of three voters two are enough, one is not", () => {
    const cluster = world(11);
    const [m1, m2, m3] = three(cluster, MAJORITY);
    m3.kill();
    const two = vote(m1);
    cluster.pass(500);
    expect(outcome(two)).toBe("committed");
    m2.kill();
    const one = vote(m1, "committed", 1_000);
    cluster.pass(2_000);
    expect(outcome(one)).toBe("unconfirmed");
    expect(m1.json("boards/a")).toEqual({ votes: 1 });
    m3.restart();
    cluster.pass(15_000);
    expect(m1.json("boards/a")).toEqual({ votes: 2 });
  });

  test("a follower that votes makes it three of four; one that does not leaves it at two of three", () => {
    for (const [votes, wanted] of [
      [true, "unconfirmed"],
      [false, "committed"],
    ] as const) {
      const cluster = world(12);
      const [m1, m2, m3] = three(cluster, MAJORITY, votes);
      cluster.nodes.get("f1")?.kill();
      m3.kill();
      const write = vote(m1, "committed", 1_000);
      cluster.pass(2_000);
      expect(outcome(write), `voter: ${votes}`).toBe(wanted);
      expect(m2.isUp).toBe(true);
    }
  });

  test("ALL is every voter", () => {
    const cluster = world(13);
    const [m1, , m3] = three(cluster, ALL);
    const all = vote(m1);
    cluster.pass(500);
    expect(outcome(all)).toBe("committed");
    m3.kill();
    const two = vote(m1, "committed", 1_000);
    cluster.pass(2_000);
    expect(outcome(two)).toBe("unconfirmed");
  });

  test("a node that has just come, and knows no list yet, commits nothing by it (I6)", () => {
    for (let seed = 20; seed < 40; seed++) {
      const cluster = world(seed);
      const [m1, m2, m3] = three(cluster, MAJORITY);
      m2.kill();
      m3.kill();
      vote(m1, "durable");
      cluster.pass(200);
      const f1 = cluster.follower("f1", { follow: ["m1"], voter: false });
      for (let ms = 0; ms < 500; ms += 5) {
        cluster.pass(5);
        expect(f1.isUp ? f1.json("boards/a") : undefined).toBeUndefined();
        expect(m1.json("boards/a")).toBeUndefined();
      }
      m2.restart();
      cluster.passUntil("f1 shows it", () => f1.json("boards/a") !== undefined);
    }
  });

  test("the commit does not die with its master: those who are left make it", () => {
    const cluster = world(41);
    const names = ["m1", "m2", "m3"];
    const [m1, m2, m3] = names.map((name) =>
      cluster.master(name, { follow: names.filter((other) => other !== name), rule: MAJORITY, flushMs: 40 }),
    ) as [SimNode, SimNode, SimNode];
    cluster.pass(3_000);
    vote(m1, "durable");
    cluster.pass(30);
    // The others have it in memory; m1 dies before it hears that their disks have it.
    m1.kill();
    cluster.pass(1_000);
    expect([m2.json("boards/a"), m3.json("boards/a")]).toEqual([{ votes: 1 }, { votes: 1 }]);
  });
});

describe("FIRST", () => {
  const FIRST: CommitRule = { kind: "first", needed: 1, names: ["f1", "f2"] };

  test("the first that is connected counts, its spare does not until it is gone", () => {
    const cluster = world(50);
    const m1 = cluster.master("m1", { rule: FIRST });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.follower("f2", { follow: ["m1"] });
    cluster.pass(1_000);
    f1.pause(5_000);
    const waits = vote(m1);
    cluster.pass(3_000);
    expect(outcome(waits)).toBeUndefined();
    cluster.pass(5_000);
    expect(outcome(waits)).toBe("committed");
    f1.kill();
    const spare = vote(m1);
    cluster.pass(500);
    expect(spare.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
  });

  test("with nobody connected nothing is committed", () => {
    const cluster = world(51);
    const m1 = cluster.master("m1", { rule: FIRST });
    cluster.pass(100);
    const write = vote(m1, "committed", 1_000);
    cluster.pass(2_000);
    expect(outcome(write)).toBe("unconfirmed");
    expect(m1.json("boards/a")).toBeUndefined();
  });
});

describe("levels", () => {
  const anyF1 = (level: "received" | "applied"): CommitRule => ({
    kind: "any",
    needed: 1,
    names: ["f1"],
    level,
  });

  test("received: a node's memory counts, before its disk has it", () => {
    const cluster = world(60);
    const m1 = cluster.master("m1", { rule: anyF1("received") });
    cluster.follower("f1", { follow: ["m1"], flushMs: 5_000 });
    cluster.pass(20_000);
    const write = vote(m1);
    cluster.pass(500);
    expect(outcome(write)).toBe("committed");
  });

  test("applied: a disk that has it is not enough, the node must be able to show it", () => {
    const cluster = world(61);
    const m1 = cluster.master("m1", { rule: anyF1("applied") });
    cluster.pass(100);
    const raw = RawPeer.dial(cluster.network, "f1", "m1", helloOf({ peer: "follower", name: "f1" }));
    cluster.pass(100);
    vote(m1, "durable");
    cluster.pass(100);
    const [own] = m1.engine.status().streams;
    const all = own?.durable ?? 0;
    const report = { stream: Number(own?.stream), node: "m1", received: all, durable: all, visible: 0 };
    raw.send({ kind: "progress", streams: [{ ...report, applied: all - 1, committed: 0, safe: 0 }] });
    cluster.pass(100);
    expect(m1.engine.status().streams[0]?.committed).toBe(all - 1);
    raw.send({ kind: "progress", streams: [{ ...report, applied: all, committed: 0, safe: 0 }] });
    cluster.pass(100);
    expect(m1.engine.status().streams[0]?.committed).toBe(all);
  });
});
