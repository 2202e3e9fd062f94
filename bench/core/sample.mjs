/**
 * One sample: one work by one system in a process of its own, so that neither the garbage nor the compiled code of
 * another system is in the way. Prints one line of JSON: the metrics, or why there are none.
 *
 *   node --expose-gc bench/core/sample.mjs WORK SYSTEM full|smoke
 */
import { loadSystem } from "./systems/index.mjs";
import { WORKS } from "./works/index.mjs";

const [workName, systemName, size] = process.argv.slice(2);
const work = WORKS.find(({ name }) => name === workName);

try {
  const system = await loadSystem(systemName);
  const lacking = work.needs.find((need) => system.lacks?.includes(need));
  print(lacking === undefined ? { metrics: work.run(system, work.sizes[size]) } : { lacks: lacking });
} catch (error) {
  const missing = error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND";
  print(missing ? { missing: error.message } : { error: error.stack });
}

function print(outcome) {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
