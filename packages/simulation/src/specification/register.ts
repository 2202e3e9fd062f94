/**
 * What a register must show: the writes that no op of the history says it replaced, the greatest first.
 *
 * Quadratic, and meant to be read rather than run fast.
 */
import type { RegisterOp, Value } from "@syncline/core";
import { type Placed, sameDot } from "./history.js";

export function registerValues(history: readonly Placed<RegisterOp>[]): readonly Value[] {
  const writes = history.flatMap(({ dot, stamp, op }) =>
    op.act === "set" ? [{ dot, stamp, value: op.value }] : [],
  );
  const replaced = history.flatMap(({ op }) => op.replaces);
  return writes
    .filter((write) => !replaced.some((dot) => sameDot(dot, write.dot)))
    .sort((a, b) => b.stamp - a.stamp || b.dot.author - a.dot.author || b.dot.counter - a.dot.counter)
    .map((write) => write.value);
}
