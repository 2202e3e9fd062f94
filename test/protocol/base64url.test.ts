import fc from "fast-check";
import { expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../packages/protocol/src/base64url.js";

test("any bytes are written as Node writes them, and read back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = toBase64Url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64url"));
      expect(fromBase64Url(text)).toEqual(bytes);
    }),
  );
});

test("what is read is what would be written, or nothing", () => {
  const letters = fc.string({ unit: fc.constantFrom(..."AZaz09-_+/= é"), maxLength: 12 });
  fc.assert(
    fc.property(letters, (text) => {
      const bytes = fromBase64Url(text);
      const isCanonical = Buffer.from(text, "base64url").toString("base64url") === text;
      expect(bytes !== undefined).toBe(isCanonical);
      if (bytes !== undefined) expect(toBase64Url(bytes)).toBe(text);
    }),
    { numRuns: 1000 },
  );
});
