/** The system's randomness: unpredictable, as identities and nonces need it. */
import { randomBytes } from "node:crypto";
import type { Random } from "@syncline/engine";
import { uniformInteger } from "./uniform.js";

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export const systemRandom: Random = {
  integer: (below) => uniformInteger(below, bytes),
  bytes,
};
