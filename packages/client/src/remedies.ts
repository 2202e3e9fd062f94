/** What the person who reads an error can do. An app that shows its own words instead does not ship these. */
import { REMEDIES as OF_SERVERS } from "@syncline/protocol";
import type { ClientCode, SynclineError, SynclineErrorCode } from "./errors.js";

const OF_CLIENTS: { readonly [Code in ClientCode]: string } = {
  CLOSED: "Open it again: what was closed takes no more changes.",
  INVALID_VALUE: "Correct what the message names.",
  UNKNOWN_COLLECTION: "Add the collection to defineSchema, or correct its name.",
  UNKNOWN_FIELD: "Add the field to defineSchema, or correct its name or kind.",
  NESTED_TRANSACTION: "End one transaction before the next begins.",
  DRAFT_CLOSED: "Use a draft only inside the function that is given to transact, and not after an await.",
  COUNTER_OVERFLOW: "The exact value has no JavaScript number. Reset the counter, or decrement it.",
  NO_WEBSOCKET: "Hand one over: connect(url, { WebSocket }).",
};

const REMEDIES: { readonly [Code in SynclineErrorCode]: string } = { ...OF_SERVERS, ...OF_CLIENTS };

/** What the person who reads an error can do about it, in a sentence or two. */
export function remedyOf(error: SynclineError): string {
  return REMEDIES[error.code];
}
