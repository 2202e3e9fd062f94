/**
 * `late_merge`: what a master had accepted that nobody else had when another one took over. When it comes it is merged
 * everywhere, and told everywhere with the same ids, however it comes (I5, I7).
 */
import type { Conflict } from "@syncline/core";
import type { SimNode } from "@syncline/simulation";
import { expect, test } from "vitest";
import { TAKEOVERS_MAX } from "../../packages/engine/src/node/takeovers.js";
import { world } from "./world.js";

const late = (node: SimNode): readonly Conflict[] =>
  node.engine.conflictList().filter(({ type }) => type === "late_merge");

const told = (node: SimNode): string[] => late(node).map(({ document }) => document);

/** m1 has something in boards/a that everybody has, and something in boards/a and boards/b that nobody else has. */
function tail(seed: number, options: Parameters<typeof world>[1] = {}) {
  const cluster = world(seed, options);
  const m1 = cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1", "f2"] });
  const f2 = cluster.follower("f2", { follow: ["m1", "f1"] });
  cluster.pass(1_000);
  for (const id of ["boards/a", "boards/c"]) m1.write(id, (b) => b.set("tags").add("seen"));
  cluster.pass(500);
  for (const other of ["f1", "f2"]) cluster.network.cut("m1", other);
  for (const id of ["boards/a", "boards/b"]) m1.write(id, (b) => b.set("tags").add("unseen"));
  cluster.pass(500);
  return { cluster, m1, f1, f2 };
}

function promoted(cluster: ReturnType<typeof world>, node: SimNode): void {
  const result = node.promote({ force: true });
  cluster.passUntil("it is a master", () => result.answer !== undefined);
  expect(result.answer).toMatchObject({ ok: true, role: "master" });
  cluster.pass(500);
}

test("the tail of a master that returns is merged, and told once for each document, with the same ids everywhere", () => {
  const { cluster, m1, f1, f2 } = tail(61);
  m1.kill();
  cluster.pass(500);
  promoted(cluster, f1);
  f1.write("boards/c", (b) => b.set("tags").add("after"));
  cluster.pass(1_000);
  expect(told(f1)).toEqual([]);
  cluster.network.healAll();
  m1.start();
  cluster.settle();
  for (const node of [m1, f1, f2]) {
    expect(node.json("boards/a")).toEqual({ tags: ["seen", "unseen"] });
    expect(told(node).sort()).toEqual(["boards/a", "boards/b"]);
    expect(late(node)).toEqual(late(m1));
  }
  // What m1 writes from now on it writes knowing all, and is not late; starting again changes nothing.
  m1.write("boards/c", (b) => b.set("tags").add("later"));
  for (const node of [m1, f1, f2]) node.restart();
  cluster.settle();
  for (const node of [m1, f1, f2]) expect(told(node).sort()).toEqual(["boards/a", "boards/b"]);
  let refused: unknown;
  const options = { level: "durable", waitMs: 1_000, token: new Map() } as const;
  m1.engine.restore(late(m1)[0] as Conflict, options, (answer) => (refused = answer));
  expect(refused).toMatchObject({ fault: { code: "SCHEMA_CONFLICT" } });
});

test("a master that was only out of reach goes on in its stream: late is what it wrote until it knew", () => {
  const { cluster, m1, f1, f2 } = tail(62);
  promoted(cluster, f1);
  m1.write("boards/d", (b) => b.set("tags").add("not knowing"));
  cluster.pass(500);
  cluster.network.healAll();
  cluster.settle();
  m1.write("boards/e", (b) => b.set("tags").add("knowing"));
  m1.write("boards/c", (b) => b.set("tags").add("knowing"));
  cluster.settle();
  for (const node of [m1, f1, f2]) {
    expect(told(node).sort()).toEqual(["boards/a", "boards/b", "boards/d"]);
    expect(late(node)).toEqual(late(m1));
  }
});

test("who gets it in a snapshot, or the tail before the takeover, tells the same", () => {
  const limits = { retentionRecordsMax: 2, truncationRecordsMin: 1, foldTailChanges: 1 };
  const { cluster, m1, f1, f2 } = tail(63, { limits });
  // f2 is where the tail comes first: it hears m1, and not that f1 was promoted.
  cluster.network.cut("f1", "f2");
  promoted(cluster, f1);
  cluster.network.heal("m1", "f2");
  cluster.pass(2_000);
  expect(f2.json("boards/b")).toEqual({ tags: ["unseen"] });
  expect(told(f2)).toEqual([]);
  cluster.network.healAll();
  cluster.settle();
  for (let i = 0; i < 10; i++) f1.write("boards/z", (b) => b.counter("votes").increment());
  cluster.settle();
  const f3 = cluster.follower("f3", { follow: ["f1"] });
  cluster.settle();
  for (const node of [m1, f1, f2, f3]) {
    expect(told(node).sort()).toEqual(["boards/a", "boards/b"]);
    expect(late(node)).toEqual(late(m1));
  }
});

test("a promotion that hears everybody finds nothing late", () => {
  const { cluster, m1, f1, f2 } = tail(64);
  cluster.network.healAll();
  cluster.pass(15_000);
  const result = f1.promote();
  cluster.passUntil("it is a master", () => result.answer !== undefined);
  expect(result.answer).toMatchObject({ ok: true, doubts: [] });
  for (const node of [m1, f1]) node.write("boards/a", (b) => b.set("tags").add(node.name));
  cluster.settle();
  for (const node of [m1, f1, f2]) expect(told(node)).toEqual([]);
});

test("no more than TAKEOVERS_MAX takeovers are remembered, the newest", () => {
  const { cluster, m1, f1, f2 } = tail(65);
  m1.kill();
  cluster.pass(500);
  promoted(cluster, f1);
  for (let i = 0; i < TAKEOVERS_MAX / 2; i++) {
    for (const node of [f1, f2]) {
      const other = node === f1 ? f2 : f1;
      other.kill();
      if (node.engine.status().role === "master") node.demote({ force: true });
      cluster.pass(500);
      promoted(cluster, node);
      other.start();
      cluster.pass(1_000);
    }
  }
  cluster.network.healAll();
  m1.start();
  cluster.settle();
  const ids = late(f1).map(({ winner }) => winner.dot.author);
  expect(new Set(ids).size).toBe(TAKEOVERS_MAX);
  for (const node of [m1, f2]) expect(late(node)).toEqual(late(f1));
});
