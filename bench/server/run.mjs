/**
 * `pnpm bench server`: every work against every server, over loopback, the server on one core and the load on another;
 * in memory, and with durable storage. Prints medians, spread and ratios; keeps everything.
 *
 *   pnpm bench server [--works a,b] [--systems a,b] [--rounds 3] [--smoke] [--out FILE]
 */
import { join } from "node:path";
import { flagsOf } from "../flags.mjs";
import { circumstances, keepPart, openResult } from "../results.mjs";
import { chosen, sampled } from "../sampling.mjs";
import { textTable } from "../table.mjs";
import { isPinned, LOAD_CORE, pinned } from "./hosted.mjs";
import { meanings, serverRows } from "./report.mjs";
import { loadSystem, SYSTEM_NAMES } from "./systems/index.mjs";
import { WORKS } from "./works/index.mjs";

const values = flagsOf("server");
const known = WORKS.map(({ name }) => name);
const names = chosen(values.works, known, "work");
const script = join(import.meta.dirname, "sample.mjs");
const systems = new Map();
for (const name of chosen(values.systems, SYSTEM_NAMES, "system")) {
  try {
    systems.set(name, await loadSystem(name));
  } catch (error) {
    console.error(`skipped: ${name} is not installed (${error.message.split("\n")[0]})`);
  }
}

const result = openResult("server", values.out, values.smoke);
result.systems = { ...result.systems };
for (const [name, system] of systems) result.systems[name] = described(system);
for (const work of WORKS.filter(({ name }) => names.includes(name))) {
  const { outcomes, machine: others } = await sampled({
    what: work.name,
    configurations: [...configurationsOf(work)],
    rounds: work.sizes.full.rounds ?? Number(values.rounds),
    isTrial: values.smoke,
    commandOf: (one) => {
      const [name, storage] = one.split(" ");
      const args = [script, work.name, name, storage, values.smoke ? "smoke" : "full"];
      return pinned(LOAD_CORE, process.execPath, args);
    },
  });
  keepPart(result, values.out, work.name, outcomes, others);
}
for (const { title, head, rows } of serverRows(result)) console.log(`${title}\n${textTable(head, rows)}\n`);
console.log(meanings(result));
console.log(`\n${circumstances(result)}`);
if (!isPinned)
  console.log("server and load were not on cores of their own: there is one core, or no taskset");

/** `SYSTEM memory` and `SYSTEM durable`, where the work and the system have them. */
function* configurationsOf(work) {
  for (const [name, system] of systems) {
    if (work.needsAcknowledgements && system.acknowledges === undefined) continue;
    if (work.needsRegisters && system.isFloor) continue;
    if (work.onlyFor !== undefined && work.onlyFor !== name) continue;
    const inMemory = !work.durableOnly && !system.needsData;
    const onDisk = !work.memoryOnly && (system.needsData || !system.isFloor);
    if (inMemory) yield `${name} memory`;
    if (onDisk) yield `${name} durable`;
  }
}

function described({ title, package: from, isFloor = false, stores, acknowledges }) {
  return { title, package: from, isFloor, stores, acknowledges };
}
