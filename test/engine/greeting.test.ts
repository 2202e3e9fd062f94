/** The greeting: who may come in, and the same typed reason at both ends when somebody may not. */
import type { Mac } from "@syncline/engine";
import {
  type ErrorCode,
  everyMessage,
  type Fault,
  type Hello,
  LIMITS,
  type Limits,
  type Message,
} from "@syncline/protocol";
import { Network, SeededRandom, urlOf, VirtualTime } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import type { Channel } from "../../packages/engine/src/channel.js";
import { greetServer } from "../../packages/engine/src/client/greeting.js";
import { type GreetingHandler, greet } from "../../packages/engine/src/greeting.js";
import type { Self } from "../../packages/engine/src/introduction.js";
import { helloOf, macOf, RawPeer } from "./rawpeer.js";

/** What became of one end's greeting. */
interface End {
  peer: Hello | undefined;
  channel: Channel | undefined;
  fault: Fault | undefined;
  isOver: boolean;
  readonly messages: Message[];
}

interface EndOptions extends Partial<Self> {
  readonly mac?: Mac;
  readonly limits?: Partial<Limits>;
  readonly admit?: GreetingHandler["admitClient"];
}

class Meeting {
  readonly time = new VirtualTime();
  readonly random = new SeededRandom(1);
  readonly network = new Network(this.time, new SeededRandom(2));

  /** An end that listens under its name. */
  accept(options: EndOptions): End {
    const end = newEnd();
    const name = options.name ?? "acceptor";
    this.network.register({
      name,
      isUp: true,
      accept: (link) => this.greet("acceptor", link, { name, ...options }, end),
    });
    return end;
  }

  dial(to: string, options: EndOptions): End {
    const end = newEnd();
    const name = options.name ?? "dialer";
    this.network
      .dialer(name, () => true)
      .dial(urlOf(to), {
        opened: (link) => this.greet("dialer", link, { name, ...options }, end),
        failed: () => {},
      });
    return end;
  }

  private greet(
    side: "dialer" | "acceptor",
    link: Parameters<typeof greet>[1],
    options: EndOptions,
    end: End,
  ) {
    const { mac, limits, admit, ...self } = options;
    const is: Self = {
      peer: "master",
      cluster: "test",
      name: "",
      incarnation: this.random.integer(2 ** 53),
      url: "",
      voter: true,
      masters: [],
      token: "",
      ...self,
    };
    const ports = {
      clock: clockOf(this.time),
      scheduler: this.time,
      random: this.random,
      mac,
      messages: everyMessage(),
    };
    const handler: GreetingHandler = {
      admitClient: admit ?? ((_hello, answer) => answer(undefined)),
      greeted: (channel, peer) => {
        Object.assign(end, { channel, peer });
        return {
          message: (message) => end.messages.push(message),
          drained() {},
          closed: (_reason, fault) => Object.assign(end, { fault, isOver: true }),
        };
      },
      failed: (_reason, fault) => Object.assign(end, { fault, isOver: true }),
    };
    const all = { ...LIMITS, ...limits };
    const isClient = side === "dialer" && is.peer === "client";
    return isClient
      ? greetServer(link, is, ports, all, handler)
      : greet(side, link, () => is, ports, all, handler);
  }
}

const newEnd = (): End => ({
  peer: undefined,
  channel: undefined,
  fault: undefined,
  isOver: false,
  messages: [],
});

const clockOf = (time: VirtualTime) => ({ now: () => time.now, monotonic: () => time.now });

/** Both ends know why, and neither has taken the other in. */
function expectBoth(code: ErrorCode, ...ends: readonly End[]): void {
  for (const end of ends) {
    expect(end.fault?.code).toBe(code);
    expect(end.isOver).toBe(true);
    expect(end.peer).toBeUndefined();
    expect(end.messages).toEqual([]);
  }
}

describe("two ends that belong together", () => {
  test.each<[string, Mac | undefined]>([
    ["nodes without a secret", undefined],
    ["nodes with the same secret", macOf("secret")],
  ])("%s", (_what, mac) => {
    const meeting = new Meeting();
    const secret = mac === undefined ? {} : { mac };
    const b = meeting.accept({ name: "b", peer: "follower", url: "ws://b", masters: ["ws://a"], ...secret });
    const a = meeting.dial("b", { name: "a", url: "ws://a", ...secret });
    meeting.time.pass(100);
    expect(a.peer).toMatchObject({ name: "b", peer: "follower", url: "ws://b", masters: ["ws://a"] });
    expect(b.peer).toMatchObject({ name: "a", peer: "master", url: "ws://a" });
    a.channel?.send({ kind: "unfollow", stream: 1 });
    b.channel?.send({ kind: "unfollow", stream: 2 });
    meeting.time.pass(100);
    expect(b.messages).toEqual([{ kind: "unfollow", stream: 1 }]);
    expect(a.messages).toEqual([{ kind: "unfollow", stream: 2 }]);
    // They stay together: heartbeats are answered.
    meeting.time.pass(3_600_000);
    expect([a.isOver, b.isOver]).toEqual([false, false]);
  });

  test("a client proves nothing, and takes what cluster it finds if it names none", () => {
    for (const cluster of ["", "test"]) {
      const meeting = new Meeting();
      const b = meeting.accept({ name: "b", mac: macOf("secret") });
      const a = meeting.dial("b", { name: "ann", peer: "client", cluster, token: "let me in" });
      meeting.time.pass(100);
      expect(a.peer?.cluster).toBe("test");
      expect(b.peer).toMatchObject({ name: "ann", peer: "client", token: "let me in" });
    }
  });

  test("what an end says of itself is what is true when it says it, and no more masters than may be named", () => {
    const meeting = new Meeting();
    const masters: string[] = [];
    meeting.accept({ name: "b", masters });
    const a = meeting.dial("b", { name: "a" });
    for (let i = 0; i < 2 * LIMITS.urlsMax; i++) masters.push(`ws://m${i}`);
    meeting.time.pass(100);
    expect(a.peer?.masters).toEqual(masters.slice(0, LIMITS.urlsMax));
  });

  test("every greeting has a nonce of its own", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b" });
    const nonces = new Set<string>();
    for (let i = 0; i < 10; i++) {
      const a = meeting.dial("b", { name: "a" });
      meeting.time.pass(100);
      nonces.add(String(a.peer?.nonce)).add(String(b.peer?.nonce));
    }
    expect(nonces.size).toBe(20);
  });
});

describe("two ends that do not", () => {
  test("another cluster", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b", cluster: "other" });
    const a = meeting.dial("b", { name: "a" });
    meeting.time.pass(100);
    expectBoth("CLUSTER_MISMATCH", a, b);
    expect(a.fault?.reason).toBe('this is cluster "other", the peer is of "test"');
  });

  test("another cluster than the client insists on", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b" });
    const a = meeting.dial("b", { name: "a", peer: "client", cluster: "other" });
    meeting.time.pass(100);
    expectBoth("CLUSTER_MISMATCH", a, b);
  });

  test("itself", () => {
    const meeting = new Meeting();
    const incarnation = 99;
    const b = meeting.accept({ name: "a", incarnation });
    const a = meeting.dial("a", { name: "a", incarnation });
    meeting.time.pass(100);
    expectBoth("SELF_LINK", a, b);
  });

  test("another process under the same name", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "a", incarnation: 98 });
    const a = meeting.dial("a", { name: "a", incarnation: 99 });
    meeting.time.pass(100);
    expectBoth("SUPERSEDED", a, b);
  });

  test("a client that listens, for a node and for a client", () => {
    for (const peer of ["master", "client"] as const) {
      const meeting = new Meeting();
      const b = meeting.accept({ name: "b", peer: "client" });
      const a = meeting.dial("b", { name: "a", peer });
      meeting.time.pass(100);
      // The client itself sees nothing wrong: it let somebody in, who then left.
      expect(a.fault?.code).toBe("UNEXPECTED_MESSAGE");
      expect(a.peer).toBeUndefined();
      expect(b.fault?.code).toBe("UNEXPECTED_MESSAGE");
    }
  });

  test("another version, whoever is the newer one", () => {
    for (const versions of [
      { versionMin: 2, versionMax: 7 },
      { versionMin: 0, versionMax: 0 },
    ]) {
      const meeting = new Meeting();
      const b = meeting.accept({ name: "b" });
      const raw = RawPeer.dial(meeting.network, "raw", "b", helloOf({ peer: "follower", ...versions }));
      meeting.time.pass(100);
      expectBoth("PROTOCOL_VERSION", b);
      expect(raw.codes).toEqual(["PROTOCOL_VERSION"]);
      expect(raw.closedWith).toBeDefined();

      const [raws] = [RawPeer.listen(meeting.network, "c", (peer) => peer.send(helloOf(versions)))];
      const a = meeting.dial("c", { name: "a" });
      meeting.time.pass(100);
      expectBoth("PROTOCOL_VERSION", a);
      expect(raws[0]?.codes).toEqual(["PROTOCOL_VERSION"]);
    }
  });
});

describe("the cluster's secret", () => {
  test("another one", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b", mac: macOf("one") });
    const a = meeting.dial("b", { name: "a", mac: macOf("other") });
    meeting.time.pass(100);
    expectBoth("PROOF_FAILED", a, b);
  });

  test("the end that accepts does not take the dialer's word for it", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b", mac: macOf("secret") });
    const raw = RawPeer.dial(
      meeting.network,
      "raw",
      "b",
      helloOf({ peer: "master" }),
      { kind: "proof", mac: new Uint8Array(32) },
      { kind: "follow", stream: 1, after: 0 },
    );
    meeting.time.pass(100);
    expectBoth("PROOF_FAILED", b);
    expect(raw.codes).toEqual(["PROOF_FAILED"]);
  });

  test("no proof at all, but a message", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b", mac: macOf("secret") });
    const raw = RawPeer.dial(meeting.network, "raw", "b", helloOf({ peer: "master" }), {
      kind: "follow",
      stream: 1,
      after: 0,
    });
    meeting.time.pass(100);
    expectBoth("PROOF_FAILED", b);
    expect(raw.codes).toEqual(["PROOF_FAILED"]);
  });

  test("a dialer that has none learns which flag it lacks", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b", mac: macOf("secret") });
    const a = meeting.dial("b", { name: "a" });
    meeting.time.pass(100);
    expectBoth("PROOF_FAILED", b);
    expect(a.fault?.code).toBe("PROOF_FAILED");
    expect(a.isOver).toBe(true);
    expect(a.fault?.reason).toContain("--cluster-secret-file");
    expect(a.messages).toEqual([]);
  });

  test("an end that accepts and has none is not believed, whether it says something or nothing", () => {
    for (const isTalkative of [true, false]) {
      const meeting = new Meeting();
      const b = meeting.accept({ name: "b" });
      const a = meeting.dial("b", { name: "a", mac: macOf("secret") });
      meeting.time.pass(100);
      if (isTalkative) b.channel?.send({ kind: "progress", streams: [] });
      meeting.time.pass(LIMITS.greetingMsMax);
      expectBoth("PROOF_FAILED", a);
      expect(b.fault?.code).toBe("PROOF_FAILED");
    }
  });

  test("a proof that is sent back proves nothing", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b", mac: macOf("secret") });
    const raw = RawPeer.dial(meeting.network, "raw", "b", helloOf({ peer: "master" }));
    raw.onMessage = (message) => {
      if (message.kind === "proof") raw.send(message);
    };
    meeting.time.pass(100);
    expectBoth("PROOF_FAILED", b);
  });

  test("a proof had from one node under a stolen nonce does not serve with another", () => {
    const meeting = new Meeting();
    meeting.accept({ name: "b", mac: macOf("secret") });
    // The man in the middle is dialed by a, and asks b for a proof over a's nonce.
    RawPeer.listen(meeting.network, "middle", (front) => {
      front.onMessage = (asked) => {
        if (asked.kind !== "hello") return;
        const back = RawPeer.dial(
          meeting.network,
          "middle",
          "b",
          helloOf({ peer: "master", nonce: asked.nonce }),
        );
        back.onMessage = (answer) => {
          if (answer.kind === "hello" || answer.kind === "proof") front.send(answer);
        };
      };
    });
    const a = meeting.dial("middle", { name: "a", mac: macOf("secret") });
    meeting.time.pass(200);
    expectBoth("PROOF_FAILED", a);
  });

  test("a proof is over what both ends claim to be: none of it can be changed on the way", () => {
    const claims: Partial<Hello>[] = [
      { versionMax: 2 },
      { peer: "follower" },
      { name: "mallory" },
      { incarnation: 5 },
      { url: "ws://mallory" },
      { nonce: new Uint8Array(16) },
    ];
    for (const claim of claims) {
      const meeting = new Meeting();
      const b = meeting.accept({ name: "b", mac: macOf("secret") });
      RawPeer.listen(meeting.network, "middle", (front) => {
        const back = RawPeer.dial(meeting.network, "middle", "b");
        front.onMessage = (message) => {
          back.send(message.kind === "hello" ? { ...message, ...claim } : message);
        };
        back.onMessage = (message) => front.send(message);
      });
      const a = meeting.dial("middle", { name: "a", mac: macOf("secret") });
      meeting.time.pass(200);
      expectBoth("PROOF_FAILED", a, b);
    }
  });
});

describe("what does not belong into a greeting", () => {
  const refused = (...first: readonly Message[]): ErrorCode[] => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b", mac: macOf("secret") });
    const raw = RawPeer.dial(meeting.network, "raw", "b", ...first);
    meeting.time.pass(100);
    expect(b.peer).toBeUndefined();
    expect(b.isOver).toBe(true);
    expect(raw.codes).toEqual([b.fault?.code]);
    return raw.codes;
  };

  test("a message before it", () => {
    expect(refused({ kind: "follow", stream: 1, after: 0 })).toEqual(["UNEXPECTED_MESSAGE"]);
    expect(refused({ kind: "offer", first: 1, session: undefined, changes: [] })).toEqual([
      "UNEXPECTED_MESSAGE",
    ]);
  });

  test("a proof before it", () => {
    expect(refused({ kind: "proof", mac: new Uint8Array(32) })).toEqual(["UNEXPECTED_MESSAGE"]);
  });

  test("a second greeting", () => {
    expect(refused(helloOf({ peer: "master" }), helloOf({ peer: "master" }))).toEqual(["PROOF_FAILED"]);
  });

  test("bytes that are no message", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b" });
    const raw = RawPeer.dial(meeting.network, "raw", "b");
    meeting.time.pass(10);
    raw.sendBytes(new TextEncoder().encode("\0GET / HTTP/1.1\r\n\r\n"));
    meeting.time.pass(100);
    expectBoth("MALFORMED_MESSAGE", b);
    expect(raw.codes).toEqual(["MALFORMED_MESSAGE"]);
  });

  test("a first frame that is too large, by one byte", () => {
    const hello = helloOf({ token: "t" });
    const smallest = 30;
    for (const [bytes, isTaken] of [
      [300, true],
      [301, false],
    ] as const) {
      const meeting = new Meeting();
      const b = meeting.accept({ name: "b", limits: { greetingBytesMax: 300 } });
      let token = "t".repeat(300 - smallest - 60);
      const raw = RawPeer.dial(meeting.network, "raw", "b");
      meeting.time.pass(10);
      // Of a greeting, whatever follows the fields that are known is ignored: it may have any size.
      while (sizeOf({ ...hello, token }) < bytes) token += "t";
      expect(sizeOf({ ...hello, token })).toBe(bytes);
      raw.send({ ...hello, token });
      meeting.time.pass(100);
      expect(b.peer !== undefined).toBe(isTaken);
      expect(raw.codes).toEqual(isTaken ? [] : ["MALFORMED_MESSAGE"]);
    }
  });

  test("after it frames may be of full size", () => {
    const meeting = new Meeting();
    const limits = { greetingBytesMax: 300, frameBytesMax: 5_000 };
    const b = meeting.accept({ name: "b", limits });
    const a = meeting.dial("b", { name: "a", limits });
    meeting.time.pass(100);
    const records = (bytes: number): Message => ({
      kind: "records",
      stream: 1,
      first: 1,
      records: [new Uint8Array(bytes)],
    });
    a.channel?.send(records(4_900));
    meeting.time.pass(100);
    expect(b.messages.length).toBe(1);
    a.channel?.send(records(5_000));
    meeting.time.pass(100);
    expect(a.fault?.code).toBe("MALFORMED_MESSAGE");
    expect(b.fault?.code).toBe("MALFORMED_MESSAGE");
  });
});

describe("a peer that takes its time", () => {
  test("says nothing, as the end that dialed", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b" });
    const raw = RawPeer.dial(meeting.network, "raw", "b");
    meeting.time.pass(LIMITS.greetingMsMax - 10);
    expect(b.isOver).toBe(false);
    meeting.time.pass(100);
    expectBoth("GREETING_TIMEOUT", b);
    expect(raw.codes).toEqual(["GREETING_TIMEOUT"]);
    expect(raw.closedWith).toBeDefined();
  });

  test("says nothing, as the end that was dialed", () => {
    const meeting = new Meeting();
    const raws = RawPeer.listen(meeting.network, "raw");
    const a = meeting.dial("raw", { name: "a" });
    meeting.time.pass(LIMITS.greetingMsMax + 100);
    expectBoth("GREETING_TIMEOUT", a);
    expect(raws[0]?.codes).toEqual(["GREETING_TIMEOUT"]);
  });

  test("sends a byte now and then, but never a greeting", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b" });
    const raw = RawPeer.dial(meeting.network, "raw", "b");
    for (let i = 0; i < 20; i++) {
      meeting.time.pass(1_000);
      raw.send({ kind: "pong" });
    }
    expectBoth("GREETING_TIMEOUT", b);
  });

  test("the deadline is over when the greeting is", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b" });
    const a = meeting.dial("b", { name: "a" });
    meeting.time.pass(3 * LIMITS.greetingMsMax);
    expect([a.isOver, b.isOver]).toEqual([false, false]);
  });
});

describe("whether a client may come in", () => {
  test("it is told why not", () => {
    const meeting = new Meeting();
    const why: Fault = { code: "UNAUTHORIZED", reason: "the token has expired" };
    const b = meeting.accept({ name: "b", admit: (_hello, answer) => answer(why) });
    const a = meeting.dial("b", { name: "ann", peer: "client" });
    meeting.time.pass(100);
    expectBoth("UNAUTHORIZED", a, b);
    expect(a.fault?.reason).toBe("the token has expired");
  });

  test("the answer may come later; until then nothing else is said", () => {
    const meeting = new Meeting();
    let answerLater: (refused: Fault | undefined) => void = () => {};
    const b = meeting.accept({
      name: "b",
      admit: (_hello, answer) => {
        answerLater = answer;
      },
    });
    const a = meeting.dial("b", { name: "ann", peer: "client" });
    meeting.time.pass(5_000);
    expect([a.peer, b.peer]).toEqual([undefined, undefined]);
    answerLater(undefined);
    meeting.time.pass(100);
    expect([a.peer?.name, b.peer?.name]).toEqual(["b", "ann"]);
    // An answer given twice changes nothing.
    answerLater(undefined);
    answerLater({ code: "UNAUTHORIZED", reason: "no" });
    meeting.time.pass(100);
    expect([a.isOver, b.isOver]).toEqual([false, false]);
  });

  test("an answer after the deadline, or after the client has gone, changes nothing", () => {
    for (const waitMs of [LIMITS.greetingMsMax + 100, 100]) {
      const meeting = new Meeting();
      let answerLater: (refused: Fault | undefined) => void = () => {};
      const b = meeting.accept({
        name: "b",
        admit: (_hello, answer) => {
          answerLater = answer;
        },
      });
      const raw = RawPeer.dial(meeting.network, "raw", "b", helloOf());
      meeting.time.pass(waitMs);
      if (waitMs < LIMITS.greetingMsMax) raw.close();
      meeting.time.pass(100);
      answerLater(undefined);
      meeting.time.pass(100);
      expect(b.isOver).toBe(true);
      expect(b.peer).toBeUndefined();
    }
  });

  test("a client that does not wait for the answer is refused", () => {
    const meeting = new Meeting();
    const b = meeting.accept({ name: "b", admit: () => {} });
    const raw = RawPeer.dial(meeting.network, "raw", "b", helloOf());
    meeting.time.pass(100);
    raw.send({ kind: "proof", mac: new Uint8Array(32) });
    meeting.time.pass(100);
    expectBoth("UNEXPECTED_MESSAGE", b);
    expect(raw.codes).toEqual(["UNEXPECTED_MESSAGE"]);
  });
});

function sizeOf(message: Message): number {
  const network = new Network(new VirtualTime(), new SeededRandom(1));
  const [peer] = [RawPeer.listen(network, "x", (end) => end.send(message))];
  network.dialer("y", () => true).dial(urlOf("x"), { opened: () => new RawPeer(), failed: () => {} });
  network.time.pass(100);
  expect(peer.length).toBe(1);
  return network.counts.bytes;
}
