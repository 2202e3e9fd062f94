/**
 * What Stryker's reports in `coverage/mutation` say: a line for each file and the sum, as docs/testing.md has them.
 *
 * `node test/mutation/scores.mjs [--survivors [name …]]`: with `--survivors` also what no test noticed, line by line. Of two
 * reports on one file the newer one counts.
 *
 * `node test/mutation/scores.mjs --drawn 1`: what the sample of seed 1 says of all of core. Of the mutants that the first round
 * reaches, those count that were run in the order of the draw, and of the others those that the second round has run.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../coverage/mutation", import.meta.url));
const [flag, ...names] = process.argv.slice(2);
if (flag === "--drawn") {
  estimate(names[0] ?? "1");
  process.exit();
}

const files = new Map();
const reports = readdirSync(folder).filter((name) => name.endsWith(".json") && !name.includes("-drawn-"));
for (const name of reports.sort((a, b) => timeOf(a) - timeOf(b))) {
  const report = JSON.parse(readFileSync(join(folder, name), "utf8"));
  for (const [path, file] of Object.entries(report.files)) files.set(basename(path), file);
}

const rows = [...files]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, { mutants }]) => ({ name, ...tally(mutants) }));
const sum = { name: "all of these", noticed: 0, total: 0 };
for (const { noticed, total } of rows) {
  sum.noticed += noticed;
  sum.total += total;
}
console.log("| file | mutants | noticed |\n|---|---|---|");
for (const { name, noticed, total } of [...rows, sum])
  console.log(`| \`${name}\` | ${total} | ${((100 * noticed) / total).toFixed(1)} % |`);

if (flag === "--survivors") {
  for (const [name, { mutants, source }] of files) {
    if (names.length > 0 && !names.includes(basename(name, ".ts"))) continue;
    const lines = source.split("\n");
    for (const { status, location, replacement, mutatorName } of mutants) {
      if (status !== "Survived" && status !== "NoCoverage") continue;
      const { line, column } = location.start;
      const was =
        line === location.end.line
          ? lines[line - 1].slice(column - 1, location.end.column - 1)
          : lines[line - 1].trim();
      const text = (replacement ?? "").replaceAll(/\s+/g, " ").slice(0, 90);
      console.log(
        `${name}:${line} ${status === "NoCoverage" ? "UNREACHED " : ""}${mutatorName}: ${was} -> ${text}`,
      );
    }
  }
}

/** Prints the share of mutants that were noticed, and where it lies with 95 %. */
function estimate(seed) {
  const linesOf = (name) => {
    const path = join(folder, name);
    if (!existsSync(path)) return [];
    return readFileSync(path, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };
  // A run that took too long says nothing where others use the machine too, unless it went round and round.
  const isNoticed = ({ status, statusReason }) =>
    status === "Killed" || (status === "Timeout" && statusReason !== undefined);
  const first = linesOf(`core-drawn-${seed}-first.jsonl`);
  const second = new Map(linesOf(`core-drawn-${seed}-second.jsonl`).map((line) => [line.key, line]));
  const reached = first.filter(({ status }) => status !== "NoCoverage");
  const others = first.filter(({ status }) => status === "NoCoverage");
  const keys = JSON.parse(readFileSync(join(folder, `core-drawn-${seed}-first.keys.json`), "utf8"));
  const shareOfOthers = others.length / keys.length;
  const strata = [
    { name: "reached by the first round", lines: reached, weight: 1 - shareOfOthers },
    { name: "not reached by it", lines: others.filter(({ key }) => second.has(key)), weight: shareOfOthers },
  ].map(({ name, lines, weight }) => {
    const noticed = lines.filter((line) => isNoticed(line) || isNoticed(second.get(line.key) ?? line)).length;
    const left = lines.filter((line) => !isNoticed(line) && !second.has(line.key)).length;
    console.log(`${name}: ${noticed} of ${lines.length} noticed, ${left} not asked a second time`);
    return { weight, size: lines.length, share: noticed / lines.length };
  });
  const share = strata.reduce((sum, each) => sum + each.weight * each.share, 0);
  const variance = strata.reduce(
    (sum, { weight, size, share }) => sum + (weight ** 2 * share * (1 - share)) / size,
    0,
  );
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  console.log(`all of core: ${percent(share)}, ± ${percent(1.96 * Math.sqrt(variance))}`);
}

function timeOf(name) {
  return statSync(join(folder, name)).mtimeMs;
}

/** Mutants that Stryker was told to leave out, and those that do not run at all, count for nothing. */
function tally(mutants) {
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const noticed = count("Killed", "Timeout");
  return { noticed, total: noticed + count("Survived", "NoCoverage") };
}
