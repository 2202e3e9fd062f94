import { Document } from "@syncline/core";
import {
  ACTION_KINDS,
  checkDocument,
  drawHistory,
  type History,
  Ledger,
  play,
  readRegression,
  shrink,
  writeRegression,
} from "@syncline/simulation";
import { plainMemory } from "@syncline/storage";
import { expect, test } from "vitest";
import { SEED } from "../seed.js";

/** These seeds are played every time, so what they must bring about is known. */
const FIXED = { from: 1, count: 40 };

/** Others with each commit, unless SYNCLINE_SEEDS=from-to says which: what fails is printed, and is the same history again. */
function newSeeds(): { from: number; count: number } {
  const [from, to] = (process.env.SYNCLINE_SEEDS ?? "").split("-").map(Number);
  if (from && to) return { from, count: to - from + 1 };
  return { from: (SEED % 2 ** 52) + 1_000, count: 40 };
}

/** What must really have happened somewhere in the batch, or it has tested nothing. */
const MUST_HAPPEN = [
  ...ACTION_KINDS,
  "network lost",
  "network duplicated",
  "network swallowed",
  "network stalled",
  "network throttled",
  "network garbage",
  "network broken",
  "disk lostCommits",
  "disk survivedCommits",
  "disk failedCommits",
  "disk failedFlushes",
  "disk crashesBeforeFlush",
  "disk crashesDuringFlush",
  "disk crashesAfterFlush",
  "disk flips",
  "disk torn",
  "disk restores",
  "rescued",
  "damaged",
  "changes in two streams",
  "SUPERSEDED",
  "PROTOCOL_VERSION",
  "FRAME_SEQUENCE",
  "provider-stalled",
  "storage-failed",
  "truncated",
  "snapshot-received",
  "snapshot-resumed",
  "snapshot-taken-in",
  "snapshots broken off",
  "roles: master",
  "roles: follower",
  "roles: PROMOTION_WOULD_LOSE",
  "repairs",
  "presence seen",
  "presence vanishedInSight",
  "opened after a master's loss",
  "retirements: retired",
  "retirements: RETIREMENT_WOULD_LOSE",
  "rule-changed",
  "rules: changed",
  "committed by a later rule",
  "purges: committed",
  "purges: confirmed by every node",
  "purges: something remains that they had not seen",
  "node-retired",
  "stream-cut",
  "former-streams-closed",
];

/** Plays them all, and counts what really happened. */
function playAll({ from, count }: { from: number; count: number }, steps: number): Record<string, number> {
  const total: Record<string, number> = {};
  for (let seed = from; seed < from + count; seed++) {
    const played = play(drawHistory(seed, steps), { plain: plainMemory });
    for (const [what, times] of Object.entries(played.counts)) total[what] = (total[what] ?? 0) + times;
  }
  return total;
}

test("histories with every fault: all settle, and every replica shows what it must", {
  timeout: 600_000,
}, () => {
  const total = playAll(FIXED, 150);
  expect(MUST_HAPPEN.filter((what) => !((total[what] ?? 0) > 0))).toEqual([]);
});

test("so do histories that nobody has seen before", { timeout: 600_000 }, () => {
  const seeds = newSeeds();
  console.log(`new histories: SYNCLINE_SEEDS=${seeds.from}-${seeds.from + seeds.count - 1}, 100 steps each`);
  playAll(seeds, 100);
});

test("a cluster of one node has histories, too", () => {
  const size = { masters: 1, followers: 0, clients: 1 };
  for (let seed = 1; seed <= 100; seed++) {
    const history = drawHistory(seed, 20, [], size);
    if (seed <= 5) play(history, { plain: plainMemory });
  }
});

test("a regression is written as it is read", () => {
  const regression = { cause: "none", history: drawHistory(3, 20) };
  expect(readRegression(writeRegression(regression))).toEqual(regression);
});

test("a history that was kept with a generator which is not known is not played with another one", () => {
  const text = writeRegression({
    cause: "none",
    history: { ...drawHistory(3, 20), generator: "mulberry32" },
  });
  expect(readRegression(text)).toMatchObject({ history: { generator: "mulberry32" } });
  expect(readRegression(text.replace("mulberry32", "dice"))).toHaveProperty("reason");
});

test("one seed is one history, byte for byte", () => {
  for (const seed of [3, 17]) {
    const history = drawHistory(seed, 80);
    expect(play(history, { plain: plainMemory }).hash).toBe(play(history, { plain: plainMemory }).hash);
  }
});

test("a failing history is made smaller until nothing can be left out", () => {
  const history = drawHistory(5, 60);
  const writes = (actions: History["actions"]) => actions.filter((action) => action.kind === "write").length;
  // Stands for a defect that takes three writes.
  const smallest = shrink(history, ({ actions }) => writes(actions) >= 3, 500);
  expect(smallest.actions.map((action) => action.kind)).toEqual(["write", "write", "write"]);
});

test("the checks bite: a document that shows something else is a violation", () => {
  const ledger = new Ledger();
  const document = new Document({ collection: "boards", key: "a" });
  const change = document.transact({ author: 1, stamp: 1 }, (draft) => draft.counter("votes").increment());
  if (change === undefined) throw new Error("no change");
  expect(() => checkDocument("m1", document, ledger)).toThrow("I1");
  ledger.add(change);
  expect(() => checkDocument("m1", document, ledger)).not.toThrow();
  const other = new Document({ collection: "boards", key: "a" });
  const more = other.transact({ author: 1, stamp: 1 }, (draft) => {
    draft.counter("votes").increment();
    draft.counter("votes").increment();
  });
  if (more === undefined) throw new Error("no change");
  const whole = new Ledger();
  whole.add(more);
  // It has the first op of a change of two: a torn transaction.
  expect(() => checkDocument("m1", document, whole)).toThrow("I4");
});
