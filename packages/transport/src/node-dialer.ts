/** Opens links from a Node process. */
import type { Dialer } from "@syncline/engine";
import { WebSocket } from "ws";
import { HANDSHAKE_MS_MAX } from "./limits.js";
import { acceptLink, SOCKET_OPTIONS, textOf } from "./node-link.js";

export interface NodeDialerOptions {
  /** From the dialing to the end of the handshake, in milliseconds. */
  readonly handshakeMsMax?: number;
}

export function nodeDialer(options: NodeDialerOptions = {}): Dialer {
  const handshakeTimeout = options.handshakeMsMax ?? HANDSHAKE_MS_MAX;
  return {
    dial(url, on) {
      let isUnderWay = true;
      const fail = (reason: string) => {
        if (!isUnderWay) return;
        isUnderWay = false;
        on.failed(reason);
      };
      let socket: WebSocket;
      try {
        socket = new WebSocket(url, { ...SOCKET_OPTIONS, handshakeTimeout });
      } catch (error) {
        // Not a URL, or not of a WebSocket. Said like every other failure: later.
        setImmediate(() => fail(error instanceof Error ? error.message : String(error)));
        return () => (isUnderWay = false);
      }
      socket.on("error", (error) => fail(textOf(error)));
      socket.on("close", () => fail("the connection was lost"));
      socket.on("open", () => {
        if (!isUnderWay) return;
        isUnderWay = false;
        const accepted = acceptLink(socket);
        accepted.attach(on.opened(accepted.link));
      });
      return () => {
        if (!isUnderWay) return;
        isUnderWay = false;
        socket.terminate();
      };
    },
  };
}
