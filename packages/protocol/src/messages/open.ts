import type { DocumentName, Vector } from "@syncline/core";
import { readVector, writeVector } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import { alsoRead, type MessageWriter } from "./codec.js";

/** "I want to read this document." From clients. */
export interface Open {
  readonly kind: "open";
  /** The client's number for the document on this link, never used twice. */
  readonly number: number;
  readonly document: DocumentName;
  /** The client has everything of this document up to this vector, and need not get it again. */
  readonly since: Vector;
}

export const openWriter: MessageWriter<Open> = {
  tag: 10,
  kind: "open",

  write(out, message) {
    out.uint(message.number);
    out.text(message.document.collection);
    out.text(message.document.key);
    writeVector(out, message.since);
  },
};

export const open = /* @__PURE__ */ alsoRead<Open>(openWriter, (input) => ({
  kind: "open",
  number: input.uint(),
  document: {
    collection: input.text(CLIENT_LIMITS.collectionBytesMax),
    key: input.text(CLIENT_LIMITS.keyBytesMax),
  },
  since: readVector(input, CLIENT_LIMITS.vectorEntriesMax),
}));

/** "I no longer read this document." */
export interface Leave {
  readonly kind: "leave";
  readonly number: number;
}

export const leaveWriter: MessageWriter<Leave> = {
  tag: 11,
  kind: "leave",

  write(out, message) {
    out.uint(message.number);
  },
};

export const leave = /* @__PURE__ */ alsoRead<Leave>(leaveWriter, (input) => ({
  kind: "leave",
  number: input.uint(),
}));
