import { type Access, type Link, type LinkHandler, openAccess, SyncClient } from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import { SeededRandom, VirtualTime } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { RawPeer } from "./rawpeer.js";

/** What the client side of the engine tells the app, and what it leaves behind. */
const BOARD = "boards/roadmap";

test("a refusal of one provider is forgotten when another one is asked", () => {
  const cluster = world(1);
  const strict: Access = { ...openAccess, authorize: () => false };
  cluster.master("m1", { follow: ["m2"], access: strict });
  cluster.master("m2", { follow: ["m1"] });
  const ann = cluster.client("ann", ["m1", "m2"]);
  const board = ann.open(BOARD);
  cluster.passUntil("m1 refuses", () => board.refused !== undefined);
  expect(board.refused?.code).toBe("FORBIDDEN");
  cluster.nodes.get("m1")?.kill();
  cluster.passUntil("m2 provides", () => board.loaded);
  expect(board.refused).toBeUndefined();
});

test("a document that comes back unchanged with a new link is no change", () => {
  const cluster = world(2);
  cluster.master("m1");
  const ann = cluster.client("ann", ["m1"]);
  const board = ann.open(BOARD);
  let told = 0;
  board.onChange(() => {
    told += 1;
  });
  cluster.passUntil("it is loaded", () => board.loaded);
  expect(told).toBe(1); // An empty document is told from one that is not there yet.
  cluster.network.cut("ann", "m1");
  cluster.passUntil("the link is lost", () => ann.engine.status().connection !== "connected");
  cluster.network.heal("ann", "m1");
  cluster.passUntil("it is back", () => board.covered);
  expect(told).toBe(1);
});

test("what arrives while a document is had anew, and is not shown when the link ends, comes again (I10)", () => {
  const cluster = world(7);
  let isStrict = false;
  const access: Access = { ...openAccess, authorize: (_, __, right) => right === "read" || !isStrict };
  cluster.master("m1", { access });
  const bob = cluster.client("bob", ["m1"]);
  // Between the two, somebody who keeps back that ann wants a document anew.
  let keepsBack = false;
  const fronts = RawPeer.listen(cluster.network, "middle", (front) => {
    const back = RawPeer.dial(cluster.network, "middle", "m1");
    front.onMessage = (message) => {
      if (!keepsBack || message.kind !== "open") back.send(message);
    };
    back.onMessage = (message) => front.send(message);
  });
  const ann = cluster.client("ann", ["middle"]);
  const [a, b] = [ann.open("boards/a"), ann.open("boards/b")];
  cluster.passUntil("both are there", () => a.loaded && b.loaded);
  keepsBack = isStrict = true;
  const refused = ann.write("boards/a", (draft) => draft.counter("votes").increment());
  cluster.passUntil("it is refused", () => refused.rejected !== undefined);
  isStrict = false;
  bob.write("boards/b", (draft) => draft.counter("votes").increment());
  cluster.pass(1_000);
  expect(ann.json("boards/b")).toEqual({});
  keepsBack = false;
  fronts.at(-1)?.close();
  cluster.passUntil(
    "it is there",
    () => a.rebuilding === undefined && ann.engine.status().connection === "connected",
  );
  cluster.settle();
  expect(ann.json("boards/b")).toEqual({ votes: 1 });
});

test("a server that cannot be reached is called that", () => {
  const cluster = world(3);
  const ann = cluster.client("ann", ["nobody"]);
  cluster.passUntil("it has tried", () => ann.engine.status().lastFault !== undefined);
  expect(ann.engine.status().lastFault).toEqual({
    code: "UNREACHABLE",
    reason: "sim://nobody: connection refused",
  });
});

test("the refusal of a master is forgotten when it takes the client in", () => {
  const cluster = world(6);
  let isStrict = true;
  const strictAtFirst: Access = {
    authenticate: (_, answer) =>
      answer(isStrict ? { code: "UNAUTHORIZED", reason: "not yet" } : { name: "anybody" }),
    authorize: () => true,
  };
  cluster.master("m1", { access: strictAtFirst });
  cluster.follower("f1", { follow: ["m1"] });
  const ann = cluster.client("ann", ["f1"]);
  cluster.passUntil("m1 refuses", () => ann.engine.status().lastFault?.code === "UNAUTHORIZED");
  isStrict = false;
  cluster.passUntil("m1 takes it in", () => ann.engine.status().writable);
  expect(ann.engine.status().lastFault).toBeUndefined();
});

test("the end of a client is no fault", () => {
  const cluster = world(4);
  cluster.master("m1");
  const ann = cluster.client("ann", ["m1"]);
  cluster.passUntil("it is connected", () => ann.engine.status().connection === "connected");
  ann.engine.stop();
  expect(ann.engine.status()).toMatchObject({ connection: "disconnected", lastFault: undefined });
});

test("a client that is stopped in the middle of a greeting ends its link", () => {
  const time = new VirtualTime();
  const ended: string[] = [];
  const link: Link = {
    send() {},
    queuedBytes: () => 0,
    close: (reason) => ended.push(reason),
    terminate: (reason) => ended.push(reason),
  };
  let opened: ((link: Link) => LinkHandler) | undefined;
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const client = new SyncClient(
    { urls: ["sim://m1"], cluster: "", name: "ann", limits: LIMITS },
    {
      clock: { now: () => time.now, monotonic: () => time.now },
      scheduler: time,
      random: new SeededRandom(5),
      dialer: {
        dial: (_, on) => {
          opened = on.opened;
          return () => {};
        },
      },
      log: silent,
      token: () => "",
    },
  );
  client.start();
  opened?.(link);
  client.stop();
  expect(ended).toEqual(["the client was closed"]);
});
