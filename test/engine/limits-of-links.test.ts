/** What one link may make a node keep, and what happens at each limit (I10). After it all goes on as before. */
import { type CommitRule, LIMITS, type Limits } from "@syncline/protocol";
import type { SimNode } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { RawClient } from "../scenarios/rawclient.js";
import { world } from "../scenarios/world.js";
import { increment } from "./changes.js";

const ANY_F1: CommitRule = { kind: "any", needed: 1, names: ["f1"] };

function build(limits: Partial<Limits>, rule?: CommitRule) {
  const cluster = world(1, { limits });
  const m1 = cluster.master("m1", rule === undefined ? {} : { rule });
  cluster.pass(100);
  const eve = new RawClient(cluster, "eve", "m1");
  cluster.pass(100);
  const offer = (first: number, ...changes: Uint8Array[]) =>
    eve.send({ kind: "offer", first, session: undefined, changes });
  return { cluster, m1, eve, offer };
}

/** A change that builds on what nobody has. */
const baseless = (author: number) => increment(author, 1, { observed: [{ author: 4711, counter: 1 }] });

const refusals = (client: RawClient) =>
  client.refusals.map(({ code, about }) => [code, "number" in about ? about.number : about.what]);

/** Everybody else may write as before. */
function mustTakeWrites(cluster: ReturnType<typeof world>, node: SimNode): void {
  const write = node.write("notes/after", (b) => b.counter("votes").increment());
  cluster.pass(500);
  expect(write.answer?.ok).toBe(true);
}

describe("admissionWaitMs", () => {
  test("a change waits so long for what it lacks, then it is refused, and those behind it may go on", () => {
    const { cluster, m1, eve, offer } = build({ admissionWaitMs: 700 });
    offer(1, baseless(1), increment(2, 1));
    cluster.pass(650);
    expect(refusals(eve)).toEqual([]);
    cluster.pass(400);
    expect(refusals(eve)).toEqual([["CAUSES_MISSING", 1]]);
    expect(m1.json("boards/a")).toBeUndefined();
    offer(1, increment(2, 1));
    cluster.pass(300);
    expect(eve.durable).toBe(1);
    expect(m1.json("boards/a")).toEqual({ votes: 1 });
  });

  test("what it lacks comes within that time: it is admitted, in order", () => {
    const { cluster, m1, eve, offer } = build({ admissionWaitMs: 2_000 });
    offer(1, increment(1, 1, { observed: [{ author: 2, counter: 1 }] }), increment(1, 2));
    cluster.pass(1_000);
    const bob = new RawClient(cluster, "bob", "m1");
    cluster.pass(100);
    bob.send({ kind: "offer", first: 1, session: undefined, changes: [increment(2, 1)] });
    cluster.pass(500);
    expect([eve.durable, bob.durable, refusals(eve)]).toEqual([2, 1, []]);
    expect(m1.json("boards/a")).toEqual({ votes: 3 });
  });
});

describe("parkedChangesPerLinkMax and parkedChangeBytesPerLinkMax", () => {
  const size = increment(2, 1).length;

  test.each<[string, Partial<Limits>]>([
    ["parkedChangesPerLinkMax", { parkedChangesPerLinkMax: 3 }],
    ["parkedChangeBytesPerLinkMax", { parkedChangeBytesPerLinkMax: baseless(1).length + 2 * size }],
  ])("%s: one change more is refused for now, and stored nowhere", (_name, limit) => {
    const { cluster, m1, eve, offer } = build({ ...limit, admissionWaitMs: 1_000 });
    offer(1, baseless(1), increment(2, 1), increment(3, 1), increment(4, 1), increment(5, 1));
    cluster.pass(200);
    expect(refusals(eve)).toEqual([["LIMIT_EXCEEDED", 4]]);
    mustTakeWrites(cluster, m1);
    cluster.pass(1_000);
    expect(refusals(eve)).toEqual([
      ["LIMIT_EXCEEDED", 4],
      ["CAUSES_MISSING", 1],
    ]);
    // The queue is empty again: as much fits as before.
    offer(1, increment(2, 1), increment(3, 1), increment(4, 1));
    cluster.pass(500);
    expect(eve.durable).toBe(3);
    expect(m1.json("boards/a")).toEqual({ votes: 3 });
  });
});

describe("receiptHoldMs and receiptHoldChangesMax", () => {
  function slow(limits: Partial<Limits>) {
    const cluster = world(1, { limits });
    cluster.master("m1", { flushMs: 100 });
    cluster.pass(1_000);
    const eve = new RawClient(cluster, "eve", "m1");
    cluster.pass(200);
    const receipts = () =>
      eve.messages.flatMap((message) =>
        message.kind === "receipt" ? [[message.received, message.durable]] : [],
      );
    const offer = (first: number, count: number) =>
      eve.send({
        kind: "offer",
        first,
        session: undefined,
        changes: Array.from({ length: count }, (_, i) => increment(5, first + i)),
      });
    return { cluster, receipts, offer };
  }

  test("a client hears once of what the disk has in time, and else first that it was received", () => {
    const patient = slow({ receiptHoldMs: 1_000 });
    patient.offer(1, 2);
    patient.cluster.pass(500);
    expect(patient.receipts()).toEqual([[2, 2]]);
    const impatient = slow({ receiptHoldMs: 20 });
    impatient.offer(1, 2);
    impatient.cluster.pass(80);
    expect(impatient.receipts()).toEqual([[2, 0]]);
    impatient.cluster.pass(500);
    expect(impatient.receipts()).toEqual([
      [2, 0],
      [2, 2],
    ]);
  });

  test("who has offered many hears at once, and may go on", () => {
    const { cluster, receipts, offer } = slow({ receiptHoldMs: 1_000, receiptHoldChangesMax: 3 });
    offer(1, 3);
    cluster.pass(20);
    expect(receipts()).toEqual([[3, 0]]);
  });
});

describe("unansweredChangesPerLinkMax", () => {
  test("who has so many that await their commit is told to wait; with the quorum there is room again", () => {
    const { cluster, m1, eve, offer } = build({ unansweredChangesPerLinkMax: 5 }, ANY_F1);
    offer(1, ...[1, 2, 3, 4, 5].map((author) => increment(author, 1)));
    cluster.pass(300);
    offer(6, increment(6, 1));
    cluster.pass(300);
    expect(refusals(eve)).toEqual([["OVERLOADED", 6]]);
    expect([eve.received, eve.committed]).toEqual([5, 0]);
    cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(1_000);
    expect(eve.committed).toBe(5);
    offer(6, increment(6, 1));
    cluster.pass(500);
    expect(eve.committed).toBe(6);
    expect(m1.json("boards/a")).toEqual({ votes: 6 });
  });
});

describe("handoverChangesMax", () => {
  test("a larger hand-over is refused whole, a smaller one is taken", () => {
    const { cluster, m1, eve } = build({ handoverChangesMax: 3 });
    const handOver = (count: number) =>
      eve.send({
        kind: "handover",
        floor: new Map(),
        batches: [
          {
            changes: Array.from({ length: count }, (_, i) => increment(i + 1, 1)),
            seal: new Uint8Array(0),
          },
        ],
        last: true,
      });
    handOver(4);
    cluster.pass(300);
    expect(refusals(eve)).toEqual([["LIMIT_EXCEEDED", "handover"]]);
    expect(m1.json("boards/a")).toBeUndefined();
    handOver(3);
    cluster.pass(300);
    expect(eve.messages.filter(({ kind }) => kind === "handed").length).toBe(1);
    expect(m1.json("boards/a")).toEqual({ votes: 3 });
  });
});

describe("waitingConcernsMax", () => {
  test("one question more is refused; one that is taken back makes room", () => {
    const { cluster, m1, eve } = build({ waitingConcernsMax: 2 });
    const ask = (number: number) =>
      eve.send({ kind: "ask", number, vector: new Map([[1, 1]]), quorum: "ANY 1 (f1)" });
    for (const number of [1, 2, 3]) ask(number);
    cluster.pass(100);
    expect(refusals(eve)).toEqual([["OVERLOADED", 3]]);
    eve.send({ kind: "unask", number: 1 });
    ask(4);
    cluster.pass(100);
    expect(refusals(eve)).toEqual([["OVERLOADED", 3]]);
    // Callers over HTTP have a limit of their own.
    const answers: (string | undefined)[] = [];
    for (let i = 0; i < 3; i++) {
      m1.engine.whenHeld(new Map([[1, 1]]), { kind: "any", needed: 1, names: ["f1"] }, 300, (failed) => {
        answers.push(failed?.code);
      });
    }
    expect(answers).toEqual(["OVERLOADED"]);
    cluster.pass(400);
    expect(answers).toEqual(["OVERLOADED", "QUORUM_WAIT_TIMEOUT", "QUORUM_WAIT_TIMEOUT"]);
  });
});

describe("idleCutMs", () => {
  test("a quiet client is told that what it has seen is safe, not later than that", () => {
    const cluster = world(2, { limits: { idleCutMs: 2_000 } });
    const m1 = cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    cluster.pass(3_000);
    const eve = new RawClient(cluster, "eve", "m1");
    cluster.pass(100);
    const document = { collection: "boards", key: "a" };
    eve.send({ kind: "open", number: 1, document, since: new Map() });
    cluster.pass(100);
    cluster.network.cut("m1", "m2");
    m1.write("boards/a", (b) => b.counter("votes").increment());
    cluster.pass(3_000);
    const own = Number(m1.engine.status().streams.find(({ node }) => node === "m1")?.stream);
    const safe = () =>
      Math.max(0, ...eve.messages.flatMap((m) => (m.kind === "cut" ? [m.safe.get(own) ?? 0] : [])));
    const before = safe();
    cluster.network.healAll();
    cluster.passUntil("m2 has it", () => cluster.nodes.get("m2")?.json("boards/a") !== undefined);
    cluster.pass(LIMITS.redialMsMin + 2_000);
    expect(safe()).toBeGreaterThan(before);
  });
});
