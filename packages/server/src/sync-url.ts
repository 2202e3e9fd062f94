/**
 * The URL that a node is dialed at. People name a node without a path, `ws://host:port`; its WebSockets live at one.
 */
import type { Dialer } from "@syncline/engine";
import { SYNC_PATH } from "./upgrade.js";

export function dialingSyncPath(dialer: Dialer): Dialer {
  return {
    dial: (text, on) => {
      const url = new URL(text);
      if (url.pathname === "/") url.pathname = SYNC_PATH;
      return dialer.dial(url.href, on);
    },
  };
}
