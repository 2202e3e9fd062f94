/**
 * The door for WebSockets at `/sync`: from an HTTP upgrade to a link that the node accepts.
 *
 * The guard has already looked at who asks; here the path is checked. The limits of a socket (how large a message may
 * be, in how many fragments, not compressed) are the transport's.
 */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger, SyncNode } from "@syncline/engine";
import { acceptUpgrade, type ServerLink } from "@syncline/transport/node";
import { Refused, refusalAnswer } from "./errors.js";
import { YJS_PATH, type YjsDoor } from "./yjs-door.js";

export const SYNC_PATH = "/sync";

export class WebSocketDoor {
  private readonly links = new Set<ServerLink>();
  /** Called when the last of them has gone. */
  private allGone: () => void = () => {};

  constructor(
    private readonly node: SyncNode,
    private readonly yjs: YjsDoor,
    private readonly log: Logger,
  ) {}

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
    const accepted = acceptUpgrade(request, socket, head, () => {
      if (typeof accepted !== "string") this.links.delete(accepted);
      if (this.links.size === 0) this.allGone();
    });
    if (typeof accepted === "string") {
      this.log.debug("upgrade-failed", { reason: accepted });
      refuseUpgrade(socket, new Refused("BAD_REQUEST", `this is no WebSocket handshake: ${accepted}`));
      return;
    }
    this.links.add(accepted);
    accepted.attach(this.node.accept(accepted.link));
  }

  /** Waits until every WebSocket has said goodbye, at most this long, and cuts off those that have not. */
  async close(graceMs: number): Promise<void> {
    this.yjs.close();
    const sockets = [...this.yjs.server.clients];
    const gone = sockets.map(
      (socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())),
    );
    if (this.links.size > 0) gone.push(new Promise((resolve) => (this.allGone = resolve)));
    for (const socket of sockets) socket.close(1001);
    for (const link of this.links) link.leave();
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.terminate();
      for (const { link } of this.links) link.terminate("the server has stopped");
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
