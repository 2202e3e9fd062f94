/**
 * The limits that clients have too: what a link carries, and what a client keeps.
 *
 * They stand apart from the others (`limits.ts`, which says how all of them are meant) because a client ships them.
 */
import { CORE_LIMITS } from "@syncline/core";

export const CLIENT_LIMITS = {
  ...CORE_LIMITS,

  /** One frame on a link. A larger one ends the link. */
  frameBytesMax: 1 << 20,
  /** The first frame on a link, before the peer has said who it is. Has room for `urlsMax` URLs or the longest token. */
  greetingBytesMax: 32 << 10,
  /** From the opening of a link to the end of its greeting. Then the link ends with `GREETING_TIMEOUT`. */
  greetingMsMax: 10_000,
  /** A link on which nothing was heard for this long is dead and is ended. Two heartbeats. */
  silenceMsMax: 10_000,
  /** A link on which nothing was sent for this long sends a ping. */
  heartbeatMs: 5_000,
  /** What a link may have queued for a peer before its feeds pause; they go on, from the log, when it has drained. */
  sendQueuePauseBytes: 512 << 10,
  /** What a link may have queued at most, messages that are not feeds included. Beyond it the link is ended. */
  sendQueueBytesMax: 8 << 20,

  /** Name of a node or a cluster. */
  nameBytesMax: 64,
  /** A URL that a node advertises. */
  urlBytesMax: 512,
  /** URLs of masters in one greeting or refusal; more are left out. */
  urlsMax: 32,
  /** A client's token. */
  tokenBytesMax: 8 << 10,
  /** The reason in a refusal; longer ones are cut. */
  reasonBytesMax: 1024,
  /** Streams in one vector. A larger vector is malformed. */
  vectorEntriesMax: 4096,
  /** Nodes that a node remembers. One more is refused with `LIMIT_EXCEEDED`. */
  membersMax: 1_024,
  /** Names in one commit rule. */
  ruleNamesMax: 64,
  /** A quorum as text. Has room for that many of the longest names. */
  ruleBytesMax: 5 << 10,
  /** Records or changes in one message. */
  batchEntriesMax: 4096,
  /** Bytes of records or changes that one message collects before the next one is begun. */
  batchBytes: 64 << 10,

  /** Documents that one link may have open. One more is refused with `LIMIT_EXCEEDED`. */
  documentsPerLinkMax: 10_000,

  /** A stamp, or a clock, that is further ahead than this is wrong. */
  clockAheadMsMax: 300_000,

  /** The wait before the first attempt to dial again; doubles up to the next line, with jitter. */
  redialMsMin: 100,
  redialMsMax: 10_000,
  /** How long a link has to last before the wait after its end starts small again. */
  redialProofMs: 1_000,

  /**
   * Changes of its own that a client keeps until they are safe. Beyond it the oldest that a master has on its disk is
   * let go; `transact` throws `LIMIT_EXCEEDED` when there is none.
   */
  outboxChangesMax: 10_000,
  /** Bytes of those. */
  outboxBytesMax: 32 << 20,
  /** Changes of its own that a client has under way on a link, not yet answered. */
  offersInFlightMax: 512,
  /** Bytes of others' changes that a client keeps until they are safe, to hand them over. Beyond it the oldest are let go. */
  retainedBytesMax: 16 << 20,
  /** Bytes of a feed that a client holds back until a cut completes them. Beyond it they are shown as they come. */
  uncutFeedBytesMax: 4 << 20,
  /** How long a client waits for a provider to show what its session has seen before it hands over what it holds. */
  coverWaitMs: 2_000,

  /** What one person shows of himself at one document, encoded. A client's `set` throws `LIMIT_EXCEEDED` beyond it. */
  presenceBytesMax: 4_096,
  /** How often a client may tell of itself in a second. What comes faster is put together, by clients and by nodes. */
  presencePerSecondMax: 20,

  /** The default for write concerns. */
  writeWaitMs: 10_000,
} as const;

/** Those of what an app ships only if it uses it: keeping documents on the device, and undo. */
export const OPTIONAL_LIMITS = {
  /** How long a client that keeps things waits for the store before it connects without it. */
  slotWaitMs: 3_000,
  /** How often a client looks for what tabs left that have ended. It takes over what lies there at two looks in a row. */
  inheritEveryMs: 10_000,
  /** Slots of one store, so tabs at a time that keep what they have. One more works from memory. */
  slotsMax: 32,
  /** Documents kept in a slot. Beyond it the least recently opened are let go: servers have them. */
  keptDocumentsMax: 1_000,
  /** Bytes of changes kept beside a document's state before both are written as one state. */
  keptTailBytesMax: 64 << 10,
  /** The wait before a store that has failed is tried again. */
  storeRetryMs: 10_000,

  /** Own changes of one document that a client can take back; the oldest is forgotten first. */
  undoChangesMax: 100,
} as const;

export type ClientLimits = { readonly [Name in keyof typeof CLIENT_LIMITS]: number };

export type OptionalLimits = { readonly [Name in keyof typeof OPTIONAL_LIMITS]: number };
