/** The tests of core, as the mutation of core runs them: the short ones first, and no failure is made small. */
import { BaseSequencer } from "vitest/node";
import base from "../../vitest.config.ts";

/** They look at much and take seconds: asked last, since most mutants do not get past the others. */
const LONG = /(formats|links|histories|laws|digests|many-things|conflicts)\.test\.ts$/;

class ShortFirst extends BaseSequencer {
  async sort(files) {
    const rank = ({ moduleId }) => (LONG.test(moduleId) ? 1 : 0);
    return [...files].sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default {
  ...base,
  test: {
    ...base.test,
    include: ["test/core/*.test.ts"],
    // The same draws for every mutant, and of a failure nothing but that it is one.
    env: { SYNCLINE_SEED: "7", SYNCLINE_UNSHRUNK: "1" },
    sequence: { sequencer: ShortFirst },
  },
};
