import { connect, type Database } from "@syncline/client";
import {
  access,
  type Change,
  type CustomField,
  Document,
  type DocumentName,
  type TextDraft,
  type TextView,
  textLog,
} from "@syncline/core";
import { TextGuard, text } from "@syncline/text";
import { afterEach, describe, expect, test } from "vitest";
import * as Y from "yjs";
import { started } from "../server/servers.js";

/** What masters accept of text: nothing that Yjs cannot read, nothing that builds on what is not there. */
const NAME: DocumentName = { collection: "notes", key: "n" };
const open: Database[] = [];

afterEach(() => {
  for (const db of open.splice(0)) db.close();
});

/** A text as somebody writes it who has a client of his own making: any bytes. */
const bytes = {
  kind: "text",
  [access]: {
    view: (place: () => { at: Document["at"] }, name: string) => place().at(name, textLog),
    draft: (place: { at(name: string, type: typeof textLog): TextDraft }, name: string) =>
      place.at(name, textLog),
  },
} as unknown as CustomField<"text", TextView, TextDraft, string>;

function typed(edit: (text: Y.Text) => void, clientID = 7, before: readonly Uint8Array[] = []): Uint8Array[] {
  const doc = new Y.Doc();
  for (const update of before) Y.applyUpdate(doc, update);
  doc.clientID = clientID;
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  edit(doc.getText("body"));
  return updates;
}

describe("a master", () => {
  async function withClient() {
    const m1 = await started();
    const db = connect(`ws://localhost:${m1.port}`);
    open.push(db);
    const note = db.open("notes", "n");
    await note.ready;
    const offer = (update: Uint8Array) =>
      note.transact((d) => d.field("body", bytes).bring(update)).acknowledged();
    return { note, offer };
  }

  test("refuses updates that are none, for good, and takes what follows", async () => {
    const { note, offer } = await withClient();
    const v2 = new Y.Doc();
    v2.getText("body").insert(0, "x");
    for (const wrong of [
      Y.encodeStateAsUpdateV2(v2),
      new Uint8Array([1, 0x80, 0x80, 0x80, 0x05, 1, 0, 0, 1]),
    ]) {
      expect(await offer(wrong)).toMatchObject({ outcome: "rejected", error: { code: "MALFORMED_OP" } });
    }
    note.field("body", text()).y.insert(0, "fine");
    expect(await note.transact((d) => d.counter("votes").increment()).acknowledged()).toMatchObject({
      outcome: "committed",
    });
    expect(note.toJSON()).toEqual({ body: "fine", votes: 1 });
  });

  test("refuses a keystroke of which an earlier one is missing, and a clock that nobody has reached", async () => {
    const { note, offer } = await withClient();
    const [first, second, third] = typed((t) => {
      t.insert(0, "a");
      t.insert(1, "b");
      t.insert(0, "c");
    }) as [Uint8Array, Uint8Array, Uint8Array];
    expect(await offer(first)).toMatchObject({ outcome: "committed" });
    expect(await offer(third)).toMatchObject({ outcome: "rejected", error: { code: "MALFORMED_OP" } });
    expect(await offer(second)).toMatchObject({ outcome: "committed" });
    expect(await offer(third)).toMatchObject({ outcome: "committed" });
    expect(note.toJSON()).toEqual({ body: "cab" });
    const far = new Uint8Array([1, 1, 9, 0xff, 0xff, 0x03, 4, 1, 4, 0x62, 0x6f, 0x64, 0x79, 1, 0x78, 0]);
    expect(await offer(far)).toMatchObject({ outcome: "rejected" });
    expect(note.toJSON()).toEqual({ body: "cab" });
  });
});

describe("the guard", () => {
  const change = (document: Document, author: number, updates: readonly Uint8Array[]): Change => {
    const made = document.prepare({ author, stamp: 1 }, (draft) => {
      for (const update of updates) draft.at("body", textLog).bring(update);
    });
    if (made === undefined) throw new Error("nothing was made");
    return made;
  };

  test("learns from the document what other masters have accepted, and only what is new since", () => {
    const document = new Document(NAME);
    const guard = new TextGuard();
    let asked = 0;
    const read = () => {
      asked += 1;
      return document;
    };
    const hers = typed((t) => t.insert(0, "hers"), 7);
    const his = typed((t) => t.insert(4, " his"), 8, hers);
    // What she typed came by another master; what he types builds on it.
    expect(guard.objection(change(document, 2, his), read)).toMatchObject({ kind: "missing" });
    document.apply(change(document, 1, hers));
    expect(guard.objection(change(document, 2, his), read)).toBe(undefined);
    expect(asked).toBe(2);
    const more = typed((t) => t.insert(0, "!"), 9);
    expect(guard.objection(change(document, 3, more), read)).toBe(undefined);
    expect(asked).toBe(2);
    // A deletion of what nobody has written.
    expect(guard.objection(change(document, 3, [new Uint8Array([0, 1, 9, 1, 5, 1])]), read)).toMatchObject({
      kind: "missing",
    });
  });

  test("takes several updates of one change in their order", () => {
    const document = new Document(NAME);
    const [first, second] = typed((t) => {
      t.insert(0, "a");
      t.insert(1, "b");
    }) as [Uint8Array, Uint8Array];
    expect(new TextGuard().objection(change(document, 1, [first, second]), () => document)).toBe(undefined);
    expect(new TextGuard().objection(change(document, 1, [second, first]), () => document)).toMatchObject({
      kind: "missing",
    });
  });
});
