/**
 * Yjs. It has registers (a map) and no counters or sets: a counter is a map of each client's sum, a set a map of its
 * elements, and both are what people write with it. In that set the last writer wins, not the adder.
 */
import * as Y from "yjs";

export const yjs = {
  name: "yjs",
  package: "yjs",
  workaround: ["counter", "set"],
  replica: (author) => new YjsReplica(author),
  load(author, bytes) {
    const replica = new YjsReplica(author);
    Y.applyUpdate(replica.doc, bytes);
    return replica;
  },
};

// Real ones are random 32-bit numbers.
const CLIENT_MIN = 2 ** 31;

class YjsReplica {
  #update;
  #sum = 0;

  constructor(author) {
    this.doc = new Y.Doc();
    this.doc.clientID = CLIENT_MIN + author;
    this.doc.on("update", (update) => {
      this.#update = update;
    });
    this.map = this.doc.getMap("registers");
    this.sums = this.doc.getMap("count");
    this.elements = this.doc.getMap("tags");
  }

  set(key, value) {
    this.map.set(key, value);
    return this.#update;
  }

  write(entries) {
    return this.#transact(() => {
      for (const [key, value] of entries) {
        if (value === undefined) this.map.delete(key);
        else this.map.set(key, value);
      }
    });
  }

  increment() {
    this.sums.set(`${this.doc.clientID}`, ++this.#sum);
    return this.#update;
  }

  incrementMany(times) {
    return this.#transact(() => {
      for (let i = 0; i < times; i++) this.sums.set(`${this.doc.clientID}`, ++this.#sum);
    });
  }

  add(element) {
    this.elements.set(element, true);
    return this.#update;
  }

  addMany(elements) {
    return this.#transact(() => {
      for (const element of elements) this.elements.set(element, true);
    });
  }

  remove(element) {
    this.elements.delete(element);
    return this.#update;
  }

  apply(op) {
    Y.applyUpdate(this.doc, op);
  }

  contribution() {
    return this.save();
  }

  /** The fastest of what Yjs offers: the updates are merged into one without a document, then played. */
  merge(states) {
    Y.applyUpdate(this.doc, Y.mergeUpdates(states));
  }

  save() {
    return Y.encodeStateAsUpdate(this.doc);
  }

  registers() {
    return this.map.toJSON();
  }

  count() {
    let sum = 0;
    for (const each of this.sums.values()) sum += each;
    return sum;
  }

  members() {
    return [...this.elements.keys()];
  }

  #transact(mutate) {
    this.doc.transact(mutate);
    return this.#update;
  }
}
