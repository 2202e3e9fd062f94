/** Commit rules: as operators write them, as they travel, and what is wrong with those that are none. */
import { ByteReader, ByteWriter, Malformed } from "@syncline/core";
import {
  type CommitRule,
  encodeMessage,
  FrameReader,
  FrameWriter,
  LIMITS,
  parseRule,
  RULE_FORMS,
  readRule,
  ruleText,
  writeRule,
} from "@syncline/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rules } from "./arbitraries.js";

const any = (needed: number, ...names: string[]): CommitRule => ({ kind: "any", needed, names });

describe("text", () => {
  test("what is printed is read", () => {
    fc.assert(
      fc.property(rules, (rule) => {
        expect(parseRule(ruleText(rule))).toEqual(rule);
      }),
    );
  });

  test.each<[string, CommitRule]>([
    ["LOCAL", { kind: "local" }],
    ["  local ", { kind: "local" }],
    ["ANY 2 (f1,f2,f3)", any(2, "f1", "f2", "f3")],
    ["any 1(f1)", any(1, "f1")],
    [" ANY  02  ( f1 , f2 ) ", any(2, "f1", "f2")],
    ["ALL (f1,f2)", any(2, "f1", "f2")],
    ["all(f1)", any(1, "f1")],
    ["FIRST 1 (f1,f2)", { kind: "first", needed: 1, names: ["f1", "f2"] }],
    ["majority", { kind: "majority" }],
    [" ALL ", { kind: "all" }],
    ["MAJORITY durable", { kind: "majority" }],
    ["ANY 1 (f1) received", { kind: "any", needed: 1, names: ["f1"], level: "received" }],
    ["ALL applied", { kind: "all", level: "applied" }],
    ["all(applied)received", { kind: "any", needed: 1, names: ["applied"], level: "received" }],
  ])("%s", (text, rule) => {
    expect(parseRule(text)).toEqual(rule);
  });

  test("a quorum of all that are named is printed as such", () => {
    expect(ruleText(any(2, "f1", "f2"))).toBe("ALL (f1,f2)");
    expect(ruleText(any(1, "f1", "f2"))).toBe("ANY 1 (f1,f2)");
    expect(ruleText({ kind: "local" })).toBe("LOCAL");
    expect(ruleText({ kind: "first", needed: 2, names: ["f1", "f2"] })).toBe("FIRST 2 (f1,f2)");
    expect(ruleText({ kind: "majority", level: "applied" })).toBe("MAJORITY applied");
  });

  const FORMS = RULE_FORMS;
  test.each([
    ["", FORMS],
    ["ANY", FORMS],
    ["ANY (f1)", FORMS],
    ["ANY 2 f1,f2", FORMS],
    ["ANY -1 (f1)", FORMS],
    ["ANY 12345 (f1)", FORMS],
    ["ALL 2 (f1,f2)", FORMS],
    ["LOCAL (f1)", FORMS],
    ["ANY 1 (f1) (f2)", FORMS],
    ["MAJORITY (f1,f2)", FORMS],
    ["FIRST (f1)", FORMS],
    ["LOCAL durable", FORMS],
    ["ANY 1 (f1) soon", FORMS],
    ["durable", FORMS],
    ["ANY 1 ()", `a name is missing; ${FORMS}`],
    ["ALL (f1,,f2)", `a name is missing; ${FORMS}`],
    ["ALL (f1,)", `a name is missing; ${FORMS}`],
    ["ANY 1 (f1, f1)", "a node is named twice, it would count once"],
    ["ANY 0 (f1)", "at least one node must be needed; write LOCAL for asynchronous replication"],
    ["ANY 3 (f1,f2)", "3 nodes are needed, but only 2 are named"],
    [`ALL (${Array.from({ length: 65 }, (_, i) => `f${i}`).join(",")})`, "at most 64 names"],
    [`ALL (f1,${"n".repeat(65)})`, `a name has at most 64 bytes: "${"n".repeat(65)}"`],
    [`ALL (${"é".repeat(33)})`, `a name has at most 64 bytes: "${"é".repeat(33)}"`],
  ])("%s", (text, reason) => {
    expect(parseRule(text)).toBe(reason);
  });

  test("whatever is accepted can be written, read and printed", () => {
    const texts = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 40 }).map((inner) => `ANY 1 (${inner})`),
      fc.string({ unit: "binary", maxLength: 40 }).map((inner) => `ALL (f1,${inner})`),
      fc.string({ unit: "grapheme", maxLength: 40 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const rule = parseRule(text);
        if (typeof rule === "string") return;
        expect(onTheWire(rule)).toEqual(rule);
        expect(parseRule(ruleText(rule))).toEqual(rule);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("on the wire", () => {
  test("what is written is read", () => {
    fc.assert(
      fc.property(rules, (rule) => {
        expect(onTheWire(rule)).toEqual(rule);
      }),
    );
  });

  const malformed = (write: (out: ByteWriter) => void): void => {
    const out = new ByteWriter();
    write(out);
    expect(() => readRule(new ByteReader(out.finish()))).toThrow(Malformed);
  };

  test("an unknown rule and impossible quorums are malformed", () => {
    malformed((out) => out.byte(6));
    // A level that is none, the level that is never said, and a level of a rule that has none.
    for (const bytes of [
      [5, 3, 3],
      [5, 1, 3],
      [5, 0, 0],
      [5, 0, 5, 2, 3],
    ]) {
      malformed((out) => out.raw(Uint8Array.from(bytes)));
    }
    for (const [needed, names] of [
      [0, ["a"]],
      [2, ["a"]],
      [1, []],
      [1, ["a", "a"]],
    ] as const) {
      malformed((out) => writeRule(out, any(needed, ...names)));
    }
  });

  test("as text the longest rule has no more than ruleBytesMax", () => {
    const names = Array.from({ length: LIMITS.ruleNamesMax }, (_, i) =>
      `${i}`.padEnd(LIMITS.nameBytesMax, "n"),
    );
    const longest: CommitRule = { kind: "first", needed: names.length, names, level: "received" };
    expect(ruleText(longest).length).toBeLessThanOrEqual(LIMITS.ruleBytesMax);
    expect(parseRule(ruleText(longest))).toEqual(longest);
    const asked = encodeMessage({
      kind: "ask",
      number: 1,
      vector: new Map(),
      quorum: "x".repeat(LIMITS.ruleBytesMax + 1),
    });
    const writer = new FrameWriter();
    writer.add(asked);
    expect(new FrameReader().read(writer.take()[0] ?? new Uint8Array())).toMatchObject({ ok: false });
  });

  test("so are too many names, and a name that is too long", () => {
    const names = Array.from({ length: LIMITS.ruleNamesMax + 1 }, (_, i) => `f${i}`);
    malformed((out) => writeRule(out, any(1, ...names)));
    malformed((out) => writeRule(out, any(1, "n".repeat(LIMITS.nameBytesMax + 1))));
  });
});

function onTheWire(rule: CommitRule): CommitRule {
  const out = new ByteWriter();
  writeRule(out, rule);
  const input = new ByteReader(out.finish());
  const read = readRule(input);
  input.end();
  return read;
}
