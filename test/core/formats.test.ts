/** The stored forms, changes and states: what was written is read for ever, and nothing else is read at all. */
import { readdirSync, readFileSync } from "node:fs";
import {
  ByteWriter,
  type Change,
  CORE_LIMITS,
  changeId,
  createChange,
  Document,
  decodeChange,
  encodeChange,
  KINDS,
  readChangeHead,
} from "@syncline/core";
import { documentJson } from "@syncline/simulation";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { draws, SHARE } from "./share.js";
import { expectBytes, expectEqual, NAME, steps, unwrap, World, withChecksum } from "./world.js";

/** A history that was written once, as bytes, and what it shows. Files are added, and what stands in them is never changed. */
interface Golden {
  readonly what: string;
  /** In an order in which they can be applied. */
  readonly changes: readonly { readonly id: string; readonly stamp: number; readonly hex: string }[];
  readonly state: string;
  /** What a version wrote that did not know all the kinds in it. */
  readonly formerState?: string;
  /** What is written now of the changes, where more is kept than there was. The state stays what it was, to the byte. */
  readonly laterState?: string;
  readonly json: unknown;
  readonly kinds: Record<string, string>;
}

const FOLDER = new URL("./golden/", import.meta.url);
/** Where all tests share one process, others make the kinds known which this file must not know. */
const isKnownHere = (file: string): boolean => SHARE < 1 && file === "later.golden.json";
const goldens = readdirSync(FOLDER)
  .filter((file) => !isKnownHere(file))
  .map((file): [string, Golden] => [file, JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"))]);

describe.each(goldens)("%s", (_file, golden) => {
  test("decodes for ever, and means the same", () => {
    const document = new Document(NAME);
    const changes = golden.changes.map(({ hex }) => unwrap(decodeChange(fromHex(hex))));
    changes.forEach((change, i) => {
      const expected = golden.changes[i]!;
      expect(changeId(change)).toBe(expected.id);
      expect(change.stamp).toBe(expected.stamp);
      expectBytes(encodeChange(change), fromHex(expected.hex));
      document.apply(change);
    });
    expect(forJson(document.toJSON())).toEqual(golden.json);
    expect(forJson(documentJson(changes))).toEqual(golden.json);
    expect(document.kinds()).toEqual(golden.kinds);
    expectBytes(document.encodeState(), fromHex(golden.laterState ?? golden.state));
    const former = unwrap(Document.decodeState(fromHex(golden.formerState ?? golden.state)));
    expectBytes(former.encodeState(), fromHex(golden.state));
    const stored = unwrap(Document.decodeState(fromHex(golden.state)));
    expect(forJson(stored.toJSON())).toEqual(golden.json);
  });

  test("cut anywhere, or with any bit flipped, it is a fault", () => {
    for (const { hex } of golden.changes) {
      for (const bytes of damaged(fromHex(hex))) {
        expectEqual(decodeChange(bytes).ok, false);
        expectEqual(readChangeHead(bytes).ok, false);
      }
    }
    for (const bytes of damaged(fromHex(golden.state))) expectEqual(Document.decodeState(bytes).ok, false);
  });

  test("with any bit flipped under a right checksum it is a fault or another change, in its one encoding", () => {
    for (const { hex } of golden.changes) for (const bytes of forged(fromHex(hex))) expectChange(bytes);
    for (const bytes of forged(fromHex(golden.state))) expectState(bytes);
  });
});

test("the example in docs/change-format.md is what the writer writes", () => {
  const document = new Document(NAME);
  document.transact({ author: 5, stamp: 8192 }, (draft) => draft.set("tags").add("old"));
  const change = document.transact({ author: 7, stamp: 12288 }, (draft) => {
    draft.register("title").set("Plan");
    draft.counter("votes").increment();
    draft.set("tags").remove("old");
    draft.set("tags").add("p1");
  })!;
  const page = readFileSync(new URL("../../docs/change-format.md", import.meta.url), "utf8");
  const example = /```text example\n([^`]*)```/.exec(page)?.[1] ?? "";
  const hex = example.replaceAll(/#.*$/gm, "").replaceAll(/\s/g, "");
  expect(hex).toBe(toHex(change.bytes));
  expect(unwrap(decodeChange(fromHex(hex)))).toEqual(change);
});

/** A short run as a rule; `SYNCLINE_FUZZ=1000000` makes a long one. */
const FUZZ_RUNS = Number(process.env.SYNCLINE_FUZZ ?? 2000);

test("random bytes, bare and under a right checksum, are never a throw", {
  timeout: 60_000 + FUZZ_RUNS * 10,
}, () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      expectEqual(decodeChange(bytes).ok, false);
      expectEqual(Document.decodeState(bytes).ok, false);
      const head = fromHex("0106626f6172647307726f61646d6170");
      for (const body of [bytes, new Uint8Array([1, ...bytes]), new Uint8Array([...head, ...bytes])]) {
        expectChange(withChecksum(body));
        expectState(withChecksum(body));
      }
    }),
    { numRuns: FUZZ_RUNS },
  );
});

test("changes and states of random histories: canonical, and so is what a flipped byte makes of them", () => {
  fc.assert(
    fc.property(steps, fc.nat(), fc.nat({ max: 255 }), (history, at, byte) => {
      const world = new World(2);
      for (const step of history) world.step(step);
      for (const { change } of world.made.values()) {
        const decoded = unwrap(decodeChange(change.bytes));
        expectEqual(decoded, change);
        expectBytes(encodeChange(decoded), change.bytes);
        const { paths: _paths, ops: _ops, bytes: _bytes, ...head } = decoded;
        expectEqual(unwrap(readChangeHead(change.bytes)), head);
        expectChange(forgedAt(change.bytes, at, byte));
      }
      for (const document of world.documents) expectState(forgedAt(document.encodeState(), at, byte));
    }),
    { numRuns: draws(150) },
  );
});

describe("a change is refused", () => {
  const one = { collection: "boards", key: "roadmap", author: 7, first: 1, stamp: 1, observed: [[5, 2]] };
  const add = [1, 5, 1, 0x78];

  test("or not: the bytes that the cases below are made of are right", () => {
    expect(decodeChange(raw({})).ok).toBe(true);
    expect(decodeChange(raw({ ops: [[0, [2, 5, 1, 0x78, 1, 2]]] })).ok).toBe(true);
    expect(decodeChange(raw({ first: 2, ops: [[0, [2, 5, 1, 0x78, 0, 1]]] })).ok).toBe(true);
    expect(
      decodeChange(
        raw({
          paths: [[["tags", 3]], [["x", 77]]],
          ops: [
            [0, add],
            [1, []],
          ],
        }),
      ).ok,
    ).toBe(true);
  });

  test.each<[string, Partial<Raw>, RegExp]>([
    ["of a later format", { version: 2 }, /change format 2/],
    ["of a document with a bad name", { collection: "a/b" }, /collection/],
    ["of nobody", { author: 0 }, /author/],
    ["that begins with op 0", { first: 0 }, /begin with 1/],
    [
      "whose counters pass 2^53",
      {
        first: 2 ** 53 - 1,
        ops: [
          [0, add],
          [0, add],
        ],
      },
      /2\^53/,
    ],
    ["without ops", { paths: [], ops: [] }, /without ops/],
    [
      "that observes out of order",
      {
        observed: [
          [5, 2],
          [4, 1],
        ],
      },
      /out of order/,
    ],
    [
      "that observes an author twice",
      {
        observed: [
          [5, 2],
          [5, 3],
        ],
      },
      /out of order/,
    ],
    ["that observes itself", { observed: [[7, 1]] }, /observes himself/],
    ["that observes op 0", { observed: [[5, 0]] }, /begin with 1/],
    [
      "with a path twice",
      {
        paths: [[["tags", 3]], [["tags", 3]]],
        ops: [
          [0, add],
          [1, add],
        ],
      },
      /a path twice/,
    ],
    ["with an unused path", { paths: [[["tags", 3]], [["x", 3]]] }, /no op uses/],
    [
      "with paths out of order",
      {
        paths: [[["tags", 3]], [["x", 3]]],
        ops: [
          [1, add],
          [0, add],
        ],
      },
      /out of order/,
    ],
    ["with a path that is not there", { ops: [[1, add]] }, /out of order/],
    ["with an empty path", { paths: [[]] }, /at least one step/],
    ["with a field of no name", { paths: [[["", 3]]] }, /1 to 128 bytes/],
    ["with a field named __proto__", { paths: [[["__proto__", 3]]] }, /__proto__/],
    ["with a kind 0", { paths: [[["tags", 0]]] }, /tag is 1/],
    [
      "with a step named __proto__",
      {
        paths: [
          [
            ["m", 5],
            ["__proto__", 1],
          ],
        ],
        ops: [[0, [1]]],
      },
      /__proto__/,
    ],
    ["with an op of nothing", { ops: [[0, []]] }, /1 bytes expected/],
    ["that removes what it has not observed", { ops: [[0, [2, 5, 1, 0x78, 1, 3]]] }, /3 is above 2/],
    ["that removes an author it does not name", { ops: [[0, [2, 5, 1, 0x78, 2, 1]]] }, /2 is above 1/],
    ["that removes itself", { ops: [[0, [2, 5, 1, 0x78, 0, 1]]] }, /1 is above 0/],
    ["that removes a later op of its own", { first: 4, ops: [[0, [2, 5, 1, 0x78, 0, 4]]] }, /4 is above 3/],
    ["that removes op 0", { ops: [[0, [2, 5, 1, 0x78, 1, 0]]] }, /begin with 1/],
    ["that removes nothing", { ops: [[0, [2, 5, 1, 0x78]]] }, /removal of nothing/],
    ["that removes out of order", { ops: [[0, [2, 5, 1, 0x78, 1, 2, 1, 1]]] }, /out of order/],
    ["that removes a dot twice", { ops: [[0, [2, 5, 1, 0x78, 1, 2, 1, 2]]] }, /out of order/],
    ["that clears an author twice", { ops: [[0, [3, 1, 1, 1, 2]]] }, /author twice/],
    ["that clears nothing", { ops: [[0, [3]]] }, /removal of nothing/],
    ["with half a dot", { ops: [[0, [1, 5, 1, 0x78, 1]]] }, /1 bytes expected/],
    ["with an op longer than its bytes", { ops: [[0, [1, 5, 9, 0x78]]] }, /9 bytes expected/],
    [
      "with a step too great",
      { paths: [[["v", 2]]], ops: [[0, [1, 0x81, 0x80, 0x80, 0x80, 0x10]]] },
      /counterStepMax/,
    ],
    ["with more than a step", { paths: [[["v", 2]]], ops: [[0, [1, 1, 0]]] }, /too many/],
    ["with a reset of nothing", { paths: [[["v", 2]]], ops: [[0, [2]]] }, /reset of nothing/],
    [
      "with a total beyond its steps",
      { paths: [[["v", 2]]], ops: [[0, [2, 1, 1, 1, 0]]] },
      /beyond its steps/,
    ],
    ["with a clear of nothing", { paths: [[["r", 1]]], ops: [[0, [2]]] }, /clear of nothing/],
    ["with bytes left over", { trailing: [0] }, /too many/],
    ["with more ops declared than there are bytes", { opCount: 5000 }, /too few bytes/],
    ["with more ops than allowed", { opCount: CORE_LIMITS.opsPerChangeMax + 1 }, /is above/],
  ])("%s", (_what, wrong, reason) => {
    const result = decodeChange(raw(wrong));
    expect(result.ok).toBe(false);
    if (!result.ok) {
      expect(result.fault.code).toBe("MALFORMED");
      expect(result.fault.reason).toMatch(reason);
    }
  });

  test("when it is larger than allowed, before its checksum is looked at", () => {
    const result = decodeChange(new Uint8Array(CORE_LIMITS.changeBytesMax + 1));
    expect(result).toMatchObject({ ok: false, fault: { reason: expect.stringMatching(/at most 524288/) } });
  });

  test("when a value in it is a bomb", () => {
    const bomb = Array.from({ length: 100_000 }, (_, i) => (i % 2 === 0 ? 7 : 1));
    expect(decodeChange(raw({ ops: [[0, [1, ...bomb]]] }))).toMatchObject({
      ok: false,
      fault: { reason: expect.stringMatching(/valueDepthMax/) },
    });
  });

  test("but a head is read without its ops being looked at", () => {
    const bytes = raw({ ops: [[0, [2, 5, 1, 0x78, 1, 3]]] });
    expect(unwrap(readChangeHead(bytes))).toEqual({
      document: NAME,
      author: 7,
      first: 1,
      last: 1,
      stamp: 1,
      observed: [{ author: 5, counter: 2 }],
    });
  });

  interface Raw {
    version: number;
    collection: string;
    key: string;
    author: number;
    first: number;
    stamp: number;
    observed: number[][];
    paths: [string, number][][];
    opCount: number;
    ops: [number, number[]][];
    trailing: number[];
  }

  /** A change as any program could write it. */
  function raw(parts: Partial<Raw>): Uint8Array {
    const defaults = {
      version: 1,
      ...one,
      paths: [[["tags", 3]]] as Raw["paths"],
      ops: [[0, add]] as Raw["ops"],
    };
    const { version, collection, key, author, first, stamp, observed, paths, ops, trailing, opCount } = {
      ...defaults,
      trailing: [],
      opCount: (parts.ops ?? defaults.ops).length,
      ...parts,
    };
    const out = new ByteWriter();
    out.byte(version);
    out.text(collection);
    out.text(key);
    for (const n of [author, first, stamp, observed.length, ...observed.flat(), paths.length]) out.uint(n);
    for (const path of paths) {
      out.uint(path.length);
      for (const [name, kind] of path) {
        out.text(name);
        out.uint(kind);
      }
    }
    out.uint(opCount);
    for (const [path, payload] of ops) {
      out.uint(path);
      out.bytes(Uint8Array.from(payload));
    }
    out.raw(Uint8Array.from(trailing));
    return withChecksum(out.finish());
  }
});

test("small ops are small: the bytes of one op on its own, path and length included", () => {
  const empty = new Document(NAME);
  const size = (document: Document, mutate: Parameters<Document["prepare"]>[1]): number => {
    const by = { author: 7, stamp: 1 };
    const two = document.prepare(by, (draft) => {
      mutate(draft);
      draft.register("z").set(null);
    })!;
    const none = document.prepare(by, (draft) => draft.register("z").set(null))!;
    const { paths, ops } = two;
    const path = new ByteWriter();
    for (const { name, kind } of paths[0]!) {
      path.text(name);
      path.uint(kind);
    }
    expect(ops.length).toBe(2);
    return two.bytes.length - none.bytes.length - (path.length + 1);
  };
  expect(size(empty, (draft) => draft.counter("f").increment())).toBe(4);
  expect(size(empty, (draft) => draft.set("f").add("ten bytes!"))).toBe(15);
  expect(size(empty, (draft) => draft.register("f").set(5))).toBeLessThanOrEqual(10);
});

test("ops of later versions are kept, forwarded, stored and joined, and not shown", () => {
  const path = [{ name: "x", kind: 99 }];
  const later = createChange({
    document: NAME,
    author: 1,
    first: 1,
    stamp: 1,
    observed: [],
    paths: [path],
    ops: [{ path: 0, op: { act: "opaque", bytes: Uint8Array.of(1, 2, 3) } }],
  });
  const input = later.bytes.slice();
  const document = new Document(NAME);
  document.apply(unwrap(decodeChange(input)));
  const state = document.encodeState();
  input.fill(0);
  expectBytes(document.encodeState(), state);
  expect(toHex(state)).toContain("010203");
  expect(document.toJSON()).toEqual({});
  expect(document.isEmpty()).toBe(false);
  const other = new Document(NAME);
  other.merge(unwrap(Document.decodeState(state)));
  expectBytes(other.encodeState(), state);
  // A kind that is not known yet, but was first, keeps the bare name for those who know it.
  other.transact({ author: 2, stamp: 5 }, (draft) => draft.register("x").set("later"));
  expect(other.toJSON()).toEqual({ "x@register": "later" });
});

test("a change that an encoder cannot write is refused by it", () => {
  const good: Change = new Document(NAME).prepare({ author: 1, stamp: 1 }, (draft) => draft.set("x").add(1))!;
  expectBytes(encodeChange(good), good.bytes);
  for (const wrong of [
    { author: 0 },
    { first: 0 },
    { stamp: 0.5 },
    { ops: [] },
    { document: { collection: "", key: "k" } },
    { paths: [[{ name: "__proto__", kind: KINDS.set }]] },
    { paths: [[]] },
    { paths: [] },
    { paths: [[{ name: "x", kind: KINDS.counter }]] },
    { paths: [[{ name: "x", kind: 99 }]] },
    { paths: [...good.paths, ...good.paths] },
  ]) {
    expect(() => encodeChange({ ...good, ...wrong })).toThrow();
  }
});

/** Either a fault, or the one encoding of what it is. */
function expectChange(bytes: Uint8Array): void {
  const result = decodeChange(bytes);
  const head = readChangeHead(bytes);
  if (!result.ok) {
    expectEqual(result.fault.code, "MALFORMED");
    return;
  }
  expectBytes(encodeChange(result.value), bytes);
  expectEqual(head.ok && changeId(head.value), changeId(result.value));
}

function expectState(bytes: Uint8Array): void {
  const result = Document.decodeState(bytes);
  if (result.ok) {
    expectBytes(result.value.encodeState(), bytes);
    const joined = new Document(result.value.name);
    joined.merge(result.value);
    expectBytes(joined.encodeState(), bytes);
  } else {
    expectEqual(result.fault.code, "MALFORMED");
  }
}

function* damaged(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.slice(0, length);
  for (let bit = 0; bit < 8 * bytes.length; bit += STEP) yield flipped(bytes, bit);
}

/** Each bit of a byte comes up in turn where not all are tried. */
const STEP = SHARE < 1 ? 9 : 1;

/** With each bit flipped, and each byte cut, and the checksum made right again. */
function* forged(bytes: Uint8Array): Generator<Uint8Array> {
  const body = bytes.slice(0, -4);
  for (let length = 0; length < body.length; length++) yield withChecksum(body.slice(0, length));
  for (let bit = 0; bit < 8 * body.length; bit += STEP) yield withChecksum(flipped(body, bit));
}

function forgedAt(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const body = bytes.slice(0, -4);
  body[at % body.length] = byte;
  return withChecksum(body);
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** JSON has no bytes: golden files say `{"$bytes": "hex"}`. */
function forJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: toHex(value) };
  if (Array.isArray(value)) return value.map(forJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, forJson(each)]));
}
