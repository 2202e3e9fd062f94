/** What a set must show: the elements that were added by an op which nobody has removed or renewed. */
import { type Dot, type SetOp, type Value, valueKey } from "@syncline/core";
import { type Placed, sameDot } from "./history.js";

/** In the order of their canonical bytes. */
export function setValues(history: readonly Placed<SetOp>[]): readonly Value[] {
  const present = new Map<string, Value>();
  for (const { dot, op } of history) {
    if (op.act !== "add") continue;
    const key = valueKey(op.element);
    if (!history.some((other) => removes(other.op, key, dot))) present.set(key, op.element);
  }
  return [...present].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, element]) => element);
}

function removes(op: SetOp, key: string, dot: Dot): boolean {
  switch (op.act) {
    case "add":
      return valueKey(op.element) === key && op.replaces.some((replaced) => sameDot(replaced, dot));
    case "remove":
      return valueKey(op.element) === key && op.removes.some((removed) => sameDot(removed, dot));
    case "removeAll":
      return op.upTo.some((upTo) => upTo.author === dot.author && upTo.counter >= dot.counter);
  }
}
