/** States with fields of kinds that this build does not know: refused, or left out by who only shows the document. */
import { BrokenInvariant, ByteWriter, createChange, Document, sealed } from "@syncline/core";
import { describe, expect, test } from "vitest";

const NAME = { collection: "boards", key: "a" };
const SET = 3;
/** No kind has this tag. */
const UNKNOWN = 100;

/** A document as a later version writes it: a register, and a field of a kind that does not exist yet. */
function ofLaterVersion(): Uint8Array {
  const known = new Document(NAME);
  known.transact({ author: 5, stamp: 7 }, (b) => {
    b.register("title").set("shown");
    b.set("secret").add("x");
  });
  const bytes = known.encodeState();
  // The byte that says the kind of the second field is the one whose change leaves a state that can be read.
  const forged = [...bytes.keys()].flatMap((at) => {
    if (bytes[at] !== SET) return [];
    const out = new ByteWriter();
    out.raw(bytes.subarray(0, at));
    out.byte(UNKNOWN);
    out.raw(bytes.subarray(at + 1, bytes.length - 4));
    const state = sealed(out);
    const read = Document.decodeState(state, "left out");
    return read.ok && read.value.isPartial ? [state] : [];
  });
  expect(forged).toHaveLength(1);
  return forged[0] ?? bytes;
}

describe("a field of an unknown kind", () => {
  test("is a fault for whoever stores the document or passes it on", () => {
    expect(Document.decodeState(ofLaterVersion()).ok).toBe(false);
  });

  test("is left out for who only shows it: all else is there, and its state is given to nobody", () => {
    const read = Document.decodeState(ofLaterVersion(), "left out");
    if (!read.ok) throw new Error(read.fault.reason);
    const document = read.value;
    expect(document.toJSON()).toEqual({ title: "shown" });
    expect(() => document.encodeState()).toThrow(BrokenInvariant);
    expect(document.clone().isPartial).toBe(true);
    document.transact({ author: 6, stamp: 8 }, (b) => b.register("title").set("written"));
    expect(document.toJSON()).toEqual({ title: "written" });
  });

  test("makes a document partial that it is joined into", () => {
    const read = Document.decodeState(ofLaterVersion(), "left out");
    if (!read.ok) throw new Error(read.fault.reason);
    const document = new Document(NAME);
    document.transact({ author: 6, stamp: 8 }, (b) => b.set("tags").add("own"));
    document.merge(read.value);
    expect(document.isPartial).toBe(true);
    expect(document.toJSON()).toEqual({ title: "shown", tags: ["own"] });
  });

  test("a state of known kinds is never partial", () => {
    const document = new Document(NAME);
    document.transact({ author: 5, stamp: 7 }, (b) => b.register("title").set("x"));
    const read = Document.decodeState(document.encodeState(), "left out");
    expect(read.ok && read.value.isPartial).toBe(false);
  });
});

test("a field of a later kind of which only ops are kept lacks nothing: whoever reads it passes it on", () => {
  const change = createChange({
    document: NAME,
    author: 5,
    first: 1,
    stamp: 7,
    observed: [],
    paths: [[{ name: "later", kind: UNKNOWN }], [{ name: "later too", kind: UNKNOWN }]],
    ops: [
      { path: 0, op: { act: "opaque", bytes: Uint8Array.of(1, 2) } },
      { path: 1, op: { act: "opaque", bytes: Uint8Array.of(3) } },
    ],
  });
  const document = new Document(NAME);
  document.apply(change);
  const read = Document.decodeState(document.encodeState(), "left out");
  if (!read.ok) throw new Error(read.fault.reason);
  expect(read.value.isPartial).toBe(false);
  expect([...read.value.encodeState()]).toEqual([...document.encodeState()]);
});
