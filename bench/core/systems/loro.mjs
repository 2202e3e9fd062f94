/** Loro. A set is a map of its elements: the last writer wins, not the adder. Counters are its own. */
import { LoroDoc } from "loro-crdt";

export const loro = {
  name: "loro",
  package: "loro-crdt",
  workaround: ["set"],
  replica: (author) => new LoroReplica(author),
  load(author, bytes) {
    const replica = new LoroReplica(author);
    replica.doc.import(bytes);
    return replica;
  },
};

// Real ones are random 64-bit numbers.
const PEER_MIN = 2n ** 62n;

class LoroReplica {
  constructor(author) {
    this.doc = new LoroDoc();
    this.doc.setPeerId(PEER_MIN + BigInt(author));
    this.map = this.doc.getMap("registers");
    this.counter = this.doc.getCounter("count");
    this.elements = this.doc.getMap("tags");
    this.exported = this.doc.version();
  }

  set(key, value) {
    this.map.set(key, value);
    return this.#commit();
  }

  write(entries) {
    for (const [key, value] of entries) {
      if (value === undefined) this.map.delete(key);
      else this.map.set(key, value);
    }
    return this.#commit();
  }

  increment() {
    this.counter.increment(1);
    return this.#commit();
  }

  incrementMany(times) {
    for (let i = 0; i < times; i++) this.counter.increment(1);
    return this.#commit();
  }

  add(element) {
    this.elements.set(element, true);
    return this.#commit();
  }

  addMany(elements) {
    for (const element of elements) this.elements.set(element, true);
    return this.#commit();
  }

  remove(element) {
    this.elements.delete(element);
    return this.#commit();
  }

  apply(op) {
    this.doc.import(op);
  }

  contribution() {
    return this.doc.export({ mode: "update" });
  }

  merge(updates) {
    this.doc.importBatch(updates);
  }

  save() {
    return this.doc.export({ mode: "snapshot" });
  }

  registers() {
    return this.map.toJSON();
  }

  count() {
    return this.counter.value;
  }

  members() {
    return this.elements.keys();
  }

  #commit() {
    this.doc.commit();
    const op = this.doc.export({ mode: "update", from: this.exported });
    this.exported.free?.();
    this.exported = this.doc.version();
    return op;
  }
}
