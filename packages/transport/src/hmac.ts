/** Keyed hashes with the cluster's secret. */
import { createHmac, createSecretKey } from "node:crypto";
import type { Mac } from "@syncline/engine";

/** HMAC-SHA-256 under `secret`, which is not kept in readable form. */
export function hmac(secret: Uint8Array): Mac {
  const key = createSecretKey(secret);
  return {
    sign: (message) => new Uint8Array(createHmac("sha256", key).update(message).digest()),
  };
}
