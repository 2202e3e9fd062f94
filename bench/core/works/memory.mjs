/** What large collections cost in memory, their keys included, and saved. In a process of its own, as every sample. */
import { heapBytes, mustEqual, tenBytes } from "../measure.mjs";

const BATCH = 500;

export const setMemory = {
  name: "set-memory",
  short: "set of 100k",
  title: "A set of 100,000 elements of 10 bytes",
  needs: ["add"],
  metrics: {
    heap: { title: "heap per entry", unit: "B", better: "less", goal: "≤ 40" },
    saved: { title: "saved per entry", unit: "B", better: "less", goal: "≤ 12.5" },
  },
  sizes: { full: { entries: 100_000 }, smoke: { entries: 1_000 } },
  run: (system, { entries }) =>
    measured(
      entries,
      () => system.replica(1),
      (replica, from) => replica.addMany(Array.from({ length: BATCH }, (_, i) => tenBytes(from + i))),
      (replica) => replica.members().length,
    ),
};

export const mapMemory = {
  name: "map-memory",
  short: "map of 100k",
  title: "100,000 keys of 10 bytes with small integers",
  needs: ["set"],
  metrics: {
    heap: { title: "heap per entry", unit: "B", better: "less", goal: "≤ 56" },
    saved: { title: "saved per entry", unit: "B", better: "less", goal: "≤ 18" },
  },
  sizes: { full: { entries: 100_000 }, smoke: { entries: 1_000 } },
  run: (system, { entries }) =>
    measured(
      entries,
      () => system.replica(1),
      (replica, from) =>
        replica.write(Array.from({ length: BATCH }, (_, i) => [tenBytes(from + i), (from + i) % 100])),
      (replica) => Object.keys(replica.registers()).length,
    ),
};

export const smallDocuments = {
  name: "small-documents",
  short: "small documents",
  title: "10,000 documents of 10 keys",
  needs: ["set"],
  metrics: {
    heap: { title: "heap per document", unit: "B", better: "less", goal: "≤ 2,800" },
    saved: { title: "saved per document", unit: "B", better: "less" },
  },
  sizes: { full: { documents: 10_000 }, smoke: { documents: 100 } },

  run(system, { documents }) {
    const make = (n) => {
      const replica = system.replica(n);
      replica.write(Array.from({ length: 10 }, (_, i) => [`key-${i}`, n + i]));
      return replica;
    };
    make(1);
    const before = heapBytes();
    const kept = Array.from({ length: documents }, (_, n) => make(n + 2));
    const heap = (heapBytes() - before) / documents;
    mustEqual("the last document", kept.at(-1).registers()["key-9"], documents + 10);
    return { heap, saved: kept[0].save().length };
  },
};

function measured(entries, make, fill, count) {
  fill(make(), 0);
  const before = heapBytes();
  const replica = make();
  for (let from = 0; from < entries; from += BATCH) fill(replica, from);
  const heap = (heapBytes() - before) / entries;
  mustEqual("the number of entries", count(replica), entries);
  return { heap, saved: replica.save().length / entries };
}
