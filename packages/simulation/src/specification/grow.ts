/** What a counter and a set that only grow must show: everything. */
import { type GrowCounterOp, type GrowSetOp, type Value, valueKey } from "@syncline/core";
import type { Placed } from "./history.js";

export function growCounterValue(history: readonly Placed<GrowCounterOp>[]): bigint {
  return history.reduce((sum, { op }) => sum + BigInt(op.by), 0n);
}

/** In the order of their canonical bytes. */
export function growSetValues(history: readonly Placed<GrowSetOp>[]): readonly Value[] {
  const elements = new Map(history.map(({ op }) => [valueKey(op.element), op.element]));
  return [...elements].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, element]) => element);
}
