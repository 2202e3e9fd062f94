import type { Rule } from "./rule.js";

/** Who has written something sees it in everything that is shown to him from then on, at whatever node. */
export const readYourWrites: Rule = ({ event, shown, known }, { changes }) => {
  const [lost] = changes.missing(known.written, event.document, shown);
  return lost && `without ${lost.write.change}, which it had written at ${lost.write.at}`;
};
