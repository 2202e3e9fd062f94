/** A set of ten-byte elements: 100,000 are added and half of them removed, each in a transaction with its op. */
import { mustEqual, tenBytes, timed } from "../measure.mjs";

export const setChurn = {
  name: "set-churn",
  short: "set",
  title: "100k set adds, 50k removes",
  needs: ["add"],
  metrics: {
    ms: { title: "time", unit: "ms", better: "less", goal: "½ of peer" },
    bytes: { title: "saved", unit: "B", better: "less", goal: "⅓ of peer" },
  },
  sizes: { full: { elements: 100_000 }, smoke: { elements: 1_000 } },

  run(system, { elements }) {
    work(system, Math.min(elements, 10_000), 1_000);
    return work(system, elements);
  },
};

function work(system, elements, msMax) {
  const replica = system.replica(1);
  const adds = timed(elements, (i) => replica.add(tenBytes(i)), msMax);
  const half = adds.done / 2;
  const removes = timed(half, (i) => replica.remove(tenBytes(i * 2)), msMax);
  mustEqual("the number of members", replica.members().length, adds.done - removes.done);
  const scale = elements / adds.done;
  return {
    ms: adds.msOfAll + removes.msOfAll * scale,
    bytes: replica.save().length * scale,
    boxed: adds.boxed || removes.boxed,
  };
}
