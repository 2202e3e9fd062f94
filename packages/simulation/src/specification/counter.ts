/** What a counter must show: the sum of the steps that no reset of the history has seen. */
import type { CounterOp } from "@syncline/core";
import type { Placed } from "./history.js";

export function counterValue(history: readonly Placed<CounterOp>[]): bigint {
  const floors = history.flatMap(({ op }) => (op.act === "reset" ? op.floors : []));
  let sum = 0n;
  for (const { dot, op } of history) {
    if (op.act !== "step") continue;
    const seen = floors.some((floor) => floor.author === dot.author && floor.seq >= dot.counter);
    if (!seen) sum += BigInt(op.by);
  }
  return sum;
}
