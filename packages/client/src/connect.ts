/**
 * From an app's options to a client that runs: what is alike in browsers and in Node.
 */
import { toUtf8 } from "@syncline/core";
import {
  type Clock,
  type Dialer,
  type Logger,
  type Random,
  type Scheduler,
  SyncClient,
} from "@syncline/engine";
import { CLIENT_LIMITS, type Limits } from "@syncline/protocol";
import { browserDialer, type PlatformSocket } from "@syncline/transport/browser";
import { createDatabase, type Database } from "./database.js";
import { checkToken, dialing, type TokenSource } from "./dialing.js";
import { invalid } from "./errors.js";
import type { OfflineStorage } from "./indexeddb.js";
import type { PresenceSupport } from "./presence.js";
import type { Collections, Schema } from "./schema.js";
import { checkedUrls } from "./urls.js";

/** What `connect` can be told. Nothing is needed. */
export interface ConnectOptions<C extends Collections = Collections> {
  /** The fields of documents, from `defineSchema`. Without one documents are read and written by kind and name. */
  readonly schema?: Schema<C>;
  /** What is shown to be let in, up to 8 KiB. A function is asked before every attempt, and has 10 s to answer. */
  readonly token?: TokenSource;
  /** The name of the cluster to insist on. Any, if not given. */
  readonly cluster?: string;
  /**
   * Keeps documents and unsent changes over the end of this client, `indexedDb("app")` for instance. Without it they are
   * gone with the page.
   */
  readonly storage?: OfflineStorage;
  /** Shows who is at a document, if it is given: `presence` of this package, as it is. */
  readonly presence?: PresenceSupport;
  /** How this client is called in the logs of servers, up to 64 bytes. */
  readonly name?: string;
  /** The WebSocket to use instead of the platform's: a constructor like that of browsers. */
  readonly WebSocket?: new (
    url: string,
  ) => PlatformSocket;
  /** Takes what happens below, for debugging; `console` will do. Nothing is written anywhere if not given. */
  readonly log?: Logger;
  /** Other limits than the usual ones, by name. */
  readonly limits?: Partial<Limits>;
}

/** What a platform lends a client. */
export interface Platform {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly dialer: () => Dialer;
}

/** Makes a client on a platform and starts it. Throws `INVALID_VALUE`, `NO_WEBSOCKET`. */
export function connectOn<C extends Collections>(
  platform: Platform,
  urls: string | readonly string[],
  options: ConnectOptions<C>,
): Database<C> {
  const { clock, scheduler, random } = platform;
  const {
    schema,
    token,
    cluster = "",
    name = "client",
    WebSocket,
    log = SILENT,
    storage,
    presence,
  } = options;
  const limits = { ...CLIENT_LIMITS, ...options.limits };
  mustBeName("cluster", cluster);
  mustBeName("name", name);
  if (typeof token !== "function") {
    const reason = checkToken(token ?? "", limits);
    if (reason !== undefined) throw invalid(reason);
  }
  const list = checkedUrls(urls);
  const socketDialer = WebSocket === undefined ? platform.dialer() : browserDialer({ WebSocket, scheduler });
  const dialed = dialing(socketDialer, token, scheduler, limits);
  const client = new SyncClient(
    { urls: list, cluster, name, limits, schema: schema?.version },
    { clock, scheduler, random, log, ...dialed, keeping: storage?.keeping, presence: presence?.part },
  );
  const parts = {
    scheduler,
    report: reportUncaught,
    ...(schema && { schema }),
    ...(presence && { presence }),
  };
  const database = createDatabase(client, parts);
  client.start();
  return database;
}

function mustBeName(what: string, text: string): void {
  const bytes = toUtf8(text).length;
  if (bytes <= CLIENT_LIMITS.nameBytesMax) return;
  throw invalid(`${what} has up to ${CLIENT_LIMITS.nameBytesMax} bytes, not ${bytes}`);
}

/** As the platform treats what a listener of its own events throws. */
function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
