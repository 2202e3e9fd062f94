/** Who is behind gets a state instead of a history that is gone or too long: nodes whole snapshots, clients their documents. */
import { everyMessage, LIMITS, type Limits, type Message, TableReader } from "@syncline/protocol";
import { type Cluster, SeededRandom, type SimClient, type SimNode, SimSlots } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { world } from "../scenarios/world.js";

const SMALL: Partial<Limits> = { foldTailChanges: 8, truncationRecordsMin: 4, retentionRecordsMax: 10 };

/** A cluster that says what its nodes log and what travels, from and to whom. */
function watched(seed: number, limits: Partial<Limits>) {
  const lines: string[] = [];
  const cluster = world(seed, { limits, log: (line) => lines.push(line) });
  const sent: { from: string; to: string; message: Message; bytes: number }[] = [];
  const readers = new Map<string, TableReader>();
  cluster.network.tap = (from, to, frame) => {
    const link = `${from} ${to}`;
    // Each link counts its frames from 0.
    if (frame[0] === 0 || !readers.has(link)) readers.set(link, new TableReader(everyMessage()));
    const read = readers.get(link)?.read(frame);
    for (const message of read?.ok ? read.messages : [])
      sent.push({ from, to, message, bytes: frame.length });
  };
  const count = (kind: Message["kind"], to: string) =>
    sent.filter(({ message, to: receiver }) => message.kind === kind && receiver === to).length;
  const logged = (event: string) => lines.filter((line) => line.includes(` ${event} `)).length;
  return { cluster, sent, count, logged };
}

const increment = (node: SimNode, id: string) =>
  node.write(id, (b) => b.counter("votes").increment(), { waitMs: 60_000 });

function write(cluster: Cluster, node: SimNode, count: number, id = (_i: number) => "boards/a"): void {
  for (let i = 0; i < count; i++) {
    increment(node, id(i));
    if (i % 20 === 19) cluster.pass(100);
  }
  cluster.pass(1_000);
}

/** The same by a client, whose changes are held against the specification wherever they are shown. */
function writeBy(writer: SimClient, cluster: Cluster, count: number, id = (_i: number) => "boards/a"): void {
  for (let i = 0; i < count; i++) {
    if (!writer.opened.has(id(i))) writer.open(id(i));
    writer.write(id(i), (b) => b.counter("votes").increment());
    if (i % 20 === 19) cluster.pass(100);
  }
  cluster.pass(1_000);
}

describe("clients", () => {
  test("a new client takes a document with a long history as a state, and goes on from there", () => {
    const { cluster, count } = watched(1, { foldTailChanges: 100 });
    cluster.master("m1");
    const w = cluster.client("w", ["m1"]);
    cluster.pass(100);
    writeBy(w, cluster, 1_000);
    const c1 = cluster.client("c1", ["m1"]);
    const open = c1.open("boards/a");
    cluster.settle();
    expect(open.document.toJSON()).toEqual({ votes: 1_000 });
    expect(count("state", "c1")).toBe(1);
    w.write("boards/a", (b) => b.counter("votes").increment());
    cluster.settle();
    expect(open.document.toJSON()).toEqual({ votes: 1_001 });
    expect(count("state", "c1")).toBe(1);
  });

  test("foldTailChanges: a shorter history stays what it is", () => {
    const { cluster, count } = watched(2, { foldTailChanges: 100, foldQuietChanges: 100 });
    cluster.master("m1");
    const w = cluster.client("w", ["m1"]);
    cluster.pass(100);
    writeBy(w, cluster, 99);
    const open = cluster.client("c1", ["m1"]).open("boards/a");
    cluster.settle();
    expect(open.document.toJSON()).toEqual({ votes: 99 });
    expect(count("state", "c1")).toBe(0);
  });

  test("foldQuietChanges: once nobody has written for a moment, who comes gets a state and nothing to play on it", () => {
    const { cluster, count } = watched(24, { foldTailChanges: 1_000, foldQuietChanges: 10 });
    cluster.master("m1");
    const w = cluster.client("w", ["m1"]);
    cluster.pass(100);
    writeBy(w, cluster, 70);
    const open = cluster.client("c1", ["m1"]).open("boards/a");
    cluster.settle();
    expect(open.document.toJSON()).toEqual({ votes: 70 });
    expect([count("state", "c1"), count("feed", "c1")]).toEqual([1, 0]);
    writeBy(w, cluster, 9);
    const next = cluster.client("c2", ["m1"]).open("boards/a");
    cluster.settle();
    expect(next.document.toJSON()).toEqual({ votes: 79 });
    expect([count("state", "c2"), count("feed", "c2")]).toEqual([1, 1]);
  });

  test("as long as somebody writes it stays what it is: folding it over and over would cost more than it saves", () => {
    const { cluster, count } = watched(25, { foldTailChanges: 1_000, foldQuietChanges: 10 });
    cluster.master("m1");
    const w = cluster.client("w", ["m1"]);
    w.open("boards/a");
    cluster.settle();
    for (let i = 0; i < 40; i++) {
      w.write("boards/a", (b) => b.counter("votes").increment());
      cluster.pass(LIMITS.idleCutMs - 50);
    }
    const open = cluster.client("c1", ["m1"]).open("boards/a");
    cluster.pass(LIMITS.idleCutMs / 2);
    expect(open.document.toJSON()).toEqual({ votes: 40 });
    expect(count("state", "c1")).toBe(0);
  });

  test("what was not folded when the node was killed is when somebody has asked for it: for the next one", () => {
    const { cluster, count } = watched(26, { foldTailChanges: 1_000, foldQuietChanges: 10 });
    const m1 = cluster.master("m1");
    const w = cluster.client("w", ["m1"]);
    w.open("boards/a");
    cluster.settle();
    for (let i = 0; i < 50; i++) w.write("boards/a", (b) => b.counter("votes").increment());
    cluster.passUntil("the node has them", () => JSON.stringify(m1.json("boards/a")) === '{"votes":50}');
    // Else it would come back and ask for the document itself.
    w.kill();
    cluster.pass(50);
    m1.restart();
    cluster.pass(2_000);
    const states = ["c1", "c2"].map((name) => {
      const open = cluster.client(name, ["m1"]).open("boards/a");
      cluster.settle();
      cluster.pass(1_000);
      expect(open.document.toJSON()).toEqual({ votes: 50 });
      return count("state", name);
    });
    expect(states).toEqual([0, 1]);
  });

  test("foldQuietBytesMax, and what a few bytes are worth: a large base is not written anew for them", () => {
    const states = (foldQuietBytesMax: number, times: number) => {
      const limits = { foldTailChanges: 10, foldQuietChanges: 2, foldQuietBytesMax };
      const { cluster, sent } = watched(27, limits);
      cluster.master("m1");
      const w = cluster.client("w", ["m1"]);
      w.open("boards/a");
      cluster.settle();
      w.write("boards/a", (b) => b.register("text").set("x".repeat(2_000)));
      for (let i = 1; i < 10; i++) w.write("boards/a", (b) => b.register(`r${i}`).set(i));
      cluster.pass(1_000);
      for (let i = 0; i < 4; i++) w.write("boards/a", (b) => b.register("more").set("y".repeat(times)));
      cluster.pass(1_000);
      cluster.client("c1", ["m1"]).open("boards/a");
      cluster.settle();
      return sent.filter(({ to, message }) => to === "c1" && message.kind === "feed").length;
    };
    expect(states(10_000, 10)).toBe(1);
    expect(states(10_000, 1_000)).toBe(0);
    expect(states(1_000, 1_000)).toBe(1);
  });

  test("one that was offline while the history went keeps what it wrote meanwhile, once", () => {
    const { cluster, count } = watched(3, SMALL);
    const m1 = cluster.master("m1");
    const c1 = cluster.client("c1", ["m1"]);
    const w = cluster.client("w", ["m1"]);
    const open = c1.open("boards/a");
    c1.write("boards/a", (b) => b.set("tags").add("before"));
    cluster.settle();
    cluster.network.cut("c1", "m1");
    c1.write("boards/a", (b) => b.counter("votes").increment());
    c1.write("boards/a", (b) => b.set("tags").add("offline"));
    writeBy(w, cluster, 100);
    cluster.network.healAll();
    cluster.settle();
    expect(count("state", "c1")).toBeGreaterThan(0);
    const all = { votes: 101, tags: ["before", "offline"] };
    expect(open.document.toJSON()).toEqual(all);
    expect(m1.json("boards/a")).toEqual(all);
    cluster.pass(10_000);
    expect(c1.engine.unsafeChanges()).toEqual([]);
  });

  test("while no master can be reached, a reader shows the state that came, and what it wrote itself", () => {
    const { cluster, count } = watched(6, SMALL);
    cluster.master("m1");
    cluster.follower("f1", { follow: ["m1"] });
    const c1 = cluster.client("c1", ["f1"]);
    const w = cluster.client("w", ["m1"]);
    const open = c1.open("boards/a");
    c1.write("boards/a", (b) => b.set("tags").add("before"));
    cluster.settle();
    for (const node of ["m1", "f1"]) cluster.network.cut("c1", node);
    c1.write("boards/a", (b) => b.set("tags").add("offline"));
    writeBy(w, cluster, 100);
    cluster.network.heal("c1", "f1");
    cluster.passUntil("the state is here", () => count("state", "c1") > 0);
    cluster.pass(1_000);
    expect(open.document.toJSON()).toEqual({ votes: 100, tags: ["before", "offline"] });
  });

  test("a document that came as a state is kept, and shown after a reload without a network", () => {
    const { cluster, count } = watched(7, SMALL);
    const m1 = cluster.master("m1");
    const w = cluster.client("w", ["m1"]);
    cluster.pass(100);
    writeBy(w, cluster, 100);
    const slots = new SimSlots(new SeededRandom(7));
    const before = cluster.client("tab1", ["m1"], {}, slots);
    before.open("boards/a");
    cluster.settle();
    expect(count("state", "tab1")).toBe(1);
    w.write("boards/a", (b) => b.set("tags").add("after"));
    cluster.settle();
    cluster.pass(100);
    before.kill();
    m1.kill();
    const after = cluster.client("tab2", ["m1"], {}, slots);
    const open = after.open("boards/a");
    cluster.pass(100);
    expect(open.loaded).toBe(true);
    expect(open.document.toJSON()).toEqual({ votes: 100, tags: ["after"] });
    m1.restart();
    cluster.settle();
    // It needs no state again.
    expect(count("state", "tab2")).toBe(0);
  });

  test("what it had sent before its link broke is known again, though only a state says so (I2)", () => {
    const { cluster } = watched(4, SMALL);
    const m1 = cluster.master("m1");
    const c1 = cluster.client("c1", ["m1"]);
    const w = cluster.client("w", ["m1"]);
    c1.open("boards/a");
    cluster.settle();
    // The change arrives, its receipt does not.
    cluster.network.blackHoleOneWay("m1", "c1");
    c1.write("boards/a", (b) => b.counter("votes").increment());
    cluster.pass(1_000);
    writeBy(w, cluster, 100);
    cluster.network.healAll();
    cluster.network.died("c1");
    cluster.settle();
    expect(m1.json("boards/a")).toEqual({ votes: 101 });
  });

  test("a large state comes in pieces, as fast as the client reads", () => {
    const { cluster, count } = watched(5, { ...SMALL, batchBytes: 500, sendQueuePauseBytes: 2_000 });
    const m1 = cluster.master("m1");
    const w = cluster.client("w", ["m1"]);
    cluster.pass(100);
    w.open("boards/a");
    for (let i = 0; i < 60; i++) {
      w.write("boards/a", (b) => b.set("tags").add(`${i} ${"x".repeat(100)}`));
      cluster.pass(20);
    }
    cluster.pass(2_000);
    cluster.network.narrow("c1", "m1", 10);
    const open = cluster.client("c1", ["m1"]).open("boards/a");
    cluster.settle();
    expect(open.document.toJSON()).toEqual(m1.json("boards/a"));
    expect(count("state", "c1")).toBeGreaterThan(10);
  });
});

describe("nodes", () => {
  const manyDocuments = (i: number) => `boards/${i % 40}`;

  /** A master with documents whose beginnings are gone. */
  function old(seed: number, limits: Partial<Limits> = {}) {
    const world = watched(seed, { ...SMALL, batchBytes: 200, ...limits });
    // Two, so that what both have is safe, whoever else is away.
    const m1 = world.cluster.master("m1", { follow: ["m2"] });
    world.cluster.master("m2", { follow: ["m1"] });
    world.cluster.pass(1_000);
    write(world.cluster, m1, 400, manyDocuments);
    world.cluster.pass(2_000);
    return { ...world, m1 };
  }
  const ids = Array.from({ length: 40 }, (_, i) => `boards/${i}`);
  const shown = (node: SimNode) => ids.map((id) => node.json(id));

  test("a snapshot that breaks off goes on where it was, while writes go on", () => {
    const { cluster, m1, count, logged } = old(10, { snapshotWindowBytes: 300 });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.passUntil("half of it is there", () => count("piece", "f1") >= 20);
    cluster.network.died("f1");
    increment(m1, "boards/0");
    cluster.settle();
    expect(logged("snapshot-resumed")).toBe(1);
    // Nothing of the first half came twice, but what was under way.
    expect(count("piece", "f1")).toBeLessThan(50);
    expect(shown(f1)).toEqual(shown(m1));
  });

  test("so it does when the receiver is killed in the middle", () => {
    const { cluster, m1, count, logged } = old(11, { snapshotWindowBytes: 300 });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.passUntil("half of it is there", () => count("piece", "f1") >= 20);
    f1.restart();
    cluster.settle();
    expect(logged("snapshot-resumed")).toBe(1);
    expect(shown(f1)).toEqual(shown(m1));
  });

  test("until all of it is there nothing of it is shown (I4), and from then on all of it", () => {
    const { cluster, count } = old(12, { snapshotWindowBytes: 300 });
    // A slow disk: whatever is shown before it has all is shown without the last documents.
    const f1 = cluster.follower("f1", { follow: ["m1"], flushMs: 300 });
    cluster.passUntil("half of it is there", () => count("piece", "f1") >= 20);
    expect(shown(f1).filter((json) => json !== undefined)).toEqual([]);
    expect(f1.engine.keys("boards", undefined, 100)).toEqual([]);
    cluster.passUntil("it is shown", () => f1.json("boards/0") !== undefined);
    expect(f1.engine.keys("boards", undefined, 100)).toHaveLength(40);
    expect(shown(f1)).toEqual(ids.map(() => ({ votes: 10 })));
  });

  test("killed as soon as it is shown, a node shows it again", () => {
    const { cluster, m1 } = old(13);
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.passUntil("it is shown", () => f1.json("boards/0") !== undefined);
    cluster.pass(3);
    f1.restart();
    cluster.settle();
    expect(shown(f1)).toEqual(shown(m1));
    for (const id of ids) increment(m1, id);
    cluster.settle();
    expect(shown(f1)).toEqual(ids.map(() => ({ votes: 11 })));
  });

  test("killed at any moment while it takes the place of what was there, the schema among it, a node starts again", () => {
    let inTheMiddle = 0;
    for (let ms = 1; ms < 40; ms += 6) {
      const { cluster, logged } = watched(15, { ...SMALL, batchBytes: 200, foldPauseMs: 10 });
      const m1 = cluster.master("m1", { follow: ["m2"] });
      cluster.master("m2", { follow: ["m1"] });
      const f1 = cluster.follower("f1", { follow: ["m1"], flushMs: 10 });
      cluster.pass(500);
      m1.alter({ do: "create", collection: "boards" });
      cluster.pass(500);
      f1.kill();
      write(cluster, m1, 400, manyDocuments);
      cluster.pass(2_000);
      f1.restart();
      while (logged("snapshot-received") === 0) cluster.pass(1);
      cluster.pass(ms);
      if (logged("snapshot-taken-in") === 0) inTheMiddle += 1;
      f1.restart();
      cluster.settle();
      expect(f1.failure).toBeUndefined();
      expect(shown(f1)).toEqual(shown(m1));
      expect(f1.engine.catalog().collections).toEqual(m1.engine.catalog().collections);
      expect(f1.engine.catalog().collections).toHaveLength(1);
    }
    expect(inTheMiddle).toBeGreaterThan(3);
  });

  test("clients of a node that gets a snapshot see it as well", () => {
    const { cluster, logged } = watched(14, { ...SMALL, batchBytes: 200 });
    cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    cluster.follower("f1", { follow: ["m1"] });
    const w = cluster.client("w", ["m1"]);
    const open = cluster.client("c1", ["f1"]).open("boards/3");
    writeBy(w, cluster, 80, manyDocuments);
    cluster.settle();
    cluster.network.cut("f1", "m1");
    cluster.pass(15_000);
    writeBy(w, cluster, 80, manyDocuments);
    cluster.pass(2_000);
    cluster.network.healAll();
    cluster.settle();
    expect(logged("snapshot-received")).toBeGreaterThan(0);
    expect(open.document.toJSON()).toEqual({ votes: 4 });
  });

  test("snapshotWindowBytes: the sender is never further ahead of the receiver's disk", () => {
    const { cluster, sent } = old(15, { snapshotWindowBytes: 600 });
    cluster.follower("f1", { follow: ["m1"], flushMs: 5_000 });
    cluster.passUntil("it begins", () => sent.some(({ message }) => message.kind === "piece"));
    cluster.pass(1_000);
    const bytes = sent.reduce(
      (sum, { message }) => sum + (message.kind === "piece" ? message.bytes.length : 0),
      0,
    );
    expect(bytes).toBeGreaterThan(300);
    expect(bytes).toBeLessThanOrEqual(600 + 200);
    cluster.settle(600_000);
  });

  test("snapshotsSentMax: who asks for one more is served later", () => {
    const { cluster, m1, logged } = old(16, { snapshotsSentMax: 1, snapshotWindowBytes: 300 });
    const followers = ["f1", "f2", "f3"].map((name) => cluster.follower(name, { follow: ["m1"] }));
    cluster.pass(300);
    expect(logged("snapshot-begun")).toBe(1);
    cluster.settle();
    for (const follower of followers) expect(shown(follower)).toEqual(shown(m1));
  });

  test("snapshotPatienceMs: a receiver that is silent does not keep the log growing for ever", () => {
    const { cluster, m1, count } = old(17, {
      snapshotPatienceMs: 3_000,
      snapshotWindowBytes: 300,
      silenceMsMax: 60_000,
    });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.passUntil("some of it is there", () => count("piece", "f1") >= 5);
    f1.pause(30_000);
    write(cluster, m1, 100, manyDocuments);
    const pinned = m1.engine.status().retained.records;
    expect(pinned).toBeGreaterThanOrEqual(60);
    cluster.pass(10_000);
    expect(m1.engine.status().retained.records).toBeLessThan(30);
    cluster.settle();
    expect(shown(f1)).toEqual(shown(m1));
  });

  test("bad pieces end the link and change nothing (I12)", () => {
    const { cluster, m1 } = old(18, { snapshotWindowBytes: 300 });
    let spoilt = 0;
    cluster.network.rewrite = (from, frame) => {
      // A bit in the middle of the first frames that bring a document.
      if (from !== "m1" || spoilt > 0 || frame.length < 150) return frame;
      spoilt += 1;
      const bad = frame.slice();
      bad[100] = (bad[100] ?? 0) ^ 4;
      return bad;
    };
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.settle();
    expect(spoilt).toBe(1);
    expect(shown(f1)).toEqual(shown(m1));
  });
});

describe("repair", () => {
  test("a node takes everything anew, in place of what it has, while writes go on; nothing is lost", () => {
    const { cluster, logged } = watched(30, {});
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    cluster.pass(1_000);
    write(cluster, m1, 30);
    cluster.settle();
    for (let i = 0; i < 5; i++) increment(m2, "boards/a");
    expect(m2.engine.repair()).toBeUndefined();
    expect(m2.engine.repair()?.code).toBe("OVERLOADED");
    for (let i = 0; i < 5; i++) increment(m2, "boards/a");
    for (let i = 0; i < 5; i++) increment(m1, "boards/a");
    cluster.passUntil("it is repaired", () => logged("snapshot-taken-in") === 1);
    cluster.settle();
    for (const node of [m1, m2]) expect(node.json("boards/a")).toEqual({ votes: 45 });
    m2.restart();
    cluster.settle();
    expect(m2.json("boards/a")).toEqual({ votes: 45 });
    // It can be done again.
    expect(m2.engine.repair()).toBeUndefined();
    cluster.passUntil("it is repaired again", () => logged("snapshot-taken-in") === 2);
    increment(m2, "boards/a");
    cluster.settle();
    expect(m1.json("boards/a")).toEqual({ votes: 46 });
  });

  test("also while nothing else happens", () => {
    const { cluster, logged } = watched(32, {});
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(1_000);
    write(cluster, m1, 30);
    cluster.pass(5_000);
    expect(f1.engine.repair()).toBeUndefined();
    cluster.passUntil("it is repaired", () => logged("snapshot-taken-in") === 1, 3_000);
    expect(f1.json("boards/a")).toEqual({ votes: 30 });
  });

  test("one whose link ends when it has just begun is over: nothing is held back for it, and it can be had again", () => {
    const { cluster, logged } = watched(33, {});
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"], flushMs: 500 });
    cluster.pass(3_000);
    write(cluster, m1, 30);
    cluster.pass(3_000);
    const began = logged("snapshot-receiving");
    expect(f1.engine.repair()).toBeUndefined();
    let votes = 30;
    // The disk always has something to do, and what was staged goes only after that.
    cluster.passUntil("it begins", () => {
      if (logged("snapshot-receiving") > began) return true;
      increment(m1, "boards/a");
      votes += 1;
      return false;
    });
    cluster.network.died("f1");
    // So long m1 keeps the first one for who comes back for it.
    cluster.pass(LIMITS.snapshotPatienceMs + 5_000);
    expect(f1.engine.repair()).toBeUndefined();
    cluster.passUntil("it is repaired", () => logged("snapshot-taken-in") === 1);
    expect(f1.json("boards/a")).toEqual({ votes });
  });

  test("who has nobody to have it from says so", () => {
    const { cluster } = watched(31, {});
    const m1 = cluster.master("m1");
    cluster.pass(100);
    expect(m1.engine.repair()?.code).toBe("OVERLOADED");
  });
});

describe("limits", () => {
  test("retentionBytesMax: what is kept has so many bytes at most, and one slice of work more", () => {
    const limits = {
      ...SMALL,
      retentionRecordsMax: 10_000,
      retentionBytesMax: 2_000,
      truncationRecordsMin: 4,
    };
    const cluster = world(20, { limits });
    const m1 = cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.settle();
    f1.kill();
    write(cluster, m1, 200);
    cluster.pass(2_000);
    const { bytes, records } = m1.engine.status().retained;
    expect(records).toBeGreaterThan(5);
    expect(bytes).toBeLessThan(2 * 2_000);
  });

  test("foldChangesMax and foldPauseMs: the work is done in slices, and writes go on between them", () => {
    const cluster = world(21, { limits: { ...SMALL, foldChangesMax: 5, foldPauseMs: 20 } });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    for (let i = 0; i < 200; i++) increment(m1, "boards/a");
    cluster.pass(400);
    const before = m1.engine.status().retained.records;
    const answer = increment(m1, "boards/b");
    cluster.pass(20);
    expect(answer.answer?.ok).toBe(true);
    cluster.pass(200);
    const after = m1.engine.status().retained.records;
    // So much at most in so many pauses.
    expect(before - after).toBeLessThanOrEqual(5 * (220 / 20 + 1));
    cluster.pass(5_000);
    expect(m1.engine.status().retained.records).toBeLessThan(20);
    expect(m1.json("boards/a")).toEqual({ votes: 200 });
  });

  test("foldsWaitingMax: a document for which there is no room waits until it has grown again", () => {
    const { cluster, count } = watched(22, { foldTailChanges: 10, foldsWaitingMax: 1, foldPauseMs: 500 });
    cluster.master("m1");
    const w = cluster.client("w", ["m1"]);
    cluster.pass(100);
    const ids = ["boards/a", "boards/b"];
    writeBy(w, cluster, 20, (i) => ids[i % 2] ?? "");
    const states = (client: string) => {
      for (const id of ids) cluster.client(`${client}${id.at(-1)}`, ["m1"]).open(id);
      cluster.settle();
      return ids.map((id) => count("state", `${client}${id.at(-1)}`));
    };
    expect(states("c")).toEqual([1, 0]);
    writeBy(w, cluster, 10, () => "boards/b");
    expect(states("d")).toEqual([1, 1]);
  });

  test("documentBytesInMemoryMax: large documents are dropped from memory before there are many", () => {
    const { cluster } = watched(23, { documentBytesInMemoryMax: 20_000 });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    for (let i = 0; i < 5; i++)
      m1.write(`boards/${i}`, (b) => b.register("text").set("x".repeat(8_000)), { waitMs: 60_000 });
    cluster.pass(100);
    for (let i = 0; i < 5; i++) m1.json(`boards/${i}`);
    increment(m1, "notes/other");
    cluster.pass(100);
    const { documentsInMemory, documentBytesInMemory } = m1.engine.status();
    expect(documentBytesInMemory).toBeLessThanOrEqual(20_000);
    expect(documentsInMemory).toBeGreaterThanOrEqual(1);
    expect(documentsInMemory).toBeLessThan(4);
  });
});
