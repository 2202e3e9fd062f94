/**
 * A server in a process of its own; answers the benchmark's questions about itself.
 *
 *   node --expose-gc bench/server/serve.mjs SYSTEM [DATA]
 */
import { loadSystem } from "./systems/index.mjs";

const [name, data] = process.argv.slice(2);

process.on("message", (question) => {
  if (question === "cpu") {
    const { user, system } = process.cpuUsage();
    process.send({ answer: user + system });
  } else if (question === "memory") {
    // What a collection frees is given back a while later.
    for (let i = 0; i < 4; i++) globalThis.gc();
    setTimeout(() => {
      globalThis.gc();
      const { rss, heapUsed, external } = process.memoryUsage();
      process.send({ answer: { rss, heap: heapUsed + external } });
    }, 500);
  }
});
process.on("disconnect", () => process.exit());

const system = await loadSystem(name);
const { port } = await system.serve({ data });
process.send({ answer: { port } });
