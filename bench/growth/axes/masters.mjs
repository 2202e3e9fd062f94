/**
 * Masters that follow each other, each with a writer of its own, all durable: what they take together until every one
 * shows everything. On two cores more than two masters cannot be faster; what this shows is what they cost.
 */
import { join as path } from "node:path";
import { freePorts } from "../../ports.mjs";
import { join, smallWrite, until } from "../../server/clients.mjs";
import { startNode } from "../../server/nodes.mjs";
import { syncline } from "../../server/systems/syncline.mjs";

const WINDOW = 64;

export const masters = {
  name: "masters",
  title: "Masters",
  counts: { full: [1, 2, 3, 5], smoke: [2] },
  measures: {
    perSecond: { title: "writes of all together", unit: "/s", atLeast: 0 },
    cpu: { title: "CPU of all together, a write", unit: "µs", limit: 1 },
  },

  async run(count, data, size) {
    const writes = size === "smoke" ? 50 : 6_000;
    const ports = await freePorts(count);
    const servers = await Promise.all(ports.map((port, i) => started(i, port, ports, path(data, `m${i}`))));
    try {
      return await measured(servers, writes);
    } finally {
      await Promise.all(servers.map((server) => server.kill()));
    }
  },
};

async function measured(servers, writes) {
  const language = await syncline.speak();
  const total = servers.length * writes;
  const received = servers.map(() => 0);
  const writers = [];
  for (const [i, { port }] of servers.entries()) {
    const prepared = await language.prepare("room", i, writes, smallWrite);
    const state = { sent: 0, answered: 0, prepared };
    await join(language, port, "room", 100 + i, { delivered: (count) => (received[i] += count) });
    state.client = await join(language, port, "room", i, {
      acknowledged(answered) {
        state.answered = answered;
        pump(state);
      },
    });
    writers.push(state);
  }
  const cpu = async () =>
    (await Promise.all(servers.map((server) => server.cpuMicros()))).reduce((a, b) => a + b);
  const before = await cpu();
  const began = performance.now();
  for (const state of writers) pump(state);
  await until("every master shows everything", () => received.every((count) => count >= total), 120_000);
  const ms = performance.now() - began;
  return { perSecond: (total * 1_000) / ms, cpu: ((await cpu()) - before) / total };
}

function pump(state) {
  while (state.sent < state.prepared.length && state.sent - state.answered < WINDOW) {
    state.client.write(state.prepared[state.sent++]);
  }
}

/** Not pinned: they share all cores with the load. */
function started(i, port, ports, data) {
  const follow = ports.filter((other) => other !== port).map((other) => `ws://localhost:${other}`);
  return startNode({ name: `m${i + 1}`, port, data, follow });
}
