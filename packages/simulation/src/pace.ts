import type { SeededRandom } from "./random.js";

/**
 * How much time passes between the actions of a history.
 *
 * Milliseconds between them are what races need: most is under way when the next thing happens. But then everything that
 * waits for seconds (silence, redialing, staleness, an operator's patience) ends in a pause of its own, when nothing else
 * happens. Where seconds pass between actions, timers run out while clients write, links are cut and nodes come back.
 */
export type Pace = "dense" | "slow" | "changing";

export const PACES: readonly Pace[] = ["dense", "slow", "changing"];

export const isPace = (name: string): name is Pace => PACES.some((pace) => pace === name);

/** Half of all histories are dense. */
export const drawPace = (random: SeededRandom): Pace => random.pick(["dense", "dense", "slow", "changing"]);

/** How many times as long as in a dense history each next pause is. */
export function stretching(pace: Pace, random: SeededRandom): () => number {
  if (pace === "dense") return () => 1;
  if (pace === "slow") return () => SLOW;
  let [left, times] = [0, 1];
  return () => {
    if (left === 0) [left, times] = [5 + random.integer(30), random.pick([1, 10, SLOW])];
    left -= 1;
    return times;
  };
}

/** A pause of a dense history is shorter than 80 ms, so these are shorter than eight seconds. */
const SLOW = 100;
