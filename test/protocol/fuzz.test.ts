/** Bad bytes (I12): a fault and never a throw, and never more in memory than the bytes can pay for. */
import { readdirSync, readFileSync } from "node:fs";
import { FrameReader, LIMITS, MESSAGES, type Message } from "@syncline/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messages } from "./arbitraries.js";
import { frameOf, fromHex } from "./frames.js";

const FOLDER = new URL("./golden/", import.meta.url);
const goldens: Uint8Array[] = readdirSync(FOLDER).flatMap((file) => {
  const frames: { hex: string }[] = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"));
  return frames.map(({ hex }) => fromHex(hex));
});

/** Reads a frame as a link would. Whatever it is, the answer is messages or a typed fault. */
function read(frame: Uint8Array): Message[] | undefined {
  const result = new FrameReader().read(frame);
  if (!result.ok) {
    const { code, reason } = result.fault;
    // Compared before vitest is asked, which takes its time, in loops over every bit.
    if (code !== "MALFORMED_MESSAGE" && code !== "FRAME_SEQUENCE") expect.unreachable(code);
    if (reason.length > 300) expect.unreachable(reason);
    return undefined;
  }
  if (weight(result.messages) > 16 * frame.length + 16) expect.unreachable("more than the bytes can pay for");
  return result.messages;
}

/** How many things there are in a decoded message, and how many characters and bytes in them. */
function weight(value: unknown): number {
  if (typeof value === "string") return 1 + value.length;
  if (value instanceof Uint8Array) return 1 + value.length;
  if (value instanceof Map) return [...value].reduce((sum, entry) => sum + weight(entry), 1);
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + weight(inner), 1);
}

test("random bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void read(Uint8Array.of(0, ...bytes))),
    { numRuns: 3_000 },
  );
});

test("random bytes as the body of every message", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(MESSAGES).map(({ tag }) => tag)),
      fc.uint8Array({ maxLength: 120 }),
      (tag, body) => void read(Uint8Array.of(0, tag, body.length, ...body)),
    ),
    { numRuns: 10_000 },
  );
});

test("a frame that is cut anywhere is a fault, or the messages before the cut", () => {
  for (const golden of goldens) {
    for (let length = 0; length < golden.length; length++) {
      // A cut just before the one message leaves a frame without messages.
      expect(read(golden.subarray(0, length))).toEqual(length === 1 ? [] : undefined);
    }
  }
  fc.assert(
    fc.property(fc.array(messages, { minLength: 1, maxLength: 4 }), (sent) => {
      const frame = frameOf(...sent);
      for (let length = 1; length < frame.length; length += 1 + Math.floor(length / 20)) {
        const got = read(frame.subarray(0, length));
        if (got !== undefined) expect(got).toEqual(sent.slice(0, got.length));
      }
    }),
    { numRuns: 100 },
  );
});

test("a frame with any bit flipped, any byte replaced, added or left out", () => {
  for (const golden of goldens) {
    for (let at = 0; at < golden.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = golden.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        read(flipped);
      }
      read(Uint8Array.of(...golden.subarray(0, at), ...golden.subarray(at + 1)));
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) {
        read(Uint8Array.of(...golden.subarray(0, at), byte, ...golden.subarray(at)));
        const replaced = golden.slice();
        replaced[at] = byte;
        read(replaced);
      }
    }
  }
});

test("frames spliced from others", () => {
  const one = fc.constantFrom(...goldens);
  const cuts = fc.array(fc.tuple(one, fc.nat(), fc.nat()), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(cuts, (pieces) => {
      const parts = pieces.map(([frame, a, b]) => {
        const [from, to] = [a % frame.length, b % frame.length].sort((x, y) => x - y);
        return [...frame.subarray(from, (to ?? 0) + 1)];
      });
      read(Uint8Array.of(0, ...parts.flat()));
    }),
    { numRuns: 3_000 },
  );
});

describe("declared lengths and counts are compared with what is there before anything is made of them", () => {
  /** 2^53 - 1, and a count that passes every limit on counts, as eight and two bytes. */
  const HUGE = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  const LIMIT = [0x80, 0x20];
  const bodies = [
    HUGE,
    LIMIT,
    [0, ...LIMIT],
    [1, ...LIMIT],
    [1, 1, ...LIMIT],
    [0, 0, ...LIMIT],
    [1, 0, ...HUGE],
  ];

  test.each(Object.values(MESSAGES).map(({ kind, tag }): [string, number] => [kind, tag]))(
    "%s",
    (_kind, tag) => {
      for (const body of bodies) {
        read(Uint8Array.of(0, tag, ...HUGE, ...body));
        read(Uint8Array.of(0, tag, body.length, ...body));
      }
    },
  );

  test("a frame full of the smallest messages makes no more than its bytes say", () => {
    const pings = new Uint8Array(1 + 2 * 10_000);
    for (let at = 1; at < pings.length; at += 2) pings[at] = MESSAGES.ping.tag;
    expect(read(pings)?.length).toBe(10_000);
  });

  test("what is longer than its limit is a fault, however much of it there is", () => {
    const key = "k".repeat(LIMITS.keyBytesMax + 1);
    const open: Message = { kind: "open", number: 1, document: { collection: "c", key }, since: new Map() };
    expect(read(frameOf(open))).toBeUndefined();
    const change = new Uint8Array(LIMITS.changeBytesMax + 1);
    expect(read(frameOf({ kind: "offer", first: 1, session: undefined, changes: [change] }))).toBeUndefined();
    const changes = Array.from({ length: LIMITS.batchEntriesMax + 1 }, () => new Uint8Array(0));
    expect(read(frameOf({ kind: "offer", first: 1, session: undefined, changes }))).toBeUndefined();
    const vector = new Map(Array.from({ length: LIMITS.vectorEntriesMax + 1 }, (_, i) => [i, 1]));
    expect(read(frameOf({ kind: "handed", have: vector }))).toBeUndefined();
    const loaded = Array.from({ length: LIMITS.documentsPerLinkMax + 1 }, () => 1);
    expect(read(frameOf({ kind: "cut", visible: new Map(), safe: new Map(), loaded }))).toBeUndefined();
  });
});

test("a feed that names a stream that it did not list, an unknown kind of peer, an unknown thing refused", () => {
  for (const body of [
    [1, 5, 1, 1, 1, 0, 0],
    [0, 1, 0, 1, 0, 0],
  ]) {
    expect(read(Uint8Array.of(0, MESSAGES.feed.tag, body.length, ...body))).toBeUndefined();
  }
  const hello = goldens.find((frame) => frame[1] === MESSAGES.hello.tag)?.slice() ?? new Uint8Array();
  hello[5] = 3;
  expect(read(hello)).toBeUndefined();
  const refusal = [20, 5, 0, 0, 0, 0];
  expect(read(Uint8Array.of(0, MESSAGES.refusal.tag, refusal.length, ...refusal))).toBeUndefined();
});
