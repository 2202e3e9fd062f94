/**
 * The client in Node. Bundlers for browsers take `browser.ts` instead, by the conditions of this package's exports.
 *
 * Documents are packed, for here bytes of memory count and those of code do not. It always uses `ws`, so that every version of Node behaves alike; the WebSocket that later ones have cannot be cut
 * off and has no event for a queue that drains.
 */
import { packDocuments } from "@syncline/core";
import { nodeDialer, systemClock, systemRandom, systemScheduler } from "@syncline/transport/node";
import { type ConnectOptions, connectOn } from "./connect.js";
import type { Database } from "./database.js";
import type { Collections } from "./schema.js";

export * from "./api.js";

/**
 * Connects to a cluster, and returns at once: documents can be opened, read and changed before there is a connection,
 * and while it is lost. Of several URLs the first that answers is taken; when it fails, the next one, and nothing that
 * was written is lost or doubled by that. In Node an open database keeps the process alive until `close`.
 *
 * Throws a `SynclineError`: `INVALID_VALUE` for an impossible URL or option, `NO_WEBSOCKET` where there is none.
 */
export function connect<C extends Collections = Collections>(
  urls: string | readonly string[],
  options: ConnectOptions<C> = {},
): Database<C> {
  packDocuments();
  const platform = {
    clock: systemClock,
    scheduler: systemScheduler,
    random: systemRandom,
    dialer: () => nodeDialer(),
  };
  return connectOn(platform, urls, options);
}
