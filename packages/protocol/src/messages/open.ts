import type { DocumentName, Vector } from "@syncline/core";
import { readVector, writeVector } from "@syncline/core";
import { LIMITS } from "../limits.js";
import type { MessageCodec } from "./codec.js";

/** "I want to read this document." From clients. */
export interface Open {
  readonly kind: "open";
  /** The client's number for the document on this link, never used twice. */
  readonly number: number;
  readonly document: DocumentName;
  /** The client has everything of this document up to this vector, and need not get it again. */
  readonly since: Vector;
}

export const open: MessageCodec<Open> = {
  tag: 10,
  kind: "open",
  write(out, message) {
    out.uint(message.number);
    out.text(message.document.collection);
    out.text(message.document.key);
    writeVector(out, message.since);
  },
  read: (input) => ({
    kind: "open",
    number: input.uint(),
    document: {
      collection: input.text(LIMITS.collectionBytesMax),
      key: input.text(LIMITS.keyBytesMax),
    },
    since: readVector(input, LIMITS.vectorEntriesMax),
  }),
};

/** "I no longer read this document." */
export interface Leave {
  readonly kind: "leave";
  readonly number: number;
}

export const leave: MessageCodec<Leave> = {
  tag: 11,
  kind: "leave",
  write(out, message) {
    out.uint(message.number);
  },
  read: (input) => ({ kind: "leave", number: input.uint() }),
};
