/**
 * The one error that an app meets: a stable code for programs, and a message for people.
 *
 * Codes of servers are those of the protocol's table; the few that only a client has stand here. What core throws
 * comes out as this error too, under the same code.
 */
import { CounterOverflow, DraftClosed, InvalidValue, LimitExceeded } from "@syncline/core";
import type { ErrorCode, Fault } from "@syncline/protocol";

/** Codes that no server sends. */
export type ClientCode =
  | "CLOSED"
  | "INVALID_VALUE"
  | "UNKNOWN_COLLECTION"
  | "UNKNOWN_FIELD"
  | "NESTED_TRANSACTION"
  | "DRAFT_CLOSED"
  | "COUNTER_OVERFLOW"
  | "NO_WEBSOCKET";

/** Every code that a `SynclineError` can have. */
export type SynclineErrorCode = ClientCode | ErrorCode;

/** What went wrong; `remedyOf` says what to do about it. */
export class SynclineError extends Error {
  override readonly name = "SynclineError";
  /** Stable, for programs. */
  readonly code: SynclineErrorCode;
  /** URLs of the masters, when the code sends the caller to one of them; else empty. */
  readonly masters: readonly string[];

  constructor(
    code: SynclineErrorCode,
    message: string,
    options: ErrorOptions & { masters?: readonly string[] } = {},
  ) {
    super(message, options);
    this.code = code;
    this.masters = options.masters ?? [];
  }
}

/** A refusal of a server as an error. */
export function errorOf(fault: Fault): SynclineError {
  return new SynclineError(fault.code, fault.reason, { masters: fault.masters ?? [] });
}

/** What an app has given is not what it may give. */
export function invalid(message: string): SynclineError {
  return new SynclineError("INVALID_VALUE", message);
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
