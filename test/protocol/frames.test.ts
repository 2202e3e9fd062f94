/** Frames: messages in few frames and in order, and a link that lost, doubled or reordered one is found out. */
import {
  encodeMessage,
  FrameReader,
  FrameWriter,
  LIMITS,
  type Message,
  SEQUENCE_MODULUS,
} from "@syncline/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messages } from "./arbitraries.js";

const PING = encodeMessage({ kind: "ping" });

/** A message of about this many bytes, told apart by its position. */
const sized = (first: number, bytes: number): Message => ({
  kind: "records",
  stream: 1,
  first,
  records: [new Uint8Array(Math.min(bytes, LIMITS.recordBytesMax))],
});

/** What tells such messages apart, without a comparison of all their bytes. */
const places = (list: readonly Message[]) =>
  list.map((message) =>
    message.kind === "records" ? [message.first, message.records[0]?.length] : message.kind,
  );

function readAll(frames: readonly Uint8Array[]): Message[] {
  const reader = new FrameReader();
  return frames.flatMap((frame) => {
    const result = reader.read(frame);
    if (!result.ok) throw new Error(result.fault.reason);
    return result.messages;
  });
}

/** Frames with one ping each, as a quiet link sends them. */
function pings(count: number): Uint8Array[] {
  const writer = new FrameWriter();
  return Array.from({ length: count }, () => {
    writer.add(PING);
    const [frame] = writer.take();
    if (frame === undefined) throw new Error("no frame");
    return frame;
  });
}

describe("the writer", () => {
  test("collects what it is given until it is asked, and then has nothing left", () => {
    fc.assert(
      fc.property(fc.array(fc.array(messages, { maxLength: 5 }), { maxLength: 5 }), (turns) => {
        const writer = new FrameWriter();
        const frames: Uint8Array[] = [];
        for (const turn of turns) {
          for (const message of turn) writer.add(encodeMessage(message));
          const pending = writer.pendingBytes;
          const taken = writer.take();
          expect(taken.length).toBe(turn.length === 0 ? 0 : 1);
          expect(pending).toBe(turn.length === 0 ? 0 : (taken[0]?.length ?? 0) - 1);
          expect(writer.pendingBytes).toBe(0);
          frames.push(...taken);
        }
        expect(readAll(frames)).toEqual(turns.flat());
      }),
    );
  });

  test("begins a new frame when the next message does not fit", () => {
    const half = LIMITS.frameBytesMax / 2;
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1_000, max: half }), { minLength: 1, maxLength: 12 }),
        (sizes) => {
          const sent = sizes.map((size, index) => sized(index + 1, size));
          const writer = new FrameWriter();
          for (const message of sent) writer.add(encodeMessage(message));
          const frames = writer.take();
          for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(LIMITS.frameBytesMax);
          // Two frames in a row would not have fitted into one: no more frames than are needed.
          for (const [index, frame] of frames.entries()) {
            const next = frames[index + 1];
            if (next !== undefined) expect(frame.length + next.length).toBeGreaterThan(LIMITS.frameBytesMax);
          }
          expect(places(readAll(frames))).toEqual(places(sent));
        },
      ),
      { numRuns: 30 },
    );
  });

  test("fills a frame to the last byte", () => {
    const writer = new FrameWriter();
    const first = encodeMessage(sized(1, LIMITS.recordBytesMax));
    writer.add(first);
    const room = LIMITS.frameBytesMax - 1 - first.length;
    let body = room;
    while (encodeMessage(sized(2, body)).length > room) body -= 1;
    const second = encodeMessage(sized(2, body));
    expect(second.length).toBe(room);
    writer.add(second);
    expect(writer.pendingBytes).toBe(LIMITS.frameBytesMax - 1);
    writer.add(PING);
    const frames = writer.take();
    expect(frames.map((frame) => frame.length)).toEqual([LIMITS.frameBytesMax, 1 + PING.length]);
    expect(readAll(frames).length).toBe(3);
  });
});

describe("the sequence", () => {
  test("goes on after it has come round", () => {
    const frames = pings(3 * SEQUENCE_MODULUS + 5);
    expect(frames[0]?.[0]).toBe(0);
    expect(frames[SEQUENCE_MODULUS]?.[0]).toBe(0);
    expect(readAll(frames).length).toBe(frames.length);
  });

  const faultAt = (frames: readonly Uint8Array[]): { index: number; code: string } | undefined => {
    const reader = new FrameReader();
    for (const [index, frame] of frames.entries()) {
      const result = reader.read(frame);
      if (!result.ok) return { index, code: result.fault.code };
    }
    return undefined;
  };

  const place = fc.integer({ min: 0, max: 298 });

  test("a lost frame is noticed with the next one", () => {
    fc.assert(
      fc.property(place, fc.integer({ min: 1, max: SEQUENCE_MODULUS - 1 }), (at, count) => {
        const frames = pings(600);
        frames.splice(at, count);
        expect(faultAt(frames)).toEqual({ index: at, code: "FRAME_SEQUENCE" });
      }),
    );
  });

  test("a doubled frame is noticed at once", () => {
    fc.assert(
      fc.property(place, (at) => {
        const frames = pings(300);
        frames.splice(at, 0, frames[at] ?? PING);
        expect(faultAt(frames)).toEqual({ index: at + 1, code: "FRAME_SEQUENCE" });
      }),
    );
  });

  test("two frames in the wrong order are noticed at the first", () => {
    fc.assert(
      fc.property(place, (at) => {
        const frames = pings(300);
        frames.splice(at, 2, ...frames.slice(at, at + 2).reverse());
        expect(faultAt(frames)).toEqual({ index: at, code: "FRAME_SEQUENCE" });
      }),
    );
  });

  test("bytes of no sequence are noticed", () => {
    for (let first = 1; first < 256; first++) {
      expect(new FrameReader().read(Uint8Array.of(first, ...PING))).toMatchObject({
        ok: false,
        fault: { code: "FRAME_SEQUENCE" },
      });
    }
  });
});

describe("the reader", () => {
  test("takes a frame whole or not at all", () => {
    const frame = Uint8Array.of(0, ...PING, ...PING, 99, 0);
    expect(new FrameReader().read(frame)).toEqual({
      ok: false,
      fault: { code: "MALFORMED_MESSAGE", reason: "no message has the tag 99" },
    });
  });

  test("refuses an empty frame, and takes one without messages", () => {
    expect(new FrameReader().read(new Uint8Array(0))).toMatchObject({
      ok: false,
      fault: { code: "MALFORMED_MESSAGE" },
    });
    expect(new FrameReader().read(Uint8Array.of(0))).toEqual({ ok: true, messages: [] });
  });
});
