/**
 * Writing again what a resolution has hidden: a new write like any other, after which nothing is in conflict there.
 *
 * It goes to the place that the conflict names, step by step with the kinds of all of them, for a name alone may be
 * several places. A conflict is read out of what others have written, so its place is not believed before it was looked at.
 */
import type { Conflict } from "./conflicts.js";
import { compareDots } from "./dots.js";
import type { Draft, Recording } from "./draft.js";
import { InvalidValue } from "./errors.js";
import { isOwnField } from "./own-fields.js";
import { checkPath } from "./path.js";
import { lwwRegister } from "./register.js";
import { rwMap, settlingOf } from "./remove-wins-map.js";
import { rwSet } from "./remove-wins-set.js";
import { typeAt } from "./types.js";

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
  const kind = isOwnField(path[0]!.name) ? undefined : typeAt(path)?.kind;
  if (kind === lwwRegister.kind) {
    path.forEach(({ kind: on }, i) => {
      // What a removal of a key has outdone is settled by that.
      if (on === rwMap.kind && i + 1 < path.length)
        place.record(path.slice(0, i + 1), rwMap, (state) =>
          settlingOf(state, path[i + 1]!.name, (dot) =>
            losers.some((each) => compareDots(each.dot, dot) === 0),
          ),
        );
    });
    place.record(path, lwwRegister, (state) => lwwRegister.set(state, place.own(value)));
  } else if (kind === rwSet.kind) place.record(path, rwSet, (state) => rwSet.add(state, place.own(value)));
  else throw new InvalidValue(`nothing can be written again at ${JSON.stringify(conflict.field)}`);
}
