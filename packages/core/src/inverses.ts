/**
 * How ops on registers, counters, sets, maps and records are taken back. Other types say it where they are defined; these are part
 * of every program that has documents, and who has no undo does not ship this.
 */

import { type CounterOp, type CounterState, isStep, pnCounter } from "./counter.js";
import type { Crdt, Inverse } from "./crdt.js";
import { dotsBy } from "./dots.js";
import { safeNumber } from "./exact.js";
import { KINDS, type KindTag } from "./kinds.js";
import type { MapOp, MapState } from "./map.js";
import { lwwRegister, type RegisterOp, type RegisterState } from "./register.js";
import { dotsOf, orSet, type SetOp, type SetState } from "./set.js";
import type { Cell, Op } from "./types.js";
import { valueKey } from "./value.js";

type InverseOf<State, TypeOp> = (before: State, op: TypeOp) => Inverse<State, TypeOp> | undefined;

/** Cells are given states and ops of their own kind only. */
const INVERSES: ReadonlyMap<KindTag, InverseOf<never, never>> = /* @__PURE__ */ inversesOfKinds();

function inversesOfKinds(): Map<KindTag, InverseOf<never, never>> {
  return new Map<KindTag, InverseOf<never, never>>([
    [KINDS.register, ofRegister],
    [KINDS.counter, ofCounter],
    [KINDS.set, ofSet],
    [KINDS.map, ofMap],
    [KINDS.record, ofMap],
  ] as [KindTag, InverseOf<never, never>][]);
}

/** How an op can be taken back that is about to be applied to what is in a cell; undefined if it cannot. */
export function inverseOf(cell: Cell, op: Op): Inverse<unknown, Op> | undefined {
  const inverse = INVERSES.get(cell.kind) as Crdt<unknown, Op, unknown>["inverse"];
  return inverse === undefined ? cell.rules.inverse?.(cell.state, op) : inverse(cell.state, op);
}

function ofRegister(before: RegisterState, op: RegisterOp): Inverse<RegisterState, RegisterOp> {
  const was = lwwRegister.value(before);
  return (state, dot) => {
    const last = state.siblings.at(-1);
    // Only what this op has done: a write that still wins, or a gap that nobody has filled.
    const stands = op.act === "set" ? last?.author === dot.author : last === undefined;
    const back = was === undefined ? lwwRegister.clear(state) : lwwRegister.set(state, was);
    return stands && back !== undefined ? [{ op: back }] : [];
  };
}

/** A sum that one step cannot bring back stays taken away. */
function ofCounter(before: CounterState, op: CounterOp): Inverse<CounterState, CounterOp> {
  const by = op.act === "step" ? -op.by : (safeNumber(before.sum) ?? 0.5);
  return () => (isStep(by) ? [{ op: pnCounter.step(before, by) }] : []);
}

function ofSet(before: SetState, op: SetOp): Inverse<SetState, SetOp> | undefined {
  if (op.act === "add") {
    if (orSet.has(before, op.element)) return undefined;
    return (state, dot) => {
      const removes = dotsBy(dot.author, dotsOf(state, valueKey(op.element)));
      return removes.length === 0 ? [] : [{ op: { act: "remove", element: op.element, removes } }];
    };
  }
  const were = op.act === "remove" ? [op.element] : orSet.value(before);
  return (state) =>
    were
      .filter((element) => !orSet.has(state, element))
      .map((element) => ({ op: orSet.add(state, element) }));
}

/** Maps of other kinds take back alike what is done to a map itself. */
export function ofMap({ created }: MapState, op: MapOp): Inverse<MapState, MapOp> | undefined {
  if (op.act === "vanish")
    return (state) => (state.created.length > 0 ? [] : [{ op: { act: "create", replaces: state.created } }]);
  if (created.length > 0) return undefined;
  return (state, dot) => {
    const removes = dotsBy(dot.author, state.created);
    return removes.length === 0 ? [] : [{ op: { act: "vanish", removes } }];
  };
}
