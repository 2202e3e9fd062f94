/**
 * `pnpm bench growth`: how time, bytes and memory grow with what there is more and more of; as points, and as the slope
 * of a line through them on logarithmic scales: 0 does not grow, 1 grows in proportion, 2 is quadratic.
 *
 *   pnpm bench growth [--axes a,b] [--rounds 3] [--smoke] [--out FILE]
 */
import { join } from "node:path";
import { flagsOf } from "../flags.mjs";
import { circumstances, keepPart, openResult } from "../results.mjs";
import { chosen, sampled } from "../sampling.mjs";
import { textTable } from "../table.mjs";
import { AXES } from "./axes/index.mjs";
import { growthRows, slopeOf } from "./report.mjs";

const values = flagsOf("growth");
const size = values.smoke ? "smoke" : "full";
const known = AXES.map(({ name }) => name);
const names = chosen(values.axes, known, "axis");
const script = join(import.meta.dirname, "sample.mjs");

const result = openResult("growth", values.out, values.smoke);
for (const axis of AXES.filter(({ name }) => names.includes(name))) {
  const counts = axis.counts[size];
  const { outcomes, machine: others } = await sampled({
    what: axis.name,
    configurations: counts.map(String),
    rounds: Number(values.rounds),
    isTrial: values.smoke,
    commandOf: (count) => [process.execPath, ["--expose-gc", script, axis.name, count, size]],
  });
  const found = {};
  for (const name of Object.keys(axis.measures)) {
    const points = counts.map((count) => [count, outcomes[count].metrics?.[name]?.median]);
    found[name] = { points, slope: slopeOf(points) };
  }
  keepPart(result, values.out, axis.name, found, others);
}
for (const { title, head, rows } of growthRows(result)) console.log(`${title}\n${textTable(head, rows)}\n`);
console.log(circumstances(result));
