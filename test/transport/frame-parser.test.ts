/** Frames of WebSocket clients, in whatever pieces they come, and everything that is none. */

import { SeededRandom } from "@syncline/simulation";
import { FRAME_BYTES_MAX } from "@syncline/transport";
import { describe, expect, test } from "vitest";
import { FrameParser } from "../../packages/transport/src/frame-parser.js";
import { SEED } from "../seed.js";
import { clientFrame as frame, OPCODES } from "./client-frames.js";

/** What a parser tells, in words. */
function parsing() {
  const told: string[] = [];
  const messages: Uint8Array[] = [];
  const parser = new FrameParser({
    message: (payload) => {
      messages.push(payload);
      told.push(`message of ${payload.length}`);
    },
    ping: (payload) => void told.push(`ping ${Buffer.from(payload)}`),
    goodbye: (code, reason) => void told.push(`goodbye ${code} ${reason}`),
    fault: (code) => void told.push(`fault ${code}`),
  });
  return { parser, told, messages };
}

const filled = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => i * 13 + seed);
const SIZES = [0, 1, 2, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 200_000, FRAME_BYTES_MAX];
const closing = (code: number, reason: string | Uint8Array = "") =>
  frame(OPCODES.close, Buffer.concat([Buffer.of(code >> 8, code & 255), Buffer.from(reason)]));

describe("a parser of frames", () => {
  test("reads messages of all sizes, in whatever pieces they come", () => {
    const random = new SeededRandom(SEED);
    const whole = Buffer.concat(SIZES.map((size, i) => frame(OPCODES.binary, filled(size, i))));
    for (const mean of [1_500, 64 << 10, whole.length]) {
      const { parser, told, messages } = parsing();
      for (let at = 0; at < whole.length; ) {
        const end = at + 1 + random.integer(2 * mean);
        parser.take(Uint8Array.from(whole.subarray(at, end)));
        at = end;
      }
      expect(told).toEqual(SIZES.map((size) => `message of ${size}`));
      for (const [i, size] of SIZES.entries())
        expect(Buffer.compare(messages[i] ?? new Uint8Array(), filled(size, i)), `message ${i}`).toBe(0);
    }
  });

  test("reads byte for byte", () => {
    const { parser, told } = parsing();
    const sent = [
      frame(OPCODES.ping, Buffer.from("hey")),
      frame(OPCODES.binary, filled(300, 1)),
      closing(1000),
    ];
    for (const byte of Buffer.concat(sent)) parser.take(Uint8Array.of(byte));
    expect(told).toEqual(["ping hey", "message of 300", "goodbye 1000 "]);
  });

  test("puts fragments together, also with a ping between them", () => {
    const { parser, told, messages } = parsing();
    parser.take(frame(OPCODES.binary, filled(3, 1), { isLast: false }));
    parser.take(frame(OPCODES.ping, Buffer.from("now")));
    parser.take(frame(OPCODES.continuation, filled(0, 1), { isLast: false }));
    parser.take(frame(OPCODES.continuation, filled(2, 9)));
    parser.take(frame(OPCODES.binary, filled(1, 5)));
    expect(told).toEqual(["ping now", "message of 5", "message of 1"]);
    expect([...(messages[0] ?? [])]).toEqual([...filled(3, 1), ...filled(2, 9)]);
  });

  test("tells a goodbye with its code and reason, and nothing after it", () => {
    const cases: [bytes: Uint8Array, told: string][] = [
      [frame(OPCODES.close, filled(0, 0)), "goodbye 1005 "],
      [closing(1000), "goodbye 1000 "],
      [closing(1001, "déjà"), "goodbye 1001 déjà"],
      [closing(4999, "x".repeat(123)), `goodbye 4999 ${"x".repeat(123)}`],
    ];
    for (const [bytes, expected] of cases) {
      const { parser, told } = parsing();
      parser.take(Buffer.concat([bytes, frame(OPCODES.binary, filled(3, 1))]));
      parser.take(frame(OPCODES.binary, filled(3, 1)));
      expect(told).toEqual([expected]);
    }
  });

  const large = FRAME_BYTES_MAX + 1;
  const half = frame(OPCODES.binary, filled(FRAME_BYTES_MAX / 2, 1), { isLast: false });
  const wrongs: [what: string, sent: Uint8Array[], code: number][] = [
    ["text", [frame(OPCODES.text, Buffer.from("hey"))], 1003],
    ["a frame without a mask", [Buffer.of(0x82, 1, 1)], 1002],
    ["a frame without a mask or contents", [Buffer.of(0x82, 0, 0, 0, 0, 0)], 1002],
    ...[0x10, 0x20, 0x40].map((bit): [string, Uint8Array[], number] => [
      `reserved bit ${bit}`,
      [frame(OPCODES.binary | bit, filled(1, 1))],
      1002,
    ]),
    ...[3, 7, 11, 15].map((opcode): [string, Uint8Array[], number] => [
      `opcode ${opcode}`,
      [frame(opcode, filled(1, 1))],
      1002,
    ]),
    ["a ping in fragments", [frame(OPCODES.ping, filled(1, 1), { isLast: false })], 1002],
    ["a ping that is too long", [frame(OPCODES.ping, filled(126, 1))], 1002],
    ["a continuation of nothing", [frame(OPCODES.continuation, filled(1, 1))], 1002],
    [
      "a message within another",
      [frame(OPCODES.binary, filled(1, 1), { isLast: false }), frame(OPCODES.binary, filled(1, 1))],
      1002,
    ],
    ["a frame that says it is too large", [frame(OPCODES.binary, filled(1, 1), { length: large })], 1009],
    ["a frame of 2^63 bytes", [frame(OPCODES.binary, filled(1, 1), { length: 2 ** 63 })], 1009],
    [
      "fragments that are too large together",
      [half, frame(OPCODES.continuation, filled(FRAME_BYTES_MAX / 2 + 1, 1))],
      1009,
    ],
    [
      "too many fragments",
      [
        frame(OPCODES.binary, filled(1, 1), { isLast: false }),
        ...Array(64).fill(frame(OPCODES.continuation, filled(0, 1), { isLast: false })),
      ],
      1008,
    ],
    [
      "a frame in too many pieces",
      Array.from(frame(OPCODES.binary, filled(20_000, 1)), (byte) => Uint8Array.of(byte)),
      1008,
    ],
    ["a goodbye with half a code", [frame(OPCODES.close, filled(1, 3))], 1002],
    ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map((code): [string, Uint8Array[], number] => [
      `a goodbye with code ${code}`,
      [closing(code)],
      1002,
    ]),
    ["a goodbye that is no text", [closing(1000, Buffer.of(0xff))], 1007],
  ];
  test.each(wrongs)("ends on %s, once", (_what, sent, code) => {
    const { parser, told } = parsing();
    for (const bytes of sent) parser.take(Uint8Array.from(bytes));
    parser.take(frame(OPCODES.binary, filled(3, 1)));
    expect(told).toEqual([`fault ${code}`]);
  });

  test("whatever comes, ends or is read, and never throws", () => {
    const random = new SeededRandom(SEED + 1);
    for (let round = 0; round < 2_000; round++) {
      const { parser, told } = parsing();
      const good = frame(OPCODES.binary, filled(random.integer(200), round));
      for (let flips = random.integer(4); flips > 0; flips--)
        good[random.integer(good.length)] = random.integer(256);
      parser.take(good);
      parser.take(random.bytes(random.integer(50)));
      expect(told.filter((what) => /fault|goodbye/.test(what)).length).toBeLessThanOrEqual(1);
    }
  });
});
