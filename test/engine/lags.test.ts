/** Lags in records and in seconds: never too small, unknown where nobody says (I10). */
import type { SimNode } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";

const increment = (node: SimNode) => node.write("boards/a", (b) => b.counter("votes").increment());

const lagOf = (at: SimNode, name: string) => at.engine.status().nodes.find(({ node }) => node === name)?.lag;

test("a follower that sleeps lags by what was written meanwhile, since the first of it", () => {
  const cluster = world(1);
  const m1 = cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(2_000);
  const none = { records: 0, seconds: 0 };
  expect(lagOf(m1, "f1")).toEqual({ received: none, durable: none, applied: none });
  f1.pause(8_000);
  for (let i = 0; i < 5; i++) {
    increment(m1);
    cluster.pass(1_000);
  }
  const lag = lagOf(m1, "f1")?.durable;
  expect(lag?.records).toBe(5);
  // Never too small; too large by the distance of two looks at most, the first of which was long ago.
  expect(lag?.seconds).toBeGreaterThanOrEqual(4.9);
  cluster.pass(5_000);
  expect(lagOf(m1, "f1")).toEqual({ received: none, durable: none, applied: none });
});

test("of who is gone nothing is known", () => {
  const cluster = world(2);
  const m1 = cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(1_000);
  f1.kill();
  increment(m1);
  cluster.pass(1_000);
  expect(lagOf(m1, "f1")).toEqual({ received: null, durable: null, applied: null });
});

test("after hours of writing the looks are still few, and a long lag is told nearly right", () => {
  const cluster = world(3);
  const m1 = cluster.master("m1");
  cluster.follower("f1", { follow: ["m1"], flushMs: 7_200_000 });
  cluster.pass(1_000);
  for (let i = 0; i < 400; i++) {
    increment(m1);
    cluster.pass(10_000);
  }
  const seconds = lagOf(m1, "f1")?.durable?.seconds ?? 0;
  expect(seconds).toBeGreaterThanOrEqual(3_990);
  expect(seconds).toBeLessThanOrEqual(4_010);
});

test("what the commit rule makes of each node, as its master says it", () => {
  const names = ["f1", "f2", "f3"];
  const states = (rule: Parameters<ReturnType<typeof world>["master"]>[1]) => {
    const cluster = world(4);
    const m1 = cluster.master("m1", rule);
    for (const name of names) cluster.follower(name, { follow: ["m1"], voter: name !== "f3" });
    cluster.pass(2_000);
    return m1.engine.status().nodes.map(({ syncState }) => syncState);
  };
  expect(states({})).toEqual(["async", "async", "async", null]);
  expect(states({ rule: { kind: "any", needed: 1, names: ["f1", "f3"] } })).toEqual([
    "quorum",
    "async",
    "quorum",
    null,
  ]);
  expect(states({ rule: { kind: "first", needed: 1, names: ["f3", "f1"] } })).toEqual([
    "potential",
    "async",
    "sync",
    null,
  ]);
  expect(states({ rule: { kind: "majority" } })).toEqual(["quorum", "quorum", "async", null]);
  expect(states({ rule: { kind: "all" } })).toEqual(["sync", "sync", "async", null]);
});
