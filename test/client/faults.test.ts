/**
 * What goes wrong around a client, one by one: each is a state or an error that a UI can show, nothing of it comes out
 * of a read or of `transact`, and what was changed meanwhile is there in the end, once.
 */
import {
  connect,
  counter,
  type Database,
  defineSchema,
  register,
  type SynclineError,
  set,
} from "@syncline/client";
import { openAccess } from "@syncline/engine";
import { encodeMessage } from "@syncline/protocol";
import type { Cluster } from "@syncline/simulation";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { helloOf } from "../engine/rawpeer.js";
import { world } from "../scenarios/world.js";
import { database, thrown } from "./databases.js";
import { startMaster } from "./servers.js";

const fields = { title: register<string>(), votes: counter(), tags: set<string>() };
const schema = defineSchema({ boards: fields });
const HOUR_MS = 3_600_000;

/** A client with an open board on one master. */
function build(seed: number) {
  const cluster = world(seed);
  const m1 = cluster.master("m1");
  const { db, sim } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  const vote = () => board.transact((b) => b.votes.increment());
  cluster.pass(1_000);
  return { cluster, m1, db, sim, board, vote };
}

/** All that a component reads while it renders. */
function render(db: Database<{ boards: typeof fields }>): void {
  const board = db.open("boards", "roadmap");
  void [db.status, board.toJSON(), board.votes.value, board.title.value, board.tags.values, board.saveState];
  board.close();
}

async function settled(cluster: Cluster): Promise<void> {
  cluster.settle();
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

describe("the server", () => {
  test("is gone for an hour: it says so, all goes on, and everything is sent once when it is back", async () => {
    const { cluster, m1, db, board, vote } = build(1);
    vote();
    cluster.pass(1_000);
    m1.kill();
    cluster.pass(10_000);
    expect(db.status).toMatchObject({ connection: "connecting", writable: false });
    expect(db.status.error).toMatchObject({
      code: "UNREACHABLE",
    });
    for (let minute = 0; minute < 60; minute++) {
      vote();
      render(db);
      cluster.pass(HOUR_MS / 60);
    }
    expect(board.saveState).toBe("offline");
    expect(db.status.pending).toBe(60);
    m1.restart();
    await settled(cluster);
    expect(db.status).toMatchObject({ connection: "connected", error: undefined, pending: 0 });
    expect(board.saveState).toBe("saved");
    expect(m1.json("boards/roadmap")).toEqual({ votes: 61 });
  });

  test("is tried again within a minute however long it was gone", () => {
    const { cluster, m1, db } = build(2);
    m1.kill();
    cluster.pass(24 * HOUR_MS);
    m1.restart();
    cluster.pass(60_000);
    expect(db.status.connection).toBe("connected");
  });

  test("refuses the document: `ready` says why, what is shown stays, other documents go on", async () => {
    const cluster = world(4);
    const access = { ...openAccess, authorize: (_: unknown, { key }: { key: string }) => key !== "secret" };
    cluster.master("m1", { access });
    const { db } = database(cluster, "ann", ["m1"], schema);
    const [secret, open] = [db.open("boards", "secret"), db.open("boards", "open")];
    secret.transact((b) => b.votes.increment());
    open.transact((b) => b.votes.increment());
    cluster.pass(5_000);
    await expect(secret.ready).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect([secret.saveState, open.saveState]).toEqual(["rejected", "saved"]);
    expect(secret.toJSON()).toEqual({});
  });
});

describe("this machine", () => {
  test("sleeps for a day, with the lid closed: it wakes up, connects anew, and sends what was not sent", async () => {
    const { cluster, m1, db, sim, board, vote } = build(5);
    const bob = database(cluster, "bob", ["m1"], schema).db.open("boards", "roadmap");
    vote();
    // In the same moment: nothing of it has left yet.
    sim.pause(24 * HOUR_MS);
    cluster.pass(12 * HOUR_MS);
    bob.transact((b) => b.tags.add("meanwhile"));
    cluster.pass(12 * HOUR_MS + 60_000);
    render(db);
    expect(db.status).toMatchObject({ connection: "connected", pending: 0 });
    expect(board.toJSON()).toEqual({ votes: 1, tags: ["meanwhile"] });
    await settled(cluster);
    expect(m1.json("boards/roadmap")).toEqual({ votes: 1, tags: ["meanwhile"] });
  });

  for (const [words, days] of [
    ["a day ahead", 1],
    ["a day behind", -1],
  ] as const) {
    test(`has a clock that is ${words}: what was written after something else wins over it all the same`, () => {
      const { cluster, m1, db, sim, board } = build(6);
      const bob = database(cluster, "bob", ["m1"], schema).db.open("boards", "roadmap");
      sim.setClock(days * 24 * HOUR_MS, 0);
      board.transact((b) => b.title.set("Ann's"));
      cluster.pass(2_000);
      expect(bob.title.value).toBe("Ann's");
      bob.transact((b) => b.title.set("Bob's, later"));
      cluster.pass(2_000);
      expect(board.title.value).toBe("Bob's, later");
      board.transact((b) => b.title.set("Ann's, last"));
      cluster.pass(2_000);
      expect([bob.title.value, m1.json("boards/roadmap")]).toEqual(["Ann's, last", { title: "Ann's, last" }]);
      expect(db.status).toMatchObject({ connection: "connected", error: undefined, pending: 0 });
    });
  }
});

describe("the app", () => {
  test("has a schema that others do not share: their fields are beside its own, under their kind", () => {
    const { cluster, m1, db, board } = build(8);
    const other = defineSchema({ boards: { votes: register<string>(), title: register<string>() } });
    const bob = database(cluster, "bob", ["m1"], other).db.open("boards", "roadmap");
    bob.transact((b) => b.votes.set("many"));
    board.transact((b) => b.votes.increment(2));
    cluster.pass(2_000);
    render(db);
    expect(board.toJSON()).toEqual({ votes: 2, "votes@register": "many" });
    expect(bob.toJSON()).toEqual({ votes: "many", "votes@counter": 2 });
    expect(m1.json("boards/roadmap")).toMatchObject({ votes: expect.anything() });
  });

  test("is given something that is no URL: connect throws what is wrong, and how it is right", () => {
    for (const url of ["", "localhost:1234", "roadmap", "ftp://localhost", "ws://", "ws://user:pass@host"]) {
      const error = thrown(() => connect(url)) as SynclineError;
      expect([url, error.name, error.code]).toEqual([url, "SynclineError", "INVALID_VALUE"]);
    }
  });
});

describe("over real sockets", () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  const untilError = (db: Database): Promise<SynclineError> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (db.status.error === undefined) return;
        end();
        resolve(db.status.error);
      };
      const end = db.onStatus(look);
      look();
    });

  function connected(url: string, cluster = ""): Database {
    const db = connect(url, { cluster });
    open.push(db);
    const write = db.open("boards", "roadmap").transact((b) => b.counter("votes").increment());
    expect(write.stage).toBe("local");
    return db;
  }

  test("nobody listens there", async () => {
    const db = connected("ws://127.0.0.1:9");
    expect(await untilError(db)).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("127.0.0.1:9"),
    });
    expect(db.status.pending).toBe(1);
  });

  test("the name is nobody's", async () => {
    expect(await untilError(connected("ws://nobody.invalid:1234"))).toMatchObject({ code: "UNREACHABLE" });
  });

  test("something else answers there, which is no server of ours", async () => {
    const { url } = await startMaster("m1");
    expect(await untilError(connected(`${url}/elsewhere`))).toMatchObject({ code: "UNREACHABLE" });
  });

  test("a server of another cluster answers", async () => {
    const { url } = await startMaster("m1");
    const db = connected(url, "another");
    expect(await untilError(db)).toMatchObject({ code: "CLUSTER_MISMATCH" });
    expect(db.status.pending).toBe(1);
  });

  test("a server of another version answers", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    open.push(server);
    server.on("connection", (socket) => {
      const hello = helloOf({ peer: "master", name: "m9", versionMin: 9, versionMax: 9 });
      socket.send(Uint8Array.of(0, ...encodeMessage(hello)));
    });
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const db = connected(`ws://127.0.0.1:${port}`);
    expect(await untilError(db)).toMatchObject({
      code: "PROTOCOL_VERSION",
    });
    expect(db.status.pending).toBe(1);
  });
});
