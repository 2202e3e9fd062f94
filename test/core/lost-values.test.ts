/** What a write hides is put down beside it as far as there is room, and never keeps anybody from writing. */
import {
  CORE_LIMITS,
  canWriteAgain,
  conflictsOf,
  Document,
  type Draft,
  decodeChange,
  LimitExceeded,
  lostIn,
  lwwRegister,
  orMap,
  purgeDocument,
  remainingIn,
  type Value,
} from "@syncline/core";
import { expect, test } from "vitest";
import { expectBytes, NAME, unwrap } from "./world.js";

const { changeBytesMax, conflictsPerDocumentMax, opsPerChangeMax, pathsPerChangeMax } = CORE_LIMITS;
const { valueBytesMax, valueDepthMax } = CORE_LIMITS;

/** Fields to which so many have written at the same time, the first of them last. */
function contested(writers: number, written: (writer: number) => Value, fields = ["title"]): Document {
  const document = new Document(NAME);
  for (let writer = 0; writer < writers; writer++) {
    const origin = { author: 100 + writer, stamp: 8192 * (writers - writer) };
    const change = new Document(NAME).transact(origin, (draft) => {
      for (const field of fields) draft.register(field).set(written(writer));
    });
    document.apply(change!);
  }
  return document;
}

/** Writes, and sees to it that everybody else who takes the change has the same. */
function write(document: Document, mutate: (draft: Draft) => void): number {
  const other = document.clone();
  const change = document.transact({ author: 1, stamp: 8192 * 100_000 }, mutate)!;
  other.apply(unwrap(decodeChange(change.bytes)));
  expectBytes(other.encodeState(), document.encodeState());
  return change.ops.length;
}

/** What is told of, in short, in an order of its own: those of one moment have none. */
const told = (document: Document): string[] =>
  conflictsOf(document)
    .map(({ losers: [loser] }) => (loser?.value === undefined ? "no value" : short(loser.value)))
    .sort();

const short = (value: Value): string =>
  typeof value === "string" && value.length > 10
    ? `${value[0]} ${value.length} times`
    : JSON.stringify(value);

let deepest: Value = "deep";
for (let depth = 0; depth < valueDepthMax; depth++) deepest = [deepest];
const text = (letter: string, length: number): string => letter.repeat(length);
const largest = text("x", valueBytesMax - 4);

const cases: [what: string, values: readonly Value[], told: readonly string[]][] = [
  ["two values too large for one element", [text("a", 150_000), text("b", 150_000)], ["b 150000 times"]],
  ["the largest value shown", [largest, "lost"], ['"lost"']],
  ["the largest value lost", ["won", largest], ["no value"]],
  [
    "values that are more than a change together: the newest are told with their values",
    [..."abcde"].map((letter) => text(letter, 120_000)),
    ["b 120000 times", "no value", "no value", "no value"],
  ],
  ["the deepest value lost", ["won", deepest], ["no value"]],
  ["the deepest value shown", [deepest, "lost"], ['"lost"']],
];

test.each(cases)("%s", (_what, values, expected) => {
  for (const mutate of [
    (draft: Draft) => draft.register("title").set("new"),
    (draft: Draft) => draft.register("title").clear(),
  ]) {
    const document = contested(values.length, (writer) => values[writer]!);
    write(document, mutate);
    expect(told(document)).toEqual(expected);
    for (const conflict of conflictsOf(document))
      expect(canWriteAgain(conflict)).toBe(conflict.losers[0]?.value !== undefined);
  }
});

test("a register of more writes at once than a change has ops", { timeout: 60_000 }, () => {
  const document = contested(opsPerChangeMax + 10, (writer) => writer);
  expect(write(document, (draft) => draft.register("title").set("one"))).toBe(1 + conflictsPerDocumentMax);
  expect(document.register("title").values).toEqual(["one"]);
  // The newest of those that were not shown.
  const newest = Array.from({ length: conflictsPerDocumentMax }, (_, i) => String(i + 1)).sort();
  expect(told(document)).toEqual(newest);
});

test("what is written has room before what it hides", () => {
  const document = contested(3, (writer) => text(`${writer}`, 100));
  write(document, (draft) => {
    draft.register("title").set(largest);
    draft.register("body").set(text("b", changeBytesMax - valueBytesMax - 100));
  });
  expect([document.register("title").value, told(document)]).toEqual([largest, []]);
});

test("many such registers in one transaction, and as many ops as a change can have", () => {
  const fields = Array.from({ length: 120 }, (_, i) => `f${i}`);
  const document = contested(150, (writer) => writer, fields);
  const ops = write(document, (draft) => {
    for (const field of fields) draft.register(field).set("one");
  });
  expect(ops).toBe(fields.length + conflictsPerDocumentMax);
  expect(lostIn(document)).toHaveLength(conflictsPerDocumentMax);

  for (const [room, kept] of [
    [0, 0],
    [3, 3],
  ] as const) {
    const full = contested(10, (writer) => writer);
    write(full, (draft) => {
      draft.register("title").set("one");
      for (let i = 1 + room; i < opsPerChangeMax; i++) draft.counter("votes").increment();
    });
    expect([full.register("title").values, lostIn(full).length]).toEqual([["one"], kept]);
  }
});

test("where there is no room for one more path, nothing is told, and nothing of the attempt is left", () => {
  const document = contested(2, (writer) => writer);
  write(document, (draft) => {
    draft.register("title").set("one");
    for (let i = 1; i < pathsPerChangeMax; i++) draft.register(`f${i}`).set(i);
  });
  expect([document.register("title").value, lostIn(document)]).toEqual(["one", []]);
  // What is too much by itself is too much as before, and leaves nothing.
  const again = contested(2, (writer) => writer);
  const before = again.encodeState();
  expect(() =>
    again.transact({ author: 1, stamp: 1 }, (draft) => {
      draft.register("title").set("one");
      for (let i = 0; i < pathsPerChangeMax; i++) draft.register(`f${i}`).set(i);
    }),
  ).toThrow(LimitExceeded);
  expectBytes(again.encodeState(), before);
});

test("a list of losses that somebody has filled beyond all measure is cut down, and keeps nobody from writing", () => {
  const filled = contested(2, (writer) => writer);
  for (const author of [7, 8]) {
    const flood = new Document(NAME).transact({ author, stamp: 1 }, (draft) => {
      for (let i = 0; i < opsPerChangeMax - 4_000; i++)
        draft.set("tags").add({ path: ["title", 1], loser: [7, i + 1, i, i], winner: [8, 1, 1, 1] });
    })!;
    // As a set of the document's own: what a program says that is not ours.
    filled.apply({ ...flood, paths: [[{ name: "~lost", kind: flood.paths[0]![0]!.kind }]] });
  }
  const lost = lostIn(filled).length;
  expect(write(filled, (draft) => draft.register("title").set("one"))).toBeLessThanOrEqual(opsPerChangeMax);
  expect(filled.register("title").values).toEqual(["one"]);
  expect(lostIn(filled).length).toBeLessThan(lost - 4_000);
});

test("a purge takes away what it hides itself, however much that is", () => {
  const document = contested(300, (writer) => text(`${writer % 10}`, 3_000), ["a", "b"]);
  write(document, (draft) => draft.at("m", orMap).at("k", lwwRegister).set("x"));
  const change = document.transact({ author: 1, stamp: 8192 * 100_001 }, purgeDocument);
  expect(change?.ops.length).toBeLessThan(opsPerChangeMax);
  expect([remainingIn(document), lostIn(document)]).toEqual([[], []]);
});
