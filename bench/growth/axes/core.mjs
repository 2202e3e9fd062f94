/** How a document grows: with its keys, with its history, with its authors. */

import { heapBytes, once, timed } from "../../core/measure.mjs";
import { Document } from "../../ours.mjs";

const BATCH = 500;
const AUTHOR_MIN = 2 ** 52;
const STAMP_MIN = 2 ** 48;
const NAME = { collection: "bench", key: "1" };
const RUN_MS_MAX = 20_000;

export const keys = {
  name: "keys",
  title: "Keys of a document",
  counts: { full: [1_000, 2_000, 4_000, 8_000, 16_000], smoke: [200] },
  measures: {
    write: { title: "one write", unit: "µs", limit: 0 },
    save: { title: "save", unit: "ms", limit: 1 },
    load: { title: "load and read", unit: "ms", limit: 1 },
    bytes: { title: "saved", unit: "B", limit: 1 },
    heap: { title: "heap", unit: "B", limit: 1 },
  },

  run(count) {
    const before = heapBytes();
    const writer = new Writer();
    for (let from = 0; from < count; from += BATCH) {
      writer.transact((draft) => {
        for (let i = from; i < Math.min(from + BATCH, count); i++) draft.register(`key-${i}`).set(i);
      });
    }
    const heap = heapBytes() - before;
    const write = () =>
      timed(2_000, (i) => writer.transact((draft) => draft.register(`key-${i % count}`).set(i)), RUN_MS_MAX);
    write();
    const writes = write();
    writer.document.encodeState();
    const saved = once(() => writer.document.encodeState());
    loaded(saved.result);
    return {
      write: (writes.ms * 1_000) / writes.done,
      save: saved.ms,
      load: once(() => loaded(saved.result)).ms,
      bytes: saved.result.length,
      heap,
    };
  },
};

export const history = {
  name: "history",
  title: "Writes to 100 keys of a document",
  counts: { full: [10_000, 20_000, 40_000, 80_000, 160_000], smoke: [2_000] },
  measures: {
    write: { title: "one write", unit: "µs", limit: 0 },
    bytes: { title: "saved", unit: "B", limit: 0 },
    load: { title: "load and read", unit: "ms", limit: 0 },
  },

  run(count) {
    const writer = new Writer();
    const step = (i) => writer.transact((draft) => draft.register(`key-${i % 100}`).set(i));
    for (let i = 0; i < count; i++) step(i);
    const writes = timed(2_000, step, RUN_MS_MAX);
    const bytes = writer.document.encodeState();
    for (let i = 0; i < 20; i++) loaded(bytes);
    const load = once(() => {
      for (let i = 0; i < 20; i++) loaded(bytes);
    });
    return { write: (writes.ms * 1_000) / writes.done, bytes: bytes.length, load: load.ms / 20 };
  },
};

export const authors = {
  name: "authors",
  title: "Authors of a document, one write each to 100 keys",
  counts: { full: [1_000, 2_000, 4_000, 8_000, 16_000, 32_000], smoke: [200] },
  measures: {
    apply: { title: "one op applied", unit: "µs", limit: 0 },
    join: { title: "a write that replaces a hundredth of them", unit: "µs", limit: 1 },
    op: { title: "bytes of the first such op", unit: "B", limit: 1 },
    write: { title: "a write after that", unit: "µs", limit: 0 },
    bytes: { title: "saved", unit: "B", limit: 1 },
  },

  run(count) {
    const changes = Array.from({ length: count }, (_, i) =>
      new Writer(i + 2).transact((draft) => draft.register(`key-${i % 100}`).set(i)),
    );
    const document = new Document(NAME);
    const applied = timed(count, (i) => document.apply(changes[i]), RUN_MS_MAX);
    const writer = new Writer(1, document);
    const first = writer.transact((draft) => draft.register("key-1").set(1));
    const write = (i) => writer.transact((draft) => draft.register(`key-${i % 100}`).set(i));
    const joins = timed(100, write);
    const writes = timed(2_000, write);
    return {
      apply: (applied.ms * 1_000) / applied.done,
      join: (joins.ms * 1_000) / joins.done,
      write: (writes.ms * 1_000) / writes.done,
      op: first.bytes.length,
      bytes: document.encodeState().length,
    };
  },
};

class Writer {
  #stamp = STAMP_MIN;

  constructor(author = 1, document = new Document(NAME)) {
    this.author = AUTHOR_MIN + author;
    this.document = document;
  }

  transact(mutate) {
    return this.document.transact({ author: this.author, stamp: ++this.#stamp }, mutate);
  }
}

function loaded(bytes) {
  const document = Document.decodeState(bytes);
  if (!document.ok) throw new Error(document.fault.reason);
  return document.value.toJSON();
}
