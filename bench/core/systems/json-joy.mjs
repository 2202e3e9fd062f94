/**
 * json-joy. Registers are keys of an object; it has no counters, and a set is an object of its elements, in which the
 * last writer wins. Replicas exchange patches: it has no merge of two states.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Model } = require("json-joy/lib/json-crdt/index.js");
const { Patch } = require("json-joy/lib/json-crdt-patch/index.js");

export const jsonJoy = {
  name: "json-joy",
  package: "json-joy",
  workaround: ["set"],
  lacks: ["increment"],
  replica: (author) => new JsonJoyReplica(Model.load(EMPTY, author + SESSION_MIN)),
  load: (author, bytes) => new JsonJoyReplica(Model.load(bytes, author + SESSION_MIN)),
};

// Real ones are random numbers of up to 53 bits.
const SESSION_MIN = 2 ** 50;

// The objects are made once: made by each replica, only one of them would survive a merge.
const EMPTY = (() => {
  const model = Model.create(undefined, SESSION_MIN - 1);
  model.api.set({ registers: {}, tags: {} });
  model.api.flush();
  return model.toBinary();
})();

class JsonJoyReplica {
  #patches = [];

  constructor(model) {
    this.model = model;
    this.map = model.api.obj(["registers"]);
    this.elements = model.api.obj(["tags"]);
  }

  set(key, value) {
    this.map.set({ [key]: value });
    return this.#flush();
  }

  write(entries) {
    for (const [key, value] of entries) {
      if (value === undefined) this.map.del([key]);
      else this.map.set({ [key]: value });
    }
    return this.#flush();
  }

  add(element) {
    return this.addMany([element]);
  }

  addMany(elements) {
    for (const element of elements) this.elements.set({ [element]: true });
    return this.#flush();
  }

  remove(element) {
    this.elements.del([element]);
    return this.#flush();
  }

  apply(op) {
    this.model.applyPatch(Patch.fromBinary(op));
  }

  /** Its patches so far. */
  contribution() {
    return this.#patches;
  }

  keepPatches() {
    this.keeps = true;
  }

  merge(contributions) {
    for (const patch of contributions.flat()) this.apply(patch);
  }

  save() {
    return this.model.toBinary();
  }

  registers() {
    return this.map.view();
  }

  members() {
    return Object.keys(this.elements.view());
  }

  #flush() {
    const patch = this.model.api.flush().toBinary();
    if (this.keeps) this.#patches.push(patch);
    return patch;
  }
}
