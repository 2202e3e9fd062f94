import type { Outcome, SlotEntry, SlotStore } from "@syncline/engine";
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { IndexedDbSlots } from "../../packages/client/src/indexeddb.js";
import { FakeLocks } from "./locks.js";

/** The adapter for IndexedDB alone: slots, locks, ranges, transactions, and everything that can be missing or full. */
beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  vi.stubGlobal("navigator", { locks: new FakeLocks() });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** The answer of one call. */
function answer<T>(call: (done: (outcome: Outcome<T>) => void) => void): Promise<Outcome<T>> {
  return new Promise((resolve) => call(resolve));
}

/** What a call that works gives. */
async function value<T>(call: (done: (outcome: Outcome<T>) => void) => void): Promise<T> {
  const outcome = await answer(call);
  if (!outcome.ok) throw new Error(`${outcome.fault.code}: ${outcome.fault.reason}`);
  return outcome.value;
}

const store = (): SlotStore => new IndexedDbSlots("syncline/test");
const taken = (slots: SlotStore) => value<string>((done) => slots.take(32, done));
const bytes = (...values: number[]) => Uint8Array.from(values);

describe("slots", () => {
  test("each client has one of its own, and a free one is taken before a new one is made", async () => {
    const [ann, bob] = [store(), store()];
    const [first, second] = [await taken(ann), await taken(bob)];
    expect(first).not.toBe(second);
    expect(await value((done) => ann.others(first, done))).toEqual([second]);
    expect(await value((done) => ann.free(done))).toEqual([]);
    bob.close();
    expect(await value((done) => ann.free(done))).toEqual([second]);
    expect(await taken(store())).toBe(second);
  });

  test("one that is left is claimed by one client only, until it is released", async () => {
    const [ann, bob, eve] = [store(), store(), store()];
    const left = await taken(eve);
    eve.close();
    const claims = [ann, bob].map((client) => value<boolean>((done) => client.claim(left, done)));
    expect((await Promise.all(claims)).sort()).toEqual([false, true]);
    ann.release(left);
    bob.release(left);
    expect(await value((done) => bob.claim(left, done))).toBe(true);
  });

  test("a tab finds the slot that it had, also when others are free", async () => {
    const session = new Map<string, string>();
    vi.stubGlobal("sessionStorage", {
      getItem: (name: string) => session.get(name) ?? null,
      setItem: (name: string, text: string) => session.set(name, text),
    });
    const others = [store(), store(), store()];
    for (const other of others) await taken(other);
    const mine = store();
    const slot = await taken(mine);
    for (const client of [...others, mine]) client.close();
    expect(await taken(store())).toBe(slot);
  });

  test("there are no more than are allowed", async () => {
    await taken(store());
    expect(await answer((done) => store().take(1, done))).toMatchObject({
      ok: false,
      fault: { code: "OFFLINE_UNAVAILABLE" },
    });
  });
});

describe("entries", () => {
  test("are read by prefix, in the order of keys, and only from their slot", async () => {
    const slots = store();
    const keys = ["b/2", "a", "b/1", "b/1\0x", "b0", "b"];
    const writes = ["one", "two"].flatMap((slot) => keys.map((key, i) => ({ slot, key, value: bytes(i) })));
    await value((done) => slots.commit(writes, done));
    const read = async (...prefixes: string[]) =>
      (await value<readonly SlotEntry[]>((done) => slots.read("one", prefixes, done))).map(({ key }) => key);
    expect(await read("b/")).toEqual(["b/1", "b/1\0x", "b/2"]);
    expect(await read("b/1\0", "a")).toEqual(["b/1\0x", "a"]);
    expect(await read("")).toEqual(["a", "b", "b/1", "b/1\0x", "b/2", "b0"]);
    expect(await value((done) => slots.read("none", [""], done))).toEqual([]);
    expect(await value((done) => slots.read("two", ["a"], done))).toEqual([{ key: "a", value: bytes(1) }]);
  });

  test("are put and deleted together, in the order of the calls", async () => {
    const slots = store();
    const first = value((done) => slots.commit([{ slot: "s", key: "a", value: bytes(1) }], done));
    const second = value((done) =>
      slots.commit(
        [
          { slot: "s", key: "a", value: undefined },
          { slot: "s", key: "b", value: bytes(2) },
        ],
        done,
      ),
    );
    const then = value((done) => slots.read("s", [""], done));
    await Promise.all([first, second]);
    expect(await then).toEqual([{ key: "b", value: bytes(2) }]);
  });

  test("of a commit that does not fit are not there, none of them, and the fault says so", async () => {
    const slots = store();
    const put = IDBObjectStore.prototype.put;
    let calls = 0;
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...args) {
      calls += 1;
      if (calls === 2) throw new DOMException("no room", "QuotaExceededError");
      return put.apply(this, args);
    });
    const writes = ["a", "b", "c"].map((key) => ({ slot: "s", key, value: bytes(1) }));
    expect(await answer((done) => slots.commit(writes, done))).toEqual({
      ok: false,
      fault: { code: "OFFLINE_FULL", reason: "no room" },
    });
    expect(await value((done) => slots.read("s", [""], done))).toEqual([]);
  });
});

describe("what is not there", () => {
  const expected = { ok: false, fault: { code: "OFFLINE_UNAVAILABLE" } };

  test("a platform without IndexedDB, without Web Locks, or with one that refuses is a typed fault", async () => {
    vi.stubGlobal("indexedDB", undefined);
    expect(await answer((done) => store().take(32, done))).toMatchObject(expected);
    vi.stubGlobal("indexedDB", new IDBFactory());
    vi.stubGlobal("navigator", {});
    expect(await answer((done) => store().take(32, done))).toMatchObject(expected);
    vi.stubGlobal("navigator", { locks: new FakeLocks() });
    vi.stubGlobal("indexedDB", {
      open: () => {
        throw new DOMException("not in a private window", "SecurityError");
      },
    });
    expect(await answer((done) => store().take(32, done))).toMatchObject(expected);
  });

  test("a database of a newer version is left alone", async () => {
    const request = indexedDB.open("syncline/test", 2);
    await new Promise((resolve) => {
      request.onsuccess = resolve;
    });
    request.result.close();
    expect(await answer((done) => store().take(32, done))).toMatchObject(expected);
  });

  test("a database that is deleted under an app is not stood in the way of: that is told, and it is made anew", async () => {
    const slots = store();
    const slot = await taken(slots);
    const lost: string[] = [];
    slots.lost = ({ code }) => lost.push(code);
    await value((done) => slots.commit([{ slot: "s", key: "a", value: bytes(1) }], done));
    const request = indexedDB.deleteDatabase("syncline/test");
    await new Promise((resolve) => {
      request.onsuccess = resolve;
    });
    expect(lost).toEqual(["OFFLINE_UNAVAILABLE"]);
    expect(await value((done) => slots.read("s", [""], done))).toEqual([]);
    // The slot is the client's still: what it writes there is found by who comes later.
    expect(await value((done) => store().others("", done))).toEqual([slot]);
    slots.close();
    expect(await taken(store())).toBe(slot);
  });

  test("after the end nothing is opened any more", async () => {
    const slots = store();
    slots.close();
    expect(await answer((done) => slots.take(32, done))).toMatchObject(expected);
  });
});
