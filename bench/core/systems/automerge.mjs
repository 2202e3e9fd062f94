/** Automerge. A set is a map of its elements: the last writer wins, not the adder. Counters are its own. */
import * as A from "@automerge/automerge";

export const automerge = {
  name: "automerge",
  package: "@automerge/automerge",
  workaround: ["set"],
  replica: (author) => new AutomergeReplica(A.load(EMPTY, { actor: actorOf(author) })),
  load: (author, bytes) => new AutomergeReplica(A.load(bytes, { actor: actorOf(author) })),
};

// Maps and counter are made once, by nobody: made by each replica, only one of them would survive a merge.
const EMPTY = A.save(
  A.change(A.init({ actor: "00" }), { time: 0 }, (root) => {
    root.registers = {};
    root.count = new A.Counter(0);
    root.tags = {};
  }),
);

class AutomergeReplica {
  constructor(doc) {
    this.doc = doc;
  }

  set(key, value) {
    return this.#change((root) => {
      root.registers[key] = value;
    });
  }

  write(entries) {
    return this.#change((root) => {
      const { registers } = root;
      for (const [key, value] of entries) {
        if (value === undefined) delete registers[key];
        else registers[key] = value;
      }
    });
  }

  increment() {
    return this.#change((root) => root.count.increment(1));
  }

  incrementMany(times) {
    return this.#change((root) => {
      for (let i = 0; i < times; i++) root.count.increment(1);
    });
  }

  add(element) {
    return this.addMany([element]);
  }

  addMany(elements) {
    return this.#change((root) => {
      const { tags } = root;
      for (const element of elements) tags[element] = true;
    });
  }

  remove(element) {
    return this.#change((root) => {
      delete root.tags[element];
    });
  }

  apply(op) {
    [this.doc] = A.applyChanges(this.doc, [op]);
  }

  contribution() {
    return A.getAllChanges(this.doc).slice(1);
  }

  merge(contributions) {
    [this.doc] = A.applyChanges(this.doc, contributions.flat());
  }

  save() {
    return A.save(this.doc);
  }

  registers() {
    return A.toJS(this.doc).registers;
  }

  count() {
    return this.doc.count.value;
  }

  members() {
    return Object.keys(this.doc.tags);
  }

  #change(mutate) {
    this.doc = A.change(this.doc, (root) => {
      mutate(root);
    });
    return A.getLastLocalChange(this.doc);
  }
}

function actorOf(author) {
  // Real ones are 16 random bytes.
  return "a".repeat(16) + author.toString(16).padStart(16, "0");
}
