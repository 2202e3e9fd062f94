/**
 * Bytes of one encoded op, and of one of a thousand in a transaction, after a thousand ops went before. A system whose
 * links have an encoding of their own is measured with that, and what comes out at the other end must be the op.
 */
import { mustEqual, tenBytes } from "../measure.mjs";

const WARM_OPS = 1_000;
const BATCH = 1_000;

export const opBytes = {
  name: "op-bytes",
  short: "op",
  title: "Bytes of an encoded op on a warm link",
  needs: ["add"],
  metrics: {
    counter: { title: "counter increment", unit: "B", better: "less", goal: "≤ 4" },
    add: { title: "set add, 10 bytes", unit: "B", better: "less", goal: "≤ 15" },
    register: { title: "small register write", unit: "B", better: "less", goal: "≤ 10" },
    counterBatch: { title: "counter, of 1,000 in a batch", unit: "B/op", better: "less", goal: "≤ 2" },
    addBatch: { title: "set add, of 1,000", unit: "B/op", better: "less", goal: "≤ 12.5" },
    registerBatch: { title: "register, of 1,000", unit: "B/op", better: "less", goal: "≤ 6" },
  },
  sizes: { full: {}, smoke: {} },
  // A second process would count the same bytes.
  rounds: 1,

  run(system) {
    const replica = system.replica(1);
    const counts = system.lacks?.includes("increment") !== true;
    const send = system.link?.() ?? ((op) => op);
    for (let i = 0; i < WARM_OPS; i++) {
      send(replica.set(`key-${i % 100}`, i));
      send(replica.add(tenBytes(i)));
      if (counts) send(replica.increment());
    }
    const entries = Array.from({ length: BATCH }, (_, i) => [`key-${i % 100}`, i]);
    const elements = Array.from({ length: BATCH }, (_, i) => tenBytes(20_000 + i));
    // The single ones first: how long a batch takes to make is no part of what an op after it costs.
    const bytes = {
      ...(counts ? { counter: send(replica.increment()).length } : {}),
      add: send(replica.add(tenBytes(10_000))).length,
      register: send(replica.set("key-42", 42)).length,
      addBatch: send(replica.addMany(elements)).length / BATCH,
      registerBatch: send(replica.write(entries)).length / BATCH,
    };
    if (counts) {
      bytes.counterBatch = send(replica.incrementMany(BATCH)).length / BATCH;
      mustEqual("the counter", replica.count(), WARM_OPS + 1 + BATCH);
    }
    mustEqual("the number of members", replica.members().length, WARM_OPS + 1 + BATCH);
    mustEqual("a register", replica.registers()["key-42"], 942);
    return bytes;
  },
};
