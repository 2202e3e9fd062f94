/** A store of an earlier layout is read, and goes on in the present one; one of a later layout is refused by name. */
import { ByteWriter, crc32 } from "@syncline/core";
import { ForeignStore, type Scheduler } from "@syncline/engine";
import type { Cluster, CrashableStorage, SimNode } from "@syncline/simulation";
import { memoryStorage } from "@syncline/storage";
import { expect, test } from "vitest";
import {
  allStreams,
  LAYOUT_VERSION,
  metaKey,
  metaRow,
  placesInTail,
  streamRow,
  tailKey,
  tailOf,
  tailRow,
} from "../../packages/engine/src/node/tables.js";
import { world } from "../scenarios/world.js";

/** Keeps hold of the disk of the first node that is made. */
function oneNode(): { cluster: Cluster; m1: SimNode; disk: () => CrashableStorage } {
  let latest: CrashableStorage | undefined;
  const kept = (storage: CrashableStorage): CrashableStorage => {
    latest = storage;
    return {
      get: (key) => storage.get(key),
      scan: (range) => storage.scan(range),
      commit: (writes, done) => storage.commit(writes, done),
      close: () => storage.close(),
      restart: (options) => kept(storage.restart(options)),
    };
  };
  const cluster = world(1, { disk: (scheduler: Scheduler) => kept(memoryStorage({ scheduler })) });
  const m1 = cluster.master("m1");
  cluster.pass(100);
  return { cluster, m1, disk: () => latest as CrashableStorage };
}

/** A value as stores have it: what was written, and a checksum of it under its key. */
function sealed(key: Uint8Array, write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  const content = out.finish();
  const value = new Uint8Array(content.length + 4);
  value.set(content);
  new DataView(value.buffer).setUint32(content.length, (crc32(key) ^ crc32(content)) >>> 0, true);
  return value;
}

function setLayout(disk: CrashableStorage, layout: number): void {
  const row = metaRow.decode(metaKey(), disk.get(metaKey()) as Uint8Array);
  disk.commit([{ key: metaKey(), value: metaRow.encode(metaKey(), { ...row, layout }) }], () => {});
}

test("layout 1: streams have no end that is gone, and there are no bases", () => {
  const { cluster, m1, disk } = oneNode();
  m1.write("boards/a", (b) => b.set("tags").add("old"));
  cluster.pass(100);
  setLayout(disk(), 1);
  for (const [key, value] of [...disk().scan(allStreams())]) {
    const { held, visible, committed } = streamRow.decode(key, value);
    const old = sealed(key, (out) => {
      for (const number of [held, visible, committed]) out.uint(number);
    });
    disk().commit([{ key, value: old }], () => {});
  }
  cluster.pass(100);
  m1.kill();
  expect(metaRow.decode(metaKey(), disk().get(metaKey()) as Uint8Array).layout).toBe(1);
  m1.restart();
  cluster.pass(100);
  expect(m1.json("boards/a")).toEqual({ tags: ["old"] });
  m1.write("boards/a", (b) => b.set("tags").add("new"));
  cluster.settle();
  expect(m1.json("boards/a")).toEqual({ tags: ["new", "old"] });
  expect(metaRow.decode(metaKey(), disk().get(metaKey()) as Uint8Array).layout).toBe(LAYOUT_VERSION);
});

test("layout 2: each change of a tail has a row of its own", () => {
  const { cluster, m1, disk } = oneNode();
  const add = (tag: string) => m1.write("boards/a", (b) => b.set("tags").add(tag));
  for (const tag of ["1", "2", "3", "4"]) add(tag);
  cluster.pass(100);
  setLayout(disk(), 2);
  const rows = [...disk().scan(tailOf(1, 1, 2 ** 52)), ...disk().scan(tailOf(2, 1, 2 ** 52))];
  const brought = rows.map(([key, value]) => tailRow.decode(key, value).length);
  expect(Math.max(...brought)).toBe(4);
  for (const [key, value] of rows) {
    const row = tailRow.decode(key, value);
    row.forEach(({ stream, position }, i) => {
      const old = key.slice();
      // The number of the change stands at the end.
      old[old.length - 1] = (old.at(-1) ?? 0) - (row.length - 1 - i);
      const one = sealed(old, (out) => {
        out.uint(stream);
        out.uint(position);
      });
      disk().commit([{ key: old, value: one }], () => {});
    });
  }
  cluster.pass(100);
  m1.kill();
  m1.restart();
  cluster.pass(100);
  add("5");
  cluster.settle();
  expect(m1.json("boards/a")).toEqual({ tags: ["1", "2", "3", "4", "5"] });
  m1.restart();
  cluster.settle();
  expect(m1.json("boards/a")).toEqual({ tags: ["1", "2", "3", "4", "5"] });
});

test("places of a row of a tail: of one stream or several, forwards or not, and those from a number on", () => {
  const places = [
    { stream: 7, position: 3 },
    { stream: 7, position: 4 },
    { stream: 7, position: 300 },
    { stream: 9, position: 2 ** 53 - 1 },
    { stream: 7, position: 301 },
    { stream: 7, position: 5 },
    { stream: 7, position: 5 },
  ];
  const key = tailKey(12, 300);
  const value = tailRow.encode(key, places);
  expect(tailRow.decode(key, value)).toEqual(places);
  expect(placesInTail(key, value, 1)).toEqual(places);
  expect(placesInTail(key, value, 294)).toEqual(places);
  expect(placesInTail(key, value, 295)).toEqual(places.slice(1));
  expect(placesInTail(key, value, 300)).toEqual(places.slice(6));
  expect(placesInTail(key, value, 301)).toEqual([]);
});

test("a later layout is not touched, and said", () => {
  const { cluster, m1, disk } = oneNode();
  setLayout(disk(), LAYOUT_VERSION + 1);
  cluster.pass(100);
  m1.kill();
  expect(() => {
    m1.restart();
    cluster.pass(100);
  }).toThrow(ForeignStore);
});
