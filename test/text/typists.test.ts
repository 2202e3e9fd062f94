import { connect } from "@syncline/client";
import { text } from "@syncline/text";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { ask, started } from "../server/servers.js";

/** Fifty people in one note, each a client of its own over a socket, some of them behind a follower. */
test("fifty typists end with one text that has every word of each of them", async () => {
  const m1 = await started({ name: "m1" });
  const f1 = await started({ name: "f1", role: "follower", follow: [`ws://localhost:${m1.port}`] });
  const typists = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const db = connect(`ws://localhost:${i % 3 === 0 ? f1.port : m1.port}`);
      const note = db.open("notes", "n");
      await note.ready;
      return { db, note, field: note.field("body", text()), word: `<typist ${i}>` };
    }),
  );
  // A keystroke each, one person after the other, everybody at the place where he left off.
  const places = typists.map(({ field }) => Y.createRelativePositionFromTypeIndex(field.y, 0, -1));
  for (let at = 0; at < Math.max(...typists.map(({ word }) => word.length)); at++) {
    for (const [i, { field, word }] of typists.entries()) {
      const character = word[at];
      if (character === undefined) continue;
      const place = Y.createAbsolutePositionFromRelativePosition(places[i]!, field.doc)?.index ?? 0;
      field.y.insert(place, character);
      places[i] = Y.createRelativePositionFromTypeIndex(field.y, place + 1, -1);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const length = typists.reduce((sum, { word }) => sum + word.length, 0);
  await Promise.all(
    typists.map(
      ({ field }) =>
        new Promise<void>((resolve) => {
          const look = (): void => {
            if (field.y.length === length) resolve();
          };
          field.doc.on("update", look);
          look();
        }),
    ),
  );
  const [first] = typists;
  const shown = first!.field.toString();
  for (const { field, word, note } of typists) {
    expect(field.toString()).toBe(shown);
    expect(shown).toContain(word);
    expect(note.toJSON()).toEqual({ body: shown });
  }
  const { json } = await ask(m1, "/v1/docs/notes/n");
  expect(json.value).toEqual({ body: shown });
  for (const { db } of typists) db.close();
});
