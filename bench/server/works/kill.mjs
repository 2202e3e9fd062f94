/**
 * What an acknowledgement, or a delivery, is worth: a reader has received a write, then the server is ended by kill -9
 * after a while and started again. Does a new client find the write? (A client that stays alive would send it again.)
 */
import { join, pause, smallWrite, until } from "../clients.mjs";
import { host } from "../hosted.mjs";

const LOADED_MS_MAX = 1_500;
const WAITS = { at0: 0, at200: 200, at3000: 3_000 };

export const kill = {
  name: "kill",
  title: "Writes kept after delivery and kill -9",
  durableOnly: true,
  needsRegisters: true,
  metrics: {
    at0: { title: "killed at once", unit: "of 3", better: "more" },
    at200: { title: "after 0.2 s", unit: "of 3", better: "more" },
    at3000: { title: "after 3 s", unit: "of 3", better: "more" },
    acknowledged: { title: "killed at the acknowledgement", unit: "of 3", better: "more", goal: "3" },
  },
  sizes: { full: { times: 3, rounds: 1, waits: WAITS }, smoke: { times: 1, waits: { at0: 0 } } },

  async run({ server, language, system, systemName, data, size }) {
    let running = server;
    const kept = {};
    const tries = Object.entries(size.waits).map(([name, ms]) => ({ name, ms }));
    if (system.acknowledges !== undefined)
      tries.push({ name: "acknowledged", ms: 0, onAcknowledgement: true });
    try {
      for (const { name, ms, onAcknowledgement } of tries) {
        kept[name] = 0;
        for (let time = 0; time < size.times; time++) {
          const doc = `${name}-${time}`;
          await writeOne(language, running.port, doc, onAcknowledgement);
          if (ms > 0) await pause(ms);
          await running.kill();
          running = await host(systemName, data);
          if (await isThere(language, running.port, doc)) kept[name] += 1;
        }
      }
    } finally {
      await running.kill();
    }
    return kept;
  },
};

async function writeOne(language, port, doc, onAcknowledgement) {
  let delivered = 0;
  let acknowledged = 0;
  const [prepared] = await language.prepare(doc, 0, 1, smallWrite);
  const reader = await join(language, port, doc, 1, { delivered: (count) => (delivered += count) });
  const writer = await join(language, port, doc, 0, { acknowledged: (count) => (acknowledged = count) });
  writer.write(prepared);
  await until("it is there", () => (onAcknowledgement ? acknowledged : delivered) > 0, 10_000);
  writer.close();
  reader.close();
}

/** Some servers say that a document is empty, and load it meanwhile. */
async function isThere(language, port, doc) {
  const client = await join(language, port, doc, 5, { keep: true });
  const deadline = performance.now() + LOADED_MS_MAX;
  let found = false;
  while (!found && performance.now() < deadline) {
    found = client.registers()?.["key-0"] === 0;
    if (!found) await pause(50);
  }
  client.close();
  return found;
}
