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
  streamRow,
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
