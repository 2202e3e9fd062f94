import { expect, test } from "vitest";
import { world } from "./world.js";

test("a document is loaded when all of it is there, however slowly it comes (I8)", () => {
  const cluster = world(1, { limits: { sendQueuePauseBytes: 2_000, batchBytes: 500 } });
  const m1 = cluster.master("m1");
  const ann = cluster.client("ann", ["m1"]);
  for (let i = 0; i < 300; i++) ann.write("boards/a", (b) => b.counter("votes").increment());
  cluster.pass(5_000);
  expect(m1.json("boards/a")).toEqual({ votes: 300 });

  cluster.network.faults.delayMsMin = cluster.network.faults.delayMsMax = 40;
  const bob = cluster.client("bob", ["m1"]);
  const open = bob.open("boards/a");
  let wasPartial = false;
  for (let i = 0; i < 500; i++) {
    cluster.pass(10);
    const { votes } = bob.json("boards/a") as { votes?: number };
    // Ann goes on meanwhile: what is new must not overtake what is old.
    if (i % 5 === 0 && i < 100) ann.write("boards/a", (b) => b.counter("votes").increment());
    if (open.loaded) expect(votes).toBeGreaterThanOrEqual(300);
    else wasPartial ||= (votes ?? 0) > 0;
  }
  expect(wasPartial).toBe(true);
  cluster.settle();
  expect(bob.json("boards/a")).toEqual({ votes: 320 });
});

test("who comes back is shown no effect without its cause, in whatever order documents arrive (I8)", () => {
  const cluster = world(2);
  cluster.master("m1");
  const ann = cluster.client("ann", ["m1"]);
  const bob = cluster.client("bob", ["m1"]);
  const effect = bob.open("boards/effect");
  const cause = bob.open("boards/cause");
  cluster.pass(1_000);
  cluster.network.cut("bob", "m1");
  cluster.pass(1_000);
  ann.write("boards/cause", (b) => b.counter("votes").increment());
  ann.write("boards/effect", (b) => b.counter("votes").increment());
  cluster.pass(1_000);
  let shown = 0;
  effect.onChange(() => {
    shown += 1;
    expect(cause.document.toJSON()).toEqual({ votes: 1 });
  });
  cluster.network.heal("bob", "m1");
  cluster.settle();
  expect(shown).toBeGreaterThan(0);
});
