/** What the operator says about callers' wishes: a floor under them, and what may stand for them, said and counted (I6). */

import type { WriteAnswer, WriteOptions, WritePolicy } from "@syncline/engine";
import { type CommitRule, parseRule, type Quorum } from "@syncline/protocol";
import type { SimNode } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";

const ruleOf = (text: string): CommitRule => {
  const rule = parseRule(text);
  if (typeof rule === "string") throw new Error(rule);
  return rule;
};
const quorumOf = (text: string): Quorum => {
  const rule = ruleOf(text);
  if (rule.kind === "local") throw new Error("no quorum");
  return rule;
};

function write(node: SimNode, options: WriteOptions): { answer: WriteAnswer | undefined } {
  const result: { answer: WriteAnswer | undefined } = { answer: undefined };
  const mutate = (b: Parameters<Parameters<typeof node.engine.transact>[1]>[0]) =>
    b.counter("votes").increment();
  node.engine.transact(
    { collection: "boards", key: "a" },
    mutate,
    { ...options, token: new Map() },
    (answer) => {
      result.answer = answer;
    },
  );
  return result;
}

const outcome = ({ answer }: { answer: WriteAnswer | undefined }) =>
  answer?.ok ? { outcome: answer.receipt.outcome, degraded: answer.receipt.degraded } : answer;

function pair(seed: number, writes: WritePolicy) {
  const cluster = world(seed);
  const m1 = cluster.master("m1", { writes, flushMs: 50 });
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.settle();
  return { cluster, m1, f1 };
}

test("who asks for less than the floor waits for the floor", () => {
  const { cluster, m1 } = pair(1, { floor: { level: "durable" } });
  const asked = write(m1, { level: "received", waitMs: 1_000 });
  cluster.pass(20);
  expect(asked.answer).toBeUndefined();
  cluster.pass(100);
  expect(outcome(asked)).toEqual({ outcome: "committed", degraded: undefined });
});

test("a floor may be a quorum; a caller's own wish holds besides", () => {
  const floor = { level: "committed", concern: quorumOf("ANY 1 (f1)") } as const;
  const { cluster, m1 } = pair(2, { floor });
  cluster.network.cut("m1", "f1");
  cluster.pass(100);
  const asked = write(m1, { level: "durable", waitMs: 1_000 });
  cluster.pass(900);
  expect(asked.answer).toBeUndefined();
  cluster.pass(200);
  expect(outcome(asked)).toEqual({ outcome: "unconfirmed", degraded: undefined });
  cluster.network.healAll();
  cluster.settle();
  const again = write(m1, { level: "durable", waitMs: 1_000 });
  cluster.pass(500);
  expect(outcome(again)).toEqual({ outcome: "committed", degraded: undefined });
});

test("a wish that is not met in time is degraded only where that is configured, and it is said and counted", () => {
  const concern = quorumOf("ANY 1 (f2)");
  const plain = pair(3, {});
  const asked = write(plain.m1, { level: "committed", concern, waitMs: 1_000 });
  plain.cluster.pass(1_500);
  expect(outcome(asked)).toEqual({ outcome: "unconfirmed", degraded: undefined });

  const { cluster, m1 } = pair(4, { degradeTo: ruleOf("ANY 1 (f1)") });
  const degraded = write(m1, { level: "committed", concern, waitMs: 1_000 });
  cluster.pass(900);
  expect(degraded.answer).toBeUndefined();
  cluster.pass(200);
  expect(outcome(degraded)).toEqual({ outcome: "committed", degraded: true });
  expect(m1.engine.status().degradedWrites).toBe(1);
  // Where the lesser one does not hold either the truth is told.
  cluster.network.cut("m1", "f1");
  cluster.pass(100);
  const neither = write(m1, { level: "committed", concern, waitMs: 1_000 });
  cluster.pass(1_500);
  expect(outcome(neither)).toEqual({ outcome: "unconfirmed", degraded: undefined });
  expect(m1.engine.status().degradedWrites).toBe(1);
});

test("the commit rule is never degraded", () => {
  const cluster = world(5);
  const rule = ruleOf("ANY 1 (f1)");
  const m1 = cluster.master("m1", { rule, writes: { degradeTo: { kind: "local" } } });
  cluster.pass(500);
  const asked = write(m1, { level: "committed", concern: quorumOf("ANY 1 (f2)"), waitMs: 1_000 });
  cluster.pass(1_500);
  expect(outcome(asked)).toEqual({ outcome: "unconfirmed", degraded: undefined });
});

test("a collection may have a floor of its own, in place of the usual one", () => {
  const floorsOf = new Map([["boards", { level: "received" } as const]]);
  const { cluster, m1 } = pair(5, { floor: { level: "durable" }, floorsOf });
  const asked = write(m1, { level: "received", waitMs: 1_000 });
  cluster.pass(20);
  expect(outcome(asked)).toEqual({ outcome: "committed", degraded: undefined });
});

test("what is unconfirmed says what it waited for, and who has it by now", () => {
  const { cluster, m1 } = pair(6, { floor: { level: "durable" } });
  const asked = write(m1, { level: "received", concern: quorumOf("ANY 2 (f1,f2,f3)"), waitMs: 1_000 });
  cluster.pass(1_500);
  expect(asked.answer).toMatchObject({
    receipt: {
      outcome: "unconfirmed",
      lacking: {
        wanted: "durable, ANY 2 (f1,f2,f3)",
        receipts: [
          { node: "m1", level: "applied" },
          { node: "f1", level: "applied" },
        ],
      },
    },
  });
});
