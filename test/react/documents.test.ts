import { counter, type Database, defineSchema } from "@syncline/client";
import { openAccess } from "@syncline/engine";
import type { Cluster } from "@syncline/simulation";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LINGER_MS, sharedDocuments } from "../../packages/react/src/documents.js";
import { isSameData } from "../../packages/react/src/equal.js";
import { database } from "../client/databases.js";
import { world } from "../scenarios/world.js";

/** Which documents are open for components, and when they are closed; and what counts as the same data. */
const schema = defineSchema({ boards: { votes: counter() } });

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function connected(seed: number): { cluster: Cluster; db: Database } {
  const cluster = world(seed);
  cluster.master("m1");
  return { cluster, db: database(cluster, "ann", ["m1"], schema).db as unknown as Database };
}

test("all components share a document, until the last one has gone for a while", () => {
  const { cluster, db } = connected(1);
  const documents = sharedDocuments(db);
  const shared = documents.get("boards", "roadmap");
  expect(documents.get("boards", "roadmap")).toBe(shared);
  expect(sharedDocuments(db)).toBe(documents);
  const leave = [shared?.subscribe(() => {}), shared?.subscribe(() => {})];
  vi.advanceTimersByTime(10 * LINGER_MS);
  leave[0]?.();
  vi.advanceTimersByTime(10 * LINGER_MS);
  expect(documents.get("boards", "roadmap")).toBe(shared);
  leave[1]?.();
  // As StrictMode does it: gone and back at once.
  const back = shared?.subscribe(() => {});
  vi.advanceTimersByTime(10 * LINGER_MS);
  expect(documents.get("boards", "roadmap")).toBe(shared);
  back?.();
  vi.advanceTimersByTime(LINGER_MS);
  expect(documents.get("boards", "roadmap")).not.toBe(shared);
  cluster.pass(10);
});

test("a key that is none gives the same error to all components, and a collection that is none is thrown", () => {
  const { db } = connected(7);
  const documents = sharedDocuments(db);
  for (const key of ["", "x".repeat(257), "a\u0000b"]) {
    const none = documents.get("boards", key);
    expect(none).toMatchObject({ document: undefined, isKnown: false, error: { code: "INVALID_VALUE" } });
    expect(documents.get("boards", key)).toBe(none);
    expect(() => none?.transact(() => {})).toThrow(none?.error);
    none?.show("ann");
    none?.subscribe(() => {})();
    none?.subscribePresence(() => {})();
  }
  for (let i = 0; i < 200; i++) documents.get("boards", "x".repeat(300 + i));
  expect(documents.get("boards", "")).toMatchObject({ error: { code: "INVALID_VALUE" } });
  expect(() => documents.get("plans", "trip")).toThrow(
    expect.objectContaining({ code: "UNKNOWN_COLLECTION" }),
  );
  expect(vi.getTimerCount()).toBe(0);
});

test("what was rendered and thrown away does not stay open", () => {
  const { db } = connected(2);
  const shared = sharedDocuments(db).get("boards", "roadmap");
  vi.advanceTimersByTime(LINGER_MS);
  expect(() => shared?.transact(() => {})).toThrow("closed");
  expect(vi.getTimerCount()).toBe(0);
});

test("nothing is known until a server has answered or something is written here", () => {
  const { cluster, db } = connected(3);
  const shared = sharedDocuments(db).get("boards", "roadmap");
  const other = sharedDocuments(db).get("boards", "other");
  expect(shared?.isKnown).toBe(false);
  shared?.transact((b) => b.counter("votes").increment());
  expect(shared?.isKnown).toBe(true);
  expect(other?.isKnown).toBe(false);
  cluster.pass(1_000);
  expect(other?.isKnown).toBe(true);
});

test("a refusal is told to components, and the end of a database is none", async () => {
  const cluster = world(4);
  cluster.master("m1", { access: { ...openAccess, authorize: () => false } });
  const db = database(cluster, "ann", ["m1"], schema).db as unknown as Database;
  const refused = sharedDocuments(db).get("boards", "roadmap");
  cluster.pass(1_000);
  await vi.advanceTimersByTimeAsync(0);
  expect(refused?.error?.code).toBe("FORBIDDEN");
  const late = sharedDocuments(db).get("boards", "other");
  db.close();
  await vi.advanceTimersByTimeAsync(0);
  expect(late?.error).toBeUndefined();
  expect(sharedDocuments(db).get("boards", "third")).toBeUndefined();
});

test.each([
  [1, 1, true],
  [Number.NaN, Number.NaN, true],
  [0, "0", false],
  [null, undefined, false],
  [null, {}, false],
  [[1, { a: [2] }], [1, { a: [2] }], true],
  [[1, 2], [1], false],
  [{ a: 1 }, { b: 1 }, false],
  [{ a: undefined }, { b: undefined }, false],
  [{}, [], false],
  [Uint8Array.of(1, 2), Uint8Array.of(1, 2), true],
  [Uint8Array.of(1, 2), Uint8Array.of(1, 3), false],
  [new Date(0), new Date(0), false],
])("%j and %j are the same data: %s", (a, b, same) => {
  expect(isSameData(a, b)).toBe(same);
  expect(isSameData(b, a)).toBe(same);
});

test("who is there is heard of by whoever holds the document, and shown until the last one has let go", () => {
  const cluster = world(5);
  cluster.master("m1");
  const dbs = ["ann", "bob"].map((name) => database(cluster, name, ["m1"]).db);
  const [hers, his] = dbs.map((db) => sharedDocuments(db).get("boards", "roadmap"));
  let told = 0;
  const leave = [hers?.subscribePresence(() => told++), his?.subscribePresence(() => {})];
  cluster.pass(1_000);
  his?.show({ name: "bob" });
  cluster.pass(1_000);
  expect(told).toBe(1);
  expect(hers?.document?.presence.others.map(({ state }) => state)).toEqual([{ name: "bob" }]);
  leave[1]?.();
  vi.advanceTimersByTime(LINGER_MS);
  cluster.pass(1_000);
  expect(hers?.document?.presence.others).toEqual([]);
  leave[0]?.();
  expect(told).toBe(2);
});
