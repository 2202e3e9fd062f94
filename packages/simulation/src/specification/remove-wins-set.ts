/** What a set must show in which removing wins: of an element's ops that none has replaced, all are adds. */
import { type Dot, type RemoveWinsSetOp, type Value, valueKey } from "@syncline/core";
import { type Placed, sameDot } from "./history.js";

/** In the order of their canonical bytes. */
export function removeWinsSetValues(history: readonly Placed<RemoveWinsSetOp>[]): readonly Value[] {
  const elements = new Map<string, Value>();
  for (const { op } of history) if (op.act !== "forget") elements.set(valueKey(op.element), op.element);
  return [...elements]
    .filter(([key]) => {
      const last = history.filter(
        ({ dot, op }) => isOn(op, key) && !history.some((other) => replaces(other.op, key, dot)),
      );
      return last.length > 0 && last.every(({ op }) => op.act === "include");
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, element]) => element);
}

function isOn(op: RemoveWinsSetOp, key: string): boolean {
  return op.act !== "forget" && valueKey(op.element) === key;
}

function replaces(op: RemoveWinsSetOp, key: string, dot: Dot): boolean {
  if (op.act === "forget")
    return op.upTo.some((upTo) => upTo.author === dot.author && upTo.counter >= dot.counter);
  return valueKey(op.element) === key && op.replaces.some((replaced) => sameDot(replaced, dot));
}
