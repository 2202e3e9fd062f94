/** Registers written over and over: each in a transaction of its own with its encoded op, or all in few. */
import { mustEqual, timed } from "../measure.mjs";

const KEYS = 1_000;
const BATCH = 1_000;

export const registerWrites = {
  name: "register-writes",
  short: "register",
  title: "Register writes",
  needs: ["set"],
  metrics: {
    single: {
      title: "one transaction each, with its op",
      unit: "/s",
      better: "more",
      goal: "½ floor, 2.5 × peer",
    },
    batched: { title: "1,000 a transaction", unit: "/s", better: "more" },
  },
  sizes: { full: { ops: 200_000 }, smoke: { ops: 2_000 } },

  run(system, { ops }) {
    work(system, Math.min(ops, 20_000), 1_000);
    return work(system, ops);
  },
};

function work(system, ops, msMax) {
  const keys = Array.from({ length: KEYS }, (_, i) => `key-${i}`);
  const replica = system.replica(1);
  let bytes = 0;
  const single = timed(ops, (i) => (bytes += replica.set(keys[i % KEYS], i).length), msMax);
  mustEqual("the last write", replica.registers()[keys[(single.done - 1) % KEYS]], single.done - 1);
  mustEqual("every write has its op", bytes > single.done, true);

  const other = system.replica(2);
  const batches = timed(
    ops / BATCH,
    (batch) => other.write(keys.map((key, i) => [key, batch * BATCH + i])),
    msMax,
  );
  mustEqual("the last of the batches", other.registers()[keys[KEYS - 1]], batches.done * BATCH - 1);
  return { single: single.perSecond, batched: batches.perSecond * BATCH };
}
