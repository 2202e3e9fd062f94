/**
 * Promotion and demotion: who becomes a master has everything that was ever committed (SPINE 19, I7), and whoever was one
 * is followed and listened to like any other node.
 */
import { covers } from "@syncline/core";
import type { SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { failingDisks } from "../engine/disks.js";
import { world } from "./world.js";

const ANY_OF_3 = { kind: "any", needed: 2, names: ["f1", "f2", "f3"] } as const;

const roleOf = (node: SimNode): string => node.engine.status().role;
const members = (node: SimNode): Record<string, string> =>
  Object.fromEntries(node.engine.status().nodes.map((member) => [member.node, member.role]));

describe("rule 19: who is promoted hears n-k+1 of those who were counted, and catches up to their join", () => {
  /** Two of three followers have what was committed last; then the master is gone. */
  function uneven(seed: number) {
    const cluster = world(seed);
    const m1 = cluster.master("m1", { rule: ANY_OF_3 });
    const follow = ["m1", "f1", "f2", "f3"];
    const [f1, f2, f3] = ["f1", "f2", "f3"].map((name) =>
      cluster.follower(name, { follow: follow.filter((other) => other !== name) }),
    ) as [SimNode, SimNode, SimNode];
    cluster.pass(1_000);
    m1.write("boards/a", (b) => b.register("title").set("first"));
    cluster.pass(1_000);
    for (const other of follow) if (other !== "f3") cluster.network.cut("f3", other);
    const last = m1.write("boards/a", (b) => b.register("title").set("committed"), { level: "committed" });
    cluster.pass(1_000);
    expect(last.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
    m1.kill();
    cluster.pass(1_000);
    return { cluster, m1, f1, f2, f3 };
  }

  test("a follower that lags, and does not hear those who have more, is not promoted, and says what it would lose", () => {
    const { cluster, f3 } = uneven(1);
    const promoted = f3.promote();
    cluster.pass(6_000);
    expect(promoted.answer).toMatchObject({ ok: false, fault: { code: "PROMOTION_WOULD_LOSE" } });
    const doubts = promoted.answer?.doubts ?? [];
    expect(doubts.map(({ node, unheard }) => [node, unheard])).toEqual([
      ["m1", ["m1", "f1", "f2"]],
      ["", ["f1", "f2", "m1"]],
    ]);
    expect(roleOf(f3)).toBe("follower");
    expect(f3.engine.refusesWrites()).toMatchObject({ code: "READ_ONLY_FOLLOWER" });
  });

  test("it hears one of the two that have it: of 3 with 2 needed that is enough, and it catches up before it opens", () => {
    const { cluster, f1, f2, f3 } = uneven(2);
    // Members of which no rule speaks: with them f3 hears a majority.
    for (const name of ["x1", "x2"]) cluster.follower(name, { follow: ["f2", "f3"] });
    f1.kill();
    cluster.network.heal("f3", "f2");
    expect(f2.json("boards/a")).toEqual({ title: "committed" });
    const promoted = f3.promote();
    cluster.passUntil("it is a master", () => promoted.answer !== undefined);
    expect(promoted.answer).toMatchObject({ ok: true, role: "master", doubts: [] });
    expect(covers(promoted.held, f2.engine.heldVector())).toBe(true);
    cluster.pass(1_000);
    expect(f3.json("boards/a")).toEqual({ title: "committed" });
    f3.write("boards/a", (b) => b.register("title").set("after"));
    cluster.network.healAll();
    f1.start();
    cluster.settle();
    for (const node of cluster.nodes.values()) {
      if (node.isUp) expect(node.json("boards/a")).toEqual({ title: "after" });
    }
  });

  test("the origin's word does not stand in for theirs: it may have come back without its disk", () => {
    const { cluster, m1, f3 } = uneven(9);
    for (const name of ["x1", "x2"]) cluster.follower(name, { follow: ["m1", "f3"] });
    // Of those who were counted none but f3 is left to be heard.
    for (const name of ["f1", "f2"]) cluster.nodes.get(name)?.kill();
    cluster.network.heal("f3", "m1");
    m1.restartEmpty();
    cluster.pass(15_000);
    const promoted = f3.promote();
    cluster.pass(6_000);
    expect(promoted.answer).toMatchObject({ ok: false, fault: { code: "PROMOTION_WOULD_LOSE" } });
    expect(promoted.answer?.doubts.map(({ unheard }) => unheard)).toContainEqual(["f1", "f2"]);
  });

  test("alone it would not be enough to hear one of them if one was needed only: the other may have had it", () => {
    const cluster = world(3);
    const m1 = cluster.master("m1", { rule: { kind: "any", needed: 1, names: ["f1", "f2"] } });
    const f1 = cluster.follower("f1", { follow: ["m1", "f2", "x"] });
    const f2 = cluster.follower("f2", { follow: ["m1", "f1", "x"] });
    // Members of which no rule speaks: with them f2 hears a majority.
    const x = cluster.follower("x", { follow: ["m1", "f2"] });
    const y = cluster.follower("y", { follow: ["x", "f2"] });
    cluster.pass(1_000);
    for (const node of [f2, x, y]) for (const other of ["m1", "f1"]) cluster.network.cut(node.name, other);
    const last = m1.write("boards/a", (b) => b.register("title").set("on f1"), { level: "committed" });
    cluster.pass(1_000);
    expect(last.answer).toMatchObject({ ok: true, receipt: { outcome: "committed" } });
    m1.kill();
    cluster.pass(100);
    const promoted = f2.promote();
    cluster.pass(6_000);
    expect(promoted.answer).toMatchObject({ ok: false, fault: { code: "PROMOTION_WOULD_LOSE" } });
    // As soon as f1 is heard it can be done, and the promotion that waits is done by itself.
    const again = f2.promote({ waitMs: 20_000 });
    cluster.pass(500);
    expect(again.answer).toBeUndefined();
    cluster.network.heal("f2", "f1");
    cluster.passUntil("it is a master", () => again.answer !== undefined);
    expect(again.answer).toMatchObject({ ok: true });
    expect(covers(again.held, f1.engine.heldVector())).toBe(true);
    cluster.pass(1_000);
    expect(f2.json("boards/a")).toEqual({ title: "on f1" });
  });

  test("what an asynchronous master alone has is its to tell: without it only by force, and it comes when it returns", () => {
    const cluster = world(4);
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(1_000);
    m1.write("boards/a", (b) => b.set("tags").add("here"));
    cluster.pass(500);
    cluster.network.cut("f1", "m1");
    m1.write("boards/a", (b) => b.set("tags").add("there"));
    cluster.pass(500);
    m1.kill();
    const refused = f1.promote({ waitMs: 500 });
    cluster.pass(1_000);
    expect(refused.answer).toMatchObject({ ok: false, fault: { code: "PROMOTION_WOULD_LOSE" } });
    const forced = f1.promote({ force: true });
    cluster.passUntil("it is a master", () => forced.answer !== undefined);
    expect(forced.answer).toMatchObject({ ok: true, role: "master" });
    expect(forced.answer?.doubts.map(({ unheard }) => unheard)).toEqual([["m1"], ["m1"]]);
    f1.write("boards/a", (b) => b.set("tags").add("after"));
    cluster.network.healAll();
    m1.start();
    cluster.settle();
    // Both are masters now, and follow each other though m1 was never told of f1.
    for (const node of [m1, f1]) expect(node.json("boards/a")).toEqual({ tags: ["here", "after", "there"] });
    expect(members(m1)).toEqual({ m1: "master", f1: "master" });
  });

  test("who has not heard yet who the members are does not take himself for all of them: only by force", () => {
    const cluster = world(20);
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.network.cut("f1", "m1");
    cluster.pass(1_000);
    const refused = f1.promote({ waitMs: 500 });
    cluster.pass(1_000);
    expect(refused.answer).toMatchObject({ ok: false, fault: { code: "PROMOTION_WOULD_LOSE" } });
    const forced = f1.promote({ force: true });
    cluster.passUntil("it is a master", () => forced.answer !== undefined);
    expect(forced.answer).toMatchObject({ ok: true, role: "master" });
    expect(forced.answer?.doubts.map(({ reason }) => reason)).toEqual([
      "f1 has not heard yet who the other members are",
    ]);
    // Whom the others have left, as it knows, is alone indeed.
    cluster.network.healAll();
    cluster.settle();
    const demoted = f1.demote();
    cluster.passUntil("it is a follower", () => demoted.answer !== undefined);
    const left = f1.promote();
    cluster.passUntil("it is a master again", () => left.answer !== undefined);
    expect(left.answer).toMatchObject({ ok: true, doubts: [] });
    m1.kill();
    const retired = f1.retire("m1", { force: true });
    cluster.passUntil("m1 is retired", () => retired.answer !== undefined);
    cluster.pass(1_000);
    expect([...f1.engine.status().nodes.map(({ node }) => node)]).toEqual(["f1"]);
    const alone = f1.demote({ force: true });
    cluster.passUntil("it is a follower", () => alone.answer !== undefined);
    const again = f1.promote();
    cluster.passUntil("it is a master again", () => again.answer !== undefined);
    expect(again.answer).toMatchObject({ ok: true, doubts: [] });
  });

  test("a promoted node stays a master when it is started again with its old flags", () => {
    const cluster = world(5);
    cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(1_000);
    const promoted = f1.promote({ rule: { kind: "any", needed: 1, names: ["m1", "x"] } });
    cluster.passUntil("it is a master", () => promoted.answer !== undefined);
    f1.restart();
    cluster.pass(1_000);
    expect(roleOf(f1)).toBe("master");
    const write = f1.write("boards/a", (b) => b.register("title").set("mine"), { level: "committed" });
    cluster.settle();
    expect(write.answer).toMatchObject({ ok: true, receipt: { outcome: "committed", nodes: ["f1", "m1"] } });
    expect(
      f1.engine
        .status()
        .streams.filter(({ node }) => node === "f1")
        .map(({ rule }) => rule),
    ).toEqual(["ANY 1 (m1,x)", "ANY 1 (m1,x)"]);
  });

  test("other followers find a promoted master by themselves, and clients are sent to it", () => {
    const cluster = world(6);
    const m1 = cluster.master("m1", { rule: { kind: "any", needed: 1, names: ["f1", "f2"] } });
    const f1 = cluster.follower("f1", { follow: ["m1", "f2"] });
    const f2 = cluster.follower("f2", { follow: ["m1", "f1"] });
    const f3 = cluster.follower("f3", { follow: ["m1", "f2"] });
    const ann = cluster.client("ann", ["f1", "m1"]);
    cluster.pass(1_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(1_000);
    m1.kill();
    cluster.pass(1_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(10));
    cluster.pass(500);
    const promoted = f1.promote();
    cluster.passUntil("it is a master", () => promoted.answer !== undefined);
    expect(promoted.answer).toMatchObject({ ok: true });
    cluster.settle();
    for (const node of [f1, f2, f3]) expect(node.json("boards/a")).toEqual({ votes: 11 });
    expect(members(f3)).toMatchObject({ f1: "master" });
    m1.start();
    cluster.settle();
    expect(m1.json("boards/a")).toEqual({ votes: 11 });
  });
});

test("who was promoted is looked for also when its flags say by now that it is a master", () => {
  const cluster = world(32);
  const m1 = cluster.master("m1");
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  const f2 = cluster.follower("f2", { follow: ["m1"] });
  cluster.pass(1_000);
  const promoted = f1.promote();
  cluster.passUntil("it is a master", () => promoted.answer !== undefined);
  for (let starts = 0; starts < 2; starts++) {
    f1.role = "master";
    f1.restart();
    cluster.pass(2_000);
  }
  m1.kill();
  f2.restart();
  cluster.pass(1_000);
  f1.write("boards/a", (b) => b.register("title").set("found"));
  cluster.pass(15_000);
  expect(f2.json("boards/a")).toEqual({ title: "found" });
  // Its flags rule: it does as they say when they change again.
  f1.role = "follower";
  f1.restart();
  cluster.pass(1_000);
  expect(roleOf(f1)).toBe("follower");
});

describe("demotion", () => {
  test("a master steps down once all that it has accepted is safe elsewhere, and follows", () => {
    const cluster = world(7);
    const m1 = cluster.master("m1", { follow: ["m2"] });
    const m2 = cluster.master("m2", { follow: ["m1"] });
    const ann = cluster.client("ann", ["m1", "m2"]);
    cluster.pass(1_000);
    ann.write("boards/a", (b) => b.counter("votes").increment(1));
    cluster.pass(500);
    // What m1 says does not arrive, and m2 is heard.
    cluster.network.blackHoleOneWay("m1", "m2");
    ann.write("boards/a", (b) => b.counter("votes").increment(10));
    cluster.pass(200);
    const unsafe = m1.demote({ waitMs: 1_000 });
    cluster.pass(1_500);
    expect(unsafe.answer).toMatchObject({ ok: false, fault: { code: "QUORUM_WAIT_TIMEOUT" } });
    cluster.network.cut("m1", "m2");
    const early = m1.demote({ waitMs: 1_000 });
    cluster.pass(100);
    // Meanwhile it takes nothing.
    expect(m1.engine.refusesWrites()).toMatchObject({ code: "READ_ONLY_FOLLOWER" });
    cluster.pass(1_500);
    expect(early.answer).toMatchObject({ ok: false, fault: { code: "LAST_MASTER" } });
    expect(m1.engine.refusesWrites()).toBeUndefined();
    const late = m1.demote();
    cluster.network.healAll();
    cluster.passUntil("it is a follower", () => late.answer !== undefined);
    expect(late.answer).toMatchObject({ ok: true, role: "follower" });
    ann.write("boards/a", (b) => b.counter("votes").increment(100));
    cluster.settle();
    for (const node of [m1, m2]) expect(node.json("boards/a")).toEqual({ votes: 111 });
    expect(members(m2)).toEqual({ m1: "follower", m2: "master" });
    m1.restart();
    cluster.settle();
    expect(roleOf(m1)).toBe("follower");
  });

  test("the last master stays one unless it is forced; then its data outlives it, and it can come back", () => {
    const cluster = world(8);
    const m1 = cluster.master("m1");
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(1_000);
    m1.write("boards/a", (b) => b.register("title").set("kept"));
    cluster.pass(500);
    const refused = m1.demote({ waitMs: 200 });
    cluster.pass(500);
    expect(refused.answer).toMatchObject({ ok: false, fault: { code: "LAST_MASTER" } });
    const forced = m1.demote({ force: true });
    cluster.passUntil("it is a follower", () => forced.answer !== undefined);
    expect(m1.engine.refusesWrites()).toMatchObject({ code: "READ_ONLY_FOLLOWER" });
    cluster.pass(1_000);
    const promoted = f1.promote();
    cluster.passUntil("the other one is a master", () => promoted.answer !== undefined);
    expect(promoted.answer).toMatchObject({ ok: true, doubts: [] });
    f1.write("boards/a", (b) => b.register("title").set("moved"));
    cluster.settle();
    for (const node of [m1, f1]) expect(node.json("boards/a")).toEqual({ title: "moved" });
  });
});

test("what waits to be accepted when a master is demoted goes into the next stream, and is shown before it is called committed", () => {
  const cluster = world(21);
  const rule = { kind: "any", needed: 1, names: ["f1"] } as const;
  const m1 = cluster.master("m1", { follow: ["m2"], rule, flushMs: 400 });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.pass(5_000);
  cluster.network.cut("c", "m1");
  const client = cluster.client("c", ["m2", "m1"]);
  client.open("boards/a");
  cluster.pass(2_000);
  for (const master of ["m1", "m2"]) cluster.network.cut("f1", master);
  cluster.pass(3_000);
  // The client has seen at m2 what m1 will have in two seconds and a half: what it writes at m1 waits for that.
  cluster.network.stall("m1", "m2", 2_500);
  client.write("boards/a", (b) => b.register("title").set("first"));
  cluster.pass(100);
  cluster.network.cut("c", "m2");
  cluster.network.heal("c", "m1");
  cluster.passUntil("it is at the other one", () => client.engine.status().master === "m1");
  const second = client.write("boards/a", (b) => b.register("title").set("second"));
  cluster.pass(2_200);
  const held = (): number =>
    Math.max(
      ...m1.engine
        .status()
        .streams.filter(({ node }) => node === "m1")
        .map(({ received }) => received),
    );
  const before = held();
  // Its disk takes 400 ms to have the demotion, and meanwhile m2's record comes.
  const demoted = m1.demote({ force: true });
  cluster.passUntil("it is a follower", () => demoted.answer !== undefined);
  expect(held()).toBe(before);
  const promoted = m1.promote({ force: true, rule: { kind: "any", needed: 1, names: ["m2"] } });
  cluster.passUntil("it is a master again", () => promoted.answer !== undefined);
  cluster.passUntil("it is called committed", () => second.confirmed, 30_000);
  for (const node of [m1, m2]) expect(node.json("boards/a"), node.name).toEqual({ title: "second" });
});

test("a master that is demoted while its disk takes the stream with which it joins again hands in what was cut off", () => {
  const cluster = world(23);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"], flushMs: 400 });
  cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.pass(5_000);
  for (const other of ["m1", "f1"]) cluster.network.cut("m2", other);
  m2.write("boards/a", (b) => b.register("title").set("cut off"));
  cluster.pass(10_000);
  const retired = m1.retire("m2", { force: true });
  cluster.passUntil("it is retired", () => retired.answer !== undefined, 30_000);
  const own = () => m2.engine.status().streams.filter(({ node }) => node === "m2");
  const before = own().map(({ stream }) => stream);
  const opened = () => own().filter(({ stream }) => !before.includes(stream));
  cluster.network.heal("m2", "f1");
  cluster.passUntil("it hears a majority, and opens a stream", () => opened().length > 0);
  expect(m2.engine.refusesWrites()).toMatchObject({ code: "READ_ONLY_FOLLOWER" });
  const demoted = m2.demote({ force: true });
  cluster.passUntil("it is a follower", () => demoted.answer !== undefined);
  cluster.pass(2_000);
  expect([roleOf(m2), m2.engine.refusesWrites()?.code]).toEqual(["follower", "READ_ONLY_FOLLOWER"]);
  cluster.network.healAll();
  // It is no master: who is one takes in what m2 alone has.
  cluster.settle();
  expect(m1.json("boards/a")).toEqual({ title: "cut off" });
  expect(opened().map(({ received }) => received)).toEqual([1]);
});

test("who has heard of a retirement and of no member is not promoted without force", () => {
  const cluster = world(22);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  cluster.follower("f0", { follow: ["m1"] });
  cluster.settle();
  m2.kill();
  cluster.pass(10_000);
  const retired = m1.retire("m2", { force: true });
  cluster.passUntil("it is retired", () => retired.answer !== undefined);
  const f1 = cluster.follower("f1", { follow: ["m1"] });
  cluster.passUntil("it has heard of that", () => f1.engine.status().closings.length > 0);
  cluster.network.cut("f1", "m1");
  cluster.pass(20_000);
  const promoted = f1.promote({ waitMs: 500 });
  cluster.pass(3_000);
  expect(promoted.answer).toMatchObject({ ok: false, fault: { code: "PROMOTION_WOULD_LOSE" } });
});

test("whoever waits for a promotion is answered when the disk fails", () => {
  const { disks, make } = failingDisks();
  const cluster = world(31, { disk: make });
  const m1 = cluster.master("m1");
  const [f1, f2, f3] = ["f1", "f2", "f3"].map((name) => cluster.follower(name, { follow: ["m1"] })) as [
    SimNode,
    SimNode,
    SimNode,
  ];
  cluster.pass(2_000);
  for (const other of [f2, f3]) other.kill();
  cluster.pass(1_000);
  const promoted = f1.promote();
  cluster.pass(1_000);
  // It hears no majority, and waits.
  expect(promoted.answer).toBeUndefined();
  const [, ofF1] = disks;
  if (ofF1 !== undefined) ofF1.isBroken = true;
  m1.write("boards/a", (b) => b.register("title").set("too late"));
  cluster.pass(1_000);
  expect(promoted.answer).toMatchObject({ ok: false, fault: { code: "STORAGE_FAILED" } });
});
