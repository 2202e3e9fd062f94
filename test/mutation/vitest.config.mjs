/**
 * The tests of core, as the mutation of core runs them: those that say most about a file in the least time, since each
 * mutant that survives costs all of them; the short ones first, and no failure is made small.
 */
import { BaseSequencer } from "vitest/node";
import base from "../../vitest.config.ts";

/** They look at much and take seconds: left out, but for files that only they look at closely. */
const LONG = {
  conflicts: ["conflicts"],
  digest: ["digests"],
  document: ["formats"],
  change: ["formats"],
  "link-batch": ["links"],
  "link-dictionary": ["links"],
  "link-frame": ["links"],
  link: ["links"],
  "register-rows": ["many-things"],
  "name-table": ["many-things"],
  "undo-history": ["undo"],
  fields: ["many-things", "digests"],
};
/** Mistakes in tests and all of what is small, over and over: about no file in particular. */
const NEVER = ["wrong", "histories", "small-scopes"];

const mutated = (process.env.SYNCLINE_MUTATE ?? "")
  .split(",")
  .map((path) => path.replace(/^.*\/|\.ts$/g, ""));
const wanted = mutated.flatMap((name) => LONG[name] ?? []);
const left = [...new Set(Object.values(LONG).flat())].filter((name) => !wanted.includes(name));

class ShortFirst extends BaseSequencer {
  async sort(files) {
    const rank = ({ moduleId }) =>
      /(laws|again|formats|links|undo|digests)\.test\.ts$/.test(moduleId) ? 1 : 0;
    return [...files].sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default {
  ...base,
  test: {
    ...base.test,
    include: ["test/core/*.test.ts"],
    exclude: [...left, ...NEVER].map((name) => `test/core/${name}.test.ts`),
    // The same draws for every mutant, and of a failure nothing but that it is one.
    env: { SYNCLINE_SEED: "7", SYNCLINE_UNSHRUNK: "1", SYNCLINE_SHARE: "0.1", SYNCLINE_FUZZ: "500" },
    sequence: { sequencer: ShortFirst },
  },
};
