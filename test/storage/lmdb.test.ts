/** The store on disk: the port's laws, what a clean stop leaves, and how commits share transactions. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLmdb } from "@syncline/storage/lmdb";
import { afterAll, describe, expect, test } from "vitest";
import { bytes, committed, found, put, text } from "./bytes.js";
import { conformsToStorage } from "./conformance.js";

const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "syncline-lmdb-"));
  folders.push(folder);
  return folder;
};

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

conformsToStorage("LMDB", () => openLmdb(newFolder()));
conformsToStorage("LMDB with small groups", () => openLmdb(newFolder(), { groupBytesMax: 64 }));

describe("LMDB", () => {
  test("a store that is closed and opened again holds what was committed", async () => {
    const folder = newFolder();
    const first = await openLmdb(folder);
    await committed(first, put("a", "1"), put("b", "2"));
    first.commit([put("c", "3")], () => {});
    await first.close();
    const second = await openLmdb(folder);
    expect(found(second)).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
    await second.close();
  });

  test("no room: a commit and those behind it are refused before anything is written, later ones have their own fate", async () => {
    let free = 1 << 20;
    const folder = newFolder();
    const store = await openLmdb(folder, { reserveBytes: 100_000, freeBytes: () => free });
    await committed(store, put("a", "1"));
    const outcome = (...writes: Parameters<typeof store.commit>[0]) =>
      new Promise<string>((resolve) => store.commit(writes, (failure) => resolve(failure?.name ?? "done")));
    free = 100_000;
    expect(await Promise.all([outcome(put("b", "2")), outcome(put("c", "3"))])).toEqual([
      "StoreFull",
      "StoreFull",
    ]);
    // Nothing of what is asked for without writing needs room.
    expect(await outcome()).toBe("done");
    const large = { key: bytes("large"), value: new Uint8Array(300_000) };
    free = 500_000;
    expect(await outcome(large)).toBe("StoreFull");
    // Of those of one turn, as many as fit; what does not is refused, and nothing behind it overtakes it.
    expect(await Promise.all([outcome(put("d", "4")), outcome(large), outcome(put("e", "5"))])).toEqual([
      "done",
      "StoreFull",
      "StoreFull",
    ]);
    free = 1 << 20;
    expect(await outcome(large)).toBe("done");
    await store.close();
    const again = await openLmdb(folder);
    expect(found(again).map(([key]) => key)).toEqual(["a", "d", "large"]);
    await again.close();
  });

  test("it grows far beyond its first size", async () => {
    const store = await openLmdb(newFolder());
    const value = new Uint8Array(1 << 20).fill(7);
    for (let i = 0; i < 40; i++) await committed(store, { key: bytes(`k${i}`), value });
    expect(store.get(bytes("k0"))?.every((byte) => byte === 7)).toBe(true);
    expect(store.get(bytes("k39"))?.every((byte) => byte === 7)).toBe(true);
    await store.close();
  });

  /** Runs of `done` calls that had no other work between them: one for each transaction. */
  async function groupsOf(
    groupBytesMax: number,
    make: (commit: (key: string, value: string) => void) => void,
  ) {
    const store = await openLmdb(newFolder(), { groupBytesMax });
    const groups: string[][] = [];
    let under: string[] | undefined;
    make((key, value) => {
      store.commit([put(key, value)], () => {
        if (under === undefined) {
          under = [];
          groups.push(under);
          // A microtask cannot run before the run of `done` calls ends.
          queueMicrotask(() => (under = undefined));
        }
        under.push(key);
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    return groups;
  }

  test("commits of one turn share a transaction; those made while it is written share the next", async () => {
    const groups = await groupsOf(1_000, (commit) => {
      commit("a1", "");
      commit("a2", "");
      // Still in the same phase of the event loop, but the first transaction is sealed.
      setImmediate(() => {
        commit("b1", "");
        queueMicrotask(() => commit("b2", ""));
      });
    });
    expect(groups).toEqual([
      ["a1", "a2"],
      ["b1", "b2"],
    ]);
  });

  test("a group is bounded; a commit larger than the bound goes alone", async () => {
    const groups = await groupsOf(100, (commit) => {
      commit("a1", "x".repeat(40));
      commit("a2", "x".repeat(40));
      commit("b1", "x".repeat(40));
      commit("c1", "x".repeat(500));
      commit("d1", "x".repeat(10));
    });
    expect(groups).toEqual([["a1", "a2"], ["b1"], ["c1"], ["d1"]]);
  });

  test("what is not a store is refused with an error, and stays as it is", async () => {
    const folder = newFolder();
    const file = join(folder, "store", "data.mdb");
    const store = await openLmdb(folder);
    await committed(store, put("a", "1"));
    await store.close();
    const good = readFileSync(file);
    const changed = (at: number, byte: number) =>
      Buffer.concat([good.subarray(0, at), Buffer.of(byte), good.subarray(at + 1)]);
    const wrong: Record<string, Buffer> = {
      "another file": Buffer.from("not a store ".repeat(1_000)),
      zeros: Buffer.alloc(16_384),
      "cut in the first page": good.subarray(0, 100),
      "cut after the first page": good.subarray(0, 4_096),
      "no mark": changed(24, 1),
      "no mark in the second page": changed(4_096 + 24, 1),
      "another kind of page": changed(18, 0),
      "another format": changed(28, 1),
      "an impossible page size": changed(48, 7),
    };
    for (const [what, bytes] of Object.entries(wrong)) {
      writeFileSync(file, bytes);
      await expect(openLmdb(folder), what).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
      expect(readFileSync(file).equals(bytes), what).toBe(true);
    }
    writeFileSync(file, good);
    const again = await openLmdb(folder);
    expect(found(again)).toEqual([["a", "1"]]);
    await again.close();
  });

  test("an empty file is a new store; a file in the place of the folder is not", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, "store"));
    writeFileSync(join(folder, "store", "data.mdb"), "");
    const store = await openLmdb(folder);
    await committed(store, put("a", "1"));
    await store.close();
    const blocked = newFolder();
    writeFileSync(join(blocked, "store"), "a file");
    await expect(openLmdb(blocked)).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
  });

  test("two stores in one process do not mix", async () => {
    const [a, b] = [await openLmdb(newFolder()), await openLmdb(newFolder())];
    const both = [committed(a, put("k", "a")), committed(b, put("k", "b"))];
    await Promise.all(both);
    expect([text(a.get(bytes("k"))), text(b.get(bytes("k")))]).toEqual(["a", "b"]);
    await a.close();
    expect(text(b.get(bytes("k")))).toBe("b");
    await b.close();
  });
});
