/** Nodes that are not connected hear of each other, for as long as that is true (I6, SPINE 7). */
import type { CommitRule } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { world } from "../scenarios/world.js";

const any = (needed: number, ...names: string[]): CommitRule => ({ kind: "any", needed, names });

const vote = (node: SimNode, waitMs = 5_000) =>
  node.write("boards/a", (b) => b.counter("votes").increment(), { level: "committed", waitMs });

const outcome = ({ answer }: ReturnType<typeof vote>) =>
  answer?.ok === true ? answer.receipt.outcome : answer?.fault.code;

const row = (at: SimNode, name: string) => at.engine.status().nodes.find(({ node }) => node === name);

/** m1 ← f1 ← f2 ← f3 */
function chain(cluster: Cluster, rule: CommitRule) {
  const m1 = cluster.master("m1", { rule });
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  const f2 = cluster.follower("f2", { follow: ["f1"] });
  const f3 = cluster.follower("f3", { follow: ["f2"] });
  cluster.pass(3_000);
  return { m1, f1, f2, f3 };
}

describe("a chain", () => {
  test("the end of it counts at its beginning, and everybody shows everybody", () => {
    const cluster = world(1);
    const { m1, f1, f2, f3 } = chain(cluster, any(1, "f3"));
    const write = vote(m1);
    cluster.pass(500);
    expect(outcome(write)).toBe("committed");
    expect(write.answer).toMatchObject({ receipt: { nodes: ["m1", "f3"] } });
    cluster.pass(1_000);
    for (const node of [m1, f1, f2, f3]) {
      expect(
        node.engine.status().nodes.map(({ node: name, lag }) => [name, lag.durable?.records]),
        node.name,
      ).toEqual([
        ["f1", 0],
        ["f2", 0],
        ["f3", 0],
        ["m1", 0],
      ]);
    }
  });

  test("with a broken link what is behind it no longer counts, and is shown as gone; mended it counts again", () => {
    const cluster = world(2);
    const { m1 } = chain(cluster, any(1, "f3"));
    cluster.network.cut("f1", "f2");
    cluster.pass(2_000);
    expect(row(m1, "f3")).toMatchObject({ state: "disconnected", lag: { durable: null } });
    expect(row(m1, "f2")).toMatchObject({ state: "disconnected", lag: { durable: null } });
    expect(row(m1, "f1")).toMatchObject({ state: "connected", lag: { durable: { records: 0, seconds: 0 } } });
    const write = vote(m1);
    cluster.pass(6_000);
    expect(outcome(write)).toBe("unconfirmed");
    cluster.network.healAll();
    cluster.pass(15_000);
    expect(m1.json("boards/a")).toEqual({ votes: 1 });
    expect(row(m1, "f3")).toMatchObject({ state: "heard", lag: { durable: { records: 0, seconds: 0 } } });
  });

  test("a node behind it that comes back without its disk no longer counts for what it once had", () => {
    for (let seed = 30; seed < 40; seed++) {
      const cluster = world(seed);
      // f9 does not exist: both of the two are needed.
      const { m1, f3 } = chain(cluster, any(2, "f3", "f9"));
      const write = vote(m1, 60_000);
      cluster.pass(1_000);
      cluster.network.cut("f2", "f3");
      f3.restartEmpty();
      cluster.pass(2_000);
      // f9 comes and has it. f3 has nothing: it must not be counted with what it said before.
      cluster.follower("f9", { follow: ["m1"] });
      cluster.pass(3_000);
      expect(outcome(write)).toBeUndefined();
      cluster.network.healAll();
      cluster.pass(15_000);
      expect(outcome(write)).toBe("committed");
    }
  });
});

describe("a ring", () => {
  test("word goes round once: what is gone is forgotten everywhere, though each could tell the next", () => {
    const cluster = world(3);
    const names = ["m1", "m2", "m3", "m4", "m5"];
    const nodes = names.map((name, i) =>
      cluster.master(name, { follow: [names[(i + 1) % names.length] ?? ""] }),
    );
    cluster.pass(3_000);
    for (const node of nodes) {
      expect(
        node.engine.status().nodes.every(({ lag }) => lag.durable?.records === 0),
        node.name,
      ).toBe(true);
    }
    nodes[2]?.kill();
    cluster.pass(15_000);
    for (const node of nodes) {
      if (node.name === "m3") continue;
      expect(row(node, "m3"), node.name).toMatchObject({ state: "disconnected" });
      for (const other of names) {
        if (other !== "m3")
          expect(row(node, other)?.state, `${other} at ${node.name}`).not.toBe("disconnected");
      }
    }
    // With a second break the ring falls in two, and each half says so of the other.
    nodes[0]?.kill();
    cluster.pass(15_000);
    expect(row(nodes[1] as SimNode, "m4")).toMatchObject({ state: "disconnected" });
    expect(row(nodes[3] as SimNode, "m5")).toMatchObject({ state: "connected" });
  });

  test("quiet nodes say nothing of each other", () => {
    const cluster = world(4);
    const names = ["m1", "m2", "m3", "m4"];
    for (const [i, name] of names.entries()) {
      cluster.master(name, { follow: [names[(i + 1) % names.length] ?? ""] });
    }
    cluster.pass(20_000);
    const before = cluster.network.counts.frames ?? 0;
    cluster.pass(60_000);
    // Nothing but heartbeats and their answers: four links, two ends, every five seconds.
    expect((cluster.network.counts.frames ?? 0) - before).toBeLessThanOrEqual(4 * 2 * 2 * 13);
  });
});

test("a majority is counted across those who do not hear each other", () => {
  const cluster = world(5);
  const m1 = cluster.master("m1", { rule: { kind: "majority" } });
  cluster.follower("f1", { follow: ["m1"] });
  cluster.follower("f2", { follow: ["f1"] });
  cluster.follower("f3", { follow: ["f1"] });
  cluster.pass(3_000);
  expect(Object.keys(m1.json("_syncline/members") ?? {}).sort()).toEqual(["f1", "f2", "f3", "m1"]);
  cluster.network.cut("f1", "f3");
  const three = vote(m1);
  cluster.pass(2_000);
  expect(outcome(three)).toBe("committed");
  cluster.network.cut("f1", "f2");
  const two = vote(m1, 1_000);
  cluster.pass(3_000);
  expect(outcome(two)).toBe("unconfirmed");
});
