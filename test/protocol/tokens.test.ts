/** Tokens: vectors as text that survives headers and URLs; what nobody wrote is refused. */
import { decodeToken, encodeToken, LIMITS } from "@syncline/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { vectors } from "./arbitraries.js";

test("what is written is read", () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      expect(decodeToken(encodeToken(vector))).toEqual({ ok: true, value: vector });
    }),
  );
});

test("a token may stand in a header and in a URL as it is", () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const token = encodeToken(vector);
      expect(token).toMatch(/^1[A-Za-z0-9_-]*$/);
      expect(encodeURIComponent(token)).toBe(token);
    }),
  );
});

test("tokens that are kept somewhere are read for ever", () => {
  expect(decodeToken("1AA")).toEqual({ ok: true, value: new Map() });
  expect(encodeToken(new Map([[4503599627370497, 12]]))).toBe("1AYGAgICAgIAIDA");
  expect(decodeToken("1AYGAgICAgIAIDA")).toEqual({ ok: true, value: new Map([[4503599627370497, 12]]) });
});

test.each([
  ["nothing", ""],
  ["the version alone", "1"],
  ["another version", "2AA"],
  ["other letters", "1A+"],
  ["padding", "1AA=="],
  ["white space", "1AA "],
  ["a letter too few", "1A"],
  ["bytes left over", "1AAA"],
  ["bits left over", "1AB"],
  ["a stream at position 0", "1AQEA"],
  ["streams out of order", "1AgICAQE"],
  ["more streams than there are bytes", "1gCA"],
  ["what another header was meant to have", "Bearer abc"],
])("%s is refused", (_what, text) => {
  expect(decodeToken(text)).toMatchObject({ ok: false, fault: { code: "INVALID_TOKEN" } });
});

test("more streams than a vector may name are refused", () => {
  const vector = new Map(Array.from({ length: LIMITS.vectorEntriesMax + 1 }, (_, i) => [i + 1, 1]));
  expect(decodeToken(encodeToken(vector)).ok).toBe(false);
});

test("whatever is accepted is what would be written", () => {
  const letters = fc.constantFrom(..."ABab019_-Qg=+/ ");
  const texts = fc.oneof(
    fc.string({ unit: letters, maxLength: 30 }).map((text) => `1${text}`),
    fc.string({ maxLength: 30 }),
    // Tokens with one letter changed.
    fc.tuple(vectors.map(encodeToken), fc.nat(), letters).map(([token, at, letter]) => {
      const place = at % token.length;
      return token.slice(0, place) + letter + token.slice(place + 1);
    }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const result = decodeToken(text);
      if (result.ok) expect(encodeToken(result.value)).toBe(text);
      else expect(result.fault.code).toBe("INVALID_TOKEN");
    }),
    { numRuns: 5_000 },
  );
});
