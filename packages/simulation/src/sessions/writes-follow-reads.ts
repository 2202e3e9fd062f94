import { culprit, type Rule } from "./rule.js";

/** Who is shown a change is shown all that its writer had been shown before, in whatever document. */
export const writesFollowReads: Rule = (read, judged) => {
  const { event, shown, known } = read;
  const [lost] = judged.changes.missing(known.causes, event.document, shown);
  if (lost === undefined) return undefined;
  const shows = culprit(
    read,
    judged,
    (before) => before.read.has(lost.index) || before.causes.has(lost.index),
  );
  return `without ${lost.write.change}, which the writer of ${shows} had been shown`;
};
