/** What a review has found: each is a way in which a node could be harmed, or could tell less than the truth. */
import type { Fault } from "@syncline/protocol";
import { describe, expect, test } from "vitest";
import { RawClient } from "../scenarios/rawclient.js";
import { world } from "../scenarios/world.js";
import { increment } from "./changes.js";
import { helloOf, macOf, RawPeer } from "./rawpeer.js";

const BOARD = { collection: "boards", key: "a" };

test("a node without the secret does not hammer one that has it", () => {
  const cluster = world(1);
  cluster.master("m1", { mac: macOf("secret") });
  cluster.follower("f1", { follow: ["m1"] });
  cluster.pass(5_000);
  const before = cluster.network.counts.dialed ?? 0;
  cluster.pass(60_000);
  expect((cluster.network.counts.dialed ?? 0) - before).toBeLessThanOrEqual(14);
});

describe("two running processes under one name", () => {
  test("are told of once, shown, and do not have the member list rewritten for ever", () => {
    const lines: string[] = [];
    const cluster = world(2, { log: (line) => lines.push(line) });
    const m1 = cluster.master("m1");
    cluster.pass(100);
    const dial = (incarnation: number) =>
      RawPeer.dial(
        cluster.network,
        `f1 ${incarnation}`,
        "m1",
        helloOf({ peer: "follower", name: "f1", incarnation, url: `ws://${incarnation}` }),
      );
    // A node that comes back as a new process is not that.
    dial(1);
    cluster.pass(100);
    dial(2);
    cluster.pass(100);
    const isContested = () => m1.engine.status().nodes.find(({ node }) => node === "f1")?.isContested;
    expect(isContested()).toBe(false);
    for (let round = 0; round < 10; round++) {
      dial(1);
      cluster.pass(100);
      dial(2);
      cluster.pass(100);
    }
    expect(isContested()).toBe(true);
    expect(lines.filter((line) => line.includes("name-taken-twice")).length).toBe(1);
    expect(m1.engine.status().streams[0]?.received).toBeLessThanOrEqual(4);
  });
});

describe("what a client names", () => {
  test("of streams is bounded, and forgotten with the documents it was named for", () => {
    const cluster = world(3, { limits: { vectorEntriesMax: 50 } });
    cluster.master("m1");
    cluster.pass(100);
    const eve = new RawClient(cluster, "eve", "m1");
    cluster.pass(100);
    for (let i = 1; i <= 200; i++) {
      eve.send({ kind: "open", number: i, document: BOARD, since: new Map([[i, 1]]) });
      eve.send({ kind: "leave", number: i });
    }
    cluster.pass(500);
    expect(eve.closedWith).toBeUndefined();
    for (let i = 1; i <= 60; i++) {
      const document = { collection: "boards", key: `k${i}` };
      eve.send({ kind: "open", number: 1_000 + i, document, since: new Map([[i, 1]]) });
    }
    cluster.pass(500);
    expect(eve.refusals.map(({ code }) => code)).toContain("LIMIT_EXCEEDED");
    expect(eve.closedWith).toBeDefined();
  });
});

test("a hand-over that was refused before its end is refused whole: its last part is no hand-over (SPINE 13)", () => {
  const cluster = world(4, { limits: { handoverChangesMax: 2 } });
  const m1 = cluster.master("m1");
  cluster.pass(100);
  const eve = new RawClient(cluster, "eve", "m1");
  cluster.pass(100);
  const part = (last: boolean, ...authors: number[]) => ({
    kind: "handover" as const,
    floor: new Map(),
    batches: [{ changes: authors.map((author) => increment(author, 1)), seal: new Uint8Array(0) }],
    last,
  });
  eve.send(part(false, 1, 2, 3));
  eve.send(part(false, 4));
  eve.send(part(true, 5));
  cluster.pass(500);
  expect(eve.refusals.map(({ code }) => code)).toEqual(["LIMIT_EXCEEDED"]);
  expect(eve.messages.filter(({ kind }) => kind === "handed")).toEqual([]);
  expect(m1.json("boards/a")).toBeUndefined();
  eve.send(part(true, 6));
  cluster.pass(500);
  expect(eve.messages.filter(({ kind }) => kind === "handed").length).toBe(1);
});

test("who waits for a quorum is told when the node stops", () => {
  const cluster = world(5);
  const m1 = cluster.master("m1");
  cluster.pass(100);
  const answers: (Fault | undefined)[] = [];
  const quorum = { kind: "any", needed: 1, names: ["f1"] } as const;
  m1.engine.whenHeld(new Map([[1, 1]]), quorum, 60_000, (failed) => answers.push(failed));
  m1.engine.whenReadable({ token: new Map(), maxStalenessMs: 0, waitMs: 60_000 }, () => {});
  m1.engine.stop(() => {});
  cluster.pass(100);
  expect(answers.map((failed) => failed?.code)).toEqual(["SHUTTING_DOWN"]);
});

describe("the list of keys", () => {
  test("has what reads can see, also before the disk has it", () => {
    const cluster = world(6);
    const m1 = cluster.master("m1", { flushMs: 2_000 });
    cluster.pass(5_000);
    m1.write("boards/b", (b) => b.counter("votes").increment());
    cluster.pass(5_000);
    for (const key of ["c", "a"]) m1.write(`boards/${key}`, (b) => b.counter("votes").increment());
    m1.write("other/x", (b) => b.counter("votes").increment());
    cluster.pass(10);
    expect(m1.json("boards/a")).toEqual({ votes: 1 });
    expect(m1.engine.keys("boards", undefined, 10)).toEqual(["a", "b", "c"]);
    expect(m1.engine.keys("boards", "a", 1)).toEqual(["b"]);
    expect(m1.engine.keys("boards", "b", 10)).toEqual(["c"]);
  });
});

test("a write that does nothing has a token that can be reached at once, though others wait for their quorum", () => {
  const cluster = world(7);
  const m1 = cluster.master("m1", { rule: { kind: "any", needed: 1, names: ["f1"] } });
  cluster.pass(100);
  m1.write("boards/a", (b) => b.counter("votes").increment());
  const nothing = m1.write("boards/b", () => {});
  cluster.pass(100);
  if (nothing.answer?.ok !== true) throw new Error("it was not answered");
  expect(nothing.answer.receipt.outcome).toBe("committed");
  expect(m1.covers(nothing.answer.receipt.token)).toBe(true);
});
