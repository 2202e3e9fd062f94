/**
 * Everything the engine needs from the world, handed in whole.
 *
 * The engine never reads a clock, sets a timer, rolls a die, opens a socket or touches a disk: it is given
 * these ports. A process hands in the real ones, a test hands in virtual ones and thereby decides everything
 * that happens, in which order. Contracts are written here, on the interface, so that the author of an adapter
 * reads this file alone.
 */

/** Two clocks: one that people set, one that only ever moves forward. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. May jump in both directions. For stamps only. */
  now(): number;
  /** Milliseconds since an arbitrary moment. Never moves backwards. For every duration. */
  monotonic(): number;
}

/** Deferred work. Callbacks run in the order of their due times; none runs before `after` or `turn` has returned. */
export interface Scheduler {
  /** Runs `task` once, `delayMs` milliseconds from now. Returns a function that cancels it. */
  after(delayMs: number, task: () => void): () => void;
  /** Runs `task` once, at the end of this turn of the event loop: after everything that has arrived by now. */
  turn(task: () => void): void;
}

/** Randomness. Unpredictable in production (identities and nonces depend on it), seeded in tests. */
export interface Random {
  /** A uniform integer in [0, below). `below` is at most 2^53. */
  integer(below: number): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** Keyed hashes under the cluster's secret: they prove membership and seal what clients hand over. */
export interface Mac {
  /** A 32-byte HMAC-SHA-256 of `message`. */
  sign(message: Uint8Array): Uint8Array;
}

/** Where an engine says what happened. Fields are plain data; nothing secret, no contents of documents. */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(event: string, fields?: Record<string, unknown>): void;
  /** What happens in the course of things. */
  info(event: string, fields?: Record<string, unknown>): void;
  /** What somebody should look at some time. */
  warn(event: string, fields?: Record<string, unknown>): void;
  /** What somebody must look at. */
  error(event: string, fields?: Record<string, unknown>): void;
}

/**
 * A connection that carries whole frames in order, or ends.
 *
 * A transport owes no more than that: it may end at any moment and lose what was under way. Neither side calls
 * the other from within a call: `send` never leads to `frame` or `closed` before it has returned.
 */
export interface Link {
  /** Takes one frame for sending, at most `FRAME_BYTES_MAX` bytes. The caller does not change it afterwards. No effect once closed. */
  send(frame: Uint8Array): void;
  /** Bytes taken by `send` that the peer's side of the transport has not accepted yet. */
  queuedBytes(): number;
  /**
   * Sends what is queued if it can, and ends the link. `reason` is for people. `closed` follows unless it was called
   * already; nothing else does, after this as after `terminate`.
   */
  close(reason: string): void;
  /** Ends the link at once, without sending what is queued. For peers that do not read or do not answer. */
  terminate(reason: string): void;
}

/** What an engine does with a link's events. The transport calls `closed` exactly once, and nothing after it. */
export interface LinkHandler {
  frame(bytes: Uint8Array): void;
  /** `queuedBytes` has fallen to a quarter of what it was at most, or to zero. */
  drained(): void;
  closed(reason: string): void;
}

/** Opens links. One call, one attempt: when to try again is the engine's decision. */
export interface Dialer {
  /** Exactly one of `opened` and `failed` is called, unless the returned function cancels the attempt first. */
  dial(url: string, on: { opened(link: Link): LinkHandler; failed(reason: string): void }): () => void;
}

/** One change of the store: a value to put, or `undefined` to delete the key. */
export interface StorageWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export interface StorageRange {
  /** First key, inclusive. */
  readonly from: Uint8Array;
  /** Last key, exclusive. */
  readonly to: Uint8Array;
  readonly limit?: number;
  /** From the last key to the first. */
  readonly reverse?: boolean;
}

/**
 * An ordered map from bytes to bytes that survives crashes. Keys compare as unsigned bytes, 1 to 500 of them.
 *
 * Commits are atomic and are applied in the order in which they were made; after a crash the store holds a
 * prefix of them that includes every commit whose `done` was called without an error. `done` means that the
 * operating system has been made to write it to the device: it is never called before, and never from within
 * `commit`. Reads show every commit whose `done` has been called, and may already show later ones, whole.
 * After a failed commit the store accepts nothing more: retrying a failed sync would report a success that the
 * device never had. Only a commit that fails with `StoreFull` has changed nothing, and may be made again; those that
 * waited behind it fail like it.
 */
export interface Storage {
  get(key: Uint8Array): Uint8Array | undefined;
  /** To be consumed in one go: only then is it one consistent state. */
  scan(range: StorageRange): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** The caller does not change the keys and values before `done`. */
  commit(writes: readonly StorageWrite[], done: (failure?: Error) => void): void;
  /** Waits for the commits under way and lets go of the store. */
  close(): Promise<void>;
}

/** One state of a store, however long it is read and whatever is committed meanwhile. */
export interface StorageState {
  scan(range: StorageRange): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** To be called once, and soon: until then the store cannot use again what this state needs. */
  release(): void;
}

/** A store of which a copy can be made while it is used. */
export interface CopyableStorage extends Storage {
  state(): StorageState;
}
