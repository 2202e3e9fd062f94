/**
 * `pnpm bench core`: every work by every system. Prints medians, spread and ratios; keeps everything.
 *
 *   pnpm bench core [--works a,b] [--systems a,b] [--rounds 5] [--smoke] [--out FILE]
 */
import { join } from "node:path";
import { flagsOf } from "../flags.mjs";
import { circumstances, keepPart, openResult } from "../results.mjs";
import { chosen, sampled } from "../sampling.mjs";
import { textTable } from "../table.mjs";
import { coreRows } from "./report.mjs";
import { SYSTEM_NAMES } from "./systems/index.mjs";
import { WORKS } from "./works/index.mjs";

const values = flagsOf("core");
const systems = chosen(values.systems, SYSTEM_NAMES, "system");
const known = WORKS.map(({ name }) => name);
const names = chosen(values.works, known, "work");
const script = join(import.meta.dirname, "sample.mjs");
const size = values.smoke ? "smoke" : "full";

const result = openResult("core", values.out, values.smoke);
for (const work of WORKS.filter(({ name }) => names.includes(name))) {
  const { outcomes, machine: others } = await sampled({
    what: work.name,
    configurations: systems,
    rounds: Math.min(Number(values.rounds), work.rounds ?? Number.POSITIVE_INFINITY),
    isTrial: values.smoke,
    commandOf: (system) => [process.execPath, ["--expose-gc", script, work.name, system, size]],
  });
  keepPart(result, values.out, work.name, outcomes, others);
}
const { head, rows } = coreRows(result);
console.log(textTable(head, rows));
console.log(`\n${circumstances(result)}`);
console.log("~ did not finish in its time box and was scaled; ratios above 1: we are better");
