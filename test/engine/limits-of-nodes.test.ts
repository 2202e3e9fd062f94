/** What a node keeps in memory and whom it lets wait, at most; beyond it nothing is lost (I10). */
import type { Fault, Limits } from "@syncline/protocol";
import type { CrashableStorage, SimNode } from "@syncline/simulation";
import { memoryStorage } from "@syncline/storage";
import { describe, expect, test } from "vitest";
import { world } from "../scenarios/world.js";

const increment = (node: SimNode, id = "boards/a") =>
  node.write(id, (b) => b.counter("votes").increment(), { waitMs: 60_000 });

/** A cluster whose disks count what is read from them. */
function counted(limits: Partial<Limits>) {
  const reads = { count: 0 };
  const counting = (inner: CrashableStorage): CrashableStorage => ({
    get: (key) => {
      reads.count += 1;
      return inner.get(key);
    },
    scan: (range) => {
      reads.count += 1;
      return inner.scan(range);
    },
    commit: (writes, done) => inner.commit(writes, done),
    close: () => inner.close(),
    restart: (options) => counting(inner.restart(options)),
  });
  const cluster = world(1, { limits, disk: (scheduler) => counting(memoryStorage({ scheduler })) });
  const readsBy = (act: () => void): number => {
    const before = reads.count;
    act();
    return reads.count - before;
  };
  return { cluster, readsBy };
}

describe("recentRecordBytesMax", () => {
  test("what is beyond it is read from the log, so a follower that comes late gets all of it", () => {
    const late = (limits: Partial<Limits>) => {
      const { cluster, readsBy } = counted(limits);
      const m1 = cluster.master("m1");
      cluster.pass(100);
      for (let i = 0; i < 100; i++) increment(m1);
      cluster.pass(500);
      let shown: unknown;
      const reads = readsBy(() => {
        const f1 = cluster.follower("f1", { follow: ["m1"] });
        cluster.pass(1_000);
        shown = f1.json("boards/a");
      });
      return { reads, shown };
    };
    const small = late({ recentRecordBytesMax: 500 });
    const ample = late({});
    expect([small.shown, ample.shown]).toEqual([{ votes: 100 }, { votes: 100 }]);
    expect(small.reads).toBeGreaterThan(ample.reads);
  });
});

describe("documentsInMemoryMax and documentNamesInMemoryMax", () => {
  test("the document read least recently goes, and is there again when it is wanted", () => {
    const { cluster, readsBy } = counted({ documentsInMemoryMax: 2 });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    const ids = ["boards/a", "boards/b", "boards/c"];
    for (const id of ids) increment(m1, id);
    cluster.pass(100);
    const read = (id: string) => {
      const reads = readsBy(() => expect(m1.json(id)).toEqual({ votes: 1 }));
      // What is too much goes at the end of a turn.
      increment(m1, "notes/other");
      cluster.pass(100);
      return reads;
    };
    for (const id of ids) read(id);
    expect(read("boards/c")).toBe(0);
    expect(read("boards/a")).toBeGreaterThan(0);
    expect(read("boards/a")).toBe(0);
  });

  test("so with names: a document that was forgotten is found on the disk, and goes on where it was", () => {
    const { cluster } = counted({ documentNamesInMemoryMax: 5, authorCountersInMemoryMax: 5 });
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(500);
    const ids = Array.from({ length: 30 }, (_, i) => `boards/${i}`);
    for (let round = 1; round <= 3; round++) {
      for (const id of ids) increment(m1, id);
      cluster.pass(500);
      for (const id of ids) for (const node of [m1, f1]) expect(node.json(id)).toEqual({ votes: round });
    }
  });
});

describe("parkedRecordBytesMax", () => {
  test("what is too much is dropped and asked for again, and in the end everything is there", () => {
    const max = 3_000;
    const cluster = world(2, { limits: { parkedRecordBytesMax: max, batchBytes: 500 } });
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(1_000);
    cluster.network.faults.delayMsMin = cluster.network.faults.delayMsMax = 1;
    // f1 waits for what m1 wrote, and all that m2 writes builds on it.
    cluster.network.blackHoleOneWay("m1", "f1");
    increment(m1);
    cluster.pass(50);
    let mostParked = 0;
    for (let i = 0; i < 100; i++) {
      increment(m2);
      cluster.pass(20);
      mostParked = Math.max(mostParked, f1.engine.status().parkedRecords);
    }
    // Some wait, as many as fit; no record has less than 40 bytes.
    expect(mostParked).toBeGreaterThan(3);
    expect(mostParked).toBeLessThanOrEqual(max / 40);
    expect(f1.json("boards/a")).toBeUndefined();
    cluster.network.healAll();
    cluster.settle();
    expect(f1.json("boards/a")).toEqual({ votes: 101 });
  });
});

describe("parkedAloneMsMax", () => {
  test("what waits for what every disk has lost is let go of after so long, not before", () => {
    const cluster = world(6, { limits: { parkedAloneMsMax: 20_000 } });
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    // A member that is away: without it nobody closes what the masters have lost.
    const f2 = cluster.follower("f2", { follow: ["m1", "m2"] });
    cluster.pass(1_000);
    f2.kill();
    // f1 has what m2 wrote, and not what it builds on.
    cluster.network.blackHoleOneWay("m1", "f1");
    increment(m1);
    cluster.pass(50);
    increment(m2);
    cluster.pass(50);
    const parked = () => f1.engine.status().parkedRecords;
    expect(parked()).toBeGreaterThan(0);
    for (const master of [m1, m2]) master.kill();
    for (const master of [m1, m2]) master.restartEmpty();
    cluster.network.healAll();
    cluster.pass(18_000);
    expect(parked()).toBeGreaterThan(0);
    cluster.pass(4_000);
    expect(parked()).toBe(0);
    increment(m2);
    cluster.settle();
    for (const node of [m1, m2, f1]) expect(node.json("boards/a")).toEqual({ votes: 1 });
  });
});

describe("providerStallMs", () => {
  test("a provider that owes something and sends nothing is replaced after so long, not before", () => {
    const cluster = world(3, { limits: { providerStallMs: 2_000 } });
    const m1 = cluster.master("m1");
    cluster.follower("f1", { follow: ["m1"] });
    const f2 = cluster.follower("f2", { follow: ["m1", "f1"] });
    cluster.pass(1_000);
    cluster.network.blackHoleOneWay("m1", "f2");
    increment(m1);
    cluster.pass(1_900);
    expect(f2.json("boards/a")).toBeUndefined();
    cluster.pass(800);
    expect(f2.json("boards/a")).toEqual({ votes: 1 });
    expect(f2.engine.status().streams[0]?.provider).toBe("f1");
  });
});

describe("unflushedBytesMax", () => {
  test("a master whose disk does not keep up refuses for now, and goes on when it has caught up", () => {
    const cluster = world(4, { limits: { unflushedBytesMax: 2_000 } });
    const m1 = cluster.master("m1", { flushMs: 3_000 });
    cluster.pass(10_000);
    const writes = Array.from({ length: 100 }, () => increment(m1));
    cluster.pass(100);
    const refused = writes.filter(({ answer }) => answer?.ok === false);
    expect(refused.length).toBeGreaterThan(0);
    for (const { answer } of refused) {
      expect(answer).toMatchObject({ fault: { code: "OVERLOADED", reason: "the disk does not keep up" } });
    }
    // It is looked at before each write; what follows from those that were let in comes on top.
    expect(m1.engine.status().unflushedBytes).toBeLessThan(4_000);
    cluster.pass(10_000);
    expect(m1.json("boards/a")).toEqual({ votes: 100 - refused.length });
    const later = increment(m1);
    cluster.pass(10_000);
    expect(later.answer?.ok).toBe(true);
  });

  test("a client's changes wait meanwhile, and none is lost or doubled", () => {
    const cluster = world(5, { limits: { unflushedBytesMax: 1_500 } });
    const m1 = cluster.master("m1", { flushMs: 500 });
    const ann = cluster.client("ann", ["m1"]);
    cluster.pass(3_000);
    for (let i = 0; i < 200; i++) ann.write("boards/a", (b) => b.counter("votes").increment());
    let most = 0;
    cluster.passUntil("all are there", () => {
      most = Math.max(most, m1.engine.status().unflushedBytes);
      return ann.engine.status().pending === 0;
    });
    expect(m1.json("boards/a")).toEqual({ votes: 200 });
    expect(most).toBeGreaterThan(1_000);
  });

  test("a follower whose disk does not keep up takes no more in, holds up nobody, and gets all of it", () => {
    const cluster = world(6, { limits: { unflushedBytesMax: 2_000, batchBytes: 300 } });
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"], flushMs: 2_000 });
    const f2 = cluster.follower("f2", { follow: ["m1"] });
    cluster.pass(6_000);
    let most = 0;
    for (let i = 0; i < 100; i++) {
      increment(m1);
      cluster.pass(20);
      most = Math.max(most, f1.engine.status().unflushedBytes);
    }
    cluster.pass(500);
    expect(f2.json("boards/a")).toEqual({ votes: 100 });
    expect(f1.json("boards/a")).not.toEqual({ votes: 100 });
    expect(most).toBeLessThan(3_000);
    cluster.settle();
    expect(f1.json("boards/a")).toEqual({ votes: 100 });
  });
});

describe("waits over HTTP", () => {
  const NEVER = new Map([[1, 1]]);
  const BOARD = { collection: "boards", key: "a" };

  function read(node: SimNode, waitMs: number) {
    const result: { fault?: Fault } = {};
    node.engine.read(BOARD, { token: NEVER, waitMs }, (answer) => {
      if (!answer.ok) result.fault = answer.fault;
    });
    return result;
  }

  test("waitingReadsMax: one read more is answered at once; those that wait are answered in their time", () => {
    const cluster = world(7, { limits: { waitingReadsMax: 3 } });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    const reads = [300, 300, 300, 300].map((waitMs) => read(m1, waitMs));
    expect(reads.map(({ fault }) => fault?.code)).toEqual([undefined, undefined, undefined, "OVERLOADED"]);
    // So with reads that wait until what is shown is young enough.
    const f1 = cluster.follower("f1", { follow: ["nobody"] });
    cluster.pass(50);
    const codes: (string | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      f1.engine.whenReadable({ token: new Map(), maxStalenessMs: 1, waitMs: 200 }, (failed) => {
        codes.push(failed?.code);
      });
    }
    expect(codes).toEqual(["OVERLOADED"]);
    cluster.pass(400);
    expect(new Set(reads.slice(0, 3).map(({ fault }) => fault?.code))).toEqual(
      new Set(["CAUSAL_WAIT_TIMEOUT"]),
    );
    expect(codes.slice(1)).toEqual(["STALENESS_EXCEEDED", "STALENESS_EXCEEDED", "STALENESS_EXCEEDED"]);
    expect(read(m1, 300).fault).toBeUndefined();
  });

  test("readWaitMs: a write waits no longer for its token than that", () => {
    const cluster = world(8, { limits: { readWaitMs: 400 } });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    const write = m1.write("boards/a", (b) => b.counter("votes").increment(), {
      token: NEVER,
      waitMs: 60_000,
    });
    cluster.pass(390);
    expect(write.answer).toBeUndefined();
    cluster.pass(20);
    expect(write.answer).toMatchObject({ ok: false, fault: { code: "CAUSAL_WAIT_TIMEOUT" } });
    expect(m1.json("boards/a")).toBeUndefined();
  });

  test("waitingWritesMax: one write more is refused, and is nowhere; those that wait are told in their time", () => {
    const cluster = world(9, { limits: { waitingWritesMax: 3 } });
    const m1 = cluster.master("m1", { rule: { kind: "any", needed: 1, names: ["f1"] } });
    cluster.pass(100);
    const write = () =>
      m1.write("boards/a", (b) => b.counter("votes").increment(), { level: "committed", waitMs: 300 });
    const writes = [write(), write(), write(), write()];
    expect(writes[3]?.answer).toMatchObject({ ok: false, fault: { code: "OVERLOADED" } });
    cluster.pass(400);
    for (const { answer } of writes.slice(0, 3)) {
      expect(answer).toMatchObject({ ok: true, receipt: { outcome: "unconfirmed" } });
    }
    cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(1_000);
    expect(m1.json("boards/a")).toEqual({ votes: 3 });
  });
});

describe("probeMs", () => {
  test("who waits to know how old what is shown asks so often, and nobody else does", () => {
    const cluster = world(10, { limits: { probeMs: 200 } });
    cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1", "m9"] });
    cluster.master("m9").kill();
    cluster.pass(1_000);
    let frames = 0;
    cluster.network.tap = (from, to) => {
      if (from === "f1" && to === "m1") frames += 1;
    };
    f1.engine.whenReadable({ token: new Map(), maxStalenessMs: 0, waitMs: 2_000 }, () => {});
    cluster.pass(2_000);
    expect(frames).toBeGreaterThanOrEqual(9);
    expect(frames).toBeLessThanOrEqual(12);
    frames = 0;
    cluster.pass(2_000);
    expect(frames).toBeLessThanOrEqual(1);
  });
});

describe("gossipHopsMax", () => {
  test("word of a node is passed on over so many others, and no further", () => {
    const cluster = world(11, { limits: { gossipHopsMax: 2 } });
    const m1 = cluster.master("m1");
    for (let i = 1; i <= 5; i++) cluster.follower(`f${i}`, { follow: [i === 1 ? "m1" : `f${i - 1}`] });
    cluster.pass(3_000);
    expect(m1.engine.status().nodes.map(({ node }) => node)).toEqual(["f1", "f2", "f3", "m1"]);
    // What they serve goes all the way.
    increment(m1);
    cluster.pass(1_000);
    expect(cluster.nodes.get("f5")?.json("boards/a")).toEqual({ votes: 1 });
  });
});
