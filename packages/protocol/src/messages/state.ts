import type { Vector } from "@syncline/core";
import { readVector, writeVector } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import { alsoWritten, type MessageReader } from "./codec.js";

/**
 * "This is what your document's tail begins with, folded into a state." To clients, in pieces, instead of changes that
 * are gone or too many. What follows the state comes as feeds.
 *
 * Everything in the state is safe (SPINE 11), so the client need not be able to hand it over.
 */
export interface State {
  readonly kind: "state";
  /** The client's number for the document. */
  readonly number: number;
  /** Everything in the state stands at or before this vector. */
  readonly vector: Vector;
  /** 0 begins anew, whatever came before. */
  readonly offset: number;
  readonly total: number;
  readonly bytes: Uint8Array;
}

export const stateReader: MessageReader<State> = {
  tag: 30,
  kind: "state",

  read: (input) => ({
    kind: "state",
    number: input.uint(),
    vector: readVector(input, CLIENT_LIMITS.vectorEntriesMax),
    offset: input.uint(),
    total: input.uint(CLIENT_LIMITS.stateBytesMax),
    bytes: input.bytes(CLIENT_LIMITS.frameBytesMax),
  }),
};

export const state = /* @__PURE__ */ alsoWritten<State>(stateReader, (out, message) => {
  out.uint(message.number);
  writeVector(out, message.vector);
  out.uint(message.offset);
  out.uint(message.total);
  out.bytes(message.bytes);
});
