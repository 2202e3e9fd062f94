/** One replica takes in a thousand others, each with a hundred concurrent writes to a thousand registers. */
import { chance, mustEqual, once } from "../measure.mjs";

const WRITES = 100;
const KEYS = 1_000;

export const mergeReplicas = {
  name: "merge-replicas",
  short: "merge 1,000 replicas",
  title: "Merge of 1,000 replicas with 100 concurrent ops each",
  needs: ["set"],
  metrics: { ms: { title: "time", unit: "ms", better: "less", goal: "⅓ of peer" } },
  sizes: { full: { replicas: 1_000, slow: 200 }, smoke: { replicas: 20, slow: 20 } },

  run(system, { replicas, slow }) {
    const random = chance(7);
    const written = new Map();
    const contributions = [];
    for (let author = 1; author <= replicas; author++) {
      const replica = system.replica(author);
      replica.keepPatches?.();
      const entries = [];
      for (let i = 0; i < WRITES; i++) {
        const [key, value] = [`key-${random() % KEYS}`, author * WRITES + i];
        entries.push([key, value]);
        if (!written.has(key)) written.set(key, new Set());
        written.get(key).add(value);
      }
      replica.write(entries);
      contributions.push(replica.contribution());
    }
    once(() => system.replica(9_999_999).merge(contributions.slice(0, slow / 2)));
    const into = system.replica(10_000_000);
    const { ms } = once(() => into.merge(contributions));

    const merged = into.registers();
    mustEqual("the number of registers", Object.keys(merged).length, written.size);
    for (const [key, value] of Object.entries(merged)) {
      mustEqual(`${key} holds what somebody wrote there`, written.get(key).has(value), true);
    }
    return { ms };
  },
};
