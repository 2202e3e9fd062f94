/**
 * Writing again what a resolution has hidden: a new write like any other, after which nothing is in conflict there.
 *
 * It goes to the place that the conflict names, step by step with the kinds of all of them, for a name alone may be
 * several places. A conflict is read out of what others have written, so its place is not believed before it was looked at.
 */
import type { Conflict } from "./conflicts.js";
import type { Crdt } from "./crdt.js";
import { compareDots } from "./dots.js";
import type { Draft, Recording } from "./draft.js";
import { InvalidValue } from "./errors.js";
import { KINDS, type KindTag } from "./kinds.js";
import type { ListState } from "./list-state.js";
import { isOwnField } from "./own-fields.js";
import { checkPath } from "./path.js";
import { rwMap, settlingOf } from "./remove-wins-map.js";
import { type Op, typeAt } from "./types.js";
import type { Value } from "./value.js";

/** Whether a conflict has hidden a value that can be written again. */
export function canWriteAgain({ type, path, losers }: Conflict): boolean {
  const isValue = type === "concurrent_update" || type === "update_delete";
  return isValue && path.length > 0 && losers[0]?.value !== undefined;
}

/** Writes the hidden value of a conflict again. Throws `InvalidValue` if it has none, or nothing can be at its place. */
export function writeAgain(draft: Draft, conflict: Conflict): void {
  const { path, losers } = conflict;
  const [value] = losers.map((loser) => loser.value);
  if (value === undefined || !canWriteAgain(conflict))
    throw new InvalidValue(`a ${conflict.type} has no value that could be written again`);
  checkPath(path);
  // What a draft of a document is, if anybody has asked for another one than the document's own.
  const place = draft as Recording;
  const type = isOwnField(path[0]!.name) ? undefined : typeAt(path);
  const write = type && WRITES.get(type.kind);
  if (write === undefined)
    throw new InvalidValue(`nothing can be written again at ${JSON.stringify(conflict.field)}`);
  path.forEach(({ kind: on }, i) => {
    // What a removal of a key has outdone is settled by that.
    if (on === rwMap.kind && i + 1 < path.length)
      place.record(path.slice(0, i + 1), rwMap, (state) =>
        settlingOf(state, path[i + 1]!.name, (dot) =>
          losers.some((each) => compareDots(each.dot, dot) === 0),
        ),
      );
  });
  const rules = type!.empty().rules as unknown as AnyType & Crdt<unknown, Op, unknown>;
  place.record(path, rules, (state) => write(rules, state, place.own(value)));
}

/** What types have that hold values, each of its own. Whoever does not use a type does not ship it for this. */
type AnyType = {
  readonly [Prepare in "set" | "add" | "enable" | "insert"]: (...args: unknown[]) => Op | undefined;
};

type Write = (type: AnyType, state: unknown, value: Value) => Op | undefined;

const set: Write = (type, state, value) => type.set(state, value);
const add: Write = (type, state, value) => type.add(state, value);
const enable: Write = (type, state) => type.enable(state);
/** At the end: where it stood is gone. */
const append: Write = (type, state, value) => type.insert(state, (state as ListState).size, value);

const WRITES: ReadonlyMap<KindTag, Write> = /* @__PURE__ */ new Map<KindTag, Write>([
  [KINDS.register, set],
  [KINDS.set, add],
  [KINDS["remove-set"], add],
  [KINDS.flag, enable],
  [KINDS["disable-flag"], enable],
  [KINDS.list, append],
]);
