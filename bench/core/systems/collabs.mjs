/** Collabs. Its counter and its set, in which adding wins, are its own; so it is the only peer that has all three. */
import { createRequire } from "node:module";

// Its ES modules name files without their endings, which Node does not find.
const { CCounter, CRuntime, CValueMap, CValueSet } = createRequire(import.meta.url)("@collabs/collabs");

export const collabs = {
  name: "collabs",
  package: "@collabs/collabs",
  replica: (author) => new CollabsReplica(author),
  load(author, bytes) {
    const replica = new CollabsReplica(author);
    replica.doc.load(bytes);
    return replica;
  },
};

class CollabsReplica {
  #message;

  constructor(author) {
    this.doc = new CRuntime({ debugReplicaID: author.toString(36).padStart(8, "0") });
    this.doc.on("Send", ({ message }) => {
      this.#message = message;
    });
    this.map = this.doc.registerCollab("r", (init) => new CValueMap(init));
    this.counter = this.doc.registerCollab("c", (init) => new CCounter(init));
    this.elements = this.doc.registerCollab("t", (init) => new CValueSet(init));
  }

  set(key, value) {
    return this.#transact(() => this.map.set(key, value));
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
    return this.#transact(() => this.counter.add(1));
  }

  incrementMany(times) {
    return this.#transact(() => {
      for (let i = 0; i < times; i++) this.counter.add(1);
    });
  }

  add(element) {
    return this.#transact(() => this.elements.add(element));
  }

  addMany(elements) {
    return this.#transact(() => {
      for (const element of elements) this.elements.add(element);
    });
  }

  remove(element) {
    return this.#transact(() => this.elements.delete(element));
  }

  apply(op) {
    this.doc.receive(op);
  }

  contribution() {
    return this.save();
  }

  merge(states) {
    for (const state of states) this.doc.load(state);
  }

  save() {
    return this.doc.save();
  }

  registers() {
    return Object.fromEntries(this.map.entries());
  }

  count() {
    return this.counter.value;
  }

  members() {
    return [...this.elements];
  }

  #transact(mutate) {
    this.doc.transact(mutate);
    return this.#message;
  }
}
