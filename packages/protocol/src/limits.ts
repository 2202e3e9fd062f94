import { CORE_LIMITS, LINK_LIMITS } from "@syncline/core";
import { CLIENT_LIMITS, OPTIONAL_LIMITS } from "./client-limits.js";

/**
 * Every limit of the system, by name, in one table; those that clients have too stand in `client-limits.ts`.
 *
 * Whatever grows has its bound here, and what happens at the bound is said beside it. Sizes are bytes unless the
 * name says otherwise; times are milliseconds. The engine is handed a (possibly smaller) copy, so that tests can
 * reach each bound.
 */
export const LIMITS = {
  ...CLIENT_LIMITS,
  ...OPTIONAL_LIMITS,
  ...LINK_LIMITS,

  /** Nodes through which word of another one is passed on. */
  gossipHopsMax: 16,
  /** A record at most: a change and its dependencies. */
  recordBytesMax: CORE_LIMITS.changeBytesMax + (64 << 10),

  /** Offered changes of one link that wait for what they depend on. One more is refused; the client offers again later. */
  parkedChangesPerLinkMax: 1_000,
  /** Bytes of those. */
  parkedChangeBytesPerLinkMax: 8 << 20,
  /** Admitted changes of one link that are not committed yet. One more is refused with `OVERLOADED`. */
  unansweredChangesPerLinkMax: 20_000,
  /** How long an offered change waits for what its session has seen, before it is refused as not covered. */
  admissionWaitMs: 2_000,
  /** How long it is not told that changes were received, because what comes next is that they are durable. */
  receiptHoldMs: 5,
  /** And how many changes at most. */
  receiptHoldChangesMax: 64,
  /** Changes of one hand-over. */
  handoverChangesMax: 20_000,

  /** Records that arrived before what they depend on, bytes over all streams. Beyond it they are dropped and asked for again. */
  parkedRecordBytesMax: 32 << 20,
  /** How long they wait if nobody who is connected has them: what they wait for may be lost everywhere. */
  parkedAloneMsMax: 60_000,
  /** How long a provider that has more may send nothing, before another one is asked. */
  providerStallMs: 5_000,
  /** Memory for records that those who follow closely may need soon; others are served from the log. */
  recentRecordBytesMax: 3 << 20,
  /** What may wait for the disk. Beyond it masters refuse writes with `OVERLOADED` and followers stop taking records. */
  unflushedBytesMax: 64 << 20,
  /** How long a node whose disk is full waits before it tries again whether there is room. */
  fullRetryMs: 1_000,
  /** Documents that a node keeps materialised. The least recently read are dropped; the log has them. */
  documentsInMemoryMax: 1_000,
  /** What those are taken to need in memory. Beyond it the least recently read are dropped, too. */
  documentBytesInMemoryMax: 64 << 20,
  /** Author counters cached in memory; others are read from the store. */
  authorCountersInMemoryMax: 50_000,
  /** Document names (with their numbers) cached in memory. */
  documentNamesInMemoryMax: 25_000,
  /** Changes that come to a document's tail before it is folded into the base, if the base is not larger. */
  foldTailChanges: 512,
  /**
   * Changes of a tail that is folded when no more have come for `idleCutMs` to twice that: who opens the document then gets
   * one state, and nothing to play on it.
   */
  foldQuietChanges: 64,
  /** But not into a base that is larger than that, which takes its time; nor into one of four times the tail's bytes. */
  foldQuietBytesMax: 512 << 10,
  /** Documents that wait to be folded, one more is folded when its tail has grown again; and as many that were, remembered. */
  foldsWaitingMax: 1_000,
  /** Bytes of a base that are written for each change that is folded into it, if so many can be: the larger it is, the more at once. */
  foldBytesEach: 512,
  /** But no more than so many before others have their turn. */
  foldAtOnceMax: 2_048,
  /** Changes that are folded, or records that are let go, before others have their turn. */
  foldChangesMax: 500,
  /** The pause before that. */
  foldPauseMs: 5,
  /**
   * Records that can go, before any goes. With each round every document that has a change among them is read, folded and
   * written, a large one a few times: so the more records a round has, the less it costs for each.
   */
  truncationRecordsMin: 24_576,
  /** Records that are kept for members which are behind, over all streams. Beyond it such a member is lost, and gets a snapshot. */
  retentionRecordsMax: 10_000_000,
  /** Bytes of those. */
  retentionBytesMax: 1 << 30,
  /** Snapshots that a node sends at the same time. Who asks for one more is served later. */
  snapshotsSentMax: 4,
  /** What a receiver of a snapshot lets the sender send ahead of its disk. */
  snapshotWindowBytes: 4 << 20,
  /** For how long a snapshot, and what follows it, is kept for a receiver that is silent or gone. */
  snapshotPatienceMs: 60_000,

  /** Links that a node accepts. One more is closed at once. */
  linksMax: 20_000,

  /** How often a feed without changes tells how far it is. */
  idleCutMs: 250,

  /** How long a node collects what it tells clients of others. */
  presenceFlushMs: 50,
  /** Documents at which one client may show itself. One more ends the link. */
  presencePerLinkMax: 100,
  /** Who is anywhere, as far as a node remembers. Others are not shown by it. */
  presenceEntriesMax: 20_000,
  /** How often a node says that its clients are still there. */
  presenceBeatMs: 5_000,
  /** Who was not heard of for this long is gone. */
  presenceTtlMs: 30_000,
  /** The same for those who were heard of over a link that has ended, since its end. */
  presenceGraceMs: 7_500,

  /** Reads that wait for their token at the same time. One more is answered with `OVERLOADED`. */
  waitingReadsMax: 10_000,
  /** Writes over HTTP that wait for their level. One more is answered with `OVERLOADED`. */
  waitingWritesMax: 10_000,
  /** Questions of one link, or of all callers over HTTP, that wait for a quorum. One more is refused with `OVERLOADED`. */
  waitingConcernsMax: 1_000,
  /** How long a read waits for its token before `CAUSAL_WAIT_TIMEOUT`. */
  readWaitMs: 5_000,
  /** How often a node asks its upstreams how old what it shows is, while a reader waits to know. */
  probeMs: 100,
  /** Documents that a node looks through for conflicts. Beyond it the first by name are let go. */
  conflictDocumentsMax: 10_000,
  /** Conflicts of one list: the newest. */
  conflictsMax: 1_000,
  /** Statements of one schema change. One more is refused with `LIMIT_EXCEEDED`. */
  schemaStatementsMax: 500,
  /** Collections and fields that a schema has, dropped ones too. One more is refused with `SCHEMA_CONFLICT`. */
  schemaThingsMax: 5_000,
  /** Keys in one page of a listing. */
  pageKeysMax: 1_000,
} as const;

/** The limits, each by its name: bytes, milliseconds or counts, as the name says. */
export type Limits = { readonly [Name in keyof typeof LIMITS]: number };
