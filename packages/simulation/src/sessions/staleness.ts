import type { Late } from "../late.js";
import type { Rule } from "./rule.js";

/**
 * An answer that may be at most so old shows everything that somebody had been told is committed so long before it was
 * asked for, and that no retirement has cut off since beyond what was promised. What nobody but masters has answered for that
 * were made by force, and of which no word can have come to the node that is asked, it cannot know of; nor what was late for a
 * takeover with force, until word of that has come.
 */
export const staleness: Rule = ({ event, shown }, { changes }) => {
  const { at, document, maxStalenessMs, unheardOf = [], late = [] } = event;
  if (maxStalenessMs === undefined) return undefined;
  for (const change of changes.missing(changes.documentOf(document), document, shown)) {
    const since = changes.keptSince(change);
    if (since === undefined || since > at - maxStalenessMs || changes.givenUp.has(change.index)) continue;
    if (change.told.every(({ by }) => by !== undefined && unheardOf.includes(by))) continue;
    const isLate = ({ by, without, until = since }: Late): boolean =>
      since <= until &&
      change.told.every((told) => by === undefined || (told.by !== undefined && by.includes(told.by))) &&
      !changes.shown(document, without).whole.has(change.index);
    if (late.some(isLate)) continue;
    return `at most ${maxStalenessMs} ms old, without ${change.write.change}, committed at ${since}`;
  }
  return undefined;
};
