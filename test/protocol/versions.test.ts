/** Versions: both ends come to the same one, or know that there is none. */
import { commonVersion, PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN } from "@syncline/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";

const ranges = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.nat({ max: 5 }))
  .map(([versionMin, more]) => ({ versionMin, versionMax: versionMin + more }));

test("the newest that both speak, the same for both", () => {
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const spoken = (version: number) =>
        [a, b].every((end) => end.versionMin <= version && version <= end.versionMax);
      const both = Array.from({ length: 20 }, (_, version) => version).filter(spoken);
      expect(commonVersion(a, b)).toBe(both.at(-1));
      expect(commonVersion(b, a)).toBe(both.at(-1));
    }),
  );
});

test("a range that makes no sense has nothing in common with any", () => {
  const mine = { versionMin: PROTOCOL_VERSION_MIN, versionMax: PROTOCOL_VERSION_MAX };
  for (const theirs of [
    { versionMin: 7, versionMax: 5 },
    { versionMin: 2, versionMax: 1 },
    { versionMin: 0, versionMax: 0 },
    { versionMin: Number.MAX_SAFE_INTEGER, versionMax: Number.MAX_SAFE_INTEGER },
  ]) {
    expect(commonVersion(mine, theirs)).toBeUndefined();
    expect(commonVersion(theirs, mine)).toBeUndefined();
  }
});

test("this version speaks what it says", () => {
  expect([PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX]).toEqual([1, 1]);
});
