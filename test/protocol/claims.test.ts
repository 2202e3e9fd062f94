/** What nodes say of the topology in their greetings: read as it was written, and nothing where it is something else. */
import { readTopology, topologyText } from "@syncline/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";

const numbers = fc.nat({ max: 999_999_999_999_999 });

test("a claim is read as it was written", () => {
  fc.assert(
    fc.property(numbers, numbers, (term, since) => {
      const said = { isSingle: true, claim: { term, since } };
      expect(readTopology(topologyText(said))).toEqual(said);
    }),
  );
  for (const isSingle of [true, false]) {
    const said = { isSingle, claim: undefined };
    expect(readTopology(topologyText(said))).toEqual(said);
  }
});

test("whatever stands there is read, and what is no claim is none", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readTopology(text)).toEqual({
        isSingle: text.split(" ")[0] === "single-master",
        claim: undefined,
      });
    }),
  );
  for (const text of ["single-master 1", "single-master -1 2", "single-master 1 x", "single-master 1e3 5"])
    expect(readTopology(text)).toEqual({ isSingle: true, claim: undefined });
  expect(readTopology("single-master 1 2 of a later version")).toEqual({
    isSingle: true,
    claim: { term: 1, since: 2 },
  });
});
