/** A hundred documents with two clients each: one writes, with eight writes under way, and the other reads. */
import { join, passed, smallWrite, until } from "../clients.mjs";

const WINDOW = 8;

export const pairs = {
  name: "pairs",
  title: "100 documents with two clients each",
  metrics: {
    perSecond: { title: "writes delivered", unit: "/s", better: "more", goal: "5 × peer; durable 3 ×" },
    cpu: { title: "server CPU per write", unit: "µs", better: "less" },
  },
  sizes: {
    full: { documents: 100, prepared: 2_500, warmMs: 1_500, ms: 4_000 },
    smoke: { documents: 3, prepared: 200, warmMs: 50, ms: 200 },
  },

  async run({ server, language, size }) {
    const all = [];
    for (let i = 0; i < size.documents; i++) all.push(await pairOf(language, server.port, i, size.prepared));
    for (const pair of all) pair.pump();
    const total = (what) => all.reduce((sum, pair) => sum + pair[what], 0);
    const isEmpty = () => all.some((pair) => pair.sent === size.prepared);
    await passed(size.warmMs, () => total("sent") > (size.prepared * size.documents) / 4);
    const cpuBefore = await server.cpuMicros();
    const before = { at: performance.now(), count: total("received") };
    await passed(size.ms, isEmpty);
    const after = { at: performance.now(), count: total("received") };
    const cpuAfter = await server.cpuMicros();
    for (const pair of all) pair.stopped = true;
    await until("every reader has every write", () => total("received") === total("sent"), 30_000);
    const writes = after.count - before.count;
    return {
      perSecond: (writes * 1_000) / (after.at - before.at),
      cpu: (cpuAfter - cpuBefore) / writes,
    };
  },
};

async function pairOf(language, port, i, count) {
  const doc = `doc-${i}`;
  const pair = { sent: 0, received: 0, stopped: false, pump };
  const prepared = await language.prepare(doc, 2 * i, count, smallWrite);
  const writer = await join(language, port, doc, 2 * i);
  await join(language, port, doc, 2 * i + 1, {
    delivered(deliveries) {
      pair.received += deliveries;
      pump();
    },
  });
  return pair;

  function pump() {
    while (!pair.stopped && pair.sent - pair.received < WINDOW && pair.sent < count) {
      writer.write(prepared[pair.sent++]);
    }
  }
}
