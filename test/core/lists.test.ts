/** Stories of lists: what people do to one at the same time, what is refused, and that long ones are right and small. */
import {
  ByteWriter,
  type Change,
  createChange,
  Document,
  InvalidValue,
  type ListDraft,
  type ListOp,
  list,
  lwwRegister,
  orMap,
  Replica,
  sealed,
  type Value,
} from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Positions } from "../../packages/core/src/positions.js";
import { draws } from "./share.js";
import { expectBytes, expectEqual, NAME, unwrap } from "./world.js";

test("runs that people write into one place at the same time do not mix, whichever way they write", () => {
  for (const [how, write] of [
    ["forwards", (items: ListDraft, at: number, word: string) => items.insert(at, ...word)],
    [
      "backwards",
      (items: ListDraft, at: number, word: string) => {
        for (const letter of [...word].reverse()) items.insert(at, letter);
      },
    ],
  ] as const) {
    const [a, b] = both((items) => items.insert(0, "(", ")"));
    const ofA = edit(a, 1, (items) => write(items, 1, "milk"));
    const ofB = edit(b, 2, (items) => write(items, 1, "eggs"));
    exchange(a, ofA, b, ofB);
    expect(["(milkeggs)", "(eggsmilk)"], how).toContain(valuesOf(a).join(""));
  }
});

test("runs do not mix either when one is written backwards while others are written forwards", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: fc.nat({ max: 2 }), left: fc.boolean() }), { minLength: 3, maxLength: 12 }),
      (steps) => {
        const documents = [1, 2, 3].map(() => new Document(NAME));
        const changes: Change[] = [];
        // Each has a run of its own, which grows at one of its ends.
        for (const { at, left } of steps) {
          changes.push(edit(documents[at]!, at + 1, (items) => items.insert(left ? 0 : items.length, at)));
        }
        documents.forEach((document, at) => {
          for (const change of changes) if (change.author !== at + 1) document.apply(change);
        });
        const shown = valuesOf(documents[0]!);
        const seams = shown.filter((value, i) => i > 0 && value !== shown[i - 1]).length;
        expectEqual(seams, new Set(shown).size - 1);
        for (const document of documents) expectEqual(valuesOf(document), shown);
      },
    ),
  );
});

test("of siblings whose right neighbours differ the one with the rightmost comes first, whoever made it", () => {
  const start = new Document(NAME);
  edit(start, 5, (items) => items.push("q"));
  const [one, three] = [start.clone(), start.clone()];
  const p = edit(one, 1, (items) => items.insert(0, "p"));
  const s = edit(three, 3, (items) => items.insert(0, "s"));
  // Nine has seen p alone, two has seen s as well: both insert after p.
  const nine = one.clone();
  const x = edit(nine, 9, (items) => items.insert(1, "x"));
  const two = one.clone();
  two.apply(s);
  const y = edit(two, 2, (items) => items.insert(1, "y"));
  for (const order of [
    [p, s, x, y],
    [s, p, y, x],
  ]) {
    const document = start.clone();
    for (const change of order) document.apply(change);
    expect(valuesOf(document)).toEqual(["p", "x", "y", "s", "q"]);
  }
});

test.each([0, 1, 20, 40, 63, 64, 100])(
  "the same in a long list, whose parts are counted from the top: after %i others, with very many between",
  (before) => {
    const start = new Document(NAME);
    const pads = Array.from({ length: before }, (_, i) => i);
    edit(start, 5, (items) => items.push(...pads, "q"));
    const [one, three] = [start.clone(), start.clone()];
    const p = edit(one, 1, (items) => items.insert(before, "p"));
    const run = Array.from({ length: 300 }, (_, i) => `s${i}`);
    const s = edit(three, 3, (items) => items.insert(before, ...run));
    const [nine, two] = [one.clone(), one.clone()];
    const x = edit(nine, 9, (items) => items.insert(before + 1, "x"));
    two.apply(s);
    const y = edit(two, 2, (items) => items.insert(before + 1, "y"));
    for (const order of [
      [p, s, x, y],
      [s, p, y, x],
    ]) {
      const document = start.clone();
      for (const change of order) document.apply(change);
      expect(valuesOf(document)).toEqual([...pads, "p", "x", "y", ...run, "q"]);
    }
  },
);

test("people who move one element at the same time leave it once, where the later one has put it", () => {
  const [a, b] = both((items) => items.push("a", "b", "c", "d"));
  const ofA = edit(a, 1, (items) => items.move(0, 3), 5);
  const ofB = edit(b, 2, (items) => items.move(0, 1), 6);
  expect(valuesOf(a)).toEqual(["b", "c", "d", "a"]);
  exchange(a, ofA, b, ofB);
  expect(valuesOf(a)).toEqual(["b", "a", "c", "d"]);
});

test("a move by somebody who has seen another one wins, whatever the clocks say", () => {
  const [a, b] = both((items) => items.push("a", "b", "c"));
  b.apply(edit(a, 1, (items) => items.move(0, 2), 2 ** 50));
  const again = edit(b, 2, (items) => items.move(2, 1), 1);
  a.apply(again);
  expect(valuesOf(a)).toEqual(["b", "a", "c"]);
});

test("deleting beats a move at the same time, and what was put beside the place moved to stays there", () => {
  const [a, b] = both((items) => items.push("a", "b", "c"));
  const remove = edit(a, 1, (items) => items.delete(0));
  const move = edit(b, 2, (items) => {
    items.move(0, 1);
    items.insert(2, "beside");
  });
  exchange(a, remove, b, move);
  expect(valuesOf(a)).toEqual(["b", "beside", "c"]);
});

test("an element keeps its id wherever it goes, and ids are found again", () => {
  const [a, b] = both((items) => items.push("a", "b", "c"));
  const items = a.at("items", list);
  const [first] = items.ids;
  expect(items.idAt(0)).toBe(first);
  b.apply(edit(a, 1, (draft) => draft.move(0, 2)));
  for (const document of [a, b]) {
    const { ids } = document.at("items", list);
    expect(ids.indexOf(first!)).toBe(2);
    expect(document.at("items", list).indexOfId(first!)).toBe(2);
  }
  edit(a, 1, (draft) => draft.delete(2));
  expect(items.indexOfId(first!)).toBe(-1);
  for (const id of ["", "1", "1@", "x@y", "1@2@3", "01@1", "9@9"]) expect(items.indexOfId(id)).toBe(-1);
});

test("reads", () => {
  const [a] = both((items) => items.push("x", { n: 1 }, "y"));
  const items = a.at("items", list);
  expect([items.length, items.at(1), items.at(3), items.at(-1), items.at(0.5)]).toEqual([
    3,
    { n: 1 },
    undefined,
    undefined,
    undefined,
  ]);
  expect([items.indexOf({ n: 1 }), items.indexOf("y"), items.indexOf("z")]).toEqual([1, 2, -1]);
  expect(items.idAt(3)).toBeUndefined();
});

test("emptying a list leaves what others insert at the same time", () => {
  const [a, b] = both((items) => items.push("a", "b"));
  const clear = edit(a, 1, (items) => items.clear());
  const insert = edit(b, 2, (items) => items.insert(1, "new"));
  exchange(a, clear, b, insert);
  expect(valuesOf(a)).toEqual(["new"]);
  expect(write(new Document(NAME), 1, (draft) => draft.at("items", list).clear())).toBeUndefined();
});

test("a list in a map goes with its key, and what others put into it meanwhile stays in its place", () => {
  const start = new Document(NAME);
  const first = write(start, 1, (draft) => {
    draft.at("boards", orMap).at("b1", orMap).at("title", lwwRegister).set("x");
    draft.at("boards", orMap).at("b1", orMap).at("cards", list).push("a", "b");
  })!;
  const [a, b] = [start, new Document(NAME)];
  b.apply(first);
  const remove = write(a, 1, (draft) => draft.at("boards", orMap).delete("b1"))!;
  expect(a.toJSON()).toEqual({});
  const insert = write(b, 2, (draft) =>
    draft.at("boards", orMap).at("b1", orMap).at("cards", list).insert(1, "new"),
  )!;
  exchange(a, remove, b, insert);
  expect(a.toJSON()).toEqual({ boards: { b1: { cards: ["new"] } } });
});

describe("refused, with nothing done", () => {
  test.each<[what: string, write: (items: ListDraft) => void, reason: RegExp]>([
    ["an insert beyond the end", (items) => items.insert(4, "x"), /index 4 is not in a list of 3/],
    ["an insert of nothing beyond the end", (items) => items.insert(4), /index 4 is not in a list of 3/],
    ["a negative index", (items) => items.insert(-1, "x"), /index -1/],
    ["half an index", (items) => items.delete(0.5), /index 0.5/],
    ["no index at all", (items) => items.insert(Number.NaN, "x"), /index NaN/],
    ["a deletion beyond the end", (items) => items.delete(2, 2), /index 3 is not in a list of 3/],
    ["a deletion of nothing beyond the end", (items) => items.delete(4, 0), /index 4/],
    ["a negative number of deletions", (items) => items.delete(0, -1), /-1 is not a number of elements/],
    ["a move from beyond the end", (items) => items.move(3, 0), /index 3/],
    ["a move beyond the end", (items) => items.move(0, 3), /index 3/],
    ["a value that is none", (items) => items.push(1, Number.NaN), /NaN/],
  ])("%s", (_what, attempt, reason) => {
    const [a] = both((items) => items.push("a", "b", "c"));
    const before = a.encodeState();
    expect(() => edit(a, 1, attempt)).toThrow(InvalidValue);
    expect(() => edit(a, 1, attempt)).toThrow(reason);
    expectBytes(a.encodeState(), before);
  });
});

test("long lists: indexes, moves and taking back are those of an array", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          do: fc.constantFrom("insert", "insert", "run", "front", "delete", "move", "prepare"),
          at: fc.nat(),
          to: fc.nat(),
        }),
        { minLength: 150, maxLength: 300 },
      ),
      (steps) => {
        const document = new Document(NAME);
        const items = document.at("items", list);
        let array: Value[] = [];
        let next = 0;
        const act = (draft: ListDraft, step: (typeof steps)[number]): Value[] => {
          const after = [...array];
          const at = step.at % (array.length || 1);
          if (step.do === "delete" || step.do === "move") {
            if (array.length === 0) return after;
            const [taken] = after.splice(at, 1);
            if (step.do === "delete") draft.delete(at);
            else {
              const to = step.to % array.length;
              draft.move(at, to);
              after.splice(to, 0, taken!);
            }
          } else {
            const where = step.do === "front" ? 0 : step.at % (array.length + 1);
            const values = Array.from({ length: step.do === "run" ? 40 : 1 }, () => next++);
            draft.insert(where, ...values);
            after.splice(where, 0, ...values);
          }
          return after;
        };
        for (const step of steps) {
          if (step.do === "prepare") {
            document.prepare({ author: 1, stamp: 1 }, (draft) => {
              act(draft.at("items", list), { ...step, do: "run" });
              act(draft.at("items", list), { ...step, do: "move" });
            });
          } else {
            edit(document, 1, (draft) => {
              array = act(draft, step);
            });
          }
          const at = step.to % (array.length || 1);
          expectEqual(items.at(at), array[at]);
          const id = items.idAt(at);
          if (id !== undefined) expectEqual(items.indexOfId(id), at);
        }
        expectEqual(items.values, array);
        const state = document.encodeState();
        const read = unwrap(Document.decodeState(state));
        expectEqual(read.at("items", list).values, array);
        expectBytes(read.encodeState(), state);
        expectBytes(document.clone().encodeState(), state);
      },
    ),
    { numRuns: draws(15) },
  );
});

test("what is deleted leaves its position alone: the state of a list that comes and goes stays a fraction of it", () => {
  const document = new Document(NAME);
  edit(document, 1, (items) => items.push(...Array.from({ length: 1_000 }, () => "ten bytes!")));
  const full = document.encodeState().length;
  edit(document, 1, (items) => items.clear());
  const empty = document.encodeState().length;
  expect(full).toBeLessThan(1_000 * 12.5 + 100);
  expect(empty).toBeLessThan(350);
});

test("small ops are small: what an op takes beside its path and its length", () => {
  const document = new Document(NAME);
  const by = { author: 1, stamp: 1 };
  const size = (mutate: (items: ListDraft) => void): number => {
    const change = document.transact(by, (draft) => mutate(draft.at("items", list)))!;
    const authors = change.ops.length;
    const empty = document.prepare(by, (draft) => draft.at("items", lwwRegister).set(null))!;
    return (change.bytes.length - empty.bytes.length + 2) / authors;
  };
  size((items) => items.push(1));
  expect(size((items) => items.push(2))).toBeLessThanOrEqual(5);
  expect(size((items) => items.insert(1, 3))).toBeLessThanOrEqual(7);
  expect(size((items) => items.push(...Array.from({ length: 100 }, () => 1)))).toBeLessThanOrEqual(5.1);
  expect(size((items) => items.delete(0))).toBeLessThanOrEqual(4);
});

test("what was made on a change that is no more is made again where it was meant, also by later changes", () => {
  const [a, b] = both((items) => items.push("a", "d"));
  const insert = edit(a, 7, (items) => items.insert(1, "b", "c"));
  const later = edit(a, 7, (items) => {
    items.move(1, 3);
    items.insert(2, "x");
    items.delete(0);
  });
  expect(valuesOf(a)).toEqual(["c", "x", "d", "b"]);
  // Another author, whose ops have other dots, among others of his.
  edit(b, 9, (items) => items.push("e"));
  const made = new Map();
  for (const change of [insert, later]) {
    b.transact({ author: 9, stamp: 2 }, (draft) => draft.repeat(change, made));
  }
  expect(valuesOf(b)).toEqual(["c", "x", "d", "b", "e"]);
  // Without what came before there is nothing to move; inserts go to the end.
  const lost = new Document(NAME);
  lost.transact({ author: 9, stamp: 2 }, (draft) => draft.repeat(later));
  expect(valuesOf(lost)).toEqual(["x"]);
});

test.each([2, 4, 6, 8])(
  "a position that is taken back leaves those beside it as they are, wherever it stood: of author %i",
  (author) => {
    const place = { parent: { author: 1, counter: 1 }, side: "right", origin: "same" } as const;
    const [with_, without] = [new Positions(), new Positions()];
    for (const positions of [with_, without]) {
      positions.add({ author: 1, counter: 1 }, { parent: undefined, side: "right", origin: "same" });
      for (const sibling of [3, 5, 7]) positions.add({ author: sibling, counter: 1 }, place);
    }
    with_.add({ author, counter: 1 }, place);
    with_.removeLast();
    // The first one takes the number of the position that is gone, and stands elsewhere.
    for (const positions of [with_, without]) {
      positions.add({ author: 2, counter: 9 }, { ...place, side: "left" });
      for (const later of [9, 4, 1]) positions.add({ author: later, counter: 9 }, place);
    }
    const order = (positions: Positions): unknown =>
      [...positions.order].map((position) => positions.dotOf(position));
    expect(order(with_)).toEqual(order(without));
  },
);

test("what goes to the end goes there also after long runs have been taken back", () => {
  const [elsewhere, long] = [new Document(NAME), new Document(NAME)];
  edit(elsewhere, 1, (items) => items.push("x"));
  const unknown = edit(elsewhere, 1, (items) => items.push("last"));
  edit(long, 2, (items) => items.push(...Array.from({ length: 300 }, (_, i) => i)));
  for (const count of [1, 100, 1_000, 3_000])
    long.prepare({ author: 3, stamp: 1 }, (draft) =>
      draft.at("items", list).push(...Array.from({ length: count }, () => "taken back")),
    );
  // It was made beside what is not here.
  long.transact({ author: 4, stamp: 2 }, (draft) => draft.repeat(unknown));
  expect(valuesOf(long)).toEqual([...Array.from({ length: 300 }, (_, i) => i), "last"]);
  expectBytes(unwrap(Document.decodeState(long.encodeState())).encodeState(), long.encodeState());
});

test("an op beside a position that is none of the list's does nothing, for everybody", () => {
  const [a, b] = both((items) => items.push("a"));
  const place = { parent: { author: 1, counter: 2 }, side: "right", origin: "same" } as const;
  // Op 2 of author 1 is on another field.
  const other = write(a, 1, (draft) => draft.register("title").set("x"))!;
  const lies = (op: ListOp): Change =>
    createChange({
      document: NAME,
      author: 6,
      first: b.counter(6) + 1,
      stamp: 1,
      observed: [{ author: 1, counter: 2 }],
      paths: [[{ name: "items", kind: list.kind }]],
      ops: [{ path: 0, op }],
    });
  b.apply(other);
  for (const op of [
    { act: "insert", value: 1, place },
    { act: "insert", value: 1, place: { parent: undefined, side: "right", origin: place.parent } },
    { act: "move", place, element: { author: 1, counter: 1 }, replaces: [] },
    { act: "delete", element: { author: 1, counter: 2 } },
    // Beside one that was left out.
    { act: "insert", value: 1, place: { ...place, parent: { author: 6, counter: 1 } } },
  ] satisfies ListOp[]) {
    const change = lies(op);
    a.apply(change);
    b.apply(change);
    expect(valuesOf(a)).toEqual(["a"]);
    expectBytes(a.encodeState(), b.encodeState());
  }
});

test("alone, with ops and with states", () => {
  const one = new Replica(list, 1);
  const two = new Replica(list, 2);
  const ops = one.edit(1, (items) => {
    items.push("a", "b", "c");
    items.move(2, 0);
  });
  for (const op of ops) expect(unwrap(two.apply(op))).toBe("applied");
  expect(two.value).toEqual(["c", "a", "b"]);
  const three = new Replica(list, 3);
  unwrap(three.merge(two.state()));
  expect(three.view.values).toEqual(["c", "a", "b"]);
  expectBytes(three.state(), one.state());
});

test("the state of a list with positions in a circle, twice, or beside none is refused", () => {
  const read = (...bytes: number[]): string | undefined => refusal(bytes);
  // One run: op 1 of the only author at the beginning, with its value.
  expect(read(1, 1, 0, 1, 1, 3, 1)).toBeUndefined();
  expect(read()).toBeUndefined();
  expect(read(0)).toMatch(/without positions/);
  expect(read(1, 0, 0, 1)).toMatch(/nothing to follow/);
  expect(read(2, 1, 0, 1, 1, 0, 1)).toMatch(/a position twice/);
  expect(read(1, 2, 0, 1, 0, 2)).toMatch(/not there/);
  expect(read(2, 2, 0, 1, 0, 2, 2, 0, 2, 0, 1)).toMatch(/in a circle|longer than it needs/);
  expect(read(2, 1, 0, 1, 0, 0, 2)).toMatch(/in pieces/);
  expect(read(1, 1 + 7 * 9, 0, 1)).toMatch(/beyond what was seen/);
  expect(read(1, 1, 0, 1, 0, 0)).toMatch(/too many/);
});

/** Why the state of a list is refused whose one author has made nine ops. */
function refusal(bytes: readonly number[]): string | undefined {
  const out = new ByteWriter();
  out.byte(3);
  for (const n of [list.kind, 1, 1, 9]) out.uint(n);
  out.raw(Uint8Array.from(bytes));
  const result = new Replica(list, 2).merge(sealed(out));
  return result.ok ? undefined : result.fault.reason;
}

type Mutate = Parameters<Document["prepare"]>[1];

function valuesOf(document: Document): readonly Value[] {
  return document.at("items", list).values;
}

function both(mutate: (items: ListDraft) => void): [a: Document, b: Document] {
  const [a, b] = [new Document(NAME), new Document(NAME)];
  b.apply(edit(a, 1, mutate));
  return [a, b];
}

function exchange(a: Document, ofA: Change, b: Document, ofB: Change): void {
  a.apply(ofB);
  b.apply(ofA);
  expectBytes(a.encodeState(), b.encodeState());
}

function edit(document: Document, author: number, mutate: (items: ListDraft) => void, stamp = 1): Change {
  return document.transact({ author, stamp }, (draft) => mutate(draft.at("items", list)))!;
}

function write(document: Document, author: number, mutate: Mutate): Change | undefined {
  return document.transact({ author, stamp: 1 }, mutate);
}
