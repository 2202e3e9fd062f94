/** The types that can be used alone, by a `Replica`: with the writing of states, which documents have elsewhere. */
import { type CounterType, pnCounter as counter } from "./counter.js";
import type { Crdt } from "./crdt.js";
import { type MapType, orMap as map } from "./map.js";
import { record as bareRecord, type RecordType } from "./record.js";
import { type RegisterType, lwwRegister as register } from "./register.js";
import { type SetType, orSet as set } from "./set.js";
import { writeCounter, writeMap, writeRegister, writeSet } from "./state-writing.js";

/** A register that shows the last write, and keeps all concurrent ones. */
export const lwwRegister: RegisterType = /* @__PURE__ */ writing(register, writeRegister);

/** A counter that goes up and down, can be reset, and is exact within ±(2^53 - 1). Reading is O(1). */
export const pnCounter: CounterType = /* @__PURE__ */ writing(counter, writeCounter);

/** A set in which adding wins over concurrent removing, without tombstones. */
export const orSet: SetType = /* @__PURE__ */ writing(set, writeSet);

/** A map of fields of any type by key; removing a key removes what was observed in it. */
export const orMap: MapType = /* @__PURE__ */ writing(map, writeMap);

/** Fields that belong together: created and taken away as one. */
export const record: RecordType = /* @__PURE__ */ writing(bareRecord, writeMap);

function writing<State, Type extends Pick<Crdt<State, never, unknown>, "empty">>(
  type: Type,
  writeState: NonNullable<Crdt<State, never, unknown>["writeState"]>,
): Type {
  return { ...type, writeState };
}
