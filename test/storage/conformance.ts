/**
 * What every adapter of the storage port does, whatever it stores to.
 *
 * An adapter's test calls `conformsToStorage` with a way to make an empty store.
 */
import type { CopyableStorage, StorageWrite } from "@syncline/engine";
import { KEY_BYTES_MAX } from "@syncline/storage";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { ALL, bytes, committed, found, put, remove, text } from "./bytes.js";

export function conformsToStorage(name: string, create: () => Promise<CopyableStorage>): void {
  describe(`${name} conforms to the storage port`, () => {
    const stores: CopyableStorage[] = [];

    const open = async () => {
      const store = await create();
      stores.push(store);
      return store;
    };

    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
    });

    test("it is empty, takes values, replaces and deletes them", async () => {
      const store = await open();
      expect(store.get(bytes("a"))).toBe(undefined);
      expect(found(store)).toEqual([]);
      await committed(store, put("a", "1"), put("b", "2"));
      await committed(store, put("a", "3"), remove("b"), remove("never there"));
      expect(store.get(bytes("a"))).toEqual(bytes("3"));
      expect(store.get(bytes("b"))).toBe(undefined);
      expect(found(store)).toEqual([["a", "3"]]);
    });

    test("a state stays what it was, however much is committed while it is read", async () => {
      const store = await open();
      const rows = Array.from({ length: 1_500 }, (_, i) => put(`k${String(i).padStart(4, "0")}`, "old"));
      await committed(store, ...rows);
      const state = store.state();
      const seen: string[] = [];
      for (const [key, value] of state.scan(ALL)) {
        seen.push(text(value) ?? "");
        if (seen.length % 500 === 1) {
          await committed(store, { key, value: bytes("new") }, remove("k1499"), put("k9999", "new"));
        }
      }
      expect(seen).toEqual(rows.map(() => "old"));
      state.release();
      expect(store.get(bytes("k1499"))).toBe(undefined);
      expect(store.get(bytes("k9999"))).toEqual(bytes("new"));
    });

    test("writes of one commit are applied in their order", async () => {
      const store = await open();
      await committed(
        store,
        put("a", "1"),
        put("a", "2"),
        put("b", "1"),
        remove("b"),
        remove("c"),
        put("c", "1"),
      );
      expect(found(store)).toEqual([
        ["a", "2"],
        ["c", "1"],
      ]);
    });

    test("keys stand in the order of unsigned bytes", async () => {
      const ordered = [
        [0],
        [0, 0],
        [0, 255],
        [1],
        [1, 0, 0],
        [127],
        [127, 255],
        [128],
        [200, 1],
        [255],
        [255, 255],
      ];
      const store = await open();
      const shuffled = [5, 0, 9, 2, 10, 7, 1, 4, 8, 3, 6].map((index) =>
        Uint8Array.from(ordered[index] ?? []),
      );
      for (const key of shuffled) await committed(store, { key, value: key });
      expect([...store.scan(ALL)].map(([key]) => [...key])).toEqual(ordered);
      expect([...store.scan({ ...ALL, reverse: true })].map(([key]) => [...key])).toEqual(
        [...ordered].reverse(),
      );
    });

    test("a range takes its first key and not its last, whether they exist or not", async () => {
      const store = await open();
      await committed(store, ...["b", "d", "f", "h"].map((key) => put(key, key)));
      const keys = (from: string, to: string, more: { limit?: number; reverse?: boolean } = {}) =>
        found(store, { from: bytes(from), to: bytes(to), ...more })
          .map(([key]) => key)
          .join("");
      expect(keys("b", "h")).toBe("bdf");
      expect(keys("a", "i")).toBe("bdfh");
      expect(keys("c", "g")).toBe("df");
      expect(keys("", "d")).toBe("b");
      expect(keys("b", "h", { reverse: true })).toBe("fdb");
      expect(keys("a", "i", { reverse: true })).toBe("hfdb");
      expect(keys("c", "g", { reverse: true })).toBe("fd");
      expect(keys("", "d", { reverse: true })).toBe("b");
      expect(keys("b", "h", { limit: 2 })).toBe("bd");
      expect(keys("b", "h", { limit: 2, reverse: true })).toBe("fd");
      expect(keys("b", "h", { limit: 0 })).toBe("");
      for (const reverse of [false, true]) {
        expect(keys("d", "d", { reverse })).toBe("");
        expect(keys("h", "b", { reverse })).toBe("");
        expect(keys("", "", { reverse })).toBe("");
        expect(keys("i", "z", { reverse })).toBe("");
        expect(keys("0", "a", { reverse })).toBe("");
        expect(keys("e", "f", { reverse })).toBe("");
      }
    });

    test("scans of many entries are complete and in order, and may be left early", async () => {
      const store = await open();
      const keys = Array.from({ length: 5_000 }, (_, i) => i.toString().padStart(6, "0"));
      const even = keys.filter((_, i) => i % 2 === 0);
      const odd = keys.filter((_, i) => i % 2 === 1);
      await committed(store, ...[...odd].reverse().map((key) => put(key, `v${key}`)));
      await committed(store, ...even.map((key) => put(key, `v${key}`)));
      const all = keys.map((key) => [key, `v${key}`]);
      expect(found(store)).toEqual(all);
      expect(found(store, { ...ALL, reverse: true })).toEqual([...all].reverse());
      expect(found(store, { ...ALL, limit: 1_234 })).toEqual(all.slice(0, 1_234));
      let left = 0;
      for (const _ of store.scan(ALL)) if (++left === 700) break;
      const [first] = store.scan(ALL);
      expect(text(first?.[0])).toBe("000000");
      const twice = store.scan({ ...ALL, limit: 3 });
      expect([...twice]).toEqual([...twice]);
      await committed(store, ...keys.map(remove));
      expect(found(store)).toEqual([]);
    });

    test("it answers like a sorted list, whatever is committed and asked", async () => {
      const store = await open();
      const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 4 }).chain((short) =>
        // Now and then the neighbourhood of the longest key.
        fc.constantFrom(
          short,
          short,
          short,
          Uint8Array.from({ length: KEY_BYTES_MAX }, (_, i) => short[i] ?? 255),
        ),
      );
      const value = fc.option(fc.uint8Array({ maxLength: 8 }), { nil: undefined });
      const commits = fc.array(fc.array(fc.record({ key, value }), { maxLength: 8 }), { maxLength: 8 });
      const range = fc.record(
        {
          from: fc.oneof(key, fc.constant(new Uint8Array(0))),
          to: fc.oneof(key, fc.constant(new Uint8Array(0)), fc.constant(ALL.to)),
          limit: fc.nat({ max: 20 }),
          reverse: fc.boolean(),
        },
        { requiredKeys: ["from", "to"] },
      );
      await fc.assert(
        fc.asyncProperty(
          commits,
          fc.array(range, { minLength: 1, maxLength: 10 }),
          async (history, ranges) => {
            await committed(store, ...[...store.scan(ALL)].map(([key]) => ({ key, value: undefined })));
            const model = new Map<string, { key: Uint8Array; value: Uint8Array }>();
            let last = Promise.resolve();
            for (const writes of history) {
              last = committed(store, ...writes);
              for (const { key, value } of writes) {
                if (value === undefined) model.delete(hex(key));
                else model.set(hex(key), { key, value });
              }
            }
            await last;
            const sorted = [...model.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
            for (const [, { key, value }] of sorted) expect(store.get(key)).toEqual(value);
            for (const range of ranges) {
              const expected = sorted.filter(([at]) => at >= hex(range.from) && at < hex(range.to));
              if (range.reverse) expected.reverse();
              expect([...store.scan(range)].map(([key, value]) => [hex(key), hex(value)])).toEqual(
                expected.slice(0, range.limit).map(([at, { value }]) => [at, hex(value)]),
              );
            }
          },
        ),
        { numRuns: 150 },
      );
    });

    test("a commit is seen whole or not at all", async () => {
      const store = await open();
      const commits = 300;
      let doneUpTo = 0;
      const reached = new Promise<void>((resolve) => {
        for (let i = 1; i <= commits; i++) {
          const writes = ["a", "m", "z"].map((key) => put(key, `${i}`));
          store.commit(writes, () => {
            doneUpTo = i;
            if (i === commits) resolve();
          });
        }
      });
      let isOver = false;
      void reached.then(() => (isOver = true));
      while (!isOver) {
        const seen = found(store).map(([, value]) => Number(value));
        expect(new Set(seen).size).toBeLessThanOrEqual(1);
        expect(seen.length === 0 ? 0 : seen.length).toBe(seen.length === 0 ? 0 : 3);
        expect(seen[0] ?? 0).toBeGreaterThanOrEqual(doneUpTo);
        await nextTurn();
      }
    });

    test("done is called once for each commit, in order, and never from within commit", async () => {
      const store = await open();
      const done: number[] = [];
      let isCommitting = false;
      const total = 2_500;
      await new Promise<void>((resolve) => {
        for (let i = 0; i < total; i++) {
          isCommitting = true;
          // Some commits are empty: they wait their turn all the same.
          store.commit(i % 7 === 3 ? [] : [put(`k${i % 50}`, `${i}`)], (failure) => {
            expect(isCommitting).toBe(false);
            expect(failure).toBe(undefined);
            done.push(i);
            if (done.length === total) resolve();
          });
          isCommitting = false;
        }
      });
      await committed(store);
      expect(done).toEqual(Array.from({ length: total }, (_, i) => i));
    });

    test("an empty commit alone is done too", async () => {
      const store = await open();
      await committed(store);
      await committed(store, put("a", "1"));
      await committed(store);
      expect(found(store)).toEqual([["a", "1"]]);
    });

    test("what is read within done shows the commit, and done may commit", async () => {
      const store = await open();
      const seen: (string | undefined)[] = [];
      await new Promise<void>((resolve) => {
        const next = (i: number) => {
          store.commit([put("a", `${i}`)], () => {
            seen.push(text(store.get(bytes("a"))), found(store)[0]?.[1]);
            if (i === 20) resolve();
            else next(i + 1);
          });
        };
        next(1);
      });
      expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => [`${i + 1}`, `${i + 1}`]).flat());
    });

    test("an empty value is a value, and a large one too", async () => {
      const store = await open();
      const large = Uint8Array.from({ length: 1 << 20 }, (_, i) => i * 31 + (i >> 8));
      const half = large.subarray(7, 500_000);
      await committed(
        store,
        { key: bytes("empty"), value: new Uint8Array(0) },
        { key: bytes("half"), value: half },
        { key: bytes("large"), value: large },
      );
      expect(store.get(bytes("empty"))).toEqual(new Uint8Array(0));
      expect(same(store.get(bytes("large")), large)).toBe(true);
      expect(same(store.get(bytes("half")), half)).toBe(true);
      const [empty, second, third] = store.scan(ALL);
      expect(empty?.[1]).toEqual(new Uint8Array(0));
      expect(same(second?.[1], half)).toBe(true);
      expect(same(third?.[1], large)).toBe(true);
    });

    test("what was read stays as it was", async () => {
      const store = await open();
      const sizes = [1, 100, 4_000, 40_000, 300_000];
      const fill = (byte: number): StorageWrite[] =>
        sizes.map((size) => ({ key: bytes(`k${size}`), value: new Uint8Array(size).fill(byte) }));
      await committed(store, ...fill(1));
      const kept = [
        ...sizes.map((size) => store.get(bytes(`k${size}`))),
        ...[...store.scan(ALL)].map(([, v]) => v),
      ];
      const keys = [...store.scan(ALL)].map(([key]) => key);
      for (let byte = 2; byte < 12; byte++) {
        await committed(store, ...fill(byte));
        for (const size of sizes) store.get(bytes(`k${size}`));
        for (const _ of store.scan({ ...ALL, reverse: true }));
      }
      expect(kept).toHaveLength(10);
      for (const value of kept) expect(value?.every((byte) => byte === 1)).toBe(true);
      expect(keys.map(text)).toEqual(sizes.map((size) => `k${size}`).sort());
    });

    test("values are plain arrays of bytes", async () => {
      const store = await open();
      await committed(store, put("a", "1"));
      const [entry] = store.scan(ALL);
      for (const array of [store.get(bytes("a")), entry?.[0], entry?.[1]]) {
        expect(array && Object.getPrototypeOf(array)).toBe(Uint8Array.prototype);
      }
    });

    test("a key that is none throws and leaves the store as it was", async () => {
      const store = await open();
      const wrong = [new Uint8Array(0), new Uint8Array(KEY_BYTES_MAX + 1)];
      for (const key of wrong) {
        const refused = () => store.commit([put("a", "1"), { key, value: bytes("2") }], () => {});
        expect(refused).toThrow("key of");
        expect(() => store.get(key)).toThrow("key of");
      }
      await committed(store, put("b", "1"));
      expect(found(store)).toEqual([["b", "1"]]);
      const longest = new Uint8Array(KEY_BYTES_MAX).fill(9);
      await committed(store, { key: longest, value: bytes("long") });
      expect(text(store.get(longest))).toBe("long");
    });

    test("close waits for the commits under way", async () => {
      const store = await open();
      const done: number[] = [];
      for (let i = 0; i < 100; i++) {
        store.commit([put(`k${i}`, "1")], () => done.push(i));
        if (i % 30 === 0) await nextTurn();
      }
      const closed = store.close();
      expect(() => store.commit([], () => {})).toThrow("commit on a store");
      await closed;
      expect(done).toHaveLength(100);
      expect(() => store.get(bytes("k1"))).toThrow("read from a store");
      expect(() => store.scan(ALL)).toThrow("read from a store");
      await store.close();
    });

    test("a scan that is taken up after the close throws", async () => {
      const store = await open();
      await committed(store, ...Array.from({ length: 2_000 }, (_, i) => put(`k${i}`, "1")));
      const scan = store.scan(ALL)[Symbol.iterator]();
      scan.next();
      await store.close();
      const rest = () => {
        while (!scan.next().done);
      };
      // A memory store has read everything already, others say so; none goes to what is no longer there.
      try {
        rest();
      } catch (error) {
        expect(String(error)).toContain("read from a store that is closed");
      }
    });
  });
}

const hex = (value: Uint8Array): string => Buffer.from(value).toString("hex");
const same = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && Buffer.compare(a, b) === 0;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
