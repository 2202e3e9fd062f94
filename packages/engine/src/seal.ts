import { toUtf8 } from "@syncline/core";
import type { SealedBatch } from "@syncline/protocol";
import { SEAL_BYTES } from "@syncline/protocol";
import { equalInConstantTime } from "./greeting.js";
import type { Mac } from "./ports.js";

/**
 * Seals: a node's keyed hash over the changes that it ships to clients.
 *
 * A client that hands over changes of others proves by their seal that some node of the cluster shipped them; no
 * client can put words into another's mouth. A cluster without a secret runs on loopback only and needs no seals.
 */
export function sealOf(changes: readonly Uint8Array[], mac: Mac | undefined): Uint8Array {
  if (mac === undefined) return NO_SEAL;
  const label = toUtf8("syncline seal");
  const length = changes.reduce((sum, change) => sum + 4 + change.length, label.length);
  const bytes = new Uint8Array(length);
  bytes.set(label);
  const view = new DataView(bytes.buffer);
  let at = label.length;
  for (const change of changes) {
    view.setUint32(at, change.length, true);
    bytes.set(change, at + 4);
    at += 4 + change.length;
  }
  return mac.sign(bytes).subarray(0, SEAL_BYTES);
}

export const isSealed = (batch: SealedBatch, mac: Mac | undefined): boolean =>
  mac === undefined || equalInConstantTime(batch.seal, sealOf(batch.changes, mac));

const NO_SEAL = new Uint8Array(0);
