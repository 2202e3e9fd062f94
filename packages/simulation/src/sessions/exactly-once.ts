import { canonical } from "../checks.js";
import type { Rule } from "./rule.js";

/**
 * What is shown amounts to each of its changes counted once, and to nothing else.
 *
 * The ops say which changes are there, the value says how often each was counted: it must be what the specification
 * makes of them. A torn change is another rule's matter.
 */
export const exactlyOnce: Rule = ({ event, shown, known }, { changes, past, specification }) => {
  const [unmade] = shown.unmade;
  if (unmade !== undefined) return `with op ${unmade[1]} of author ${unmade[0]}, which nobody has made`;
  const news = shown.whole.copy();
  news.removeAll(known.read);
  for (const index of news) {
    const change = changes.at(index);
    if (!past.hasMade(change)) return `with ${change.write.change}, which was made later`;
  }
  if (event.value === undefined || shown.partly.length > 0) return undefined;
  const ids = [...shown.whole].map((index) => changes.at(index).write.change);
  const [is, must] = [canonical(event.value), canonical(specification(event.document, ids))];
  return is === must ? undefined : `as ${is}, and its changes amount to ${must}`;
};
