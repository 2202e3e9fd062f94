import { Document, HybridClock } from "@syncline/core";
import { LIMITS } from "@syncline/protocol";
import { expect, test } from "vitest";
import { Skews } from "../../packages/engine/src/node/skews.js";

/** What a master writes down of stamps that came too far ahead (decision 0071). */
const NOW = Date.UTC(2026, 0, 1);

function written(write: (draft: never) => void): unknown {
  const document = new Document({ collection: "cluster", key: "clocks" });
  document.transact({ author: 9, stamp: 1 }, write as never);
  return document.toJSON();
}

test("a note that was refused is made again, with what has come since", () => {
  const skews = new Skews({ shown: () => undefined } as never, LIMITS);
  const ahead = (ms: number) => ({ author: 7, stamp: new HybridClock(() => NOW + ms).next() });
  const [hour, two] = [3_600_000, 7_200_000];
  skews.look(ahead(hour) as never, NOW);
  const first = skews.unwritten(0)!;
  expect(written(first.write)).toEqual({ 7: [NOW + hour, NOW + hour] });
  expect(skews.unwritten(0)).toBeUndefined();
  first.refused();
  skews.look(ahead(two) as never, NOW);
  expect(written(skews.unwritten(0)!.write)).toEqual({ 7: [NOW + hour, NOW + two] });
  expect(skews.unwritten(0)).toBeUndefined();
});
