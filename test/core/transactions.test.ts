/** Transactions: all or nothing, reads that see one's writes, and faults where they are made. */
import {
  BrokenInvariant,
  type Change,
  CORE_LIMITS,
  Document,
  type Draft,
  DraftClosed,
  decodeChange,
  InvalidValue,
  LimitExceeded,
  type SetDraft,
} from "@syncline/core";
import { describe, expect, test } from "vitest";
import { expectBytes, NAME, unwrap } from "./world.js";

const BY = { author: 7, stamp: 4096 };

function everything(draft: Draft): void {
  draft.register("title").set("Plan");
  draft.register("title").set({ deep: [1] });
  draft.register("gone").clear();
  draft.counter("votes").increment(3);
  draft.counter("votes").reset();
  draft.counter("votes").decrement();
  draft.set("tags").add("new");
  draft.set("tags").add("old");
  draft.set("tags").remove("new");
  draft.set("tags").clear();
  draft.set("tags").add("newer");
  draft.set("title").add("same name");
}

function filled(): Document {
  const document = new Document(NAME);
  document.transact({ author: 1, stamp: 1 }, (draft) => {
    draft.register("title").set("Roadmap");
    draft.register("gone").set(1);
    draft.counter("votes").increment(5);
    draft.set("tags").add("old");
  });
  return document;
}

describe.each([
  ["an empty document", () => new Document(NAME)],
  ["a filled document", filled],
])("%s", (_what, make) => {
  test("a throw leaves nothing, and is what the caller gets", () => {
    const document = make();
    const before = document.encodeState();
    const error = new Error("mine");
    for (const act of [document.transact, document.prepare]) {
      const run = () =>
        act.call(document, BY, (draft) => {
          everything(draft);
          throw error;
        });
      expect(run).toThrow(error);
      expectBytes(document.encodeState(), before);
      expect(document.counter(7)).toBe(0);
    }
  });

  test("prepare leaves the document as it was; applying the change is what transact does", () => {
    const document = make();
    const before = document.encodeState();
    const change = document.prepare(BY, everything)!;
    expectBytes(document.encodeState(), before);
    const other = make();
    expect(other.transact(BY, everything)).toEqual(change);
    document.apply(unwrap(decodeChange(change.bytes)));
    expectBytes(document.encodeState(), other.encodeState());
    expect(unwrap(decodeChange(change.bytes))).toEqual(change);
  });

  test("reads inside see what was written, in every view", () => {
    const document = make();
    document.prepare(BY, (draft) => {
      everything(draft);
      expect(draft.toJSON()).toEqual({
        title: { deep: [1] },
        "title@set": ["same name"],
        votes: -1,
        tags: ["newer"],
      });
      expect(draft.set("tags").values).toEqual(["newer"]);
      expect(draft.counter("votes").value).toBe(-1);
      expect(draft.register("title").values).toEqual([{ deep: [1] }]);
    });
  });
});

test("a transaction without an op is no change", () => {
  const document = filled();
  const before = document.encodeState();
  const change = document.transact(BY, (draft) => {
    draft.set("tags").remove("absent");
    draft.set("none").clear();
    draft.register("none").clear();
    draft.counter("none").reset();
  });
  expect(change).toBeUndefined();
  expectBytes(document.encodeState(), before);
});

test("invalid values and names throw at the call, with the field and the reason, and leave nothing", () => {
  const document = filled();
  const before = document.encodeState();
  const refused = (mutate: (draft: Draft) => void, message: RegExp): void => {
    expect(() => document.transact(BY, mutate)).toThrow(InvalidValue);
    expect(() => document.transact(BY, mutate)).toThrow(message);
    expectBytes(document.encodeState(), before);
  };
  refused((draft) => draft.register("title").set(Number.NaN), /field "title": NaN is not a finite number/);
  refused(
    (draft) => draft.set("tags").add([{ a: "\ud800" }]),
    /field "tags": at \[0\].a: text with a lone surrogate/,
  );
  refused((draft) => draft.set("tags").remove(Number.NaN), /field "tags"/);
  refused((draft) => draft.counter("votes").increment(0.5), /field "votes"/);
  refused((draft) => draft.register("").set(1), /1 to 128 bytes/);
  refused((draft) => draft.register("a@set").set(1), /no @/);
  refused((draft) => draft.register("__proto__").set(1), /__proto__/);
  refused((draft) => draft.register("a\nb").set(1), /control/);
  refused((draft) => draft.register("ü".repeat(65)).set(1), /1 to 128 bytes/);
  expect(() => document.transact({ author: 0, stamp: 1 }, everything)).toThrow(InvalidValue);
  expect(() => document.transact({ author: 7, stamp: -1 }, everything)).toThrow(InvalidValue);
  expectBytes(document.encodeState(), before);
});

test("limits hold at the call, before a runaway transaction has filled the memory", () => {
  const document = new Document(NAME);
  const run = (mutate: (draft: Draft) => void) => () => document.transact(BY, mutate);
  let steps = 0;
  const many = (draft: Draft): void => {
    for (steps = 0; steps < 2 * CORE_LIMITS.opsPerChangeMax; steps++) draft.counter("votes").increment();
  };
  let added = 0;
  const large = (draft: Draft): void => {
    for (added = 0; added < 100; added++) draft.set("tags").add("x".repeat(200_000) + added);
  };
  const wide = (draft: Draft): void => {
    for (let i = 0; i <= CORE_LIMITS.pathsPerChangeMax; i++) draft.counter(`votes ${i}`).increment();
  };
  for (const mutate of [many, large, wide]) expect(run(mutate)).toThrow(LimitExceeded);
  expect([steps, added]).toEqual([CORE_LIMITS.opsPerChangeMax, 2]);
  expect(document.isEmpty()).toBe(true);
  expect(document.toJSON()).toEqual({});
  const change = document.transact(BY, (draft) => {
    for (let i = 0; i < CORE_LIMITS.opsPerChangeMax; i++) draft.counter("votes").increment();
  });
  expect(change?.last).toBe(CORE_LIMITS.opsPerChangeMax);
});

test("a draft is of no use after its transaction, however it ended", () => {
  const document = filled();
  let leaked: Draft | undefined;
  let tags: SetDraft | undefined;
  const leak = (draft: Draft): void => {
    leaked = draft;
    tags = draft.set("tags");
    tags.add("x");
  };
  document.transact(BY, leak);
  const before = document.encodeState();
  for (const use of [
    () => tags?.add("y"),
    () => tags?.clear(),
    () => tags?.has("x"),
    () => tags?.values,
    () => leaked?.set("tags"),
    () => leaked?.toJSON(),
  ]) {
    expect(use).toThrow(DraftClosed);
  }
  expectBytes(document.encodeState(), before);
});

test("no transaction within a transaction, no apply, no merge, and no async function", () => {
  const document = filled();
  const before = document.encodeState();
  const other = document.clone();
  const change = other.transact(BY, everything)!;
  const inside: ((draft: Draft) => void)[] = [
    () => document.transact(BY, everything),
    () => document.prepare(BY, everything),
    () => document.apply(change),
    () => document.merge(other),
    () => other.merge(document),
    () => document.encodeState(),
    () => document.clone(),
  ];
  for (const act of inside) {
    const mutate = (draft: Draft): void => {
      draft.set("tags").add("x");
      act(draft);
    };
    expect(() => document.transact(BY, mutate)).toThrow(BrokenInvariant);
    expectBytes(document.encodeState(), before);
  }
  const sneaky = async (draft: Draft): Promise<void> => draft.set("tags").add("x");
  expect(() => document.transact(BY, sneaky)).toThrow(InvalidValue);
  expectBytes(document.encodeState(), before);
});

test.each([null, 0, "then", [], {}, undefined])(
  "what a transaction's function gives back is nobody's concern, unless it is a promise: %j",
  (returned) => {
    const document = new Document(NAME);
    document.transact(BY, ((draft: Draft) => {
      draft.set("tags").add("x");
      return returned;
    }) as (draft: Draft) => void);
    expect(document.toJSON()).toEqual({ tags: ["x"] });
  },
);

test("a change can be prepared beyond what is held, but only the next one is kept", () => {
  const document = filled();
  const change = document.prepare({ ...BY, first: 5 }, (draft) => draft.counter("votes").increment());
  expect(change).toMatchObject({ first: 5, last: 5 });
  expect(() => document.transact({ ...BY, first: 5 }, everything)).toThrow(BrokenInvariant);
  expect(() => document.prepare({ author: 1, stamp: 1, first: 1 }, everything)).toThrow(BrokenInvariant);
  expect(() => document.apply(change!)).toThrow(BrokenInvariant);
});

test("apply refuses what is not next, not of this document, or before what it observed, and changes nothing", () => {
  const source = filled();
  const change = source.prepare(BY, everything)!;
  const document = new Document(NAME);
  const before = document.encodeState();
  const wrong: Change[] = [
    change,
    { ...change, observed: [], first: 2 },
    { ...change, observed: [], document: { collection: "boards", key: "other" } },
    { ...change, observed: [], paths: change.paths.map(() => [{ name: "x", kind: 2 }]) },
    { ...change, observed: [], paths: [] },
  ];
  for (const each of wrong) expect(() => document.apply(each)).toThrow(BrokenInvariant);
  expectBytes(document.encodeState(), before);
});

test("what a change names as observed: the heads, and whatever its ops remove", () => {
  const document = filled();
  const other = document.clone();
  const two = document.transact({ author: 2, stamp: 2 }, (draft) => draft.counter("votes").increment())!;
  expect(two.observed).toEqual([{ author: 1, counter: 4 }]);
  expect(document.frontier()).toEqual([{ author: 2, counter: 1 }]);
  const three = other.transact({ author: 3, stamp: 2 }, (draft) => draft.counter("votes").increment())!;
  document.apply(three);
  expect(document.frontier()).toEqual([two, three].map(({ author, last }) => ({ author, counter: last })));
  // Author 1's add is no head any more, but a removal names it.
  const four = document.transact({ author: 4, stamp: 3 }, (draft) => draft.set("tags").remove("old"))!;
  expect(four.observed).toEqual([
    { author: 1, counter: 4 },
    { author: 2, counter: 1 },
    { author: 3, counter: 1 },
  ]);
  expect(document.frontier()).toEqual([{ author: 4, counter: 1 }]);
});

test("a reset or a clear that mentions thousands of authors fits in a change", () => {
  const document = new Document(NAME);
  for (let author = 1; author <= 5000; author++) {
    document.transact({ author: 2 ** 52 + author, stamp: 1 }, (draft) => {
      draft.counter("votes").increment();
      draft.set("tags").add(author);
    });
  }
  const change = document.transact(BY, (draft) => {
    draft.counter("votes").reset();
    draft.set("tags").clear();
  })!;
  expect(unwrap(decodeChange(change.bytes))).toEqual(change);
  expect(document.toJSON()).toEqual({ votes: 0, tags: [] });
});

test("concurrent heads beyond the limit: the latest are named", () => {
  const document = new Document(NAME);
  const empty = new Document(NAME);
  const count = CORE_LIMITS.headsPerChangeMax + 1;
  for (let author = count; author >= 1; author--) {
    document.apply(empty.prepare({ author, stamp: 1 }, (draft) => draft.counter("votes").increment())!);
  }
  expect(document.frontier().length).toBe(count);
  const change = document.prepare({ author: 2 ** 50, stamp: 2 }, (draft) =>
    draft.counter("votes").increment(),
  )!;
  expect(change.observed.map((dot) => dot.author)).toEqual(
    Array.from({ length: count - 1 }, (_, i) => i + 1),
  );
});

test("of several kinds under a name the first used has it, by stamp and not by arrival", () => {
  const empty = new Document(NAME);
  const set = empty.prepare({ author: 1, stamp: 20 }, (draft) => draft.set("x").add(1))!;
  const counter = empty.prepare({ author: 2, stamp: 10 }, (draft) => draft.counter("x").increment())!;
  const register = empty.prepare({ author: 3, stamp: 30 }, (draft) => draft.register("x").set("r"))!;
  for (const order of [
    [set, counter, register],
    [register, counter, set],
  ]) {
    const document = new Document(NAME);
    for (const change of order) document.apply(change);
    expect(document.toJSON()).toEqual({ x: 1, "x@set": [1], "x@register": "r" });
    expect(document.kinds()).toEqual({ x: "counter", "x@set": "set", "x@register": "register" });
  }
});

test("of kinds first used at one moment the one of the smallest author has the name, whatever came first", () => {
  const empty = new Document(NAME);
  const register = (author: number) =>
    empty.prepare({ author, stamp: 10 }, (draft) => draft.register("x").set(`by ${author}`))!;
  const counter = empty.prepare({ author: 4, stamp: 10 }, (draft) => draft.counter("x").increment())!;
  for (const [mine, shown] of [
    [[register(5), register(3)], { x: "by 5", "x@counter": 1 }],
    [[register(5), register(6)], { "x@register": "by 6", x: 1 }],
    [[register(3), register(5)], { x: "by 5", "x@counter": 1 }],
  ] as const) {
    const [one, two] = mine;
    for (const order of [
      [one, two, counter],
      [two, one, counter],
      [counter, two, one],
      [one, counter, two],
    ]) {
      // Packed and plain by turns.
      for (let part = 0; part < 2; part++) {
        const document = new Document(NAME);
        for (const change of order) document.apply(change);
        expect(document.toJSON()).toEqual(shown);
        expect(unwrap(Document.decodeState(document.encodeState())).toJSON()).toEqual(shown);
      }
    }
  }
});

test("a register that is written over at the same moment was first used by the smaller author", () => {
  const empty = new Document(NAME);
  const write = (document: Document, author: number) =>
    document.transact({ author, stamp: 10 }, (draft) => draft.register("x").set(`by ${author}`))!;
  const counter = empty.prepare({ author: 4, stamp: 10 }, (draft) => draft.counter("x").increment())!;
  for (let part = 0; part < 4; part++)
    for (const [first, second, shown] of [
      [5, 3, { x: "by 3", "x@counter": 1 }],
      [3, 5, { x: "by 5", "x@counter": 1 }],
      [5, 6, { "x@register": "by 6", x: 1 }],
    ] as const) {
      const document = new Document(NAME);
      write(document, first);
      write(document, second);
      document.apply(counter);
      expect(document.toJSON()).toEqual(shown);
    }
});

test("registers alone are shown in the order of their names' bytes, many and few, ASCII or not", () => {
  const few = ["b", "\u{1f600}", "a", "\uffee", "é", "aa", "B"];
  const many = [...few, ...Array.from({ length: 60 }, (_, i) => `n${(i * 37) % 60}`)];
  for (const names of [
    few,
    many,
    few.filter((name) => name < "\x7f"),
    many.filter((name) => name < "\x7f"),
  ]) {
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const order of [names, [...names].reverse()]) {
      const document = new Document(NAME);
      for (const name of order) document.transact(BY, (draft) => draft.register(name).set(name));
      expect(Object.keys(document.toJSON())).toEqual(sorted);
      expect(Object.keys(unwrap(Document.decodeState(document.encodeState())).toJSON())).toEqual(sorted);
    }
  }
});

test("fields are shown in the order of their names' bytes, kinds of one name in that of their tags, however they came", () => {
  const names = ["b", "a", "\u{1f600}", "\uffee", "aa", "B", "z"];
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const order of [names, [...names].reverse(), sorted, [...sorted].reverse()]) {
    const document = new Document(NAME);
    for (const name of order)
      document.transact(BY, (draft) => {
        draft.set(name).add(1);
        draft.counter(name).increment();
        draft.register(name).set("r");
      });
    const shown = sorted.flatMap((name) => [`${name}@register`, `${name}@counter`, name]);
    expect(Object.keys(document.toJSON())).toEqual(shown);
    expect(Object.keys(document.kinds())).toEqual(shown);
    expect(Object.keys(unwrap(Document.decodeState(document.encodeState())).toJSON())).toEqual(shown);
  }
});

test("field names that objects inherit are fields like others", () => {
  const document = new Document(NAME);
  document.transact(BY, (draft) => {
    for (const name of ["constructor", "toString", "hasOwnProperty"]) draft.counter(name).increment();
  });
  expect(Object.entries(document.toJSON()).sort()).toEqual([
    ["constructor", 1],
    ["hasOwnProperty", 1],
    ["toString", 1],
  ]);
});

test("a clone is independent", () => {
  const document = filled();
  const copy = document.clone();
  const before = document.encodeState();
  expectBytes(copy.encodeState(), before);
  copy.transact(BY, everything);
  expectBytes(document.encodeState(), before);
});

test("an async function is told so once: what it does after its transaction was refused ends nobody's process", async () => {
  const document = new Document(NAME);
  const sneaky = async (draft: Draft): Promise<void> => {
    await Promise.resolve();
    draft.set("tags").add("late");
  };
  expect(() => document.transact(BY, sneaky)).toThrow("it cannot be async");
  // A rejection that nobody takes would fail this file.
  await new Promise((resolve) => setImmediate(resolve));
  expect(document.toJSON()).toEqual({});
});
