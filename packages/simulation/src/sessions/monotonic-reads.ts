import type { Rule } from "./rule.js";

/** What a session was shown once it is shown for ever. */
export const monotonicReads: Rule = ({ event, shown, known }, { changes }) => {
  const [lost] = changes.missing(known.read, event.document, shown);
  return lost && `without ${lost.write.change}, which it had been shown before`;
};
