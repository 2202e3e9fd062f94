/** What a client keeps, and how much it has under way, at most (I10). */
import { type LinkHandler, SyncClient } from "@syncline/engine";
import {
  encodeMessage,
  FrameReader,
  FrameWriter,
  LIMITS,
  type Limits,
  type Message,
} from "@syncline/protocol";
import { SeededRandom, VirtualTime } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { increment } from "./changes.js";
import { helloOf } from "./rawpeer.js";

describe("outboxBytesMax", () => {
  test("beyond it transact throws, and what was made before is sent, once, when there is a master", () => {
    const cluster = world(1);
    const m1 = cluster.master("m1");
    cluster.pass(100);
    cluster.network.cut("ann", "m1");
    const ann = cluster.client("ann", ["m1"], { outboxBytesMax: 1_000 });
    let made = 0;
    const write = () => ann.write("boards/a", (b) => b.counter("votes").increment());
    expect(() => {
      for (made = 0; made < 1_000; made++) write();
    }).toThrow("outboxBytesMax is 1000");
    expect(made).toBeGreaterThan(5);
    expect(ann.json("boards/a")).toEqual({ votes: made });
    cluster.network.healAll();
    cluster.settle();
    expect(m1.json("boards/a")).toEqual({ votes: made });
    write();
    cluster.settle();
    expect(m1.json("boards/a")).toEqual({ votes: made + 1 });
  });
});

describe("offersInFlightMax", () => {
  test("so many changes are under way before the first answer, and all of them arrive", () => {
    const cluster = world(2);
    const m1 = cluster.master("m1");
    const ann = cluster.client("ann", ["m1"], { offersInFlightMax: 4 });
    ann.open("boards/a");
    cluster.pass(500);
    // What m1 answers takes a while: until then no more may come.
    let offered = 0;
    let received = 0;
    let most = 0;
    cluster.network.faults.delayMsMin = cluster.network.faults.delayMsMax = 100;
    cluster.network.tap = (_from, _to, frame) => {
      // As the first frame of a link: what it says is wanted, not where it stands.
      const read = new FrameReader().read(Uint8Array.of(0, ...frame.subarray(1)));
      if (!read.ok) throw new Error(read.fault.reason);
      for (const message of read.messages) {
        if (message.kind === "offer") offered += message.changes.length;
        if (message.kind === "receipt") received = Math.max(received, message.received);
      }
      most = Math.max(most, offered - received);
    };
    for (let i = 0; i < 50; i++) ann.write("boards/a", (b) => b.counter("votes").increment());
    cluster.pass(50);
    expect(offered).toBe(4);
    cluster.settle();
    expect(most).toBe(4);
    expect(m1.json("boards/a")).toEqual({ votes: 50 });
  });
});

describe("coverWaitMs", () => {
  test("a session gives a node so long to catch up with what it has seen, then it hands it over", () => {
    const cluster = world(3, { limits: { coverWaitMs: 6_000 } });
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const ann = cluster.client("ann", ["m1"]);
    const bob = cluster.client("bob", ["m1", "m2"]);
    bob.open("boards/a");
    cluster.pass(1_000);
    cluster.network.cut("m1", "m2");
    ann.write("boards/a", (b) => b.set("tags").add("seen"));
    cluster.pass(300);
    expect(bob.json("boards/a")).toEqual({ tags: ["seen"] });
    ann.kill();
    m1.kill();
    cluster.passUntil("bob is at m2", () => bob.engine.status().provider === "m2");
    cluster.pass(5_000);
    expect(m2.json("boards/a")).toBeUndefined();
    cluster.pass(2_000);
    expect(m2.json("boards/a")).toEqual({ tags: ["seen"] });
  });
});

describe("uncutFeedBytesMax", () => {
  /** A client, and a server of the test's own that has opened a link to it. */
  function linked(limits: Partial<Limits>) {
    const time = new VirtualTime();
    let handler: LinkHandler | undefined;
    const writer = new FrameWriter();
    const link = { send() {}, queuedBytes: () => 0, close() {}, terminate() {} };
    const client = new SyncClient(
      { urls: ["sim://m1"], cluster: "", name: "ann", limits: { ...LIMITS, ...limits } },
      {
        clock: { now: () => time.now, monotonic: () => time.now },
        scheduler: time,
        random: new SeededRandom(5),
        dialer: {
          dial: (_, on) => {
            handler = on.opened(link);
            return () => {};
          },
        },
        log: { debug() {}, info() {}, warn() {}, error() {} },
        token: () => "",
      },
    );
    const tell = (...messages: Message[]) => {
      for (const message of messages) writer.add(encodeMessage(message));
      for (const frame of writer.take()) handler?.frame(frame);
    };
    client.start();
    tell(helloOf({ peer: "master", name: "m1" }));
    const board = client.open({ collection: "boards", key: "a" });
    tell({ kind: "cut", visible: new Map(), safe: new Map(), loaded: [1] });
    expect(board.loaded).toBe(true);
    let position = 1;
    const feed = (): Message => {
      position += 1;
      const entries = [{ stream: 7, position, change: increment(77, position - 1) }];
      return { kind: "feed", entries, seal: new Uint8Array(0) };
    };
    return { tell, feed, board };
  }

  test("what arrives is shown at its cut; beyond so many bytes without one it is shown as it comes", () => {
    const { tell, feed, board } = linked({ uncutFeedBytesMax: 5 * increment(77, 1).length });
    tell(feed());
    expect(board.document.toJSON()).toEqual({});
    tell({ kind: "cut", visible: new Map([[7, 2]]), safe: new Map(), loaded: [] });
    expect(board.document.toJSON()).toEqual({ votes: 1 });
    for (let i = 0; i < 5; i++) tell(feed());
    expect(board.document.toJSON()).toEqual({ votes: 1 });
    tell(feed());
    expect(board.document.toJSON()).toEqual({ votes: 7 });
    tell(feed());
    expect(board.document.toJSON()).toEqual({ votes: 7 });
  });
});
