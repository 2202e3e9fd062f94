/**
 * What was made on a change that is no more (refused, say) is made again on what is there by now: every act becomes what
 * it would have been had it been done there to begin with. Lists, in which ops go to what other ops have made, and what is
 * inside of containers have tests of their own (`lists.test.ts`, `maps.test.ts`).
 */
import { Document, type Draft } from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Act, CASES, type TypeCase } from "./cases.js";
import { draws, often } from "./share.js";
import { NAME, unwrap } from "./world.js";

const CONTAINERS = ["map", "record", "remove-map", "keep-map", "list"];

describe.each(CASES.filter(({ kind }) => !CONTAINERS.includes(kind)))("$kind", (each) => {
  test("an act that is made again is what it would have been there", () => {
    const act = fc.constantFrom(...each.alphabet, ...each.more.filter((one) => one.act !== "clear"));
    const acts = fc.array(act, { maxLength: 4 });
    let remade = 0;
    const holds = fc.property(acts, acts, acts, act, (before, here, there, what) => {
      const base = new Document(NAME);
      for (const one of before) write(base, 1, each, one);
      const [first, second] = [base.clone(), base.clone()];
      for (const one of here) write(first, 2, each, one);
      for (const one of there) write(second, 3, each, one);
      const change = write(first, 4, each, what);
      if (change === undefined) return;
      const other = second.clone();
      const again = second.transact({ author: 5, stamp: 9 }, (draft) => draft.repeat(change));
      const wanted = write(other, 5, each, what, 9);
      expect(again && Buffer.from(again.bytes).toString("hex")).toBe(
        wanted && Buffer.from(wanted.bytes).toString("hex"),
      );
      expect(unwrap(Document.decodeState(second.encodeState())).toJSON()).toEqual(other.toJSON());
      if (again !== undefined) remade++;
    });
    fc.assert(holds, { numRuns: draws(200) });
    expect(remade).toBeGreaterThan(often(20));
  });

  test.each([...each.alphabet, ...each.more].filter(({ act }) => REMOVALS.includes(act)))(
    "$act finds that there is nothing left to remove",
    (removal) => {
      const document = new Document(NAME);
      for (const one of [...each.alphabet, each.alphabet[0]!]) write(document, 1, each, one);
      const change = write(document, 2, each, removal);
      if (change === undefined) return;
      const other = new Document(NAME);
      expect(other.transact({ author: 5, stamp: 9 }, (draft) => draft.repeat(change))).toBeUndefined();
    },
  );
});

const REMOVALS: readonly string[] = ["clear", "reset", "remove", "disable"];

function write(document: Document, author: number, each: TypeCase, act: Act, stamp = 1) {
  return document.transact({ author, stamp }, (draft: Draft) =>
    each.withType((type, perform) => perform(draft.at("field", type), act)),
  );
}
