import { describe, expect, test } from "vitest";
import { world } from "./world.js";

test("a document is loaded when all of it is there, however slowly it comes (I8)", () => {
  // It comes change by change: it would be one state if it were folded.
  const limits = { sendQueuePauseBytes: 2_000, batchBytes: 500, foldQuietChanges: 1_000 };
  const cluster = world(1, { limits });
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

describe("a document that is opened after a master's loss (I8)", () => {
  /** Ann has written the notes and then the board, at m1; bob has seen the board there, when m1 dies. */
  function lose(seed: number) {
    const cluster = world(seed);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    const ann = cluster.client("ann", ["m1"]);
    const bob = cluster.client("bob", ["m1", "m2"]);
    ann.open("notes/late");
    for (const client of [ann, bob]) client.open("boards/a");
    cluster.pass(2_000);
    cluster.network.cut("m1", "m2");
    ann.write("notes/late", (d) => d.register("text").set("cause"));
    ann.write("boards/a", (d) => d.counter("votes").increment());
    cluster.pass(100);
    expect(bob.json("boards/a")).toEqual({ votes: 1 });
    ann.kill();
    m1.kill();
    cluster.pass(1_000);
    expect(bob.engine.status().provider).toBe("m2");
    return { cluster, m1, bob };
  }

  test("it waits until the provider has what its session has seen", () => {
    const { cluster, m1, bob } = lose(3);
    const late = bob.open("notes/late");
    cluster.network.healAll();
    m1.restart();
    for (let ms = 0; ms < 1_500; ms += 5) {
      cluster.pass(5);
      if (late.loaded) expect(bob.json("notes/late")).toEqual({ text: "cause" });
    }
    expect(late.loaded).toBe(true);
  });

  test("or until a master has taken over what the session holds: what that lacks nobody has", () => {
    const { cluster, bob } = lose(4);
    const m2 = cluster.nodes.get("m2");
    const late = bob.open("notes/late");
    let wasLoadedAt = 0;
    for (let ms = 0; ms < 5_000 && wasLoadedAt === 0; ms += 5) {
      cluster.pass(5);
      if (!late.loaded) continue;
      wasLoadedAt = ms;
      // With the board, which has been rescued there.
      expect(m2?.json("boards/a")).toEqual({ votes: 1 });
    }
    expect(wasLoadedAt).toBeGreaterThan(0);
    expect(bob.json("notes/late")).toEqual({});
  });

  test("who has seen nothing waits for nothing", () => {
    const { cluster } = lose(5);
    const eve = cluster.client("eve", ["m2"]);
    const late = eve.open("notes/late");
    cluster.pass(50);
    expect(late.loaded).toBe(true);
  });
});

test("who has written is written to last: others wait for it, however long they are there", () => {
  const cluster = world(21);
  cluster.master("m1");
  const clients = ["ann", "bob", "cid"].map((name) => cluster.client(name, ["m1"]));
  for (const client of clients) {
    client.open("boards/a");
    cluster.pass(100);
  }
  for (const writer of clients) {
    const told: string[] = [];
    cluster.network.tap = (from, to) => {
      if (from === "m1") told.push(to);
    };
    writer.write("boards/a", (b) => b.counter("votes").increment());
    cluster.passUntil("all were told", () => new Set(told).size === 3);
    cluster.network.tap = undefined;
    expect(told.indexOf(writer.name)).toBe(2);
    cluster.settle();
  }
});
