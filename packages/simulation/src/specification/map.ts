/**
 * What a map must show: under each name what the ops on it come to, wherever something is there.
 *
 * Removing a key is removing everything in it, and takes no rule of its own.
 */
import { type KindTag, kindName, type MapOp, type Path, type Value } from "@syncline/core";
import { type Placed, sameDot } from "./history.js";

/** Something that happened below a place. */
export interface PlacedBelow<Op> extends Placed<Op> {
  /** From the place on; empty for the place itself. */
  readonly below: Path;
}

/** What is somewhere: undefined where a container shows nothing. */
export type Reading<Op> = (kind: KindTag, history: readonly PlacedBelow<Op>[]) => Value | undefined;

/** True if there is a creation that no op of the history says it replaced or removed. */
export function isCreated(history: readonly Placed<MapOp>[]): boolean {
  const gone = history.flatMap(({ op }) => (op.act === "create" ? op.replaces : op.removes));
  return history.some(({ dot, op }) => op.act === "create" && !gone.some((each) => sameDot(each, dot)));
}

/** The smallest kind has the bare name, others are `name@kind`, unless something has that name for its own. */
export function mapValue<Op>(history: readonly PlacedBelow<Op>[], read: Reading<Op>): Record<string, Value> {
  const children = new Map<string, PlacedBelow<Op>[]>();
  for (const { below, ...placed } of history) {
    const [step, ...deeper] = below;
    if (step === undefined) continue;
    const key = JSON.stringify([step.kind, step.name]);
    children.set(key, [...(children.get(key) ?? []), { ...placed, below: deeper }]);
  }
  const shown: { name: string; kind: KindTag; value: Value }[] = [];
  for (const [key, ops] of children) {
    const [kind, name]: [KindTag, string] = JSON.parse(key);
    const value = read(kind, ops);
    if (value !== undefined) shown.push({ name, kind, value });
  }
  shown.sort((a, b) => b.kind - a.kind);
  const others = shown.map(
    ({ name, kind, value }) => [`${name}@${kindName(kind)}`, name, kind, value] as const,
  );
  const bare = Object.fromEntries(shown.map(({ name, value }) => [name, value]));
  const rest = others.filter(([, name, kind]) =>
    shown.some((each) => each.name === name && each.kind < kind),
  );
  return { ...Object.fromEntries(rest.map(([at, , , value]) => [at, value])), ...bare };
}
