/** Who can have heard of a master that was made by force: what the check of bounded reads takes for an excuse. */
import { Cluster } from "@syncline/simulation";
import { memoryStorage } from "@syncline/storage";
import { expect, test } from "vitest";

/** f1 is promoted by force while the others do not reach it; f2 follows it by and by, f3 follows f2. */
function apart() {
  const cluster = new Cluster({ seed: 5, disk: (scheduler) => memoryStorage({ scheduler }) });
  cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.follower("f2", { follow: ["f1", "m1"] });
  cluster.follower("f3", { follow: ["f2", "m1"] });
  cluster.pass(2_000);
  for (const other of ["m1", "f2", "f3"]) cluster.network.cut("f1", other);
  cluster.network.cut("m1", "f2");
  cluster.network.cut("m1", "f3");
  cluster.network.cut("f2", "f3");
  cluster.pass(100);
  const promoted = f1.promote({ force: true, waitMs: 500 });
  cluster.passUntil("it is a master", () => promoted.answer !== undefined);
  return { cluster, f1 };
}

const unheard = (cluster: Cluster) =>
  ["m1", "f1", "f2", "f3"].filter((name) => cluster.hearsay.unheardBy(name).includes("f1"));

test("whoever was greeted by it, and whoever gets a frame of somebody who had heard of it", () => {
  const { cluster } = apart();
  cluster.pass(5_000);
  expect(unheard(cluster)).toEqual(["m1", "f2", "f3"]);
  cluster.network.heal("f1", "f2");
  cluster.pass(5_000);
  expect(unheard(cluster)).toEqual(["m1", "f3"]);
  cluster.network.cut("f1", "f2");
  cluster.network.heal("f2", "f3");
  cluster.pass(5_000);
  // Nobody has told m1, and a client would not either.
  cluster.client("ann", ["f3", "m1"]);
  cluster.pass(5_000);
  expect(unheard(cluster)).toEqual(["m1"]);
  cluster.network.healAll();
  cluster.settle();
  expect(unheard(cluster)).toEqual([]);
});

test("a promotion that hears everybody whom it needs excuses nothing", () => {
  const { cluster, f1 } = apart();
  cluster.network.healAll();
  cluster.settle();
  const demoted = f1.demote();
  cluster.passUntil("it is a follower", () => demoted.answer !== undefined);
  const promoted = f1.promote();
  cluster.passUntil("it is a master", () => promoted.answer !== undefined);
  expect(promoted.answer).toMatchObject({ ok: true, doubts: [] });
  cluster.follower("f4", { follow: [] });
  expect(cluster.hearsay.unheardBy("f4")).toEqual([]);
});
