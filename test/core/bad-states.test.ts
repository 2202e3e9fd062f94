/**
 * States and ops of each type alone that no writer of ours has written, byte by byte: refused for the right reason. Of each
 * type one that is right stands beside them, so that it is the one wrong thing that is refused.
 *
 * Two authors have made nine ops each; they are number 0 and 1 in what follows.
 */
import { Document, type Draft, KINDS, type KindName, packDocuments } from "@syncline/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Bytes, type Case, sealedOf } from "./byte-cases.js";
import { CASES } from "./cases.js";
import { Refused, subjectOf } from "./subjects.js";
import { NAME, withChecksum } from "./world.js";

const [X, Y]: [Bytes, Bytes] = [
  [5, 1, 0x78],
  [5, 1, 0x79],
];
/** As an integer with a sign is written. */
const MINUS_ONE = 65;

/** The other columns of a set of three, with enough bytes for more. */
const THREE: Bytes = [7, 0, 7, 1, 7, 5, 7, 1, 0x78, 0x79, 0x7a, 0, 0, 0];

/** What is inside of a map: how many; columns of their names and kinds; of each kind its cells. One register, `k`. */
const INSIDE: Bytes = [1, 2, 1, 0x6b, 2, 1, 14, 1, 2, 1, 2, 0, 2, 1, 2, 1, 2, 5, 2, 1, 0x78];
const twoInside = (one: number, other: number): Bytes => [
  ...[
    2,
    4,
    1,
    1,
    one,
    other,
    4,
    1,
    1,
    21,
    1,
    4,
    1,
    1,
    4,
    0,
    0,
    4,
    1,
    1,
    4,
    1,
    0,
    4,
    5,
    5,
    4,
    1,
    1,
    0x78,
    0x78,
  ],
];
/** A removal of `k`, that somebody's third op was, and before that nothing. */
const REMOVED: Bytes = [0, 0, 1, 1, 0x6b, 1, 0, 3, 0];
/** At `k`, of a kind. */
const outdone = (kind: KindName, ...entries: Bytes): Bytes => [1, 1, 0x6b, KINDS[kind], ...entries];
const TRUE = 2;
const NULL = 0;

const STATES: readonly Case[] = [
  {
    kind: "register",
    // How many; of each its dot, its stamp and its value: the winner first.
    right: [["x", [2, 0, 1, 5, ...X, 1, 1, 4, ...Y]]],
    wrong: [
      ["the winner last", [2, 1, 1, 4, ...Y, 0, 1, 5, ...X], /siblings out of order/],
      ["one twice", [2, 0, 1, 5, ...X, 0, 1, 5, ...X], /siblings out of order/],
      ["more than there can be", [90, 0, 1, 5, ...X], /too few bytes/],
      ["a dot that was not seen", [1, 0, 10, 5, ...X], /10 is above 9/],
      ["nothing", [0], /nothing is left/],
      ["bytes left over", [1, 0, 1, 5, ...X, 0], /too many/],
    ],
  },
  {
    kind: "counter",
    // Of each author his steps and what was reset: up to which op, and the sum.
    right: [
      [6, [2, 0, 3, 0, 5, 0, 1, 2, 0, 4, 1, 0, 3]],
      [-1, [1, 0, 1, MINUS_ONE, 255, 255, 255, 255, 15, 0]],
    ],
    wrong: [
      ["authors out of order", [2, 1, 1, 0, 5, 0, 0, 1, 0, 5, 0], /authors out of order/],
      ["an author twice", [2, 0, 1, 0, 5, 0, 0, 2, 0, 5, 0], /authors out of order/],
      ["an author without steps", [1, 0, 0, 0], /an author without steps/],
      ["more than an op can add", [1, 0, 1, 1, 0, 0], /beyond its steps/],
      ["a sum of which one half has 33 bits", [1, 0, 2, 0, 128, 128, 128, 128, 16, 0], /4294967296 is above/],
      ["steps that were not seen", [1, 0, 10, 0, 5, 0], /10 is above 9/],
      ["a reset of what was not seen", [1, 0, 3, 0, 5, 10, 0, 5], /10 is above 9/],
    ],
  },
  {
    kind: "grow-counter",
    right: [[9, [2, 0, 3, 0, 5, 1, 1, 0, 4]]],
    wrong: [
      ["authors out of order", [2, 1, 1, 0, 4, 0, 3, 0, 5], /authors out of order/],
      ["an author twice", [2, 0, 1, 0, 4, 0, 3, 0, 5], /authors out of order/],
      ["a sum of nothing", [1, 0, 1, 0, 0], /a total of nothing/],
      ["a sum below nothing", [1, 0, 1, MINUS_ONE, 255, 255, 255, 255, 15], /a total of nothing/],
    ],
  },
  {
    kind: "set",
    // How many elements; columns of how many dots each has, of authors, of counters, and of the elements.
    right: [
      [
        ["x", "y"],
        [2, 4, 1, 1, 4, 0, 0, 4, 1, 1, 4, 5, 5, 4, 1, 1, 0x78, 0x79],
      ],
      [["x"], [1, 2, 2, 0, 1, 4, 1, 0, 2, 5, 2, 1, 0x78]],
      [
        ["x", "y", "z"],
        [3, 7, 1, 7, 0, 7, 1, 7, 5, 7, 1, 0x78, 0x79, 0x7a],
      ],
    ],
    wrong: [
      // What repeats three times and more is a run, and nothing else is: here in the first column.
      ["a run written out", [3, 6, 1, 1, 1, ...THREE], /a run that could be longer/],
      ["a run of two", [3, 5, 1, 2, 2, ...THREE], /a run that is none/],
      ["a run of nothing", [3, 1, 1, 7, 1, ...THREE], /a run of a wrong length/],
      ["no run of nothing", [3, 0, 7, 1, ...THREE], /a run of a wrong length/],
      ["a run longer than the column", [3, 9, 1, ...THREE], /a run of a wrong length/],
      ["single ones in pieces", [3, 2, 1, 4, 2, 1, ...THREE], /a run that is none/],
      ["a run in pieces", [6, 7, 1, 7, 1, ...THREE], /a run that could be longer/],
      ["a run that begins too late", [4, 2, 1, 7, 1, ...THREE], /a run that could be longer/],
      ["a run that ends too early", [4, 7, 1, 2, 1, ...THREE], /a run that could be longer/],
      ["a run among single ones", [5, 10, 2, 1, 1, 1, 2, ...THREE], /a run that could be longer/],
      [
        "elements out of order",
        [2, 4, 1, 1, 4, 0, 0, 4, 2, MINUS_ONE, 4, 5, 5, 4, 1, 1, 0x78, 0x79],
        /elements out of order/,
      ],
      [
        "two elements of one dot",
        [2, 4, 1, 1, 4, 0, 0, 4, 1, 0, 4, 5, 5, 4, 1, 1, 0x78, 0x79],
        /elements out of order/,
      ],
      ["an element twice", [2, 4, 1, 1, 4, 0, 0, 4, 1, 1, 4, 5, 5, 4, 1, 1, 0x78, 0x78], /an element twice/],
      ["dots out of order", [1, 2, 2, 1, MINUS_ONE, 4, 1, 0, 2, 5, 2, 1, 0x78], /dots out of order/],
      ["a dot twice", [1, 2, 2, 0, 0, 4, 1, 0, 2, 5, 2, 1, 0x78], /dots out of order/],
      ["an element without dots", [1, 2, 0, 2, 0, 2, 1, 2, 5, 2, 1, 0x78], /not from 1/],
      ["more elements than there can be", [100, 201, 1, 1, 0], /100 elements declared/],
      ["more dots than there can be", [1, 2, 100, 2, 0, 2, 1], /100 dots declared/],
      ["a dot that was not seen", [1, 2, 1, 2, 0, 2, 10, 2, 5, 2, 1, 0x78], /was not seen/],
      ["an author that is not there", [1, 2, 1, 2, 2, 2, 1, 2, 5, 2, 1, 0x78], /was not seen/],
    ],
  },
  {
    kind: "remove-set",
    // Of each element the votes for it, and those against.
    right: [[["y"], [2, ...X, 1, 0, 1, 1, 1, 1, ...Y, 1, 0, 2, 0]]],
    wrong: [
      ["elements out of order", [2, ...Y, 1, 0, 2, 0, ...X, 1, 0, 1, 0], /elements out of order/],
      ["an element twice", [2, ...X, 1, 0, 2, 0, ...X, 1, 0, 1, 0], /elements out of order/],
      ["an element without votes", [1, ...X, 0, 0], /too few bytes|without votes/],
      ["an element without votes among others", [2, ...X, 1, 0, 1, 0, ...Y, 0, 0], /without votes/],
      ["a vote on both sides", [1, ...X, 1, 0, 1, 1, 0, 1], /both sides/],
      ["votes out of order", [1, ...X, 2, 1, 1, 0, 1, 0], /dots out of order/],
    ],
  },
  {
    kind: "grow-set",
    right: [
      [
        ["x", "y"],
        [2, ...X, ...Y],
      ],
    ],
    wrong: [
      ["elements out of order", [2, ...Y, ...X], /elements out of order/],
      ["an element twice", [2, ...X, ...X], /elements out of order/],
    ],
  },
  {
    kind: "flag",
    right: [[true, [2, 0, 1, 1, 1]]],
    wrong: [
      ["enablings out of order", [2, 1, 1, 0, 1], /dots out of order/],
      ["an enabling twice", [2, 0, 1, 0, 1], /dots out of order/],
      ["op 0", [1, 0, 0], /begin with 1/],
      ["more than there can be", [90, 0, 1], /too few bytes/],
    ],
  },
  {
    kind: "disable-flag",
    right: [
      [true, [1, 0, 1, 0]],
      [false, [1, 0, 1, 1, 1, 1]],
    ],
    wrong: [
      ["a vote on both sides", [1, 0, 1, 1, 0, 1], /both sides/],
      ["votes out of order", [0, 2, 1, 1, 0, 1], /dots out of order/],
    ],
  },
  {
    kind: "list",
    // Runs: how many; of each its length and form, its dot and what the form leaves open. Stretches. What stands there.
    right: [
      [
        [1, 1],
        [1, 7 + 1, 0, 1, 1 + 3, 3, 1, 3, 1],
      ],
      // Both were inserted by one author; the first was moved behind the second by the other one, under stamp 7.
      [
        ["y", "x"],
        [2, 7 + 1, 0, 1, 0, 1, 1, 0, 1, 2, ...Y, 0, 1, 7, 0, ...X],
      ],
    ],
    wrong: [
      ["no positions", [0], /without positions/],
      ["stretches in pieces", [1, 7 + 1, 0, 1, 1, 1, 3, 1, 3, 1], /a stretch in pieces/],
      ["a stretch beyond the end", [1, 7 + 1, 0, 1, 1 + 6, 3, 1, 3, 1], /is above/],
      [
        "a move of what is not there",
        [2, 7 + 1, 0, 1, 0, 1, 1, 0, 1, 2, ...Y, 1, 9, 7, 0, ...X],
        /not there/,
      ],
      ["a move of an element to where it is", [1, 1, 0, 1, 2, 0, 1, 7, 0, ...X], /not there/],
      [
        "an element that stands twice",
        [2, 7 + 1, 0, 1, 0, 1, 1, 1 + 3, 2, ...X, ...Y, 0, 1, 7, 0, ...X],
        /stands twice/,
      ],
      [
        "an element that was moved and stands where it was",
        [2, 1, 1, 1, 0, 0, 1, 2, 1, 0, 1, 7, 0, ...X, ...Y],
        /stands twice|not there|out of order|longer/,
      ],
      [
        "moves out of order",
        [2, 7 + 1, 0, 1, 0, 1, 1, 0, 1, 2, ...Y, 0, 1, 7, 1, 0, 2, 8, ...X],
        /moves out of order/,
      ],
      [
        "a move to no position",
        [2, 7 + 1, 0, 1, 0, 1, 1, 0, 1, 2, ...Y, 0, 1, 7, 1, 0, 9, 6, ...X],
        /a move to no position/,
      ],
      ["a run of too many", [1, 16 * 7, 0, 1], /is above/],
      [
        "a right child of what it follows, by name",
        [2, 1, 0, 1, 2, 1, 1, 0, 1, 1, 3, 1],
        /longer than it needs/,
      ],
    ],
  },
  {
    kind: "map",
    // Who has created it, and what is inside.
    right: [
      [{}, [1, 0, 1, 0]],
      [{ k: "x" }, [0, ...INSIDE]],
      [{ k: "x", l: "x" }, [1, 1, 1, ...twoInside(0x6b, 0x6c)]],
    ],
    wrong: [
      ["creations out of order", [2, 1, 1, 0, 1, 0], /dots out of order/],
      ["keys out of order", [0, ...twoInside(0x6c, 0x6b)], /children out of order/],
      ["a key twice", [0, ...twoInside(0x6b, 0x6b)], /children out of order/],
      ["a key of no name", [0, 1, 2, 0, ...INSIDE.slice(4)], /bytes/],
      ["a kind that nobody knows", [0, 1, 2, 1, 0x6b, 2, 99, 2, 0, 0], /kind 99/],
      ["a key of which nothing is left", [0, 1, 2, 1, 0x6b, 2, KINDS.flag, 2, 0, 0], /nothing is left/],
      ["cells in a form that is none", [0, 1, 2, 1, 0x6b, 2, KINDS.flag, 2, 2, 0], /an unknown form/],
    ],
  },
  {
    kind: "remove-map",
    // The same; of each removed key its removals, each with those who know of it; then what they have outdone, if anything.
    right: [
      [{}, REMOVED],
      [{}, [...REMOVED, 1, ...outdone("flag", 1, 1, 1, 0, TRUE)]],
      [{}, [...REMOVED, 1, ...outdone("disable-flag", 1, 1, 1, 0, TRUE)]],
      [{}, [...REMOVED, 1, ...outdone("counter", 1, 1, 1, 0, NULL)]],
      [{}, [...REMOVED, 2, ...outdone("register", 1, 1, 1, 5, ...X), ...outdone("set", 1, 1, 2, 0, ...X)]],
      [{ k: "x" }, [0, ...INSIDE, 1, 1, 0x6b, 1, 1, 3, 1, 0, 1]],
    ],
    wrong: [
      ["keys out of order", [0, 0, 2, 1, 0x6c, 1, 0, 3, 0, 1, 0x6b, 1, 0, 4, 0], /removals out of order/],
      ["a key twice", [0, 0, 2, 1, 0x6b, 1, 0, 3, 0, 1, 0x6b, 1, 0, 4, 0], /removals out of order/],
      ["a key without removals", [0, 0, 1, 1, 0x6b, 0, 0, 0, 0, 0], /without removals/],
      ["removals out of order", [0, 0, 1, 1, 0x6b, 2, 1, 3, 0, 0, 3, 0], /removals out of order/],
      ["a removal twice", [0, 0, 1, 1, 0x6b, 2, 0, 3, 0, 0, 3, 0], /removals out of order/],
      ["somebody who knows of his own", [0, 0, 1, 1, 0x6b, 1, 0, 3, 1, 0, 4], /knows twice/],
      ["somebody who knows twice", [0, 0, 1, 1, 0x6b, 1, 0, 3, 2, 1, 1, 1, 2], /knows twice/],
      ["nothing that was outdone", [...REMOVED, 0], /nothing that was outdone/],
      ["nothing outdone at a place", [...REMOVED, 1, ...outdone("flag", 0)], /nothing that was outdone/],
      ["something outdone nowhere", [...REMOVED, 1, 0, 1, 1, 1, 0, TRUE], /outdone nowhere/],
      [
        "places out of order",
        [...REMOVED, 2, ...outdone("set", 1, 1, 2, 0, ...X), ...outdone("register", 1, 1, 1, 5, ...X)],
        /outdone out of order/,
      ],
      [
        "a place twice",
        [...REMOVED, 2, ...outdone("set", 1, 1, 2, 0, ...X), ...outdone("set", 1, 1, 1, 0, ...X)],
        /outdone out of order/,
      ],
      [
        "a flag with another value",
        [...REMOVED, 1, ...outdone("flag", 1, 1, 1, 0, ...X)],
        /no removal outdoes/,
      ],
      [
        "a disable-wins flag with another value",
        [...REMOVED, 1, ...outdone("disable-flag", 1, 1, 1, 0, ...X)],
        /no removal outdoes/,
      ],
      [
        "a counter with a value",
        [...REMOVED, 1, ...outdone("counter", 1, 1, 1, 0, TRUE)],
        /no removal outdoes/,
      ],
      [
        "a record with a value",
        [...REMOVED, 1, ...outdone("record", 1, 1, 1, 0, TRUE)],
        /no removal outdoes/,
      ],
      [
        "a stamp where there is none",
        [...REMOVED, 1, ...outdone("set", 1, 1, 1, 5, ...X)],
        /no removal outdoes/,
      ],
      [
        "what belongs to nobody",
        [...REMOVED, 1, ...outdone("grow-set", 1, 1, 1, 0, ...X)],
        /no removal outdoes/,
      ],
      [
        "two steps of somebody, of whom the last says all",
        [...REMOVED, 1, ...outdone("counter", 2, 1, 2, 0, NULL, 1, 1, 0, NULL)],
        /no removal outdoes/,
      ],
    ],
  },
  {
    kind: "keep-map",
    // The same as of a map; what is hidden; columns of the keys that were used, and of who has used each last.
    right: [
      [{ k: "x" }, [0, ...INSIDE, 0, 1, 2, 1, 0x6b, 2, 1, 0, 2, 1]],
      [{}, [0, 0, ...INSIDE, 1, 2, 1, 0x6b, 2, 1, 0, 2, 1]],
      [{ k: "x" }, [0, ...INSIDE, 0, 1, 2, 1, 0x6b, 2, 2, 0, 1, 4, 1, 1]],
    ],
    wrong: [
      ["a key that nobody has used", [0, ...INSIDE, 0, 0], /nobody has used/],
      ["a hidden key that nobody has used", [0, 0, ...INSIDE, 0], /nobody has used/],
      ["a key of no uses", [0, ...INSIDE, 0, 1, 2, 1, 0x6b, 2, 0], /not from 1/],
      [
        "a key that is hidden and is not",
        [0, ...INSIDE, ...INSIDE, 1, 2, 1, 0x6b, 2, 1, 0, 2, 1],
        /hidden and is not/,
      ],
      ["more uses than there can be", [0, ...INSIDE, 0, 1, 2, 1, 0x6b, 2, 99, 0, 2, 1], /99 uses declared/],
      ["a use that was not seen", [0, ...INSIDE, 0, 1, 2, 1, 0x6b, 2, 1, 0, 2, 10], /was not seen/],
      ["a user twice", [0, ...INSIDE, 0, 1, 2, 1, 0x6b, 2, 2, 0, 0, 4, 1, 1], /authors out of order/],
      [
        "keys out of order",
        [0, ...INSIDE, 0, 2, 4, 1, 1, 0x6c, 0x6b, 4, 1, 1, 0, 0, 4, 1, 1],
        /keys out of order/,
      ],
      ["a key twice", [0, ...INSIDE, 0, 2, 4, 1, 1, 0x6b, 0x6b, 4, 1, 1, 0, 0, 4, 1, 1], /keys out of order/],
    ],
  },
];

describe.each(STATES)("$kind", ({ kind, right, wrong }) => {
  test("what is right is taken", () => {
    for (const [shown, bytes] of right) expect(taken(kind, bytes)).toEqual(shown);
  });

  test.each(wrong)("%s", (_what, bytes, reason) => {
    expect(() => taken(kind, bytes)).toThrow(Refused);
    expect(() => taken(kind, bytes)).toThrow(reason);
  });
});

/** Ops: of author 4, who is number 0 here; the two others are number 1 and 2. */
const OPS: readonly { kind: KindName; right: readonly Bytes[]; wrong: Case["wrong"] }[] = [
  {
    kind: "register",
    right: [
      [1, ...X],
      [1, ...X, 1, 9, 2, 1],
      [2, 1, 1],
    ],
    wrong: [
      ["a clear of nothing", [2], /a clear of nothing/],
      ["what is replaced, out of order", [1, ...X, 2, 1, 1, 1], /dots out of order/],
      ["what is replaced, twice", [1, ...X, 1, 1, 1, 1], /dots out of order/],
      ["what was not observed", [1, ...X, 1, 10], /10 is above 9/],
      ["itself", [1, ...X, 0, 1], /1 is above 0/],
    ],
  },
  {
    kind: "counter",
    right: [
      [1, 5],
      [2, 1, 3, 0, 5, 2, 1, 0, 0],
    ],
    wrong: [
      ["a step too great", [1, 0x81, 0x80, 0x80, 0x80, 0x10], /counterStepMax/],
      ["a reset of nothing", [2], /a reset of nothing/],
      ["authors out of order", [2, 2, 1, 0, 0, 1, 3, 0, 5], /authors out of order/],
      ["an author twice", [2, 1, 1, 0, 0, 1, 3, 0, 5], /authors out of order/],
      ["bytes left over", [1, 5, 0], /too many/],
    ],
  },
  { kind: "grow-counter", right: [[1, 5]], wrong: [["a step of nothing", [1, 0], /a step of nothing/]] },
  {
    kind: "set",
    right: [
      [1, ...X],
      [2, ...X, 1, 1],
      [3, 1, 9, 2, 9],
    ],
    wrong: [
      ["a removal of nothing", [2, ...X], /a removal of nothing/],
      ["everything of nobody", [3], /a removal of nothing/],
      ["everything of somebody twice", [3, 1, 1, 1, 2], /an author twice/],
    ],
  },
  {
    kind: "remove-set",
    right: [
      [1, ...X],
      [2, ...X, 1, 1],
      [3, 1, 9],
    ],
    wrong: [
      ["a removal of nothing", [2, ...X], /a removal of nothing/],
      ["everything of nobody", [3], /a removal of nothing/],
    ],
  },
  { kind: "grow-set", right: [[1, ...X]], wrong: [["bytes left over", [1, ...X, 0], /too many/]] },
  {
    kind: "flag",
    right: [[1], [1, 1, 1], [2, 1, 1]],
    wrong: [["a disabling of nothing", [2], /a disabling of nothing/]],
  },
  {
    kind: "map",
    right: [[1], [1, 1, 1], [2, 1, 1]],
    wrong: [["a removal of nothing", [2], /a removal of nothing/]],
  },
  {
    kind: "record",
    right: [[1], [2, 1, 1]],
    wrong: [["a removal of nothing", [2], /a removal of nothing/]],
  },
  {
    kind: "remove-map",
    right: [[1], [3, 1, 0x6b], [4, 1, 0x6b, 1, 1]],
    wrong: [
      ["nothing that is known", [4, 1, 0x6b], /nothing that is known/],
      ["a key of no name", [3, 0], /bytes/],
    ],
  },
  {
    kind: "list",
    right: [
      [2, ...X],
      [33, 1, 1],
      [34, 1, 9],
    ],
    wrong: [
      ["beside what was not observed", [3, 1, 10, ...X], /10 is above 9/],
      ["everything of nobody", [34], /a removal of nothing/],
      ["the author's own next op", [33, 0, 1], /1 is above 0/],
    ],
  },
];

describe.each(OPS)("an op of a $kind", ({ kind, right, wrong }) => {
  test("that is right is only early: what it observed is not here", () => {
    for (const bytes of right) expect(arrival(kind, bytes)).toBe("early");
  });

  test.each(wrong)("%s", (_what, bytes, reason) => {
    expect(() => arrival(kind, bytes)).toThrow(Refused);
    expect(() => arrival(kind, bytes)).toThrow(reason);
  });
});

function arrival(kind: KindName, bytes: Bytes): string {
  const subject = subjectOf(CASES.find((each) => each.kind === kind)!, 9);
  return subject.apply(sealedOf([2, KINDS[kind], 4, 1, 5, 2, 1, 9, 2, 9, 0, ...bytes]));
}

/** What somebody shows who has joined a state with this after its context. */
function taken(kind: KindName, bytes: Bytes): unknown {
  const subject = subjectOf(CASES.find((each) => each.kind === kind)!, 9);
  const state = sealedOf([3, KINDS[kind], 2, 1, 9, 2, 9, ...bytes]);
  subject.merge(state);
  expect(Buffer.from(subject.state()).toString("hex")).toBe(Buffer.from(state).toString("hex"));
  return subject.read();
}

test("registers in columns of which nothing is left are refused: they take no bytes where they are written", () => {
  const document = new Document(NAME);
  const write = (mutate: (draft: Draft) => void) => document.transact({ author: 1, stamp: 1 }, mutate);
  for (const name of ["a", "b"]) write((draft) => draft.register(name).set("x"));
  for (const name of ["a", "b"]) write((draft) => draft.register(name).clear());
  const state = Buffer.from(document.encodeState()).subarray(0, -4).toString("hex");
  // Two of kind 1; a block of three bytes: in rows, of no bytes each.
  const rows = "040101" + "03000000";
  expect(state.split(rows)).toHaveLength(2);
  // A block of four bytes: in columns, nothing in one and nothing in the other.
  const columns = Buffer.from(state.replace(rows, "040101" + "0401040000"), "hex");
  expect(Document.decodeState(withChecksum(columns))).toMatchObject({
    ok: false,
    fault: { reason: expect.stringMatching(/columns of nothing/) },
  });
});

describe("the state of a document of many registers", () => {
  const written = (names: readonly string[], authors: readonly number[]): string => {
    const document = new Document(NAME);
    for (const author of authors) {
      const other = new Document(NAME);
      other.transact({ author, stamp: 5 }, (draft) => {
        for (const name of names) draft.register(name).set("x");
      });
      document.merge(other);
    }
    return Buffer.from(document.encodeState()).subarray(0, -4).toString("hex");
  };
  const refusal = (hex: string): string | undefined => {
    const result = Document.decodeState(withChecksum(Buffer.from(hex, "hex")));
    return result.ok ? undefined : result.fault.reason;
  };

  // Three registers, of which two have written each. Columns of how many writes each has, of their authors, their counters.
  const pairs = written(["k", "l", "m"], [1, 2]);
  const [counts, slots, counters] = ["0702", "0c" + "01410141" + "0141", "0c" + "010001000100"];

  test.each([
    ["as it is written", slots + counters, undefined],
    ["a write that comes twice", `0c014101410100${counters}`, /siblings out of order/],
    ["the winner last", `0c000100410141${counters}`, /siblings out of order|was not seen/],
    ["an author that is not there", `0c024101410141${counters}`, /was not seen/],
  ])("%s", (_what, dots, reason) => {
    expect(pairs.split(counts + slots + counters)).toHaveLength(2);
    const found = refusal(pairs.replace(counts + slots + counters, counts + dots));
    if (reason === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(reason);
  });

  test("more writes than there can be", () => {
    expect(refusal(pairs.replace(counts + slots, `0764${slots}`))).toMatch(/300 writes declared/);
  });

  // Kept in rows they are looked at otherwise than as fields.
  test.each([true, false])(
    "names that no field can have, among very many others, in rows: %s",
    (isPacked) => {
      const names = Array.from({ length: 40 }, (_, i) => `k${String(i).padStart(2, "0")}proto0`);
      const state = written(names, [1]);
      const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");
      // Forty times one more in their first column of counters; the first two the same; forty, and one less each time.
      const [counters, sameTwice, backwards] = ["5101", "060100024b01", "02284f41"];
      packDocuments(() => isPacked);
      onTestFinished(() => {
        let parts = 0;
        packDocuments(() => parts++ % 2 === 0);
      });
      for (const column of [sameTwice, backwards])
        expect(refusal(state.replace(counters, column))).toMatch(/fields out of order/);
      for (const [name, reason] of [
        ["k07proto0", undefined],
        ["k\u00017proto0", /control/],
        ["\u0001".repeat(9), /control/],
        ["k\u007f7proto0", /control/],
        ["k@7proto0", /no @/],
        ["@07proto0", /no @/],
        ["__proto__", /__proto__/],
        ["k\u00ff7proto0", /UTF-8/],
      ] as const) {
        expect(state.split(hex("k07proto0"))).toHaveLength(2);
        const found = refusal(state.replace(hex("k07proto0"), hex(name)));
        if (reason === undefined) expect(found).toBeUndefined();
        else expect(found).toMatch(reason);
      }
    },
  );
});
