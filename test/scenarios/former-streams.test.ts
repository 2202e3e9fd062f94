/**
 * The streams of a node's former starts: it closes them itself, once everybody is heard and it has all that there is of them
 * (SPINE 16, decision 0080). Until then they stay open, and nobody is kept from what others have.
 */
import type { Cluster, SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { tags, world } from "./world.js";

/** Where the streams of a node end, as far as another one knows; null for an open one. In no order. */
const ends = (node: SimNode, of: string): (number | null)[] =>
  node.engine
    .status()
    .streams.filter((stream) => stream.node === of)
    .map(({ end }) => end)
    .sort((a, b) => (a ?? -1) - (b ?? -1));

/** Who finds out where streams of this node end, as another one knows. */
const fenceOf = (node: SimNode, of: string): string =>
  node.engine.status().closings.find((closing) => closing.node === of)?.decidedBy ?? "";

const isOpen = (end: number | null): boolean => end === null;

/** So many streams of this node are closed on all of these, and its present one is open. */
function closedEverywhere(cluster: Cluster, nodes: readonly SimNode[], of: string, count = 1): void {
  cluster.passUntil(`${count} streams of ${of} are closed`, () =>
    nodes.every((node) => ends(node, of).length === count + 1 && ends(node, of).filter(isOpen).length === 1),
  );
}

/** Two masters and a follower; m1 has accepted something, which is everywhere. */
function three(seed: number, log: string[] = []) {
  const cluster = world(seed, { log: (line) => log.push(line) });
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.pass(2_000);
  m1.write("boards/a", (b) => b.set("tags").add("first"));
  cluster.pass(1_000);
  return { cluster, m1, m2, f1, nodes: [m1, m2, f1] };
}

describe("a master that was started again closes what it had", () => {
  test("when it hears everybody: the ends are known everywhere, also after restarts, and the last stream stays open", () => {
    const { cluster, m1, m2, f1, nodes } = three(1);
    m1.restart();
    closedEverywhere(cluster, nodes, "m1");
    m1.restart();
    cluster.pass(500);
    m1.write("boards/a", (b) => b.set("tags").add("second"));
    closedEverywhere(cluster, nodes, "m1", 2);
    for (const node of nodes) {
      expect(ends(node, "m1")).toHaveLength(3);
      expect(ends(node, "m2")).toEqual([null]);
    }
    m2.restart();
    f1.restart();
    closedEverywhere(cluster, nodes, "m2");
    cluster.settle();
    for (const node of nodes) {
      expect(ends(node, "m1")).toHaveLength(3);
      expect(tags(node)).toEqual(["first", "second"]);
      expect(node.engine.status().nodes.map((member) => member.node)).toEqual(["f1", "m1", "m2"]);
    }
    expect(m1.engine.refusesWrites()).toBeUndefined();
  });

  test("alone in its cluster, too", () => {
    const cluster = world(2);
    const m1 = cluster.master("m1");
    cluster.pass(100);
    m1.write("boards/a", (b) => b.set("tags").add("first"));
    cluster.pass(100);
    m1.restart();
    closedEverywhere(cluster, [m1], "m1");
    cluster.settle();
    expect(tags(m1)).toEqual(["first"]);
  });

  test("with what others have of it and it has lost", () => {
    const { cluster, m1, m2, f1, nodes } = three(3);
    m1.restartEmpty();
    closedEverywhere(cluster, nodes, "m1");
    cluster.settle();
    for (const node of [m1, m2, f1]) expect(tags(node)).toEqual(["first"]);
    // The one that was lost was followed to its end before it was closed.
    expect(ends(m1, "m1").filter((end) => end !== null && end > 1)).toHaveLength(1);
  });

  test("a stream whose quorum is gone counts as committed to its end from then on", () => {
    const cluster = world(4);
    const rule = { kind: "any", needed: 2, names: ["f1", "f2", "gone"] } as const;
    const m1 = cluster.master("m1", { follow: ["m2"], rule });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    const f2 = cluster.follower("f2", { follow: ["m1"] });
    cluster.pass(2_000);
    cluster.network.cut("m1", "f2");
    m1.write("boards/a", (b) => b.set("tags").add("hidden"));
    cluster.pass(500);
    m1.kill();
    cluster.pass(1_000);
    // f1 and m2 have it, f2 cannot get it from anybody: it follows m1 alone.
    expect(f1.json("boards/a")).toBeUndefined();
    cluster.network.healAll();
    m1.start();
    const nodes = [m1, m2, f1, f2];
    closedEverywhere(cluster, nodes, "m1");
    cluster.settle();
    for (const node of nodes) expect(tags(node)).toEqual(["hidden"]);
  });

  test("one that was demoted, the stream that it had; and once more when it is promoted again", () => {
    const { cluster, m1, m2, f1, nodes } = three(5);
    const demoted = m1.demote();
    cluster.passUntil("it is a follower", () => demoted.answer !== undefined);
    expect(demoted.answer).toMatchObject({ ok: true });
    cluster.passUntil("all its streams are closed", () =>
      nodes.every((node) => !ends(node, "m1").some(isOpen)),
    );
    const promoted = m1.promote();
    cluster.passUntil("it is a master", () => promoted.answer !== undefined);
    expect(promoted.answer).toMatchObject({ ok: true });
    m1.write("boards/a", (b) => b.set("tags").add("second"));
    const again = m1.demote();
    cluster.passUntil("it is a follower", () => again.answer !== undefined);
    cluster.passUntil(
      "the second one is closed, too",
      () => nodes.every((node) => ends(node, "m1").length === 2 && !ends(node, "m1").some(isOpen)),
      120_000,
    );
    cluster.settle();
    for (const node of [m1, m2, f1]) expect(tags(node)).toEqual(["first", "second"]);
  });
});

describe("it waits", () => {
  test("for who has never come and is named by the rule; another rule does without him", () => {
    const cluster = world(12);
    const rule = { kind: "any", needed: 2, names: ["f1", "f2"] } as const;
    const m1 = cluster.master("m1", { follow: ["m2"], rule });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    const nodes = [m1, m2, f1];
    cluster.pass(2_000);
    m1.write("boards/a", (b) => b.set("tags").add("promised to two"));
    cluster.pass(1_000);
    m1.restart();
    cluster.pass(60_000);
    for (const node of nodes) {
      expect(ends(node, "m1")).toEqual([null, null]);
      expect(node.json("boards/a")).toBeUndefined();
    }
    const changed = m1.changeRule({ kind: "any", needed: 1, names: ["f1"] });
    closedEverywhere(cluster, nodes, "m1");
    expect(changed.answer).toBe("changed");
    cluster.settle();
    for (const node of nodes) expect(tags(node)).toEqual(["promised to two"]);
  });

  test("for every single member; retiring who is gone is enough", () => {
    const { cluster, m1, m2, f1 } = three(11);
    f1.kill();
    cluster.pass(1_000);
    m1.restart();
    cluster.pass(120_000);
    for (const node of [m1, m2]) expect(ends(node, "m1").filter(isOpen)).toHaveLength(2);
    const retired = m2.retire("f1");
    cluster.passUntil("f1 is retired", () => retired.answer !== undefined);
    expect(retired.answer).toMatchObject({ ok: true });
    closedEverywhere(cluster, [m1, m2], "m1");
  });

  test("not before those who count for it have all of it: an end counts as committed (I6)", () => {
    const cluster = world(31);
    const m1 = cluster.master("m1", { rule: { kind: "any", needed: 1, names: ["f1"] } });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(2_000);
    f1.kill();
    cluster.pass(1_000);
    const client = cluster.client("c", ["m1"]);
    for (let i = 0; i < 300; i++) {
      m1.write("boards/bulk", (b) => b.set("tags").add(`${i}`.padEnd(20_000, "x")));
      cluster.pass(20);
    }
    const own = client.write("boards/a", (b) => b.set("tags").add("last"));
    cluster.pass(1_000);
    expect(own.confirmed).toBe(false);
    m1.kill();
    // So much takes the follower half a minute.
    cluster.network.narrow("m1", "f1", 200);
    m1.start();
    f1.start();
    cluster.passUntil("the last change is called committed", () => own.confirmed, 120_000);
    const held = Math.max(...m1.engine.heldVector().values());
    expect(Math.max(...f1.engine.durableVector().values())).toBe(held);
  });

  test("until it has what the farthest of them holds: nothing that anybody has is cut off", () => {
    const log: string[] = [];
    const { cluster, m1, m2, f1, nodes } = three(12, log);
    cluster.network.cut("m1", "m2");
    cluster.network.cut("m2", "f1");
    m1.write("boards/a", (b) => b.set("tags").add("at f1"));
    cluster.pass(500);
    m1.kill();
    // It comes back without its disk, and sees the one that has less for a long while.
    cluster.network.healAll();
    cluster.network.cut("m1", "f1");
    cluster.network.cut("m2", "f1");
    m1.restartEmpty();
    cluster.pass(30_000);
    expect(ends(m2, "m1").every(isOpen)).toBe(true);
    cluster.network.healAll();
    closedEverywhere(cluster, nodes, "m1");
    cluster.settle();
    for (const node of [m1, m2, f1]) expect(tags(node)).toEqual(["at f1", "first"]);
    expect(log.filter((line) => line.includes("stream-cut"))).toEqual([]);
  });
});

test("what it accepts meanwhile is taken by everybody: the fence is about former streams only", () => {
  const { cluster, m1, m2, f1 } = three(21);
  // Its disk takes its time, and so does the fence.
  const f2 = cluster.follower("f2", { follow: ["m1"], flushMs: 1_000 });
  cluster.pass(10_000);
  m1.restart();
  cluster.passUntil("the fence is there", () => fenceOf(m2, "m1") !== "", 20_000);
  // From here on nobody's word gets to m1, so it cannot decide.
  for (const other of ["m2", "f1", "f2"]) cluster.network.blackHoleOneWay(other, "m1");
  m1.write("boards/a", (b) => b.set("tags").add("second"));
  cluster.pass(1_000);
  for (const node of [m2, f1, f2]) {
    expect(fenceOf(node, "m1")).toBe("m1");
    expect(tags(node)).toEqual(["first", "second"]);
  }
});

test("an attempt that comes to no end is given up, and one whose node has died is ended by another master", () => {
  const { cluster, m1, m2, f1, nodes } = three(22);
  // Its disk takes longer than an attempt.
  const f2 = cluster.follower("f2", { follow: ["m1"], flushMs: 8_000 });
  cluster.pass(60_000);
  m1.restart();
  for (let attempts = 0; attempts < 2; attempts++) {
    cluster.passUntil("the fence is there", () => fenceOf(m2, "m1") !== "", 120_000);
    if (attempts === 0) cluster.passUntil("it is given up", () => fenceOf(m2, "m1") === "", 10_000);
  }
  expect(ends(m2, "m1").every(isOpen)).toBe(true);
  m1.kill();
  cluster.passUntil("it is lifted", () => [m2, f1].every((node) => fenceOf(node, "m1") === ""), 30_000);
  m1.start();
  f2.kill();
  cluster.pass(1_000);
  const retired = m2.retire("f2");
  cluster.passUntil("f2 is retired", () => retired.answer !== undefined);
  closedEverywhere(cluster, nodes, "m1", 2);
});

test("two processes of one name: neither takes the other's stream for its past, and both are followed", () => {
  const log: string[] = [];
  const cluster = world(23, { log: (line) => log.push(line) });
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1", "twin"] });
  cluster.pass(2_000);
  const twin = cluster.master("twin", { identity: "m1", follow: ["m2"] });
  cluster.pass(120_000);
  m1.write("boards/a", (b) => b.set("tags").add("one"));
  twin.write("boards/a", (b) => b.set("tags").add("other"));
  cluster.pass(30_000);
  expect(tags(m2)).toEqual(["one", "other"]);
  expect(ends(m2, "m1")).toEqual([null, null]);
  expect(log.filter((line) => line.includes("stream-cut"))).toEqual([]);
});

test("where nobody has met both, the other one's is closed once: it joins again, and nothing of it is lost", () => {
  const log: string[] = [];
  const cluster = world(24, { log: (line) => log.push(line) });
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
  const m3 = cluster.master("m3", { follow: ["twin", "m2"] });
  cluster.pass(2_000);
  const twin = cluster.master("twin", { identity: "m1", follow: ["m3"] });
  cluster.pass(1_000);
  twin.write("boards/a", (b) => b.set("tags").add("other"));
  m1.write("boards/a", (b) => b.set("tags").add("one"));
  cluster.pass(600_000);
  const isTwice = (line: string) => line.includes("name-taken-twice");
  expect(log.filter((line) => isTwice(line) && line.includes(" m1 error"))).toHaveLength(0);
  expect(log.filter((line) => isTwice(line) && line.includes(" twin error"))).toHaveLength(1);
  twin.write("boards/a", (b) => b.set("tags").add("again"));
  cluster.pass(30_000);
  for (const node of [m1, m2, m3, twin]) {
    expect(tags(node)).toEqual(["again", "one", "other"]);
    expect(ends(node, "m1").filter(isOpen)).toHaveLength(2);
    expect(ends(node, "m1")).toHaveLength(3);
  }
});
