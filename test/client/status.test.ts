import { counter, defineSchema, type Status } from "@syncline/client";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { database } from "./databases.js";

/** What an app can show of its connection. */
const schema = defineSchema({ boards: { votes: counter() } });

test("from connecting to connected to disconnected, with who serves and what waits", () => {
  const cluster = world(1);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], schema);
  const board = db.open("boards", "roadmap");
  const idle = { writable: false, provider: undefined, master: undefined, error: undefined, storage: "none" };
  expect(db.status).toEqual({ ...idle, connection: "connecting", pending: 0 });
  board.transact((b) => b.votes.increment());
  expect(db.status.pending).toBe(1);
  cluster.pass(1000);
  const connected = { ...idle, writable: true, provider: "m1", master: "m1" };
  expect(db.status).toEqual({ ...connected, connection: "connected", pending: 0 });
  db.close();
  expect(db.status).toEqual({ ...idle, connection: "disconnected", pending: 0 });
});

test("behind a follower there are a provider and a master", () => {
  const cluster = world(2);
  cluster.master("m1");
  cluster.follower("f1", { follow: ["m1"] });
  const { db } = database(cluster, "ann", ["f1"], schema);
  cluster.pass(2000);
  expect(db.status).toMatchObject({ connection: "connected", provider: "f1", master: "m1", writable: true });
  cluster.nodes.get("m1")?.kill();
  cluster.pass(2000);
  expect(db.status).toMatchObject({
    connection: "connected",
    provider: "f1",
    master: undefined,
    writable: false,
  });
});

test("a failed attempt leaves an error with a code, which a good one clears", () => {
  const cluster = world(3);
  const master = cluster.master("m1");
  master.kill();
  const { db } = database(cluster, "ann", ["m1"], schema);
  cluster.pass(1000);
  expect(db.status).toMatchObject({ connection: "connecting", writable: false });
  expect(db.status.error).toMatchObject({
    name: "SynclineError",
    code: "UNREACHABLE",
    message: "sim://m1: connection refused",
  });
  master.restart();
  cluster.pass(30_000);
  expect(db.status).toMatchObject({ connection: "connected", error: undefined });
});

test("the error is that of the last attempt, at whichever server", () => {
  const cluster = world(5);
  const { db } = database(cluster, "ann", ["m1", "m2"], schema);
  const heard: unknown[] = [];
  db.onStatus(({ error }) => heard.push(error?.message));
  cluster.pass(250);
  expect(heard.slice(0, 2)).toEqual(["sim://m1: connection refused", "sim://m2: connection refused"]);
});

test("a listener that another one has ended is not called", () => {
  const cluster = world(6);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], schema);
  const calls: string[] = [];
  const ends: (() => void)[] = [];
  for (const name of ["first", "second"]) {
    ends.push(
      db.onStatus(() => {
        calls.push(name);
        for (const end of ends) end();
      }),
    );
  }
  cluster.pass(1000);
  expect(calls).toEqual(["first"]);
});

test("listeners hear of every change until they have heard enough, and the object is new only then", () => {
  const cluster = world(4);
  cluster.master("m1");
  const { db, reported } = database(cluster, "ann", ["m1"], schema);
  const heard: Status[] = [];
  const end = db.onStatus((status) => heard.push(status));
  const why = new Error("no such element");
  db.onStatus(() => {
    throw why;
  });
  expect(db.status).toBe(db.status);
  cluster.pass(1000);
  expect(heard.map((status) => status.connection)).toEqual(["connected"]);
  expect(heard[0]).toBe(db.status);
  expect(reported).toEqual([why]);
  end();
  db.open("boards", "roadmap").transact((b) => b.votes.increment());
  expect(heard).toHaveLength(1);
  expect(db.status).not.toBe(heard[0]);
});
