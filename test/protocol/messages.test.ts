/** Messages: each is read as it was written, under a tag that never changes, and fits into a frame. */
import { readdirSync, readFileSync } from "node:fs";
import type { Vector } from "@syncline/core";
import {
  CODES,
  encodeMessage,
  everyMessage,
  FrameReader,
  FrameWriter,
  LIMITS,
  MESSAGES,
  type Message,
  type MessageKind,
  NONCE_BYTES,
  SEAL_BYTES,
} from "@syncline/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MESSAGES_OF, uints } from "./arbitraries.js";
import { frameOf, fromHex, fromJson, readFrame, toHex } from "./frames.js";

const KINDS = Object.keys(MESSAGES_OF) as MessageKind[];

/** The tags on the wire for ever: lines are added, never changed. */
const TAGS: Record<MessageKind, number> = {
  hello: 1,
  proof: 2,
  ping: 3,
  pong: 4,
  refusal: 5,
  progress: 6,
  follow: 7,
  unfollow: 8,
  records: 9,
  open: 10,
  leave: 11,
  feed: 12,
  cut: 13,
  offer: 14,
  receipt: 15,
  handover: 16,
  handed: 17,
  ask: 18,
  told: 19,
  unask: 20,
  probe: 21,
  ages: 22,
  gossip: 23,
  truncated: 24,
  fetch: 25,
  snapshot: 26,
  grant: 27,
  piece: 28,
  complete: 29,
  state: 30,
  presence: 31,
  retired: 32,
  handin: 33,
};

test("every kind has its tag for ever, and no tag has two kinds", () => {
  const tags = Object.fromEntries(Object.values(MESSAGES).map(({ kind, tag }) => [kind, tag]));
  expect(tags).toEqual(TAGS);
  const table = everyMessage();
  for (const kind of KINDS) {
    expect(table.atTag(TAGS[kind])?.kind).toBe(kind);
    expect(table.ofKind(kind)?.tag).toBe(TAGS[kind]);
  }
  expect(table.atTag(0)).toBeUndefined();
  expect(table.atTag(KINDS.length + 1)).toBeUndefined();
});

describe.each(KINDS)("%s", (kind) => {
  test("what is written is read, and written again is the same bytes", () => {
    fc.assert(
      fc.property(MESSAGES_OF[kind], (message: Message) => {
        const frame = frameOf(message);
        const read = readFrame(frame);
        expect(read).toEqual([message]);
        expect(toHex(frameOf(...read))).toBe(toHex(frame));
      }),
      { numRuns: 200 },
    );
  });
});

/** Frames that were written once. Files are added, never changed: they must be read for ever. */
interface Golden {
  readonly what: string;
  readonly hex: string;
  readonly message: unknown;
}

describe("golden frames", () => {
  const FOLDER = new URL("./golden/", import.meta.url);
  const goldens = readdirSync(FOLDER).map((file): [string, Golden[]] => [
    file.replace(".golden.json", ""),
    JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")),
  ]);

  test("there is one file for every kind", () => {
    expect(goldens.map(([kind]) => kind).sort()).toEqual([...KINDS].sort());
  });

  test.each(goldens)("%s: read for ever", (kind, frames) => {
    expect(frames.length).toBeGreaterThan(0);
    for (const { what, hex, message } of frames) {
      const read = readFrame(fromHex(hex));
      expect(read, what).toEqual([fromJson(message)]);
      expect(read[0]?.kind).toBe(kind);
    }
  });

  test.each(goldens)("%s: what is written today is the same bytes", (kind, frames) => {
    for (const { what, hex } of frames) {
      if (what.endsWith(LATER)) continue;
      expect(toHex(frameOf(...readFrame(fromHex(hex)))), `${kind}, ${what}`).toBe(hex);
    }
  });
});

/** Marks frames of later versions, of which this one drops what it does not know. */
const LATER = "(of a later version)";

describe("what a later version may send", () => {
  test("a greeting with more fields is read: two versions can always tell each other which they are", () => {
    fc.assert(
      fc.property(MESSAGES_OF.hello, uints, fc.uint8Array({ maxLength: 40 }), (known, clockMs, more) => {
        const hello = { ...known, clockMs, promoted: true, schema: 2, generation: 1 };
        expect(readFrame(withBody(frameOf(hello), (body) => [...body, ...more]))).toEqual([hello]);
      }),
    );
  });

  test("a refusal with a code that is not known yet means: perhaps later", () => {
    const refusal: Message = {
      kind: "refusal",
      code: "FORBIDDEN",
      about: { what: "offer", number: 7 },
      reason: "for a reason that this version has never heard of",
      masters: ["ws://m1"],
      have: new Map([[5, 6]]),
    };
    const later = withBody(frameOf(refusal), (body) => [127, ...body.slice(1)]);
    const [read] = readFrame(later);
    expect(read).toEqual({ ...refusal, code: "OVERLOADED" });
    expect(CODES.OVERLOADED.retry).toBe("later");
  });

  test("no other message takes bytes left over", () => {
    for (const kind of KINDS) {
      if (kind === "hello") continue;
      for (const message of fc.sample<Message>(MESSAGES_OF[kind], { numRuns: 5, seed: 1 })) {
        const result = new FrameReader().read(withBody(frameOf(message), (body) => [...body, 0]));
        expect(result.ok, kind).toBe(false);
      }
    }
  });
});

describe("a refusal", () => {
  const refused = (reason: string, masters: string[]): Message | undefined =>
    readFrame(
      frameOf({
        kind: "refusal",
        code: "OVERLOADED",
        about: { what: "link" },
        reason,
        masters,
        have: new Map(),
      }),
    )[0];

  test("cuts a reason that is too long, in the middle of no character", () => {
    for (const unit of ["a", "é", "語", "🗺️", "\ud83d"]) {
      const message = refused(unit.repeat(2_000), []);
      if (message?.kind !== "refusal") throw new Error("no refusal");
      expect(message.reason.length).toBeGreaterThan(300);
      expect(new TextEncoder().encode(message.reason).length).toBeLessThanOrEqual(LIMITS.reasonBytesMax);
    }
  });

  test("names no more masters than fit", () => {
    const masters = Array.from({ length: LIMITS.urlsMax + 5 }, (_, i) => `ws://m${i}`);
    expect(refused("", masters)).toMatchObject({ masters: masters.slice(0, LIMITS.urlsMax) });
  });
});

/** The greatest messages of each kind that the engine makes, by the limits that it keeps. */
describe("the greatest messages fit", () => {
  const big = (bytes: number) => new Uint8Array(bytes);
  const name = "n".repeat(LIMITS.nameBytesMax);
  const url = "u".repeat(LIMITS.urlBytesMax);
  const uint = Number.MAX_SAFE_INTEGER;
  const vector: Vector = new Map(
    Array.from({ length: LIMITS.vectorEntriesMax }, (_, i) => [uint - LIMITS.vectorEntriesMax + i, uint]),
  );
  const urls = Array.from({ length: LIMITS.urlsMax }, () => url);
  /** A batch is closed when it has reached `batchBytes`: one change or record may come on top. */
  const changes = [big(LIMITS.batchBytes - 1), big(LIMITS.changeBytesMax)];
  const batch = { changes, seal: big(SEAL_BYTES) };

  const greatest: readonly Message[] = [
    {
      kind: "refusal",
      code: "READ_ONLY_FOLLOWER",
      about: { what: "offer", number: uint },
      reason: "r".repeat(5_000),
      masters: urls,
      have: vector,
    },
    {
      kind: "progress",
      streams: [...vector.keys()].map((stream) => ({
        stream,
        node: name,
        received: uint,
        durable: uint,
        applied: uint,
        visible: uint,
        committed: uint,
        safe: uint,
      })),
    },
    {
      kind: "records",
      stream: uint,
      first: uint,
      records: [big(LIMITS.batchBytes - 1), big(LIMITS.recordBytesMax)],
    },
    {
      kind: "open",
      number: uint,
      document: { collection: "c".repeat(LIMITS.collectionBytesMax), key: "k".repeat(LIMITS.keyBytesMax) },
      since: vector,
    },
    {
      kind: "feed",
      entries: changes.map((change) => ({ stream: uint, position: uint, change })),
      seal: big(SEAL_BYTES),
    },
    {
      kind: "cut",
      visible: vector,
      safe: vector,
      loaded: Array.from({ length: LIMITS.documentsPerLinkMax }, () => uint),
    },
    { kind: "offer", first: uint, session: vector, changes },
    {
      kind: "receipt",
      received: uint,
      durable: uint,
      committed: uint,
      token: vector,
      nodes: Array.from({ length: LIMITS.ruleNamesMax + 1 }, () => name),
    },
    // A hand-over is cut when it has reached `batchBytes`: one whole feed may come on top.
    {
      kind: "handover",
      floor: vector,
      batches: [{ changes: [big(LIMITS.batchBytes - 1)], seal: batch.seal }, batch],
      last: true,
    },
    { kind: "handed", have: vector },
  ];

  test.each(greatest.map((message): [string, Message] => [message.kind, message]))(
    "%s fits into a frame, and is read",
    (_kind, message) => {
      expect(1 + encodeMessage(message).length).toBeLessThanOrEqual(LIMITS.frameBytesMax);
      expect(readFrame(frameOf(message)).length).toBe(1);
    },
  );

  test("the greeting of a node that knows as many masters as may be named, with its proof, is small enough", () => {
    const writer = new FrameWriter();
    writer.add(
      encodeMessage({
        kind: "hello",
        versionMin: uint,
        versionMax: uint,
        peer: "master",
        cluster: name,
        name,
        incarnation: uint,
        nonce: big(NONCE_BYTES),
        url,
        voter: true,
        masters: urls,
        token: "",
      }),
    );
    writer.add(encodeMessage({ kind: "proof", mac: big(32) }));
    const [frame] = writer.take();
    expect(frame?.length).toBeLessThanOrEqual(LIMITS.greetingBytesMax);
  });

  test("so is that of a client with the longest token", () => {
    const [hello] = fc.sample(MESSAGES_OF.hello, 1);
    if (hello === undefined) throw new Error("no greeting");
    const frame = frameOf({ ...hello, masters: [], url: "", token: "t".repeat(LIMITS.tokenBytesMax) });
    expect(frame.length).toBeLessThanOrEqual(LIMITS.greetingBytesMax);
  });
});

/** The frame with the body of its one message changed and its length put right. */
function withBody(frame: Uint8Array, change: (body: number[]) => number[]): Uint8Array {
  const tag = frame[1] ?? 0;
  let at = 2;
  while ((frame[at] ?? 0) >= 0x80) at += 1;
  const body = change([...frame.subarray(at + 1)]);
  const length: number[] = [];
  for (let rest = body.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) + 128 : rest);
    if (rest < 128) break;
  }
  return Uint8Array.of(frame[0] ?? 0, tag, ...length, ...body);
}
