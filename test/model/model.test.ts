/**
 * The rules by themselves, without the product: where a retirement was forced and nothing can be cut, the end has to move
 * (decision 0058). The same histories go right with that rule, and wrong without it.
 */
import { expect, test } from "vitest";

interface Outcome {
  readonly kind: string | null;
  readonly msg?: string;
  readonly stats: { readonly forced: number; readonly moved: number };
}

type Run = (seed: number, flags: object, options: object) => Outcome;

const { run } = (await import(new URL("model.mjs", import.meta.url).href)) as { run: Run };

const FORCE = { soft: true, maxLoss: 0, forceW: 3, truncW: 8, masters: 3, dieW: 0 };

test.each([
  [1088, "none", "parked"],
  [1290, "none", "converge"],
  [2232, "none", "invisible"],
  [1011, "no-bases", "orphan-base"],
  [1403, "no-bases", "regress"],
])("history %i is %s: without it %s, with all of it right", (seed, fallback, kind) => {
  expect(run(seed, { fallback }, FORCE).kind).toBe(kind);
  const whole = run(seed, {}, FORCE);
  expect([whole.kind, whole.msg]).toEqual([null, undefined]);
  expect(whole.stats.moved).toBeGreaterThan(0);
});

test("a start that cut before it had read that the end was moved", () => {
  const few = { soft: true, forceW: 2, retireW: 2, sparse: 0.5, truncW: 8, maxLoss: 0 };
  const { kind, msg } = run(5_000_525, {}, few);
  expect([kind, msg]).toEqual([null, undefined]);
});

test("random histories with retirements by force go right", () => {
  let forced = 0;
  let moved = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { kind, msg, stats } = run(seed, {}, FORCE);
    expect([seed, kind, msg]).toEqual([seed, null, undefined]);
    forced += stats.forced;
    moved += stats.moved;
  }
  expect(forced).toBeGreaterThan(30);
  expect(moved).toBeGreaterThan(0);
});
