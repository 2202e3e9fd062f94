/** What whoever writes over HTTP is answered: the receipt; with 202 as long as the write may still fail to be committed. */
import type { WriteAnswer, WriteReceipt } from "@syncline/engine";
import { encodeToken } from "@syncline/protocol";
import { jsonAnswer, Refused } from "./errors.js";

/** Carries what a caller has seen. */
export const TOKEN_HEADER = "Syncline-Token";

/** A write of the node, as a promise. Rejects with `Refused`. */
export function receiptOf(write: (answer: (answer: WriteAnswer) => void) => void): Promise<WriteReceipt> {
  return new Promise((resolve, reject) => {
    write((answer) => (answer.ok ? resolve(answer.receipt) : reject(Refused.by(answer.fault))));
  });
}

/** @param more what this kind of write tells besides. */
export function receiptAnswer({ outcome, change, token, nodes }: WriteReceipt, more: object = {}): Response {
  const body = { outcome, change: change ?? null, token: encodeToken(token), nodes, ...more };
  return jsonAnswer(body, outcome === "committed" ? 200 : 202, { [TOKEN_HEADER]: body.token });
}
