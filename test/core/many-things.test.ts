/** Many registers and many elements, which are kept in columns as long as each has one write: nobody notices. */
import { type Change, Document, decodeChange, packDocuments, type SetDraft } from "@syncline/core";
import { documentJson } from "@syncline/simulation";
import fc from "fast-check";
import { expect, test } from "vitest";
import { draws } from "./share.js";
import { expectBytes, expectEqual, NAME, unwrap, withChecksum } from "./world.js";

// More than are looked through one by one; of one, two, three and four bytes a character.
const NAMES = Array.from({ length: 48 }, (_, i) => `${["k", "é", "名", "🙂", "\uffee"][i % 5]}${i % 7}${i}`);

const DOINGS = [
  ...["set", "set", "set", "clear", "count", "add", "add", "add", "remove", "remove", "removeAll"],
  ...["throw", "merge", "deliver", "clone", "reload"],
] as const;

interface Deed {
  readonly at: number;
  readonly do: (typeof DOINGS)[number];
  readonly names: readonly number[];
  readonly stamp: number;
}

const deed: fc.Arbitrary<Deed> = fc.record({
  at: fc.nat({ max: 1 }),
  do: fc.constantFrom(...DOINGS),
  names: fc.array(fc.nat({ max: NAMES.length - 1 }), { minLength: 1, maxLength: 40 }),
  stamp: fc.nat({ max: 30 }),
});

class Two {
  readonly documents = [new Document(NAME), new Document(NAME)];
  readonly made: Change[] = [];

  do({ at, do: what, names, stamp }: Deed): void {
    const document = this.documents[at]!;
    const other = this.documents[1 - at]!;
    if (what === "merge") document.merge(unwrap(Document.decodeState(other.encodeState())));
    else if (what === "clone") this.documents[at] = document.clone();
    else if (what === "reload") this.documents[at] = unwrap(Document.decodeState(document.encodeState()));
    else if (what === "deliver") this.#deliver(document);
    else if (what === "throw") this.#throw(document, at, names, stamp);
    else this.#write(document, at, what, names, stamp);
  }

  check(): void {
    for (const document of this.documents) {
      const held = this.made.filter((change) => document.counter(change.author) >= change.last);
      expectEqual(document.toJSON(), documentJson(held));
      const replayed = new Document(NAME);
      for (const change of held) replayed.apply(unwrap(decodeChange(change.bytes)));
      expectBytes(replayed.encodeState(), document.encodeState());
      expectEqual(unwrap(Document.decodeState(document.encodeState())).toJSON(), document.toJSON());
      expectEqual(Object.keys(document.toJSON()), Object.keys(replayed.toJSON()));
    }
  }

  #write(document: Document, at: number, what: string, names: readonly number[], stamp: number): void {
    const change = document.transact({ author: at + 1, stamp }, (draft) => {
      for (const [i, name] of names.entries()) {
        if (what === "set") draft.register(NAMES[name]!).set(i);
        else if (what === "clear") draft.register(NAMES[name]!).clear();
        else if (what === "add") draft.set("tags").add(NAMES[name]!);
        else if (what === "remove") draft.set("tags").remove(NAMES[name]!);
        else if (what === "removeAll") draft.set("tags").clear();
        else draft.counter(NAMES[name]!).increment();
      }
    });
    if (change !== undefined) this.made.push(change);
  }

  #throw(document: Document, at: number, names: readonly number[], stamp: number): void {
    const before = document.encodeState();
    expect(() =>
      document.transact({ author: at + 1, stamp }, (draft) => {
        for (const [i, name] of names.entries()) {
          draft.register(NAMES[name]!).set(i);
          if (i % 3 === 0) draft.register(NAMES[name]!).clear();
          if (i % 5 === 0) draft.register(NAMES[name]!).set("again");
          if (i % 2 === 0) draft.set("tags").add(NAMES[name]!);
          else draft.set("tags").remove(NAMES[name]!);
        }
        throw new Error("on purpose");
      }),
    ).toThrow("on purpose");
    expectBytes(document.encodeState(), before);
  }

  /** All that can be applied, in the order in which it was made. */
  #deliver(document: Document): void {
    for (const change of this.made) {
      if (change.first !== document.counter(change.author) + 1) continue;
      if (change.observed.some((dot) => document.counter(dot.author) < dot.counter)) continue;
      document.apply(unwrap(decodeChange(change.bytes)));
    }
  }
}

test("random histories of two replicas, held against the specification after every step", () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 14 }), (deeds) => {
      const two = new Two();
      for (const each of deeds) {
        two.do(each);
        two.check();
      }
    }),
    { numRuns: draws(300) },
  );
});

test("twenty thousand registers are found by their names, and come back from a state", () => {
  const document = new Document(NAME);
  const nameOf = (i: number) => `${i % 2 === 0 ? "key" : "clé"}-${i}`;
  for (let from = 0; from < 20_000; from += 1_000) {
    document.transact({ author: 1, stamp: from }, (draft) => {
      for (let i = from; i < from + 1_000; i++) draft.register(nameOf(i)).set(i);
    });
  }
  document.transact({ author: 2, stamp: 20_000 }, (draft) => draft.register(nameOf(777)).set("another"));
  const loaded = unwrap(Document.decodeState(document.encodeState()));
  for (const each of [document, loaded, document.clone()]) {
    for (let i = 0; i < 20_000; i += 37) {
      expectEqual(each.register(nameOf(i)).value, i === 777 ? "another" : i);
    }
    expectEqual(each.register("key-x").value, undefined);
    expectEqual(Object.keys(each.toJSON()).length, 20_000);
  }
});

test("a set through which very many elements pass is as large as what is in it", () => {
  const document = new Document(NAME);
  const write = (mutate: (tags: SetDraft) => void) =>
    document.transact({ author: 1, stamp: 1 }, (draft) => mutate(draft.set("tags")));
  for (let i = 0; i < 20_000; i++) {
    write((tags) => tags.add(`element ${i}`));
    if (i >= 100) write((tags) => tags.remove(`element ${i - 100}`));
  }
  expectEqual(document.set("tags").size, 100);
  expectEqual(document.set("tags").has("element 19950"), true);
  expectEqual(document.set("tags").has("element 50"), false);
  write((tags) => tags.clear());
  expectEqual(document.toJSON(), { tags: [] });
});

test("states that are joined one after the other come to the same in rows and in fields", () => {
  // One of them has cleared some; the later ones bring earlier stamps, and somebody has seen what he writes over.
  const states = [5, 4, 6, 1, 5, 2].map((stamp, i) => {
    const document = new Document(NAME);
    document.transact({ author: i + 1, stamp }, (draft) => {
      for (let at = i; at < NAMES.length; at += 1 + (i % 2)) draft.register(NAMES[at]!).set([i, at]);
    });
    if (i === 1) {
      document.transact({ author: 2, stamp: 7 }, (draft) => {
        for (const name of NAMES.slice(0, 9)) draft.register(name).clear();
      });
    }
    return document;
  });
  states[4]!.merge(states[0]!);
  states[4]!.transact({ author: 5, stamp: 8 }, (draft) => draft.register(NAMES[7]!).set("over it"));
  const bytes = states.map((document) => document.encodeState());
  const joined = (order: readonly number[], isPacked: boolean): Uint8Array => {
    packDocuments(() => isPacked);
    let into = new Document(NAME);
    for (const [i, from] of order.entries()) {
      into.merge(unwrap(Document.decodeState(bytes[from]!)));
      if (i === 3) into = into.clone();
    }
    return into.encodeState();
  };
  let parts = 0;
  try {
    const expected = joined([0, 1, 2, 3, 4, 5], false);
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), (order) => {
        expectBytes(joined([...order, order[2]!], true), expected);
        expectBytes(joined(order, false), expected);
      }),
      { numRuns: draws(60) },
    );
  } finally {
    packDocuments(() => parts++ % 2 === 0);
  }
});

test("a document of many registers reads the same in rows and in fields, whatever is wrong about its bytes", () => {
  const make = (mutate: (document: Document) => void): Uint8Array => {
    const document = new Document(NAME);
    document.transact({ author: 7, stamp: 2 }, (draft) => {
      for (const name of NAMES) draft.register(name).set(name.length);
    });
    mutate(document);
    return document.encodeState();
  };
  const write = (document: Document, author: number, stamp: number, name = NAMES[3]!): void => {
    document.transact({ author, stamp }, (draft) => draft.register(name).set([stamp]));
  };
  const states = [
    make(() => {}),
    // Written again, and by others; first by somebody else; by two at once; nothing left of one; of other kinds.
    make((document) => write(document, 8, 3)),
    make((document) => {
      const other = new Document(NAME);
      write(other, 5, 1);
      document.merge(other);
    }),
    make(
      (document) =>
        void document.transact({ author: 7, stamp: 3 }, (draft) => draft.register(NAMES[5]!).clear()),
    ),
    make(
      (document) =>
        void document.transact({ author: 7, stamp: 3 }, (draft) => draft.counter(NAMES[5]!).increment()),
    ),
    make((document) =>
      document.transact({ author: 7, stamp: 3, asIs: true }, (draft) => draft.deleteDocument()),
    ),
  ];
  const read = (bytes: Uint8Array, isPacked: boolean): unknown => {
    packDocuments(() => isPacked);
    const result = Document.decodeState(bytes);
    if (!result.ok) return result.fault.reason;
    const { value: document } = result;
    write(document, 9, 9);
    return [document.toJSON(), Buffer.from(document.encodeState()).toString("hex")];
  };
  try {
    const reasons = new Set<unknown>();
    for (const state of states) {
      const body = state.subarray(0, -4);
      expect(typeof read(state, true)).toBe("object");
      expectEqual(read(state, true), read(state, false));
      const text = Buffer.from(body).toString("latin1");
      const twice = Buffer.from(text.replace(NAMES[5]!, NAMES[0]!), "latin1");
      for (let at = -1; at < body.length; at++) {
        const altered = body.map((byte, i) => (i === at ? byte ^ (at % 2 === 0 ? 1 : 0x80) : byte));
        const bytes = withChecksum(at < 0 ? twice : altered);
        const [inRows, inFields] = [read(bytes, true), read(bytes, false)];
        if (typeof inFields === "string") expect(typeof inRows).toBe("string");
        else expectEqual(inRows, inFields);
        if (typeof inFields === "string") reasons.add(inFields);
      }
    }
    expect([...reasons].join()).toMatch(/a field twice/);
    expect([...reasons].join()).toMatch(/fields out of order/);
    expect([...reasons].join()).toMatch(/a dot that was not seen/);
  } finally {
    packDocuments(byTurns());
  }
});

test.each([
  ["in rows", () => true],
  ["in fields", () => false],
  ["in rows and in fields by turns", byTurns()],
])(
  "of many registers, %s, each is joined for itself: written over there, here, at both, and cleared",
  (_how, isPacked) => {
    packDocuments(isPacked);
    try {
      joinsEach();
    } finally {
      packDocuments(byTurns());
    }
  },
);

function joinsEach(): void {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  const name = (i: number): string => `register ${i}`;
  ann.transact({ author: 1, stamp: 1 }, (draft) => {
    for (let i = 0; i < 400; i++) draft.register(name(i)).set(i);
  });
  bob.merge(ann);
  const write = (document: Document, author: number, isMeant: (i: number) => boolean): Change =>
    document.transact({ author, stamp: author }, (draft) => {
      for (let i = 0; i < 400; i++) if (isMeant(i)) draft.register(name(i)).set(`${author} ${i}`);
    })!;
  const changes = [write(ann, 2, (i) => i % 4 < 2), write(bob, 3, (i) => i % 4 === 1 || i % 4 === 2)];
  changes.push(
    bob.transact({ author: 3, stamp: 4 }, (draft) => {
      for (let i = 0; i < 400; i += 50) draft.register(name(i)).clear();
    })!,
  );
  const applied = ann.clone();
  for (const change of changes.slice(1)) applied.apply(unwrap(decodeChange(change.bytes)));
  for (const [into, from] of [
    [ann.clone(), bob],
    [bob.clone(), ann],
    [ann.clone(), unwrap(Document.decodeState(bob.encodeState()))],
  ] as const) {
    into.merge(from);
    for (const [i, values] of [
      [4, ["2 4"]],
      [5, ["3 5", "2 5"]],
      [6, ["3 6"]],
      [7, [7]],
      // Cleared by somebody who had not seen that it was written over.
      [100, ["2 100"]],
      [150, []],
    ] as const)
      expect(into.register(name(i)).values).toEqual(values);
    expectBytes(into.encodeState(), applied.encodeState());
  }
}

function byTurns(): () => boolean {
  let parts = 0;
  return () => parts++ % 2 === 0;
}
