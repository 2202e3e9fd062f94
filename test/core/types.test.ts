/** What each type is to those that hold it: which ops are its own, when there is something of it to show, and what is a copy. */
import {
  ByteWriter,
  Document,
  type Draft,
  KINDS,
  type KindName,
  type MapDraft,
  orMap,
  sealed,
  typeOf,
} from "@syncline/core";
import { describe, expect, test } from "vitest";
import { type Act, CASES, type TypeCase } from "./cases.js";
import { Refused, subjectOf } from "./subjects.js";
import { expectBytes, NAME } from "./world.js";

/** Every op of a type, with its opcode, and those beside them that no op has. */
const OPS: Partial<Record<KindName, { acts: string; unknown: readonly number[] }>> = {
  register: { acts: "set clear", unknown: [0, 3, 255] },
  counter: { acts: "step reset", unknown: [0, 3, 255] },
  "grow-counter": { acts: "grow", unknown: [0, 2, 255] },
  set: { acts: "add remove removeAll", unknown: [0, 4, 255] },
  "remove-set": { acts: "include exclude forget", unknown: [0, 4, 255] },
  "grow-set": { acts: "gather", unknown: [0, 2, 255] },
  flag: { acts: "enable disable", unknown: [0, 3, 255] },
  "disable-flag": { acts: "allow forbid withdraw", unknown: [0, 4, 255] },
  map: { acts: "create vanish", unknown: [0, 3, 255] },
  record: { acts: "create vanish", unknown: [0, 3, 255] },
  "remove-map": { acts: "create vanish drop accept settle", unknown: [0, 6, 255] },
  "keep-map": { acts: "create vanish hide show", unknown: [0, 5, 255] },
  // Inserts and moves have seven opcodes each, one for each form of a place.
  list: { acts: "insert move delete empty", unknown: [0, 8, 16, 24, 32, 35, 255] },
};

describe.each(CASES)("$kind", (each) => {
  const { acts, unknown } = OPS[each.kind]!;
  const type = typeOf(KINDS[each.kind])!;

  test("knows its own ops, and no others", () => {
    const own = acts.split(" ");
    const all = new Set(Object.values(OPS).flatMap((other) => other.acts.split(" ")));
    expect([...all].filter((act) => type.isOp({ act })).sort()).toEqual([...own].sort());
    expect(type.isOp({ act: "opaque" })).toBe(false);
  });

  test.each(unknown)("opcode %i is of a later version: not applied, and nothing is seen by it", (opcode) => {
    const subject = subjectOf(each, 9);
    const before = subject.state();
    const out = new ByteWriter();
    // Op 1 of author 4 under stamp 5, who has observed nothing, at the top.
    for (const n of [2, KINDS[each.kind], 4, 1, 5, 0, 0]) out.uint(n);
    out.byte(opcode);
    expect(() => subject.apply(sealed(out))).toThrow(/later version/);
    expect(() => subject.apply(sealed(out))).toThrow(Refused);
    expectBytes(subject.state(), before);
  });

  test("is not shown in a map before there is something of it, nor when that has been taken away", () => {
    const document = new Document(NAME);
    const keys = (): readonly string[] => document.at("m", orMap).keys;
    expect(keys()).toEqual([]);
    for (const act of each.alphabet) perform(document, each, act);
    perform(document, each, each.alphabet[0]!);
    expect(keys()).toEqual(["k"]);
    expect(document.at("m", orMap).has("k")).toBe(true);
    document.transact({ author: 1, stamp: 1 }, (draft) => draft.at("m", orMap).delete("k"));
    expect(keys()).toEqual(GROWING.includes(each.kind) ? ["k"] : []);
    perform(document, each, each.alphabet[0]!);
    expect(keys()).toEqual(["k"]);
  });

  test("of one that nobody has used there is nothing to show, and nothing to keep", () => {
    const cell = type.empty();
    expect([cell.isVacant(), cell.isBlank()]).toEqual([true, true]);
    for (const act of each.alphabet) {
      const document = new Document(NAME);
      perform(document, each, act);
      const used = document.cell([
        { name: "m", kind: KINDS.map },
        { name: "k", kind: KINDS[each.kind] },
      ]);
      expect(used?.isBlank() ?? true).toBe(used === undefined);
    }
  });

  test("a copy shares nothing that changes", () => {
    const one = new Document(NAME);
    for (const act of each.alphabet) perform(one, each, act);
    perform(one, each, each.alphabet[0]!);
    const two = one.clone();
    const before = one.encodeState();
    expectBytes(two.encodeState(), before);
    for (const act of [...each.alphabet, ...each.more, each.alphabet[0]!]) perform(two, each, act, 2);
    expectBytes(one.encodeState(), before);
    const shown = two.encodeState();
    expect(Buffer.compare(shown, before)).not.toBe(0);
    for (const act of each.alphabet) perform(one, each, act, 3);
    expectBytes(two.encodeState(), shown);
  });
});

const GROWING: readonly KindName[] = ["grow-counter", "grow-set"];

/** What is left of what somebody did and took back himself, and whether it is there to be shown. */
test.each<[kind: KindName, acts: readonly Act[], isShown: boolean]>([
  ["register", [act("register", "set", { value: 1 }), act("register", "clear")], false],
  ["counter", [act("counter", "step"), act("counter", "reset")], false],
  ["counter", [act("counter", "step", { by: 0 })], true],
  ["counter", [act("counter", "step"), act("counter", "reset"), act("counter", "step", { by: 0 })], true],
  ["set", [act("set", "add", { value: 1 }), act("set", "remove", { value: 1 })], false],
  ["set", [act("set", "add", { value: 1 }), act("set", "clear")], false],
  ["remove-set", [act("remove-set", "add", { value: 1 }), act("remove-set", "remove", { value: 1 })], false],
  ["flag", [act("flag", "enable"), act("flag", "disable")], false],
  ["disable-flag", [act("disable-flag", "enable"), act("disable-flag", "disable")], true],
  ["list", [act("list", "insert", { value: 1 }), act("list", "delete", { at: 0 })], false],
  ["list", [act("list", "insert", { value: 1 }), act("list", "clear")], false],
  ["record", [act("record", "create")], true],
  ["record", [act("record", "create"), act("record", "clear")], false],
  ["record", [act("record", "set", { value: 1 }), act("record", "clear")], false],
  ["map", [act("map", "set", { key: "k", value: 1 }), act("map", "delete", { key: "k" })], false],
  ["remove-map", [act("remove-map", "set", { key: "k" }), act("remove-map", "delete", { key: "k" })], false],
  ["keep-map", [act("keep-map", "set", { key: "k" }), act("keep-map", "delete", { key: "k" })], false],
])("in a map, a %s after %j is shown: %s", (kind, acts, isShown) => {
  const each = CASES.find((one) => one.kind === kind)!;
  const document = new Document(NAME);
  for (const one of acts) perform(document, each, one);
  expect(document.at("m", orMap).keys).toEqual(isShown ? ["k"] : []);
  expect(Object.keys(document.toJSON())).toEqual(isShown ? ["m"] : []);
});

function act(kind: KindName, name: string, more: Partial<Act> = {}): Act {
  return { kind, act: name, ...more };
}

/** Does it to what is under the key `k` of the map `m`. */
function perform(document: Document, each: TypeCase, act: Act, author = 1): void {
  document.transact({ author, stamp: 1 }, (draft: Draft) => {
    const map: MapDraft = draft.at("m", orMap);
    each.withType((type, doIt) => doIt(map.at("k", type), act));
  });
}
