/** `topology: single-master`: one member takes writes, a promotion moves that, and the old one refuses when it learns of it. */
import type { SimNode } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "./world.js";

const topology = "single-master" as const;

const writable = (...nodes: SimNode[]): string[] =>
  nodes.filter(({ engine }) => engine.refusesWrites() === undefined).map(({ name }) => name);

const writers = (...nodes: SimNode[]): (string | null)[] => nodes.map(({ engine }) => engine.status().writer);

const tags = (node: SimNode, id: string): string[] | undefined =>
  (node.json(id) as { tags?: string[] } | undefined)?.tags?.sort();

/** A master and two followers that all know each other. */
function three(seed: number) {
  const cluster = world(seed);
  const m1 = cluster.master("m1", { topology });
  const f1 = cluster.follower("f1", { follow: ["m1", "f2"], topology });
  const f2 = cluster.follower("f2", { follow: ["m1", "f1"], topology });
  cluster.pass(1_000);
  m1.write("boards/a", (b) => b.set("tags").add("before"));
  cluster.pass(500);
  return { cluster, m1, f1, f2 };
}

function promoted(cluster: ReturnType<typeof world>, node: SimNode, force = false): void {
  const result = node.promote({ force });
  cluster.passUntil(`${node.name} is a master`, () => result.answer !== undefined);
  expect(result.answer).toMatchObject({ ok: true, role: "master" });
}

test("a promotion moves writing: the old master refuses, names the new one, and stays a follower when it starts again", () => {
  const { cluster, m1, f1, f2 } = three(41);
  expect(writable(m1, f1, f2)).toEqual(["m1"]);
  expect(writers(m1, f1, f2)).toEqual(["m1", "m1", "m1"]);
  const ann = cluster.client("ann", ["m1", "f1"]);
  ann.write("boards/b", (b) => b.set("tags").add("by ann"));
  cluster.pass(500);
  promoted(cluster, f1);
  cluster.pass(1_000);
  expect(writable(m1, f1, f2)).toEqual(["f1"]);
  expect(m1.engine.refusesWrites()).toMatchObject({ code: "READ_ONLY_FOLLOWER", masters: ["sim://f1"] });
  ann.write("boards/b", (b) => b.set("tags").add("again"));
  m1.restart();
  cluster.settle();
  expect(writable(m1, f1, f2)).toEqual(["f1"]);
  expect(writers(m1, f1, f2)).toEqual(["f1", "f1", "f1"]);
  for (const node of [m1, f1, f2])
    expect([tags(node, "boards/a"), tags(node, "boards/b")]).toEqual([["before"], ["again", "by ann"]]);
});

test("a master that is cut off goes on until it learns of its successor, from whomever; what it took is merged", () => {
  const { cluster, m1, f1, f2 } = three(42);
  for (const other of ["f1", "f2"]) cluster.network.cut("m1", other);
  cluster.pass(500);
  promoted(cluster, f1, true);
  m1.write("boards/a", (b) => b.set("tags").add("old"));
  f1.write("boards/a", (b) => b.set("tags").add("new"));
  cluster.pass(5_000);
  expect(writable(m1, f1, f2)).toEqual(["m1", "f1"]);
  // It hears f2 only, which is a follower and was never anything else.
  cluster.network.heal("m1", "f2");
  cluster.pass(15_000);
  expect(writable(m1, f1, f2)).toEqual(["f1"]);
  expect(writers(m1, f1, f2)).toEqual(["f1", "f1", "f1"]);
  cluster.network.healAll();
  cluster.settle();
  for (const node of [m1, f1, f2]) expect(tags(node, "boards/a")).toEqual(["before", "new", "old"]);
});

test("a dead master is no master for anybody once another one was promoted, and steps down when it returns", () => {
  const { cluster, m1, f1, f2 } = three(43);
  m1.kill();
  cluster.pass(500);
  promoted(cluster, f1, true);
  cluster.pass(1_000);
  const rowOf = (node: SimNode) => node.engine.status().nodes.find((row) => row.node === "m1");
  for (const node of [f1, f2]) {
    expect(rowOf(node)).toMatchObject({ role: "follower", state: "disconnected" });
    expect(node.engine.masters()).toEqual(["sim://f1"]);
  }
  m1.start();
  cluster.settle();
  expect(writable(m1, f1, f2)).toEqual(["f1"]);
});

test("writing is moved to and fro, and each promotion counts for more than those before", () => {
  const { cluster, m1, f1, f2 } = three(44);
  for (const node of [f1, m1, f2, f1]) {
    promoted(cluster, node);
    cluster.pass(1_000);
    expect(writable(m1, f1, f2)).toEqual([node.name]);
    node.write("boards/a", (b) => b.counter("votes").increment());
    cluster.pass(500);
  }
  for (const node of [m1, f1, f2]) node.restart();
  cluster.settle();
  expect(writable(m1, f1, f2)).toEqual(["f1"]);
  expect(f2.json("boards/a")).toEqual({ tags: ["before"], votes: 4 });
});

test.each(["a1", "z1"])(
  "a second master that is started by mistake, %s, steps down; the first one stays",
  (name) => {
    const { cluster, m1, f1 } = three(45);
    const other = cluster.master(name, { follow: ["m1"], topology });
    cluster.pass(2_000);
    expect(writable(m1, f1, other)).toEqual(["m1"]);
    other.restart();
    cluster.settle();
    expect(writable(m1, f1, other)).toEqual(["m1"]);
    expect(writers(m1, f1, other)).toEqual(["m1", "m1", "m1"]);
  },
);

test("two who are promoted at the same time, apart: one is left when they meet", () => {
  const { cluster, m1, f1, f2 } = three(46);
  m1.kill();
  cluster.network.cut("f1", "f2");
  cluster.pass(500);
  promoted(cluster, f2, true);
  cluster.pass(100);
  promoted(cluster, f1, true);
  expect(writable(f1, f2)).toEqual(["f1", "f2"]);
  cluster.network.healAll();
  m1.start();
  cluster.settle();
  expect(writable(m1, f1, f2)).toEqual(["f2"]);
});

test("nodes that were told different things say so; who was told nothing obeys nobody", () => {
  const lines: string[] = [];
  const cluster = world(47, { log: (line) => lines.push(line) });
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"], topology });
  cluster.settle();
  expect(writable(m1, m2)).toEqual(["m1", "m2"]);
  const said = lines.filter((line) => line.includes("topology-differs")).map((line) => line.split(" ")[1]);
  expect([...new Set(said)].sort()).toEqual(["m1", "m2"]);
  expect(m1.engine.status()).toMatchObject({ topology: "multi-master" });
  expect(m2.engine.status()).toMatchObject({ topology, writer: "m2" });
});

test("a master that was moved away from is promoted again by force, out of reach of its successor, and counts for more", () => {
  const cluster = world(48);
  const m1 = cluster.master("m1", { follow: ["f1"], topology });
  const f1 = cluster.follower("f1", { follow: ["m1"], topology });
  cluster.pass(1_000);
  promoted(cluster, f1);
  cluster.pass(1_000);
  expect(writable(m1, f1)).toEqual(["f1"]);
  cluster.network.cut("m1", "f1");
  cluster.pass(500);
  promoted(cluster, m1, true);
  f1.restart();
  cluster.pass(1_000);
  expect(writable(m1, f1)).toEqual(["m1", "f1"]);
  cluster.network.healAll();
  cluster.settle();
  expect(writable(m1, f1)).toEqual(["m1"]);
});

test("who is promoted after the one master was demoted counts for more than what the member list still says of that", () => {
  const { cluster, m1, f1, f2 } = three(49);
  promoted(cluster, f1);
  cluster.pass(1_000);
  const demoted = f1.demote({ force: true });
  cluster.passUntil("there is no master", () => demoted.answer !== undefined);
  cluster.pass(1_000);
  expect(writable(m1, f1, f2)).toEqual([]);
  promoted(cluster, f2, true);
  cluster.settle();
  expect(writable(m1, f1, f2)).toEqual(["f2"]);
  expect(writers(m1, f1, f2)).toEqual(["f2", "f2", "f2"]);
});
