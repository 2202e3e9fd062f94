/**
 * Deleting documents, and the values that a resolution has hidden.
 *
 * Functions rather than members of documents: a field may have any name, and an app ships what it uses.
 */
import { type Conflict, conflictsOf as conflictsIn, writeAgain } from "@syncline/core";
import { partsOf } from "./document.js";
import type { Write } from "./write.js";

export type { Conflict, ConflictSide, ConflictType } from "@syncline/core";

/**
 * Deletes an open document: it shows nothing, to anybody, from now on. What others write to it at the same time is kept
 * and told of by `conflictsOf`. Who writes to it later, having seen that, begins a new document. Throws `CLOSED`.
 */
export function deleteDocument(document: object): Write {
  return partsOf(document).transact((draft) => draft.deleteDocument(), true);
}

/** Shows a deleted document again, with what was written to it meanwhile. Throws `CLOSED`. */
export function restoreDocument(document: object): Write {
  return partsOf(document).transact((draft) => draft.restoreDocument(), true);
}

/** Whether the document is deleted, as far as is known here. */
export const isDeleted = (document: object): boolean => partsOf(document).open.document.isDeleted;

/** What resolutions have hidden in a document, in the order of their times: the same ids as servers tell. O(size). */
export const conflictsOf = (document: object): readonly Conflict[] =>
  conflictsIn(partsOf(document).open.document);

/**
 * Calls `listener` with all conflicts of a document whenever others are there than before; not now. Returns a function
 * that ends this. Throws `CLOSED`.
 */
export function onConflicts(
  document: object,
  listener: (conflicts: readonly Conflict[]) => void,
): () => void {
  const { open, listen } = partsOf(document);
  const idsOf = (conflicts: readonly Conflict[]) => conflicts.map(({ id }) => id).join();
  let told = idsOf(conflictsIn(open.document));
  return listen(
    (tell) => open.onChange(tell),
    () => {
      const conflicts = conflictsIn(open.document);
      const ids = idsOf(conflicts);
      if (ids === told) return;
      told = ids;
      listener(conflicts);
    },
  );
}

/** Writes the hidden value of a conflict again, or restores the deleted document. Throws `INVALID_VALUE`, `CLOSED`. */
export function restoreLoser(document: object, conflict: Conflict): Write {
  if (conflict.type === "write_to_dropped") return restoreDocument(document);
  return partsOf(document).transact((draft) => writeAgain(draft, conflict));
}
