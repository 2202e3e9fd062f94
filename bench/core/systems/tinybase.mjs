/**
 * TinyBase's mergeable store. Registers are cells of a row; it has no counters or sets, so a counter is a row of each
 * store's sum and a set a row of its elements, in which the last writer wins. What it sends and saves is JSON.
 */
import { createMergeableStore } from "tinybase";

export const tinybase = {
  name: "tinybase",
  package: "tinybase",
  workaround: ["counter", "set"],
  replica: (author) => new TinybaseReplica(author),
  load(author, bytes) {
    const replica = new TinybaseReplica(author);
    replica.store.setMergeableContent(fromBytes(bytes));
    return replica;
  },
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const TABLE = "t";
const REGISTERS = "registers";
const SUMS = "count";
const ELEMENTS = "tags";

class TinybaseReplica {
  #changes;
  #sum = 0;

  constructor(author) {
    this.author = `store-${author}`;
    this.store = createMergeableStore(this.author);
    this.store.addDidFinishTransactionListener((store) => {
      this.#changes = store.getTransactionMergeableChanges();
    });
  }

  set(key, value) {
    this.store.setCell(TABLE, REGISTERS, key, value);
    return this.#op();
  }

  write(entries) {
    return this.#transact(() => {
      for (const [key, value] of entries) {
        if (value === undefined) this.store.delCell(TABLE, REGISTERS, key, true);
        else this.store.setCell(TABLE, REGISTERS, key, value);
      }
    });
  }

  increment() {
    this.store.setCell(TABLE, SUMS, this.author, ++this.#sum);
    return this.#op();
  }

  incrementMany(times) {
    return this.#transact(() => {
      for (let i = 0; i < times; i++) this.store.setCell(TABLE, SUMS, this.author, ++this.#sum);
    });
  }

  add(element) {
    this.store.setCell(TABLE, ELEMENTS, element, true);
    return this.#op();
  }

  addMany(elements) {
    return this.#transact(() => {
      for (const element of elements) this.store.setCell(TABLE, ELEMENTS, element, true);
    });
  }

  remove(element) {
    this.store.delCell(TABLE, ELEMENTS, element, true);
    return this.#op();
  }

  apply(op) {
    this.store.applyMergeableChanges(fromBytes(op));
  }

  contribution() {
    return this.save();
  }

  merge(states) {
    this.store.transaction(() => {
      for (const state of states) this.apply(state);
    });
  }

  save() {
    return toBytes(this.store.getMergeableContent());
  }

  registers() {
    return this.store.getRow(TABLE, REGISTERS);
  }

  count() {
    return Object.values(this.store.getRow(TABLE, SUMS)).reduce((sum, each) => sum + each, 0);
  }

  members() {
    return this.store.getCellIds(TABLE, ELEMENTS);
  }

  #transact(mutate) {
    this.store.transaction(mutate);
    return this.#op();
  }

  #op() {
    return toBytes(this.#changes);
  }
}

// A deleted cell is undefined, which JSON has not; TinyBase itself sends this character for it.
const UNDEFINED = "\uFFFC";

function toBytes(content) {
  return encoder.encode(JSON.stringify(content, (_key, value) => (value === undefined ? UNDEFINED : value)));
}

function fromBytes(bytes) {
  return JSON.parse(decoder.decode(bytes), (_key, value) => (value === UNDEFINED ? undefined : value));
}
