/**
 * A new client takes a document of 100,000 ops on 10,000 keys, written in transactions of ten and then left alone for a
 * second: from the dialing until everything has been received and every key can be read. Then again, after kill -9 and a
 * restart of the server, from the moment at which it listens.
 */
import { join, pause, until } from "../clients.mjs";
import { host } from "../hosted.mjs";

const OPS_PER_WRITE = 10;
const LOADED_MS_MAX = 60_000;
/** Every server has as long to put in order what it has, before somebody comes. */
const QUIET_MS = 1_000;

export const catchUp = {
  name: "catch-up",
  title: "A new client takes 100,000 ops on 10,000 keys",
  durableOnly: true,
  needsRegisters: true,
  metrics: {
    ms: { title: "time until everything can be read", unit: "ms", better: "less", goal: "10 × faster" },
    bytes: { title: "received", unit: "B", better: "less", goal: "⅓" },
    restarted: { title: "after kill -9 and restart", unit: "ms", better: "less", goal: "10 × faster" },
  },
  sizes: { full: { keys: 10_000, times: 10 }, smoke: { keys: 200, times: 2 } },

  async run({ server, language, size, systemName, data, drainMs }) {
    const writes = (size.keys * size.times) / OPS_PER_WRITE;
    const entriesOf = (i) =>
      Array.from({ length: OPS_PER_WRITE }, (_, j) => {
        const op = i * OPS_PER_WRITE + j;
        return [`key-${op % size.keys}`, op];
      });
    const leave = await fill(language, server.port, await language.prepare("large", 0, writes, entriesOf));
    await pause(Math.max(drainMs, QUIET_MS));

    const last = size.keys * (size.times - 1);
    const first = await taken(language, server.port, size.keys, last);
    leave();
    await server.kill();
    const again = await host(systemName, data);
    try {
      const restarted = await taken(language, again.port, size.keys, last);
      return { ms: first.ms, bytes: first.bytes, restarted: restarted.ms };
    } finally {
      await again.kill();
    }
  },
};

/** With a reader to tell when the server has taken everything. */
async function fill(language, port, prepared) {
  let received = 0;
  const writer = await join(language, port, "large", 0);
  const reader = await join(language, port, "large", 1, {
    delivered: (count) => (received += count),
    entriesPerWrite: OPS_PER_WRITE,
  });
  let sent = 0;
  while (sent < prepared.length) {
    if (sent - received < 64) writer.write(prepared[sent++]);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await until("the server has taken everything", () => received >= sent, 120_000);
  // As long as somebody is there, servers that let go of unused documents keep this one.
  return () => {
    writer.close();
    reader.close();
  };
}

async function taken(language, port, keys, last) {
  const began = performance.now();
  const client = await join(language, port, "large", 2, { keep: true });
  let registers = client.registers();
  // Some servers say that a document is empty, and load it meanwhile.
  while (registers?.[`key-${keys - 1}`] !== last + keys - 1) {
    if (performance.now() - began > LOADED_MS_MAX) throw new Error("the document does not come");
    await pause(5);
    registers = client.registers();
  }
  const ms = performance.now() - began;
  const bytes = client.bytesRead();
  client.close();
  for (let i = 0; i < keys; i++) {
    if (registers[`key-${i}`] !== last + i) {
      throw new Error(`key-${i} is ${registers[`key-${i}`]}, and should be ${last + i}`);
    }
  }
  return { ms, bytes };
}
