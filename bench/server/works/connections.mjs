/**
 * What connections cost while nothing happens: idle ones, and ones with a small document of their own. Half as many are
 * there before as are counted: until then a process also grows by what it takes once, above all the young generation of its
 * heap, which is 32 MB for a thousand connections and for ten thousand.
 */
import { join } from "../clients.mjs";

export const connections = {
  name: "connections",
  title: "Memory of a connection",
  memoryOnly: true,
  metrics: {
    idle: { title: "idle, resident", unit: "kB", better: "less", goal: "≤ 13" },
    idleHeap: { title: "idle, heap", unit: "kB", better: "less" },
    own: { title: "with an own small document, resident", unit: "kB", better: "less", goal: "≤ 20" },
    ownHeap: { title: "… heap", unit: "kB", better: "less" },
  },
  sizes: {
    full: { count: 3_000, warm: 1_500 },
    fullHeavy: { count: 100, warm: 100 },
    smoke: { count: 10, warm: 2 },
  },

  async run({ server, language, size }) {
    const idle = await grown(server, size, (n) => join(language, server.port, undefined, n));
    const own = await grown(server, size, async (n) => {
      const doc = `own-${n}`;
      const [prepared] = await language.prepare(doc, n, 1, () => TEN_KEYS);
      const client = await join(language, server.port, doc, n);
      client.write(prepared);
    });
    return { idle: idle.rss, idleHeap: idle.heap, own: own.rss, ownHeap: own.heap };
  },
};

const TEN_KEYS = Array.from({ length: 10 }, (_, i) => [`key-${i}`, i]);

let next = 0;

/** kB for each of `count`, after some others have warmed what is made once. */
async function grown(server, { count, warm }, connect) {
  for (let i = 0; i < warm; i++) await connect(next++);
  const before = await server.memory();
  for (let i = 0; i < count; i++) await connect(next++);
  const after = await server.memory();
  return {
    rss: (after.rss - before.rss) / count / 1_000,
    heap: (after.heap - before.heap) / count / 1_000,
  };
}
