import type { Rule } from "./rule.js";

/** A change is shown whole or not at all. */
export const atomicVisibility: Rule = ({ shown }) => {
  const [torn] = shown.partly;
  return torn && `with a part of ${torn.write.change}`;
};
