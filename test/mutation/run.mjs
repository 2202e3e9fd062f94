/**
 * `pnpm mutate [set flag …]`: mutates these files of core, or all, and says what no test noticed.
 *
 * `SYNCLINE_MUTATE_SAMPLE=300` draws so many of their mutants (`SYNCLINE_MUTATE_SEED` draws others); a line of JSON for each is
 * in `coverage/mutation/…jsonl` as soon as it is known.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { draw } from "./sample.mjs";

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
if (size !== undefined) {
  const { keys, places, all } = await draw(paths, Number(size), seed);
  mkdirSync(OUT, { recursive: true });
  env.SYNCLINE_MUTATE_DRAWN = `${report}.keys.json`;
  writeFileSync(env.SYNCLINE_MUTATE_DRAWN, JSON.stringify(keys));
  env.SYNCLINE_MUTATE = places.join(",");
  console.log(`${keys.length} of ${all} mutants are drawn`);
}
const stryker = fileURLToPath(
  new URL("../../node_modules/@stryker-mutator/core/bin/stryker.js", import.meta.url),
);
const { status } = spawnSync(process.execPath, [stryker, "run", "test/mutation/stryker.config.mjs"], {
  cwd: root,
  env,
  stdio: "inherit",
});
process.exit(status ?? 1);
