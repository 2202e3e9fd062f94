/** Changes on links: few bytes, and at the other end the very bytes that were stored. */
import { readFileSync } from "node:fs";
import {
  type Change,
  CORE_LIMITS,
  createChange,
  Document,
  type Draft,
  decodeChange,
  KINDS,
  LINK_LIMITS,
  LinkDecoder,
  LinkEncoder,
  type Value,
} from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { draws } from "./share.js";
import { expectBytes, expectEqual, NAME, steps, unwrap, World } from "./world.js";

/** Both ends of a link: what comes out must be what went in. */
class Link {
  readonly encoder = new LinkEncoder();
  readonly decoder = new LinkDecoder();

  pass(change: Change): number {
    const frame = this.encoder.encode(change);
    expectEqual(unwrap(this.decoder.decode(frame)), change);
    return frame.length;
  }
}

/** A document that one author writes, a millisecond after the other. */
class Pen {
  readonly document: Document;
  stamp = 4096 * 1_000_000;

  constructor(
    key = "roadmap",
    readonly author = 2 ** 52 + 1,
  ) {
    this.document = new Document({ collection: "boards", key });
  }

  write(mutate: (draft: Draft) => void): Change {
    this.stamp += 4096;
    return this.document.transact({ author: this.author, stamp: this.stamp }, mutate)!;
  }
}

describe("what a change costs once its shape is known", () => {
  const after = (warm: (draft: Draft, i: number) => void, mutate: (draft: Draft) => void): number => {
    const [link, pen] = [new Link(), new Pen()];
    for (let i = 0; i < 1000; i++) link.pass(pen.write((draft) => warm(draft, i)));
    return link.pass(pen.write(mutate));
  };
  const tenBytes = (i: number) => `element${String(i).padStart(3, "0")}`;

  test("a step of a counter: 4 bytes; an element of ten bytes: 15; a small register: at most 10", () => {
    const step = (draft: Draft) => draft.counter("votes").increment();
    expect(after(step, step)).toBe(4);
    const add = (draft: Draft, i: number) => draft.set("tags").add(tenBytes(i % 900));
    expect(after(add, (draft) => draft.set("tags").add(tenBytes(950)))).toBe(15);
    const set = (draft: Draft, i: number) => draft.register(`key-${i % 100}`).set(i);
    expect(after(set, (draft) => draft.register("key-42").set(42))).toBeLessThanOrEqual(10);
  });

  test("in batches of a thousand at most 2, 12.5 and 6 bytes each", () => {
    const many = (each: (draft: Draft, i: number) => void) =>
      after(each, (draft) => {
        for (let i = 0; i < 1000; i++) each(draft, i);
      }) / 1000;
    const chance = (i: number) => Math.imul(i, 0x9e3779b1) >>> 0;
    expect(many((draft) => draft.counter("votes").increment())).toBeLessThan(0.1);
    expect(many((draft, i) => draft.set("tags").add(tenBytes(chance(i) % 1000)))).toBeLessThan(12.5);
    expect(many((draft, i) => draft.register(`key-${chance(i) % 100}`).set(chance(i) % 1000))).toBeLessThan(
      6,
    );
  });

  test("two who answer each other: what they observed is known too", () => {
    const [link, a, b] = [new Link(), new Pen("roadmap", 2 ** 52 + 1), new Pen("roadmap", 2 ** 52 + 2)];
    let last = 0;
    for (let i = 0; i < 20; i++) {
      const [from, to] = i % 2 === 0 ? [a, b] : [b, a];
      const change = from.write((draft) => draft.counter("votes").increment());
      to.document.apply(change);
      last = link.pass(change);
    }
    expect(last).toBeLessThanOrEqual(11);
  });
});

test("random histories of two documents: every change comes out as it was stored", () => {
  fc.assert(
    fc.property(steps, steps, (one, other) => {
      const link = new Link();
      const worlds = [new World(3), new World(3)];
      for (const step of one) worlds[0]!.step(step);
      for (const step of other) worlds[1]!.step(step);
      const [first, second] = worlds.map((world) => [...world.made.values()].map(({ change }) => change));
      const renamed = second!.map((change) => createChange({ ...change, document: { ...NAME, key: "b" } }));
      for (let i = 0; i < Math.max(first!.length, renamed.length); i++) {
        for (const change of [first![i], renamed[i]]) if (change !== undefined) link.pass(change);
      }
    }),
    { numRuns: draws(100) },
  );
});

test("any values, one by one and together, whatever their stamps and in any order", () => {
  const values = fc.array(
    fc.oneof(
      fc.jsonValue() as fc.Arbitrary<Value>,
      fc.uint8Array(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(values, fc.array(fc.maxSafeNat(), { minLength: 3, maxLength: 3 }), (written, stamps) => {
      const document = new Document(NAME);
      const changes = [
        document.transact({ author: 1, stamp: stamps[0]! }, (draft) => {
          for (const value of written) draft.register("title").set(withoutProto(value));
        })!,
        document.transact({ author: 2 ** 53 - 1, stamp: stamps[1]! }, (draft) => {
          for (const value of written) draft.set("tags").add(withoutProto(value));
        })!,
        document.transact({ author: 1, stamp: stamps[2]! }, (draft) => draft.register("title").set(7))!,
      ];
      for (const order of [changes, [...changes].reverse()]) {
        const link = new Link();
        for (const change of [...order, ...order]) link.pass(change);
      }
    }),
    { numRuns: draws(300) },
  );
});

/** `__proto__` is not a key: what fast-check makes of it is something else. */
function withoutProto(value: Value): Value {
  return JSON.stringify(value)?.includes("__proto__") ? null : value;
}

describe("at each limit the oldest is forgotten, at both ends alike", () => {
  /** Changes by `make(i)` for i below `max` and one more, then the first again, which has to be said anew. */
  const forgets = (max: number, make: (i: number) => Change, again: (i: number) => Change) => {
    const link = new Link();
    for (let i = 0; i < max; i++) link.pass(make(i));
    link.pass(again(4));
    const known = link.pass(again(0));
    link.pass(make(max));
    expect(link.pass(again(0))).toBeGreaterThan(known);
    expect(link.pass(again(2))).toBe(known);
  };
  const step = (key: string, author: number, first: number, field = "votes"): Change =>
    createChange({
      document: { collection: "boards", key },
      author,
      first,
      stamp: 1,
      observed: [],
      paths: [[{ name: field, kind: KINDS.counter }]],
      ops: [{ path: 0, op: { act: "step", by: 1 } }],
    });
  const long = (i: number) => `a key that is long enough to be noticed ${i}`;

  test("linkWritersMax", () => {
    // A document's second change of another author needs its writer, and that one is longer than a number.
    forgets(
      LINK_LIMITS.linkWritersMax,
      (i) => step("a", 2 ** 52 + i, 1),
      (i) => step("a", 2 ** 52 + i, 9, "stars"),
    );
  });

  test("linkDocumentsMax", () => {
    let author = 2 ** 52;
    forgets(
      LINK_LIMITS.linkDocumentsMax,
      (i) => step(long(i), 2 ** 51, 1),
      (i) => step(long(i), author++, 9),
    );
  });

  test("linkPathsMax", () => {
    let first = 1;
    let key = 0;
    forgets(
      LINK_LIMITS.linkPathsMax,
      (i) => step("a", 2 ** 52, first++, long(i)),
      // In other documents, so that it is the path that counts and not the shape.
      (i) => step(`b${key++}`, 2 ** 52, 1, long(i)),
    );
  });

  test("linkShapesMax", () => {
    const [fields, authors] = [512, LINK_LIMITS.linkShapesMax / 512];
    const next = new Map<number, number>();
    const change = (i: number) => {
      const author = 2 ** 52 + (Math.floor(i / fields) % (authors + 1));
      next.set(author, (next.get(author) ?? 0) + 1);
      return step("a", author, next.get(author)!, `f${i % fields}`);
    };
    const link = new Link();
    for (let i = 0; i < LINK_LIMITS.linkShapesMax; i++) link.pass(change(i));
    expect(link.pass(change(0))).toBe(4);
    link.pass(change(LINK_LIMITS.linkShapesMax));
    expect(link.pass(change(0))).toBeGreaterThan(4);
  });
});

test("a change of very many paths leaves what is known as it was: none of its paths is remembered", () => {
  const [link, pen] = [new Link(), new Pen()];
  const long = (i: number) => `a field that is long enough to be noticed ${i}`;
  const on = (count: number, from = 0) =>
    pen.write((draft) => {
      for (let i = from; i < from + count; i++) draft.counter(long(i)).increment();
    });
  link.pass(on(33, 100));
  // Said again in full.
  expect(link.pass(on(33, 100))).toBeGreaterThan(33 * 40);
  link.pass(on(32));
  expect(link.pass(on(32))).toBeLessThan(3 * 32 + 30);
  // Both ends have counted alike: what comes next is found by its number.
  for (let i = 30; i < 36; i++)
    for (let again = 0; again < 3; again++)
      link.pass(pen.write((draft) => draft.counter(long(i)).increment()));
});

/** A short run as a rule; `SYNCLINE_FUZZ=1000000` makes a long one. */
const FUZZ_RUNS = Number(process.env.SYNCLINE_FUZZ ?? 5000);

describe("bad frames", () => {
  test("random bytes are never a throw", { timeout: 60_000 + FUZZ_RUNS * 10 }, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (frames) => {
        const decoder = new LinkDecoder();
        for (const frame of frames) decoder.decode(frame);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });

  test("changed anywhere, a frame is a fault, or a change in its one encoding", () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat({ max: 255 }), fc.nat(), (history, at, byte, which) => {
        const world = new World(2);
        for (const step of history) world.step(step);
        const encoder = new LinkEncoder();
        const frames = [...world.made.values()].map(({ change }) => encoder.encode(change));
        const decoder = new LinkDecoder();
        frames.forEach((frame, i) => {
          if (i === which % frames.length) frame[at % frame.length] = byte;
          const result = decoder.decode(frame);
          if (result.ok) expectEqual(unwrap(decodeChange(result.value.bytes)), result.value);
        });
      }),
      { numRuns: draws(200) },
    );
  });

  test("a lost frame is found out, and nothing is taken after it", () => {
    const [encoder, decoder, pen] = [new LinkEncoder(), new LinkDecoder(), new Pen()];
    const send = () => encoder.encode(pen.write((draft) => draft.counter("votes").increment()));
    unwrap(decoder.decode(send()));
    send();
    const results = Array.from({ length: 8 }, () => decoder.decode(send()));
    expect(results.some(({ ok }) => !ok)).toBe(true);
    expect(results.at(-1)).toMatchObject({ ok: false, fault: { code: "MALFORMED" } });
  });

  test("a short frame cannot make a change of more than changeBytesMax", () => {
    const [encoder, decoder, pen] = [new LinkEncoder(), new LinkDecoder(), new Pen()];
    const frame = encoder.encode(
      pen.write((draft) => {
        for (let i = 0; i < CORE_LIMITS.opsPerChangeMax; i++) draft.counter("votes").increment();
      }),
    );
    expect(frame.length).toBeLessThan(80);
    expect(unwrap(decoder.decode(frame)).ops.length).toBe(CORE_LIMITS.opsPerChangeMax);
    expect(decoder.decode(new Uint8Array(2 * CORE_LIMITS.changeBytesMax + 1))).toMatchObject({ ok: false });
  });

  describe("byte by byte", () => {
    const ascii = (text: string): number[] => [text.length, ...Buffer.from(text)];
    const DOCUMENT = [0, ...ascii("boards"), ...ascii("roadmap")];
    const WRITER = [0, ...DOCUMENT, 7];
    const PATH = [0, 1, ...ascii("votes"), KINDS.counter];
    /** First op 1, stamp 1, nothing observed. */
    const HEAD = [0, 4, 0];
    const decode = (bytes: readonly number[], check = 0) =>
      new LinkDecoder().decode(Uint8Array.of(check, ...bytes));

    test("what they are made of is right: one op, two of them, and one of a later version as it is", () => {
      const link = new LinkEncoder();
      const document = new Document(NAME);
      const step = (draft: Draft) => draft.counter("votes").increment();
      const one = document.transact({ author: 7, stamp: 1 }, step)!;
      expect([...link.encode(one)].slice(1)).toEqual([2, 0, ...WRITER, ...PATH, 3, 1, ...HEAD, 1]);
      // Columns of paths, codes, tags, ints, lengths, counts of dots, slots, and how far below.
      const batch = [1, ...WRITER, ...HEAD, 1, ...PATH, 2, 0, 0, 11, 11, 1, 1];
      const two = new Document(NAME).transact({ author: 7, stamp: 1 }, (draft) => {
        step(draft);
        step(draft);
      })!;
      expect([...new LinkEncoder().encode(two)].slice(1)).toEqual(batch);
      const later = one.bytes.slice();
      later[0] = 9;
      const frame = new LinkEncoder().encode({ ...one, bytes: later });
      expect([...frame].slice(1)).toEqual([0, ...later]);
      expect(new LinkDecoder().decode(frame)).toMatchObject({ ok: false });
    });

    test.each<[what: string, bytes: readonly number[], reason: RegExp]>([
      ["no shape of that number", [3], /no.* number 0/],
      ["no shape of that number, said with a head", [2, 3], /no.* number 2/],
      ["no writer of that number", [2, 0, 5], /no.* number 4/],
      ["no document of that number", [2, 0, 0, 3, 7], /no.* number 2/],
      ["no path of that number", [2, 0, ...WRITER, 6], /no.* number 5/],
      ["a document of no name", [2, 0, 0, 0, 0, ...ascii("roadmap"), 7], /collection/],
      ["an author 0", [2, 0, 0, ...DOCUMENT, 0, ...PATH, 3, 1, ...HEAD, 1], /no author has number 0/],
      ["a layout that is none", [2, 0, ...WRITER, ...PATH, 4, 1, ...HEAD, 1], /no layout has number 4/],
      ["an op 0", [2, 0, ...WRITER, ...PATH, 3, 1, 65, 4, 0, 1], /not a counter/],
      ["a stamp below zero", [2, 0, ...WRITER, ...PATH, 3, 1, 0, 2, 0, 1], /not a stamp/],
      ["a millisecond below zero", [2, 0, ...WRITER, ...PATH, 3, 1, 0, 3, 0, 1], /not a stamp/],
      ["more observed than there can be", [2, 0, ...WRITER, ...PATH, 3, 1, 0, 4, 9, 1], /9 things declared/],
      ["bytes left over", [1, ...WRITER, ...HEAD, 1, ...PATH, 2, 0, 0, 11, 11, 1, 1, 0], /1 bytes too many/],
      ["a dot below zero", [2, 0, ...WRITER, ...PATH, 2, 2, ...HEAD, 0, 1], /a dot below zero/],
      ["a dot of nobody", [2, 0, ...WRITER, ...PATH, 2, 2, ...HEAD, 1, 0], /no author has place 1/],
      [
        "a layout in a column that is none",
        [1, ...WRITER, ...HEAD, 1, ...PATH, 2, 0, 0, 12, 12, 1, 1],
        /no layout has number 4/,
      ],
      [
        "a path that is not in the table",
        [1, ...WRITER, ...HEAD, 1, ...PATH, 2, 0, 1, 11, 11, 1, 1],
        /not from 0 to 0/,
      ],
      ["more paths than there can be", [1, ...WRITER, ...HEAD, 99, ...PATH], /99 things declared/],
      ["no change at all", [0, 1, 2, 3], /the ends of the link do not know the same/],
      [
        "another check",
        [2, 0, ...WRITER, ...PATH, 3, 1, ...HEAD, 1],
        /the ends of the link do not know the same/,
      ],
    ])("%s", (_what, bytes, reason) => {
      const result = decode(bytes);
      expect(result.ok ? "taken" : result.fault.reason).toMatch(reason);
    });
  });

  test("a number that nothing has", () => {
    expect(new LinkDecoder().decode(Uint8Array.of(0, 3, 2))).toMatchObject({
      ok: false,
      fault: { reason: "nothing on this link has number 0, at byte 2" },
    });
  });
});

test("frames that were written once are read for ever", () => {
  const file = new URL("./golden-links/first.golden.json", import.meta.url);
  const golden: { frame: string; change: string }[] = JSON.parse(readFileSync(file, "utf8"));
  const [encoder, decoder] = [new LinkEncoder(), new LinkDecoder()];
  for (const { frame, change } of golden) {
    const bytes = Buffer.from(change, "hex");
    expectBytes(unwrap(decoder.decode(Buffer.from(frame, "hex"))).bytes, bytes);
    expectBytes(encoder.encode(unwrap(decodeChange(bytes))), Buffer.from(frame, "hex"));
  }
});
