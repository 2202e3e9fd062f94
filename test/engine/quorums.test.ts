/** Commit positions: who counts for a quorum, and what is shown before and after restarts (I6, I7). */
import type { CommitRule } from "@syncline/protocol";
import type { SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { helloOf, RawPeer } from "./rawpeer.js";

const any = (needed: number, ...names: string[]): CommitRule => ({ kind: "any", needed, names });

/** How far `at` has the present stream of m1, at a level. */
function position(at: SimNode, level: "received" | "durable" | "applied" | "committed"): number {
  const streams = at.engine.status().streams.filter((stream) => stream.node === "m1");
  return Math.max(0, ...streams.map((stream) => stream[level] ?? 0));
}

const increment = (node: SimNode) => node.write("boards/a", (b) => b.counter("votes").increment());

describe("who counts", () => {
  test("the origin does not, also where its own rule names it", () => {
    const cluster = world(1);
    const m1 = cluster.master("m1", { rule: any(1, "m1", "f1") });
    cluster.pass(500);
    increment(m1);
    cluster.pass(500);
    expect(position(m1, "durable")).toBe(2);
    expect(position(m1, "committed")).toBe(0);
    expect(m1.json("boards/a")).toBeUndefined();
    cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(500);
    // What m1 has written of f1 in the member list is committed with it.
    expect(position(m1, "committed")).toBe(3);
    expect(m1.json("boards/a")).toEqual({ votes: 1 });
  });

  test("the origin does not, as others see it", () => {
    const cluster = world(2);
    cluster.master("m1", { rule: any(1, "m1", "f1") });
    const f2 = cluster.follower("f2", { follow: ["m1"] });
    const m1 = cluster.nodes.get("m1");
    if (m1 === undefined) throw new Error("no m1");
    cluster.pass(500);
    const before = position(f2, "durable");
    increment(m1);
    cluster.pass(500);
    expect(position(f2, "durable")).toBe(before + 1);
    expect(f2.json("boards/a")).toBeUndefined();
  });

  test("a node that is not named does not, and a named one counts once however many links it has", () => {
    const cluster = world(3);
    const m1 = cluster.master("m1", { rule: any(2, "f1", "f2") });
    cluster.follower("f3", { follow: ["m1"] });
    cluster.pass(500);
    const stream = Number(m1.engine.status().streams[0]?.stream);
    for (const link of [1, 2, 3]) {
      const raw = RawPeer.dial(
        cluster.network,
        `f1 ${link}`,
        "m1",
        helloOf({ peer: "follower", name: "f1" }),
      );
      cluster.pass(100);
      const durable = {
        stream,
        node: "m1",
        received: 1,
        durable: 1,
        applied: 1,
        visible: 0,
        committed: 0,
        safe: 0,
      };
      raw.send({ kind: "progress", streams: [durable] });
      cluster.pass(100);
    }
    expect(position(m1, "committed")).toBe(0);
    cluster.follower("f2", { follow: ["m1"] });
    cluster.pass(500);
    expect(position(m1, "committed")).toBe(1);
  });

  test("what a node has received does not, only what its disk has", () => {
    const cluster = world(4);
    const m1 = cluster.master("m1", { rule: any(1, "f1") });
    const f1 = cluster.follower("f1", { follow: ["m1"], flushMs: 500 });
    cluster.pass(3_000);
    const before = position(f1, "received");
    const write = m1.write("boards/a", (b) => b.counter("votes").increment(), { level: "committed" });
    cluster.pass(300);
    expect(position(f1, "received")).toBe(before + 1);
    expect(write.answer).toBeUndefined();
    cluster.pass(2_000);
    expect(write.answer).toMatchObject({ ok: true, receipt: { outcome: "committed", nodes: ["m1", "f1"] } });
  });

  test("nor does the origin's memory: its disk must have the position too", () => {
    const cluster = world(5);
    const m1 = cluster.master("m1", { rule: any(1, "f1"), flushMs: 800 });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(5_000);
    const before = position(m1, "committed");
    increment(m1);
    cluster.pass(300);
    expect(position(f1, "durable")).toBe(before + 1);
    expect([position(m1, "committed"), position(f1, "committed")]).toEqual([before, before]);
    cluster.pass(2_000);
    expect([position(m1, "committed"), position(f1, "committed")]).toEqual([before + 1, before + 1]);
  });
});

describe("what is shown", () => {
  test("nobody shows a position before it is committed, whoever restarts and when", () => {
    for (let killAt = 0; killAt < 60; killAt += 3) {
      const cluster = world(100 + killAt);
      const m1 = cluster.master("m1", { rule: any(2, "f1", "f2"), flushMs: 7 });
      const f1 = cluster.follower("f1", { follow: ["m1", "f2"], flushMs: 11 });
      const f2 = cluster.follower("f2", { follow: ["m1", "f1"], flushMs: 13 });
      const all = [m1, f1, f2];
      cluster.pass(1_000);
      cluster.network.cut("m1", "f2");
      cluster.network.cut("f1", "f2");
      const before = position(m1, "received");
      increment(m1);
      // f2 is cut off: two of the two are needed, so nothing may be shown.
      for (let ms = 0; ms < 120; ms++) {
        if (ms === killAt) (killAt % 2 === 0 ? m1 : f1).restart();
        cluster.pass(1);
        for (const node of all) if (node.isUp) expect(node.json("boards/a")).toBeUndefined();
      }
      cluster.network.healAll();
      const isEverywhere = () => all.every((node) => JSON.stringify(node.json("boards/a")) === '{"votes":1}');
      const isLost = () => [m1, f1].every((node) => node.isUp && position(node, "received") <= before);
      cluster.passUntil("it is shown, or was lost with the memory of m1", () => isEverywhere() || isLost());
    }
  });

  test("what one node knows to be committed all show, also when nobody can form the quorum any more", () => {
    const cluster = world(7);
    const m1 = cluster.master("m1", { rule: any(1, "f1") });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(500);
    increment(m1);
    cluster.pass(500);
    f1.kill();
    const f2 = cluster.follower("f2", { follow: ["m1"] });
    cluster.passUntil("f2 shows it", () => f2.json("boards/a") !== undefined);
    m1.restart();
    f2.restart();
    cluster.pass(1_000);
    expect([m1, f2].map((node) => node.json("boards/a"))).toEqual([{ votes: 1 }, { votes: 1 }]);
  });

  test("writes that wait for a quorum are in order once it is there", () => {
    const cluster = world(8);
    const m1 = cluster.master("m1", { rule: any(1, "f1") });
    cluster.pass(500);
    const writes = Array.from({ length: 20 }, () => increment(m1));
    cluster.pass(20_000);
    expect(writes.map(({ answer }) => answer?.ok)).toEqual(writes.map(() => true));
    const outcomes = () =>
      writes.map(({ answer }) => (answer?.ok === true ? answer.receipt.outcome : undefined));
    expect(new Set(outcomes())).toEqual(new Set(["unconfirmed"]));
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.settle();
    expect(f1.json("boards/a")).toEqual({ votes: 20 });
  });
});
