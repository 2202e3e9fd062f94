/** Limits that no other file reaches: what fits at each of them, and what one more is told (I10, I12). */
import {
  type ChangeDraft,
  CORE_LIMITS,
  checkFieldName,
  checkStepName,
  createChange,
  Document,
  decodeChange,
  KINDS,
} from "@syncline/core";
import { describe, expect, test } from "vitest";

const NAME = { collection: "boards", key: "a" };

const change = (more: Partial<ChangeDraft>): ChangeDraft => ({
  document: NAME,
  author: 1,
  first: 1,
  stamp: 1,
  observed: [],
  paths: [[{ name: "votes", kind: KINDS.counter }]],
  ops: [{ path: 0, op: { act: "step", by: 1 } }],
  ...more,
});

test("fieldBytesMax: a name of so many bytes, not one more", () => {
  const longest = "é".repeat(CORE_LIMITS.fieldBytesMax / 2);
  expect(checkFieldName(longest)).toBeUndefined();
  expect(checkFieldName(`${longest}x`)).toBe(`a field's name has 1 to ${CORE_LIMITS.fieldBytesMax} bytes`);
  const document = new Document(NAME);
  const write = (name: string) =>
    document.transact({ author: 1, stamp: 1 }, (draft) => draft.counter(name).increment());
  expect(write(longest)).toBeDefined();
  expect(() => write(`${longest}x`)).toThrow("a field's name has 1 to 128 bytes");
  expect(document.toJSON()).toEqual({ [longest]: 1 });
});

describe("pathDepthMax and kindTagMax", () => {
  const deep = (depth: number, kind: number = KINDS.counter) =>
    change({
      paths: [Array.from({ length: depth }, (_, i) => ({ name: `s${i}`, kind }))],
      ops: [{ path: 0, op: { act: "opaque", bytes: Uint8Array.of(200, 2) } }],
    });

  test("a path has so many steps, whether it is written or read", () => {
    const { pathDepthMax } = CORE_LIMITS;
    expect(decodeChange(createChange(deep(pathDepthMax)).bytes).ok).toBe(true);
    expect(() => createChange(deep(pathDepthMax + 1))).toThrow(`a path has at most ${pathDepthMax} steps`);
  });

  test("a kind that a later version adds has a tag up to that", () => {
    const { kindTagMax } = CORE_LIMITS;
    const later = change({
      paths: [[{ name: "votes", kind: kindTagMax }]],
      ops: [{ path: 0, op: { act: "opaque", bytes: Uint8Array.of(200, 2) } }],
    });
    expect(decodeChange(createChange(later).bytes).ok).toBe(true);
    expect(() => createChange({ ...later, paths: [[{ name: "votes", kind: kindTagMax + 1 }]] })).toThrow(
      "a kind's tag is 1 to 65535",
    );
  });
});

test("authorsPerChangeMax: a change that mentions more is refused when it is made, and nothing has happened", () => {
  const { authorsPerChangeMax } = CORE_LIMITS;
  const floors = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ author: i + 2, seq: 1, total: { high: 0, low: 1 } }));
  const reset = (count: number) =>
    change({ ops: [{ path: 0, op: { act: "reset", floors: floors(count) } }] });
  expect(decodeChange(createChange(reset(authorsPerChangeMax)).bytes).ok).toBe(true);
  expect(() => createChange(reset(authorsPerChangeMax + 1))).toThrow("authorsPerChangeMax");
});

test("stateBytesMax: a larger state is refused unread", () => {
  const { stateBytesMax } = CORE_LIMITS;
  const read = Document.decodeState(new Uint8Array(stateBytesMax + 1));
  expect(read).toMatchObject({
    ok: false,
    fault: { reason: `${stateBytesMax + 1} bytes, at most ${stateBytesMax} are allowed, at byte 0` },
  });
});

test.each([
  ["\u007f", 1],
  ["\u0080", 2],
  ["\u07ff", 2],
  ["\u0800", 3],
  ["\uffff", 3],
  ["\u{10000}", 4],
  ["\u{10ffff}", 4],
])("names are as long as their UTF-8: %j takes %i bytes", (character, bytes) => {
  const count = Math.floor(256 / bytes);
  expect(checkStepName(character.repeat(count))).toBe(undefined);
  expect(checkStepName(character.repeat(count + 1))).toBe("a path step has 1 to 256 bytes");
});
