import { ByteWriter, writeValue } from "@syncline/core";
import type { Channel } from "@syncline/engine";
import { LIMITS, type Limits, type Presence, type Present } from "@syncline/protocol";
import { type Cluster, SeededRandom, VirtualTime } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { PresenceBoard } from "../../packages/engine/src/node/presence.js";
import { database, thrown } from "../client/databases.js";
import { RawClient } from "../scenarios/rawclient.js";
import { world } from "../scenarios/world.js";

/** Who is at a document: seen by all, gone with whoever vanishes, never on a disk, and bounded in everything. */
function person(cluster: Cluster, name: string, nodes: readonly string[], key = "roadmap") {
  const { db, sim, reported } = database(cluster, name, nodes);
  const board = db.open("boards", key);
  return { name, db, sim, board, reported, sees: () => names(board.presence.others) };
}

const names = (others: readonly { state: unknown }[]): unknown[] =>
  others.map(({ state }) => (state as { name?: unknown }).name ?? state).sort();

/** Two masters, and a follower of the second one. */
function threeNodes(seed: number, limits: Partial<Limits> = {}) {
  const cluster = world(seed, { limits });
  cluster.master("m1", { follow: ["m2"] });
  cluster.master("m2", { follow: ["m1"] });
  cluster.follower("f1", { follow: ["m2"] });
  cluster.pass(2_000);
  const people = [
    person(cluster, "ann", ["m1"]),
    person(cluster, "bob", ["m2"]),
    person(cluster, "cy", ["f1"]),
  ];
  cluster.pass(1_000);
  return { cluster, people, ann: people[0]!, bob: people[1]!, cy: people[2]! };
}

test("everybody at a document sees everybody else there, across masters and a follower", () => {
  const { cluster, people, ann, bob } = threeNodes(1);
  const elsewhere = person(cluster, "dora", ["m1"], "other");
  for (const { name, board } of people) board.presence.set({ name });
  elsewhere.board.presence.set({ name: "dora" });
  expect(ann.board.presence.mine).toEqual({ name: "ann" });
  cluster.pass(1_000);
  expect(people.map(({ sees }) => sees())).toEqual([
    ["bob", "cy"],
    ["ann", "cy"],
    ["ann", "bob"],
  ]);
  expect(elsewhere.sees()).toEqual([]);
  // The same list until something changes, and word of it when it does.
  const { others } = bob.board.presence;
  expect(bob.board.presence.others).toBe(others);
  let told = 0;
  bob.board.presence.subscribe(() => told++);
  ann.board.presence.set({ name: "ann", cursor: 7 });
  cluster.pass(500);
  expect(told).toBe(1);
  expect(bob.board.presence.others).toContainEqual({
    id: expect.any(String),
    state: { name: "ann", cursor: 7 },
  });
  // Nothing of it is in any document or on any disk.
  for (const node of cluster.nodes.values()) expect(node.document("boards/roadmap")).toBe(undefined);
});

test("who comes later sees who is there; who clears, closes or ends is gone at once", () => {
  const { cluster, ann, bob, cy } = threeNodes(2);
  ann.board.presence.set({ name: "ann" });
  bob.board.presence.set({ name: "bob" });
  cy.board.presence.set({ name: "cy" });
  cluster.pass(1_000);
  const late = person(cluster, "eve", ["f1"]);
  cluster.pass(1_000);
  expect(late.sees()).toEqual(["ann", "bob", "cy"]);
  ann.board.presence.clear();
  cluster.pass(500);
  expect(late.sees()).toEqual(["bob", "cy"]);
  bob.board.close();
  cluster.pass(500);
  expect(late.sees()).toEqual(["cy"]);
  cy.db.close();
  cluster.pass(500);
  expect(late.sees()).toEqual([]);
  expect(thrown(() => bob.board.presence.set({ name: "bob" }))).toMatchObject({ code: "CLOSED" });
});

test("a client that dies without a word is gone within seconds", () => {
  const { cluster, ann, bob, cy } = threeNodes(3);
  for (const each of [ann, bob, cy]) each.board.presence.set({ name: each.name });
  cluster.pass(1_000);
  ann.sim.kill();
  cluster.pass(1_000);
  expect(cy.sees()).toEqual(["bob"]);
  // Without even an end of the connection, as when a machine is switched off: when the silence is noticed.
  cluster.network.blackHole("bob", "m2");
  cluster.pass(LIMITS.silenceMsMax + LIMITS.heartbeatMs + 1_000);
  expect(cy.sees()).toEqual([]);
  expect(bob.sees()).toEqual([]);
});

test("somebody whose connection breaks comes back, to the same node or another one, once", () => {
  const cluster = world(4);
  cluster.master("m1", { follow: ["m2"] });
  cluster.master("m2", { follow: ["m1"] });
  cluster.pass(2_000);
  const ann = person(cluster, "ann", ["m1", "m2"]);
  const bob = person(cluster, "bob", ["m2"]);
  cluster.pass(1_000);
  ann.board.presence.set({ name: "ann" });
  cluster.pass(1_000);
  cluster.network.cut("ann", "m1");
  cluster.pass(3_000);
  expect(bob.sees()).toEqual(["ann"]);
  cluster.network.healAll();
  cluster.network.cut("ann", "m2");
  cluster.pass(500);
  cluster.network.healAll();
  cluster.pass(3_000);
  expect(bob.sees()).toEqual(["ann"]);
  // And stays as long as it is there, however long it says nothing.
  cluster.pass(LIMITS.presenceTtlMs * 3);
  expect(bob.sees()).toEqual(["ann"]);
});

test("a node that dies, or a link that is cut, takes its people with it after presenceGraceMs; they come back with it", () => {
  const { cluster, ann, bob, cy } = threeNodes(5);
  for (const each of [ann, bob, cy]) each.board.presence.set({ name: each.name });
  cluster.pass(1_000);
  cluster.network.cut("m1", "m2");
  cluster.pass(LIMITS.presenceGraceMs + 1_000);
  expect(ann.sees()).toEqual([]);
  // Who is behind another node hears of it from there.
  cluster.pass(LIMITS.presenceGraceMs + 1_000);
  expect(cy.sees()).toEqual(["bob"]);
  cluster.network.healAll();
  cluster.pass(15_000);
  expect(ann.sees()).toEqual(["bob", "cy"]);
  expect(cy.sees()).toEqual(["ann", "bob"]);
  cluster.nodes.get("m1")!.kill();
  cluster.pass(2 * LIMITS.presenceGraceMs + 2_000);
  expect(cy.sees()).toEqual(["bob"]);
});

test("a link that is cut hurts nobody who is heard another way", () => {
  const cluster = world(6);
  for (const name of ["m1", "m2", "m3"]) {
    cluster.master(name, { follow: ["m1", "m2", "m3"].filter((other) => other !== name) });
  }
  cluster.pass(2_000);
  const ann = person(cluster, "ann", ["m1"]);
  const bob = person(cluster, "bob", ["m2"]);
  cluster.pass(1_000);
  ann.board.presence.set({ name: "ann" });
  cluster.pass(1_000);
  const seen = new Set<string>();
  bob.board.presence.subscribe(() => seen.add(JSON.stringify(bob.sees())));
  cluster.network.cut("m1", "m2");
  cluster.pass(60_000);
  expect(bob.sees()).toEqual(["ann"]);
  expect([...seen]).toEqual([]);
});

describe("limits", () => {
  test("presenceBytesMax: a larger state is refused where it is made", () => {
    const { ann } = threeNodes(7);
    const error = thrown(() => ann.board.presence.set({ name: "x".repeat(LIMITS.presenceBytesMax) }));
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(thrown(() => ann.board.presence.set({ f: (() => {}) as never }))).toMatchObject({
      code: "INVALID_VALUE",
    });
    expect(ann.board.presence.mine).toBe(undefined);
  });

  test("presencePerSecondMax: what comes faster is put together, by the client and by the node; the last word arrives", () => {
    const { cluster, ann, bob } = threeNodes(8, { presencePerSecondMax: 10 });
    let sent = 0;
    cluster.network.tap = (from, to) => {
      if (from === "ann" && to === "m1") sent += 1;
    };
    let told = 0;
    bob.board.presence.subscribe(() => told++);
    for (let i = 0; i <= 400; i++) {
      ann.board.presence.set({ name: "ann", at: i });
      cluster.pass(5);
    }
    cluster.pass(1_000);
    expect(bob.board.presence.others.map(({ state }) => state)).toEqual([{ name: "ann", at: 400 }]);
    expect(sent).toBeLessThan(40);
    expect(told).toBeLessThan(40);

    // Somebody who does not keep to it.
    const raw = new RawClient(cluster, "raw", "m1");
    const document = { collection: "boards", key: "roadmap" };
    cluster.pass(100);
    raw.send({ kind: "open", number: 1, document, since: new Map() });
    cluster.pass(100);
    told = 0;
    for (let clock = 1; clock <= 1_000; clock++)
      raw.send({ kind: "presence", present: [shown(document, clock)] });
    cluster.pass(2_000);
    expect(told).toBeLessThan(20);
    expect(names(bob.board.presence.others)).toEqual([1_000, "ann"]);
  });

  test("presenceFlushMs: what many say at once is told at once", () => {
    const cluster = world(9, { limits: { presenceFlushMs: 500 } });
    cluster.master("m1");
    const people = Array.from({ length: 20 }, (_, i) => person(cluster, `p${i}`, ["m1"]));
    cluster.pass(1_000);
    let told = 0;
    people[0]!.board.presence.subscribe(() => told++);
    for (const { name, board } of people.slice(1)) board.presence.set({ name });
    cluster.pass(2_000);
    expect(people[0]!.sees()).toHaveLength(19);
    expect(told).toBe(1);
  });

  test("presencePerLinkMax: at more documents nobody shows himself on one link", () => {
    const cluster = world(10, { limits: { presencePerLinkMax: 2 } });
    cluster.master("m1");
    cluster.pass(100);
    const raw = new RawClient(cluster, "raw", "m1");
    cluster.pass(100);
    for (const number of [1, 2, 3]) {
      const document = { collection: "boards", key: `b${number}` };
      raw.send({ kind: "open", number, document, since: new Map() });
      raw.send({ kind: "presence", present: [shown(document, number)] });
    }
    cluster.pass(500);
    expect(raw.refusals).toMatchObject([{ code: "LIMIT_EXCEEDED", about: { what: "link" } }]);
  });

  test("presenceEntriesMax: who comes beyond it is not shown; documents work as always", () => {
    const cluster = world(11, { limits: { presenceEntriesMax: 3 } });
    cluster.master("m1");
    const people = Array.from({ length: 5 }, (_, i) => person(cluster, `p${i}`, ["m1"]));
    cluster.pass(1_000);
    for (const { name, board } of people) {
      board.presence.set({ name });
      cluster.pass(100);
    }
    expect(people[4]!.sees()).toEqual(["p0", "p1", "p2"]);
    people[4]!.board.transact((b) => b.counter("votes").increment());
    cluster.settle();
    expect(people[3]!.board.counter("votes").value).toBe(1);
  });

  test("presenceTtlMs, presenceBeatMs: a node whose people are not confirmed any more forgets them", () => {
    const cluster = world(12, { limits: { presenceBeatMs: 100_000, presenceTtlMs: 4_000 } });
    cluster.master("m1", { follow: ["m2"] });
    cluster.master("m2", { follow: ["m1"] });
    cluster.pass(2_000);
    const [ann, bob] = [person(cluster, "ann", ["m1"]), person(cluster, "bob", ["m2"])];
    cluster.pass(1_000);
    ann.board.presence.set({ name: "ann" });
    cluster.pass(1_000);
    expect(bob.sees()).toEqual(["ann"]);
    cluster.pass(4_000);
    expect(bob.sees()).toEqual([]);
  });
});

test("no word holds longer because it is passed on: two nodes cannot keep somebody alive between them", () => {
  const time = new VirtualTime();
  const clock = { now: () => time.now, monotonic: () => time.now };
  const board = new PresenceBoard(clock, time, LIMITS);
  const document = { collection: "boards", key: "roadmap" };
  const neighbour = { send() {} } as unknown as Channel;
  board.attach(neighbour);
  const word = { ...shown(document, 1), id: 7, leftMs: 1_000 };
  board.receive(neighbour, { kind: "presence", present: [word] });
  expect(board.at(document)).toHaveLength(1);
  time.pass(900);
  // The same word again, from somebody who had it before.
  board.receive(neighbour, { kind: "presence", present: [{ ...word, leftMs: LIMITS.presenceTtlMs }] });
  board.look();
  expect(board.at(document)).toHaveLength(1);
  time.pass(200);
  board.look();
  expect(board.at(document)).toEqual([]);
});

test("a node that stood still and has forgotten somebody is told of him again by whoever says that he is still there", () => {
  const time = new VirtualTime();
  const clock = { now: () => time.now, monotonic: () => time.now };
  const document = { collection: "boards", key: "roadmap" };
  const [mine, theirs] = [new PresenceBoard(clock, time, LIMITS), new PresenceBoard(clock, time, LIMITS)];
  // What is sent lies there until it is read: a node that stands still reads nothing.
  const toMe: Presence[] = [];
  const toThem: Presence[] = [];
  const me = { send: (message: Presence) => toMe.push(message) } as unknown as Channel;
  const them = { send: (message: Presence) => toThem.push(message) } as unknown as Channel;
  mine.attach(them);
  theirs.attach(me);
  const read = (): void => {
    for (const message of toMe.splice(0)) mine.receive(them, message);
    for (const message of toThem.splice(0)) theirs.receive(me, message);
  };
  theirs.show(document, 7, 1, new Uint8Array([1]));
  time.pass(LIMITS.presenceFlushMs);
  read();
  expect(mine.at(document)).toHaveLength(1);
  for (let ms = 0; ms <= LIMITS.presenceTtlMs; ms += LIMITS.presenceBeatMs) {
    time.pass(LIMITS.presenceBeatMs);
    theirs.look();
  }
  mine.look();
  expect(mine.at(document)).toEqual([]);
  read();
  read();
  expect(mine.at(document)).toHaveLength(1);
  // And whoever has gone meanwhile stays so: nothing but a later word brings anybody back.
  theirs.leave(document, 7, 1);
  time.pass(LIMITS.presenceFlushMs);
  read();
  theirs.receive(me, { kind: "presence", present: [{ ...shown(document, 1), id: 7, state: "still" }] });
  read();
  expect(mine.at(document)).toEqual([]);
  expect(theirs.at(document)).toEqual([]);
});

test("who is back at his node over another link stays when the node notices that the former link has ended", () => {
  const { cluster, ann, bob } = threeNodes(15);
  ann.board.presence.set({ name: "ann" });
  cluster.pass(1_000);
  const other = new RawClient(cluster, "raw", "m2");
  const again = new RawClient(cluster, "raw", "m2");
  cluster.pass(100);
  const document = { collection: "boards", key: "roadmap" };
  for (const [link, clock] of [
    [other, 1],
    [again, 2],
  ] as const) {
    link.send({ kind: "open", number: 1, document, since: new Map() });
    link.send({ kind: "presence", present: [shown(document, clock)] });
    cluster.pass(500);
  }
  other.sendFrame(new Uint8Array([255])); // Nothing that the node can read: it ends this link.
  cluster.pass(1_000);
  expect(names(bob.board.presence.others)).toEqual([2, "ann"]);
  again.sendFrame(new Uint8Array([255]));
  cluster.pass(1_000);
  expect(names(bob.board.presence.others)).toEqual(["ann"]);
});

test("a client names nobody but itself", () => {
  const { cluster, ann, bob } = threeNodes(13);
  ann.board.presence.set({ name: "ann" });
  cluster.pass(1_000);
  const id = bob.board.presence.others[0]?.id;
  const document = { collection: "boards", key: "roadmap" };
  const raw = new RawClient(cluster, "raw", "m2");
  cluster.pass(100);
  raw.send({ kind: "open", number: 1, document, since: new Map() });
  raw.send({ kind: "presence", present: [{ ...shown(document, 10 ** 9), id: Number(id) }] });
  cluster.pass(1_000);
  expect(names(bob.board.presence.others)).toEqual([10 ** 9, "ann"]);
  expect(raw.messages.filter(({ kind }) => kind === "presence").length).toBeGreaterThan(0);
});

test("what others show that is no value is not shown", () => {
  const { cluster, bob } = threeNodes(14);
  const document = { collection: "boards", key: "roadmap" };
  const raw = new RawClient(cluster, "raw", "m2");
  cluster.pass(100);
  raw.send({ kind: "open", number: 1, document, since: new Map() });
  raw.send({ kind: "presence", present: [{ ...shown(document, 1), state: new Uint8Array([255, 1, 2]) }] });
  cluster.pass(1_000);
  expect(bob.board.presence.others).toEqual([]);
  expect(bob.reported).toEqual([]);
});

test("whatever happens to links, nodes and clients: soon after it is over everybody sees the living, and nobody else", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new SeededRandom(seed);
    const cluster = world(seed);
    const nodes = ["m1", "m2", "m3"];
    for (const name of nodes) cluster.master(name, { follow: nodes.filter((other) => other !== name) });
    cluster.follower("f1", { follow: ["m1"] });
    cluster.pass(2_000);
    const everywhere = [...nodes, "f1"];
    const people = new Map<string, ReturnType<typeof person>>();
    const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
    let born = 0;
    for (let step = 0; step < 40; step++) {
      const what = random.integer(10);
      if (what < 3 || people.size === 0) {
        const name = `p${born++}`;
        const first = random.integer(4);
        people.set(name, person(cluster, name, [...everywhere.slice(first), ...everywhere.slice(0, first)]));
        people.get(name)!.board.presence.set({ name });
      } else if (what < 4) {
        const name = pick([...people.keys()]);
        people.get(name)!.sim.kill();
        people.delete(name);
      } else if (what < 6) pick([...people.values()]).board.presence.set({ name: `still ${step}` });
      else if (what < 8) cluster.network.cut(pick(everywhere), pick([...everywhere, ...people.keys()]));
      else if (what < 9) cluster.network.healAll();
      else {
        const node = cluster.nodes.get(pick(nodes))!;
        node.kill();
        cluster.pass(random.integer(3_000));
        node.restart();
      }
      cluster.pass(random.integer(4_000));
    }
    cluster.network.healAll();
    cluster.pass(LIMITS.presenceTtlMs + LIMITS.redialMsMax + LIMITS.silenceMsMax);
    for (const each of people.values()) {
      const expected = [...people.values()].filter((other) => other !== each);
      expect(each.sees(), `seed ${seed}, ${each.name}`).toEqual(
        names(expected.map(({ board }) => ({ state: board.presence.mine }))),
      );
    }
  }
});

function shown(document: Present["document"], clock: number): Present {
  const out = new ByteWriter();
  writeValue(out, clock);
  return { document, id: 0, clock, beat: 0, leftMs: 0, state: out.finish() };
}
