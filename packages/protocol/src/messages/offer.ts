import type { Vector } from "@syncline/core";
import { readVector, writeVector } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import { alsoRead, alsoWritten, type MessageReader, type MessageWriter } from "./codec.js";

/**
 * "Accept these changes of mine, in this order." From clients to masters.
 *
 * The changes of a link are numbered 1, 2, 3 … Receipts and refusals name these numbers. A master stops at the
 * first change that it refuses and ignores what follows, until the client starts again at that number.
 */
export interface Offer {
  readonly kind: "offer";
  /** Number of the first change. */
  readonly first: number;
  /** What the session has seen, when that has changed since the last offer on this link; the master waits until it has it too. */
  readonly session: Vector | undefined;
  readonly changes: readonly Uint8Array[];
  /** They were offered to another master before, and may stand in its stream. */
  readonly isAgain?: boolean;
}

// On the wire for ever.
const HAS_SESSION = 1;
const IS_AGAIN = 2;

export const offerWriter: MessageWriter<Offer> = {
  tag: 14,
  kind: "offer",

  write(out, message) {
    out.uint(message.first);
    out.byte((message.session === undefined ? 0 : HAS_SESSION) | (message.isAgain === true ? IS_AGAIN : 0));
    if (message.session !== undefined) writeVector(out, message.session);
    out.uint(message.changes.length);
    for (const change of message.changes) out.bytes(change);
  },
};

export const offer = /* @__PURE__ */ alsoRead<Offer>(offerWriter, (input) => {
  const first = input.uint();
  const flags = input.byte();
  const session = (flags & HAS_SESSION) === 0 ? undefined : readVector(input, CLIENT_LIMITS.vectorEntriesMax);
  const count = input.count(CLIENT_LIMITS.batchEntriesMax, 1);
  const changes: Uint8Array[] = [];
  for (let i = 0; i < count; i++) changes.push(input.bytes(CLIENT_LIMITS.changeBytesMax));
  const said: Offer = { kind: "offer", first, session, changes };
  return (flags & IS_AGAIN) === 0 ? said : { ...said, isAgain: true };
});

/**
 * "This is how far your offers are." Cumulative: each number covers all before it, and only grows.
 *
 * received ≥ durable; received ≥ committed.
 */
export interface Receipt {
  readonly kind: "receipt";
  /** Accepted into the master's stream, in its memory. */
  readonly received: number;
  /** On the master's disk, synced. */
  readonly durable: number;
  /** Committed under the rule of the stream. */
  readonly committed: number;
  /** A reader who presents this sees at least the committed changes. Names what is new since the last receipt. */
  readonly token: Vector;
  /** Names of the nodes that are known to have the committed changes durably. */
  readonly nodes: readonly string[];
}

export const receiptReader: MessageReader<Receipt> = {
  tag: 15,
  kind: "receipt",

  read(input) {
    const received = input.uint();
    const durable = input.uint();
    const committed = input.uint();
    const token = readVector(input, CLIENT_LIMITS.vectorEntriesMax);
    const count = input.count(CLIENT_LIMITS.ruleNamesMax + 1, 1);
    const nodes: string[] = [];
    for (let i = 0; i < count; i++) nodes.push(input.text(CLIENT_LIMITS.nameBytesMax));
    return { kind: "receipt", received, durable, committed, token, nodes };
  },
};

export const receipt = /* @__PURE__ */ alsoWritten<Receipt>(receiptReader, (out, message) => {
  out.uint(message.received);
  out.uint(message.durable);
  out.uint(message.committed);
  writeVector(out, message.token);
  out.uint(message.nodes.length);
  for (const node of message.nodes) out.text(node);
});
