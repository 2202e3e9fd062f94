/** Clocks that are wrong by a day: they win over nobody, lose nothing, and whoever has one is told. */
import { stampMs } from "@syncline/core";
import { LIMITS } from "@syncline/protocol";
import { WORLD_BEGAN_MS } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { world } from "../scenarios/world.js";

const DAY_MS = 86_400_000;
const BOARD = "boards/a";

describe("a client whose clock is ahead by more than clockAheadMsMax", () => {
  test("makes what it wrote offline again, with the server's time, and what follows it, too", () => {
    const cluster = world(1);
    const now = () => WORLD_BEGAN_MS + cluster.time.now;
    const m1 = cluster.master("m1");
    const ann = cluster.client("ann", ["m1"]);
    const bob = cluster.client("bob", ["m1"]);
    for (const each of [ann, bob]) each.open(BOARD);
    cluster.passUntil("both have it", () => [ann, bob].every((each) => each.open(BOARD).loaded));
    cluster.network.cut("ann", "m1");
    cluster.pass(100);
    ann.setClock(DAY_MS, 0);
    // The server it has heard is what it goes by: a clock that is set later is noticed.
    const noticed = ann.write(BOARD, (b) => b.register("title").set("noticed"));
    expect(stampMs(noticed.change.stamp)).toBeLessThan(now() + LIMITS.clockAheadMsMax);
    cluster.network.heal("ann", "m1");
    cluster.settle();

    // One that has heard nobody yet does not know better.
    const cleo = cluster.client("cleo", ["m1"]);
    cleo.setClock(DAY_MS, 0);
    const first = cleo.write(BOARD, (b) => b.register("title").set("tomorrow"));
    const second = cleo.write(BOARD, (b) => b.counter("votes").increment());
    const { author } = first.change;
    expect(stampMs(first.change.stamp)).toBeGreaterThan(now() + DAY_MS / 2);
    cluster.passUntil("both are durable", () => first.durable && second.durable);
    expect([first.rejected, second.rejected]).toEqual([undefined, undefined]);
    expect(first.change.author).not.toBe(author);
    for (const { change } of [first, second]) {
      expect(stampMs(change.stamp)).toBeLessThan(now() + LIMITS.clockAheadMsMax);
    }
    // So another one's write, made a little later without a look at it, wins as it should.
    cluster.pass(1_000);
    bob.write(BOARD, (b) => b.register("title").set("today"));
    cluster.settle();
    for (const shown of [m1, ann, bob, cleo]) expect(shown.json(BOARD)).toEqual({ title: "today", votes: 1 });
  });

  test("sees nothing vanish while it makes a change again, also where its provider is behind (I8)", () => {
    const cluster = world(4);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    const ann = cluster.client("ann", ["m1", "f1"]);
    const open = ann.open(BOARD);
    cluster.pass(2_000);
    // What ann wrote is safe, and she needs to keep it no longer; f1 has not heard of it.
    for (const master of ["m1", "m2"]) cluster.network.cut(master, "f1");
    const first = ann.write(BOARD, (b) => b.set("tags").add("first"));
    cluster.passUntil("it is safe", () => ann.engine.unsafeChanges().length === 0);
    cluster.network.cut("ann", "m1");
    cluster.passUntil("she reads at f1 and writes to m2", () => {
      const { provider, master } = ann.engine.status();
      return provider === "f1" && master === "m2";
    });
    // Now the server's clock is set back: by it ann is an hour ahead.
    m2.setClock(-3_600_000, 0);
    const second = ann.write(BOARD, (b) => b.set("tags").add("second"));
    const { author } = second.change;
    const look = () => expect(ann.json(BOARD)).toEqual({ tags: ["first", "second"] });
    open.onChange(look);
    cluster.pass(20_000);
    look();
    for (const master of ["m1", "m2"]) cluster.network.heal(master, "f1");
    cluster.network.heal("ann", "m1");
    cluster.passUntil("it is durable", () => second.durable);
    cluster.settle();
    expect(second.change.author).not.toBe(author);
    expect([first.rejected, second.rejected]).toEqual([undefined, undefined]);
    for (const shown of [m1, m2, f1, ann]) expect(shown.json(BOARD)).toEqual({ tags: ["first", "second"] });
  });

  test("is not refused what another master may have admitted", () => {
    const cluster = world(2);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    cluster.pass(1_000);
    // Its first master is as wrong as it is, and alone with it: nobody tells either of them.
    for (const [a, b] of [
      ["m1", "m2"],
      ["ann", "m2"],
    ] as const)
      cluster.network.cut(a, b);
    const ann = cluster.client("ann", ["m1", "m2"]);
    cluster.network.cut("ann", "m2");
    ann.open(BOARD);
    ann.setClock(DAY_MS, 0);
    m1.setClock(DAY_MS, 0);
    cluster.pass(2_000);
    const own = ann.write(BOARD, (b) => b.register("title").set("tomorrow"));
    cluster.passUntil("m1 has it", () => own.durable);
    m1.kill();
    cluster.network.heal("ann", "m2");
    cluster.passUntil("m2 has it", () => JSON.stringify(m2.json(BOARD)) === '{"title":"tomorrow"}', 120_000);
    m1.setClock(0, 0);
    ann.setClock(0, 0);
    cluster.network.heal("m1", "m2");
    m1.restart();
    cluster.settle();
    expect(own.rejected).toBeUndefined();
  });
});

describe("a node whose clock is ahead of most others'", () => {
  test("takes no writes, says so, and takes them again once it is set right; a clock behind is no harm", () => {
    const cluster = world(3);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const f1 = cluster.follower("f1", { follow: ["m1", "m2"] });
    const ann = cluster.client("ann", ["m1", "m2"]);
    ann.open(BOARD);
    cluster.pass(1_000);
    m1.setClock(DAY_MS, 0);
    cluster.pass(1_000);
    expect(m1.write(BOARD, (b) => b.counter("votes").increment()).answer).toMatchObject({
      ok: false,
      fault: { code: "NODE_CLOCK_AHEAD", masters: expect.arrayContaining(["sim://m2"]) },
    });
    expect(m1.engine.status().clockAheadMs).toBeGreaterThan(DAY_MS - 1_000);
    expect(m2.engine.status().clockAheadMs).toBeLessThan(LIMITS.clockAheadMsMax);
    // A client goes on at another master, and loses nothing.
    const own = ann.write(BOARD, (b) => b.counter("votes").increment());
    cluster.passUntil("m2 has it", () => own.durable);
    expect(ann.engine.status().master).toBe("m2");
    m1.setClock(-DAY_MS, 0);
    cluster.pass(1_000);
    const write = m1.write(BOARD, (b) => b.register("title").set("behind"));
    cluster.passUntil("it is stored", () => write.answer !== undefined);
    expect(write.answer).toMatchObject({ ok: true });
    cluster.passUntil("all show it", () =>
      [m1, m2, f1].every((node) => JSON.stringify(node.json(BOARD)) === '{"title":"behind","votes":1}'),
    );
  });
});
