/** One point of one axis, in a process of its own: `node --expose-gc bench/growth/sample.mjs AXIS COUNT full|smoke`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AXES } from "./axes/index.mjs";

const [name, count, size] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "syncline-bench-"));
try {
  const axis = AXES.find((one) => one.name === name);
  print({ metrics: await axis.run(Number(count), join(folder, "data"), size) });
} catch (error) {
  print({ error: error.stack });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

function print(outcome) {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
