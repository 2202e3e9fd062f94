/**
 * Undo and redo of the changes that are made here on a document. An app that does not call this does not ship it.
 */
import { UndoHistory as CoreHistory } from "@syncline/core";
import { OPTIONAL_LIMITS } from "@syncline/protocol";
import { type Doc, partsOf } from "./document.js";
import type { Fields } from "./schema.js";
import { EMPTY_WRITE, type Write } from "./write.js";

/** The changes that were made here on one document since `undoHistory` was called, and can be taken back. */
export interface UndoHistory {
  /**
   * Takes back the last change of which anything stands, as a new change: what it added and nobody else replaced goes,
   * what it removed comes back where nobody has put anything since, and what others did stays. Text is not taken back,
   * nor what only grows. Does nothing if there is nothing to take back. Throws like `transact`.
   */
  undo(): Write;
  /** Makes what was taken back last again; any other change made here ends that. Throws like `transact`. */
  redo(): Write;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** Forgets everything and ends. Closing the document does so too. */
  close(): void;
}

/**
 * Remembers what is changed here on a document from now on, up to `undoChangesMax` changes, the oldest of which is
 * forgotten first. Throws a `SynclineError`: `CLOSED`, and `INVALID_VALUE` for what is no open document.
 */
export function undoHistory<F extends Fields>(document: Doc<F>): UndoHistory {
  const { open, transact, listen } = partsOf(document);
  const history = new CoreHistory(OPTIONAL_LIMITS.undoChangesMax);
  let followed = open.document;
  const follow = (): void => {
    followed = open.document;
    history.follow(followed);
  };
  const close = listen(
    (told) => {
      follow();
      const stop = open.onChange(told);
      return () => {
        stop();
        history.end();
      };
    },
    () => {
      // A state that took the document's place, because one of its changes was refused.
      if (open.document !== followed) follow();
    },
  );
  const takeBack = (way: "undo" | "redo"): Write => {
    let write = EMPTY_WRITE;
    history[way]((mutate) => {
      write = transact(mutate);
    });
    return write;
  };
  return {
    undo: () => takeBack("undo"),
    redo: () => takeBack("redo"),
    get canUndo() {
      return history.canUndo;
    },
    get canRedo() {
      return history.canRedo;
    },
    close,
  };
}
