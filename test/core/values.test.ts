/** Values: one encoding each, and nothing that would come back as something else. */
import {
  attempt,
  ByteReader,
  ByteWriter,
  CORE_LIMITS,
  Document,
  InvalidValue,
  lwwRegister,
  Malformed,
  orMap,
  orSet,
  Replica,
  readValue,
  type Value,
  valueKey,
  writeValue,
} from "@syncline/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { draws } from "./share.js";
import { expectBytes } from "./world.js";

const texts = fc.string({ unit: "binary", maxLength: 8 });
const scalars: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  texts,
  fc.uint8Array({ maxLength: 8 }),
);
const { values } = fc.letrec<{ values: Value }>((tie) => ({
  values: fc.oneof(
    { depthSize: "small" },
    scalars,
    fc.array(tie("values"), { maxLength: 4 }),
    fc.dictionary(
      texts.filter((key) => key !== "__proto__"),
      tie("values"),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}));

test("what is written is read", () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(decoded(encoded(value))).toEqual(normal(value));
    }),
  );
});

test("any bytes that are read as a value are what would be written of it", () => {
  fc.assert(
    fc.property(values, fc.nat(), fc.nat({ max: 255 }), (value, at, byte) => {
      const bytes = encoded(value);
      bytes[at % bytes.length] = byte;
      const result = attempt(() => {
        const input = new ByteReader(bytes);
        const read = readValue(input);
        input.end();
        return read;
      });
      if (result.ok) expectBytes(encoded(result.value), bytes);
    }),
    { numRuns: draws(3000) },
  );
});

test("keys are equal for equal values only, and sort like the bytes", () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const [x, y] = [encoded(a), encoded(b)];
      const order = Buffer.compare(x, y);
      const keys = valueKey(a) < valueKey(b) ? -1 : valueKey(a) > valueKey(b) ? 1 : 0;
      expect(keys).toBe(order);
      expect(valueKey(a).length).toBe(x.length);
    }),
  );
});

test("one encoding for what is equal", () => {
  expectBytes(encoded(-0), encoded(0));
  expectBytes(encoded({ b: 1, a: 2 }), encoded({ a: 2, b: 1 }));
  // UTF-8 sorts U+FF5E before U+1F600, UTF-16 the other way round.
  expectBytes(encoded({ "😀": 1, "～": 2 }), encoded({ "～": 2, "😀": 1 }));
  expect(decoded(Uint8Array.of(8, 2, 3, 0xef, 0xbd, 0x9e, 0, 4, 0xf0, 0x9f, 0x98, 0x80, 0))).toEqual({
    "～": null,
    "😀": null,
  });
  expect(encoded(2 ** 53)[0]).toBe(4);
  expect(encoded(2 ** 53 - 1)[0]).toBe(3);
});

const loop: unknown[] = [];
loop.push({ loop });
const nested = (depth: number): Value => (depth === 0 ? null : [nested(depth - 1)]);
let wide: Value = [0];
for (let i = 0; i < 60; i++) wide = [wide, wide];

test.each<[string, unknown, RegExp]>([
  ["NaN", { a: [1, Number.NaN] }, /at .a\[1\]: NaN is not a finite number/],
  ["infinity", Number.NEGATIVE_INFINITY, /not a finite number/],
  ["undefined", { a: undefined }, /at .a: undefined is not a value/],
  ["a hole", new Array(1), /at \[0\]: undefined/],
  ["a function", () => 1, /function is not a value/],
  ["a symbol", Symbol("x"), /symbol is not a value/],
  ["a bigint", 1n, /bigint is not a value/],
  ["a date", new Date(0), /not a plain object/],
  ["a map", new Map(), /not a plain object/],
  ["another array of numbers", new Uint16Array(1), /not a plain object/],
  ["an instance", new (class Foo {})(), /not a plain object/],
  ["a lone surrogate", "a\ud800", /lone surrogate/],
  ["a lone surrogate in a key", { "\udc00": 1 }, /lone surrogate/],
  ["__proto__", JSON.parse('{"__proto__": 1}'), /__proto__ is not a key/],
  ["a loop", loop, /contains itself/],
  ["depth", nested(CORE_LIMITS.valueDepthMax + 1), /deeper than 64/],
  ["width", wide, /larger than 262144 bytes/],
  ["a long text", "x".repeat(CORE_LIMITS.valueBytesMax), /larger than/],
  ["long bytes", new Uint8Array(CORE_LIMITS.valueBytesMax), /larger than/],
  ["an array of nothing", new Array(2 ** 31), /larger than/],
  ["a text that is long in UTF-8 only", "€".repeat(100_000), /larger than/],
])("refused: %s", (_what, value, message) => {
  const write = () => writeValue(new ByteWriter(), value as Value);
  expect(write).toThrow(InvalidValue);
  expect(write).toThrow(message);
});

test("as deep and as large as allowed goes both ways", () => {
  expect(decoded(encoded(nested(CORE_LIMITS.valueDepthMax)))).toEqual(nested(CORE_LIMITS.valueDepthMax));
  const large = "x".repeat(CORE_LIMITS.valueBytesMax - 4);
  expect(encoded(large).length).toBe(CORE_LIMITS.valueBytesMax);
  expect(decoded(encoded(large))).toBe(large);
  expect(() => encoded(`${large}x`)).toThrow(InvalidValue);
});

test.each<[string, number[]]>([
  ["no such tag", [9]],
  ["a float that is an integer", [4, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]],
  ["a float that is minus zero", [4, 0x80, 0, 0, 0, 0, 0, 0, 0]],
  ["a float that is no number", [4, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
  ["a float that is infinite", [4, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]],
  ["keys out of order", [8, 2, 1, 0x62, 0, 1, 0x61, 0]],
  ["a key twice", [8, 2, 1, 0x61, 0, 1, 0x61, 0]],
  ["__proto__", [8, 1, 9, ...new TextEncoder().encode("__proto__"), 0]],
  ["more elements than bytes", [7, 100, 0, 0]],
  ["a bomb of lists", new Array(200_000).fill(0).map((_, i) => (i % 2 === 0 ? 7 : 1))],
  ["a bomb of objects", new Array(300_000).fill(0).map((_, i) => [8, 1, 1, 0x61][i % 4]!)],
])("not read: %s", (_what, bytes) => {
  expect(() => decoded(Uint8Array.from(bytes))).toThrow(Malformed);
});

test("a value larger than the limit is not read, whatever it is made of", () => {
  const out = new ByteWriter();
  out.byte(7);
  out.uint(2);
  for (let i = 0; i < 2; i++) writeValue(out, "x".repeat(200_000));
  expect(() => decoded(out.finish())).toThrow(/valueBytesMax/);
});

test("objects that were read have an ordinary prototype, own keys only, and are frozen", () => {
  const value = decoded(encoded({ toString: 1, constructor: 2, a: [{ b: 1 }] }));
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(Object.keys(value as object).sort()).toEqual(["a", "constructor", "toString"]);
  expect(value).toEqual({ toString: 1, constructor: 2, a: [{ b: 1 }] });
  const inner = (value as { a: readonly object[] }).a;
  for (const part of [value, inner, inner[0]]) expect(Object.isFrozen(part)).toBe(true);
});

test("a document's names that objects inherit are properties like others, to be written over and deleted", () => {
  const document = new Document({ collection: "boards", key: "a" });
  document.transact({ author: 1, stamp: 1 }, (draft) => {
    for (const name of ["toString", "title"]) {
      draft.register(name).set(1);
      draft.at("m", orMap).at(name, lwwRegister).set(1);
    }
  });
  const json = document.toJSON();
  for (const object of [json, json.m as object])
    for (const name of ["toString", "title"])
      expect(Object.getOwnPropertyDescriptor(object, name)).toEqual({
        value: 1,
        writable: true,
        enumerable: true,
        configurable: true,
      });
});

test("bytes that were read are a copy of their own", () => {
  const bytes = encoded(Uint8Array.of(1, 2));
  const value = decoded(bytes);
  bytes.fill(9);
  expect(value).toEqual(Uint8Array.of(1, 2));
});

function encoded(value: Value): Uint8Array {
  const out = new ByteWriter();
  writeValue(out, value);
  return out.finish();
}

function decoded(bytes: Uint8Array): Value {
  const input = new ByteReader(bytes);
  const value = readValue(input);
  input.end();
  return value;
}

/** Minus zero is the one thing that comes back as something else. */
function normal(value: Value): Value {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, normal(each)]));
}

test.each([0, 1, 126, 127, 128, 129, 255, 256, 300, 5_000])(
  "a text of %i letters is an element like any other, however its length is written",
  (length) => {
    const text = "x".repeat(length);
    expect([...valueKey(text)].map((unit) => unit.charCodeAt(0))).toEqual([...encoded(text)]);
    const tags = new Replica(orSet, 1);
    for (const value of [text, `${text}y`, [text]]) tags.edit(1, (edit) => edit.add(value));
    expect(tags.view.has(text)).toBe(true);
    const other = new Replica(orSet, 2);
    expect(other.merge(tags.state()).ok).toBe(true);
    for (const replica of [tags, other]) {
      expect(replica.view.size).toBe(3);
      expect([...replica.value].sort((a, b) => valueLength(a) - valueLength(b))).toEqual([
        text,
        `${text}y`,
        [text],
      ]);
    }
  },
);

const valueLength = (value: Value): number => encoded(value).length;
