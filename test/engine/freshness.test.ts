/** Reads that ask how old what they show may be, and reads of what a majority has: never under-reported (I8). */
import { type Fault, LIMITS, type Probe } from "@syncline/protocol";
import { type Cluster, type SimNode, Trace, VirtualTime } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { Freshness } from "../../packages/engine/src/node/freshness.js";
import type { NodeLink, Peers } from "../../packages/engine/src/node/peers.js";
import { world } from "../scenarios/world.js";

const BOARD = { collection: "boards", key: "a" };

/** A read of what is at most this old. */
function read(node: SimNode, maxStalenessMs: number, waitMs = 2_000) {
  const result: { value?: unknown; fault?: Fault; at?: number } = {};
  node.engine.read(BOARD, { token: new Map(), maxStalenessMs, waitMs }, (answer) => {
    if (answer.ok) result.value = answer.document?.toJSON() ?? null;
    else result.fault = answer.fault;
  });
  return result;
}

const increment = (node: SimNode) => node.write("boards/a", (b) => b.counter("votes").increment());

/** Two masters that follow each other, a follower of both, and one behind it. */
function build(seed: number) {
  const cluster = world(seed);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
  const f2 = cluster.follower("f2", { follow: ["f1"] });
  cluster.pass(1_000);
  return { cluster, m1, m2, f1, f2 };
}

/** Counts the questions that are sent from now on. */
function countProbes(cluster: Cluster) {
  const ways = new Map<string, number>();
  const probes = {
    count: 0,
    of: (from: string, to: string) => ways.get(`${from} -> ${to}`) ?? 0,
  };
  const trace = new Trace((line) => {
    const way = / (\w+ -> \w+) probe/.exec(line)?.[1];
    if (way === undefined) return;
    probes.count += 1;
    ways.set(way, (ways.get(way) ?? 0) + 1);
  });
  cluster.network.tap = (from, to, frame) => trace.frame(cluster.time.now, from, to, frame);
  return probes;
}

describe("at most so old", () => {
  test("a node that comes back with an empty disk knows of nobody, and does not take itself for the only one", () => {
    const { cluster, m1, m2 } = build(4);
    increment(m1);
    cluster.pass(1_000);
    cluster.network.cut("m1", "m2");
    m2.restartEmpty();
    cluster.passUntil("m2 has started", () => m2.isUp);
    const answer = read(m2, 500, 30_000);
    expect(answer).toEqual({});
    cluster.network.heal("m1", "m2");
    cluster.passUntil("the read is answered", () => Object.keys(answer).length > 0);
    expect(answer).toEqual({ value: { votes: 1 } });
  });

  test("a master started again does not vouch for itself before it knows what of its own was committed", () => {
    const cluster = world(5);
    const rule = { kind: "any", needed: 1, names: ["f1"] } as const;
    const m1 = cluster.master("m1", { rule, flushMs: 300 });
    cluster.follower("f1", { follow: ["m1"], flushMs: 1 });
    cluster.pass(3_000);
    const write = increment(m1);
    cluster.passUntil("its caller is told", () => write.answer !== undefined);
    expect(write.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
    // The disk has the write, and not yet that it is committed.
    m1.kill();
    cluster.network.cut("m1", "f1");
    m1.restart();
    cluster.passUntil("m1 has started", () => m1.isUp);
    const answer = read(m1, 500, 3_000);
    cluster.pass(4_000);
    expect(answer.fault).toMatchObject({ code: "STALENESS_EXCEEDED" });
    expect(answer.fault?.reason).toContain("m1 does not know yet");
    cluster.network.heal("m1", "f1");
    const again = read(m1, 500, 30_000);
    cluster.passUntil("the read is answered", () => Object.keys(again).length > 0);
    expect(again).toEqual({ value: { votes: 1 } });
  });

  test("a new stream says nothing of the one before it: what was shown of that is waited for, too", () => {
    const time = new VirtualTime();
    const visible = new Map<number, number>();
    const probes: number[] = [];
    // Its upstream is m1 itself, which has opened stream 2 and shows nothing of it yet.
    const entry = { node: "m1", received: 5, durable: 5, applied: 5, committed: 5, safe: 5 };
    const link = {
      dialed: true,
      peer: { name: "m1" },
      progress: new Map([
        [1, { ...entry, stream: 1, visible: 5 }],
        [2, { ...entry, stream: 2, visible: 0 }],
      ]),
      heard: new Map(),
      channel: { send: ({ number }: Probe) => probes.push(number) },
    };
    const freshness = new Freshness(
      { name: "f1", role: "follower", follow: ["sim://m1"] },
      { others: () => new Map([["m1", { role: "master", url: "sim://m1", voter: true }]]) },
      { all: () => [link] } as unknown as Peers,
      visible,
      { clock: { now: () => time.now, monotonic: () => time.now }, scheduler: time },
      LIMITS,
      { current: () => undefined, hasHiddenPast: () => false, limitOf: () => end },
    );
    let end = Number.POSITIVE_INFINITY;
    const isAnswered = (): boolean => {
      let isFresh = false;
      freshness.whenFresh(10_000, 50, (failed) => (isFresh = failed === undefined));
      const number = probes.at(-1) ?? 0;
      const word = { node: "m1", stream: 2, position: 0, ageMs: 0 };
      freshness.told(link as unknown as NodeLink, number, [word]);
      freshness.settle();
      time.pass(200);
      return isFresh;
    };
    expect(isAnswered()).toBe(false);
    visible.set(1, 4);
    expect(isAnswered()).toBe(false);
    // Nobody waits for what lies beyond the end of a closed stream.
    end = 4;
    expect(isAnswered()).toBe(true);
  });

  test("nobody asks, so nothing is sent and nothing is known; who asks is told within a way there and back", () => {
    const { cluster, f1 } = build(1);
    const before = cluster.network.counts.frames;
    const answer = read(f1, 500);
    expect(answer).toEqual({});
    cluster.pass(50);
    expect(answer).toEqual({ value: null });
    expect(cluster.network.counts.frames).toBeGreaterThan(before ?? 0);
  });

  test("what it shows has everything that was written so long ago, at any distance", () => {
    for (let seed = 10; seed < 30; seed++) {
      const { cluster, m1, m2, f1, f2 } = build(seed);
      cluster.network.faults.delayMsMax = 40;
      for (let round = 0; round < 5; round++) {
        increment(m1);
        increment(m2);
        // Younger than the write: what is shown must have it.
        cluster.pass(400);
        for (const node of [f1, f2]) {
          const answer = read(node, 399, 10_000);
          cluster.passUntil("the read is answered", () => Object.keys(answer).length > 0);
          expect(answer).toEqual({ value: { votes: 2 * round + 2 } });
        }
      }
    }
  });

  test("a master that is silent makes it grow until reads are refused, by name and age; the others do not help", () => {
    const { cluster, m1, m2, f1, f2 } = build(2);
    const first = read(f2, 500);
    cluster.pass(500);
    expect(first.value).toBeNull();
    cluster.network.blackHole("m2", "f1");
    cluster.network.blackHole("m2", "m1");
    increment(m2);
    increment(m1);
    cluster.pass(3_000);
    for (const node of [f1, f2, m1]) {
      const late = read(node, 2_000, 1_000);
      cluster.pass(1_100);
      expect(late.fault?.code, node.name).toBe("STALENESS_EXCEEDED");
      expect(late.fault?.reason).toMatch(
        /^master m2 (was heard \d{4} ms ago|was never heard), and at most 2000 ms are allowed$/,
      );
    }
    // Who allows more may read, and is shown what there is.
    const patient = read(f1, 60_000);
    expect(patient.value).toEqual({ votes: 1 });
    cluster.network.healAll();
    cluster.pass(15_000);
    const healed = read(f2, 300);
    cluster.pass(1_000);
    expect(healed.value).toEqual({ votes: 2 });
  });

  test("a master that is down counts too: nobody knows what it has accepted", () => {
    const { cluster, m1, m2, f1 } = build(3);
    m2.kill();
    cluster.pass(5_000);
    for (const node of [f1, m1]) {
      const answer = read(node, 1_000);
      cluster.pass(2_100);
      expect(answer.fault?.code).toBe("STALENESS_EXCEEDED");
    }
  });

  test("what was heard counts only once it is shown", () => {
    const { cluster, m1, m2, f1 } = build(4);
    const known = read(f1, 500);
    cluster.pass(500);
    expect(known.value).toBeNull();
    // f1 still takes m1's stream from m1, of whom it hears nothing any more; m2 tells it how far m1 is.
    cluster.network.blackHoleOneWay("m1", "f1");
    increment(m1);
    cluster.pass(1_000);
    expect(m2.json("boards/a")).toEqual({ votes: 1 });
    const answer = read(f1, 900, 1_000);
    cluster.pass(1_100);
    expect(answer.fault?.code).toBe("STALENESS_EXCEEDED");
    cluster.network.healAll();
    const healed = read(f1, 900, 20_000);
    cluster.pass(20_000);
    expect(healed.value).toEqual({ votes: 1 });
  });

  test("masters that follow one another stop asking when nobody waits any more, however far apart they are", () => {
    for (const delayMsMax of [5, 400]) {
      const cluster = world(6);
      const names = ["m1", "m2", "m3", "m4"];
      for (const name of names) cluster.master(name, { follow: names.filter((other) => other !== name) });
      const f1 = cluster.follower("f1", { follow: names });
      cluster.network.faults.delayMsMax = delayMsMax;
      cluster.pass(3_000);
      const probes = countProbes(cluster);
      const answer = read(f1, 2_000, 5_000);
      cluster.pass(5_000);
      expect(answer).toEqual({ value: null });
      expect(probes.count).toBeGreaterThan(0);
      cluster.pass(10_000);
      probes.count = 0;
      cluster.pass(10_000);
      expect(probes.count).toBe(0);
    }
  });

  test("a question goes on to masters that only others follow, round a ring of them too", () => {
    const cluster = world(7);
    const names = ["m1", "m2", "m3", "m4"];
    const masters = names.map((name, at) => cluster.master(name, { follow: [names[(at + 1) % 4]!] }));
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(3_000);
    for (const master of masters) increment(master);
    cluster.pass(1_000);
    const answer = read(f1, 999, 5_000);
    cluster.pass(5_000);
    expect(answer).toEqual({ value: { votes: 4 } });
    const probes = countProbes(cluster);
    cluster.pass(5_000);
    expect(probes.count).toBe(0);
  });

  test("however many ask through one node, the one behind it is not asked more often than by one of them", () => {
    const cluster = world(8);
    cluster.master("m1");
    cluster.follower("f1", { follow: ["m1"] });
    const behind = ["f2", "f3", "f4"].map((name) => cluster.follower(name, { follow: ["f1"] }));
    cluster.pass(1_000);
    const probes = countProbes(cluster);
    const answers = behind.map((node) => read(node, 0, 2_000));
    cluster.pass(1_000);
    expect(probes.of("f1", "m1")).toBeLessThanOrEqual(11);
    expect(probes.of("f1", "m1")).toBeGreaterThanOrEqual(7);
    cluster.pass(2_000);
    for (const answer of answers) expect(answer.fault?.code).toBe("STALENESS_EXCEEDED");
  });

  test("a lone master is never stale; a follower that has heard nobody always is", () => {
    const cluster = world(5);
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m9"] });
    cluster.pass(500);
    expect(read(m1, 0).value).toBeNull();
    const lost = read(f1, 3_600_000, 500);
    cluster.pass(600);
    expect(lost.fault?.reason).toBe("master of any name was never heard, and at most 3600000 ms are allowed");
  });
});

describe("what a majority has", () => {
  function three(cluster: Cluster): [SimNode, SimNode, SimNode] {
    const names = ["m1", "m2", "m3"];
    const masters = names.map((name) =>
      cluster.master(name, { follow: names.filter((other) => other !== name) }),
    ) as [SimNode, SimNode, SimNode];
    cluster.pass(1_000);
    return masters;
  }

  function held(node: SimNode, waitMs = 1_000) {
    const result: { answer?: string } = {};
    const visible = new Map(node.visible);
    node.engine.whenHeld(visible, { kind: "majority" }, waitMs, (failed) => {
      result.answer = failed?.code ?? "held";
    });
    return result;
  }

  test("is released when it is on the disks of two of three, and not before", () => {
    const cluster = world(20);
    const [m1, m2, m3] = three(cluster);
    const there = held(m1);
    cluster.pass(100);
    expect(there.answer).toBe("held");
    m2.kill();
    m3.kill();
    increment(m1);
    cluster.pass(100);
    const alone = held(m1);
    cluster.pass(900);
    expect(alone.answer).toBeUndefined();
    cluster.pass(200);
    expect(alone.answer).toBe("QUORUM_WAIT_TIMEOUT");
    const patient = held(m1, 60_000);
    m3.restart();
    cluster.pass(15_000);
    expect(patient.answer).toBe("held");
  });
});
