import { CORE_LIMITS } from "@syncline/core";

/**
 * Every limit of the system, by name, in one table.
 *
 * Whatever grows has its bound here, and what happens at the bound is said beside it. Sizes are bytes unless the
 * name says otherwise; times are milliseconds. The engine is handed a (possibly smaller) copy, so that tests can
 * reach each bound.
 */
export const LIMITS = {
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
  /** Nodes through which word of another one is passed on. */
  gossipHopsMax: 16,
  /** Names in one commit rule. */
  ruleNamesMax: 64,
  /** A quorum as text. Has room for that many of the longest names. */
  ruleBytesMax: 5 << 10,
  /** A record at most: a change and its dependencies. */
  recordBytesMax: CORE_LIMITS.changeBytesMax + (64 << 10),
  /** Records or changes in one message. */
  batchEntriesMax: 4096,
  /** Bytes of records or changes that one message collects before the next one is begun. */
  batchBytes: 64 << 10,

  /** Documents that one link may have open. One more is refused with `LIMIT_EXCEEDED`. */
  documentsPerLinkMax: 10_000,
  /** Offered changes of one link that wait for what they depend on. One more is refused; the client offers again later. */
  parkedChangesPerLinkMax: 1_000,
  /** Bytes of those. */
  parkedChangeBytesPerLinkMax: 8 << 20,
  /** Admitted changes of one link that are not committed yet. One more is refused with `OVERLOADED`. */
  unansweredChangesPerLinkMax: 20_000,
  /** How long an offered change waits for what its session has seen, before it is refused as not covered. */
  admissionWaitMs: 2_000,
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
  /** A stamp, or a clock, that is further ahead than this is wrong. */
  clockAheadMsMax: 300_000,
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
  /** Documents that wait to be folded, one more is folded when its tail has grown again; and as many that were, remembered. */
  foldsWaitingMax: 1_000,
  /** Changes that are folded, or records that are let go, before others have their turn. */
  foldChangesMax: 500,
  /** The pause before that. */
  foldPauseMs: 5,
  /**
   * Records that can go, before any goes. With each round every document that has a change among them is read, folded and
   * written once: so the more records a round has, the less it costs for each.
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
  /** Bytes of a feed that a client holds back until a cut completes them. Beyond it they are shown as they come. */
  uncutFeedBytesMax: 4 << 20,
  /** How often a feed without changes tells how far it is. */
  idleCutMs: 250,
  /** How long a client waits for a provider to show what its session has seen before it hands over what it holds. */
  coverWaitMs: 2_000,

  /** What one person shows of himself at one document, encoded. A client's `set` throws `LIMIT_EXCEEDED` beyond it. */
  presenceBytesMax: 4_096,
  /** How often a client may tell of itself in a second. What comes faster is put together, by clients and by nodes. */
  presencePerSecondMax: 20,
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
  /** The default for write concerns. */
  writeWaitMs: 10_000,
  /** Documents that a node looks through for conflicts. Beyond it the first by name are let go. */
  conflictDocumentsMax: 10_000,
  /** Conflicts of one list: the newest. */
  conflictsMax: 1_000,
  /** Own changes of one document that a client can take back; the oldest is forgotten first. */
  undoChangesMax: 100,
  /** Statements of one schema change. One more is refused with `LIMIT_EXCEEDED`. */
  schemaStatementsMax: 500,
  /** Collections and fields that a schema has, dropped ones too. One more is refused with `SCHEMA_CONFLICT`. */
  schemaThingsMax: 5_000,
  /** Keys in one page of a listing. */
  pageKeysMax: 1_000,
} as const;

/** The limits, each by its name: bytes, milliseconds or counts, as the name says. */
export type Limits = { readonly [Name in keyof typeof LIMITS]: number };
