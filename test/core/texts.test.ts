/** The log of updates of a text, alone: kept, joined, put together and read on from a mark, whatever the updates mean. */
import {
  ByteWriter,
  type Change,
  Document,
  KINDS,
  Replica,
  readTextWith,
  sealed,
  type TextState,
  textLog,
} from "@syncline/core";
import { describe, expect, test } from "vitest";
import { expectBytes, expectEqual, NAME, unwrap } from "./world.js";

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const shown = (updates: readonly Uint8Array[] | undefined): string[] | undefined =>
  updates?.map((update) => Buffer.from(update).toString());
const stateOf = (document: Document): TextState => document.at("text", textLog).state;
const bring = (document: Document, author: number, ...updates: string[]): Change =>
  document.transact({ author, stamp: 1 }, (draft) => {
    for (const update of updates) draft.at("text", textLog).bring(bytes(update));
  })!;

describe("before anybody has said how text is read", () => {
  test("updates are kept as they come, of each author once, and joined in any order to the same bytes", () => {
    const [ann, bob, cleo] = [new Document(NAME), new Document(NAME), new Document(NAME)];
    const ofAnn = [bring(ann, 1, "a1", "a2"), bring(ann, 1, "a3")];
    const ofBob = bring(bob, 2, "b1");
    expect(shown(stateOf(ann).updates())).toEqual(["a1", "a2", "a3"]);
    cleo.apply(ofBob);
    for (const change of ofAnn) cleo.apply(change);
    ann.apply(ofBob);
    bob.merge(cleo);
    for (const document of [ann, bob]) {
      document.merge(cleo);
      expectBytes(document.encodeState(), cleo.encodeState());
      expectBytes(unwrap(Document.decodeState(document.encodeState())).encodeState(), cleo.encodeState());
      expect(stateOf(document).updates()).toHaveLength(4);
      expect(stateOf(document).bytes).toBe(8);
    }
    expect(ann.toJSON()).toEqual({});
  });

  test("who lacks something of an author gets that alone", () => {
    const [ann, bob] = [new Document(NAME), new Document(NAME)];
    bob.apply(bring(ann, 1, "a1"));
    bring(ann, 1, "a2", "a3");
    bring(bob, 2, "b1");
    expect([stateOf(ann).covers(stateOf(bob)), stateOf(bob).covers(stateOf(ann))]).toEqual([false, false]);
    bob.merge(ann);
    expect(shown(stateOf(bob).updates())).toEqual(["a1", "b1", "a2", "a3"]);
    expect([stateOf(ann).covers(stateOf(bob)), stateOf(bob).covers(stateOf(ann))]).toEqual([false, true]);
    expect(stateOf(ann).covers(stateOf(ann.clone()))).toBe(true);
  });

  test("from a mark on there is what has come since, unless something was taken back or it is another's mark", () => {
    const document = new Document(NAME);
    bring(document, 1, "a1", "a2");
    const state = stateOf(document);
    const mark = state.mark();
    expect(shown(state.since(mark))).toEqual([]);
    bring(document, 2, "b1");
    bring(document, 1, "a3");
    expect(shown(state.since(mark))).toEqual(["b1", "a3"]);
    expect(shown(state.since(state.mark()))).toEqual([]);
    expect(state.since(undefined)).toBeUndefined();
    expect(stateOf(document.clone()).since(mark)).toBeUndefined();
    const before = document.encodeState();
    document.prepare({ author: 1, stamp: 1 }, (draft) => {
      draft.at("text", textLog).bring(bytes("taken back"));
      draft.at("text", textLog).bring(bytes("too"));
    });
    document.prepare({ author: 3, stamp: 1 }, (draft) =>
      draft.at("text", textLog).bring(bytes("by a new one")),
    );
    expect(state.since(mark)).toBeUndefined();
    expect([state.bytes, shown(state.updates())]).toEqual([8, ["a1", "a2", "b1", "a3"]]);
    expectBytes(document.encodeState(), before);
    // What was taken back is not taken for there.
    const other = document.clone();
    bring(other, 3, "again");
    document.merge(other);
    expect(shown(state.since(state.mark()))).toEqual([]);
    expect(shown(state.updates())).toContain("again");
  });

  test("an op of another kind is none of a text's", () => {
    const document = new Document(NAME);
    const change = bring(new Document(NAME), 1, "a1");
    const strange = { ...change, ops: [{ path: 0, op: { act: "step", by: 1 } as const }] };
    expect(() => document.apply(strange)).toThrow(/"step" has no such path/);
    expect(document.isEmpty()).toBe(true);
    document.apply(change);
    expect(shown(stateOf(document).updates())).toEqual(["a1"]);
  });

  test("an update has bytes", () => {
    expect(() => bring(new Document(NAME), 1, "")).toThrow(/an update of no bytes/);
  });
});

describe("states and ops byte by byte", () => {
  const [A, B] = [
    [1, 0x61],
    [1, 0x62],
  ] as const;
  const take = (state: readonly number[]): string => {
    const replica = new Replica(textLog, 9);
    const out = new ByteWriter();
    for (const n of [3, KINDS.text, 2, 1, 9, 2, 9]) out.uint(n);
    out.raw(Uint8Array.from(state));
    const whole = sealed(out);
    const result = replica.merge(whole);
    if (!result.ok) return result.fault.reason;
    expectBytes(replica.state(), whole);
    return shown(replica.value.updates())!.join();
  };

  test("that are right", () => {
    expect(take([])).toBe("");
    expect(take([2, 0, 1, 3, ...A, 1, 2, 1, ...B, 9, ...A])).toBe("a,b,a");
  });

  test.each<[what: string, state: readonly number[], reason: RegExp]>([
    ["nothing at all, said", [0], /a text without updates/],
    ["authors out of order", [2, 1, 1, 3, ...A, 0, 1, 3, ...A], /authors out of order/],
    ["an author twice", [2, 0, 1, 3, ...A, 0, 1, 4, ...A], /authors out of order/],
    ["an author without updates", [2, 0, 0, 1, 1, 3, ...A], /authors out of order/],
    ["updates out of order", [1, 0, 2, 4, ...A, 3, ...B], /updates out of order/],
    ["an update twice", [1, 0, 2, 4, ...A, 4, ...A], /updates out of order/],
    ["an update 0", [1, 0, 1, 0, ...A], /updates out of order/],
    ["an update that was not seen", [1, 0, 1, 10, ...A], /10 is above 9/],
    ["more authors than there can be", [9, 0, 1, 3, ...A], /9 things declared/],
    ["more updates than there can be", [1, 0, 9, 3, ...A], /9 things declared/],
    ["bytes left over", [1, 0, 1, 3, ...A, 0], /1 bytes too many/],
  ])("%s", (_what, state, reason) => expect(take(state)).toMatch(reason));
});

describe("once somebody has said how text is read", () => {
  /** Put together they stand one after the other. */
  const concat = (updates: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(updates));

  test("a long log is put together author by author, in the order of each, and says nothing else", () => {
    readTextWith({ merge: concat, json: () => undefined, fits: () => true });
    const document = new Document(NAME);
    let [a, b] = ["", ""];
    let most = 0;
    const state = stateOf(document);
    const source = new Document(NAME);
    for (let i = 0; i < 1_200; i++) {
      const update = `${i % 10}`;
      const author = i % 3 === 0 ? 2 : 1;
      if (author === 1) a += update;
      else b += update;
      document.apply(bring(source, author, update));
      most = Math.max(most, stateOf(document).updates().length);
      expect(stateOf(document).bytes).toBe(i + 1);
    }
    expect(state.isEmpty).toBe(true);
    // Twice as much each time.
    expect(most).toBeLessThan(900);
    expect(most).toBeGreaterThan(200);
    const whole = unwrap(Document.decodeState(document.encodeState()));
    expect(shown(stateOf(whole).updates())).toEqual([a, b]);
    expectBytes(source.encodeState(), document.encodeState());
  });

  test("what was read from bytes is not put together again before as much has come", () => {
    const source = new Document(NAME);
    bring(source, 1, "x".repeat(1_000));
    const document = unwrap(Document.decodeState(source.encodeState()));
    for (let i = 1; i <= 1_300; i++) {
      document.apply(bring(source, 1, "y"));
      expect(stateOf(document).updates().length).toBe(i <= 1_000 ? 1 + i : 1 + (i - 1_000));
    }
  });

  test("from a mark of before that, there is all of it; what comes later goes on from it", () => {
    const document = new Document(NAME);
    bring(document, 1, "a1", "a2");
    bring(document, 2, "b1");
    const state = stateOf(document);
    const mark = state.mark();
    bring(document, 2, "b2");
    state.fold();
    expect(shown(state.updates())).toEqual(["a1a2", "b1b2"]);
    expect(shown(state.since(mark))).toEqual(["a1a2", "b1b2"]);
    expect(shown(state.since(state.mark()))).toEqual([]);
    const later = state.mark();
    bring(document, 1, "a3");
    bring(document, 3, "c1");
    expect(shown(state.since(later))).toEqual(["a3", "c1"]);
    expect(state.bytes).toBe(12);
    state.fold();
    expect(shown(state.updates())).toEqual(["a1a2a3", "b1b2", "c1"]);
    // Once more is nothing.
    state.fold();
    expect(shown(state.since(state.mark()))).toEqual([]);
    // Who has all of it joins nothing.
    const other = document.clone();
    document.merge(other);
    expect(shown(state.updates())).toEqual(["a1a2a3", "b1b2", "c1"]);
  });

  test("nothing is put together within a transaction, which may be taken back, however much has come before it", () => {
    readTextWith({ merge: concat, json: () => undefined, fits: () => true });
    const document = new Document(NAME);
    for (let i = 0; i < 600; i++) {
      bring(document, 1, "x");
      const before = shown(stateOf(document).updates());
      expect(() =>
        document.transact({ author: 1, stamp: 1 }, (draft) => {
          for (const update of ["y", "z"]) draft.at("text", textLog).bring(bytes(update));
          throw new Error("on purpose");
        }),
      ).toThrow("on purpose");
      expectEqual(shown(stateOf(document).updates()), before);
    }
    expect(stateOf(document).bytes).toBe(600);
  });
});
