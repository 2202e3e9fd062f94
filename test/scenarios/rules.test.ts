import { covers, createChange, KINDS } from "@syncline/core";
import type { Cluster, SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { RawClient } from "./rawclient.js";
import { world } from "./world.js";

/**
 * One story for each rule of the spine: it fails when the rule is taken out (test/mutants says which line that is).
 */
const ANY_F1 = { kind: "any", needed: 1, names: ["f1"] } as const;

/** How far `at` is in the present stream of `of`, at a level. */
function position(at: SimNode, of: string, level: "received" | "durable" | "applied" | "committed"): number {
  const streams = at.engine.status().streams.filter((stream) => stream.node === of);
  return Math.max(0, ...streams.map((stream) => stream[level] ?? 0));
}

/** Two masters that follow each other. */
function twoMasters(cluster: Cluster): [SimNode, SimNode] {
  return [cluster.master("m1", { follow: ["m2"] }), cluster.master("m2", { follow: ["m1"] })];
}

describe("rule 1: nothing is held before what it depends on (I3)", () => {
  test("a record whose dependency cannot come is neither stored nor reported, and shown once it can", () => {
    const cluster = world(1);
    const [m1, m2] = twoMasters(cluster);
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(500);
    // m1's stream would come to f1 from m1 or from m2, and both ways are closed to it.
    cluster.network.cut("f1", "m1");
    const before = position(f1, "m2", "durable");
    m1.write("boards/a", (b) => b.register("title").set("cause"));
    cluster.pass(200);
    expect(m2.json("boards/a")).toEqual({ title: "cause" });
    // f1 follows m1's stream from m2 as well: hold that back by leaving m2 without what it could serve.
    cluster.network.blackHoleOneWay("m2", "f1");
    m2.write("boards/a", (b) => b.register("title").set("effect"));
    cluster.pass(200);
    expect(position(f1, "m2", "durable")).toBe(before);
    cluster.network.healAll();
    cluster.settle();
    expect(f1.json("boards/a")).toEqual({ title: "effect" });
  });

  test("an arrival before its dependency waits, uncounted", () => {
    const cluster = world(2);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    // f1 hears m2 only of m2's own stream: m1's is served by f2, which is down.
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(500);
    cluster.network.faults.delayMsMin = cluster.network.faults.delayMsMax = 1;
    // Everything of m1 to f1 vanishes silently, so f1 still believes that m1 provides.
    cluster.network.blackHoleOneWay("m1", "f1");
    const before = position(f1, "m2", "received");
    m1.write("boards/a", (b) => b.register("title").set("cause"));
    cluster.pass(50);
    m2.write("boards/a", (b) => b.register("title").set("effect"));
    cluster.pass(300);
    expect(f1.engine.status().parkedRecords).toBe(1);
    expect(position(f1, "m2", "received")).toBe(before);
    expect(f1.json("boards/a")).toBeUndefined();
    cluster.network.healAll();
    cluster.settle();
    expect(f1.json("boards/a")).toEqual({ title: "effect" });
  });
});

describe("rule 2: an epoch is random, and a node follows its own former epochs (I1)", () => {
  test("a master that lost its disk gets back what it had accepted, and its new writes count", () => {
    const cluster = world(3);
    const [m1, m2] = twoMasters(cluster);
    cluster.pass(100);
    m1.write("boards/a", (b) => b.counter("votes").increment(5));
    cluster.pass(500);
    expect(m2.json("boards/a")).toEqual({ votes: 5 });
    m1.restartEmpty();
    cluster.pass(100);
    m1.write("boards/a", (b) => b.counter("votes").increment(2));
    cluster.settle();
    expect(m1.json("boards/a")).toEqual({ votes: 7 });
    expect(m2.json("boards/a")).toEqual({ votes: 7 });
  });

  test("what a master accepted and no longer has comes back even from a follower that it does not follow", () => {
    const cluster = world(4);
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(100);
    m1.write("boards/a", (b) => b.set("tags").add("kept"));
    cluster.pass(500);
    m1.restartEmpty();
    cluster.settle();
    expect(m1.json("boards/a")).toEqual({ tags: ["kept"] });
    expect(covers(m1.visible, f1.visible)).toBe(true);
  });
});

describe("rule 3: a client takes a new author at every start, and counters have no gaps", () => {
  test("the second life of a client does not collide with its first", () => {
    const cluster = world(5);
    const [m1] = twoMasters(cluster);
    const first = cluster.client("ann", ["m1"]);
    first.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(500);
    first.kill();
    const second = cluster.client("ann", ["m1"]);
    const own = second.write("boards/a", (b) => b.counter("votes").increment(10));
    cluster.settle();
    expect(own.durable).toBe(true);
    expect(m1.json("boards/a")).toEqual({ votes: 11 });
  });

  test("a change whose predecessor is not held is refused, not stored", () => {
    const cluster = world(6);
    const m1 = cluster.master("m1");
    cluster.pass(100);
    const raw = new RawClient(cluster, "eve", "m1");
    cluster.pass(100);
    const document = { collection: "boards", key: "a" };
    const change = createChange({
      document,
      author: 77,
      first: 2,
      stamp: 1,
      observed: [],
      paths: [[{ name: "votes", kind: KINDS.counter }]],
      ops: [{ path: 0, op: { act: "step", by: 1 } }],
    });
    raw.send({ kind: "offer", first: 1, session: undefined, changes: [change.bytes] });
    cluster.pass(5_000);
    expect(raw.refusals.map((refusal) => refusal.code)).toEqual(["CAUSES_MISSING"]);
    expect(m1.json("boards/a")).toBeUndefined();
    expect(position(m1, "m1", "received")).toBe(1);
  });
});

describe("rule 4: a record depends on what is visible and on its own stream", () => {
  test("a stream that waits for its quorum does not hold up another master's writes", () => {
    const cluster = world(7);
    const m1 = cluster.master("m1", { follow: ["m2"], rule: ANY_F1 });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f2 = cluster.follower("f2", { follow: ["m1", "m2"] });
    cluster.pass(200);
    m1.write("boards/a", (b) => b.register("title").set("waits for f1"), { waitMs: 100 });
    cluster.pass(300);
    expect(position(m2, "m1", "received")).toBeGreaterThan(0);
    m2.write("boards/a", (b) => b.set("tags").add("asynchronous"));
    cluster.pass(300);
    expect(f2.json("boards/a")).toEqual({ tags: ["asynchronous"] });
    expect(m1.json("boards/a")).toEqual({ tags: ["asynchronous"] });
  });
});

describe("rule 5: what is visible detects duplicates by itself, and waits for what it depends on", () => {
  test("a change in two streams is shown with the one that is committed, and counted once", () => {
    const cluster = world(8);
    const m1 = cluster.master("m1", { follow: ["m2"], rule: ANY_F1 });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    cluster.pass(200);
    const ann = cluster.client("ann", ["m1", "m2"]);
    ann.write("boards/a", (b) => b.counter("votes").increment(3));
    cluster.pass(300);
    // It stands in m1's stream, uncommitted: f1 does not exist yet. Now it is offered to m2, too.
    expect(m2.json("boards/a")).toBeUndefined();
    cluster.network.cut("ann", "m1");
    cluster.pass(3_000);
    expect(m2.json("boards/a")).toEqual({ votes: 3 });
    ann.write("boards/a", (b) => b.counter("votes").increment(4));
    cluster.pass(1_000);
    expect(m1.json("boards/a")).toEqual({ votes: 7 });
    cluster.network.healAll();
    cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.settle();
    expect(m1.json("boards/a")).toEqual({ votes: 7 });
  });
});

describe("rule 6: whoever hears the quorum may commit, with one copy to spare (I6, I7)", () => {
  test("a commit does not die with its master", () => {
    const cluster = world(10);
    const m1 = cluster.master("m1", { rule: ANY_F1 });
    const f1 = cluster.follower("f1", { follow: ["m1"], flushMs: 50 });
    const f2 = cluster.follower("f2", { follow: ["m1", "f1"] });
    cluster.pass(500);
    const before = position(f1, "m1", "durable");
    m1.write("boards/a", (b) => b.register("title").set("quorum"));
    cluster.pass(30);
    // f1 and f2 have it, f1's disk not yet; m1 dies before it can hear that f1's has.
    expect(position(f1, "m1", "received")).toBe(before + 1);
    m1.kill();
    cluster.pass(2_000);
    expect(position(f1, "m1", "committed")).toBe(before + 1);
    expect(f1.json("boards/a")).toEqual({ title: "quorum" });
    expect(f2.json("boards/a")).toEqual({ title: "quorum" });
  });

  test("the quorum alone, without the origin or one more, is a copy too few", () => {
    const cluster = world(11);
    const m1 = cluster.master("m1", { rule: ANY_F1, flushMs: 10_000 });
    cluster.pass(10_100);
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(500);
    const held = position(f1, "m1", "received");
    m1.write("boards/a", (b) => b.register("title").set("one copy"));
    cluster.pass(200);
    expect(position(f1, "m1", "durable")).toBe(held + 1);
    m1.kill();
    cluster.pass(2_000);
    // Only f1's disk has it: nobody may call it committed.
    expect(position(f1, "m1", "committed")).toBeLessThan(held + 1);
    expect(f1.json("boards/a")).toBeUndefined();
    // A second node that has it durably makes it true.
    cluster.follower("f2", { follow: ["f1"] });
    cluster.pass(2_000);
    expect(f1.json("boards/a")).toEqual({ title: "one copy" });
  });
});

describe("rule 7: progress is valid for one connection", () => {
  test("a follower that lost its disk no longer counts for what it once had (I6)", () => {
    const cluster = world(12);
    const rule = { kind: "any", needed: 2, names: ["f1", "f2"] } as const;
    const m1 = cluster.master("m1", { rule });
    const f1 = cluster.follower("f1", { follow: ["m1"], flushMs: 400 });
    cluster.pass(3_000);
    const before = position(f1, "m1", "durable");
    m1.write("boards/a", (b) => b.register("title").set("two copies"));
    cluster.pass(3_000);
    expect(position(f1, "m1", "durable")).toBe(before + 1);
    expect(position(m1, "m1", "committed")).toBe(0);
    f1.restartEmpty();
    cluster.pass(100);
    // f2 comes and has it at once; f1 is connected again, but its new disk has nothing yet.
    cluster.follower("f2", { follow: ["m1"], flushMs: 1 });
    cluster.pass(200);
    expect(position(f1, "m1", "durable")).toBe(0);
    expect(position(m1, "m1", "committed")).toBe(0);
    expect(m1.json("boards/a")).toBeUndefined();
    cluster.pass(3_000);
    expect(m1.json("boards/a")).toEqual({ title: "two copies" });
  });
});

describe("what is safe", () => {
  test("a master that was told of others is not alone, though it has not met them: its clients can go on without it (I10)", () => {
    const cluster = world(15);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const ann = cluster.client("ann", ["m1", "m2"]);
    ann.open("boards/a");
    cluster.pass(2_000);
    expect(ann.open("boards/a").loaded).toBe(true);
    m1.kill();
    const own = ann.write("boards/a", (b) => b.counter("votes").increment());
    const m2 = cluster.master("m2", { follow: ["m1"] });
    cluster.passUntil(
      "m2 has the write, though it knows nothing of what ann had seen at m1",
      () => own.durable,
    );
    expect(m2.json("boards/a")).toEqual({ votes: 1 });
    m1.restart();
    cluster.settle();
  });
});

describe("visibility: the stream says whether readers wait for its commits", () => {
  test("immediate: everybody sees at once what only the answer waits for, also after a restart", () => {
    const cluster = world(12);
    const m1 = cluster.master("m1", { rule: ANY_F1, visibility: "immediate" });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    cluster.pass(200);
    const write = m1.write("boards/a", (b) => b.register("title").set("early"), { waitMs: 50 });
    cluster.pass(500);
    expect(write.answer).toMatchObject({ ok: true, receipt: { outcome: "unconfirmed" } });
    expect(position(m1, "m1", "committed")).toBe(0);
    for (const node of [m1, m2]) expect(node.json("boards/a")).toEqual({ title: "early" });
    m1.restart();
    m2.restart();
    cluster.pass(500);
    for (const node of [m1, m2]) expect(node.json("boards/a")).toEqual({ title: "early" });
    // What another master makes of it depends on it, though it is not committed.
    m2.write("boards/a", (b) => b.counter("votes").increment());
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(2_000);
    expect(f1.json("boards/a")).toEqual({ title: "early", votes: 1 });
    expect(position(m2, "m1", "committed")).toBeGreaterThan(1);
  });
});

describe("rule 8: after a restart the commit position is what was persisted or is heard", () => {
  test("a restart does not show what waits for its quorum", () => {
    const cluster = world(13);
    const m1 = cluster.master("m1", { rule: ANY_F1 });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    cluster.pass(200);
    m1.write("boards/a", (b) => b.register("title").set("hidden"), { waitMs: 50 });
    cluster.pass(500);
    m1.restart();
    m2.restart();
    cluster.pass(500);
    expect(m1.json("boards/a")).toBeUndefined();
    expect(m2.json("boards/a")).toBeUndefined();
    expect(position(m2, "m1", "received")).toBeGreaterThan(1);
  });

  test("a restart still shows what was committed (I7)", () => {
    const cluster = world(14);
    const m1 = cluster.master("m1", { rule: ANY_F1 });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(200);
    m1.write("boards/a", (b) => b.register("title").set("shown"));
    cluster.pass(500);
    cluster.network.cut("m1", "f1");
    m1.restart();
    f1.restart();
    cluster.pass(200);
    expect(m1.json("boards/a")).toEqual({ title: "shown" });
    expect(f1.json("boards/a")).toEqual({ title: "shown" });
  });
});

describe("rule 9: a duplicate is acknowledged like a write", () => {
  test("not before the disk has it (I7)", () => {
    const cluster = world(15);
    cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"], flushMs: 4_000 });
    cluster.pass(5_000);
    const raw = new RawClient(cluster, "eve", "m1");
    const other = new RawClient(cluster, "eve2", "m2");
    cluster.pass(100);
    const change = increment(55, 1);
    raw.send({ kind: "offer", first: 1, session: undefined, changes: [change] });
    cluster.pass(100);
    expect(m2.json("boards/a")).toEqual({ votes: 1 });
    other.send({ kind: "offer", first: 1, session: undefined, changes: [change] });
    cluster.pass(500);
    expect(other.received).toBe(1);
    expect(other.durable).toBe(0);
    cluster.pass(9_000);
    expect(other.durable).toBe(1);
  });

  test("its token names the place where the change is (I8)", () => {
    const cluster = world(16);
    cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(500);
    const raw = new RawClient(cluster, "eve", "m1");
    const other = new RawClient(cluster, "eve2", "m2");
    cluster.pass(100);
    // f1 gets m2's stream, but nothing of m1.
    cluster.network.blackHoleOneWay("m1", "f1");
    raw.send({ kind: "offer", first: 1, session: undefined, changes: [increment(55, 1)] });
    cluster.pass(100);
    other.send({ kind: "offer", first: 1, session: undefined, changes: [increment(55, 1)] });
    cluster.pass(300);
    expect(other.durable).toBe(1);
    expect(f1.json("boards/a")).toBeUndefined();
    expect(f1.covers(other.token)).toBe(false);
    cluster.network.healAll();
    cluster.passUntil("f1 covers the token", () => f1.covers(other.token));
    expect(f1.json("boards/a")).toEqual({ votes: 1 });
  });
});

describe("rule 12: a client keeps what it made and what it saw until it is safe", () => {
  test("a change acknowledged as durable survives the loss of the only disk that had it", () => {
    const cluster = world(17);
    const [m1, m2] = twoMasters(cluster);
    // Nothing is retained of the feed, so only the outbox has it.
    const ann = cluster.client("ann", ["m1", "m2"], { retainedBytesMax: 1 });
    cluster.pass(500);
    cluster.network.cut("m1", "m2");
    const own = ann.write("boards/a", (b) => b.register("title").set("precious"));
    cluster.pass(500);
    expect(own.durable).toBe(true);
    m1.kill();
    cluster.network.cut("ann", "m1");
    cluster.pass(5_000);
    expect(m2.json("boards/a")).toEqual({ title: "precious" });
  });
});

describe("rule 12, bounded (I10)", () => {
  test("while nothing becomes safe, what a master has on its disk makes room; what none has is never let go", () => {
    const cluster = world(23);
    const [m1, m2] = twoMasters(cluster);
    cluster.pass(500);
    m2.kill();
    const ann = cluster.client("ann", ["m1"], { outboxChangesMax: 5, retainedBytesMax: 400 });
    for (let i = 0; i < 50; i++) {
      ann.write("boards/a", (b) => b.counter("votes").increment());
      cluster.pass(50);
    }
    expect(m1.json("boards/a")).toEqual({ votes: 50 });
    expect(ann.engine.unsafeChanges().length).toBeLessThanOrEqual(5);
    cluster.network.cut("ann", "m1");
    for (let i = 0; i < 5; i++) ann.write("boards/a", (b) => b.counter("votes").increment());
    expect(() => ann.write("boards/a", (b) => b.counter("votes").increment())).toThrow(
      "outboxChangesMax is 5",
    );
    cluster.network.healAll();
    m2.restart();
    cluster.settle();
    expect(m2.json("boards/a")).toEqual({ votes: 55 });
  });
});

describe("rule 13: a session hands over what it has seen (I8)", () => {
  /** Ann's change is seen by bob; then m1 and ann die with it. */
  function orphaned(seed: number) {
    const cluster = world(seed);
    const [m1, m2] = twoMasters(cluster);
    const ann = cluster.client("ann", ["m1"]);
    const bob = cluster.client("bob", ["m1", "m2"]);
    bob.open("boards/a");
    bob.open("notes/b");
    cluster.pass(500);
    cluster.network.cut("m1", "m2");
    ann.write("boards/a", (b) => b.set("tags").add("seen"));
    cluster.pass(300);
    expect(bob.json("boards/a")).toEqual({ tags: ["seen"] });
    ann.kill();
    m1.kill();
    return { cluster, m2, bob };
  }

  test("a master that dies with changes that only clients have seen: a writer brings them along", () => {
    const { cluster, m2, bob } = orphaned(18);
    bob.write("notes/b", (b) => b.register("title").set("after"));
    cluster.passUntil("m2 shows bob's write", () => m2.json("notes/b") !== undefined);
    expect(m2.json("boards/a")).toEqual({ tags: ["seen"] });
  });

  test("so does a session that only reads", () => {
    const { cluster, m2 } = orphaned(19);
    cluster.passUntil("m2 shows what bob saw", () => m2.json("boards/a") !== undefined, 20_000);
    expect(m2.json("boards/a")).toEqual({ tags: ["seen"] });
  });
});

describe("rule 14: the session's vector changes only when everything was taken, and never its safe part", () => {
  test("a master that lacks what is safe has to wait for it", () => {
    const cluster = world(20);
    const m1 = cluster.master("m1", { follow: ["m2", "m3"] });
    const m2 = cluster.master("m2", { follow: ["m1", "m3"] });
    const m3 = cluster.master("m3", { follow: ["m1", "m2"] });
    const ann = cluster.client("ann", ["m1"]);
    const bob = cluster.client("bob", ["m1", "m3"]);
    bob.open("boards/a");
    bob.open("notes/b");
    cluster.pass(1_000);
    cluster.network.cut("m3", "m1");
    cluster.network.cut("m3", "m2");
    ann.write("boards/a", (b) => b.set("tags").add("cause"));
    // m1 and m2 have it: it is safe, and bob lets go of it.
    cluster.pass(3_000);
    expect(m2.json("boards/a")).toEqual({ tags: ["cause"] });
    cluster.network.cut("bob", "m1");
    cluster.pass(1_000);
    bob.write("notes/b", (b) => b.register("title").set("effect"));
    cluster.pass(15_000);
    // The effect must not be visible anywhere without its cause.
    expect(m3.json("notes/b")).toBeUndefined();
    cluster.network.healAll();
    cluster.settle();
    expect(m3.json("notes/b")).toEqual({ title: "effect" });
    expect(m1.json("notes/b")).toEqual({ title: "effect" });
  });

  test("a hand-over that was not taken leaves the vector as it was", () => {
    const cluster = world(21);
    const [m1, m2] = twoMasters(cluster);
    const ann = cluster.client("ann", ["m1"]);
    const bob = cluster.client("bob", ["m1", "m2"]);
    bob.open("boards/a");
    bob.open("notes/b");
    cluster.pass(500);
    cluster.network.cut("m1", "m2");
    ann.write("boards/a", (b) => b.set("tags").add("cause"));
    cluster.pass(300);
    ann.kill();
    m1.kill();
    // m2's answers do not reach bob: he cannot know whether it has taken anything.
    bob.write("notes/b", (b) => b.register("title").set("effect"));
    cluster.passUntil("bob has turned to m2", () => bob.engine.status().master === "m2");
    let effectAlone = false;
    for (let i = 0; i < 400; i++) {
      cluster.pass(10);
      effectAlone ||= m2.json("notes/b") !== undefined && m2.json("boards/a") === undefined;
      if (i === 100) m2.restart();
    }
    expect(effectAlone).toBe(false);
    cluster.passUntil("m2 shows both", () => m2.json("notes/b") !== undefined);
    expect(m2.json("boards/a")).toEqual({ tags: ["cause"] });
  });
});

describe("rule 15: author counters are never forgotten", () => {
  test("a late duplicate is recognised after caches have forgotten its author, and after a restart (I2)", () => {
    const cluster = world(22, { limits: { authorCountersInMemoryMax: 4 } });
    const m1 = cluster.master("m1");
    cluster.pass(200);
    const raw = new RawClient(cluster, "eve", "m1");
    cluster.pass(100);
    const changes = Array.from({ length: 20 }, (_, author) => increment(author + 1, 1));
    raw.send({ kind: "offer", first: 1, session: undefined, changes });
    cluster.pass(500);
    expect(m1.json("boards/a")).toEqual({ votes: 20 });
    raw.send({ kind: "offer", first: 21, session: undefined, changes });
    cluster.pass(500);
    expect(raw.durable).toBe(40);
    expect(m1.json("boards/a")).toEqual({ votes: 20 });
    m1.restart();
    cluster.pass(200);
    const again = new RawClient(cluster, "eve2", "m1");
    cluster.pass(100);
    again.send({ kind: "offer", first: 1, session: undefined, changes });
    cluster.pass(500);
    expect(again.durable).toBe(20);
    expect(m1.json("boards/a")).toEqual({ votes: 20 });
  });
});

function increment(author: number, by: number): Uint8Array {
  return createChange({
    document: { collection: "boards", key: "a" },
    author,
    first: 1,
    stamp: 1,
    observed: [],
    paths: [[{ name: "votes", kind: KINDS.counter }]],
    ops: [{ path: 0, op: { act: "step", by } }],
  }).bytes;
}
