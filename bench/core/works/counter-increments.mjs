/** A counter, incremented by one author: each time in a transaction of its own with its encoded op, or in batches. */
import { mustEqual, timed } from "../measure.mjs";

const BATCH = 1_000;

export const counterIncrements = {
  name: "counter-increments",
  short: "counter",
  title: "Counter increments",
  needs: ["increment"],
  metrics: {
    single: { title: "one transaction each, with its op", unit: "/s", better: "more", goal: "10 × peer" },
    batched: { title: "1,000 a transaction", unit: "/s", better: "more", goal: "10 × peer" },
  },
  sizes: { full: { ops: 300_000 }, smoke: { ops: 3_000 } },

  run(system, { ops }) {
    work(system, Math.min(ops, 30_000), 1_000);
    return work(system, ops);
  },
};

function work(system, ops, msMax) {
  const replica = system.replica(1);
  let bytes = 0;
  const single = timed(ops, () => (bytes += replica.increment().length), msMax);
  mustEqual("the counter", replica.count(), single.done);
  mustEqual("every increment has its op", bytes > single.done, true);

  const other = system.replica(2);
  const batches = timed((ops * 4) / BATCH, () => other.incrementMany(BATCH), msMax);
  mustEqual("the counter of the batches", other.count(), batches.done * BATCH);
  return { single: single.perSecond, batched: batches.perSecond * BATCH };
}
