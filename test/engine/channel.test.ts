/** A link as messages: few frames, heartbeats, bounds on what waits, and an end with a reason. */
import type { Link } from "@syncline/engine";
import {
  encodeMessage,
  everyMessage,
  type Fault,
  FrameReader,
  FrameWriter,
  fault,
  LIMITS,
  type Limits,
  type Message,
} from "@syncline/protocol";
import { SeededRandom, VirtualTime } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { Channel, type ChannelHandler } from "../../packages/engine/src/channel.js";

/** A channel over a link that the test holds in its hands. */
function setUp(is: Partial<Limits> = {}) {
  const time = new VirtualTime();
  const frames: Uint8Array[] = [];
  const ends: string[] = [];
  const link: Link & { queued: number } = {
    queued: 0,
    send: (frame: Uint8Array) => void frames.push(frame),
    queuedBytes: () => link.queued,
    close: (reason: string) => void ends.push(`close: ${reason}`),
    terminate: (reason: string) => void ends.push(`terminate: ${reason}`),
  };
  const told: {
    messages: Message[];
    drained: number;
    closed: { reason: string; fault: Fault | undefined }[];
  } = {
    messages: [],
    drained: 0,
    closed: [],
  };
  const limits = { ...LIMITS, ...is };
  const clock = { lateMs: 0, now: () => 0, monotonic: () => time.now + clock.lateMs };
  const handler: ChannelHandler = {
    message: (message) => void told.messages.push(message),
    drained: () => {
      told.drained += 1;
    },
    closed: (reason, why) => void told.closed.push({ reason, fault: why }),
  };
  const ports = { clock, scheduler: time, messages: everyMessage() };
  const channel: Channel = new Channel(link, ports, limits, handler);
  channel.greeted(handler);
  const reader = new FrameReader();
  const writer = new FrameWriter();
  return {
    time,
    clock,
    link,
    frames,
    ends,
    told,
    channel,
    limits,
    /** The messages that have been sent since the last call, by frame. */
    sent: (): Message[][] =>
      frames.splice(0).map((frame) => {
        const result = reader.read(frame);
        if (!result.ok) throw new Error(result.fault.reason);
        return result.messages;
      }),
    /** Lets a frame with these messages arrive. */
    arrive: (...messages: readonly Message[]): void => {
      for (const message of messages) writer.add(encodeMessage(message));
      for (const frame of writer.take()) channel.frame(frame);
    },
  };
}

const unfollow = (stream: number): Message => ({ kind: "unfollow", stream });
const big = (bytes: number): Message => ({
  kind: "records",
  stream: 1,
  first: 1,
  records: [new Uint8Array(bytes)],
});

describe("sending", () => {
  test("what a turn collects leaves in one frame, at the end of the turn", () => {
    const { channel, sent, time } = setUp();
    for (let i = 1; i <= 3; i++) channel.send(unfollow(i));
    expect(sent()).toEqual([]);
    time.pass(0);
    expect(sent()).toEqual([[unfollow(1), unfollow(2), unfollow(3)]]);
    time.pass(1_000);
    expect(sent()).toEqual([]);
    channel.send(unfollow(4));
    time.pass(0);
    expect(sent()).toEqual([[unfollow(4)]]);
  });

  test("a message that was encoded once goes out as it is", () => {
    const { channel, sent, time } = setUp();
    channel.sendEncoded(encodeMessage(unfollow(1)));
    channel.send(unfollow(2));
    time.pass(0);
    expect(sent()).toEqual([[unfollow(1), unfollow(2)]]);
  });

  test("what waits counts from the moment it is given: feeds pause at sendQueuePauseBytes", () => {
    const { channel, link, time } = setUp({ sendQueuePauseBytes: 1_000 });
    expect(channel.writable).toBe(true);
    channel.send(big(1_000));
    expect(channel.writable).toBe(false);
    time.pass(0);
    expect(channel.writable).toBe(true); // The link has taken it, and says that nothing is queued.
    link.queued = 999;
    expect(channel.writable).toBe(true);
    link.queued = 1_000;
    expect(channel.writable).toBe(false);
  });

  test("feeds go on also where the link took at once what made them pause, and has nothing to drain", () => {
    const { channel, told, time } = setUp({ sendQueuePauseBytes: 1_000 });
    channel.send(big(1_000));
    expect(channel.writable).toBe(false);
    time.pass(0);
    expect(told.drained).toBe(1);
    channel.send(big(10));
    time.pass(1_000);
    expect(told.drained).toBe(1); // Nobody had to pause.
  });

  test("a drained queue is passed on, until the end", () => {
    const { channel, told } = setUp();
    channel.drained();
    expect(told.drained).toBe(1);
    channel.close("enough");
    channel.drained();
    expect(told.drained).toBe(1);
  });

  test("beyond sendQueueBytesMax the link is cut off without another word", () => {
    const { channel, link, ends, told, frames, time } = setUp({ sendQueueBytesMax: 5_000 });
    link.queued = 4_900;
    channel.send(unfollow(1));
    expect(channel.isOpen).toBe(true);
    channel.send(big(200));
    expect(channel.isOpen).toBe(false);
    expect(channel.writable).toBe(false);
    expect(ends).toEqual(["terminate: more than 5000 bytes wait for this peer"]);
    expect(told.closed.map(({ fault: why }) => why?.code)).toEqual(["SLOW_PEER"]);
    channel.send(unfollow(2));
    time.pass(100_000);
    expect(frames).toEqual([]);
    expect(told.closed.length).toBe(1);
  });
});

describe("heartbeats", () => {
  test("a ping is answered, and a pong is nobody's business", () => {
    const { arrive, sent, time, told } = setUp();
    arrive({ kind: "ping" }, unfollow(1), { kind: "pong" }, { kind: "ping" });
    time.pass(0);
    expect(sent()).toEqual([[{ kind: "pong" }, { kind: "pong" }]]);
    expect(told.messages).toEqual([unfollow(1)]);
  });

  test("a quiet peer is asked after heartbeatMs, and its answer keeps the link", () => {
    const { arrive, sent, time, channel, limits } = setUp();
    time.pass(limits.heartbeatMs - 1);
    expect(sent()).toEqual([]);
    for (let i = 0; i < 100; i++) {
      time.pass(1);
      expect(sent()).toEqual([[{ kind: "ping" }]]);
      arrive({ kind: "pong" });
      expect(channel.heardAt).toBe(time.now);
      time.pass(limits.heartbeatMs - 1);
    }
    expect(channel.isOpen).toBe(true);
  });

  test("a peer that talks is not asked", () => {
    const { arrive, sent, time, limits } = setUp();
    for (let i = 0; i < 100; i++) {
      time.pass(limits.heartbeatMs / 2 + 1);
      arrive(unfollow(1));
    }
    expect(sent()).toEqual([]);
  });

  test("silence for silenceMsMax ends the link, at once and with its code", () => {
    const { ends, told, time, limits, channel } = setUp();
    time.pass(limits.silenceMsMax - 1);
    expect(channel.isOpen).toBe(true);
    time.pass(1);
    expect(channel.isOpen).toBe(false);
    expect(ends).toEqual(["terminate: nothing heard for 10000 ms"]);
    expect(told.closed.map(({ fault: why }) => why?.code)).toEqual(["SILENCE"]);
  });

  test("silence is noticed within one heartbeat more, whenever it began", () => {
    for (let beganAt = 100; beganAt < 15_000; beganAt += 700) {
      const { arrive, told, time, limits } = setUp();
      time.pass(beganAt);
      arrive(unfollow(1));
      if (told.closed.length > 0) continue; // It had been silent before.
      time.pass(limits.silenceMsMax - 1);
      expect(told.closed).toEqual([]);
      time.pass(limits.heartbeatMs + 1);
      expect(told.closed.length).toBe(1);
    }
  });

  test("parts of a millisecond do not make a timer that lets no time pass", () => {
    const random = new SeededRandom(1);
    for (let count = 0; count < 500; count++) {
      const { arrive, sent, time, channel, limits } = setUp();
      time.pass(limits.heartbeatMs - 1 + random.float() / 3);
      arrive(unfollow(1));
      // A clock that has run for long is coarser than what is left to wait.
      for (let beat = 0; beat < 8; beat++) {
        time.pass(limits.heartbeatMs + random.float() / 3);
        expect(channel.isOpen).toBe(true);
        arrive(unfollow(1));
      }
      expect(sent().length).toBeLessThan(40);
    }
  });

  test("a peer that was not asked is not given up, however late the timer is that would have asked", () => {
    const { arrive, clock, ends, sent, time, limits, channel } = setUp();
    arrive(unfollow(1));
    clock.lateMs = limits.silenceMsMax;
    time.pass(limits.heartbeatMs);
    expect([channel.isOpen, sent()]).toEqual([true, [[{ kind: "ping" }]]]);
    time.pass(limits.heartbeatMs);
    expect(channel.isOpen).toBe(false);
    expect(ends).toHaveLength(1);
  });

  test("after the end there are no heartbeats", () => {
    const { channel, sent, time } = setUp();
    channel.close("enough");
    time.pass(100_000);
    expect(sent()).toEqual([]);
    expect(time.step()).toBe(false);
  });
});

describe("receiving", () => {
  test("a frame that is out of sequence ends the link", () => {
    const { channel, sent, told, ends } = setUp();
    const frame = Uint8Array.of(1, ...encodeMessage(unfollow(1)));
    channel.frame(frame);
    expect(sent().flat()).toMatchObject([
      { kind: "refusal", code: "FRAME_SEQUENCE", about: { what: "link" } },
    ]);
    expect(told.messages).toEqual([]);
    expect(told.closed.map(({ fault: why }) => why?.code)).toEqual(["FRAME_SEQUENCE"]);
    expect(ends.length).toBe(1);
  });

  test("so does one that is malformed: none of its messages counts", () => {
    const { channel, sent, told } = setUp();
    channel.frame(Uint8Array.of(0, ...encodeMessage(unfollow(1)), 99, 0));
    expect(sent().flat()).toMatchObject([{ kind: "refusal", code: "MALFORMED_MESSAGE" }]);
    expect(told.messages).toEqual([]);
  });

  test("a frame of more than frameBytesMax is not looked at", () => {
    const { channel, arrive, sent, told } = setUp({ frameBytesMax: 1_000 });
    arrive(big(980));
    expect(told.messages.length).toBe(1);
    channel.frame(new Uint8Array(1_001));
    expect(sent().flat()).toMatchObject([{ kind: "refusal", code: "MALFORMED_MESSAGE" }]);
  });

  test("what follows in a frame after the end is not delivered", () => {
    const { arrive, told, channel } = setUp();
    const refusal = refusalOf({ what: "link" });
    arrive(unfollow(1), refusal, unfollow(2));
    expect(told.messages).toEqual([unfollow(1)]);
    expect(told.closed).toEqual([
      { reason: "go away", fault: fault("SHUTTING_DOWN", "go away", ["ws://other"]) },
    ]);
    arrive(unfollow(3));
    expect(told.messages).toEqual([unfollow(1)]);
    expect(channel.isOpen).toBe(false);
  });

  test("a refusal of something else is a message like any other", () => {
    const { arrive, told, channel } = setUp();
    const refusal = refusalOf({ what: "offer", number: 3 });
    arrive(refusal);
    expect(told.messages).toEqual([refusal]);
    expect(channel.isOpen).toBe(true);
  });

  const refusalOf = (about: Extract<Message, { kind: "refusal" }>["about"]): Message => ({
    kind: "refusal",
    code: "SHUTTING_DOWN",
    about,
    reason: "go away",
    masters: ["ws://other"],
    have: new Map(),
  });
});

describe("the end", () => {
  test("with a reason: what was collected goes out, the reason last, and the link is closed", () => {
    const { channel, sent, ends, told } = setUp();
    channel.send(unfollow(1));
    channel.end(fault("SHUTTING_DOWN", "bye", ["ws://m2"]));
    expect(sent()).toMatchObject([
      [unfollow(1), { kind: "refusal", code: "SHUTTING_DOWN", reason: "bye", masters: ["ws://m2"] }],
    ]);
    expect(ends).toEqual(["close: SHUTTING_DOWN: bye"]);
    expect(told.closed).toEqual([{ reason: "bye", fault: fault("SHUTTING_DOWN", "bye", ["ws://m2"]) }]);
  });

  test("without one: what was collected goes out", () => {
    const { channel, sent, ends, told } = setUp();
    channel.send(unfollow(1));
    channel.close("another server is wanted");
    expect(sent()).toEqual([[unfollow(1)]]);
    expect(ends).toEqual(["close: another server is wanted"]);
    expect(told.closed).toEqual([{ reason: "another server is wanted", fault: undefined }]);
  });

  test("by the transport", () => {
    const { channel, ends, told } = setUp();
    channel.closed("connection reset");
    expect(ends).toEqual([]);
    expect(told.closed).toEqual([{ reason: "connection reset", fault: undefined }]);
  });

  test("is told once, whatever comes after it", () => {
    const { channel, sent, ends, told, time } = setUp();
    channel.close("enough");
    channel.end(fault("SILENCE", "nothing"));
    channel.close("again");
    channel.closed("connection reset");
    channel.send(unfollow(1));
    channel.flush();
    time.pass(0);
    expect([sent(), ends.length, told.closed.length]).toEqual([[], 1, 1]);
  });
});
