/**
 * A node that goes on from an old backup, in virtual time: what it had accepted since comes back from whoever has it, also when
 * that one is away at first, and no position and no identity is given out twice (I1, I7).
 */

import type { Scheduler } from "@syncline/engine";
import { type CrashableStorage, SeededRandom, SimDisk } from "@syncline/simulation";
import { plainMemory } from "@syncline/storage";
import { expect, test } from "vitest";
import { tags, world } from "./world.js";

test.each([101, 102, 103, 104])(
  "an old backup is restored while only a peer that is away knows the lost tail: all of it is there in the end, once (seed %i)",
  (seed) => {
    const disks: SimDisk[] = [];
    const random = new SeededRandom(seed);
    const mounted = (disk: SimDisk, scheduler: Scheduler): CrashableStorage => ({
      ...disk.mount(scheduler),
      restart: ({ scheduler: next }) => {
        disk.crash();
        return mounted(disk, next);
      },
    });
    const cluster = world(seed, {
      disk: (scheduler) => {
        const disk = new SimDisk(random.fork(), plainMemory);
        disks.push(disk);
        return mounted(disk, scheduler);
      },
    });
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    cluster.pass(1_000);
    const tag = (node: typeof m1, value: string) => {
      const written = node.write("boards/a", (b) => b.set("tags").add(value));
      cluster.passUntil(`${value} is durable`, () => written.answer !== undefined);
      expect(written.answer).toMatchObject({ ok: true });
    };
    tag(m1, "before");
    cluster.settle();
    disks[0]!.backUp();
    cluster.network.cut("m1", "f1");
    cluster.network.cut("m2", "f1");
    // It reaches m2 alone, which goes away.
    tag(m1, "known to m2");
    cluster.passUntil("m2 has it", () => tags(m2)?.length === 2);
    m2.kill();
    m1.kill();
    disks[0]!.crash();
    disks[0]!.restore();
    m1.start();
    cluster.network.heal("m1", "f1");
    cluster.pass(5_000);
    for (const node of [m1, f1]) expect(tags(node), node.name).toEqual(["before"]);
    // It goes on at once, in a stream of its own: nothing that m2 knows is given out again.
    tag(m1, "since");
    cluster.network.healAll();
    m2.start();
    cluster.settle();
    for (const node of [m1, m2, f1])
      expect(tags(node), node.name).toEqual(["before", "known to m2", "since"]);
    const streams = m1.engine.status().streams.filter(({ node }) => node === "m1");
    expect(new Set(streams.map(({ stream }) => stream)).size).toBe(2);
    for (const node of [m2, f1])
      expect(node.engine.status().streams.map(({ stream, received }) => [stream, received])).toEqual(
        m1.engine.status().streams.map(({ stream, received }) => [stream, received]),
      );
  },
);
