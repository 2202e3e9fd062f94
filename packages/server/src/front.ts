/**
 * The front of a server: every byte that comes in over its sockets passes here first.
 *
 * Sockets get their limits, requests and upgrades pass the guard, and what is let in goes to the HTTP app or to the
 * WebSocket door. Before the node is there, and while it stops, both are told so.
 */
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { LIMITS } from "@syncline/protocol";
import { ANSWER_HEADERS, Refused, refusalAnswer } from "./errors.js";
import type { Guard } from "./guard.js";
import type { httpApp } from "./http.js";
import { SERVER_LIMITS } from "./limits.js";
import { refuseUpgrade, type WebSocketDoor } from "./upgrade.js";

export interface Inside {
  readonly app: ReturnType<typeof httpApp>;
  readonly door: WebSocketDoor;
}

export class Front {
  private inside:
    | { listener: (request: IncomingMessage, response: ServerResponse) => unknown; door: WebSocketDoor }
    | undefined;
  private readonly servers: HttpServer[] = [];
  private isDraining = false;
  private isDiskFull = (): boolean => false;

  constructor(private readonly guard: Guard) {}

  /** Makes an HTTP server for one more address. */
  create(): HttpServer {
    const server = createServer({
      headersTimeout: SERVER_LIMITS.headersMsMax,
      requestTimeout: SERVER_LIMITS.requestMsMax,
      keepAliveTimeout: SERVER_LIMITS.keepAliveMs,
      connectionsCheckingInterval: SERVER_LIMITS.headersMsMax / 4,
      // The guard says it better.
      requireHostHeader: false,
    });
    server.maxConnections = LIMITS.linksMax + SERVER_LIMITS.requestsInFlightMax;
    server.on("request", (request, response) => this.request(request, response));
    server.on("upgrade", (request, socket, head) => this.upgrade(request, socket, head));
    server.on("clientError", refuseBytes);
    this.servers.push(server);
    return server;
  }

  /** The node is being started, which waits for as long as its disk is full. */
  starting(isDiskFull: () => boolean): void {
    this.isDiskFull = isDiskFull;
  }

  /** The node is there: from now on requests are answered. */
  open({ app, door }: Inside): void {
    const listener = getRequestListener(app.fetch, {
      hostname: "localhost",
      overrideGlobalObjects: false,
      errorHandler: () => {
        const { status, headers, body } = refusalAnswer(
          new Refused("BAD_REQUEST", "the request is malformed"),
        );
        return new Response(body, { status, headers });
      },
    });
    this.inside = { listener, door };
  }

  /** No more WebSockets; requests are still answered, for who asks whether this node is ready. */
  drain(): void {
    this.isDraining = true;
  }

  /** Ends everything: gives sockets `graceMs` to finish what they are doing, then cuts them off. */
  async close(graceMs: number): Promise<void> {
    this.isDraining = true;
    const closed = Promise.all(
      this.servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeIdleConnections();
          }),
      ),
    );
    const cut = setTimeout(() => {
      for (const server of this.servers) server.closeAllConnections();
    }, graceMs);
    await this.inside?.door.close(graceMs);
    await closed;
    clearTimeout(cut);
  }

  private request(request: IncomingMessage, response: ServerResponse): void {
    // A connection that is kept open would hold up the stop.
    if (this.isDraining) response.setHeader("connection", "close");
    const refused = this.guard.objection(request) ?? this.notYet();
    if (refused === undefined) this.inside?.listener(request, response);
    else respond(response, refused);
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const refused = this.guard.objection(request) ?? this.notYet() ?? this.going();
    if (refused === undefined) this.inside?.door.enter(request, socket, head);
    else refuseUpgrade(socket, refused);
  }

  private notYet(): Refused | undefined {
    if (this.inside !== undefined) return undefined;
    return this.isDiskFull()
      ? new Refused("STORAGE_FULL", "the node cannot start: its disk is full")
      : new Refused("SHUTTING_DOWN", "the node is starting");
  }

  private going(): Refused | undefined {
    return this.isDraining ? new Refused("SHUTTING_DOWN", "the node is stopping") : undefined;
  }
}

function respond(response: ServerResponse, refused: Refused): void {
  const { status, headers, body } = refusalAnswer(refused);
  response.writeHead(status, { ...headers, connection: "close" });
  response.end(body);
}

/** Bytes that are no HTTP, headers that are too many or too slow. */
function refuseBytes(error: Error, socket: Duplex): void {
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request";
  const { headers, body } = refusalAnswer(
    new Refused("BAD_REQUEST", "this is no HTTP request that can be read"),
  );
  const lines = Object.entries({ ...headers, ...ANSWER_HEADERS }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(
    `HTTP/1.1 ${status}\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
