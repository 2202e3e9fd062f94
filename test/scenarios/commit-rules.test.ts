/**
 * The commit rule of a stream is changed by a record in it: it holds for later positions, and for earlier ones that wait once
 * that record is committed under it, on every node, however it came by the stream (I6, I7).
 */
import { LOCAL, RULES_PER_STREAM_MAX } from "@syncline/protocol";
import type { SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { tags, world } from "./world.js";

const any = (needed: number, ...names: string[]) => ({ kind: "any", needed, names }) as const;

const add = (node: SimNode, value: string) =>
  node.write("boards/a", (b) => b.set("tags").add(value), { level: "committed", waitMs: 60_000 });

const ruleOf = (node: SimNode) =>
  node.engine
    .status()
    .streams.filter(({ node: origin }) => origin === "m1")
    .map(({ rule }) => rule);

/** m1 needs f1 and f2, which are gone; f3 and f4 are there. */
function stuck(seed: number, options: Parameters<typeof world>[1] = {}, flushMs = 1) {
  const cluster = world(seed, options);
  const m1 = cluster.master("m1", { rule: any(2, "f1", "f2") });
  const [f1, f2, f3, f4] = ["f1", "f2", "f3", "f4"].map((name) =>
    cluster.follower(name, { follow: ["m1"], ...(name === "f4" && { flushMs }) }),
  ) as [SimNode, SimNode, SimNode, SimNode];
  cluster.pass(1_000);
  add(m1, "before");
  cluster.pass(500);
  for (const node of [f1, f2]) node.kill();
  cluster.pass(500);
  return { cluster, m1, f1, f2, f3, f4 };
}

describe("a quorum that can no longer be met", () => {
  test("is replaced: what waits is committed as soon as the new one has the record that says so, and not before", () => {
    const { cluster, m1, f1, f2, f3, f4 } = stuck(81, {}, 3_000);
    const waiting = add(m1, "waiting");
    cluster.pass(5_000);
    expect(waiting.answer).toBeUndefined();
    for (const node of [m1, f3, f4]) expect(tags(node)).toEqual(["before"]);
    // f3 and f4 have it already, and the new quorum is both. The disk of f4 needs seconds for what comes now.
    const changed = m1.changeRule(any(2, "f3", "f4"));
    cluster.pass(1_000);
    expect(changed.answer).toBe("changed");
    expect(waiting.answer).toBeUndefined();
    for (const node of [m1, f3]) expect(tags(node)).toEqual(["before"]);
    cluster.pass(10_000);
    expect(waiting.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
    const later = add(m1, "later");
    cluster.pass(10_000);
    expect(later.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
    for (const node of [f1, f2]) node.start();
    cluster.settle();
    for (const node of [m1, f1, f2, f3, f4]) {
      expect(tags(node)).toEqual(["before", "later", "waiting"]);
      expect(ruleOf(node)).toEqual(["ALL (f3,f4)"]);
    }
  });

  test("is given up: with LOCAL what waits is shown wherever the record is", () => {
    const { cluster, m1, f3 } = stuck(82);
    const waiting = add(m1, "waiting");
    cluster.pass(1_000);
    m1.changeRule(LOCAL);
    cluster.pass(1_000);
    expect(waiting.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
    for (const node of [m1, f3]) expect(tags(node)).toEqual(["before", "waiting"]);
  });

  test("is given up: as long as only memory has the record that says so, nothing is committed by it", () => {
    const cluster = world(88);
    const m1 = cluster.master("m1", { rule: any(1, "gone"), flushMs: 3_000 });
    cluster.pass(10_000);
    const waiting = add(m1, "waiting");
    cluster.pass(10_000);
    m1.changeRule(LOCAL);
    cluster.pass(1_000);
    expect(waiting.answer).toBeUndefined();
    expect(tags(m1)).toBeUndefined();
    // It dies before its disk has the record. Nobody was promised anything, and the former stream waits as before.
    m1.restart();
    cluster.pass(10_000);
    expect(tags(m1)).toBeUndefined();
    const again = add(m1, "again");
    cluster.pass(10_000);
    m1.changeRule(LOCAL);
    cluster.pass(10_000);
    expect(again.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
  });

  test("the old quorum does not commit what came after the change", () => {
    const { cluster, m1, f1, f2, f3, f4 } = stuck(83);
    for (const name of ["f3", "f4"]) cluster.network.cut("m1", name);
    cluster.pass(500);
    add(m1, "early");
    m1.changeRule(any(2, "f3", "f4"));
    const late = add(m1, "late");
    for (const node of [f1, f2]) node.start();
    cluster.pass(15_000);
    // What came before it stands under the old rule still.
    for (const node of [m1, f1, f2]) expect(tags(node)).toEqual(["before", "early"]);
    expect(late.answer).toBeUndefined();
    cluster.network.healAll();
    cluster.settle();
    for (const node of [m1, f1, f2, f3, f4]) expect(tags(node)).toEqual(["before", "early", "late"]);
  });
});

test("a stream that was LOCAL gets a quorum: what it had is committed, what comes waits", () => {
  const cluster = world(84);
  const m1 = cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(1_000);
  add(m1, "alone");
  cluster.pass(500);
  cluster.network.cut("m1", "f1");
  add(m1, "alone too");
  m1.changeRule(any(1, "f1"));
  const waiting = add(m1, "waiting");
  cluster.pass(5_000);
  expect(tags(m1)).toEqual(["alone", "alone too"]);
  expect(waiting.answer).toBeUndefined();
  m1.restart();
  cluster.pass(1_000);
  // The former stream keeps the rule that it was given; the new one has the one of the flags.
  expect(tags(m1)).toEqual(["alone", "alone too"]);
  expect(ruleOf(m1).sort()).toEqual(["ALL (f1)", "LOCAL"]);
  cluster.network.healAll();
  cluster.settle();
  for (const node of [m1, f1]) expect(tags(node)).toEqual(["alone", "alone too", "waiting"]);
});

test("the rule outlives its record: it comes with a snapshot, and is there after every restart", () => {
  const limits = { retentionRecordsMax: 2, truncationRecordsMin: 1, foldTailChanges: 1 };
  const { cluster, m1, f3, f4 } = stuck(85, { limits });
  m1.changeRule(any(1, "f3", "f4"));
  for (let i = 0; i < 30; i++) add(m1, `${i}`);
  cluster.pass(30_000);
  const gone = m1.engine.status().streams[0];
  expect(gone?.truncated).toBeGreaterThan(5);
  const f5 = cluster.follower("f5", { follow: ["f3"] });
  cluster.pass(10_000);
  for (const node of [f3, f5]) node.restart();
  cluster.pass(10_000);
  for (const node of [f3, f5]) {
    expect(ruleOf(node)).toEqual(["ANY 1 (f3,f4)"]);
    expect(tags(node)).toHaveLength(31);
  }
  // It is what it says: with both of those gone nothing is committed.
  for (const node of [f3, f4]) node.kill();
  cluster.network.healAll();
  const f6 = cluster.follower("f6", { follow: ["m1"] });
  cluster.pass(5_000);
  const waiting = add(m1, "waiting");
  cluster.pass(5_000);
  expect(waiting.answer).toBeUndefined();
  expect(tags(f6)).toHaveLength(31);
});

test("a promoted node that is started again has the rule that it was given last", () => {
  const cluster = world(86);
  const m1 = cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(1_000);
  const promoted = f1.promote({ rule: any(1, "x") });
  cluster.passUntil("it is a master", () => promoted.answer !== undefined);
  const changed = f1.changeRule(any(1, "m1"));
  cluster.pass(200);
  expect(changed.answer).toBe("changed");
  f1.restart();
  cluster.pass(1_000);
  const write = f1.write("boards/a", (b) => b.set("tags").add("mine"), { level: "committed" });
  cluster.settle();
  expect(write.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
  expect(tags(m1)).toEqual(["mine"]);
});

test("a follower has none to change, and nobody changes it without end", () => {
  const cluster = world(87);
  const m1 = cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(1_000);
  const refused = f1.changeRule(LOCAL);
  cluster.pass(100);
  expect(refused.answer).toMatchObject({ code: "READ_ONLY_FOLLOWER" });
  const answers: unknown[] = [];
  for (let i = 0; i <= RULES_PER_STREAM_MAX; i++) {
    const changed = m1.changeRule(i % 2 === 0 ? any(1, "f1") : LOCAL);
    cluster.pass(200);
    answers.push(changed.answer);
  }
  expect(answers.slice(0, -1).every((answer) => answer === "changed")).toBe(true);
  expect(answers.at(-1)).toMatchObject({ code: "LIMIT_EXCEEDED" });
  add(m1, "still");
  cluster.settle();
  for (const node of [m1, f1]) expect(tags(node)).toEqual(["still"]);
});
