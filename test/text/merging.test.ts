import { textLog } from "@syncline/core";
import { SeededRandom } from "@syncline/simulation";
import "@syncline/text";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { SEED } from "../seed.js";

/** The updates of one who types here and there, a letter at a time, and takes some of them back. */
function typed(count: number): Uint8Array[] {
  const random = new SeededRandom(SEED);
  const doc = new Y.Doc();
  doc.clientID = 1;
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  const text = doc.getText("text");
  while (updates.length < count) {
    const at = random.integer(text.length + 1);
    if (at < text.length && random.integer(5) === 0) text.delete(at, 1);
    else text.insert(at, "x");
  }
  return updates;
}

/** What a log makes of them when it puts them together. */
function folded(updates: readonly Uint8Array[]): Uint8Array[] {
  const state = textLog.empty();
  for (const [i, update] of updates.entries()) state.add(1, i + 1, update);
  state.fold();
  return state.updates();
}

test("updates that are put together in groups are the same bytes as all at once", () => {
  for (const count of [1, 2, 31, 32, 33, 64, 65, 1_100]) {
    const updates = typed(count);
    expect(folded(updates)).toEqual([Y.mergeUpdates(updates)]);
  }
});

test("very many updates are put together in a moment: Yjs alone takes a time that grows with their square", () => {
  const updates = typed(20_000);
  const before = process.cpuUsage().user;
  const [whole] = folded(updates);
  // About 100 ms of this processor, and 6 s by one call of Yjs.
  expect((process.cpuUsage().user - before) / 1_000).toBeLessThan(2_000);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, whole!);
  const other = new Y.Doc();
  Y.transact(other, () => {
    for (const update of updates) Y.applyUpdate(other, update);
  });
  expect(doc.getText("text").toString()).toBe(other.getText("text").toString());
});
