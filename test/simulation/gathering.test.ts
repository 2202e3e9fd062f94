/** That presence is checked is only worth something if what is wrong with it is found. */
import { fromUtf8 } from "@syncline/core";
import type { Present } from "@syncline/protocol";
import type { Cluster, SimClient } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";

const BOARD = "boards/a";

function build(): { cluster: Cluster; clients: [SimClient, SimClient, SimClient] } {
  const cluster = world(1);
  cluster.master("m1", { follow: ["m2"] });
  cluster.master("m2", { follow: ["m1"] });
  cluster.follower("f1", { follow: ["m1", "m2"] });
  const clients = [
    cluster.client("c1", ["m1", "m2"]),
    cluster.client("c2", ["m2", "m1"]),
    cluster.client("c3", ["f1"]),
  ] as [SimClient, SimClient, SimClient];
  for (const client of clients) client.open(BOARD);
  cluster.pass(1_000);
  for (const client of clients) client.show(BOARD, true);
  return { cluster, clients };
}

/** What this client is shown of that one, with a change. */
function forge(client: SimClient, others: (others: Map<number, Present>) => void): void {
  const open = client.open(BOARD);
  const forged = new Map(open.others);
  others(forged);
  open.others = forged;
}

test("everybody comes to see exactly the living, and it is counted", () => {
  const { cluster, clients } = build();
  cluster.settle();
  expect(cluster.gathering.flaw()).toBeUndefined();
  expect(cluster.gathering.counts).toEqual({ seen: 6, vanishedInSight: 0 });
  clients[0].kill();
  expect(cluster.gathering.counts.vanishedInSight).toBe(1);
  cluster.pass(2_000);
  expect(cluster.gathering.flaw()).toBeUndefined();
  clients[1].show(BOARD, false);
  cluster.pass(2_000);
  expect([...clients[2].open(BOARD).others]).toEqual([]);
  expect(cluster.gathering.flaw()).toBeUndefined();
});

test("one who is missing is a flaw, one who is seen after he has gone another", () => {
  const { cluster, clients } = build();
  cluster.settle();
  const [c1, c2] = clients;
  const before = c1.open(BOARD).others;
  forge(c1, (others) => others.delete([...others.keys()][0]!));
  expect(cluster.gathering.flaw()).toMatch(/^c1 sees ".*" at boards\/a and must see /);
  c1.open(BOARD).others = before;
  expect(cluster.gathering.flaw()).toBeUndefined();
  c2.show(BOARD, false);
  expect(cluster.gathering.flaw()).toMatch(/^c1 sees /);
});

test("a ghost is found, as soon as he has been one for too long", () => {
  const { cluster, clients } = build();
  cluster.settle();
  const [c1, , c3] = clients;
  const ghost = [...c1.open(BOARD).others].find(([, { state }]) =>
    fromUtf8(state as Uint8Array).includes("c3"),
  )!;
  c3.kill();
  cluster.pass(100_000);
  forge(c1, (others) => others.set(...ghost));
  expect(() => cluster.check()).not.toThrow();
  cluster.pass(30_000);
  expect(() => cluster.check()).toThrow(/^c1 sees c3 \(3\) at boards\/a, who vanished 1300\d\d ms ago$/);
});
