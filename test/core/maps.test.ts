/** Stories of maps: keys that come and go, what is done to them meanwhile, and what is nested in them. */
import {
  type Change,
  createChange,
  Document,
  DraftClosed,
  dwFlag,
  ewFlag,
  gCounter,
  InvalidValue,
  KINDS,
  LimitExceeded,
  lwwRegister,
  type MapDraft,
  orMap,
  orSet,
  pnCounter,
  Replica,
  record,
  rwSet,
} from "@syncline/core";
import { expect, test } from "vitest";
import { expectBytes, NAME, unwrap } from "./world.js";

test("maps go as deep as one likes, and reads see what the transaction writes", () => {
  const document = new Document(NAME);
  transact(document, 1, (draft) => {
    const card = draft.at("cards", orMap).at("c1", orMap);
    card.at("title", lwwRegister).set("Buy milk");
    card.at("votes", pnCounter).increment(2);
    card.at("tags", orSet).add("shop");
    expect(card.toJSON()).toEqual({ tags: ["shop"], title: "Buy milk", votes: 2 });
    expect(draft.toJSON()).toEqual({ cards: { c1: card.toJSON() } });
  });
  const cards = document.at("cards", orMap);
  expect(cards.keys).toEqual(["c1"]);
  expect([cards.has("c1"), cards.has("c2")]).toEqual([true, false]);
  expect(cards.at("c1", orMap).at("votes", pnCounter).value).toBe(2);
  expect(cards.at("c2", orMap).at("votes", pnCounter).value).toBe(0);
  expectBytes(unwrap(Document.decodeState(document.encodeState())).encodeState(), document.encodeState());
});

test("what is done to a key while somebody removes it stays, and nothing else does", () => {
  const [a, b] = both((cards) => {
    const card = cards.at("c1", orMap);
    card.at("title", lwwRegister).set("old");
    card.at("votes", pnCounter).increment(5);
    card.at("tags", orSet).add("x");
    card.at("paid", dwFlag).enable();
    card.at("guests", rwSet).add("ann");
  });
  const remove = write(a, 1, (cards) => cards.delete("c1"));
  expect(a.toJSON()).toEqual({});
  const edit = write(b, 2, (cards) => {
    cards.at("c1", orMap).at("votes", pnCounter).increment();
    cards.at("c1", orMap).at("tags", orSet).add("y");
    cards.at("c1", orMap).at("guests", rwSet).add("bob");
  });
  exchange(a, remove, b, edit);
  expect(a.toJSON()).toEqual({ cards: { c1: { guests: ["bob"], tags: ["y"], votes: 1 } } });
});

test("a key that comes and goes leaves nothing behind", () => {
  const document = new Document(NAME);
  const cycle = (key: string): void => {
    write(document, 1, (cards) => {
      cards.at(key, orMap).at("title", lwwRegister).set("x");
      cards.at(key, orMap).at("done", ewFlag).enable();
    });
    write(document, 1, (cards) => cards.delete(key));
  };
  cycle("c0");
  const size = document.encodeState().length;
  for (let i = 0; i < 20; i++) cycle(`card ${i}`);
  expect(document.encodeState().length).toBe(size);
});

test("a map that was created is there while it is empty, until it is removed", () => {
  const [a, b] = both((cards) => cards.at("c1", orMap).create());
  expect(a.toJSON()).toEqual({ cards: { c1: {} } });
  const remove = write(a, 1, (cards) => cards.delete("c1"));
  const again = write(b, 2, (cards) => cards.at("c1", orMap).create());
  exchange(a, remove, b, again);
  expect(a.toJSON()).toEqual({ cards: { c1: {} } });
  write(a, 1, (cards) => cards.clear());
  expect(a.toJSON()).toEqual({});
});

test("a map that was created stays when it is cleared, a record goes, and one created meanwhile stays", () => {
  const [a, b] = both((cards) => {
    cards.at("m", orMap).create();
    cards.at("m", orMap).at("title", lwwRegister).set("x");
    cards.at("r", record).create();
    cards.at("r", record).at("title", lwwRegister).set("x");
    cards.at("s", record).create();
  });
  const clear = write(a, 1, (cards) => {
    cards.at("m", orMap).clear();
    cards.at("r", record).clear();
    cards.at("s", record).clear();
    expect(cards.at("r", record).exists).toBe(false);
  });
  expect(a.toJSON()).toEqual({ cards: { m: {} } });
  const again = write(b, 2, (cards) => cards.at("s", record).create());
  exchange(a, clear, b, again);
  expect(a.toJSON()).toEqual({ cards: { m: {}, s: {} } });
  write(a, 1, (cards) => cards.delete("m"));
  expect(a.toJSON()).toEqual({ cards: { s: {} } });
});

test("a record is read by its fields, whether it is there or not, inside of a transaction and outside", () => {
  const document = new Document(NAME);
  const card = document.at("card", record);
  const read = () => [card.exists, card.at("title", lwwRegister).value, card.toJSON()];
  expect(read()).toEqual([false, undefined, {}]);
  transact(document, 1, (draft) => {
    const written = draft.at("card", record);
    expect(written.exists).toBe(false);
    written.create();
    expect([written.exists, written.toJSON()]).toEqual([true, {}]);
    written.at("title", lwwRegister).set("x");
    written.at("votes", pnCounter).increment(2);
    expect(written.at("title", lwwRegister).value).toBe("x");
  });
  expect(read()).toEqual([true, "x", { title: "x", votes: 2 }]);
  expect(() => card.at("__proto__", lwwRegister)).toThrow(InvalidValue);
  transact(document, 1, (draft) => draft.at("card", record).at("title", lwwRegister).clear());
  expect(read()).toEqual([true, undefined, { votes: 2 }]);
  transact(document, 1, (draft) => draft.at("card", record).clear());
  expect(read()).toEqual([false, undefined, {}]);
});

test("that a map is there is said again, and taken away again, of what is there by then", () => {
  const [a, b] = both((cards) => cards.at("c1", orMap).create());
  const change = write(a, 2, (cards) => {
    cards.at("c2", orMap).create();
    cards.delete("c1");
  });
  const repeated = (document: Document): unknown => {
    document.transact({ author: 3, stamp: 1 }, (draft) => draft.repeat(change));
    return document.toJSON();
  };
  write(b, 4, (cards) => cards.at("c1", orMap).create());
  expect(repeated(b)).toEqual({ cards: { c2: {} } });
  // Where there is nothing there is nothing to take away.
  expect(repeated(new Document(NAME))).toEqual({ cards: { c2: {} } });
});

test("two people who use a key for different things lose nothing to each other", () => {
  const document = new Document(NAME);
  write(document, 1, (cards) => {
    cards.at("n", pnCounter).increment();
    cards.at("n", lwwRegister).set("text");
    cards.at("m", orSet).add(1);
    cards.at("m", pnCounter).increment();
    cards.at("m@set", lwwRegister).set("its own");
  });
  expect(document.toJSON()).toEqual({
    cards: { m: 1, "m@set": "its own", n: "text", "n@counter": 1 },
  });
  write(document, 1, (cards) => cards.delete("n"));
  expect(document.at("cards", orMap).keys).toEqual(["m", "m@set"]);
});

test("what only grows stays when its key is removed", () => {
  const document = new Document(NAME);
  write(document, 1, (cards) => {
    cards.at("c1", orMap).at("visits", gCounter).increment();
    cards.at("c1", orMap).at("title", lwwRegister).set("x");
  });
  write(document, 1, (cards) => cards.delete("c1"));
  expect(document.toJSON()).toEqual({ cards: { c1: { visits: 1 } } });
});

test("a transaction that throws leaves a map as it was, with what it had removed and pruned", () => {
  const [a] = both((cards) => cards.at("c1", orMap).at("title", lwwRegister).set("x"));
  const before = a.encodeState();
  let escaped: MapDraft | undefined;
  expect(() =>
    write(a, 1, (cards) => {
      escaped = cards;
      cards.delete("c1");
      cards.at("c2", orMap).at("tags", orSet).add(1);
      throw new Error("changed my mind");
    }),
  ).toThrow("changed my mind");
  expectBytes(a.encodeState(), before);
  expect(() => escaped?.delete("c1")).toThrow(DraftClosed);
});

test("a key is refused where no path could name it, and so is a path too deep", () => {
  const document = new Document(NAME);
  write(document, 1, (cards) => {
    for (const key of ["", "__proto__", "\ud800", "x".repeat(257)]) {
      expect(() => cards.at(key, lwwRegister)).toThrow(InvalidValue);
    }
    let map = cards;
    for (let depth = 2; depth <= 16; depth++) map = map.at("m", orMap);
    expect(() => map.at("m", orMap)).toThrow(LimitExceeded);
    map.create();
    cards.at("constructor", lwwRegister).set(1);
  });
  expect(document.at("cards", orMap).toJSON().constructor).toBe(1);
});

test("a name that is no text is refused, and never a key of its own here and its text elsewhere", () => {
  const document = new Document(NAME);
  for (const name of [5, null, undefined, {}, ["k"], true] as unknown as string[]) {
    expect(() => write(document, 1, (cards) => cards.at(name, lwwRegister).set(1))).toThrow(InvalidValue);
    expect(() => transact(document, 1, (draft) => draft.register(name).set(1))).toThrow(InvalidValue);
    expect(() => new Document({ collection: "boards", key: name })).toThrow(InvalidValue);
  }
  expect(document.isEmpty()).toBe(true);
});

test("ops that were kept before their type was known are played, in causal order, once it is", () => {
  const author = new Document(NAME);
  const set = write(author, 1, (cards) => cards.at("k", lwwRegister).set("x"));
  const other = new Document(NAME);
  other.apply(set);
  // Author 7 comes after author 1 and before nobody; author 0 would be first, so the order is not that of authors.
  const again = write(other, 7, (cards) => cards.at("k", lwwRegister).set("y"));
  author.apply(again);
  const remove = write(author, 1, (cards) => cards.delete("k"));
  const opaque = new Document(NAME);
  for (const change of [set, again, remove]) opaque.apply(notUnderstood(change));
  expect(opaque.toJSON()).toEqual({});
  const read = unwrap(Document.decodeState(opaque.encodeState()));
  expectBytes(read.encodeState(), author.encodeState());
});

test("very many ops of later versions are passed over in time, whoever has observed whom", () => {
  const count = 20_000;
  const states = [
    // By one author; by many who know of nobody; each after the next one, so that the last one made comes first.
    (i: number) => ({ author: 1, first: i, observed: [] }),
    (i: number) => ({ author: i, first: 1, observed: [] }),
    (i: number) => ({
      author: count + 1 - i,
      first: 1,
      observed: i === 1 ? [] : [{ author: count + 2 - i, counter: 1 }],
    }),
  ].map((headOf) => {
    const document = new Document(NAME);
    for (let i = 1; i <= count; i++) {
      const op = { act: "opaque", bytes: Uint8Array.of(200) } as const;
      const paths = [[{ name: "later", kind: KINDS.register }]];
      document.apply(createChange({ document: NAME, stamp: 1, ...headOf(i), paths, ops: [{ path: 0, op }] }));
    }
    return document.encodeState();
  });
  for (const state of states) expectBytes(unwrap(Document.decodeState(state)).encodeState(), state);
});

test("what was kept of many who built on each other is played in that order, however long the chain", () => {
  const plain = new Document(NAME);
  const opaque = new Document(NAME);
  for (let author = 3_000; author > 0; author--) {
    const change = write(plain, author, (cards) => {
      cards.at("k", lwwRegister).set(author);
      if (author % 7 === 0) cards.delete("k");
    });
    opaque.apply(notUnderstood(change));
  }
  expectBytes(unwrap(Document.decodeState(opaque.encodeState())).encodeState(), plain.encodeState());
});

test("a map alone: ops below it go from replica to replica", () => {
  const one = new Replica(orMap, 1);
  const two = new Replica(orMap, 2);
  const ops = one.edit(1, (map) => {
    map.at("a", orMap).at("n", pnCounter).increment(3);
    map.at("b", lwwRegister).set(1);
    map.delete("b");
  });
  for (const op of ops) expect(unwrap(two.apply(op))).toBe("applied");
  expect(two.value).toEqual({ a: { n: 3 } });
  expectBytes(two.state(), one.state());
});

type Mutate = Parameters<Document["prepare"]>[1];

/** The change as a version without maps reads it. */
function notUnderstood(change: Change): Change {
  const ops = change.ops.map(({ path, op }, i) => {
    const whole = createChange({
      ...change,
      first: change.first + i,
      paths: [change.paths[path]!],
      ops: [{ path: 0, op }],
    });
    const payload = whole.bytes.slice(whole.bytes.length - 4 - payloadLength(whole), -4);
    return { path, op: { act: "opaque", bytes: payload } as const };
  });
  return { ...change, ops };
}

/** Of a change with one op, whose payload ends the body after its length of one byte. */
function payloadLength({ bytes }: Change): number {
  const end = bytes.length - 4;
  for (let length = 1; length < 128; length++) {
    if (bytes[end - length - 1] === length && bytes[end - length - 2] === 0) return length;
  }
  throw new Error("no payload");
}

function both(mutate: (cards: MapDraft) => void): [a: Document, b: Document] {
  const [a, b] = [new Document(NAME), new Document(NAME)];
  b.apply(write(a, 1, mutate));
  return [a, b];
}

function exchange(a: Document, ofA: Change, b: Document, ofB: Change): void {
  a.apply(ofB);
  b.apply(ofA);
  expectBytes(a.encodeState(), b.encodeState());
}

function write(document: Document, author: number, mutate: (cards: MapDraft) => void): Change {
  return transact(document, author, (draft) => mutate(draft.at("cards", orMap)));
}

function transact(document: Document, author: number, mutate: Mutate): Change {
  return document.transact({ author, stamp: 1 }, mutate)!;
}
