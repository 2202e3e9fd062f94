/**
 * `ANY 1 (f1)`: a write is acknowledged when a follower, another process, has it on its disk as well. Beside it the same
 * master's own disk alone. Everything is on two cores and on one disk, which both processes sync.
 */
import { quantile } from "../../statistics.mjs";
import { join, smallWrite, until } from "../clients.mjs";
import { LOAD_CORE } from "../hosted.mjs";
import { startNode } from "../nodes.mjs";

const READY_MS_MAX = 30_000;

export const quorum = {
  name: "quorum",
  title: "Acknowledged by two processes, ANY 1, one writer",
  durableOnly: true,
  onlyFor: "syncline",
  metrics: {
    local: { title: "own disk, p50", unit: "ms", better: "less" },
    p50: {
      title: "own disk and a follower's, p50",
      unit: "ms",
      better: "less",
      goal: "≤ 2 × own + round trip",
    },
    p99: { title: "… p99", unit: "ms", better: "less" },
  },
  sizes: { full: { writes: 2_000 }, smoke: { writes: 20 } },

  async run({ server, language, data, size }) {
    const local = await latencies(language, server.port, "acknowledged", size.writes);
    const master = await startNode({ name: "m1", data: `${data}-m1`, sync: "ANY 1 (f1)" });
    const follow = [`ws://localhost:${master.port}`];
    const follower = await startNode({ name: "f1", role: "follower", data: `${data}-f1`, follow }, LOAD_CORE);
    try {
      const both = await latencies(language, master.port, "committed", size.writes);
      return { local: quantile(local, 0.5), p50: quantile(both, 0.5), p99: quantile(both, 0.99) };
    } finally {
      await Promise.all([master.kill(), follower.kill()]);
    }
  },
};

/** Of the second half, in order. */
async function latencies(language, port, level, writes) {
  const prepared = await language.prepare("single", 0, writes, smallWrite);
  let answer;
  let answered = 0;
  const writer = await join(language, port, "single", 0, {
    [level](count) {
      answered = count;
      answer?.();
    },
  });
  // The follower may not be there yet.
  writer.write(prepared[0]);
  await until("the first write is acknowledged", () => answered > 0, READY_MS_MAX);
  const found = [];
  for (let i = 1; i < writes; i++) {
    const began = performance.now();
    const done = new Promise((resolve) => {
      answer = () => answered > i && resolve();
    });
    writer.write(prepared[i]);
    await done;
    found.push(performance.now() - began);
  }
  writer.close();
  return found.slice(writes / 2).sort((a, b) => a - b);
}
