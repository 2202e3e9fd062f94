/**
 * From one client through the server to another, at a hundred writes a second; after a few thousand at full speed, since
 * a server that has just started runs code that is not compiled yet.
 */
import { quantile } from "../../statistics.mjs";
import { join, pause, smallWrite, until } from "../clients.mjs";

const EVERY_MS = 10;
const WARM_WINDOW = 16;

export const latency = {
  name: "latency",
  title: "Client to server to client, 100 writes a second",
  metrics: {
    p50: { title: "p50", unit: "ms", better: "less", goal: "< y-websocket" },
    p99: { title: "p99", unit: "ms", better: "less", goal: "< y-websocket" },
  },
  sizes: {
    full: { writes: 600, warm: 4_000, settleMs: 1_500 },
    fullHeavy: { writes: 100, warm: 100, settleMs: 1_500 },
    smoke: { writes: 10, warm: 2, settleMs: 0 },
  },

  async run({ server, language, size }) {
    const total = size.warm + size.writes;
    const prepared = await language.prepare("room", 0, total, smallWrite);
    const sentAt = [];
    const latencies = [];
    const writer = await join(language, server.port, "room", 0);
    await join(language, server.port, "room", 1, {
      delivered(count) {
        const now = performance.now();
        for (let i = 0; i < count; i++) latencies.push(now - sentAt[latencies.length]);
      },
    });
    const write = () => {
      sentAt.push(performance.now());
      writer.write(prepared[sentAt.length - 1]);
    };
    // Some servers load a document, and keep what is written meanwhile.
    await pause(size.settleMs);
    while (sentAt.length < size.warm) {
      if (sentAt.length - latencies.length < WARM_WINDOW) write();
      else await pause(0);
    }
    await until("the reader has the first writes", () => latencies.length === size.warm, 60_000);

    const began = performance.now();
    for (let i = 0; i < size.writes; i++) {
      const due = began + i * EVERY_MS - performance.now();
      if (due > 0) await pause(due);
      write();
    }
    await until("the reader has every write", () => latencies.length === total, 30_000);
    const sorted = latencies.slice(size.warm).sort((a, b) => a - b);
    return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
  },
};
