/**
 * `clock_skew`: what a write has won by a stamp that lies further ahead than any clock may be. A master that sees it come
 * writes it down, and all nodes tell the same (REPLICATION 2.8, 2.9; I5).
 */
import type { Conflict } from "@syncline/core";
import { LIMITS } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { expect, test } from "vitest";
import { SKEWED_AUTHORS_MAX } from "../../packages/engine/src/node/skews.js";
import { world } from "./world.js";

const BOARD = "boards/a";
const DAY_MS = 86_400_000;

const skews = (node: SimNode): readonly Conflict[] =>
  node.engine.conflictList().filter(({ type }) => type === "clock_skew");

const set = (node: SimNode, value: string) => node.write(BOARD, (b) => b.register("title").set(value));

/** Masters write down what they see a few times a second. */
function settle(cluster: Cluster): void {
  cluster.settle();
  cluster.pass(1_000);
  cluster.settle();
}

/** Two masters that are apart, one a day ahead, and a follower of both. */
function apart(seed: number, aheadMs = DAY_MS) {
  const cluster = world(seed);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.pass(1_000);
  for (const other of ["m1", "f1"]) cluster.network.cut("m2", other);
  cluster.pass(500);
  m2.setClock(aheadMs, 0);
  return { cluster, m1, m2, f1 };
}

test("a value that won by a wrong clock is told, beside the conflict that it is, with the same id everywhere", () => {
  const { cluster, m1, m2, f1 } = apart(71);
  set(m2, "of tomorrow");
  set(m1, "of today");
  cluster.pass(500);
  cluster.network.healAll();
  settle(cluster);
  for (const node of [m1, m2, f1]) {
    expect(node.json(BOARD)).toEqual({ title: "of tomorrow" });
    expect(skews(node)).toMatchObject([
      { document: BOARD, field: "title", losers: [{ value: "of today" }], winner: { value: "of tomorrow" } },
    ]);
    expect(skews(node)).toEqual(skews(m1));
    const types = node.engine.conflictList().map(({ type }) => type);
    expect(types.sort()).toEqual(["clock_skew", "concurrent_update"]);
  }
  m2.setClock(0, 0);
  for (const node of [m1, m2, f1]) node.restart();
  settle(cluster);
  const [conflict] = skews(m1);
  for (const node of [m2, f1]) expect(skews(node)).toEqual([conflict]);
  // The loser is written again like that of any other conflict; then it is the value, and the other one is told of.
  m1.restoreLoser(conflict as Conflict);
  settle(cluster);
  for (const node of [m1, m2, f1]) expect(node.json(BOARD)).toEqual({ title: "of today" });
});

test("it is told although nothing else happens: no client is there, and nobody writes or connects any more", () => {
  const cluster = world(76);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2");
  cluster.pass(1_000);
  cluster.network.cut("m1", "m2");
  m2.setClock(DAY_MS, 0);
  set(m2, "of tomorrow");
  set(m1, "of today");
  cluster.pass(500);
  cluster.network.healAll();
  cluster.pass(3_000);
  expect(skews(m1)).toHaveLength(1);
  expect(m1.engine.isAtRest()).toBe(true);
});

test("what an author wins before its clock is wrong, and once it is set right, is a conflict like any other", () => {
  const { cluster, m1, m2, f1 } = apart(75, 0);
  const both = (key: string) => {
    m1.write(`boards/${key}`, (b) => b.register("title").set("1"));
    cluster.pass(100);
    m2.write(`boards/${key}`, (b) => b.register("title").set("2"));
    cluster.pass(100);
  };
  both("before");
  m2.setClock(DAY_MS, 0);
  both("wrong");
  m2.setClock(0, 0);
  both("after");
  m2.setClock(DAY_MS, 0);
  both("wrong again");
  cluster.network.healAll();
  settle(cluster);
  const conflicts = (node: SimNode) =>
    node.engine.conflictList().map(({ document, type }) => `${document} ${type}`);
  for (const node of [m1, m2, f1]) {
    expect(conflicts(node).filter((line) => line.endsWith("update"))).toHaveLength(4);
    expect(
      skews(node)
        .map(({ document }) => document)
        .sort(),
    ).toEqual(["boards/wrong", "boards/wrong again"]);
    for (const { winner } of skews(node)) expect(winner.value).toBe("2");
  }
});

test("a clock that is ahead within the bound is none of that, nor is one that is behind", () => {
  for (const aheadMs of [LIMITS.clockAheadMsMax - 10_000, -DAY_MS]) {
    const { cluster, m1, m2, f1 } = apart(72, aheadMs);
    set(m2, "wrong");
    set(m1, "right");
    cluster.pass(500);
    cluster.network.healAll();
    settle(cluster);
    for (const node of [m1, m2, f1]) {
      expect(node.engine.conflictList()).toHaveLength(1);
      expect(skews(node)).toEqual([]);
    }
  }
});

test("a node that is behind several others does not take their time for wrong", () => {
  const cluster = world(73);
  const names = ["m1", "m2", "m3"];
  const [m1, m2, m3] = names.map((name) =>
    cluster.master(name, { follow: names.filter((other) => other !== name) }),
  ) as [SimNode, SimNode, SimNode];
  m1.setClock(-DAY_MS, 0);
  m1.restart();
  cluster.pass(2_000);
  cluster.network.cut("m2", "m3");
  cluster.network.cut("m2", "m1");
  set(m2, "a");
  set(m3, "b");
  cluster.pass(500);
  cluster.network.healAll();
  settle(cluster);
  for (const node of [m1, m2, m3]) {
    expect(node.engine.conflictList({ collection: "boards", key: "a" })).toHaveLength(1);
    expect(skews(node)).toEqual([]);
  }
});

test("clocks that are set right are heard of by those who are linked, and a master takes writes again", () => {
  const cluster = world(74);
  const m1 = cluster.master("m1");
  const others = ["f1", "f2"].map((name) => cluster.follower(name, { follow: ["m1"] }));
  for (const other of others) {
    other.setClock(-DAY_MS, 0);
    other.restart();
  }
  cluster.pass(2_000);
  // Two say that it is a day ahead, so it is taken for wrong.
  expect(m1.engine.refusesWrites()?.code).toBe("NODE_CLOCK_AHEAD");
  for (const other of others) other.setClock(0, 0);
  cluster.passUntil("it is known to be right", () => m1.engine.refusesWrites() === undefined, 5_000);
  cluster.pass(2_000);
  // A little is none of anybody's business.
  const { dialed } = cluster.network.counts;
  others[0]?.setClock(30_000, 0);
  cluster.pass(5_000);
  expect(cluster.network.counts.dialed).toBe(dialed);
});

test("no more than SKEWED_AUTHORS_MAX are remembered", () => {
  const cluster = world(74);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  cluster.pass(1_000);
  // Each start of m2 is another author.
  for (let day = 1; day <= SKEWED_AUTHORS_MAX + 2; day++) {
    cluster.network.cut("m1", "m2");
    m2.setClock(day * DAY_MS, 0);
    m2.restart();
    cluster.pass(500);
    m2.write(`boards/${day}`, (b) => b.register("title").set("wrong"));
    m1.write(`boards/${day}`, (b) => b.register("title").set("right"));
    cluster.pass(500);
    cluster.network.healAll();
    cluster.pass(15_000);
  }
  m2.setClock(0, 0);
  settle(cluster);
  const days = skews(m1).map(({ document }) => Number(document.slice("boards/".length)));
  expect(days).toHaveLength(SKEWED_AUTHORS_MAX);
  expect(Math.min(...days)).toBe(3);
  expect(skews(m2)).toEqual(skews(m1));
});
