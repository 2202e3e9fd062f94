/** A change is its dots, not where it was accepted: integrated once, wherever and however often it is offered (I1, I2). */
import type { SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { RawClient } from "../scenarios/rawclient.js";
import { world } from "../scenarios/world.js";
import { increment } from "./changes.js";

/** Two masters and a follower of both, with disks that take their time. */
function build(seed: number, log: (line: string) => void = () => {}) {
  const cluster = world(seed, { log });
  const m1 = cluster.master("m1", { follow: ["m2"], flushMs: 5 });
  const m2 = cluster.master("m2", { follow: ["m1"], flushMs: 9 });
  const f1 = cluster.follower("f1", { follow: ["m1", "m2"], flushMs: 3 });
  cluster.pass(1_000);
  return { cluster, m1, m2, f1, all: [m1, m2, f1] };
}

const offer = (...changes: Uint8Array[]) =>
  ({ kind: "offer", first: 1, session: undefined, changes }) as const;

/** Records of all streams that a node holds. */
const records = (node: SimNode): number =>
  node.engine.status().streams.reduce((sum, { received }) => sum + received, 0);

describe("one change, offered to two masters at the same time", () => {
  test("stands in two streams, and counts once everywhere, also after restarts", () => {
    const { cluster, m1, all } = build(1);
    const changes = Array.from({ length: 10 }, (_, i) => increment(77, i + 1, { by: 1 }));
    const [eve, twin] = [new RawClient(cluster, "eve", "m1"), new RawClient(cluster, "twin", "m2")];
    cluster.pass(100);
    // Neither master hears of the other's before it has accepted its own.
    cluster.network.cut("m1", "m2");
    const before = records(m1);
    eve.send(offer(...changes));
    twin.send(offer(...changes));
    cluster.pass(500);
    cluster.network.healAll();
    cluster.pass(2_000);
    expect([eve.durable, twin.durable]).toEqual([10, 10]);
    for (const node of all) {
      expect(records(node)).toBe(before + 20);
      expect(node.json("boards/a")).toEqual({ votes: 10 });
    }
    for (const node of all) {
      node.restart();
      cluster.pass(500);
      expect(node.json("boards/a")).toEqual({ votes: 10 });
    }
    const again = new RawClient(cluster, "again", "m2");
    cluster.pass(100);
    again.send(offer(...changes));
    cluster.pass(500);
    expect(again.durable).toBe(10);
    for (const node of all) expect(node.json("boards/a")).toEqual({ votes: 10 });
  });

  test("whoever is restarted at whatever moment", () => {
    for (let at = 0; at < 40; at += 2) {
      const { cluster, all } = build(200 + at);
      const [eve, twin] = [new RawClient(cluster, "eve", "m1"), new RawClient(cluster, "twin", "m2")];
      cluster.pass(100);
      eve.send(offer(increment(77, 1), increment(77, 2)));
      twin.send(offer(increment(77, 1)));
      cluster.pass(at);
      all[(at / 2) % 3]?.restart();
      cluster.pass(2_000);
      const again = ["m1", "m2"].map((name) => new RawClient(cluster, `again at ${name}`, name));
      cluster.pass(100);
      for (const raw of again) raw.send(offer(increment(77, 1), increment(77, 2)));
      cluster.pass(2_000);
      expect(again.map((raw) => raw.durable)).toEqual([2, 2]);
      for (const node of all) expect(node.json("boards/a"), `${node.name}, ${at}`).toEqual({ votes: 2 });
    }
  });

  test("an author who goes on at the other master is not taken twice", () => {
    const { cluster, all } = build(2);
    const [eve, twin] = [new RawClient(cluster, "eve", "m1"), new RawClient(cluster, "twin", "m2")];
    cluster.pass(100);
    for (let i = 1; i <= 30; i++) {
      const [first, second] = i % 2 === 0 ? [eve, twin] : [twin, eve];
      first.send({ kind: "offer", first: i, session: undefined, changes: [increment(77, i)] });
      second.send({ kind: "offer", first: i, session: undefined, changes: [increment(77, i)] });
      cluster.pass(i % 7);
    }
    cluster.pass(3_000);
    expect([eve.durable, twin.durable]).toEqual([30, 30]);
    for (const node of all) expect(node.json("boards/a")).toEqual({ votes: 30 });
  });
});

describe("a client that moves in the middle of an offer", () => {
  test("at every moment of it, with and without the death of the master it leaves", () => {
    for (let at = 0; at < 36; at++) {
      const { cluster, m1, all } = build(300 + at);
      const ann = cluster.client("ann", ["m1", "m2"]);
      ann.open("boards/a");
      cluster.pass(500);
      for (let i = 0; i < 3; i++) ann.write("boards/a", (b) => b.counter("votes").increment());
      cluster.pass(at);
      if (at % 3 === 0) cluster.network.cut("ann", "m1");
      else if (at % 3 === 1) m1.kill();
      else cluster.network.died("ann");
      ann.write("boards/a", (b) => b.counter("votes").increment());
      cluster.pass(3_000);
      cluster.network.healAll();
      if (!m1.isUp) m1.restart();
      cluster.settle();
      for (const node of all) expect(node.json("boards/a"), `${node.name}, ${at}`).toEqual({ votes: 4 });
    }
  });

  test("back and forth, while everybody is restarted now and then", () => {
    const { cluster, all } = build(3);
    const ann = cluster.client("ann", ["m1", "m2"]);
    ann.open("boards/a");
    cluster.pass(500);
    for (let i = 0; i < 60; i++) {
      ann.write("boards/a", (b) => b.counter("votes").increment());
      if (i % 4 === 0) cluster.network.died("ann");
      if (i % 9 === 0) all[(i / 9) % 3]?.restart();
      cluster.pass(i % 25);
    }
    cluster.settle();
    for (const node of all) expect(node.json("boards/a")).toEqual({ votes: 60 });
  });
});

describe("two different changes with the same dots", () => {
  test("the later one is refused where the first is known", () => {
    const { cluster, all } = build(4);
    const eve = new RawClient(cluster, "eve", "m1");
    cluster.pass(100);
    eve.send(offer(increment(77, 1, { by: 1 }), increment(77, 2, { ops: 2 })));
    cluster.pass(1_000);
    for (const [i, forged] of [
      increment(77, 2, { ops: 2, by: 5 }),
      increment(77, 2, { ops: 3 }),
      increment(77, 3, { ops: 3 }),
    ].entries()) {
      const liar = new RawClient(cluster, `liar ${i}`, "m2");
      cluster.pass(100);
      liar.send(offer(forged));
      cluster.pass(1_000);
      expect(liar.refusals.map(({ code }) => code)).toEqual(["IDENTITY_REUSED"]);
    }
    for (const node of all) expect(node.json("boards/a")).toEqual({ votes: 3 });
  });

  test("offered to two masters at once: no node falls, the second is kept aside, and all else goes on", () => {
    const lines: string[] = [];
    const { cluster, m1, m2, all } = build(5, (line) => lines.push(line));
    const [eve, twin] = [new RawClient(cluster, "eve", "m1"), new RawClient(cluster, "twin", "m2")];
    const other = new RawClient(cluster, "other", "m1");
    cluster.pass(100);
    // Neither master hears of the other's before it has accepted its own.
    cluster.network.cut("m1", "m2");
    const before = records(m1);
    // The same dots in three shapes: other contents, other lengths, and what follows and builds on them.
    eve.send(
      offer(
        increment(77, 1, { ops: 2 }),
        increment(77, 3, { ops: 1 }),
        increment(78, 1, { observed: [{ author: 77, counter: 3 }] }),
        increment(79, 1, { by: 3 }),
      ),
    );
    twin.send(offer(increment(77, 1, { ops: 1, by: 100 }), increment(79, 1, { by: 300 })));
    cluster.pass(500);
    cluster.network.healAll();
    cluster.pass(5_000);
    other.send(offer(increment(80, 1, { id: "boards/b" })));
    cluster.pass(1_000);
    for (const node of all) {
      expect(node.isUp).toBe(true);
      expect(node.json("boards/b")).toEqual({ votes: 1 });
      expect(records(node)).toBe(before + 7);
    }
    expect(m1.json("boards/a")).toEqual({ votes: 7 });
    expect(m2.json("boards/a")).toEqual({ votes: 400 });
    expect(lines.filter((line) => line.includes("error identity-reused")).length).toBeGreaterThanOrEqual(4);
    // It is so after restarts as well: nobody stumbles over what is stored.
    const shown = all.map((node) => node.json("boards/a"));
    for (const node of all) node.restart();
    cluster.pass(2_000);
    expect(all.map((node) => node.json("boards/a"))).toEqual(shown);
    const late = new RawClient(cluster, "late", "m2");
    cluster.pass(100);
    late.send(offer(increment(81, 1, { id: "boards/b" })));
    cluster.pass(1_000);
    for (const node of all) expect(node.json("boards/b")).toEqual({ votes: 2 });
  });
});
