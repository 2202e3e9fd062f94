/** Names of one hash, which whoever may write can choose: they are kept like others, and cost little more. */
import { Document, packDocuments, type SetDraft } from "@syncline/core";
import { expect, test } from "vitest";
import { NameTable } from "../../packages/core/src/name-table.js";
import { expectBytes, NAME, unwrap } from "./world.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const encoder = new TextEncoder();

/** 2^k names of one FNV-1a hash: k blocks, and for each another that leads from the same state to the same next one. */
function namesOfOneHash(k: number): string[] {
  let names = [""];
  let state = 0x811c9dc5 | 0;
  for (let i = 0; i < k; i++) {
    const [one, other, next] = collisionFrom(state);
    names = names.flatMap((name) => [name + one, name + other]);
    state = next;
  }
  return names;
}

function collisionFrom(state: number): [string, string, number] {
  const seen = new Map<number, string>();
  for (let n = 0; ; n++) {
    const block = [0, 1, 2, 3].map((i) => LETTERS[Math.floor(n / 36 ** i) % 36]).join("");
    let next = state;
    for (let i = 0; i < 4; i++) next = Math.imul(next ^ block.charCodeAt(i), 0x01000193);
    const other = seen.get(next);
    if (other !== undefined) return [other, block, next];
    seen.set(next, block);
  }
}

const CROWD = namesOfOneHash(11);
const ORDINARY = CROWD.map((name, i) => `n${i}`.padEnd(name.length, "x"));

/** The bytes of these names, the reads of which are counted. */
function counted(names: readonly string[]): { bytes: Uint8Array; lengths: Uint32Array; reads: () => number } {
  let reads = 0;
  const get = (target: Uint8Array, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, key);
    if (typeof value === "number") reads++;
    return typeof value === "function" ? value.bind(target) : value;
  };
  return {
    bytes: new Proxy(encoder.encode(names.join("")), { get }),
    lengths: Uint32Array.from(names, (name) => name.length),
    reads: () => reads,
  };
}

test("each is compared with few others", () => {
  const [crowd, ordinary] = [counted(CROWD), counted(ORDINARY)];
  expect(NameTable.of(crowd.bytes, crowd.lengths)?.size).toBe(CROWD.length);
  expect(NameTable.of(ordinary.bytes, ordinary.lengths)?.size).toBe(CROWD.length);
  // Of 2,048: some ten bytes of each that it is compared with.
  expect(crowd.reads() / CROWD.length).toBeLessThan(1_000);
  expect(crowd.reads()).toBeLessThan(20 * ordinary.reads());
});

test("they are found by their names, in copies and from other tables, and none is there twice", () => {
  const written = new NameTable();
  for (const [i, name] of CROWD.entries()) expect(written.findOrAdd(name)).toBe(i);
  const { bytes, lengths } = counted(CROWD);
  const half = new NameTable();
  for (const name of CROWD.slice(1_000)) half.findOrAdd(name);
  const copy = half.clone();
  for (const name of CROWD.slice(0, 10)) copy.findOrAdd(name);
  for (const table of [written, NameTable.of(bytes, lengths)!, written.clone()]) {
    expect(table.all()).toEqual(CROWD);
    expect(CROWD.map((name) => table.find(name))).toEqual([...CROWD.keys()]);
    expect(table.find(`${CROWD[0]}x`)).toBe(-1);
    expect(CROWD.map((_, i) => half.findFrom(table, i))).toEqual(
      CROWD.map((_, i) => Math.max(i - 1_000, -1)),
    );
    expect(copy.findFrom(table, 5)).toBe(1_053);
  }
  expect(half.size).toBe(1_048);
  const twice = counted([...CROWD, CROWD[1_500]!]);
  expect(NameTable.of(twice.bytes, twice.lengths)).toBeUndefined();
});

test("documents of them are written, read, merged and copied like others", () => {
  packDocuments();
  const made = (names: readonly string[], author: number): Document => {
    const document = new Document(NAME);
    for (let i = 0; i < names.length; i += 100)
      document.transact({ author, stamp: i + 1 }, (draft) => {
        for (const name of names.slice(i, i + 100)) {
          draft.register(name).set(i);
          (draft.set("tags") as SetDraft).add(name);
        }
      });
    return document;
  };
  const [one, other] = [made(CROWD.slice(0, 1_200), 1), made(CROWD.slice(800), 2)];
  const [oneRead, otherRead] = [one, other].map((each) => unwrap(Document.decodeState(each.encodeState())));
  const merged = one.clone();
  merged.merge(otherRead!);
  other.merge(oneRead!);
  expectBytes(merged.encodeState(), other.encodeState());
  expectBytes(unwrap(Document.decodeState(merged.encodeState())).encodeState(), merged.encodeState());
  for (const name of CROWD) expect(merged.set("tags").has(name)).toBe(true);
});
