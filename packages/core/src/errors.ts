/**
 * The errors that core throws, each with a stable code.
 *
 * Who is at fault decides the class: a caller's value (`InvalidValue`, `LimitExceeded`, `DraftClosed`), bytes from
 * outside (`Malformed`, which decoders turn into a `Result`), a number too great to be one (`CounterOverflow`), or
 * we ourselves (`BrokenInvariant`, after which a node must stop, because wrong state spreads).
 */

/** A value, a name or an argument that cannot be stored. The message says where and why. */
export class InvalidValue extends Error {
  readonly code = "INVALID_VALUE";
  override readonly name = "InvalidValue";
}

/** One of `CORE_LIMITS` was passed. The message names the limit. */
export class LimitExceeded extends Error {
  readonly code = "LIMIT_EXCEEDED";
  override readonly name = "LimitExceeded";
}

/** A draft was used after its transaction had ended. */
export class DraftClosed extends Error {
  readonly code = "DRAFT_CLOSED";
  override readonly name = "DraftClosed";
}

/** A counter's exact sum lies outside ±(2^53 - 1) and has no exact JavaScript number. Thrown by reads only. */
export class CounterOverflow extends Error {
  readonly code = "COUNTER_OVERFLOW";
  override readonly name = "CounterOverflow";
}

/** Bytes that no writer of ours would have written. Thrown by readers, caught by `attempt`. */
export class Malformed extends Error {
  readonly code = "MALFORMED";
  override readonly name = "Malformed";
}

/** What cannot happen has happened: a bug of ours, or of the code that delivers changes to us. */
export class BrokenInvariant extends Error {
  readonly code = "BROKEN_INVARIANT";
  override readonly name = "BrokenInvariant";
}
