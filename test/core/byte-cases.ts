/**
 * Bytes that no writer of ours has written, case by case: how a test says them, and how they get their checksum.
 */
import { ByteWriter, type KindName, sealed, type Value } from "@syncline/core";

export type Bytes = readonly number[];

/** Of one kind, bytes that are right with what they show, and wrong ones with why they are refused. */
export interface Case {
  readonly kind: KindName;
  readonly right: readonly (readonly [shown: Value, bytes: Bytes])[];
  readonly wrong: readonly (readonly [what: string, bytes: Bytes, reason: RegExp])[];
}

export function sealedOf(bytes: Bytes): Uint8Array {
  const out = new ByteWriter();
  out.raw(Uint8Array.from(bytes));
  return sealed(out);
}
