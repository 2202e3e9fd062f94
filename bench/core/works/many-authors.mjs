/** A hundred thousand authors write one register op each; one replica applies them as they come. */
import { mustEqual, once, stopwatch, timed } from "../measure.mjs";

const KEYS = 100;

export const manyAuthors = {
  name: "many-authors",
  short: "100,000 authors",
  title: "100,000 authors with one op each",
  needs: ["set"],
  metrics: {
    perSecond: { title: "ops applied", unit: "/s", better: "more", goal: "flat" },
    early: { title: "… of the first tenth", unit: "/s", better: "more" },
    late: { title: "… of the last tenth", unit: "/s", better: "more", goal: "= first" },
    authors: { title: "authors taken in 4 s", unit: "", better: "more" },
    bytes: { title: "saved", unit: "B", better: "less" },
  },
  sizes: { full: { authors: 100_000 }, smoke: { authors: 500 } },

  run(system, { authors }) {
    const ops = [];
    timed(authors, (i) => ops.push(system.replica(i + 2).set(`key-${i % KEYS}`, i)), 6_000);
    const warm = system.replica(authors + 9);
    timed(Math.min(2_000, ops.length), (i) => warm.apply(ops[i]), 500);

    const replica = system.replica(1);
    const parts = [];
    let done = 0;
    // Who makes ops slowly has made fewer than asked for, and not always a number that ten divides.
    const tenth = Math.ceil(ops.length / 10);
    const watch = stopwatch();
    while (done < ops.length && watch() < 4_000) {
      const from = done;
      const part = timed(Math.min(tenth, ops.length - from), (i) => replica.apply(ops[from + i]), 4_000);
      parts.push(part.perSecond);
      done += part.done;
    }
    const ms = watch();
    mustEqual("the number of registers", Object.keys(replica.registers()).length, Math.min(KEYS, done));
    const { result } = once(() => replica.save());
    return {
      perSecond: (done * 1_000) / ms,
      early: parts[0],
      late: parts.at(-1),
      authors: done,
      bytes: result.length,
      boxed: done < authors,
    };
  },
};
