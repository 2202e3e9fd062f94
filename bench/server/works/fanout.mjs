/**
 * One writer, fifty readers of one document, as fast as it goes: 64 writes are under way at a time. A write counts when
 * a reader has it, and in the end every reader must have had every write.
 */
import { join, passed, smallWrite, until } from "../clients.mjs";

const WINDOW = 64;

export const fanout = {
  name: "fanout",
  title: "One writer, 50 readers",
  metrics: {
    perSecond: { title: "deliveries", unit: "/s", better: "more", goal: "10 × peer; durable 8 ×" },
    cpu: { title: "server CPU per delivery", unit: "µs", better: "less", goal: "≤ 1" },
  },
  sizes: {
    full: { readers: 50, prepared: 120_000, warmMs: 1_500, ms: 4_000 },
    smoke: { readers: 3, prepared: 2_000, warmMs: 50, ms: 200 },
  },

  async run({ server, language, size }) {
    const received = new Array(size.readers).fill(0);
    const prepared = await language.prepare("room", 0, size.prepared, smallWrite);
    const writer = await join(language, server.port, "room", 0);
    let sent = 0;
    let stopped = false;
    const pump = () => {
      while (!stopped && sent - received[0] < WINDOW && sent < prepared.length)
        writer.write(prepared[sent++]);
    };
    for (let n = 0; n < size.readers; n++) {
      await join(language, server.port, "room", n + 1, {
        delivered(count) {
          received[n] += count;
          if (n === 0) pump();
        },
      });
    }

    pump();
    const mark = () => ({ at: performance.now(), count: received.reduce((sum, each) => sum + each, 0) });
    await passed(size.warmMs, () => sent >= prepared.length / 3);
    const cpuBefore = await server.cpuMicros();
    const before = mark();
    await passed(size.ms, () => sent >= prepared.length);
    const after = mark();
    const cpuAfter = await server.cpuMicros();
    stopped = true;
    await until("every reader has every write", () => received.every((count) => count === sent), 60_000);
    const deliveries = after.count - before.count;
    return {
      perSecond: (deliveries * 1_000) / (after.at - before.at),
      cpu: (cpuAfter - cpuBefore) / deliveries,
    };
  },
};
