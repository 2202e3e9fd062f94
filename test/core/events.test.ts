/** Events: after the whole change, with what was there and what is there, for whoever listens. */
import {
  type Change,
  createChange,
  Document,
  type DocumentEvent,
  type Draft,
  decodeChange,
  differences,
  ewFlag,
  list,
  observe,
  orMap,
  pnCounter,
  record,
  rwMap,
  UndoHistory,
  type Value,
} from "@syncline/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Hash } from "../../packages/core/src/hash.js";
import { draws, often } from "./share.js";
import { expectEqual, NAME, steps, unwrap, World } from "./world.js";

test("a transaction is told of after it, once, with every place that shows something else", () => {
  const document = new Document(NAME);
  const events = listen(document);
  write(document, 7, (draft) => {
    draft.register("title").set("a");
    draft.register("title").set("b");
    draft.set("tags").add("x");
    draft.at("cards", orMap).at("c1", orMap).at("votes", pnCounter).increment(2);
    expect(events).toEqual([]);
  });
  expect(events).toEqual([
    {
      local: true,
      author: 7,
      changes: [
        { path: ["title"], kind: "register", kinds: ["register"], before: undefined, after: "b" },
        { path: ["tags"], kind: "set", kinds: ["set"], before: undefined, after: ["x"] },
        {
          path: ["cards", "c1", "votes"],
          kind: "counter",
          kinds: ["map", "map", "counter"],
          before: undefined,
          after: 2,
        },
      ],
    },
  ]);
});

test("what is removed from a map is told of place by place", () => {
  const document = new Document(NAME);
  write(document, 1, (draft) => {
    const card = draft.at("cards", orMap).at("c1", orMap);
    card.create();
    card.at("on", ewFlag).enable();
    card.at("items", list).push(1);
  });
  const events = listen(document);
  write(document, 1, (draft) => draft.at("cards", orMap).delete("c1"));
  expect(events).toHaveLength(1);
  expect(new Set(events[0]!.changes.map(({ path, after }) => `${path.join("/")} ${after}`))).toEqual(
    new Set(["cards/c1/on undefined", "cards/c1/items undefined", "cards/c1 undefined"]),
  );
});

test("a map, one in which removing wins and a record of one name are told apart", () => {
  const document = new Document(NAME);
  const events = listen(document);
  write(document, 1, (draft) => {
    draft.at("cards", orMap).at("c1", pnCounter).increment(1);
    draft.at("cards", rwMap).at("c1", pnCounter).increment(2);
    draft.at("cards", record).at("c1", pnCounter).increment(3);
  });
  const told = events[0]!.changes.map(({ path, kinds, after }) => [path.join("/"), kinds.join("/"), after]);
  expect(told).toEqual([
    ["cards/c1", "map/counter", 1],
    ["cards/c1", "remove-map/counter", 2],
    ["cards/c1", "record/counter", 3],
  ]);
});

test("changes of others say whose they are; what does not show is no news", () => {
  const [a, b] = [new Document(NAME), new Document(NAME)];
  b.apply(write(a, 1, (draft) => draft.register("title").set("a"))!);
  const older = b.transact({ author: 2, stamp: 0 }, (draft) => {
    draft.register("title").set("b");
    draft.set("tags").add("x");
  })!;
  write(a, 1, (draft) => draft.register("title").set("c"), 9);
  const events = listen(a);
  a.apply(older);
  expect(events).toEqual([
    {
      local: false,
      author: 2,
      changes: [{ path: ["tags"], kind: "set", kinds: ["set"], before: undefined, after: ["x"] }],
    },
  ]);
  write(a, 1, (draft) => draft.set("tags").add("x"));
  expect(events).toHaveLength(1);
});

test("a merged state is one event without an author", () => {
  const [a, b] = [new Document(NAME), new Document(NAME)];
  write(b, 2, (draft) => draft.counter("votes").increment(3));
  write(b, 2, (draft) => draft.counter("votes").increment(4));
  const events = listen(a);
  a.merge(b);
  a.merge(b);
  expect(events).toEqual([
    {
      local: false,
      author: undefined,
      changes: [{ path: ["votes"], kind: "counter", kinds: ["counter"], before: undefined, after: 7 }],
    },
  ]);
});

test("deleting a document is told as everything that goes, bringing it back as everything that comes", () => {
  const document = new Document(NAME);
  write(document, 1, (draft) => {
    draft.register("title").set("a");
    draft.counter("votes").increment();
  });
  const events = listen(document);
  for (const change of [(draft: Draft) => draft.deleteDocument(), (draft: Draft) => draft.restoreDocument()])
    document.transact({ author: 2, stamp: 2, asIs: true }, change);
  const told = events.map(({ changes }) =>
    changes.map(({ path, before, after }) => [path.join("/"), before, after]).sort(),
  );
  expect(told).toEqual([
    [
      ["title", "a", undefined],
      ["votes", 1, undefined],
    ],
    [
      ["title", undefined, "a"],
      ["votes", undefined, 1],
    ],
  ]);
});

test("a transaction that throws, or is only prepared, is not told of", () => {
  const document = new Document(NAME);
  const events = listen(document);
  document.prepare({ author: 1, stamp: 1 }, (draft) => draft.counter("x").increment());
  expect(() =>
    write(document, 1, (draft) => {
      draft.counter("x").increment();
      throw new Error("no");
    }),
  ).toThrow("no");
  write(document, 1, (draft) => draft.counter("x").increment());
  expect(events.map(({ changes }) => changes[0]?.before)).toEqual([undefined]);
});

test("a listener that makes a change hears of it after the one that it was told of; one that has ended hears nothing", () => {
  const document = new Document(NAME);
  const heard: string[] = [];
  const end = observe(document, ({ changes }) => {
    heard.push(`begin ${String(changes[0]?.after)}`);
    if (changes[0]?.after === 1) write(document, 1, (draft) => draft.counter("x").increment());
    heard.push("end");
  });
  write(document, 1, (draft) => draft.counter("x").increment());
  end();
  write(document, 1, (draft) => draft.counter("x").increment());
  expect(heard).toEqual(["begin 1", "end", "begin 2", "end"]);
});

test("what a listener throws reaches whoever made the change, which stands", () => {
  const document = new Document(NAME);
  observe(document, () => {
    throw new Error("listener");
  });
  expect(() => write(document, 1, (draft) => draft.counter("x").increment())).toThrow("listener");
  expect(document.toJSON()).toEqual({ x: 1 });
});

test("what one listener throws keeps no other one, and no history of what can be undone, from hearing of the change", () => {
  const document = new Document(NAME);
  const history = new UndoHistory(10);
  const stop = observe(document, () => {
    throw new Error("no room");
  });
  const alsoStop = observe(document, () => {
    throw new Error("nor here");
  });
  const events = listen(document);
  history.follow(document);
  for (const value of ["a", "b"])
    expect(() => write(document, 1, (draft) => draft.register("title").set(value))).toThrow("nor here");
  expect(events.map(({ changes }) => [changes[0]?.before, changes[0]?.after])).toEqual([
    [undefined, "a"],
    ["a", "b"],
  ]);
  stop();
  alsoStop();
  // Each was a change of its own, to be taken back by itself.
  expect(history.undo((mutate) => void write(document, 1, mutate))).toBe(true);
  expect(document.toJSON()).toEqual({ title: "a" });
});

test("a sum that is no exact number is told of as nothing", () => {
  const document = new Document(NAME);
  const events = listen(document);
  for (let i = 0; i < 3; i++) {
    write(document, 1, (draft) => {
      for (let step = 0; step < 2_000; step++) draft.counter("x").increment(2 ** 31);
    });
  }
  expect(events.at(-1)?.changes[0]).toMatchObject({ after: 3 * 2_000 * 2 ** 31 });
  const other = unwrap(Document.decodeState(document.encodeState()));
  expect(differences(document, other)).toEqual([]);
});

test("objects that differ are told apart, also where half of their hashes is the same", () => {
  for (const [half, one, other] of [
    ["low", [5054], [70432]],
    ["high", [33143], [61190]],
  ] as const) {
    const [a, b] = [one, other].map((value) => new Hash().value(value).end());
    expect([half, a![half]]).toEqual([half, b![half]]);
    expect(a).not.toEqual(b);
    const document = new Document(NAME);
    write(document, 1, (draft) => draft.register("title").set(one));
    const events = listen(document);
    write(document, 1, (draft) => draft.register("title").set(other));
    expect(events.map(({ changes }) => changes[0]?.after)).toEqual([other]);
  }
});

test("an op of a later version on something inside of a field that nobody here knows is no news, and breaks nothing", () => {
  const document = new Document(NAME);
  const events = listen(document);
  const path = [
    { name: "later", kind: 99 },
    { name: "inside", kind: 98 },
  ];
  const op = { act: "opaque", bytes: Uint8Array.of(200, 1) } as const;
  const later = {
    document: NAME,
    author: 7,
    first: 1,
    stamp: 1,
    observed: [],
    paths: [path],
    ops: [{ path: 0, op }],
  };
  document.apply(unwrap(decodeChange(createChange(later).bytes)));
  write(document, 1, (draft) => draft.register("title").set("x"));
  expect(events.map(({ changes }) => changes.map((each) => each.path.join("/")))).toEqual([["title"]]);
});

test("whoever keeps the places by what he is told of has them as they are shown", () => {
  let told = 0;
  fc.assert(
    fc.property(steps, (history) => {
      const world = new World(3);
      const kept = world.documents.map(() => new Map<string, Value>());
      const ends = world.documents.map((document, at) =>
        observe(document, (event) => take(kept[at]!, event)),
      );
      const take = (places: Map<string, Value>, { changes }: DocumentEvent): void => {
        expect(changes.length).toBeGreaterThan(0);
        for (const { path, kind, kinds, before, after } of changes) {
          const key = JSON.stringify([kinds, path]);
          // Of a map and a record only that they come and go is told, not what is in them.
          if (!CONTAINERS.includes(kind)) expectEqual(places.get(key), before);
          if (after === undefined) places.delete(key);
          else places.set(key, after);
          told++;
        }
      };
      for (const step of history) {
        const before = [...world.documents];
        world.step(step);
        world.documents.forEach((document, at) => {
          if (document !== before[at]) {
            // A reloaded document is another one.
            ends[at]!();
            ends[at] = observe(document, (event) => take(kept[at]!, event));
          }
          for (const { path, kind, kinds, after } of differences(new Document(NAME), document)) {
            if (!CONTAINERS.includes(kind)) expectEqual(kept[at]!.get(JSON.stringify([kinds, path])), after);
          }
        });
      }
    }),
    { numRuns: draws(60) },
  );
  expect(told).toBeGreaterThan(often(100));
});

const CONTAINERS = ["map", "record", "remove-map", "keep-map"];

function listen(document: Document): DocumentEvent[] {
  const events: DocumentEvent[] = [];
  observe(document, (event) => events.push(event));
  return events;
}

function write(
  document: Document,
  author: number,
  mutate: Parameters<Document["prepare"]>[1],
  stamp = 1,
): Change | undefined {
  return document.transact({ author, stamp }, mutate);
}
