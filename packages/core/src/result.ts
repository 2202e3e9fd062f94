/** Outside faults as data: what a decoder returns instead of throwing. */
import { Malformed } from "./errors.js";

/** Why something from outside was refused. `code` is stable and for programs, `reason` is for people. */
export interface Fault {
  readonly code: string;
  readonly reason: string;
}

/** A value, or the fault for which there is none. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault };

/** Runs a reader and turns the `Malformed` it may throw into a fault. Every other error is a bug and passes through. */
export function attempt<T>(read: () => T): Result<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, fault: { code: error.code, reason: error.message } };
    throw error;
  }
}
