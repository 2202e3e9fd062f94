/**
 * What a store says when it cannot go on.
 *
 * The code is stable and for programs, the message is for people, and `cause` is what the system said.
 */
export type StorageErrorCode =
  /** The files are there but cannot be opened as a store: damaged, of another format, or not readable. */
  | "STORE_UNREADABLE"
  /** A commit failed. Final: nobody knows what the device has, so the store accepts nothing more. */
  | "STORE_FAILED";

export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
