import { culprit, type Rule } from "./rule.js";

/** Who is shown a change is shown all that its writer had written before, in whatever document. */
export const monotonicWrites: Rule = (read, judged) => {
  const { event, shown, known } = read;
  const [lost] = judged.changes.missing(known.forerunners, event.document, shown);
  if (lost === undefined) return undefined;
  const shows = culprit(read, judged, (before) => before.written.has(lost.index));
  return `without ${lost.write.change}, which was written before ${shows} by the same session`;
};
