/**
 * What Stryker's reports in `coverage/mutation` say: a line for each file and the sum, as docs/testing.md has them.
 *
 * `node test/mutation/scores.mjs [--survivors [name …]]`: with `--survivors` also what no test noticed, line by line. Of two
 * reports on one file the newer one counts.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../coverage/mutation", import.meta.url));
const [flag, ...names] = process.argv.slice(2);

const files = new Map();
const reports = readdirSync(folder).filter((name) => name.endsWith(".json"));
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

function timeOf(name) {
  return statSync(join(folder, name)).mtimeMs;
}

/** Mutants that Stryker was told to leave out, and those that do not run at all, count for nothing. */
function tally(mutants) {
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const noticed = count("Killed", "Timeout");
  return { noticed, total: noticed + count("Survived", "NoCoverage") };
}
