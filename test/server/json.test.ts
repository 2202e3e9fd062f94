/** Values go through JSON and come back as they were. */
import { type Value, valueKey } from "@syncline/core";
import { fromJson, NoValue, toJson } from "@syncline/server";
import fc from "fast-check";
import { expect, test } from "vitest";

const key = fc.oneof(
  fc.constantFrom("$bytes", "$$bytes", "$$$bytes", "bytes", "constructor", "toString"),
  fc.string({ unit: "grapheme" }).filter((text) => text !== "__proto__"),
);
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Value>(null, true, false, 0, ""),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

test("every value comes back from JSON as it went", () => {
  let withBytes = 0;
  fc.assert(
    fc.property(value, (original) => {
      const text = JSON.stringify(toJson(original));
      if (text.includes("$bytes")) withBytes++;
      expect(valueKey(fromJson(JSON.parse(text)))).toBe(valueKey(original));
    }),
    { numRuns: 1000 },
  );
  expect(withBytes).toBeGreaterThan(50);
});

test.each([
  ["text", '{"$bytes":"not base64"}'],
  ["a missing padding", '{"$bytes":"AA"}'],
  ["the other alphabet", '{"$bytes":"_-8="}'],
  ["a number", '{"$bytes":1}'],
])("bytes that are %s are no value", (_what, text) => {
  expect(() => fromJson(JSON.parse(text))).toThrow(NoValue);
});

test("nesting is bounded without a stack overflow", () => {
  expect(() => fromJson(JSON.parse("[".repeat(64) + "]".repeat(64)))).not.toThrow();
  expect(() => fromJson(JSON.parse("[".repeat(65) + "]".repeat(65)))).toThrow(NoValue);
  expect(() => fromJson(JSON.parse(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`))).toThrow(NoValue);
});
