/**
 * The limits of what only a server has: sockets, requests, files. The engine's own are in `LIMITS` of protocol.
 *
 * Sizes are bytes, times milliseconds, unless the name says otherwise.
 */
export const SERVER_LIMITS = {
  /** Body of a request. A larger one is refused with `LIMIT_EXCEEDED`. Room for the largest change, escaped. */
  bodyBytesMax: 2 << 20,
  /** Requests that are being answered at the same time. One more is refused with `OVERLOADED`. */
  requestsInFlightMax: 2_000,
  /** From the first byte of a connection, or of a further request on it, to the end of the headers. */
  headersMsMax: 10_000,
  /** To the end of the body. */
  requestMsMax: 30_000,
  /** How long a connection may stay open between two requests. */
  keepAliveMs: 5_000,
  /** How long a caller may make a read or a write wait with `timeoutMs`. */
  waitMsMax: 60_000,
  /** How long the hook that authenticates a request may take. */
  authenticateMsMax: 10_000,
  /** From the signal to stop until what is left is cut off. */
  drainMsMax: 10_000,
  /** For open sockets to say goodbye, at the end of that. */
  closeMsMax: 1_000,

  /** How long a backup may take: meanwhile the store lets go of nothing that it needs. */
  backupMsMax: 3_600_000,

  /** All files of the site at `/` together. */
  siteBytesMax: 16 << 20,
  /** One message of a provider of y-websocket. A larger one ends the connection. */
  yjsFrameBytesMax: 1 << 20,
  /** Messages of one provider in a second. Who sends more is read more slowly. */
  yjsMessagesPerSecondMax: 200,
  /** What may wait for a provider that does not read. Beyond it the connection is cut; he comes again and is told what he lacks. */
  yjsQueueBytesMax: 8 << 20,
  /** Providers at the same time. One more is closed with 4503. */
  yjsConnectionsMax: 10_000,
  /** How long a provider waits for its document to be loaded. */
  yjsReadyMsMax: 10_000,
  /** How often providers are told who is still there: they forget whom they have not heard of for 30 s. */
  yjsAwarenessBeatMs: 10_000,

  configFileBytesMax: 64 << 10,
  /** A secret that can be guessed is none. */
  secretBytesMin: 16,
  secretBytesMax: 4 << 10,
  /** Free ports that are tried until one is free on every loopback address. */
  portAttemptsMax: 20,
} as const;

export type ServerLimits = { readonly [Name in keyof typeof SERVER_LIMITS]: number };

/** Those of providers of y-websocket. */
export type YjsLimits = Pick<ServerLimits, Extract<keyof ServerLimits, `yjs${string}`>>;
