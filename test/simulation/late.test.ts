/** What was accepted without a takeover, and who can have heard of it: what the check of bounded reads takes for an excuse. */
import { Cluster } from "@syncline/simulation";
import { memoryStorage } from "@syncline/storage";
import { expect, test } from "vitest";

const DOCUMENT = "boards/a";
const ALL = ["m1", "f1", "f2", "f3"];

/** m1 is the one that is written to, and is cut off with f2, which has its last write; f1 takes over by force, f3 follows it. */
function takenOver(force = true) {
  const cluster = new Cluster({ seed: 6, disk: (scheduler) => memoryStorage({ scheduler }) });
  const topology = "single-master";
  const m1 = cluster.master("m1", { topology });
  const f1 = cluster.follower("f1", { follow: ["m1"], topology });
  cluster.follower("f2", { follow: ["m1", "f1", "f3"], topology });
  cluster.follower("f3", { follow: ["f1", "m1"], topology });
  const ann = cluster.client("ann", ["m1"]);
  cluster.pass(2_000);
  if (force) {
    for (const one of ["f1", "f3"]) for (const other of ["m1", "f2"]) cluster.network.cut(one, other);
    cluster.pass(100);
  }
  const write = ann.write(DOCUMENT, (draft) => draft.counter("votes").increment(1));
  cluster.passUntil("it is committed", () => write.committed);
  const promoted = f1.promote({ force, waitMs: 500 });
  cluster.passUntil("it is a master", () => promoted.answer !== undefined);
  return { cluster, m1 };
}

const excused = (cluster: Cluster) =>
  ALL.filter((name) => cluster.late.unheardBy(name, DOCUMENT).some(({ by }) => by?.includes("m1")));

test("whoever can have heard of the takeover and of nothing else", () => {
  const { cluster } = takenOver();
  cluster.pass(2_000);
  // f3 was told by f1; m1 and f2 know of nothing.
  expect(excused(cluster)).toEqual(["f1", "f3"]);
  expect(cluster.late.unheardBy("f1", DOCUMENT)).toEqual([{ by: ["m1", "f2", "f3"], without: [] }]);
  // From f2 f3 can have heard of the write, and f1 from f3.
  cluster.network.cut("f1", "f3");
  cluster.network.heal("f2", "f3");
  cluster.pass(2_000);
  expect(excused(cluster)).toEqual(["f1"]);
  cluster.network.healAll();
  cluster.settle();
  expect(excused(cluster)).toEqual([]);
});

test("a promotion that hears everybody whom it needs excuses nothing", () => {
  const { cluster } = takenOver(false);
  expect(excused(cluster)).toEqual([]);
});

test("an only master that is started again cannot know what it had sent before its disk had it, until it hears who has that", () => {
  const cluster = new Cluster({ seed: 7, disk: (scheduler) => memoryStorage({ scheduler }) });
  const topology = "single-master";
  const m1 = cluster.master("m1", { topology });
  cluster.follower("f1", { follow: ["m1"], topology });
  cluster.follower("f2", { follow: ["m1"], topology });
  const ann = cluster.client("ann", ["m1"]);
  cluster.pass(2_000);
  ann.write(DOCUMENT, (draft) => draft.counter("votes").increment(1));
  cluster.pass(1_000);
  const shown = m1.spansOf(DOCUMENT);
  cluster.network.cut("m1", "f1");
  m1.kill();
  m1.start();
  cluster.pass(2_000);
  // f2 has no more than m1 has, and hears nobody who has.
  const late = [{ without: shown, until: expect.any(Number) }];
  expect(cluster.late.unheardBy("m1", DOCUMENT)).toEqual(late);
  expect(cluster.late.unheardBy("f1", DOCUMENT)).toEqual([]);
  expect(cluster.late.unheardBy("f2", DOCUMENT)).toEqual(late);
});
