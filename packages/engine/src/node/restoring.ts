import { type Conflict, canWriteAgain, type Draft, writeAgain } from "@syncline/core";

/** How a loser is written again: a new write, after which nothing is in conflict there. Undefined if it is no write. */
export function restoration(
  given: Conflict,
): { readonly asIs: boolean; readonly play: (draft: Draft) => void } | undefined {
  // It is one of two who wrote at the same time, too.
  const conflict: Conflict = given.type === "clock_skew" ? { ...given, type: "concurrent_update" } : given;
  if (conflict.type === "write_to_dropped" && conflict.winner.kind === undefined)
    return { asIs: true, play: (draft) => draft.restoreDocument() };
  return canWriteAgain(conflict) ? { asIs: false, play: (draft) => writeAgain(draft, conflict) } : undefined;
}
