/**
 * What a document must show, given the changes that were applied: in any order, and any number of times.
 *
 * Written without a glance at how documents do it. A replica that agrees with all others and not with this one is
 * wrong together with them.
 */
import {
  type Change,
  CounterOverflow,
  KINDS,
  kindName,
  type Op,
  type PathStep,
  type Value,
} from "@syncline/core";
import { counterValue } from "./counter.js";
import { disableWinsFlagValue, flagValue, hasVotes } from "./flag.js";
import { growCounterValue, growSetValues } from "./grow.js";
import type { Placed } from "./history.js";
import { outsideRemovals } from "./keep-whole-map.js";
import { listValues } from "./list.js";
import { isCreated, mapValue, type PlacedBelow } from "./map.js";
import { registerValues } from "./register.js";
import { afterRemovals } from "./remove-wins-map.js";
import { removeWinsSetValues } from "./remove-wins-set.js";
import { setValues } from "./set.js";

/** What a document must show, and of which kinds that is. */
export interface Contents {
  /** Equal to `Document.toJSON()`. */
  readonly json: Record<string, Value>;
  /** Equal to `Document.kinds()`. */
  readonly kinds: Record<string, string>;
}

/** Throws `CounterOverflow` where `Document.toJSON()` does. */
export function documentContents(changes: Iterable<Change>): Contents {
  const fields = shown(changes);
  return {
    json: Object.fromEntries(fields.map(({ key, value }) => [key, value])),
    kinds: Object.fromEntries(fields.map(({ key, kind }) => [key, kind])),
  };
}

export const documentJson = (changes: Iterable<Change>): Contents["json"] => documentContents(changes).json;

export const documentKinds = (changes: Iterable<Change>): Contents["kinds"] =>
  documentContents(changes).kinds;

interface FieldHistory {
  readonly name: string;
  readonly kind: number;
  /** Of all ops, those that nobody understands among them. */
  readonly ops: Placed<{ readonly act: string }>[];
  readonly understood: PlacedBelow<Op>[];
}

function shown(changes: Iterable<Change>): { key: string; kind: string; value: Value }[] {
  const all = histories(changes);
  // What is deleted shows nothing; what a document keeps for itself is never shown.
  if (
    all.some(
      ({ name, understood }) =>
        name === "~deleted" && registerValues(only(understood, "set", "clear")).length > 0,
    )
  )
    return [];
  const fields = all.filter(({ name }) => !name.startsWith("~"));
  return fields.flatMap((field) => {
    const value = shownValue(field);
    const kind = kindName(field.kind);
    if (value === undefined || kind === undefined) return [];
    const isFirst = fields.every(
      (other) => other.name !== field.name || other === field || usedBefore(field, other),
    );
    return [{ key: isFirst ? field.name : `${field.name}@${kind}`, kind, value }];
  });
}

/** A field shows a set that has become empty, say; only containers with nothing in them are not there. */
function shownValue({ kind, understood }: FieldHistory): Value | undefined {
  const containers: readonly number[] = [KINDS.map, KINDS.record, KINDS["remove-map"], KINDS["keep-map"]];
  return containers.includes(kind) ? shownInside(kind, understood) : valueAt(kind, understood);
}

/** Inside of a container there is only what somebody has put there and nobody has taken away. */
function shownInside(kind: number, history: readonly PlacedBelow<Op>[]): Value | undefined {
  return isThere(kind, history) ? valueAt(kind, history) : undefined;
}

function isThere(kind: number, history: readonly PlacedBelow<Op>[]): boolean {
  switch (kind) {
    case KINDS.counter: {
      const ops = only(history, "step", "reset");
      const floors = ops.flatMap(({ op }) => (op.act === "reset" ? op.floors : []));
      return ops.some(
        ({ dot, op }) =>
          op.act === "step" && !floors.some(({ author, seq }) => author === dot.author && seq >= dot.counter),
      );
    }
    case KINDS.flag:
      return flagValue(only(history, "enable", "disable"));
    case KINDS["disable-flag"]:
      return hasVotes(only(history, "allow", "forbid", "withdraw"));
    case KINDS["remove-map"]:
      return isThere(KINDS.map, afterRemovals(history));
    case KINDS["keep-map"]:
      return isThere(KINDS.map, outsideRemovals(history));
    case KINDS.map:
    case KINDS.record: {
      // A map that was created inside of this one is there by being shown in it, if it is not hidden.
      const here = history.filter(({ below }) => below.length === 0);
      return (
        isCreated(only(here, "create", "vanish")) || Object.keys(mapValue(history, shownInside)).length > 0
      );
    }
    default: {
      const value = valueAt(kind, history);
      return value !== undefined && !(Array.isArray(value) && value.length === 0 && kind !== KINDS.register);
    }
  }
}

function valueAt(kind: number, history: readonly PlacedBelow<Op>[]): Value | undefined {
  switch (kind) {
    case KINDS.register:
      return registerValues(only(history, "set", "clear"))[0];
    case KINDS.counter:
      return shownSum(counterValue(only(history, "step", "reset")));
    case KINDS.set:
      return setValues(only(history, "add", "remove", "removeAll"));
    case KINDS.flag:
      return flagValue(only(history, "enable", "disable"));
    case KINDS["disable-flag"]:
      return disableWinsFlagValue(only(history, "allow", "forbid", "withdraw"));
    case KINDS["remove-set"]:
      return removeWinsSetValues(only(history, "include", "exclude", "forget"));
    case KINDS["grow-set"]:
      return growSetValues(only(history, "gather"));
    case KINDS["grow-counter"]:
      return shownSum(growCounterValue(only(history, "grow")));
    case KINDS["remove-map"]:
      return mapValue(afterRemovals(history), shownInside);
    case KINDS["keep-map"]:
      return mapValue(outsideRemovals(history), shownInside);
    case KINDS.map:
    case KINDS.record:
      return mapValue(history, shownInside);
    case KINDS.list:
      return listValues(only(history, "insert", "move", "delete", "empty"));
    default:
      return undefined;
  }
}

function shownSum(sum: bigint): number {
  if (sum !== BigInt(Number(sum)) || !Number.isSafeInteger(Number(sum))) {
    throw new CounterOverflow(`${sum} lies outside ±(2^53 - 1)`);
  }
  return Number(sum);
}

/** The ops of these acts. */
function only<Act extends Op["act"]>(
  history: readonly Placed<Op>[],
  ...acts: readonly Act[]
): Placed<Extract<Op, { act: Act }>>[] {
  const isOne = (op: Op): op is Extract<Op, { act: Act }> => acts.some((act) => act === op.act);
  return history.flatMap(({ dot, stamp, op }) => (isOne(op) ? [{ dot, stamp, op }] : []));
}

/** The ops of each field, every change counted once. */
function histories(changes: Iterable<Change>): FieldHistory[] {
  const once = new Map<string, Change>();
  for (const change of changes) once.set(`${change.author}:${change.first}`, change);
  const fields = new Map<string, FieldHistory>();
  for (const { author, first, stamp, paths, ops } of once.values()) {
    ops.forEach(({ path, op }, i) => {
      const [{ name, kind }, ...below] = paths[path]! as readonly [PathStep, ...PathStep[]];
      const field = fields.get(`${name} ${kind}`) ?? { name, kind, ops: [], understood: [] };
      fields.set(`${name} ${kind}`, field);
      const dot = { author, counter: first + i };
      field.ops.push({ dot, stamp, op });
      if (op.act !== "opaque") field.understood.push({ dot, stamp, op, below });
    });
  }
  return [...fields.values()];
}

/** True if one of `a`'s ops comes before each of `b`'s by stamp, author and counter. */
function usedBefore(a: FieldHistory, b: FieldHistory): boolean {
  return a.ops.some((mine) => b.ops.every((theirs) => comesBefore(mine, theirs)));
}

function comesBefore(a: Placed<unknown>, b: Placed<unknown>): boolean {
  if (a.stamp !== b.stamp) return a.stamp < b.stamp;
  if (a.dot.author !== b.dot.author) return a.dot.author < b.dot.author;
  return a.dot.counter < b.dot.counter;
}
