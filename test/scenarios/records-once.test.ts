/** Wherever a record could come from several nodes it comes from one: each node is sent each record once, over one link. */
import { everyMessage, TableReader } from "@syncline/protocol";
import type { Cluster, SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { world } from "./world.js";

/** Counts the records that are sent: how often each place of a stream, and to whom, and from whom to whom how many. */
function counted(cluster: Cluster) {
  const arrivals = new Map<string, number>();
  const links = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  cluster.network.tap = (from, to, frame) => {
    // The links between two nodes, one dialed by each, number their frames apart.
    const unnumbered = frame.slice();
    unnumbered[0] = 0;
    const read = new TableReader(everyMessage()).read(unnumbered);
    if (!read.ok) throw new Error(read.fault.reason);
    for (const message of read.messages) {
      if (message.kind !== "records") continue;
      for (let i = 0; i < message.records.length; i++) {
        count(arrivals, `${message.stream}:${message.first + i} to ${to}`);
        count(links, `${from} to ${to}`);
      }
    }
  };
  return { arrivals, links };
}

/** Masters of these names, each following those that the other function says, who all know each other. */
function masters(seed: number, names: readonly string[], follow: (name: string) => string[]) {
  const cluster = world(seed);
  const nodes = names.map((name) => cluster.master(name, { follow: follow(name), flushMs: 3 }));
  cluster.settle();
  return { cluster, nodes };
}

/** Each node writes so often, a few times at once and all of them at the same time. */
function writeAll(cluster: Cluster, nodes: readonly SimNode[], count: number): void {
  for (let i = 0; i < count; i++) {
    for (const node of nodes) node.write("boards/a", (b) => b.counter("votes").increment());
    if (i % 3 === 2) cluster.pass(2);
  }
  cluster.settle();
}

const WRITES = 60;
const five = ["m1", "m2", "m3", "m4", "m5"];

describe.each([2, 3, 5])("a mesh of %i masters", (size) => {
  const names = five.slice(0, size);

  test("each record goes from its own master to each other one, once", () => {
    const { cluster, nodes } = masters(size, names, (name) => names.filter((other) => other !== name));
    const { arrivals, links } = counted(cluster);
    writeAll(cluster, nodes, WRITES);
    expect(nodes[0]?.json("boards/a")).toEqual({ votes: size * WRITES });
    expect(arrivals.size).toBe(size * (size - 1) * WRITES);
    expect(Math.max(...arrivals.values())).toBe(1);
    expect(links.size).toBe(size * (size - 1));
    expect(new Set(links.values())).toEqual(new Set([WRITES]));
  });
});

test("a ring of five, in which each follows the next: each record comes to each node once", () => {
  const { cluster, nodes } = masters(7, five, (name) => [five[(five.indexOf(name) + 1) % 5] ?? ""]);
  const { arrivals, links } = counted(cluster);
  writeAll(cluster, nodes, WRITES);
  expect(nodes[0]?.json("boards/a")).toEqual({ votes: 5 * WRITES });
  expect(arrivals.size).toBe(5 * 4 * WRITES);
  expect(Math.max(...arrivals.values())).toBe(1);
  // A neighbour's records come from it, whoever of the two follows the other, and the others' from the upstream.
  for (const [i, name] of five.entries()) {
    expect(links.get(`${five[(i + 1) % 5]} to ${name}`)).toBe(3 * WRITES);
    expect(links.get(`${five[(i + 4) % 5]} to ${name}`)).toBe(WRITES);
  }
});

test("followers that follow both masters and each other get each record once", () => {
  const cluster = world(8);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  cluster.follower("f1", { follow: ["m1", "m2", "f2"] });
  const f2 = cluster.follower("f2", { follow: ["m1", "m2", "f1"] });
  cluster.settle();
  const { arrivals } = counted(cluster);
  writeAll(cluster, [m1, m2], WRITES);
  expect(f2.json("boards/a")).toEqual({ votes: 2 * WRITES });
  expect(arrivals.size).toBe(2 * 3 * WRITES);
  expect(Math.max(...arrivals.values())).toBe(1);
});

test("a master that comes back is sent what it lacks again by its own master at most, and what follows once", () => {
  const three = five.slice(0, 3);
  const { cluster, nodes } = masters(9, three, (name) => three.filter((other) => other !== name));
  const { arrivals } = counted(cluster);
  nodes[2]?.kill();
  writeAll(cluster, nodes.slice(0, 2), WRITES);
  nodes[2]?.start();
  cluster.settle();
  // What was on its way from whoever greeted first, when the stream's own master did.
  expect(Math.max(...arrivals.values())).toBeLessThanOrEqual(2);
  arrivals.clear();
  writeAll(cluster, nodes, WRITES);
  expect(nodes[2]?.json("boards/a")).toEqual({ votes: 5 * WRITES });
  expect(arrivals.size).toBe(3 * 2 * WRITES);
  expect(Math.max(...arrivals.values())).toBe(1);
});
