import { expect, test } from "vitest";
import { world } from "./world.js";

/** Where a follower takes m1's present stream from. */
const provider = (node: {
  engine: { status(): { streams: readonly { node: string; provider: string | null }[] } };
}) => node.engine.status().streams.find((stream) => stream.node === "m1")?.provider;

test("a provider that dies is replaced at the same position (I2)", () => {
  const cluster = world(1);
  const m1 = cluster.master("m1");
  cluster.follower("f1", { follow: ["m1"] });
  const f2 = cluster.follower("f2", { follow: ["m1", "f1"] });
  cluster.pass(500);
  m1.write("boards/a", (b) => b.counter("votes").increment());
  cluster.pass(500);
  expect(provider(f2)).toBe("m1");
  cluster.network.cut("m1", "f2");
  m1.write("boards/a", (b) => b.counter("votes").increment());
  cluster.pass(500);
  expect(provider(f2)).toBe("f1");
  expect(f2.json("boards/a")).toEqual({ votes: 2 });
});

test("so is one that goes silent while another has more", () => {
  const cluster = world(2);
  const m1 = cluster.master("m1");
  cluster.follower("f1", { follow: ["m1"] });
  const f2 = cluster.follower("f2", { follow: ["m1", "f1"] });
  cluster.pass(500);
  cluster.network.blackHoleOneWay("m1", "f2");
  m1.write("boards/a", (b) => b.counter("votes").increment());
  cluster.pass(15_000);
  expect(provider(f2)).toBe("f1");
  expect(f2.json("boards/a")).toEqual({ votes: 1 });
});

test("a transaction of many ops is seen whole or not at all, at every moment and across a crash (I4)", () => {
  const cluster = world(3);
  const m1 = cluster.master("m1", { flushMs: 7 });
  const f1 = cluster.follower("f1", { follow: ["m1"], flushMs: 5 });
  cluster.pass(500);
  for (let round = 1; round <= 5; round++) {
    m1.write("boards/a", (b) => {
      for (let i = 0; i < 50; i++) b.counter("votes").increment();
      b.set("tags").add(`r${round}`);
    });
    for (let ms = 0; ms < 40; ms++) {
      cluster.pass(1);
      if (ms === 8) f1.restart();
      if (!f1.isUp) continue;
      const { votes = 0, tags = [] } = (f1.json("boards/a") ?? {}) as { votes?: number; tags?: string[] };
      expect(votes).toBe(tags.length * 50);
    }
  }
  cluster.settle();
  expect(f1.json("boards/a")).toMatchObject({ votes: 250 });
});
