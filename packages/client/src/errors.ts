/**
 * The one error that an app meets: a stable code for programs, a message and a remedy for people.
 *
 * Codes of servers are those of the protocol's table; the few that only a client has stand here. What core throws
 * comes out as this error too, under the same code.
 */
import { CounterOverflow, DraftClosed, InvalidValue, LimitExceeded } from "@syncline/core";
import { CODES, type ErrorCode, type Fault } from "@syncline/protocol";

/** Codes that no server sends, each with what to do. */
const CLIENT_CODES = {
  CLOSED: "Open it again: what was closed takes no more changes.",
  INVALID_VALUE: "Correct what the message names.",
  UNKNOWN_COLLECTION: "Add the collection to defineSchema, or correct its name.",
  UNKNOWN_FIELD: "Add the field to defineSchema, or correct its name or kind.",
  NESTED_TRANSACTION: "End one transaction before the next begins.",
  DRAFT_CLOSED: "Use a draft only inside the function that is given to transact, and not after an await.",
  COUNTER_OVERFLOW: "The exact value has no JavaScript number. Reset the counter, or decrement it.",
  NO_WEBSOCKET: "Hand one over: connect(url, { WebSocket }).",
} as const;

/** Every code that a `SynclineError` can have. */
export type SynclineErrorCode = keyof typeof CLIENT_CODES | ErrorCode;

/** What went wrong, and what to do about it. */
export class SynclineError extends Error {
  override readonly name = "SynclineError";
  /** Stable, for programs. */
  readonly code: SynclineErrorCode;
  /** What the person who reads this can do. */
  readonly remedy: string;
  /** URLs of the masters, when the code sends the caller to one of them; else empty. */
  readonly masters: readonly string[];

  constructor(
    code: SynclineErrorCode,
    message: string,
    options: ErrorOptions & { masters?: readonly string[] } = {},
  ) {
    super(message, options);
    this.code = code;
    this.remedy = isClientCode(code) ? CLIENT_CODES[code] : CODES[code].remedy;
    this.masters = options.masters ?? [];
  }
}

/** A refusal of a server as an error. */
export function errorOf(fault: Fault): SynclineError {
  return new SynclineError(fault.code, fault.reason, { masters: fault.masters ?? [] });
}

/** Runs `task`; what core throws comes out as a `SynclineError`, everything else as it is. */
export function translated<T>(task: () => T): T {
  try {
    return task();
  } catch (error) {
    const isOurs =
      error instanceof InvalidValue ||
      error instanceof LimitExceeded ||
      error instanceof DraftClosed ||
      error instanceof CounterOverflow;
    if (isOurs) throw new SynclineError(error.code, error.message, { cause: error });
    throw error;
  }
}

function isClientCode(code: SynclineErrorCode): code is keyof typeof CLIENT_CODES {
  return Object.hasOwn(CLIENT_CODES, code);
}
