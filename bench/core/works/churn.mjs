/** A million sets, overwrites and deletes on a hundred keys: what is left must be no more than if it were new. */
import { chance, heapBytes, mustEqual, timed } from "../measure.mjs";

const KEYS = 100;
const BATCH = 1_000;

export const churn = {
  name: "churn",
  short: "churn",
  title: "A million set, overwrite and delete ops on 100 keys",
  needs: ["set"],
  metrics: {
    ms: { title: "time", unit: "ms", better: "less" },
    bytes: { title: "saved", unit: "B", better: "less", goal: "= fresh" },
    fresh: { title: "saved, the same content fresh", unit: "B", better: "less" },
    heap: { title: "heap growth", unit: "MB", better: "less", goal: "≤ 0.5" },
  },
  sizes: { full: { ops: 1_000_000 }, smoke: { ops: 10_000 } },

  run(system, { ops }) {
    const replica = system.replica(1);
    const expected = new Map();
    const random = chance(11);
    const batch = () => {
      const entries = [];
      for (let i = 0; i < BATCH; i++) {
        const number = random();
        const [key, value] = [`key-${number % KEYS}`, number % 7 === 0 ? undefined : number % 1_000];
        // Deleting what is not there is no op in some systems and an error in others.
        if (value === undefined && !expected.has(key)) continue;
        entries.push([key, value]);
        if (value === undefined) expected.delete(key);
        else expected.set(key, value);
      }
      replica.write(entries);
    };
    for (let i = 0; i < 10; i++) batch();
    const before = heapBytes();
    const run = timed(ops / BATCH, () => batch());
    const heap = (heapBytes() - before) / 1e6;
    const final = Object.fromEntries([...expected].sort());
    mustEqual("the registers", Object.fromEntries(Object.entries(replica.registers()).sort()), final);

    const fresh = system.replica(2);
    fresh.write(Object.entries(final));
    const scale = ops / BATCH / run.done;
    const bytes = replica.save().length;
    return {
      ms: run.msOfAll,
      bytes: run.boxed && bytes > 50_000 ? bytes * scale : bytes,
      fresh: fresh.save().length,
      heap: heap * scale,
      boxed: run.boxed,
    };
  },
};
