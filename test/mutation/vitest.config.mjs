/**
 * The tests of core, as the mutation of core runs them: of each file those that say most about it in the least time, since
 * a mutant that survives costs all of them; the short ones first, and no failure is made small.
 */
import { basename } from "node:path";
import { BaseSequencer } from "vitest/node";
import base from "../../vitest.config.ts";

const TYPE = ["types", "bad-states", "known-bugs", "again", "taking-back", "laws"];
const LIST = ["lists", "types", "bad-states", "taking-back", "laws"];
const MAP = ["maps", "remove-wins-maps", "keep-whole-maps", "types", "transactions"];
const LINK = ["links"];

/** By the names of files. Others get all tests of core but those in `NEVER`. */
const TESTS = {
  change: ["formats", "transactions", "limits", "known-bugs"],
  clock: ["clock"],
  counter: [...TYPE, "counters", "simple-types"],
  delta: ["deltas"],
  descent: MAP,
  digest: ["digests"],
  "disable-wins-flag": [...TYPE, "simple-types"],
  document: ["transactions", "known-bugs", "events", "partial-states", "maps", "limits", "formats"],
  flag: [...TYPE, "simple-types"],
  "grow-counter": [...TYPE, "simple-types"],
  "grow-set": [...TYPE, "simple-types"],
  link: LINK,
  "link-batch": LINK,
  "link-dictionary": LINK,
  "link-frame": LINK,
  list: LIST,
  "list-encoding": LIST,
  "list-state": LIST,
  map: [...MAP, "bad-states", "undo", "laws"],
  place: LIST,
  positions: LIST,
  record: [...MAP, "simple-types"],
  register: [...TYPE, "registers", "simple-types"],
  "register-rows": ["registers", "transactions", "events", "many-things"],
  "remove-wins-set": [...TYPE, "simple-types"],
  sequence: LIST,
  set: [...TYPE, "sets", "simple-types"],
  "state-columns": ["bad-states", "bytes", "types", "formats", "many-things"],
  "undo-history": ["undo"],
};
/** Mistakes in tests and all of what is small, over and over: about no file in particular. */
const NEVER = ["wrong", "histories", "small-scopes"];

const mutated = (process.env.SYNCLINE_MUTATE_NAMES ?? "").split(",");
const isKnown = mutated.every((name) => TESTS[name] !== undefined);
/**
 * They look at much and take seconds: asked last, the longest at the end, since most mutants do not get past the others.
 * Those from `document-deltas` on are asked by themselves, of a sample, about what all others have let pass.
 */
const LONG = [
  "undo",
  "again",
  "events",
  "digests",
  "lists",
  "transactions",
  "conflicts",
  "keep-whole-maps",
  "taking-back",
];
const LONGEST = ["document-deltas", "deltas", "many-things", "laws", "links", "formats"];

/** Of a sample: `first` for all tests but the longest, `second` for those. */
const round = process.env.SYNCLINE_MUTATE_ROUND;
const include = isKnown
  ? [...new Set(mutated.flatMap((name) => TESTS[name]))]
  : round === "second"
    ? LONGEST
    : ["*"];

class ShortFirst extends BaseSequencer {
  async sort(files) {
    const rank = ({ moduleId }) => [...LONG, ...LONGEST].indexOf(basename(moduleId, ".test.ts"));
    return [...files].sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default {
  ...base,
  test: {
    ...base.test,
    include: [
      ...include.map((name) => `test/core/${name}.test.ts`),
      ...(isKnown || round === "second" ? [] : ["test/text/guard.test.ts", "test/text/updates.test.ts"]),
    ],
    // Core keeps nothing between tests, and loading it anew for each file costs more than most mutants.
    isolate: false,
    exclude: [...NEVER, ...(round === "first" ? LONGEST : [])].map((name) => `test/core/${name}.test.ts`),
    // The same draws for every mutant, fewer of them, and of a failure nothing but that it is one.
    env: { SYNCLINE_SEED: "7", SYNCLINE_UNSHRUNK: "1", SYNCLINE_SHARE: "0.1", SYNCLINE_FUZZ: "500" },
    sequence: { sequencer: ShortFirst },
  },
};
