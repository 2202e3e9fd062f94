/** Syncline: fields of a document, one change for each transaction. The bytes of an op are those of its change. */
import { Document, decodeChange, HybridClock, LinkDecoder, LinkEncoder } from "../../ours.mjs";

export const syncline = {
  name: "syncline",
  package: "@syncline/core",
  replica: (author) => new SynclineReplica(AUTHOR_MIN + author, new Document(NAME)),
  link() {
    const [encoder, decoder] = [new LinkEncoder(), new LinkDecoder()];
    return (op) => {
      const frame = encoder.encode(decodeChange(op).value);
      const arrived = decoder.decode(frame);
      if (!arrived.ok) throw new Error(arrived.fault.reason);
      if (Buffer.compare(arrived.value.bytes, op) !== 0) throw new Error("another op has arrived");
      return frame;
    };
  },
  load(author, bytes) {
    return new SynclineReplica(AUTHOR_MIN + author, decoded(bytes));
  },
};

// Real ones are random, so most of them are as large as these.
const AUTHOR_MIN = 2 ** 52;
const NAME = { collection: "bench", key: "1" };
const COUNTER = "count";
const SET = "tags";

class SynclineReplica {
  #clock = new HybridClock(Date.now);

  constructor(author, document) {
    this.author = author;
    this.document = document;
  }

  set(key, value) {
    return this.#transact((draft) => draft.register(key).set(value));
  }

  write(entries) {
    return this.#transact((draft) => {
      for (const [key, value] of entries) {
        if (value === undefined) draft.register(key).clear();
        else draft.register(key).set(value);
      }
    });
  }

  increment() {
    return this.#transact((draft) => draft.counter(COUNTER).increment());
  }

  incrementMany(times) {
    return this.#transact((draft) => {
      const counter = draft.counter(COUNTER);
      for (let i = 0; i < times; i++) counter.increment();
    });
  }

  add(element) {
    return this.#transact((draft) => draft.set(SET).add(element));
  }

  addMany(elements) {
    return this.#transact((draft) => {
      const set = draft.set(SET);
      for (const element of elements) set.add(element);
    });
  }

  remove(element) {
    return this.#transact((draft) => draft.set(SET).remove(element));
  }

  apply(op) {
    const change = decodeChange(op);
    if (!change.ok) throw new Error(change.fault.reason);
    this.document.apply(change.value);
  }

  contribution() {
    return this.save();
  }

  merge(states) {
    for (const state of states) this.document.merge(decoded(state));
  }

  save() {
    return this.document.encodeState();
  }

  registers() {
    return this.document.toJSON();
  }

  count() {
    return this.document.counterField(COUNTER).value;
  }

  members() {
    return this.document.set(SET).values;
  }

  #transact(mutate) {
    return this.document.transact({ author: this.author, stamp: this.#clock.next() }, mutate)?.bytes;
  }
}

function decoded(bytes) {
  const document = Document.decodeState(bytes);
  if (!document.ok) throw new Error(document.fault.reason);
  return document.value;
}
