import { type Access, openAccess } from "@syncline/engine";
import type { Limits } from "@syncline/protocol";
import { type Cluster, SeededRandom, type SimClient, type SimNode, SimSlots } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";

/** What a client keeps over its end, and what becomes of what it did not get sent (decision 0010). */
const BOARD = "boards/roadmap";

/** A browser: tabs that share a store. */
class Browser {
  readonly slots: SimSlots;
  private count = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly nodes: readonly string[],
    seed = 1,
  ) {
    this.slots = new SimSlots(new SeededRandom(seed));
  }

  tab(limits: Partial<Limits> = {}): SimClient {
    return this.cluster.client(`tab${++this.count}`, this.nodes, limits, this.slots);
  }
}

const kept = (cluster: Cluster) => cluster.pass(50);

/** A tab that has the document, and a change that it could not send: its master is gone. */
function withUnsent(cluster: Cluster, browser: Browser, master: SimNode): SimClient {
  const tab = browser.tab();
  tab.open(BOARD);
  cluster.settle();
  master.kill();
  cluster.pass(1_000);
  tab.write(BOARD, (d) => d.set("tags").add("first"));
  kept(cluster);
  return tab;
}

function own(browser: Browser): number {
  return browser.slots.names().reduce((sum, slot) => sum + browser.slots.entries(slot, ["own/"]).length, 0);
}

test("a reload without a network shows the document, and what was not sent is sent once when the network is back", () => {
  const cluster = world(1);
  const master = cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const before = browser.tab();
  before.write(BOARD, (d) => d.counter("votes").increment(5));
  cluster.passUntil("all is safe", () => before.engine.unsafeChanges().length === 0);
  kept(cluster);
  master.kill();
  before.write(BOARD, (d) => d.counter("votes").increment(2));
  before.write(BOARD, (d) => d.set("tags").add("offline"));
  kept(cluster);
  before.kill();

  const after = browser.tab();
  const board = after.open(BOARD);
  kept(cluster);
  expect(board.loaded).toBe(true);
  expect(after.json(BOARD)).toEqual({ votes: 7, tags: ["offline"] });
  expect(after.engine.status()).toMatchObject({ pending: 2, keeping: "ready", keepingFault: undefined });
  // The new life goes on, under an author of its own.
  after.write(BOARD, (d) => d.counter("votes").increment());

  master.restart();
  cluster.settle();
  expect(master.json(BOARD)).toEqual({ votes: 8, tags: ["offline"] });
  cluster.passUntil("all is safe", () => own(browser) === 0);
});

test("a tab that died after it had offered a change has it counted once", () => {
  const cluster = world(2);
  const master = cluster.master("m1", { flushMs: 100 });
  const browser = new Browser(cluster, ["m1"]);
  const before = browser.tab();
  before.open(BOARD);
  cluster.settle();
  before.write(BOARD, (d) => d.counter("votes").increment());
  cluster.passUntil("the master has taken it", () => master.json(BOARD) !== undefined && own(browser) === 1);
  before.kill();
  const after = browser.tab();
  after.open(BOARD);
  cluster.settle();
  expect(after.json(BOARD)).toEqual({ votes: 1 });
});

test("what a dead tab did not send another one sends, and the document need not be open there", () => {
  const cluster = world(3);
  const master = cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const [ann, bob] = [browser.tab(), browser.tab()];
  ann.open("boards/other");
  bob.open(BOARD);
  cluster.settle();
  expect(browser.slots.names()).toHaveLength(2);
  cluster.network.cut("m1", "tab2");
  bob.write(BOARD, (d) => d.counter("votes").increment());
  kept(cluster);
  bob.kill();
  cluster.pass(9_000);
  expect(master.json(BOARD)).toBeUndefined(); // It might have been a reload.
  cluster.passUntil("ann sends it", () => own(browser) === 0);
  expect(master.json(BOARD)).toEqual({ votes: 1 });
  cluster.settle();
});

test("a tab that reloads beside another one finds its own, and the other keeps out of it", () => {
  const cluster = world(4);
  const browser = new Browser(cluster, ["nobody"]);
  const [ann, bob] = [browser.tab(), browser.tab()];
  kept(cluster);
  ann.write(BOARD, (d) => d.set("tags").add("ann"));
  bob.write(BOARD, (d) => d.set("tags").add("bob"));
  kept(cluster);
  for (let lives = 0; lives < 3; lives++) {
    bob.kill();
    // Long enough for one look of the other, at which it might have been gone for good.
    cluster.pass(9_900);
    const again = browser.tab();
    cluster.pass(25_000);
    expect(again.json(BOARD)).toEqual({ tags: ["bob"] });
    again.kill();
  }
  expect(ann.json(BOARD)).toEqual({ tags: ["ann"] });
  expect(browser.slots.names()).toHaveLength(2);
});

test("a new tab without a network shows what another one has, but not what that has not sent", () => {
  const cluster = world(5);
  const master = cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const ann = browser.tab();
  ann.write(BOARD, (d) => d.counter("votes").increment(3));
  cluster.settle();
  master.kill();
  ann.write(BOARD, (d) => d.counter("votes").increment());
  kept(cluster);
  const bob = browser.tab();
  bob.open(BOARD);
  kept(cluster);
  expect(bob.json(BOARD)).toEqual({ votes: 3 });
  bob.write(BOARD, (d) => d.counter("votes").increment());
  master.restart();
  cluster.settle();
  expect(bob.json(BOARD)).toEqual({ votes: 5 });
});

test("what is kept of a document has nothing in it that was not sent, also while others write to it", () => {
  const cluster = world(17);
  cluster.master("m1");
  cluster.follower("f1", { follow: ["m1"] });
  const browser = new Browser(cluster, ["f1"]);
  const ann = browser.tab({ keptTailBytesMax: 100 });
  ann.open(BOARD);
  cluster.settle();
  cluster.network.cut("tab1", "m1");
  ann.write(BOARD, (d) => d.set("tags").add("ann"));
  const carl = cluster.client("carl", ["m1"]);
  for (let i = 0; i < 20; i++) {
    carl.write(BOARD, (d) => d.counter("votes").increment());
    cluster.pass(500);
  }
  expect(ann.json(BOARD)).toEqual({ tags: ["ann"], votes: 20 });
  cluster.network.cut("f1", "tab2");
  const bob = browser.tab();
  bob.open(BOARD);
  kept(cluster);
  expect(bob.json(BOARD)).toEqual({ votes: 20 });
  cluster.network.healAll();
  cluster.settle();
});

test("after a reload a refusal is no rejection if another master may have taken the change", () => {
  const cluster = world(18);
  let isStrict = false;
  const access: Access = { ...openAccess, authorize: (_, __, right) => right === "read" || !isStrict };
  const m1 = cluster.master("m1", { access, follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  const browser = new Browser(cluster, ["m1", "m2"]);
  const before = browser.tab();
  before.open(BOARD);
  cluster.settle();
  cluster.network.cut("m1", "m2");
  // m1 does not get it, and m2 does; neither can answer.
  cluster.network.blackHole("tab1", "m1");
  before.write(BOARD, (d) => d.counter("votes").increment());
  cluster.passUntil("m2 is turned to", () => before.engine.status().master === "m2");
  cluster.network.blackHoleOneWay("m2", "tab1");
  cluster.passUntil("m2 has it", () => m2.json(BOARD) !== undefined);
  kept(cluster);
  before.kill();
  m2.kill();
  isStrict = true;
  const after = browser.tab();
  after.open(BOARD);
  cluster.pass(20_000);
  expect(after.json(BOARD)).toEqual({ votes: 1 });
  expect(own(browser)).toBe(1);
  isStrict = false;
  cluster.network.healAll();
  m2.restart();
  cluster.settle();
  expect(m1.json(BOARD)).toEqual({ votes: 1 });
});

test("what only the browser has seen is handed over after a reload", () => {
  const cluster = world(6);
  const m1 = cluster.master("m1", { flushMs: 2_000 });
  cluster.master("m2");
  const browser = new Browser(cluster, ["m1", "m2"]);
  cluster.pass(10_000);
  const ann = cluster.client("ann", ["m1"]);
  const bob = browser.tab();
  bob.open(BOARD);
  cluster.passUntil("m1 is there", () => bob.engine.status().master === "m1");
  ann.write(BOARD, (d) => d.set("tags").add("seen"));
  cluster.passUntil("bob sees it", () => JSON.stringify(bob.json(BOARD)) === '{"tags":["seen"]}');
  kept(cluster);
  // m1 dies with its disk, and ann with it: only the browser knows.
  m1.kill();
  ann.kill();
  bob.kill();
  const again = browser.tab();
  again.open(BOARD);
  kept(cluster);
  expect(again.json(BOARD)).toEqual({ tags: ["seen"] });
  cluster.passUntil("m2 is told", () => cluster.nodes.get("m2")?.json(BOARD) !== undefined);
  cluster.settle();
  expect(again.json(BOARD)).toEqual({ tags: ["seen"] });
});

test("a change that is refused for good after a reload is taken back, and nothing of it sticks", () => {
  const cluster = world(7);
  let isStrict = false;
  const access: Access = { ...openAccess, authorize: (_, __, right) => right === "read" || !isStrict };
  const master = cluster.master("m1", { access });
  const browser = new Browser(cluster, ["m1"]);
  const before = browser.tab();
  before.write(BOARD, (d) => d.counter("votes").increment(4));
  cluster.settle();
  cluster.network.cut("m1", "tab1");
  before.write(BOARD, (d) => d.counter("votes").increment());
  kept(cluster);
  before.kill();
  isStrict = true;
  const after = browser.tab();
  after.open(BOARD);
  kept(cluster);
  cluster.passUntil("it is taken back", () => own(browser) === 0);
  cluster.pass(1000);
  expect(after.json(BOARD)).toEqual({ votes: 4 });
  isStrict = false;
  after.write(BOARD, (d) => d.counter("votes").increment());
  cluster.passUntil("what follows is taken", () => after.engine.status().pending === 0);
  expect(master.json(BOARD)).toEqual({ votes: 5 });
});

test("a long tail becomes a state", () => {
  const cluster = world(8);
  cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const tab = browser.tab({ keptTailBytesMax: 2_000 });
  const bytes = () =>
    browser.slots.entries("slot-1", ["tail/"]).reduce((sum, row) => sum + row.value.length, 0);
  let most = 0;
  for (let i = 0; i < 100; i++) {
    tab.write(BOARD, (d) => d.counter("votes").increment());
    cluster.pass(200);
    most = Math.max(most, bytes());
  }
  expect(most).toBeGreaterThan(1_000);
  expect(most).toBeLessThan(2_500);
  tab.kill();
  const again = browser.tab();
  again.open(BOARD);
  kept(cluster);
  expect(again.json(BOARD)).toEqual({ votes: 100 });
});

test("documents that were not opened for longest make room", () => {
  const cluster = world(14);
  cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const keptDocuments = () =>
    browser.slots.entries("slot-1", ["extent/"]).map(({ key }) => key.slice("extent/".length, -1));
  for (const key of ["a", "ab", "c"]) {
    const tab = browser.tab({ keptDocumentsMax: 2 });
    tab.open(`boards/${key}`);
    cluster.passUntil("it is kept", () => keptDocuments().includes(`boards/${key}`));
    tab.kill();
  }
  browser.tab({ keptDocumentsMax: 2 });
  kept(cluster);
  // Also the one whose name begins like that which went.
  expect(keptDocuments()).toEqual(["boards/ab", "boards/c"]);
  expect(browser.slots.entries("slot-1", ["state/"])).toHaveLength(2);
});

test("a tab beyond the last slot works from memory, and says so", () => {
  const cluster = world(15);
  const browser = new Browser(cluster, ["nobody"]);
  const [first, second] = [browser.tab({ slotsMax: 1 }), browser.tab({ slotsMax: 1 })];
  kept(cluster);
  expect(first.engine.status().keeping).toBe("ready");
  expect(second.engine.status()).toMatchObject({
    keeping: "failed",
    keepingFault: { code: "OFFLINE_UNAVAILABLE", reason: "all slots are taken" },
  });
});

test("a store that is not there, or does not answer, is called that, and the client works from memory", () => {
  for (const wrong of ["isUnavailable", "isStuck"] as const) {
    const cluster = world(9);
    cluster.master("m1");
    const browser = new Browser(cluster, ["m1"]);
    browser.slots[wrong] = true;
    const tab = browser.tab();
    tab.write(BOARD, (d) => d.counter("votes").increment());
    cluster.settle();
    expect(tab.engine.status()).toMatchObject({
      keeping: "failed",
      keepingFault: { code: "OFFLINE_UNAVAILABLE" },
    });
  }
});

test("a store that comes late is used, and what lay in it is sent", () => {
  const cluster = world(16);
  const master = cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const first = browser.tab();
  kept(cluster);
  cluster.network.cut("m1", "tab1");
  first.write(BOARD, (d) => d.set("tags").add("first"));
  kept(cluster);
  first.kill();
  browser.slots.isUnavailable = true;
  const second = browser.tab();
  second.write(BOARD, (d) => d.set("tags").add("second"));
  cluster.pass(5_000);
  expect(master.json(BOARD)).toEqual({ tags: ["second"] });
  browser.slots.isUnavailable = false;
  cluster.passUntil("it is sent", () => JSON.stringify(master.json(BOARD)) === '{"tags":["first","second"]}');
  cluster.settle();
  expect(second.engine.status()).toMatchObject({ keeping: "ready", keepingFault: undefined });
  cluster.passUntil("nothing is left to send", () => own(browser) === 0);
  second.kill();
  master.kill();
  const third = browser.tab();
  third.open(BOARD);
  kept(cluster);
  expect(third.json(BOARD)).toEqual({ tags: ["first", "second"] });
});

test("a store that fails and comes back, or was emptied meanwhile, has everything again", () => {
  const cluster = world(10);
  const browser = new Browser(cluster, ["nobody"]);
  const tab = browser.tab();
  kept(cluster);
  tab.write(BOARD, (d) => d.set("tags").add("first"));
  kept(cluster);
  browser.slots.isUnavailable = true;
  browser.slots.evict();
  tab.write(BOARD, (d) => d.set("tags").add("second"));
  kept(cluster);
  expect(tab.engine.status()).toMatchObject({ keeping: "failed" });
  browser.slots.isUnavailable = false;
  cluster.pass(11_000);
  expect(tab.engine.status()).toMatchObject({ keeping: "ready", keepingFault: undefined });
  tab.kill();
  const again = browser.tab();
  kept(cluster);
  expect(again.json(BOARD)).toEqual({ tags: ["first", "second"] });
});

test("what is thrown away under a tab is kept again, though nothing is done there meanwhile", () => {
  const cluster = world(21);
  const master = cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const tab = withUnsent(cluster, browser, master);
  expect(tab.engine.status()).toMatchObject({ pending: 1, keeping: "ready" });
  browser.slots.evict();
  kept(cluster);
  expect(own(browser)).toBe(0);
  expect(tab.engine.status()).toMatchObject({
    keeping: "failed",
    keepingFault: { code: "OFFLINE_UNAVAILABLE" },
  });
  cluster.pass(11_000);
  expect(tab.engine.status()).toMatchObject({ keeping: "ready", keepingFault: undefined });
  tab.kill();
  const again = browser.tab();
  again.open(BOARD);
  kept(cluster);
  expect(again.json(BOARD)).toEqual({ tags: ["first"] });
  master.restart();
  cluster.settle();
  expect(master.json(BOARD)).toEqual({ tags: ["first"] });
});

test("what is thrown away while a commit is under way is kept again, though the commit is said to be done", () => {
  const cluster = world(22);
  const master = cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const held: (() => void)[] = [];
  let isHeld = false;
  const of = browser.slots.of.bind(browser.slots);
  browser.slots.of = (process) => {
    const store = of(process);
    const { commit } = store;
    store.commit = (writes, done) =>
      commit(writes, (outcome) => (isHeld ? held.push(() => done(outcome)) : done(outcome)));
    return store;
  };
  const tab = withUnsent(cluster, browser, master);
  // A running transaction is let come to its end before the database goes, and the page hears of the deletion first.
  isHeld = true;
  tab.write(BOARD, (d) => d.set("tags").add("second"));
  kept(cluster);
  expect(held).toHaveLength(1);
  browser.slots.tellLost();
  kept(cluster);
  isHeld = false;
  held[0]?.();
  browser.slots.wipe();
  cluster.pass(15_000);
  expect(tab.engine.status()).toMatchObject({ keeping: "ready", keepingFault: undefined });
  expect(own(browser)).toBe(2);
});

test("who has no slot when the database is thrown away goes on trying to get one", () => {
  const cluster = world(23);
  cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  browser.slots.isUnavailable = true;
  const tab = browser.tab();
  cluster.pass(1_000);
  expect(tab.engine.status()).toMatchObject({ keeping: "failed" });
  browser.slots.tellLost();
  kept(cluster);
  browser.slots.isUnavailable = false;
  cluster.pass(120_000);
  expect(tab.engine.status()).toMatchObject({ keeping: "ready" });
});

test("a full store is called that, documents make room for own changes, and nothing is lost meanwhile", () => {
  const cluster = world(11);
  const master = cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const first = browser.tab();
  for (let i = 0; i < 10; i++) first.write(`boards/b${i}`, (d) => d.register("text").set("x".repeat(1_000)));
  cluster.settle();
  kept(cluster);
  first.kill();
  const tab = browser.tab();
  tab.open(BOARD);
  cluster.settle();
  kept(cluster);
  master.kill();
  browser.slots.bytesMax = 12_500;
  const seen: (string | undefined)[] = [];
  tab.engine.onStatus(() => seen.push(tab.engine.status().keepingFault?.code));
  tab.write(BOARD, (d) => d.register("text").set("y".repeat(3_000)));
  cluster.pass(12_000);
  expect(seen).toContain("OFFLINE_FULL");
  expect(tab.engine.status()).toMatchObject({ keeping: "ready", keepingFault: undefined });
  tab.kill();
  const again = browser.tab();
  expect(again.json(BOARD)).toEqual({});
  kept(cluster);
  // The document that was open has not made room.
  expect(again.open(BOARD).loaded).toBe(true);
  expect(again.json(BOARD)).toEqual({ text: "y".repeat(3_000) });
});

test("what rots in the store is noticed: the rest is used, documents come from servers", () => {
  const cluster = world(12);
  cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const first = browser.tab();
  first.write(BOARD, (d) => d.counter("votes").increment(3));
  cluster.passUntil("all is safe", () => first.engine.unsafeChanges().length === 0);
  cluster.network.cut("m1", "tab1");
  first.write("boards/a", (d) => d.set("tags").add("kept"));
  first.write("boards/b", (d) => d.set("tags").add("rotten"));
  kept(cluster);
  const [, rotten] = browser.slots.entries("slot-1", ["own/"]);
  browser.slots.flipBit("slot-1", rotten?.key ?? "");
  browser.slots.flipBit("slot-1", `state/${BOARD}\0`);
  for (const own of first.engine.unsafeChanges()) cluster.ledger.doubt(own.change);
  first.kill();
  const again = browser.tab();
  cluster.passUntil("the document comes from the server", () => again.open(BOARD).loaded);
  expect(again.json(BOARD)).toEqual({ votes: 3 });
  expect(again.engine.status().keepingFault?.code).toBe("OFFLINE_DAMAGED");
  cluster.passUntil("the other change is sent", () => own(browser) === 0);
  expect(cluster.nodes.get("m1")?.json("boards/a")).toEqual({ tags: ["kept"] });
});

test("a session that cannot be read costs the documents, not the changes", () => {
  const cluster = world(13);
  cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  const first = browser.tab();
  first.write(BOARD, (d) => d.counter("votes").increment(3));
  cluster.settle();
  cluster.network.cut("m1", "tab1");
  first.write(BOARD, (d) => d.counter("votes").increment());
  kept(cluster);
  browser.slots.flipBit("slot-1", "session");
  first.kill();
  const again = browser.tab();
  again.open(BOARD);
  cluster.settle();
  expect(again.json(BOARD)).toEqual({ votes: 4 });
});

test("slotWaitMs: so long a client waits for the store, then it connects without it", () => {
  const cluster = world(12);
  cluster.master("m1");
  const browser = new Browser(cluster, ["m1"]);
  browser.slots.isStuck = true;
  const tab = browser.tab({ slotWaitMs: 1_200 });
  cluster.pass(1_150);
  expect(tab.engine.status()).toMatchObject({ connection: "connecting", keeping: "opening" });
  cluster.pass(300);
  expect(tab.engine.status()).toMatchObject({ connection: "connected", keeping: "failed" });
});
