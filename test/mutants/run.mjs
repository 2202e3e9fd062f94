/**
 * Applies each mutant to a scratch copy of the sources and runs the tests that must notice it.
 *
 * Prints a table of what was caught by what; exits with 1 if a mutant survives or no longer fits the code.
 * `node test/mutants/run.mjs [part of a name] [--write | --fit]`: with `--write` the table in docs/testing.md is made anew;
 * with `--fit` nothing runs, and it only says which mutants no longer fit the code, which takes a second.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTANTS } from "./mutants.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const writes = process.argv.includes("--write");
const only = process.argv.slice(2).find((word) => !word.startsWith("--")) ?? "";
const chosen = MUTANTS.filter(({ name, rule }) => `${rule} ${name}`.includes(only));
/** Two at a time: the tests are bound by the processor. */
const WORKERS = 2;

function scratchCopy() {
  const scratch = mkdtempSync(join(tmpdir(), "syncline-mutants-"));
  for (const folder of ["packages", "test"]) {
    cpSync(join(root, folder), join(scratch, folder), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !/[\\/](dist|golden|coverage)$/.test(path),
    });
  }
  for (const file of ["vitest.config.ts", "package.json", "tsconfig.base.json", "tsconfig.json"])
    cpSync(join(root, file), join(scratch, file));
  symlinkSync(join(root, "node_modules"), join(scratch, "node_modules"));
  return scratch;
}

/** The text with every edit made; a string says which edit does not fit. */
function mutate(text, edits) {
  let result = text;
  for (const [from, to] of edits) {
    const parts = result.split(from);
    if (parts.length !== 2) return { misfit: `found ${parts.length - 1} times: ${from}` };
    result = parts.join(to);
  }
  return { result };
}

/** Runs the tests in a scratch copy. Resolves with the name of the first test that failed, or undefined. */
function firstFailure(scratch, [file, names]) {
  return new Promise((resolve) => {
    const args = ["vitest", "run", file, "--root", scratch, "--reporter=json", "--bail=1"];
    if (names !== undefined) args.push("-t", names);
    const child = spawn("npx", args, { cwd: scratch, stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.on("close", () => {
      const json = /\{"numTotalTestSuites.*\}/s.exec(output)?.[0];
      if (json === undefined) return resolve({ broken: output.slice(-500) });
      const report = JSON.parse(json);
      const tests = report.testResults.flatMap((result) => result.assertionResults);
      const failed = tests.find((test) => test.status === "failed");
      if (failed !== undefined) return resolve({ caught: failed.title });
      if (report.numPassedTests === 0) return resolve({ broken: "no test ran" });
      resolve({});
    });
  });
}

/** Puts the table of what caught what between its marks in docs/testing.md. */
function writeTable() {
  const path = join(root, "docs/testing.md");
  const lines = MUTANTS.map((mutant) => {
    const caught = rows.find((row) => row.mutant === mutant)?.verdict.caught;
    return `| ${mutant.rule} | ${mutant.name} | ${caught} |`;
  });
  const table = ["| rule | taken out | noticed by |", "|---|---|---|", ...lines].join("\n");
  const [head, , tail] = readFileSync(path, "utf8").split(/<!-- mutants(?: end)? -->/);
  writeFileSync(path, `${head}<!-- mutants -->\n${table}\n<!-- mutants end -->${tail}`);
}

if (process.argv.includes("--fit")) {
  const misfits = chosen.flatMap(({ name, rule, file, edits }) => {
    const { misfit } = mutate(readFileSync(join(root, file), "utf8"), edits);
    return misfit === undefined ? [] : [`${rule}: ${name}\n  ${file}: ${misfit}`];
  });
  console.log(
    [...misfits, `${chosen.length - misfits.length} mutants fit, ${misfits.length} do not`].join("\n"),
  );
  process.exit(misfits.length === 0 ? 0 : 1);
}

const queue = [...chosen];
const rows = [];
let bad = 0;

async function work() {
  const scratch = scratchCopy();
  try {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const path = join(scratch, mutant.file);
      const original = readFileSync(path, "utf8");
      const { result, misfit } = mutate(original, mutant.edits);
      let verdict = { broken: misfit };
      if (misfit === undefined) {
        writeFileSync(path, result);
        verdict = await firstFailure(scratch, mutant.tests);
        writeFileSync(path, original);
      }
      const isCaught = verdict.caught !== undefined;
      if (!isCaught) bad += 1;
      rows.push({ mutant, verdict });
      console.log(
        `${isCaught ? "caught  " : "SURVIVED"} ${mutant.rule}: ${mutant.name}\n         ${verdict.caught ?? verdict.broken ?? "by no test"}`,
      );
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

await Promise.all(Array.from({ length: Math.min(WORKERS, queue.length) }, work));
if (writes && bad === 0 && only === "") writeTable();
console.log(`${rows.length - bad} mutants caught, ${bad} survived`);
process.exit(bad === 0 ? 0 : 1);
