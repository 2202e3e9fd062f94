import { type Conflict, type Draft, lwwRegister, type MapDraft, orMap, rwSet } from "@syncline/core";

/** How a loser is written again: a new write, after which nothing is in conflict there. Undefined if it is no write. */
export function restoration(
  conflict: Conflict,
): { readonly asIs: boolean; readonly play: (draft: Draft) => void } | undefined {
  const { type, path, losers } = conflict;
  const value = losers[0]?.value;
  if (type === "write_to_dropped" && conflict.winner.kind === undefined)
    return { asIs: true, play: (draft) => draft.restoreDocument() };
  if (value === undefined || path.length === 0) return undefined;
  if (type === "concurrent_update")
    return {
      asIs: false,
      play: (draft) => placeOf(draft, conflict).at(nameOf(conflict), lwwRegister).set(value),
    };
  if (type === "update_delete")
    return { asIs: false, play: (draft) => placeOf(draft, conflict).at(nameOf(conflict), rwSet).add(value) };
  return undefined;
}

const nameOf = ({ path }: Conflict): string => path.at(-1)!.name;

function placeOf(draft: Draft, { path }: Conflict): Pick<Draft | MapDraft, "at"> {
  return path
    .slice(0, -1)
    .reduce<Pick<Draft | MapDraft, "at">>((place, { name }) => place.at(name, orMap), draft);
}
