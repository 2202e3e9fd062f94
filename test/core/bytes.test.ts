/** Bytes, checksums, names, vectors and the clock: the small parts that formats and causality stand on. */
import zlib from "node:zlib";
import {
  attempt,
  ByteReader,
  ByteWriter,
  checkDocumentName,
  checkFieldName,
  covers,
  crc32,
  documentId,
  HybridClock,
  InvalidValue,
  joinInto,
  KINDS,
  kindName,
  Malformed,
  positionIn,
  readDocumentId,
  readVector,
  STAMP_EPOCH_MS,
  stampMs,
  vectorsEqual,
  writeVector,
} from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { draws } from "./share.js";
import { expectBytes } from "./world.js";

const SAFE = Number.MAX_SAFE_INTEGER;

describe("bytes", () => {
  const integers = fc.oneof(
    fc.maxSafeInteger(),
    fc.constantFrom(
      ...[6, 7, 13, 14, 31, 32, 48, 49, 52].flatMap((bits) => [2 ** bits - 1, 2 ** bits, -(2 ** bits)]),
    ),
    fc.constantFrom(0, -0, SAFE, -SAFE),
  );

  test("what was handed out stays as it is, whatever its writer and later ones write", () => {
    const handedOut: [Uint8Array, number[]][] = [];
    for (let round = 0; round < 50; round++) {
      const out = new ByteWriter();
      out.raw(new Uint8Array(round * 7).fill(round));
      const first = out.finish();
      handedOut.push([first, [...first]]);
      out.byte(1);
      expect([...out.finish()]).toEqual([...first, 1]);
      out.reset();
      expect(out.length).toBe(0);
      out.text("again");
      expect(out.finish().length).toBe(6);
      const inner = new ByteWriter();
      inner.byte(round);
      out.nested(inner);
      inner.end();
      expect([...out.finish()].slice(-2)).toEqual([1, round]);
    }
    for (const [bytes, before] of handedOut) expect([...bytes]).toEqual(before);
  });

  test("what is written is read, in at most eight bytes", () => {
    fc.assert(
      fc.property(
        integers,
        fc.double(),
        fc.string({ unit: "grapheme" }),
        fc.uint8Array(),
        (n, d, text, bytes) => {
          const out = new ByteWriter();
          out.int(n);
          expect(out.length).toBeLessThanOrEqual(8);
          out.uint(Math.abs(n));
          expect(out.length).toBeLessThanOrEqual(16);
          out.float64(d);
          out.text(text);
          out.bytes(bytes);
          out.raw(bytes);
          out.byte(255);
          const written = out.finish();
          expect(written.length).toBe(out.length);
          const input = new ByteReader(written);
          expect(input.int()).toBe(n === 0 ? 0 : n);
          expect(input.uint()).toBe(Math.abs(n));
          expect(input.float64()).toBe(d);
          expect(input.text(1000)).toBe(text);
          expectBytes(input.bytes(1000), bytes);
          expectBytes(input.raw(bytes.length), bytes);
          expect(input.byte()).toBe(255);
          input.end();
          expect(() => input.byte()).toThrow(Malformed);
        },
      ),
    );
  });

  test("there is one way to write an integer: any bytes that are read are what would be written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 10 }), (bytes) => {
        for (const form of ["uint", "int"] as const) {
          const input = new ByteReader(bytes);
          const result = attempt(() => input[form]());
          if (!result.ok) continue;
          expect(Number.isSafeInteger(result.value)).toBe(true);
          const out = new ByteWriter();
          out[form](result.value);
          expectBytes(out.finish(), bytes.slice(0, input.offset));
        }
      }),
      { numRuns: draws(2000) },
    );
  });

  test.each([
    ["longer than it needs to be", [0x80, 0x00], "uint"],
    ["2^53", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], "uint"],
    ["nine bytes", [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], "uint"],
    ["negative zero", [0x40], "int"],
    ["longer than it needs to be", [0x81, 0x00], "int"],
    ["2^53", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20], "int"],
    ["cut", [0x80], "int"],
    ["cut", [], "float64"],
  ] as const)("an integer is refused: %s", (_why, bytes, form) => {
    expect(() => new ByteReader(Uint8Array.from(bytes))[form]()).toThrow(Malformed);
  });

  test("the writer refuses what the reader would", () => {
    const out = new ByteWriter();
    for (const n of [-1, 0.5, SAFE + 1, Number.NaN]) expect(() => out.uint(n)).toThrow(InvalidValue);
    for (const n of [0.5, SAFE + 1, Number.POSITIVE_INFINITY]) expect(() => out.int(n)).toThrow(InvalidValue);
    expect(() => out.text("\udc00")).toThrow(InvalidValue);
  });

  test("text is UTF-8: short or long, valid or refused, and a byte order mark is text too", () => {
    const long = "x".repeat(40);
    for (const text of ["", "ü", "\ufeffx", "😀", `${long}ü`, long]) {
      const out = new ByteWriter();
      out.text(text);
      expect(new ByteReader(out.finish()).text(100)).toBe(text);
    }
    // A lone continuation byte, an overlong slash, a surrogate, a cut character.
    for (const bytes of [[0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      for (const pad of [0, 40]) {
        const text = [...new Uint8Array(pad).fill(0x78), ...bytes];
        expect(() => new ByteReader(Uint8Array.from([text.length, ...text])).text(100)).toThrow(Malformed);
      }
    }
  });

  test("declared lengths are compared with what is there and what is allowed", () => {
    expect(() => new ByteReader(Uint8Array.of(5, 1, 2)).bytes(100)).toThrow(
      /5 bytes expected, 2 there, at byte 1/,
    );
    expect(() => new ByteReader(Uint8Array.of(2, 1, 2)).bytes(1)).toThrow(/2 is above 1, at byte 0/);
    expect(() => new ByteReader(Uint8Array.of(3, 1, 2)).count(10, 1)).toThrow(/3 things declared/);
    expect(() => new ByteReader(Uint8Array.of(2, 1, 2)).count(1, 1)).toThrow(Malformed);
    expect(new ByteReader(Uint8Array.of(2, 1, 2)).count(2, 1)).toBe(2);
    expect(() => new ByteReader(Uint8Array.of(1, 2)).end()).toThrow(/2 bytes too many/);
    expect(() => new ByteReader(Uint8Array.of(1, 2, 3)).within(2).raw(3)).toThrow(Malformed);
  });

  test("attempt turns Malformed into a fault and lets bugs through", () => {
    const fault = attempt(() => new ByteReader(new Uint8Array()).byte());
    expect(fault).toEqual({
      ok: false,
      fault: { code: "MALFORMED", reason: "1 bytes expected, 0 there, at byte 0" },
    });
    expect(() => attempt(() => JSON.parse("{"))).toThrow(SyntaxError);
  });

  test("the checksum is the CRC-32 that everybody knows", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    const node = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32;
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat({ max: 5 }), (bytes, from) => {
        expect(crc32(bytes, from)).toBe(crc32(bytes.slice(from)));
        if (node !== undefined) expect(crc32(bytes)).toBe(node(bytes));
      }),
    );
  });
});

describe("names", () => {
  test("documents", () => {
    for (const collection of ["boards", "a", "A-z_0.9", "x".repeat(64)]) {
      expect(checkDocumentName({ collection, key: "k" })).toBeUndefined();
    }
    for (const collection of ["", ".", ".hidden", "a/b", "ä", "a b", "x".repeat(65)]) {
      expect(checkDocumentName({ collection, key: "k" })).toMatch(/collection/);
    }
    for (const key of ["k", "a/b", "ü".repeat(128), "with space", "😀".repeat(64), "..", "__proto__"]) {
      expect(checkDocumentName({ collection: "c", key })).toBeUndefined();
    }
    for (const key of [
      "",
      "x".repeat(257),
      "ü".repeat(129),
      "€".repeat(86),
      "😀".repeat(65),
      "a\u0000",
      "a\u0085",
    ]) {
      expect(checkDocumentName({ collection: "c", key })).toMatch(/key/);
    }
    for (const key of ["\ud800", "a\udc00b"])
      expect(checkDocumentName({ collection: "c", key })).toMatch(/well-formed/);
    for (const name of [
      { collection: "boards", key: "a/b" },
      { collection: "b", key: "/" },
    ])
      expect(readDocumentId(documentId(name))).toEqual(name);
    expect(documentId({ collection: "boards", key: "a/b" })).toBe("boards/a/b");
    for (const id of ["", "abc", "/abc", "abc/", "a b/c"])
      expect(checkDocumentName(readDocumentId(id)), id).toBeTypeOf("string");
  });

  test("fields", () => {
    for (const name of ["title", "with space", "constructor", "ü".repeat(64)]) {
      expect(checkFieldName(name)).toBeUndefined();
    }
    for (const name of ["", "a@set", "__proto__", "x".repeat(129), "\n", "\ud800"]) {
      expect(checkFieldName(name)).toBeTypeOf("string");
    }
  });

  test("kinds keep their tags for ever", () => {
    expect(KINDS).toEqual({
      register: 1,
      counter: 2,
      set: 3,
      flag: 4,
      map: 5,
      list: 6,
      text: 7,
      record: 8,
      "grow-counter": 9,
      "remove-set": 10,
      "grow-set": 11,
      "disable-flag": 12,
      "bounded-counter": 13,
      "remove-map": 14,
      "keep-map": 15,
      schema: 32,
    });
    expect(kindName(3)).toBe("set");
    expect(kindName(99)).toBeUndefined();
  });
});

describe("vectors", () => {
  const vectors = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat({ max: 4 })), { maxLength: 6 })
    .map((entries) => new Map(entries));

  test("join is the least vector that covers both; what is absent is at 0", () => {
    fc.assert(
      fc.property(vectors, vectors, (v, w) => {
        const join = new Map(v);
        joinInto(join, w);
        expect(covers(join, v) && covers(join, w)).toBe(true);
        for (const stream of join.keys()) {
          expect(positionIn(join, stream)).toBe(Math.max(positionIn(v, stream), positionIn(w, stream)));
        }
        expect(vectorsEqual(v, w)).toBe(covers(v, w) && covers(w, v));
        expect(vectorsEqual(v, new Map([...v, [9, 0]]))).toBe(true);
      }),
    );
  });

  test("equal vectors have equal bytes, and those are the only ones that are read", () => {
    const bytes = (v: ReadonlyMap<number, number>): Uint8Array => {
      const out = new ByteWriter();
      writeVector(out, v);
      return out.finish();
    };
    fc.assert(
      fc.property(vectors, vectors, (v, w) => {
        expect(vectorsEqual(readVector(new ByteReader(bytes(v)), 10), v)).toBe(true);
        expect(Buffer.compare(bytes(v), bytes(w)) === 0).toBe(vectorsEqual(v, w));
      }),
    );
    for (const wrong of [
      [2, 5, 1, 4, 1],
      [2, 4, 1, 4, 1],
      [1, 4, 0],
      [3, 1, 1, 2, 1],
    ]) {
      expect(() => readVector(new ByteReader(Uint8Array.from(wrong)), 10)).toThrow(Malformed);
    }
    expect(() => readVector(new ByteReader(bytes(new Map([[1, 1]]))), 0)).toThrow(Malformed);
  });
});

describe("the hybrid clock", () => {
  const NOON = Date.UTC(2025, 5, 1, 12);

  test("every stamp is greater than all made and seen before, within the drift bound, and never ahead of it", () => {
    const event = fc.oneof(
      fc.record({ wall: fc.integer({ min: -1_000_000, max: 1_000_000 }) }),
      fc.record({ seen: fc.integer({ min: -1_000_000, max: 299_999 }) }),
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        let now = NOON;
        const clock = new HybridClock(() => now);
        let greatest = -1;
        for (const each of events) {
          if ("wall" in each) now = NOON + each.wall;
          else {
            const stamp = (now + each.seen - STAMP_EPOCH_MS) * 4096;
            clock.observe(stamp);
            greatest = Math.max(greatest, stamp);
          }
          const stamp = clock.next();
          // What it made while its wall clock was ahead is forgotten when that is set right.
          if (stampMs(greatest) <= now + 300_000) expect(stamp).toBeGreaterThan(greatest);
          expect(stampMs(stamp)).toBeGreaterThanOrEqual(now);
          expect(stampMs(stamp)).toBeLessThanOrEqual(now + 300_001);
          greatest = stamp;
        }
      }),
    );
  });

  test("a stamp says when it was made, and 4097 stamps in a millisecond go on into the next", () => {
    const clock = new HybridClock(() => NOON);
    const stamps = Array.from({ length: 4097 }, () => clock.next());
    expect(stampMs(stamps[0]!)).toBe(NOON);
    expect(stampMs(stamps[4095]!)).toBe(NOON);
    expect(stampMs(stamps[4096]!)).toBe(NOON + 1);
  });

  test("a clock that is too far ahead drags nobody along", () => {
    const clock = new HybridClock(() => NOON, 1000);
    clock.observe((NOON + 1001 - STAMP_EPOCH_MS) * 4096);
    expect(stampMs(clock.next())).toBe(NOON);
    clock.observe((NOON + 1000 - STAMP_EPOCH_MS) * 4096);
    expect(stampMs(clock.next())).toBe(NOON + 1000);
  });

  test("stamps are safe integers for as long as anybody cares, and not negative before 2024", () => {
    expect(new HybridClock(() => Date.UTC(2090, 0)).next()).toBeLessThan(SAFE);
    expect(new HybridClock(() => 0).next()).toBeGreaterThan(0);
  });
});
