import type { Vector } from "@syncline/core";
import { readVector, writeVector } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import { alsoRead, alsoWritten, type MessageReader, type MessageWriter } from "./codec.js";
import { SEAL_BYTES } from "./feed.js";

/** Changes of others as one node shipped them, with its seal; see `Feed`. */
export interface SealedBatch {
  readonly changes: readonly Uint8Array[];
  readonly seal: Uint8Array;
}

/**
 * "You lack what I have seen: here it is." From a client whose former master may have died with it (SPINE 13).
 *
 * Everything unsafe that the session has seen, in the order first seen. The last message of a hand-over says so.
 */
export interface Handover {
  readonly kind: "handover";
  /** What the master must have anyway before this helps: the safe part of the session's vector (SPINE 14). */
  readonly floor: Vector;
  readonly batches: readonly SealedBatch[];
  readonly last: boolean;
}

export const handoverWriter: MessageWriter<Handover> = {
  tag: 16,
  kind: "handover",

  write(out, message) {
    writeVector(out, message.floor);
    out.uint(message.batches.length);
    for (const batch of message.batches) {
      out.uint(batch.changes.length);
      for (const change of batch.changes) out.bytes(change);
      out.bytes(batch.seal);
    }
    out.byte(message.last ? 1 : 0);
  },
};

export const handover = /* @__PURE__ */ alsoRead<Handover>(handoverWriter, (input) => {
  const floor = readVector(input, CLIENT_LIMITS.vectorEntriesMax);
  const batchCount = input.count(CLIENT_LIMITS.batchEntriesMax, 2);
  const batches: SealedBatch[] = [];
  for (let i = 0; i < batchCount; i++) {
    const count = input.count(CLIENT_LIMITS.batchEntriesMax, 1);
    const changes: Uint8Array[] = [];
    for (let j = 0; j < count; j++) changes.push(input.bytes(CLIENT_LIMITS.changeBytesMax));
    batches.push({ changes, seal: input.bytes(SEAL_BYTES) });
  }
  return { kind: "handover", floor, batches, last: input.byte() !== 0 };
});

/** "I have all that now." The vector replaces the unsafe part of the session's. */
export interface Handed {
  readonly kind: "handed";
  readonly have: Vector;
}

export const handedReader: MessageReader<Handed> = {
  tag: 17,
  kind: "handed",

  read: (input) => ({ kind: "handed", have: readVector(input, CLIENT_LIMITS.vectorEntriesMax) }),
};

export const handed = /* @__PURE__ */ alsoWritten<Handed>(handedReader, (out, message) => {
  writeVector(out, message.have);
});
