/**
 * Deltas that no writer of ours has written, byte by byte: refused for the right reason, with nothing changed. Of each kind
 * one that is right stands beside them, so that it is the one wrong thing that is refused.
 *
 * Two authors have made nine ops each, all since the beginning; they are number 0 and 1 in what follows.
 */
import {
  Document,
  deltaSince,
  documentDeltaSince,
  documentVersion,
  KINDS,
  type KindName,
  list,
  mergeDelta,
  mergeDocumentDelta,
  orSet,
  Replica,
  type StateForm,
  versionOf,
} from "@syncline/core";
import { describe, expect, test } from "vitest";
import { type Bytes, type Case, sealedOf } from "./byte-cases.js";
import { CASES } from "./cases.js";
import { expectBytes, NAME, unwrap } from "./world.js";

const X: Bytes = [5, 1, 0x78];
const Y: Bytes = [5, 1, 0x79];
const KEY: Bytes = [1, 0x6b];
/** Of a field or a key: a register with x in it, by op 1 of the first author at stamp 5, after its length. */
const REGISTER: Bytes = [7, 1, 0, 1, 5, ...X];

const NEWS: readonly Case[] = [
  {
    kind: "register",
    right: [["x", REGISTER]],
    wrong: [
      ["bytes left over in it", [8, 1, 0, 1, 5, ...X, 0], /1 bytes too many/],
      ["bytes left over after it", [...REGISTER, 0], /1 bytes too many/],
      ["longer than there is", [8, 1, 0, 1, 5, ...X], /8 bytes expected, 7 there/],
    ],
  },
  {
    kind: "flag",
    right: [[true, [3, 1, 1, 2]]],
    wrong: [["a dot that was not seen", [3, 1, 1, 10], /10 is above 9/]],
  },
  {
    kind: "list",
    // Positions with their forms, dots and places; elements; moves: of which element, to which position, when.
    right: [
      [["x"], [1, 1, 0, 1, 1, 0, 1, ...X, 0]],
      [
        ["x", "y"],
        [2, 1, 0, 1, 0, 0, 2, 2, 0, 1, ...X, 0, 2, ...Y, 0],
      ],
      // Moved behind the other one by the second author.
      [
        ["y", "x"],
        [3, 1, 0, 1, 0, 0, 2, 0, 1, 1, 2, 0, 1, ...X, 0, 2, ...Y, 1, 0, 1, 1, 1, 3],
      ],
      // By two, of whom the later one wins, in whichever order they stand.
      [
        ["y", "x"],
        [4, 1, 0, 1, 0, 0, 2, 0, 1, 1, 1, 1, 2, 2, 0, 1, ...X, 0, 2, ...Y, 2, 0, 1, 1, 1, 9, 0, 1, 1, 2, 3],
      ],
      [
        ["y", "x"],
        [4, 1, 0, 1, 0, 0, 2, 0, 1, 1, 1, 1, 2, 2, 0, 1, ...X, 0, 2, ...Y, 2, 0, 1, 1, 2, 3, 0, 1, 1, 1, 9],
      ],
      // A move of an element that has been deleted since.
      [[], [2, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 3]],
    ],
    wrong: [
      ["a place of no form", [1, 7, 0, 1, 1, 0, 1, ...X, 0], /a place of form 7/],
      ["more positions than there can be", [9, 1, 0, 1, 0, 0], /9 things declared/],
      ["more elements than there can be", [1, 1, 0, 1, 9, 0, 1, ...X, 0], /9 things declared/],
      ["more moves than there can be", [1, 1, 0, 1, 1, 0, 1, ...X, 9, 0, 1], /9 things declared/],
      ["a position beside one that is not there", [1, 2, 0, 1, 0, 5, 0, 0], /beside one that is not there/],
      ["a place longer than it needs", [2, 1, 0, 1, 2, 0, 2, 0, 1, 0, 0], /longer than it needs/],
      ["an element without a position", [1, 1, 0, 1, 1, 0, 2, ...X, 0], /an element without a position/],
      ["an element twice", [1, 1, 0, 1, 2, 0, 1, ...X, 0, 1, ...X, 0], /an element without a position/],
      ["a move to no position", [1, 1, 0, 1, 1, 0, 1, ...X, 1, 0, 1, 0, 5, 3], /a move to no position/],
      [
        "a move to where it was inserted",
        [1, 1, 0, 1, 1, 0, 1, ...X, 1, 0, 1, 0, 1, 3],
        /a move to no position/,
      ],
      ["bytes left over", [1, 1, 0, 1, 1, 0, 1, ...X, 0, 0], /1 bytes too many/],
    ],
  },
  {
    kind: "map",
    // Who has created it; what is inside, each after its key and its kind; no removals and no uses.
    right: [
      [{ k: "x" }, [0, 1, ...KEY, KINDS.register, ...REGISTER, 0, 0]],
      [{}, [1, 0, 1, 0, 0, 0]],
      [{ k: { k: "x" } }, [0, 1, ...KEY, KINDS.map, 0, 1, ...KEY, KINDS.register, ...REGISTER, 0, 0, 0, 0]],
    ],
    wrong: [
      ["dots out of order", [2, 1, 1, 0, 1, 0, 0, 0], /dots out of order/],
      ["a key of no name", [0, 1, 0, KINDS.register, ...REGISTER, 0, 0], /bytes/],
      ["a kind that nobody knows", [0, 1, ...KEY, 99, ...REGISTER, 0, 0], /a kind 99, which is not known/],
      ["more keys than there can be", [0, 99, ...KEY, KINDS.register, ...REGISTER], /99 things declared/],
      ["bytes left over", [1, 0, 1, 0, 0, 0, 0], /1 bytes too many/],
      [
        "maps in maps without end",
        Array.from({ length: 40 }, () => [0, 1, ...KEY, KINDS.map]).flat(),
        /pathDepthMax/,
      ],
    ],
  },
  {
    kind: "remove-map",
    // The same; then the removals of keys, each with those who know of it; then what they have outdone.
    right: [
      [{}, [0, 0, 1, ...KEY, 0, 1, 1, 1, 1, 0]],
      [{}, [0, 0, 1, ...KEY, 0, 1, 0, 1, 1, ...KEY, KINDS.register, 1, 1, 1, 5, ...X]],
    ],
    wrong: [
      ["more removals than there can be", [0, 0, 9, ...KEY, 0, 1, 0, 0], /9 things declared/],
      ["knowing out of order", [0, 0, 1, ...KEY, 0, 1, 2, 1, 1, 0, 1, 0], /dots out of order/],
      ["more than there can be that was outdone", [0, 0, 0, 9, 0], /9 things declared/],
    ],
  },
  {
    kind: "keep-map",
    // The same; then of keys who has used them, and whether they are hidden.
    right: [
      [{ k: "x" }, [0, 1, ...KEY, KINDS.register, ...REGISTER, 0, 1, ...KEY, 1, 0, 1, 0]],
      [{}, [0, 1, ...KEY, KINDS.register, ...REGISTER, 0, 1, ...KEY, 1, 0, 1, 1]],
    ],
    wrong: [["uses out of order", [0, 0, 0, 1, ...KEY, 2, 1, 1, 0, 1, 0], /dots out of order/]],
  },
];

describe.each(NEWS)("what is new of a $kind", ({ kind, right, wrong }) => {
  const holder = (): StateForm =>
    CASES.find((each) => each.kind === kind)!.withType((type) => new Replica(type, 9));
  const value = (replica: StateForm): unknown =>
    (replica as Replica<never, never, unknown, object, object>).value;

  test.each(right)("that is right is taken, and shows %j", (shown, news) => {
    const replica = holder();
    const delta = deltaOf(kind, news);
    expect(unwrap(mergeDelta(replica, delta))).toBe("applied");
    expect(value(replica)).toEqual(shown);
    expect(unwrap(mergeDelta(replica, delta))).toBe("duplicate");
  });

  test.each(wrong)("%s", (_what, news, reason) => {
    const replica = holder();
    const before = replica.state();
    const result = mergeDelta(replica, deltaOf(kind, news));
    expect(result.ok ? undefined : result.fault.reason).toMatch(reason);
    expectBytes(replica.state(), before);
  });
});

test("an element of which its place was never seen by whoever says that it is left", () => {
  const [ann, bob] = [new Replica(list, 1), new Replica(list, 2)];
  ann.edit(1, (items) => items.push("x"));
  unwrap(bob.merge(ann.state()));
  bob.edit(2, (items) => items.push("y"));
  const before = bob.state();
  // He has made two ops, the second is new and puts a position at the beginning, and the first is left. Nobody else is known.
  const result = mergeDelta(
    bob,
    sealedOf([4, KINDS.list, 1, 2, 2, 1, 1, 0, 0, 1, 1, 0, 2, 1, 0, 2, ...X, 0]),
  );
  expect(result.ok ? undefined : result.fault.reason).toMatch(/an element without a position/);
  expectBytes(bob.state(), before);
});

describe("the head of a delta", () => {
  // Version and kind; who has made how much, and how much of it since; what is left of each one's.
  const set = [4, KINDS.set];
  const refusal = (bytes: Bytes): string | undefined => {
    const replica = new Replica(orSet, 9);
    const result = mergeDelta(replica, sealedOf(bytes));
    return result.ok ? undefined : result.fault.reason;
  };

  test("that is right is taken, or is early", () => {
    expect(refusal([...set, 2, 1, 9, 2, 9, 9, 9, 0, 0])).toBeUndefined();
    const early = mergeDelta(new Replica(orSet, 9), sealedOf([...set, 2, 1, 9, 2, 9, 9, 8, 0, 0]));
    expect(unwrap(early)).toBe("early");
  });

  test.each<[what: string, bytes: Bytes, reason: RegExp]>([
    ["a later version", [5, KINDS.set, 0], /delta format 5, known is 4/],
    ["another type", [4, KINDS.flag, 0], /another type/],
    ["authors out of order", [...set, 2, 2, 9, 1, 9, 9, 9, 0, 0], /author/],
    ["more that is new than there is", [...set, 1, 1, 9, 10, 0], /10 is above 9/],
    ["more ranges than there can be", [...set, 1, 1, 9, 9, 5, 0, 0], /5 things declared/],
    ["what is left of what was not seen", [...set, 1, 1, 9, 9, 1, 8, 1], /what is left of what was not seen/],
    ["the same, in a second range", [...set, 1, 1, 9, 9, 2, 0, 6, 0, 1], /what is left of what was not seen/],
    ["nothing at all", [], /too short|expected/],
  ])("%s", (_what, bytes, reason) => expect(refusal(bytes)).toMatch(reason));

  test("what is left may be all of it, and its last op", () => {
    expect(refusal([...set, 1, 1, 9, 9, 1, 0, 8])).toBeUndefined();
    expect(refusal([...set, 1, 1, 9, 9, 2, 0, 5, 1, 0])).toBeUndefined();
  });
});

test("what is left is told exactly, whatever has been removed: first, last, every other one, all but one", () => {
  const all = Array.from({ length: 12 }, (_, i) => `e${i}`);
  const choices: ((i: number) => boolean)[] = [
    () => true,
    () => false,
    (i) => i === 0,
    (i) => i === 11,
    (i) => i !== 0,
    (i) => i !== 11,
    (i) => i % 2 === 0,
    (i) => i % 3 !== 1,
    (i) => i >= 4 && i <= 8,
    (i) => i < 4 || i > 8,
    (i) => i === 5,
    (i) => i !== 5,
  ];
  for (const isKept of choices) {
    const [ann, bob, cleo] = [new Replica(orSet, 1), new Replica(orSet, 2), new Replica(orSet, 3)];
    // By two people, a few each in turn.
    all.forEach((element, i) => {
      const [one, other] = i % 4 < 2 ? [ann, bob] : [bob, ann];
      one.edit(1, (elements) => elements.add(element));
      unwrap(other.merge(one.state()));
    });
    unwrap(cleo.merge(ann.state()));
    const version = versionOf(cleo);
    ann.edit(2, (elements) => {
      all.forEach((element, i) => {
        if (!isKept(i)) elements.remove(element);
      });
      elements.add("new");
    });
    expect(unwrap(mergeDelta(cleo, deltaSince(ann, version)))).toBe("applied");
    expect(new Set(cleo.value)).toEqual(new Set(["new", ...all.filter((_, i) => isKept(i))]));
    expectBytes(cleo.state(), ann.state());
  }
});

describe("the delta of a document", () => {
  // Seen and new of each author, no heads, nothing left; then how many fields, and of each its name, kind, first use, news.
  const head = [2, 1, 9, 2, 9, 9, 9, 0, 0, 0];
  const field = [5, ...text("title"), KINDS.register, 0, 1, 5];
  const take = (document: Document, bytes: Bytes, { version = 1, name = NAME } = {}) =>
    mergeDocumentDelta(
      document,
      sealedOf([
        version,
        name.collection.length,
        ...text(name.collection),
        name.key.length,
        ...text(name.key),
        ...bytes,
      ]),
    );

  test("that is right is taken", () => {
    for (const [bytes, shown] of [
      [[...head, 1, ...field, 1, ...REGISTER, 0], { title: "x" }],
      [[2, 1, 9, 2, 9, 9, 9, 1, 2, 0, 0, 0, 1, ...field, 1, ...REGISTER, 0], { title: "x" }],
      [[...head, 1, ...field, 0, 0], {}],
    ] as const) {
      const document = new Document(NAME);
      expect(unwrap(take(document, bytes))).toBe("applied");
      expect(document.toJSON()).toEqual(shown);
      expect([document.counter(1), document.counter(2)]).toEqual([9, 9]);
    }
  });

  test.each<[what: string, bytes: Bytes, reason: RegExp, other?: Parameters<typeof take>[2]]>([
    ["a later version", [...head, 0, 0], /delta format 2, known is 1/, { version: 2 }],
    [
      "another document",
      [...head, 0, 0],
      /a delta of boards\/other/,
      { name: { collection: "boards", key: "other" } },
    ],
    ["a field of no name", [...head, 1, 0, KINDS.register, 0, 1, 5, 1, ...REGISTER, 0], /bytes/],
    [
      "a kind that nobody knows",
      [...head, 1, 5, ...text("title"), 99, 0, 1, 5, 1, ...REGISTER, 0],
      /kind 99/,
    ],
    ["more fields than there can be", [...head, 9, ...field, 0, 0], /9 things declared/],
    [
      "a first use that was not seen",
      [...head, 1, 5, ...text("title"), KINDS.register, 0, 10, 5, 0, 0],
      /10 is above 9/,
    ],
    ["more heads than authors", [2, 1, 9, 2, 9, 9, 9, 3, 2, 0, 0, 0, 0, 0], /3 is above 2/],
    ["bytes left over", [...head, 1, ...field, 1, ...REGISTER, 0, 0], /1 bytes too many/],
  ])("%s", (_what, bytes, reason, other) => {
    const document = new Document(NAME);
    document.transact({ author: 7, stamp: 1 }, (draft) => draft.register("title").set("before"));
    const before = document.encodeState();
    const result = take(document, bytes, other);
    expect(result.ok ? undefined : result.fault.reason).toMatch(reason);
    expectBytes(document.encodeState(), before);
  });

  test("says of a field that is as it was only what is left of it, and of one that is gone that it is", () => {
    const [ann, bob] = [new Document(NAME), new Document(NAME)];
    ann.transact({ author: 1, stamp: 1 }, (draft) => {
      draft.register("kept").set("a long text that need not be sent again");
      draft.set("emptied").add("x");
    });
    bob.merge(ann);
    const version = documentVersion(bob);
    ann.transact({ author: 1, stamp: 2 }, (draft) => draft.set("emptied").remove("x"));
    const delta = documentDeltaSince(ann, version);
    expect(delta.length).toBeLessThan(50);
    expect(unwrap(mergeDocumentDelta(bob, delta))).toBe("applied");
    expect(bob.toJSON()).toEqual({ kept: "a long text that need not be sent again", emptied: [] });
    expectBytes(bob.encodeState(), ann.encodeState());
  });
});

/** What is new of one of a kind, nothing of which was there before. */
function deltaOf(kind: KindName, news: Bytes): Uint8Array {
  return sealedOf([4, KINDS[kind], 2, 1, 9, 2, 9, 9, 9, 0, 0, ...news]);
}

function text(ascii: string): number[] {
  return [...new TextEncoder().encode(ascii)];
}
