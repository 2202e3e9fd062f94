/**
 * From a write to its acknowledgement: of one writer, who waits for each before the next, and of 256 writers with as
 * many documents, who do the same all at once. What an acknowledgement means is each system's own affair, and is
 * printed; only "durable" means the disk.
 */
import { quantile } from "../../statistics.mjs";
import { join, passed, smallWrite } from "../clients.mjs";

export const acknowledged = {
  name: "acknowledged",
  title: "Acknowledgements",
  durableOnly: true,
  needsAcknowledgements: true,
  metrics: {
    p50: { title: "one writer, p50", unit: "ms", better: "less", goal: "≤ 2 × bare commit" },
    p99: { title: "one writer, p99", unit: "ms", better: "less" },
    perSecond: { title: "256 writers", unit: "/s", better: "more", goal: "≥ ¼ of LMDB" },
    cpu: { title: "256 writers, server CPU each", unit: "µs", better: "less" },
  },
  sizes: {
    full: { writes: 2_000, writers: 256, each: 900, warmMs: 1_000, ms: 3_000 },
    smoke: { writes: 20, writers: 3, each: 60, warmMs: 20, ms: 100 },
  },

  async run({ server, language, size }) {
    const latencies = await oneWriter(language, server.port, size.writes);
    const sorted = latencies.slice(size.writes / 4).sort((a, b) => a - b);

    let done = 0;
    const isEmpty = { yet: false };
    const starts = [];
    for (let n = 0; n < size.writers; n++) {
      starts.push(await waiting(language, server.port, n + 1, size.each, isEmpty, () => (done += 1)));
    }
    for (const start of starts) start();
    await passed(size.warmMs, () => done > (size.writers * size.each) / 3);
    const cpuBefore = await server.cpuMicros();
    const [from, before] = [performance.now(), done];
    await passed(size.ms, () => isEmpty.yet);
    const [to, after] = [performance.now(), done];
    const cpuAfter = await server.cpuMicros();
    return {
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      perSecond: ((after - before) * 1_000) / (to - from),
      cpu: (cpuAfter - cpuBefore) / (after - before),
    };
  },
};

async function oneWriter(language, port, writes) {
  const prepared = await language.prepare("single", 0, writes, smallWrite);
  const latencies = [];
  let answer;
  const writer = await join(language, port, "single", 0, { acknowledged: (count) => answer?.(count) });
  for (let i = 0; i < writes; i++) {
    const began = performance.now();
    const answered = new Promise((resolve) => {
      answer = (count) => count > i && resolve();
    });
    writer.write(prepared[i]);
    await answered;
    latencies.push(performance.now() - began);
  }
  writer.close();
  return latencies;
}

/** A writer who begins when what is returned is called: all at once, or some would be done before others join. */
async function waiting(language, port, n, each, isEmpty, note) {
  const doc = `own-${n}`;
  const prepared = await language.prepare(doc, n, each, smallWrite);
  let sent = 0;
  const writer = await join(language, port, doc, n, {
    acknowledged(count) {
      if (sent === 0 || count < sent) return;
      note();
      if (sent === each) isEmpty.yet = true;
      else writer.write(prepared[sent++]);
    },
  });
  return () => writer.write(prepared[sent++]);
}
