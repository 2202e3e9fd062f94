/** The end of a node: everybody who waits is answered, every link is told why, and what was accepted is on the disk. */
import type { WriteAnswer } from "@syncline/engine";
import type { Fault } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { RawClient } from "../scenarios/rawclient.js";
import { world } from "../scenarios/world.js";
import { BareNode } from "./bare.js";
import { increment } from "./changes.js";
import { FailingDisk } from "./disks.js";
import { helloOf, RawPeer } from "./rawpeer.js";

const ANY_F1 = { kind: "any", needed: 1, names: ["f1"] } as const;

/** Tells a node to stop. */
function stop(node: SimNode): { isDone: boolean } {
  const state = { isDone: false };
  node.engine.stop(() => {
    state.isDone = true;
  });
  return state;
}

/** A read that waits for what never comes. */
function waitingRead(node: Pick<SimNode, "engine">): { fault: Fault | undefined } {
  const result: { fault: Fault | undefined } = { fault: undefined };
  node.engine.read(
    { collection: "boards", key: "a" },
    { token: new Map([[1, 1]]), waitMs: 60_000 },
    (answer) => {
      if (!answer.ok) result.fault = answer.fault;
    },
  );
  return result;
}

const received = (node: SimNode) =>
  node.engine
    .status()
    .streams.map((stream) => [stream.stream, stream.received])
    .sort();

describe("a node that is told to stop", () => {
  test("answers writers, readers and all links, with the masters to turn to", () => {
    const cluster = world(1);
    const m1 = cluster.master("m1", { rule: ANY_F1, follow: ["m2"] });
    cluster.master("m2");
    cluster.pass(500);
    const client = RawPeer.dial(cluster.network, "ann", "m1", helloOf());
    const node = RawPeer.dial(cluster.network, "f9", "m1", helloOf({ peer: "follower", name: "f9" }));
    const silent = RawPeer.dial(cluster.network, "silent", "m1");
    cluster.pass(100);
    const write = m1.write("boards/a", (b) => b.counter("votes").increment(), { level: "committed" });
    const read = waitingRead(m1);
    cluster.pass(50);
    expect([write.answer, read.fault]).toEqual([undefined, undefined]);
    const stopped = stop(m1);
    cluster.pass(50);
    expect(stopped.isDone).toBe(true);
    expect(write.answer).toMatchObject({ ok: true, receipt: { outcome: "unconfirmed", nodes: ["m1"] } });
    expect(read.fault?.code).toBe("SHUTTING_DOWN");
    for (const peer of [client, node, silent]) {
      expect(peer.of("refusal")).toMatchObject([
        { code: "SHUTTING_DOWN", about: { what: "link" }, masters: ["sim://m1", "sim://m2"] },
      ]);
      expect(peer.closedWith).toBeDefined();
    }
  });

  test("refuses writes from then on, and new links at its end", () => {
    const cluster = world(2, { limits: {} });
    const m1 = cluster.master("m1", { flushMs: 300 });
    cluster.pass(1_000);
    m1.write("boards/a", (b) => b.counter("votes").increment());
    const stopped = stop(m1);
    const late = m1.write("boards/a", (b) => b.counter("votes").increment());
    expect(late.answer).toMatchObject({ ok: false, fault: { code: "SHUTTING_DOWN" } });
    expect(m1.engine.status().state).toBe("stopping");
    cluster.pass(2_000);
    expect(stopped.isDone).toBe(true);
    const link = RawPeer.dial(cluster.network, "ann", "m1", helloOf());
    cluster.pass(100);
    expect(link.closedWith).toContain("SHUTTING_DOWN");
  });

  test("has told every client how far its changes are", () => {
    const cluster = world(3);
    cluster.master("m1", { flushMs: 200 });
    cluster.pass(1_000);
    const m1 = node(cluster, "m1");
    const raw = new RawClient(cluster, "eve", "m1");
    cluster.pass(100);
    raw.send({ kind: "offer", first: 1, session: undefined, changes: [increment(5, 1), increment(5, 2)] });
    cluster.pass(20);
    expect([raw.received, raw.durable]).toEqual([2, 0]);
    const stopped = stop(m1);
    cluster.pass(1_000);
    expect(stopped.isDone).toBe(true);
    expect(raw.durable).toBe(2);
    expect(raw.refusals.map(({ code }) => code)).toEqual(["SHUTTING_DOWN"]);
  });

  test("leaves everything durable that it has, also what came while it stopped", () => {
    const cluster = world(4);
    const m1 = cluster.master("m1", { follow: ["m2"], flushMs: 100 });
    const m2 = cluster.master("m2");
    cluster.pass(1_000);
    let atTheEnd: unknown;
    for (let i = 0; i < 5; i++) m1.write("boards/a", (b) => b.counter("votes").increment());
    m1.engine.stop(() => {
      atTheEnd = received(m1);
    });
    for (let i = 0; i < 400; i++) {
      m2.write("boards/b", (b) => b.counter("votes").increment());
      cluster.pass(2);
    }
    expect(atTheEnd).toBeDefined();
    m1.kill();
    cluster.network.cut("m1", "m2");
    m1.restart();
    cluster.pass(1_000);
    // Its new stream comes on top.
    expect(received(m1)).toEqual(expect.arrayContaining(atTheEnd as unknown[]));
    expect(m1.json("boards/a")).toEqual({ votes: 5 });
  });

  test("dials nobody any more", () => {
    const cluster = world(5);
    const m1 = cluster.master("m1", { follow: ["m2", "nobody"] });
    cluster.master("m2");
    cluster.pass(1_000);
    stop(m1);
    cluster.pass(1_000);
    const { dialed } = cluster.network.counts;
    cluster.pass(100_000);
    expect(cluster.network.counts.dialed).toBe(dialed);
  });

  test("before it has begun, never begins", () => {
    const cluster = world(6);
    const m1 = cluster.master("m1", { follow: ["m2"], flushMs: 1_000 });
    cluster.pass(10);
    expect(m1.isStarted).toBe(false);
    const stopped = stop(m1);
    cluster.pass(60_000);
    expect(stopped.isDone).toBe(true);
    expect(m1.isStarted).toBe(false);
    expect(cluster.network.counts.dialed).toBe(0);
    expect(m1.engine.status().state).toBe("stopping");
  });

  test("its clients go on at another master, and lose and double nothing", () => {
    const cluster = world(7);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const ann = cluster.client("ann", ["m1", "m2"]);
    ann.open("boards/a");
    cluster.pass(1_000);
    for (let i = 0; i < 200; i++) {
      ann.write("boards/a", (b) => b.counter("votes").increment());
      if (i === 100) m1.engine.stop(() => m1.kill());
      cluster.pass(1);
    }
    cluster.settle();
    expect(m2.json("boards/a")).toEqual({ votes: 200 });
    expect(ann.engine.status().master).toBe("m2");
  });
});

describe("a disk that fails", () => {
  function broken(seed: number, follow: readonly string[] = []) {
    const disks: FailingDisk[] = [];
    const cluster = world(seed, {
      disk: (scheduler) => {
        const disk = new FailingDisk(scheduler);
        disks.push(disk);
        return disk;
      },
    });
    const m1 = cluster.master("m1", { follow, flushMs: 20 });
    cluster.pass(500);
    const breakDisk = () => {
      const [disk] = disks;
      if (disk !== undefined) disk.isBroken = true;
    };
    return { cluster, m1, breakDisk };
  }

  test("ends the node: writers are told the truth, links STORAGE_FAILED, and the process is called", () => {
    const bare = new BareNode("m1");
    const { time, network, engine } = bare;
    const client = RawPeer.dial(network, "ann", "m1", helloOf());
    const other = RawPeer.dial(network, "f9", "m1", helloOf({ peer: "follower", name: "f9" }));
    const silent = RawPeer.dial(network, "silent", "m1");
    time.pass(100);
    bare.disk.isBroken = true;
    const answers: WriteAnswer[] = [];
    const write = () =>
      engine.transact(
        { collection: "boards", key: "a" },
        (b) => b.counter("votes").increment(),
        { level: "durable", waitMs: 10_000, token: new Map() },
        (answer) => answers.push(answer),
      );
    const read = waitingRead({ engine });
    write();
    client.send({ kind: "offer", first: 1, session: undefined, changes: [increment(5, 1)] });
    time.pass(100);
    expect(bare.failure?.message).toContain("EIO");
    expect(engine.status().state).toBe("error");
    expect(answers).toMatchObject([{ ok: true, receipt: { outcome: "unconfirmed", nodes: [] } }]);
    expect(read.fault?.code).toBe("STORAGE_FAILED");
    for (const peer of [client, other, silent]) expect(peer.codes).toEqual(["STORAGE_FAILED"]);
    // What it had received was never called durable.
    for (const receipt of client.of("receipt")) expect(receipt.durable).toBe(0);

    write();
    expect(answers[1]).toMatchObject({ ok: false, fault: { code: "STORAGE_FAILED" } });
    const late = RawPeer.dial(network, "late", "m1", helloOf());
    time.pass(100);
    expect(late.closedWith).toBeDefined();
    // Nothing is left that would happen by itself.
    time.pass(100_000);
    expect(time.step()).toBe(false);
  });

  test("loses nothing that was called durable, and the client's changes arrive by another master", () => {
    const { cluster, m1, breakDisk } = broken(12, ["m2"]);
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const ann = cluster.client("ann", ["m1", "m2"]);
    ann.open("boards/a");
    cluster.pass(1_000);
    for (let i = 0; i < 60; i++) {
      ann.write("boards/a", (b) => b.counter("votes").increment());
      if (i === 30) breakDisk();
      cluster.pass(5);
    }
    cluster.passUntil("m2 has it all", () => JSON.stringify(m2.json("boards/a")) === '{"votes":60}');
    expect(m1.failure).toBeDefined();
    cluster.settle();
  });
});

function node(cluster: Cluster, name: string): SimNode {
  const found = cluster.nodes.get(name);
  if (found === undefined) throw new Error(`no node ${name}`);
  return found;
}
