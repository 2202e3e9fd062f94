/**
 * `pnpm mutate [set flag …]`: mutates these files of core, or all, and says what no test noticed.
 *
 * `SYNCLINE_MUTATE_SAMPLE=300` draws so many of their mutants (`SYNCLINE_MUTATE_SEED` draws others); a line of JSON for each is
 * in `coverage/mutation/…jsonl` as soon as it is known. They are run in two rounds: with all tests but the longest, then, those
 * that nothing has noticed, with these. `SYNCLINE_MUTATE_ROUND=second` goes on with the second, also of a first one that was cut
 * short.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { draw, passed } from "./sample.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
process.chdir(root);
const SOURCES = "packages/core/src";
const OUT = "coverage/mutation";
const names = process.argv.slice(2);
const size = process.env.SYNCLINE_MUTATE_SAMPLE;
const seed = process.env.SYNCLINE_MUTATE_SEED ?? "1";

const chosen = names.length > 0 ? names.map((name) => `${name}.ts`) : readdirSync(SOURCES);
const paths = chosen.map((name) => `${SOURCES}/${name}`);
const report = `${OUT}/${names.length > 0 ? names.join("-") : "core"}${size === undefined ? "" : `-drawn-${seed}`}`;
const env = {
  ...process.env,
  SYNCLINE_MUTATE: paths.join(","),
  SYNCLINE_MUTATE_REPORT: `${report}.json`,
  SYNCLINE_MUTATE_LINES: `${report}.jsonl`,
};
if (names.length > 0) env.SYNCLINE_MUTATE_NAMES = names.join(",");
const stryker = fileURLToPath(
  new URL("../../node_modules/@stryker-mutator/core/bin/stryker.js", import.meta.url),
);
const run = () =>
  spawnSync(process.execPath, [stryker, "run", "test/mutation/stryker.config.mjs"], {
    cwd: root,
    env,
    stdio: "inherit",
  }).status ?? 1;

if (size === undefined) process.exit(run());
mkdirSync(OUT, { recursive: true });
for (const round of ["first", "second"]) {
  if (round === "first" && process.env.SYNCLINE_MUTATE_ROUND === "second") continue;
  const { keys, places, all } =
    round === "first" ? await draw(paths, Number(size), seed) : await passed(paths, `${report}-first.jsonl`);
  console.log(`${round} round: ${keys.length} of ${all} mutants`);
  if (keys.length === 0) continue;
  env.SYNCLINE_MUTATE_ROUND = round;
  env.SYNCLINE_MUTATE_DRAWN = `${report}-${round}.keys.json`;
  env.SYNCLINE_MUTATE_LINES = `${report}-${round}.jsonl`;
  env.SYNCLINE_MUTATE_REPORT = `${report}-${round}.json`;
  writeFileSync(env.SYNCLINE_MUTATE_DRAWN, JSON.stringify(keys));
  env.SYNCLINE_MUTATE = places.join(",");
  const status = run();
  if (status !== 0) process.exit(status);
}
