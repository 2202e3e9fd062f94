/** Changing the board, with a word for the list of changes. */
import type { Write } from "@syncline/client";
import { useCallback } from "react";
import type { BoardDraft } from "./board.js";
import { boardKey } from "./page.js";
import { useDocument } from "./schema.js";
import { report } from "./troubles.js";

const words = new WeakMap<Write, string>();

/** How a change was called; those of the note have no name. */
export const wordsOf = (write: Write): string => words.get(write) ?? "Typed in the note";

/** The function with which components change the board. What is impossible is reported, and nothing has happened. */
export function useChange(): (said: string, mutate: (board: BoardDraft) => void) => void {
  const [, transact] = useDocument("boards", boardKey, nothing);
  return useCallback(
    (said, mutate) => {
      try {
        words.set(transact(mutate), said);
      } catch (error) {
        report(error);
      }
    },
    [transact],
  );
}

const nothing = (): undefined => undefined;
