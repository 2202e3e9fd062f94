/** How much time passes between the actions of a history: drawn, and nothing else depends on it. */
import { type Action, drawHistory, type History, PACES, type Pace } from "@syncline/simulation";
import { expect, test } from "vitest";

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

/** Without what is put in between, which has pauses of its own. */
const draw = (seed: number, pace?: Pace): History =>
  drawHistory(seed, 100, ["crashes", "roles", "retirements", "rules", "purges"], undefined, pace);

const isPause = (action: Action): action is Extract<Action, { kind: "pass" }> => action.kind === "pass";

const pauses = ({ actions }: History): number[] => actions.filter(isPause).map(({ ms }) => ms);

/** The pauses between actions, for each by how much it is longer than that of the dense history. */
function factors(seed: number, pace: Pace): Set<number> {
  const dense = pauses(draw(seed, "dense"));
  const times = pauses(draw(seed, pace)).map((ms, at) => ms / dense[at]!);
  return new Set(times.filter((factor) => factor > 0));
}

test("what happens is the same at every pace, and only pauses are longer", () => {
  const rest = (pace: Pace) => SEEDS.map((seed) => draw(seed, pace).actions.map(({ kind }) => kind));
  for (const pace of PACES) expect(rest(pace)).toEqual(rest("dense"));
  for (const seed of SEEDS) {
    // One where the pause is an action of its own, or belongs to a story.
    for (const factor of factors(seed, "slow")) expect([1, 100]).toContain(factor);
    for (const factor of factors(seed, "changing")) expect([1, 10, 100]).toContain(factor);
  }
});

test("a slow history lets seconds pass between its actions, a changing one has stretches of each kind", () => {
  for (const seed of SEEDS) {
    const long = pauses(draw(seed, "slow")).filter((ms) => ms > 1_000).length;
    expect(long).toBeGreaterThan(30);
  }
  const all = new Set(SEEDS.flatMap((seed) => [...factors(seed, "changing")]));
  expect([...all].sort((a, b) => a - b)).toEqual([1, 10, 100]);
});

test("half of all histories are dense, and of the rest each pace has its share", () => {
  const drawn = SEEDS.map((seed) => {
    const shown = JSON.stringify(draw(seed).actions);
    return PACES.find((pace) => JSON.stringify(draw(seed, pace).actions) === shown);
  });
  const share = (pace: Pace) => drawn.filter((one) => one === pace).length / drawn.length;
  expect(drawn).not.toContain(undefined);
  expect(share("dense")).toBeGreaterThan(0.3);
  expect(share("slow")).toBeGreaterThan(0.1);
  expect(share("changing")).toBeGreaterThan(0.1);
});
