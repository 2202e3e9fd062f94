/**
 * Applies each mutant to a scratch copy of the sources and runs the tests that must notice it.
 *
 * Prints a table of what was caught by what; exits with 1 if a mutant survives or no longer fits the code, with 2 if no mutant
 * is meant.
 * `node test/mutants/run.mjs [part of a name] [--write | --fit]`: with `--write` the table in docs/testing.md is made anew;
 * with `--fit` nothing runs, and it only says which mutants no longer fit the code, which takes a second.
 */
import { fork } from "node:child_process";
import { on, once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTANTS } from "./mutants.mjs";
import { mutate } from "./mutate.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const words = process.argv.slice(2);
const writes = words.includes("--write");
const parts = words.filter((word) => !word.startsWith("--"));
const only = parts[0] ?? "";
const chosen = MUTANTS.filter(({ name, rule }) => `${rule} ${name}`.includes(only));
const unknown = words.find((word) => word.startsWith("--") && word !== "--write" && word !== "--fit");
if (unknown !== undefined) wrong(`there is no ${unknown}; there are --write and --fit`);
if (parts.length > 1) wrong(`one part of a name, not ${parts.length}; put it into quotes`);
// Whoever has misspelt a name must not read that all is well.
if (chosen.length === 0) wrong(`no mutant has "${only}" in its rule or name`);
/** Two at a time: the tests are bound by the processor. */
const WORKERS = 2;

/** Asked wrongly: one line, and nothing is run. */
function wrong(reason) {
  process.stderr.write(`mutants: ${reason}\n`);
  process.exit(2);
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

/** A pattern that finds exactly this text. */
const literally = (text) => text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");

async function work() {
  const worker = fork(new URL("worker.mjs", import.meta.url));
  const answers = on(worker, "message", { close: ["exit"] });
  /** Undefined when the worker has died. */
  const answer = async () => (await answers.next()).value?.[0];
  if ((await answer()) !== "ready") throw new Error("a worker ended before it was ready");
  const judge = async (mutant) => {
    worker.send(mutant);
    const verdict = await answer();
    if (verdict === undefined) throw new Error(`a worker ended at: ${mutant.name}`);
    return verdict;
  };
  let last;
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const verdict = await judge(mutant);
    const isCaught = verdict.caught !== undefined;
    if (isCaught) last = { ...mutant, edits: [], tests: [mutant.tests[0], literally(verdict.caught)] };
    else bad += 1;
    rows.push({ mutant, verdict });
    console.log(
      `${isCaught ? "caught  " : "SURVIVED"} ${mutant.rule}: ${mutant.name}\n         ${verdict.caught ?? verdict.broken ?? "by no test"}`,
    );
  }
  // A mutant that stayed would be caught by the tests of all that follow.
  if (last !== undefined) {
    const { caught, broken } = await judge(last);
    if (caught ?? broken) throw new Error(`fails without its mutant, ${last.name}: ${caught ?? broken}`);
  }
  worker.disconnect();
  await once(worker, "exit");
}

await Promise.all(Array.from({ length: Math.min(WORKERS, queue.length) }, work));
if (writes && bad === 0 && only === "") writeTable();
console.log(`${rows.length - bad} mutants caught, ${bad} survived`);
process.exit(bad === 0 ? 0 : 1);
