import type { Rule } from "./rule.js";

/**
 * An answer that may be at most so old shows everything that somebody had been told is committed so long before it was
 * asked for, and that no retirement has cut off since beyond what was promised.
 */
export const staleness: Rule = ({ event, shown }, { changes }) => {
  const { at, document, maxStalenessMs } = event;
  if (maxStalenessMs === undefined) return undefined;
  for (const change of changes.missing(changes.documentOf(document), document, shown)) {
    const since = changes.keptSince(change);
    if (since === undefined || since > at - maxStalenessMs || changes.givenUp.has(change.index)) continue;
    return `at most ${maxStalenessMs} ms old, without ${change.write.change}, committed at ${since}`;
  }
  return undefined;
};
