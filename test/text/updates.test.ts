import { readUpdate } from "@syncline/text";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";

/** Updates from outside, read before Yjs sees them: what they bring and build on, and what is refused. */
function updatesOf(edit: (doc: Y.Doc) => void, clientID = 7): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = new Y.Doc();
  doc.clientID = clientID;
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  edit(doc);
  return { doc, updates };
}

function summaryOf(update: Uint8Array) {
  const read = readUpdate(update);
  if (!read.ok) throw new Error(read.fault.reason);
  return { runs: read.value.runs, needs: [...read.value.needs], roots: [...read.value.roots] };
}

const reasonOf = (update: Uint8Array): string | undefined => {
  const read = readUpdate(update);
  return read.ok ? undefined : read.fault.reason;
};

test("a keystroke says which structs it brings and what it stands beside", () => {
  const { updates } = updatesOf((doc) => {
    const text = doc.getText("notes");
    text.insert(0, "ab");
    text.insert(1, "ü😀");
    text.delete(0, 1);
  });
  expect(updates.map(summaryOf)).toEqual([
    { runs: [{ client: 7, from: 0, to: 2 }], needs: [], roots: ["notes"] },
    { runs: [{ client: 7, from: 2, to: 5 }], needs: [[7, 2]], roots: [] },
    { runs: [], needs: [[7, 1]], roots: [] },
  ]);
});

test("everything that editors write is understood", () => {
  const { doc, updates } = updatesOf((doc) => {
    const text = doc.getText("notes");
    text.applyDelta([
      { insert: "bold", attributes: { bold: true, link: { href: "x" } } },
      { insert: { image: "a.png" } },
    ]);
    const page = doc.getXmlFragment("page");
    const paragraph = new Y.XmlElement("p");
    paragraph.setAttribute("align", "left");
    paragraph.insert(0, [new Y.XmlText("x")]);
    page.insert(0, [paragraph]);
    doc
      .getMap("map")
      .set("k", { deep: [1, 2.5, -3, null, undefined, "s", true, 2 ** 40, new Uint8Array([1])] });
    doc.getMap("map").set("big", 10n);
    doc.getArray("list").insert(0, [new Uint8Array([1, 2]), new Y.Map()]);
    page.delete(0, 1);
  });
  for (const update of updates) expect(reasonOf(update)).toBe(undefined);
  const whole = Y.encodeStateAsUpdate(doc);
  const [run] = summaryOf(whole).runs;
  expect(run).toEqual({ client: 7, from: 0, to: Y.getState(doc.store, 7) });
});

test("the runs of random editing are those that Yjs itself has", () => {
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 3 }),
    add: fc.string({ maxLength: 4, unit: "grapheme" }),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 20 }), (edits) => {
      const { doc, updates } = updatesOf((doc) => {
        const text = doc.getText("t");
        for (const { at, remove, add } of edits) {
          const index = at % (text.length + 1);
          text.delete(index, Math.min(remove, text.length - index));
          text.insert(index, add);
        }
      });
      let clock = 0;
      for (const update of updates) {
        const { runs, needs } = summaryOf(update);
        for (const run of runs) {
          expect(run.from).toBe(clock);
          clock = run.to;
        }
        for (const [, need] of needs) expect(need).toBeLessThanOrEqual(clock);
      }
      expect(clock).toBe(Y.getState(doc.store, 7));
    }),
  );
});

describe("refused are", () => {
  test("updates of version 2, among them the one of 25 bytes that makes ten million structs", () => {
    const { doc } = updatesOf((doc) => doc.getText("notes").insert(0, "hello"));
    expect(reasonOf(Y.encodeStateAsUpdateV2(doc))).toBeDefined();
    // Declares many structs with few bytes.
    expect(reasonOf(bytes(1, 0x80, 0x80, 0x80, 0x05, 1, 0, 0, 1))).toContain("more elements than bytes");
  });

  test("gaps within, and clocks beyond all counting", () => {
    expect(reasonOf(bytes(1, 1, 7, 0, 10, 5, 0))).toContain("gap");
    expect(reasonOf(bytes(1, 1, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1, 0))).toContain(
      "length",
    );
  });

  test("values that Yjs or its readers would trip over", () => {
    // Text that is no UTF-8, JSON that is none, and nesting without end.
    const struct = (...content: number[]) => bytes(1, 1, 7, 0, ...content, 0);
    const root = [1, 1, 0x74];
    expect(reasonOf(struct(4, ...root, 1, 0x61))).toBe(undefined);
    expect(reasonOf(struct(4, ...root, 1, 0xff))).toContain("UTF-8");
    expect(reasonOf(struct(5, ...root, 1, 0x7b))).toContain("JSON");
    expect(
      reasonOf(struct(8, ...root, 1, ...Array.from({ length: 100 }, () => [117, 1]).flat(), 126)),
    ).toContain("nested");
    const deep = "[".repeat(100) + "]".repeat(100);
    expect(reasonOf(struct(5, ...root, 0xc8, 1, ...Buffer.from(deep)))).toContain("nested");
    expect(reasonOf(struct(9, ...root, 1, 0x61, 126))).toContain("content 9");
    expect(reasonOf(struct(7, ...root, 9))).toContain("unknown type");
    expect(reasonOf(struct(4, ...root, 0))).toContain("length");
    expect(reasonOf(bytes())).toBeDefined();
  });

  test("structs that wait for one another, or for themselves", () => {
    // Two characters of clients 7 and 8, each to the right of the other.
    const char = [4 | 0x80];
    expect(reasonOf(bytes(2, 1, 7, 0, ...char, 8, 0, 1, 0x61, 1, 8, 0, ...char, 7, 0, 1, 0x62, 0))).toContain(
      "one another",
    );
    expect(reasonOf(bytes(1, 1, 7, 0, ...char, 7, 0, 1, 0x61, 0))).toContain("comes after");
    // One beside the other is fine.
    const first = [4, 1, 1, 0x74, 1, 0x62];
    expect(reasonOf(bytes(2, 1, 7, 0, ...char, 8, 0, 1, 0x61, 1, 8, 0, ...first, 0))).toBe(undefined);
  });

  test("all other bytes, without a throw and without more memory than they have", () => {
    const { updates } = updatesOf((doc) => {
      doc.getText("notes").insert(0, "hello");
      doc.getText("notes").format(1, 2, { bold: true });
      doc.getXmlFragment("page").insert(0, [new Y.XmlElement("p")]);
    });
    const mutated = fc
      .tuple(
        fc.constantFrom(...updates),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
      )
      .map(([update, changes]) => {
        const copy = update.slice();
        for (const [at, byte] of changes) copy[at % copy.length] = byte;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), mutated), (input) => {
        const read = readUpdate(input);
        if (!read.ok) return;
        // What is understood does not make Yjs throw.
        Y.decodeUpdate(input);
        const doc = new Y.Doc();
        Y.applyUpdate(doc, input);
        doc.getText("notes").toString();
      }),
      { numRuns: 3_000 },
    );
  });
});

function bytes(...values: number[]): Uint8Array {
  return new Uint8Array(values);
}
