/**
 * The door for WebSockets at `/sync`: from an HTTP upgrade to a link that the node accepts.
 *
 * The guard has already looked at who asks; here the path is checked. The limits of a socket (how large a message may
 * be, in how many fragments, not compressed) are the transport's.
 */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger, SyncNode } from "@syncline/engine";
import { acceptLink, SOCKET_OPTIONS } from "@syncline/transport/node";
import { WebSocketServer } from "ws";
import { Refused, refusalAnswer } from "./errors.js";
import { YJS_PATH, type YjsDoor } from "./yjs-door.js";

export const SYNC_PATH = "/sync";

export class WebSocketDoor {
  private readonly server: WebSocketServer;

  constructor(
    private readonly node: SyncNode,
    private readonly yjs: YjsDoor,
    log: Logger,
  ) {
    this.server = new WebSocketServer({
      noServer: true,
      // We speak one protocol and have no name for it.
      handleProtocols: () => false,
      ...SOCKET_OPTIONS,
    });
    this.server.on("wsClientError", (error, socket) => {
      log.debug("upgrade-failed", { reason: error.message });
      refuseUpgrade(socket, new Refused("BAD_REQUEST", `this is no WebSocket handshake: ${error.message}`));
    });
  }

  enter(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (request.url?.startsWith(YJS_PATH) === true) {
      this.yjs.enter(request, socket, head);
      return;
    }
    if ((request.url ?? "").split("?", 1)[0] !== SYNC_PATH) {
      refuseUpgrade(
        socket,
        new Refused("NOT_FOUND", "no WebSocket lives at this path", { remedy: `Connect to ${SYNC_PATH}.` }),
      );
      return;
    }
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      const accepted = acceptLink(webSocket);
      accepted.attach(this.node.accept(accepted.link));
    });
  }

  /** Waits until every WebSocket has said goodbye, at most this long, and cuts off those that have not. */
  async close(graceMs: number): Promise<void> {
    this.yjs.close();
    const sockets = [...this.server.clients, ...this.yjs.server.clients];
    const gone = sockets.map(
      (socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())),
    );
    for (const socket of sockets) socket.close(1001);
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.terminate();
    }, graceMs);
    await Promise.all(gone);
    clearTimeout(cut);
  }
}

/** Answers an upgrade with a refusal and ends the socket. */
export function refuseUpgrade(socket: Duplex, refused: Refused): void {
  const { status, headers, body } = refusalAnswer(refused);
  const lines = Object.entries({
    ...headers,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.once("finish", () => socket.destroy());
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
