import { type Conflict, canWriteAgain, type Draft, writeAgain } from "@syncline/core";

/** How a loser is written again: a new write, after which nothing is in conflict there. Undefined if it is no write. */
export function restoration(
  conflict: Conflict,
): { readonly asIs: boolean; readonly play: (draft: Draft) => void } | undefined {
  if (conflict.type === "write_to_dropped" && conflict.winner.kind === undefined)
    return { asIs: true, play: (draft) => draft.restoreDocument() };
  return canWriteAgain(conflict) ? { asIs: false, play: (draft) => writeAgain(draft, conflict) } : undefined;
}
