import type { Vector } from "@syncline/core";
import { attempt, ByteReader, ByteWriter, type Result, readVector, writeVector } from "@syncline/core";
import { fromBase64Url, toBase64Url } from "./base64url.js";
import { LIMITS } from "./limits.js";

/**
 * A token: a vector as opaque text, for headers and URLs. Whoever presents it sees at least that much.
 * The letters are those of base64url; the first one is the version.
 */
export function encodeToken(vector: Vector): string {
  const out = new ByteWriter();
  writeVector(out, vector);
  return VERSION + toBase64Url(out.finish());
}

/** Refuses what `encodeToken` did not write, with `INVALID_TOKEN`. */
export function decodeToken(text: string): Result<Vector> {
  const bytes = text.startsWith(VERSION) ? fromBase64Url(text.slice(VERSION.length)) : undefined;
  if (bytes === undefined) return REFUSED;
  const read = attempt(() => {
    const input = new ByteReader(bytes);
    const vector = readVector(input, LIMITS.vectorEntriesMax);
    input.end();
    return vector;
  });
  return read.ok ? read : REFUSED;
}

const REFUSED: Result<Vector> = {
  ok: false,
  fault: { code: "INVALID_TOKEN", reason: "this is no token of this system" },
};

const VERSION = "1";
