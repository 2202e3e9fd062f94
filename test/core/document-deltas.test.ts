/** Deltas of documents: a document and what has changed in another since what it has are the two documents. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  Document,
  decodeChange,
  documentDeltaSince,
  documentVersion,
  mergeDocumentDelta,
  type SetDraft,
  type Version,
} from "@syncline/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { draws, often } from "./share.js";
import {
  expectBytes,
  expectEqual,
  NAME,
  removals,
  type Step,
  steps,
  unwrap,
  World,
  withChecksum,
} from "./world.js";

/** Plays a history; then everybody gets deltas of everybody, since what he has and since what he had at some time. */
function play(history: readonly Step[], tally: Map<string, number>): void {
  const world = new World(3);
  const had: Version[][] = world.documents.map(() => [[]]);
  for (const step of history) {
    world.step(step);
    world.documents.forEach((document, at) => {
      had[at]!.push(documentVersion(document));
    });
  }
  world.documents.forEach((mine, to) => {
    world.documents.forEach((theirs, from) => {
      const merged = mine.clone();
      merged.merge(theirs.clone());
      const versions = had[to]!;
      for (const since of [0, 0.5, 1].map((part) => versions[Math.floor(part * (versions.length - 1))]!)) {
        const document = mine.clone();
        const delta = documentDeltaSince(theirs, since);
        const arrival = unwrap(mergeDocumentDelta(document, delta));
        expect(arrival).not.toBe("early");
        tally.set(arrival, (tally.get(arrival) ?? 0) + 1);
        expectBytes(document.encodeState(), merged.encodeState());
        expectEqual(document.toJSON(), merged.toJSON());
        expect(unwrap(mergeDocumentDelta(document, delta))).toBe("duplicate");
      }
      // Since what the maker has himself, nothing is new; but whoever lacks something of before hears that he does.
      const own = documentDeltaSince(theirs, documentVersion(theirs));
      const document = mine.clone();
      const arrival = unwrap(mergeDocumentDelta(document, own));
      tally.set(arrival, (tally.get(arrival) ?? 0) + 1);
      expectBytes(document.encodeState(), mine.encodeState());
      const lacks = documentVersion(theirs).some(({ author, counter }) => mine.counter(author) < counter);
      expect([to, from, arrival]).toEqual([to, from, lacks ? "early" : "duplicate"]);
    });
  });
}

test("random histories of all types, ops of later versions among them", () => {
  const tally = new Map<string, number>();
  for (const [all, numRuns] of [
    [steps, 50],
    [removals, 25],
  ] as const)
    fc.assert(
      fc.property(all, (history) => play(history, tally)),
      { numRuns: draws(numRuns) },
    );
  for (const arrival of ["applied", "duplicate", "early"])
    expect(tally.get(arrival) ?? 0, arrival).toBeGreaterThan(often(20));
});

interface Golden {
  readonly history: string;
  readonly before: string;
  readonly delta: string;
  readonly after: string;
}

const FILE = new URL("./golden-deltas/documents.golden.json", import.meta.url);
const HISTORIES = new URL("./golden/", import.meta.url);

test("deltas of documents are read for ever, mean the same, and are written alike", () => {
  if (process.env.SYNCLINE_WRITE === "deltas") writeFileSync(FILE, goldensAsNow());
  const { deltas } = JSON.parse(readFileSync(FILE, "utf8")) as { deltas: Golden[] };
  expect(deltas.map(({ history }) => history)).toEqual(readdirSync(HISTORIES));
  for (const golden of deltas) {
    const [before, delta, after] = [golden.before, golden.delta, golden.after].map((hex) =>
      Uint8Array.from(Buffer.from(hex, "hex")),
    ) as [Uint8Array, Uint8Array, Uint8Array];
    const [taker, maker] = [unwrap(Document.decodeState(before)), unwrap(Document.decodeState(after))];
    expectBytes(documentDeltaSince(maker, documentVersion(taker)), delta);
    expect(unwrap(mergeDocumentDelta(taker, delta)), golden.history).toBe("applied");
    expectBytes(taker.encodeState(), after);
  }
});

/** Of each golden history the first half, and what the other half adds to it. */
function goldensAsNow(): string {
  const deltas = readdirSync(HISTORIES).map((history): Golden => {
    const { changes } = JSON.parse(readFileSync(new URL(history, HISTORIES), "utf8")) as {
      changes: { hex: string }[];
    };
    const all = changes.map(({ hex }) => unwrap(decodeChange(Uint8Array.from(Buffer.from(hex, "hex")))));
    const document = new Document(all[0]!.document);
    for (const change of all.slice(0, all.length >> 1)) document.apply(change);
    const [before, version] = [document.encodeState(), documentVersion(document)];
    for (const change of all.slice(all.length >> 1)) document.apply(change);
    const parts = [before, documentDeltaSince(document, version), document.encodeState()];
    const [first, delta, after] = parts.map((bytes) => Buffer.from(bytes).toString("hex"));
    return { history, before: first!, delta: delta!, after: after! };
  });
  const what =
    "Of each golden history a document after half of it, a delta since, and the document after all of it.";
  return `${JSON.stringify({ what, deltas }, null, 2)}\n`;
}

test("one change in a large document takes a few bytes, and is told like a merge", () => {
  const [ann, bob] = [new Document(NAME), new Document(NAME)];
  ann.transact({ author: 1, stamp: 1 }, (draft) => {
    for (let i = 0; i < 1_000; i++) draft.register(`field ${i}`).set(`value ${i}`);
  });
  bob.merge(ann);
  const version = documentVersion(bob);
  ann.transact({ author: 1, stamp: 2 }, (draft) => {
    draft.register("field 7").set("new");
    draft.register("field 8").clear();
  });
  const delta = documentDeltaSince(ann, version);
  expect(delta.length).toBeLessThan(100);
  expect(unwrap(mergeDocumentDelta(bob, delta))).toBe("applied");
  expectBytes(bob.encodeState(), ann.encodeState());
});

test.each([
  ["some of it", (tags: SetDraft) => tags.remove("y"), ["x"]],
  ["all of it", (tags: SetDraft) => tags.clear(), []],
] as const)(
  "a delta that has nothing of a field but an earlier first use leaves what is left: %s was removed",
  (_what, remove, left) => {
    const [ann, bob, cleo] = [new Document(NAME), new Document(NAME), new Document(NAME)];
    ann.transact({ author: 1, stamp: 10 }, (draft) => draft.set("tags").add("x"));
    bob.merge(ann);
    const version = documentVersion(bob);
    cleo.transact({ author: 3, stamp: 5 }, (draft) => draft.set("tags").add("y"));
    ann.merge(cleo);
    ann.transact({ author: 1, stamp: 11 }, (draft) => remove(draft.set("tags")));
    expect(unwrap(mergeDocumentDelta(bob, documentDeltaSince(ann, version)))).toBe("applied");
    expect(bob.toJSON()).toEqual({ tags: left });
    expectBytes(bob.encodeState(), ann.encodeState());
  },
);

test("another document's delta, and bad bytes, are faults and change nothing; forged ones are never a throw", () => {
  fc.assert(
    fc.property(steps, fc.nat(), (history, pick) => {
      const world = new World(2);
      for (const step of history) world.step(step);
      const [mine, theirs] = world.documents as [Document, Document];
      const delta = documentDeltaSince(theirs, documentVersion(mine));
      expect(mergeDocumentDelta(new Document({ ...NAME, key: "other" }), delta).ok).toBe(false);
      const before = mine.encodeState();
      for (let i = 0; i < 40; i++) {
        const bit = (pick + i * 61) % (8 * delta.length);
        const flipped = delta.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        expect(mergeDocumentDelta(mine, flipped).ok).toBe(false);
        expectBytes(mine.encodeState(), before);
        const taker = mine.clone();
        if (!mergeDocumentDelta(taker, withChecksum(flipped.subarray(0, -4))).ok)
          expectBytes(taker.encodeState(), before);
      }
    }),
    { numRuns: draws(20) },
  );
});

test("of a field that was used there later than here what was removed goes, and the rest is left", () => {
  const [ann, bob, early] = [new Document(NAME), new Document(NAME), new Document(NAME)];
  ann.transact({ author: 1, stamp: 10 }, (draft) => {
    draft.set("tags").add("of ann");
    draft.set("tags").add("removed");
    draft.register("title").set("removed");
  });
  bob.merge(ann);
  // By the clocks these are the first uses, and Ann has not seen them.
  early.transact({ author: 2, stamp: 5 }, (draft) => {
    draft.set("tags").add("of bob");
    draft.register("title").set("of bob");
  });
  bob.merge(early);
  const version = documentVersion(bob);
  ann.transact({ author: 1, stamp: 11 }, (draft) => {
    draft.set("tags").remove("removed");
    draft.register("title").clear();
  });
  const merged = bob.clone();
  merged.merge(ann);
  expect(unwrap(mergeDocumentDelta(bob, documentDeltaSince(ann, version)))).toBe("applied");
  expect(bob.toJSON()).toEqual({ tags: ["of ann", "of bob"], title: "of bob" });
  expectBytes(bob.encodeState(), merged.encodeState());
});
