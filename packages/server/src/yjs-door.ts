/**
 * The door for providers of y-websocket: `WS /yjs/:collection/:key`.
 *
 * The guard has already looked at who asks; here the document's name and the caller's rights are. What a socket may
 * send, how fast and how much it may leave unread has its limits. A refusal that will stay one closes with a code of
 * 44xx, after which providers do not come again.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { checkDocumentName, type DocumentName, documentId } from "@syncline/core";
import { type Access, isReserved, type Logger, type OpenDocument, type SyncNode } from "@syncline/engine";
import { type WebSocket, WebSocketServer } from "ws";
import type { Bridge } from "./bridge.js";
import { authenticateCaller } from "./caller.js";
import { Refused } from "./errors.js";
import type { YjsLimits } from "./limits.js";
import { deniedMessage, type Provider, YjsRoom } from "./yjs-room.js";

export const YJS_PATH = "/yjs/";

export interface YjsParts {
  readonly node: SyncNode;
  readonly access: Access;
  readonly cluster: string;
  readonly bridge: Bridge;
  readonly log: Logger;
  readonly limits: YjsLimits;
}

export class YjsDoor {
  readonly server: WebSocketServer;
  readonly #parts: YjsParts;
  readonly #rooms = new Map<
    string,
    { readonly room: YjsRoom; readonly open: OpenDocument; people: number }
  >();
  /** From the moment when they ask to come in. */
  #connections = 0;

  constructor(parts: YjsParts) {
    this.#parts = parts;
    this.server = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: parts.limits.yjsFrameBytesMax,
    });
  }

  enter(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("error", () => webSocket.terminate());
      // Nothing is read before it is known who this is.
      webSocket.pause();
      this.#connections += 1;
      webSocket.on("close", () => {
        this.#connections -= 1;
      });
      void this.#admit(request, webSocket).catch((error: unknown) => {
        const reason = error instanceof Refused ? error.message : "the request is malformed";
        this.#refuse(
          webSocket,
          error instanceof Refused && error.code === "OVERLOADED" ? 4503 : 4403,
          reason,
        );
      });
    });
  }

  /** Ends all rooms. */
  close(): void {
    for (const { room } of this.#rooms.values()) room.close();
  }

  async #admit(request: IncomingMessage, socket: WebSocket): Promise<void> {
    const { access, cluster, node, limits } = this.#parts;
    const url = new URL(request.url ?? "/", "http://localhost");
    const name = nameIn(url.pathname);
    const wrong = name === undefined ? "the path is /yjs/:collection/:key" : checkDocumentName(name);
    if (name === undefined || wrong !== undefined) {
      this.#refuse(socket, 4400, wrong ?? "no document has this name");
      return;
    }
    if (this.#connections > limits.yjsConnectionsMax) {
      this.#refuse(socket, 4503, "too many connections");
      return;
    }
    // Browsers cannot send a header with a WebSocket: providers put their token into a parameter.
    const token = url.searchParams.get("token");
    const header = token === null ? request.headers.authorization : `Bearer ${token}`;
    const who = await authenticateCaller(access, cluster, header);
    if (!access.authorize(who, name, "read")) {
      this.#refuse(socket, 4403, `no right to read ${documentId(name)}`);
      return;
    }
    const mayWrite = () =>
      node.refusesWrites()?.code !== "READ_ONLY_FOLLOWER" &&
      !isReserved(name) &&
      access.authorize(who, name, "write");
    if (socket.readyState === socket.OPEN) this.#seat(socket, name, mayWrite);
  }

  #seat(socket: WebSocket, name: DocumentName, mayWrite: () => boolean): void {
    const { limits } = this.#parts;
    const { room, leave } = this.#roomOf(name);
    const provider: Provider = {
      mayWrite,
      send(message) {
        if (socket.readyState !== socket.OPEN) return;
        socket.send(message);
        // He comes again and is told what he lacks: less than what waits here.
        if (socket.bufferedAmount > limits.yjsQueueBytesMax) socket.terminate();
      },
      close(code, reason) {
        isOver = true;
        pace.stop();
        // His goodbye is to be read, and what he has sent before it is not looked at any more.
        socket.resume();
        socket.close(code, reason.slice(0, REASON_CHARS_MAX));
      },
    };
    let isOver = false;
    const pace = new Pace(socket, limits.yjsMessagesPerSecondMax);
    socket.on("message", (data, isBinary) => {
      if (isOver) return;
      if (!isBinary || !Buffer.isBuffer(data)) {
        provider.close(4400, "messages are binary");
        return;
      }
      pace.count();
      room.receive(provider, data);
    });
    const late = setTimeout(
      () => provider.close(1013, "the document is not there yet"),
      limits.yjsReadyMsMax,
    );
    const stopWaiting = room.whenReady((refused) => {
      clearTimeout(late);
      if (refused !== undefined) {
        provider.close(4403, refused);
        return;
      }
      room.enter(provider);
      socket.resume();
    });
    socket.on("close", () => {
      clearTimeout(late);
      pace.stop();
      stopWaiting();
      room.leave(provider);
      leave();
    });
  }

  /** The room of a document, kept as long as somebody is there. */
  #roomOf(name: DocumentName): { room: YjsRoom; leave(): void } {
    const id = documentId(name);
    const { node, bridge, log, limits } = this.#parts;
    const client = bridge.client(node);
    let entry = this.#rooms.get(id);
    if (entry === undefined) {
      const open = client.open(name);
      const parts = { node, client, open, log, beatMs: limits.yjsAwarenessBeatMs };
      entry = { room: new YjsRoom(name, parts), open, people: 0 };
      this.#rooms.set(id, entry);
    }
    entry.people += 1;
    const { room, open } = entry;
    const own = entry;
    return {
      room,
      leave: () => {
        own.people -= 1;
        if (own.people > 0) return;
        this.#rooms.delete(id);
        room.close();
        client.close(open);
      },
    };
  }

  #refuse(socket: WebSocket, code: number, reason: string): void {
    this.#parts.log.debug("y-websocket-refused", { code, reason });
    if (code === 4403) socket.send(deniedMessage(reason));
    socket.resume();
    socket.close(code, reason.slice(0, REASON_CHARS_MAX));
  }
}

/** A close reason has 123 bytes; ours are ASCII but for names. */
const REASON_CHARS_MAX = 30;

/** The first part of the path is the collection, all that follows the key. */
function nameIn(path: string): DocumentName | undefined {
  const [collection = "", ...key] = path.slice(YJS_PATH.length).split("/");
  try {
    return { collection: decodeURIComponent(collection), key: key.map(decodeURIComponent).join("/") };
  } catch {
    return undefined;
  }
}

/**
 * Who sends faster than he may is read more slowly: nothing of it is lost. What had come already when he is paused, some
 * kilobytes, is read all the same, and counts for the time after.
 */
class Pace {
  readonly #socket: WebSocket;
  #left: number;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(socket: WebSocket, perSecondMax: number) {
    this.#socket = socket;
    this.#left = perSecondMax;
    this.#timer = setInterval(() => {
      const isPaused = this.#left <= 0;
      this.#left = Math.min(perSecondMax, this.#left + perSecondMax);
      if (isPaused && this.#left > 0) this.#socket.resume();
    }, 1_000);
  }

  count(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#socket.pause();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
