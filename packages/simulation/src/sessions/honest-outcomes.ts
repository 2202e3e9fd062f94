import type { Rule } from "./rule.js";

/**
 * `rejected` is nowhere: no other session is ever shown it, and no replica has it in the end. `committed` survives: in
 * the end every replica has it, if it was told at a level that had to survive, or to a session that was still there
 * to offer it again.
 */
export const honestOutcomes: Rule = ({ event, shown }, { changes }) => {
  const denied = changes.refused.copy();
  denied.keepOnly(shown.whole);
  for (const index of denied) {
    const { write } = changes.at(index);
    const isElsewhere = event.final === true || event.session !== write.session;
    if (isElsewhere) return `with ${write.change}, which was rejected`;
  }
  if (event.final === undefined) return undefined;
  const lost = [...changes.documentOf(event.document)]
    .map((index) => changes.at(index))
    .find((change) => !shown.whole.has(change.index) && changes.mustSurvive(change));
  return lost && `without ${lost.write.change}, which was told to be committed`;
};
