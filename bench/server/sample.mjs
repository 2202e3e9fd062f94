/**
 * One sample: one work against one server, each in a process of its own. Prints one line of JSON.
 *
 *   node bench/server/sample.mjs WORK SYSTEM memory|durable full|smoke
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { host } from "./hosted.mjs";
import { loadSystem } from "./systems/index.mjs";
import { WORKS } from "./works/index.mjs";

const [workName, systemName, storage, size] = process.argv.slice(2);
const work = WORKS.find(({ name }) => name === workName);
const folder = storage === "durable" ? mkdtempSync(join(tmpdir(), "syncline-bench-")) : undefined;
let server;
try {
  const system = await loadSystem(systemName);
  const language = await system.speak();
  const data = folder === undefined ? undefined : join(folder, "data");
  server = await host(systemName, data);
  const about = { system, systemName, language, server, data, drainMs: system.drainMs ?? 200 };
  const heavy = system.clientsAreHeavy ? work.sizes[`${size}Heavy`] : undefined;
  print({ metrics: await work.run({ ...about, size: heavy ?? work.sizes[size] }) });
} catch (error) {
  const isMissing = /ERR_MODULE_NOT_FOUND|Cannot find (?:package|module)/.test(
    `${error.code} ${error.message}`,
  );
  print(isMissing ? { missing: error.message.split("\n")[0] } : { error: error.stack });
} finally {
  await server?.kill();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
process.exit();

function print(outcome) {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
