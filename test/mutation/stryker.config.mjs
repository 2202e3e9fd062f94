/**
 * Mutation of core by Stryker: `pnpm mutate packages/core/src/set.ts,packages/core/src/flag.ts`, all of core without files.
 *
 * It is heavy (thousands of mutants, some seconds each), so it is run by hand, file by file, and what came of it stands in
 * docs/testing.md with its date. Its report is put into `coverage/mutation`.
 */
import { fileURLToPath } from "node:url";

// Stryker finds its files from where it is started.
process.chdir(fileURLToPath(new URL("../..", import.meta.url)));

const chosen = process.env.SYNCLINE_MUTATE ?? "packages/core/src/*.ts";

/** @type {import("@stryker-mutator/core").PartialStrykerOptions} */
export default {
  packageManager: "pnpm",
  plugins: ["@stryker-mutator/vitest-runner", fileURLToPath(new URL("sample.mjs", import.meta.url))],
  checkers: process.env.SYNCLINE_MUTATE_DRAWN === undefined ? [] : ["drawn"],
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.mjs", related: false },
  mutate: chosen.split(","),
  // What the tests need, and nothing that is built.
  ignorePatterns: [
    "**/dist",
    "coverage",
    "bench",
    "apps",
    "docs/images",
    "test/browser",
    "test/simulation",
    "test/.snippets",
  ],
  // Types are the compiler's affair; Stryker's own reading of tsconfig.json needs an older one.
  tsconfigFile: "test/mutation/none.json",
  disableTypeChecks: false,
  coverageAnalysis: "perTest",
  // Tables that are made when a module is loaded would need every test for every mutant.
  ignoreStatic: true,
  mutator: {
    // Nobody promises the words of a message; codes are tested by name.
    excludedMutations: ["StringLiteral"],
  },
  concurrency: 1,
  // The first run, with counters in all of core, has all the time it needs.
  dryRunTimeoutMinutes: 60,
  timeoutMS: 10_000,
  timeoutFactor: 3,
  tempDirName: "coverage/.stryker",
  reporters: ["json", "lines"],
  jsonReporter: { fileName: process.env.SYNCLINE_MUTATE_REPORT ?? "coverage/mutation/report.json" },
  allowConsoleColors: false,
};
