/**
 * An app below the cluster's minimum version keeps what it has not sent, over reloads and over its own update: the version
 * that is let in sends it, once (REPLICATION 2.5).
 */
import "fake-indexeddb/auto";
import { connect, counter, type Database, defineSchema, indexedDb, register, set } from "@syncline/client";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { FakeLocks } from "../client/locks.js";
import { ask, post, started } from "../server/servers.js";

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  vi.stubGlobal("navigator", { locks: new FakeLocks() });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const collections = { boards: { title: register<string>(), votes: counter(), tags: set<string>() } };

/** A start of the app, in the browser of the test. */
function app(url: string, version: number) {
  const schema = defineSchema(collections, { version });
  const db = connect(url, { schema, storage: indexedDb("app") });
  onTestFinished(() => db.close());
  return { db, board: db.open("boards", "a") };
}

const refused = (db: Database<typeof collections>) =>
  expect.poll(() => db.status.error?.code, { timeout: 10_000 }).toBe("SCHEMA_VERSION");

/** The page goes: what it has not sent is kept, and its place is free for the next one. */
async function gone(db: Database<typeof collections>): Promise<void> {
  db.close();
  await expect.poll(async () => (await navigator.locks.query()).held).toEqual([]);
}

const value = async (server: Awaited<ReturnType<typeof started>>, key: string) =>
  (await ask(server, `/v1/docs/boards/${key}`)).json.value;

test("what was not sent outlives reloads and an update of the app, and is sent once by the version that is let in", async () => {
  const server = await started();
  const url = server.url;
  const first = app(url, 1);
  await first.board.ready;
  await first.board.transact((b) => b.votes.increment()).acknowledged();
  expect((await post(server, "/v1/schema", [{ do: "minimum", version: 2 }])).status).toBe(200);
  await refused(first.db);
  first.board.transact((b) => b.votes.increment(10));
  first.board.transact((b) => b.title.set("unsent"));
  // This one will not be open when it is sent.
  first.db.open("boards", "b").transact((b) => b.tags.add("unsent, too"));
  await expect.poll(() => first.db.status.pending).toBe(3);
  await gone(first.db);

  // The page is loaded again, twice, and the app is as old as before.
  for (const more of [1, 2]) {
    const { db, board } = app(url, 1);
    await board.ready;
    expect([board.votes.value, board.title.value]).toEqual([10 + more, "unsent"]);
    await refused(db);
    board.transact((b) => b.votes.increment());
    // What is not known to be safe is offered again, too.
    await expect.poll(() => db.status.pending).toBeGreaterThanOrEqual(3 + more);
    expect(board.saveState).toBe("offline");
    await gone(db);
    expect(await value(server, "a")).toEqual({ votes: 1 });
    expect((await ask(server, "/v1/docs/boards/b")).status).toBe(404);
  }

  const updated = app(url, 2);
  await updated.board.ready;
  await expect.poll(() => updated.db.status.pending, { timeout: 10_000 }).toBe(0);
  expect(updated.db.status.error).toBeUndefined();
  await expect.poll(() => value(server, "a")).toEqual({ title: "unsent", votes: 13 });
  await expect.poll(() => value(server, "b")).toEqual({ tags: ["unsent, too"] });
  await gone(updated.db);

  // What was not known to be safe when the app was closed is offered again, and changes nothing.
  const again = app(url, 2);
  await again.board.ready;
  await expect.poll(() => again.db.status.pending, { timeout: 10_000 }).toBe(0);
  await again.board.transact((b) => b.tags.add("new")).acknowledged();
  expect(await value(server, "a")).toEqual({ title: "unsent", votes: 13, tags: ["new"] });
});
