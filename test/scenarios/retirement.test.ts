/**
 * Retirement: a node that is gone for good leaves the cluster, and nothing that was promised goes with it (SPINE 16 to 18).
 * If it comes back, it joins as a new one, and hands in what it had beyond the ends.
 */
import type { RetirementAnswer } from "@syncline/engine";
import type { Cluster, SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { tags, world } from "./world.js";

const names = (node: SimNode): string[] => node.engine.status().nodes.map((member) => member.node);

/** Streams of a node, as another one has them: how far, and how much of that is shown. */
const streamsOf = (node: SimNode, of: string): [held: number, shown: number][] =>
  node.engine
    .status()
    .streams.filter((stream) => stream.node === of)
    .map(({ received, applied }) => [received, applied]);

function retired(cluster: Cluster, by: SimNode, node: string, force = false): RetirementAnswer {
  const result = by.retire(node, { force });
  cluster.passUntil(`${node} is retired or not`, () => result.answer !== undefined);
  return result.answer as RetirementAnswer;
}

/** Three masters and two followers; m3 is gone, and f1 alone has the end of its stream. */
function uneven(seed: number, log: string[] = []) {
  const cluster = world(seed, { log: (line) => log.push(line) });
  const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
  const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
  const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
  const f1 = cluster.follower("f1", { follow: ["m1", "m3"] });
  const f2 = cluster.follower("f2", { follow: ["m2"] });
  cluster.pass(2_000);
  m3.write("boards/a", (b) => b.set("tags").add("everywhere"));
  cluster.pass(1_000);
  for (const other of ["m1", "m2"]) cluster.network.cut("m3", other);
  m3.write("boards/a", (b) => b.set("tags").add("at f1"));
  cluster.pass(50);
  cluster.network.cut("m3", "f1");
  // What f1 has of it does not get to m1 by itself.
  m3.write("boards/a", (b) => b.set("tags").add("nowhere"));
  cluster.pass(500);
  m3.kill();
  return { cluster, m1, m2, m3, f1, f2 };
}

describe("rule 16: survivors agree on the end, and all catch up from the best holder", () => {
  test("a dead master is retired; what any of them has of it is everywhere; it counts for nothing any more", () => {
    const { cluster, m1, m2, f1, f2 } = uneven(1);
    cluster.pass(500);
    const answer = retired(cluster, m1, "m3");
    expect(answer).toMatchObject({ ok: true, doubts: [] });
    cluster.remove("m3");
    cluster.settle();
    for (const node of [m1, m2, f1, f2]) {
      expect(tags(node)).toEqual(["at f1", "everywhere"]);
      expect(names(node)).not.toContain("m3");
    }
  });

  test("nothing is safe while one of two masters is away; once it is retired, the others are enough", () => {
    const cluster = world(2);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(2_000);
    m2.kill();
    cluster.pass(1_000);
    const client = cluster.client("ann", ["m1"]);
    client.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(3_000);
    expect(client.engine.unsafeChanges()).toHaveLength(1);
    expect(retired(cluster, m1, "m2")).toMatchObject({ ok: true });
    cluster.pass(3_000);
    expect(client.engine.unsafeChanges()).toHaveLength(0);
    expect(f1.json("boards/a")).toEqual({ votes: 1 });
  });

  test("a stream whose quorum went with its master counts as committed up to its end", () => {
    const cluster = world(3);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"], rule: { kind: "any", needed: 1, names: ["f1"] } });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    const [f2, f3] = ["f2", "f3"].map((name) => cluster.follower(name, { follow: ["m1"] }));
    cluster.pass(2_000);
    // f1 is gone for good, so nothing of m2 is committed from now on.
    f1.kill();
    cluster.pass(1_000);
    expect(retired(cluster, m1, "f1")).toMatchObject({ ok: true });
    m2.write("boards/a", (b) => b.register("title").set("hidden"));
    cluster.pass(1_000);
    m2.kill();
    cluster.pass(1_000);
    expect(m1.json("boards/a")).toBeUndefined();
    expect(retired(cluster, m1, "m2")).toMatchObject({ ok: true, doubts: [] });
    for (const name of ["f1", "m2"]) cluster.remove(name);
    cluster.settle();
    for (const node of [m1, f2, f3]) expect(node?.json("boards/a")).toEqual({ title: "hidden" });
  });

  test("it is refused, and the fence lifted, while a master, a majority or n-k+1 of a quorum are not heard", () => {
    const cluster = world(4);
    const rule = { kind: "any", needed: 1, names: ["f1", "f2"] } as const;
    const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
    const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
    const m3 = cluster.master("m3", { follow: ["m1", "m2"], rule });
    const f1 = cluster.follower("f1", { follow: ["m1", "m3"] });
    const f2 = cluster.follower("f2", { follow: ["m2", "m3"] });
    cluster.pass(2_000);
    const alive = retired(cluster, m1, "m3");
    expect(alive).toMatchObject({ ok: false, fault: { code: "RETIREMENT_WOULD_LOSE" } });
    m3.kill();
    m2.kill();
    cluster.pass(1_000);
    const noMaster = retired(cluster, m1, "m3");
    expect(noMaster).toMatchObject({ ok: false, fault: { code: "RETIREMENT_WOULD_LOSE" } });
    expect(noMaster.doubts.map(({ unheard }) => unheard)).toContainEqual(["m2"]);
    m2.start();
    f2.kill();
    cluster.pass(2_000);
    const noQuorum = retired(cluster, m1, "m3");
    expect(noQuorum.doubts.map(({ node, unheard }) => [node, unheard])).toEqual([["m3", ["f2"]]]);
    f1.kill();
    cluster.pass(1_000);
    const noMajority = retired(cluster, m1, "m3");
    const silent = noMajority.doubts.map(({ unheard }) => [...unheard].sort());
    expect(silent).toContainEqual(["f1", "f2", "m3"]);
    // Nothing is left of the attempts: m3 goes on as before.
    for (const node of [f1, f2, m3]) node.start();
    cluster.pass(2_000);
    m3.write("boards/a", (b) => b.register("title").set("alive"));
    cluster.settle();
    for (const node of [m1, m2, m3, f1, f2]) expect(node.json("boards/a")).toEqual({ title: "alive" });
  });

  test("of two masters that do not hear each other none can retire the other without force", () => {
    const cluster = world(5);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    cluster.pass(2_000);
    cluster.network.cut("m1", "m2");
    cluster.pass(12_000);
    for (const [by, node] of [
      [m1, "m2"],
      [m2, "m1"],
    ] as const)
      expect(retired(cluster, by, node)).toMatchObject({ ok: false });
    // Both are forced, which is as wrong as it gets: nothing is lost all the same.
    for (const [by, node] of [
      [m1, "m2"],
      [m2, "m1"],
    ] as const) {
      by.write("boards/a", (b) => b.set("tags").add(by.name));
      expect(retired(cluster, by, node, true)).toMatchObject({ ok: true });
    }
    cluster.network.healAll();
    cluster.settle();
    for (const node of [m1, m2]) {
      expect(tags(node)).toEqual(["m1", "m2"]);
      expect(names(node)).toEqual(["m1", "m2"]);
      expect(node.engine.refusesWrites()).toBeUndefined();
    }
  });

  test("a retirement is known after a restart, and by those who were away", () => {
    const { cluster, m1, m2, f1, f2 } = uneven(6);
    f2.kill();
    cluster.pass(500);
    expect(retired(cluster, m1, "m3")).toMatchObject({ ok: true });
    for (const node of [m1, m2, f1]) node.restart();
    f2.start();
    cluster.pass(3_000);
    for (const node of [m1, m2, f1, f2]) {
      expect(names(node)).toEqual(["f1", "f2", "m1", "m2"]);
      expect(streamsOf(node, "m3")).toEqual(streamsOf(f1, "m3"));
    }
  });

  test("a dead follower is retired: records are no longer kept for it, and no rule waits for it", () => {
    const cluster = world(7, { limits: { truncationRecordsMin: 4 } });
    const m1 = cluster.master("m1", { follow: ["m2"], rule: { kind: "all" } });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(2_000);
    f1.kill();
    cluster.pass(1_000);
    const waiting = m1.write("boards/a", (b) => b.counter("votes").increment(1), { level: "committed" });
    for (let i = 0; i < 20; i++) m1.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(2_000);
    expect(waiting.answer).toBeUndefined();
    expect(retired(cluster, m1, "f1")).toMatchObject({ ok: true });
    cluster.passUntil("it is committed", () => waiting.answer !== undefined);
    expect(waiting.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
    cluster.passUntil("records go", () => m2.engine.status().retained.records < 10);
  });
});

describe("the fence", () => {
  test("whoever has it takes no more of the node's streams, also if the node turns out to live, until it is lifted", () => {
    const cluster = world(21);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    const f2 = cluster.follower("f2", { follow: ["m1"] });
    cluster.pass(2_000);
    for (const other of ["m1", "f1"]) cluster.network.cut("m2", other);
    f2.kill();
    cluster.pass(12_000);
    // It hears two of four, and waits for more.
    const waiting = m1.retire("m2", { waitMs: 8_000 });
    cluster.pass(1_000);
    const before = streamsOf(f1, "m2");
    cluster.network.heal("m2", "f1");
    cluster.pass(3_000);
    m2.write("boards/a", (b) => b.set("tags").add("unheard"));
    cluster.pass(2_000);
    expect(waiting.answer).toBeUndefined();
    expect(streamsOf(f1, "m2")).toEqual(before);
    cluster.passUntil("it is given up", () => waiting.answer !== undefined);
    expect(waiting.answer).toMatchObject({ ok: false, fault: { code: "RETIREMENT_WOULD_LOSE" } });
    cluster.passUntil("it goes on", () => f1.json("boards/a") !== undefined);
    cluster.network.healAll();
    f2.start();
    cluster.settle();
    expect(tags(f2)).toEqual(["unheard"]);
  });

  test("whoever was deciding when it died has decided nothing; another one can, and so can itself", () => {
    const cluster = world(22);
    const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
    const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
    const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(2_000);
    m3.kill();
    f1.kill();
    cluster.pass(1_000);
    m1.retire("m3", { waitMs: 60_000 });
    cluster.pass(1_000);
    m1.kill();
    f1.start();
    cluster.pass(3_000);
    expect(retired(cluster, m2, "m3")).toMatchObject({ ok: false });
    m1.start();
    cluster.pass(3_000);
    expect(retired(cluster, m2, "m3")).toMatchObject({ ok: true, doubts: [] });
    cluster.pass(1_000);
    for (const node of [m1, m2, f1]) expect(names(node)).not.toContain("m3");
  });
});

test.each([
  ["itself, when it is back", true],
  ["another master that hears the node", false],
])("a fence whose master has died is lifted by %s", (_by, isBack) => {
  const cluster = world(23);
  const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
  const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
  const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
  const f1 = cluster.follower("f1", { follow: ["m3"] });
  const f2 = cluster.follower("f2", { follow: ["m1", "m2"] });
  cluster.pass(2_000);
  for (const node of [m3, f1]) node.kill();
  if (isBack) m2.kill();
  cluster.pass(1_000);
  m1.retire("m3", { waitMs: 60_000 });
  cluster.pass(500);
  m1.kill();
  cluster.pass(500);
  if (isBack) m1.start();
  for (const node of [m3, f1]) node.start();
  cluster.pass(12_000);
  m3.write("boards/a", (b) => b.set("tags").add("alive"));
  cluster.pass(2_000);
  if (!isBack) cluster.passUntil("m2 has it", () => m2.json("boards/a") !== undefined);
  else cluster.passUntil("f2 has it", () => f2.json("boards/a") !== undefined);
  expect(tags(isBack ? m1 : f2)).toEqual(["alive"]);
});

describe("by force", () => {
  test("what a master that was not heard holds may have been built on: the end moves, and all get it", () => {
    const cluster = world(31);
    const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
    const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
    const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(2_000);
    for (const one of ["m2", "m3"]) for (const other of ["m1", "f1"]) cluster.network.cut(one, other);
    m3.write("boards/a", (b) => b.set("tags").add("of m3"));
    cluster.pass(500);
    m2.write("boards/a", (b) => b.set("tags").add("built on it"));
    cluster.pass(12_000);
    m3.kill();
    expect(retired(cluster, m1, "m3", true)).toMatchObject({ ok: true });
    cluster.network.healAll();
    cluster.remove("m3");
    cluster.settle();
    for (const node of [m1, m2, f1]) expect(tags(node)).toEqual(["built on it", "of m3"]);
  });

  test("a master that was not heard goes on showing what it holds, also if it has built nothing on it", () => {
    const log: string[] = [];
    const cluster = world(33, { log: (line) => log.push(line) });
    const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
    const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
    const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
    cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(2_000);
    for (const one of ["m2", "m3"]) for (const other of ["m1", "f1"]) cluster.network.cut(one, other);
    m3.write("boards/a", (b) => b.set("tags").add("of m3"));
    cluster.pass(12_000);
    m3.kill();
    expect(retired(cluster, m1, "m3", true)).toMatchObject({ ok: true });
    cluster.network.healAll();
    cluster.remove("m3");
    cluster.settle();
    for (const node of [m1, m2]) expect(tags(node)).toEqual(["of m3"]);
    expect(log.filter((line) => line.includes("m2 warn stream-cut"))).toEqual([]);
  });

  test("a client that was told that something beyond the end is safe hands over what it has, and goes on", () => {
    const cluster = world(32);
    const m1 = cluster.master("m1", { follow: ["m2"], rule: { kind: "any", needed: 1, names: ["f1"] } });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(2_000);
    const ann = cluster.client("ann", ["m1", "m2"]);
    cluster.pass(500);
    cluster.network.cut("m2", "m1");
    cluster.pass(12_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(2_000);
    expect(ann.engine.unsafeChanges()).toHaveLength(0);
    cluster.network.cut("ann", "m1");
    expect(retired(cluster, m2, "m1", true)).toMatchObject({ ok: true });
    cluster.network.heal("m1", "m2");
    ann.write("boards/a", (b) => b.counter("votes").increment(10));
    cluster.settle();
    for (const node of [m1, m2, f1]) expect(node.json("boards/a")).toEqual({ votes: 11 });
  });
});

describe("rule 18: who had more puts it aside and hands it in", () => {
  test("a retired master comes back: it is told, joins as new, and nothing that it had accepted is lost", () => {
    const log: string[] = [];
    const { cluster, m1, m2, m3, f1, f2 } = uneven(11, log);
    cluster.pass(500);
    expect(retired(cluster, m1, "m3")).toMatchObject({ ok: true });
    m2.write("boards/a", (b) => b.set("tags").add("meanwhile"));
    cluster.pass(1_000);
    cluster.network.healAll();
    m3.start();
    cluster.settle();
    for (const node of [m1, m2, m3, f1, f2]) {
      expect(tags(node)).toEqual(["at f1", "everywhere", "meanwhile", "nowhere"]);
      expect(names(node)).toContain("m3");
    }
    expect(log.some((line) => / m3 info node-disconnected .*NODE_RETIRED/.test(line))).toBe(true);
    // The old stream ends where it was closed, at m3 too; the tail stands in the new one.
    expect(streamsOf(m3, "m3").sort()).toEqual(streamsOf(m1, "m3").sort());
    m3.write("boards/a", (b) => b.set("tags").add("after"));
    cluster.settle();
    expect(tags(f2)).toContain("after");
    // It stays what it is when it is started again.
    m3.restart();
    cluster.settle();
    expect(names(m1)).toContain("m3");
  });

  test("a master that was only cut off takes writes all the while: they come in by identity, once", () => {
    const cluster = world(12);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    const f9 = cluster.follower("f9", { follow: ["m2"] });
    const f3 = cluster.follower("f3", { follow: ["m1"] });
    const ann = cluster.client("ann", ["m2", "m1"]);
    cluster.pass(2_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(1_000);
    for (const other of ["m1", "f1", "f3"]) for (const cut of ["m2", "f9"]) cluster.network.cut(other, cut);
    cluster.pass(12_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(10));
    ann.write("boards/b", (b) => b.set("tags").add("of the zombie"));
    cluster.pass(1_000);
    expect(f9.json("boards/a")).toEqual({ votes: 11 });
    expect(retired(cluster, m1, "m2")).toMatchObject({ ok: true });
    // It is started again meanwhile: the new stream knows nothing of the retirement and ends before its beginning.
    m2.restart();
    cluster.pass(1_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(100));
    cluster.pass(1_000);
    const opened = Number(m2.engine.status().nodes.find(({ node }) => node === "m2")?.epoch);
    cluster.network.healAll();
    cluster.settle();
    for (const node of [m1, m2, f1, f9, f3]) {
      expect(node.engine.endOf(opened)).toBe(0);
      expect(node.json("boards/a")).toEqual({ votes: 111 });
      expect(node.json("boards/b")).toEqual({ tags: ["of the zombie"] });
    }
  });

  test("a change that stands beyond the end and in another stream as well stays where it is", () => {
    const cluster = world(13);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    const f2 = cluster.follower("f2", { follow: ["m1"] });
    const f3 = cluster.follower("f3", { follow: ["m2"] });
    const ann = cluster.client("ann", ["m2", "m1"]);
    cluster.pass(2_000);
    for (const one of ["m1", "f1", "f2"]) for (const two of ["m2", "f3"]) cluster.network.cut(one, two);
    cluster.pass(12_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(1_000);
    // It offers the same to m1 and goes on there.
    cluster.network.cut("ann", "m2");
    cluster.pass(15_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(10));
    cluster.pass(3_000);
    expect(m1.json("boards/a")).toEqual({ votes: 11 });
    expect(retired(cluster, m1, "m2")).toMatchObject({ ok: true });
    cluster.network.healAll();
    cluster.settle();
    for (const node of [m1, m2, f1, f2, f3]) expect(node.json("boards/a")).toEqual({ votes: 11 });
  });

  test("a change that goes from one stream is taken from the other one in which it stands", () => {
    const cluster = world(15);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    const majority = ["f1", "f2", "f4"].map((name) => cluster.follower(name, { follow: ["m1"] }));
    const f9 = cluster.follower("f9", { follow: ["m1"] });
    const f3 = cluster.follower("f3", { follow: ["m2", "f9"] });
    const ann = cluster.client("ann", ["m2", "m1"]);
    cluster.pass(3_000);
    for (const one of ["m1", "f1", "f2", "f4", "f9"])
      for (const two of ["m2", "f3"]) cluster.network.cut(one, two);
    ann.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(1_000);
    cluster.network.cut("ann", "m2");
    cluster.pass(15_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(10));
    cluster.pass(2_000);
    // f3 gets from f9 what m1 has accepted, and with it the first change for the second time.
    cluster.network.cut("f9", "m1");
    cluster.network.heal("f9", "f3");
    cluster.passUntil("it has both", () => (f3.json("boards/a") as { votes: number }).votes === 11);
    expect(retired(cluster, m1, "m2")).toMatchObject({ ok: true });
    cluster.remove("m2");
    cluster.network.heal("f9", "m1");
    cluster.passUntil("it is told", () => !names(f3).includes("m2"));
    expect(f3.json("boards/a")).toEqual({ votes: 11 });
    cluster.settle();
    for (const node of [m1, f3, f9, ...majority]) expect(node.json("boards/a")).toEqual({ votes: 11 });
  });

  test("what a reader waits for beyond the end is answered at once, and honestly", () => {
    const { cluster, m1, m3 } = uneven(14);
    const token = m3.engine.heldVector();
    const answers: string[] = [];
    m1.ask("boards/a", { token, waitMs: 60_000 }, (answer) =>
      answers.push(answer.ok ? "ok" : answer.fault.code),
    );
    cluster.pass(500);
    expect(answers).toEqual([]);
    expect(retired(cluster, m1, "m3")).toMatchObject({ ok: true });
    cluster.pass(100);
    expect(answers).toEqual(["INVALID_TOKEN"]);
    m1.ask("boards/a", { token, waitMs: 60_000 }, (answer) =>
      answers.push(answer.ok ? "ok" : answer.fault.code),
    );
    cluster.pass(10);
    expect(answers).toEqual(["INVALID_TOKEN", "INVALID_TOKEN"]);
  });
});
