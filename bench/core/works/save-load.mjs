/** Ten thousand registers, written ten times each: saved, then loaded and read, all of them. */
import { mustEqual, once } from "../measure.mjs";

const TIMES = 10;
const BATCH = 500;
const WARM_KEYS = 1_000;

export const saveLoad = {
  name: "save-load",
  short: "10,000 keys",
  title: "10,000 keys after 100,000 writes",
  needs: ["set"],
  metrics: {
    save: { title: "save", unit: "ms", better: "less", goal: "< peers" },
    load: { title: "load and read everything", unit: "ms", better: "less", goal: "< peers" },
    bytes: { title: "saved", unit: "B", better: "less" },
  },
  sizes: { full: { keys: 10_000 }, smoke: { keys: 500 } },

  run(system, { keys }) {
    for (let i = 0; i < 3; i++) work(system, Math.min(keys, WARM_KEYS));
    return work(system, keys);
  },
};

function work(system, keys) {
  const replica = system.replica(1);
  for (let time = 0; time < TIMES; time++) {
    for (let from = 0; from < keys; from += BATCH) {
      replica.write(Array.from({ length: BATCH }, (_, i) => [nameOf(from + i), time * keys + from + i]));
    }
  }
  const saved = once(() => replica.save());
  const loaded = once(() => system.load(2, saved.result).registers());
  mustEqual("the number of keys", Object.keys(loaded.result).length, keys);
  for (let i = 0; i < keys; i++) mustEqual(nameOf(i), loaded.result[nameOf(i)], (TIMES - 1) * keys + i);
  return { save: saved.ms, load: loaded.ms, bytes: saved.result.length };
}

const nameOf = (i) => `key-${i}`;
