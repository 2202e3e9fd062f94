/**
 * Taking the content of a deleted document away for good.
 *
 * Deleting hides. Purging is one more change, which takes away all that its maker sees, the values that were lost in
 * conflicts among it, and leaves the document deleted. What is left in the state is who wrote how often, so that no copy
 * of what was written, wherever it lay, can come in again. What others write meanwhile is not seen, and stays; kinds that
 * only grow have no op that takes anything away, and stay too.
 */
import { lostIn } from "./conflicts.js";
import type { Document } from "./document.js";
import type { Draft, Recording } from "./draft.js";
import { KeepWholeMapState } from "./keep-whole-map.js";
import { LOST_PATH } from "./own-fields.js";

/** To be played on a document that is deleted, without being told to leave it `asIs`. */
export function purgeDocument(draft: Draft): void {
  // A new document has been begun by now: nothing that is seen of the old one is left but this.
  (draft as Recording).reset(LOST_PATH);
  draft.deleteDocument();
}

/** Names of the fields of a deleted document that hold something still. Empty if nothing is left of its content. */
export function remainingIn(document: Document): string[] {
  const names = new Set<string>();
  document.visit((path) => {
    if (document.cell(path)?.isVacant() === false) names.add(path[0]!.name);
  });
  for (const { path, state } of document.cells())
    if (state instanceof KeepWholeMapState && !state.hidden.isEmpty) names.add(path[0]!.name);
  if (lostIn(document).length > 0) names.add(LOST_PATH[0]!.name);
  return [...names].sort();
}
