/** The client in browsers and wherever else the platform has a WebSocket. The types are those of `index.ts`. */
import { browserClock, browserDialer, browserRandom, browserScheduler } from "@syncline/transport/browser";
import { type ConnectOptions, connectOn } from "./connect.js";
import type { Database } from "./database.js";
import { SynclineError } from "./errors.js";
import type { Collections } from "./schema.js";

export * from "./api.js";

export function connect<C extends Collections = Collections>(
  urls: string | readonly string[],
  options: ConnectOptions<C> = {},
): Database<C> {
  const platform = {
    clock: browserClock,
    scheduler: browserScheduler,
    random: browserRandom,
    dialer: () => {
      if (typeof WebSocket === "function") return browserDialer();
      throw new SynclineError("NO_WEBSOCKET", "this platform has no WebSocket");
    },
  };
  return connectOn(platform, urls, options);
}
