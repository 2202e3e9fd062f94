/** How a server grows: with its connections, the readers of a document, its documents, and what is stored. */
import { join, smallWrite, until } from "../../server/clients.mjs";
import { host } from "../../server/hosted.mjs";
import { syncline } from "../../server/systems/syncline.mjs";

const DOCUMENT_WINDOW = 200;

export const connections = {
  name: "connections",
  title: "Idle connections",
  counts: { full: [500, 1_000, 2_000, 4_000], smoke: [10] },
  measures: {
    memory: { title: "resident memory", unit: "kB", limit: 1 },
    open: { title: "opening one", unit: "ms", limit: 0 },
  },

  run: (count) =>
    withServer(undefined, async (server, language) => {
      const before = await server.memory();
      const began = performance.now();
      for (let n = 0; n < count; n++) await join(language, server.port, undefined, n);
      const open = (performance.now() - began) / count;
      const after = await server.memory();
      return { memory: (after.rss - before.rss) / 1_000, open };
    }),
};

export const readers = {
  name: "readers",
  title: "Readers of one document",
  counts: { full: [10, 20, 40, 80, 160], smoke: [4] },
  measures: {
    cpu: { title: "server CPU a delivery", unit: "µs", limit: 0 },
    time: { title: "2,000 writes to all", unit: "ms", limit: 1 },
  },

  run: (count) =>
    withServer(undefined, async (server, language) => {
      const prepared = await language.prepare("room", 0, 4_000, smallWrite);
      const writer = await join(language, server.port, "room", 0);
      const received = new Array(count).fill(0);
      let sent = 0;
      let limit = 0;
      const pump = () => {
        while (sent < limit && sent - received[0] < 64) writer.write(prepared[sent++]);
      };
      for (let n = 0; n < count; n++) {
        await join(language, server.port, "room", n + 1, {
          delivered(deliveries) {
            received[n] += deliveries;
            if (n === 0) pump();
          },
        });
      }
      const writeUpTo = async (total) => {
        limit = total;
        pump();
        await until("everybody has it", () => received.every((one) => one === total), 60_000);
      };
      await writeUpTo(2_000);
      const cpuBefore = await server.cpuMicros();
      const began = performance.now();
      await writeUpTo(4_000);
      const time = performance.now() - began;
      return { cpu: ((await server.cpuMicros()) - cpuBefore) / (2_000 * count), time };
    }),
};

export const documents = {
  name: "documents",
  title: "Documents stored, one write each",
  counts: { full: [2_000, 4_000, 8_000, 16_000], smoke: [40] },
  measures: {
    write: { title: "one durable write", unit: "µs", limit: 0 },
    memory: { title: "resident memory", unit: "kB", limit: 0 },
    restart: { title: "restart until it listens", unit: "ms", limit: 0 },
  },

  run: (count, data) =>
    withServer(data, async (server, language) => {
      const before = await server.memory();
      const began = performance.now();
      let acknowledged = 0;
      const writer = await join(language, server.port, undefined, 1, {
        acknowledged: (n) => (acknowledged = n),
      });
      for (let n = 0; n < count; n++) {
        const [prepared] = await language.prepare(`doc-${n}`, n, 1, smallWrite);
        writer.write(prepared);
        if (n - acknowledged > DOCUMENT_WINDOW)
          await until("it is durable", () => n - acknowledged < 100, 60_000);
      }
      await until("all are durable", () => acknowledged === count, 60_000);
      const write = ((performance.now() - began) * 1_000) / count;
      const after = await server.memory();
      return { write, memory: (after.rss - before.rss) / 1_000, restart: await restarted(server, data) };
    }),
};

export const stored = {
  name: "stored",
  title: "Writes stored, of one document with 100 keys",
  counts: { full: [4_000, 8_000, 16_000, 32_000], smoke: [80] },
  measures: {
    restart: { title: "restart until it listens", unit: "ms", limit: 0 },
    load: { title: "a new client takes it", unit: "ms", limit: 0 },
    received: { title: "… and receives", unit: "B", limit: 0 },
  },

  run: (count, data) =>
    withServer(data, async (server, language) => {
      const prepared = await language.prepare("room", 0, count, smallWrite);
      let acknowledged = 0;
      const writer = await join(language, server.port, "room", 0, {
        acknowledged: (n) => (acknowledged = n),
      });
      for (let i = 0; i < count; i++) {
        writer.write(prepared[i]);
        if (i - acknowledged > 400) await until("it is durable", () => i - acknowledged < 200, 60_000);
      }
      await until("all are durable", () => acknowledged === count, 60_000);
      const began = performance.now();
      const reader = await join(language, server.port, "room", 1, { keep: true });
      const held = reader.registers();
      const load = performance.now() - began;
      const last = held[`key-${(count - 1) % 100}`];
      if (last !== count - 1) throw new Error(`the last write is ${last}, and should be ${count - 1}`);
      return { load, received: reader.bytesRead(), restart: await restarted(server, data) };
    }),
};

async function withServer(data, measure) {
  const server = await host("syncline", data);
  try {
    return await measure(server, await syncline.speak());
  } finally {
    await server.kill();
  }
}

async function restarted(server, data) {
  await server.kill();
  const began = performance.now();
  const again = await host("syncline", data);
  const ms = performance.now() - began;
  await again.kill();
  return ms;
}
