/** Records: bound to their place, relayed as they are, and read by whatever comes later. */
import { ByteWriter, crc32, Malformed, writeVector } from "@syncline/core";
import { encodeRecord, LIMITS, LOCAL, readRecord } from "@syncline/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeNames, rules, uints, vectors } from "./arbitraries.js";

const streams = uints.filter((stream) => stream > 0);
const later = streams.filter((position) => position > 1);

const openings = fc
  .record({
    node: nodeNames,
    rule: rules,
    previous: fc.option(streams, { nil: undefined }),
    visibility: fc.constantFrom("committed" as const, "immediate" as const),
    generation: fc.option(streams),
  })
  .map(({ generation, ...opening }) => ({ ...opening, ...(generation !== null && { generation }) }));

/** Dependencies of a record name other streams only. */
const placed = fc
  .tuple(streams, vectors)
  .map(([stream, deps]) => ({ stream, deps: new Map([...deps].filter(([other]) => other !== stream)) }));

test("an opening is read as it was written", () => {
  fc.assert(
    fc.property(placed, openings, ({ stream, deps }, opening) => {
      const bytes = encodeRecord(stream, 1, deps, { kind: "opening", opening });
      const body = { kind: "opening", opening };
      expect(readRecord(stream, 1, bytes)).toEqual({ stream, position: 1, deps, body, bytes });
    }),
  );
});

test("a change is read as it was written", () => {
  fc.assert(
    fc.property(placed, later, fc.uint8Array(), ({ stream, deps }, position, change) => {
      const bytes = encodeRecord(stream, position, deps, { kind: "change", change });
      const body = { kind: "change", change };
      expect(readRecord(stream, position, bytes)).toEqual({ stream, position, deps, body, bytes });
    }),
  );
});

test("another commit rule is read as it was written, and stands behind an opening only", () => {
  fc.assert(
    fc.property(placed, later, openings, ({ stream, deps }, position, { rule }) => {
      const body = { kind: "rule", rule } as const;
      const bytes = encodeRecord(stream, position, deps, body);
      expect(readRecord(stream, position, bytes)).toEqual({ stream, position, deps, body, bytes });
    }),
  );
  expect(() => readRecord(7, 1, encodeRecord(7, 1, new Map(), { kind: "rule", rule: LOCAL }))).toThrow(
    Malformed,
  );
});

describe("a record is bound to its place", () => {
  test("read from another one it fails its checksum", () => {
    fc.assert(
      fc.property(
        streams,
        later,
        streams,
        later,
        fc.uint8Array(),
        (stream, position, other, place, change) => {
          fc.pre(other !== stream || place !== position);
          const bytes = encodeRecord(stream, position, new Map(), { kind: "change", change });
          expect(() => readRecord(other, place, bytes)).toThrow(Malformed);
        },
      ),
    );
  });

  test("also from the next one, and from the same position of the next stream", () => {
    for (let position = 2; position < 500; position++) {
      const bytes = encodeRecord(7, position, new Map(), { kind: "change", change: new Uint8Array(3) });
      expect(() => readRecord(7, position + 1, bytes)).toThrow("checksum");
      expect(() => readRecord(8, position, bytes)).toThrow("checksum");
      if (position !== 7) expect(() => readRecord(position, 7, bytes)).toThrow("checksum");
    }
  });

  test("an opening stands at position 1, and nothing else does", () => {
    const opening = { node: "m1", rule: LOCAL, previous: undefined, visibility: "committed" } as const;
    expect(() => readRecord(7, 2, encodeRecord(7, 2, new Map(), { kind: "opening", opening }))).toThrow(
      "position 1",
    );
    const change = new Uint8Array(3);
    expect(() => readRecord(7, 1, encodeRecord(7, 1, new Map(), { kind: "change", change }))).toThrow(
      "position 1",
    );
  });

  test("dependencies on the own stream, which nothing could ever meet, are malformed", () => {
    const bytes = encodeRecord(7, 3, new Map([[7, 3]]), { kind: "change", change: new Uint8Array(3) });
    expect(() => readRecord(7, 3, bytes)).toThrow(Malformed);
  });
});

describe("damage", () => {
  const opening = encodeRecord(7, 1, new Map([[3, 4]]), {
    kind: "opening",
    opening: {
      node: "m1",
      rule: { kind: "any", needed: 1, names: ["f1"] },
      previous: 3,
      visibility: "immediate",
    },
  });
  const change = encodeRecord(7, 2, new Map([[3, 5]]), { kind: "change", change: new Uint8Array(20) });

  test.each([
    ["an opening", 1, opening],
    ["a change", 2, change],
  ])("%s: any bit flipped, and cut anywhere", (_what, position, bytes) => {
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        expect(() => readRecord(7, position, flipped)).toThrow(Malformed);
      }
      expect(() => readRecord(7, position, bytes.subarray(0, at))).toThrow(Malformed);
    }
    expect(() => readRecord(7, position, Uint8Array.of(...bytes, 0))).toThrow(Malformed);
  });

  test("random bytes under a right checksum are a record or malformed", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2),
        fc.constantFrom(1, 2, 3, 4),
        fc.uint8Array(),
        (position, tag, rest) => {
          const bytes = withChecksum(7, position, Uint8Array.of(tag, ...rest));
          try {
            expect(readRecord(7, position, bytes).bytes).toBe(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(Malformed);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("a record of more than recordBytesMax", () => {
    const body = { kind: "change", change: new Uint8Array(LIMITS.recordBytesMax) } as const;
    expect(() => readRecord(7, 2, encodeRecord(7, 2, new Map(), body))).toThrow("recordBytesMax");
  });
});

describe("what a later version may write", () => {
  const written = (write: (out: ByteWriter) => void, position: number): Uint8Array => {
    const out = new ByteWriter();
    write(out);
    return withChecksum(7, position, out.finish());
  };

  test("a kind of record that is not known is kept", () => {
    const bytes = written((out) => {
      out.byte(9);
      writeVector(out, new Map([[3, 5]]));
      out.text("whatever");
    }, 2);
    const body = { kind: "unknown", tag: 9 };
    expect(readRecord(7, 2, bytes)).toEqual({ stream: 7, position: 2, deps: new Map([[3, 5]]), body, bytes });
  });

  test("an opening with more fields is read; one of an earlier version than the first is not", () => {
    const opening = (version: number) =>
      written((out) => {
        out.byte(1);
        writeVector(out, new Map());
        out.byte(version);
        out.text("m1");
        out.byte(0);
        out.uint(0);
        if (version === 1) return;
        out.byte(0);
        out.uint(0);
        out.text("more");
      }, 1);
    const body = {
      kind: "opening",
      opening: { node: "m1", rule: LOCAL, previous: undefined, visibility: "committed" },
    };
    expect(readRecord(7, 1, opening(1)).body).toEqual(body);
    expect(readRecord(7, 1, opening(2)).body).toEqual(body);
    expect(() => readRecord(7, 1, opening(0))).toThrow(Malformed);
  });
});

/** The checksum as records have it, written down once more: it covers the place, which is not written. */
function withChecksum(stream: number, position: number, content: Uint8Array): Uint8Array {
  const place = new DataView(new ArrayBuffer(16));
  place.setFloat64(0, stream, true);
  place.setFloat64(8, position, true);
  const checksum = (crc32(new Uint8Array(place.buffer)) ^ crc32(content)) >>> 0;
  const bytes = Uint8Array.of(...content, 0, 0, 0, 0);
  new DataView(bytes.buffer).setUint32(content.length, checksum, true);
  return bytes;
}
