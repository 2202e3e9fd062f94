/**
 * Taking content away for good: that of a whole document, or of one field of it.
 *
 * Deleting hides. Purging is one more change, which takes away all that its maker sees, the values that were lost in
 * conflicts among it, and leaves the document deleted. What is left in the state is who wrote how often, so that no copy
 * of what was written, wherever it lay, can come in again. What others write meanwhile is not seen, and stays; kinds that
 * only grow have no op that takes anything away, and stay too.
 */

import { lostIn } from "./conflicts.js";
import type { BareDocument } from "./document.js";
import type { Draft, Recording } from "./draft.js";
import { KeepWholeMapState } from "./keep-whole-map.js";
import { DELETED_PATH, LOST_PATH } from "./own-fields.js";
import type { PathStep } from "./path.js";
import { cellsOf, visitPlaces } from "./places.js";
import { lwwRegister } from "./register.js";
import { RemoveWinsMapState } from "./remove-wins-map.js";
import { orSet } from "./set.js";
import type { Value } from "./value.js";

/** To be played without being told to leave the document `asIs`. It need not be deleted: it is from now on. */
export function purgeDocument(draft: Draft): void {
  const recording = draft as Recording;
  // Where it was deleted, a new document has been begun by now: nothing that is seen of the old one is left but its losses.
  recording.renew();
  recording.lose();
  recording.reset(LOST_PATH);
  draft.deleteDocument();
}

/** Takes one field away. To be played `asIs`: a document that is deleted stays so, and what its deletion hid is hidden. */
export function purgeField(draft: Draft, field: PathStep): void {
  const recording = draft as Recording;
  const isDeleted = recording.state(DELETED_PATH, lwwRegister).siblings.length > 0;
  recording.reset([field]);
  recording.lose();
  for (const lost of orSet.value(recording.state(LOST_PATH, orSet)))
    if (isLossOf(field, lost)) recording.record(LOST_PATH, orSet, (list) => orSet.remove(list, lost));
  if (!isDeleted) return;
  // Said anew, or this change would be one that the deletion had not seen.
  draft.restoreDocument();
  draft.deleteDocument();
}

/** Names of the fields of a deleted document that hold something still. Empty if nothing is left of its content. */
export function remainingIn(document: BareDocument): string[] {
  const names = new Set(Array.from(holding(document), ({ name }) => name));
  if (lostIn(document).length > 0) names.add(LOST_PATH[0]!.name);
  return [...names].sort();
}

/** Whether a field holds something, or values of it that were lost in conflicts are kept. */
export function isRemaining(document: BareDocument, field: PathStep): boolean {
  if (lostIn(document).some((lost) => isLossOf(field, lost))) return true;
  return holding(document).some(({ name, kind }) => name === field.name && kind === field.kind);
}

/** The fields that hold something, once for each place in them that does. */
function holding(document: BareDocument): PathStep[] {
  const fields: PathStep[] = [];
  visitPlaces(document, (path) => {
    if (document.cell(path)?.isVacant() === false) fields.push(path[0]!);
  });
  for (const { path, state } of cellsOf(document))
    if (
      (state instanceof KeepWholeMapState && !state.hidden.isEmpty) ||
      (state instanceof RemoveWinsMapState && state.outdone.size > 0)
    )
      fields.push(path[0]!);
  return fields;
}

function isLossOf({ name, kind }: PathStep, lost: Value): boolean {
  const { path } = (lost ?? {}) as { readonly path?: Value };
  return Array.isArray(path) && path[0] === name && path[1] === kind;
}
