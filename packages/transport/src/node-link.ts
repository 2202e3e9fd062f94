/**
 * A link over a WebSocket of `ws`, at either end of it.
 *
 * Everything a peer can do wrong ends the link with a reason and nothing else: text, frames or fragments beyond their
 * limits, broken framing, a connection that breaks. After this side has ended the link nothing more is delivered from
 * it but the end itself.
 */
import { BrokenInvariant } from "@syncline/core";
import type { Link, LinkHandler } from "@syncline/engine";
import { WebSocket } from "ws";
import {
  CLOSE_NORMAL,
  CLOSE_NOT_UNDERSTOOD,
  FRAME_TOO_LARGE,
  fittingReason,
  reasonOf,
  TEXT_FRAME,
} from "./close.js";
import { DrainGauge } from "./drain.js";
import { CHUNKS_MAX, CLOSE_MS_MAX, FRAGMENTS_MAX, FRAME_BYTES_MAX } from "./limits.js";

/**
 * Options for every WebSocket and WebSocketServer that carries links. Compression is off: a small frame could grow
 * beyond any limit, and what we send is small already.
 */
export const SOCKET_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: FRAME_BYTES_MAX,
  maxFragments: FRAGMENTS_MAX,
  maxBufferedChunks: CHUNKS_MAX,
  closeTimeout: CLOSE_MS_MAX,
} as const;

export interface AcceptedLink {
  readonly link: Link;
  /** Begins the delivery of events. Nothing is read from the peer before. Called once. */
  attach(handler: LinkHandler): void;
}

/** Makes a link of an open WebSocket, made with `SOCKET_OPTIONS`. From now on the socket is the link's alone. */
export function acceptLink(socket: WebSocket): AcceptedLink {
  return new NodeLink(socket);
}

class NodeLink implements Link, AcceptedLink {
  readonly #socket: WebSocket;
  readonly #gauge = new DrainGauge();
  #handler: LinkHandler | undefined;
  /** Why this side has ended the link. */
  #ended: string | undefined;
  #error: Error | undefined;
  /** Why the link is closed. */
  #closed: string | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.pause();
    socket.binaryType = "nodebuffer";
    socket.on("message", (data, isBinary) => this.#received(data, isBinary));
    socket.on("error", (error) => (this.#error = error));
    socket.on("close", (code, reason) => this.#hasClosed(code, reason.toString()));
  }

  get link(): Link {
    return this;
  }

  attach(handler: LinkHandler): void {
    if (this.#handler !== undefined) throw new BrokenInvariant("a link has one handler");
    this.#handler = handler;
    const closed = this.#closed;
    if (closed === undefined) this.#socket.resume();
    else setImmediate(() => handler.closed(closed));
  }

  send(frame: Uint8Array): void {
    if (frame.length > FRAME_BYTES_MAX)
      throw new BrokenInvariant(`a frame of ${frame.length} bytes was sent`);
    if (!this.#isOpen()) return;
    this.#socket.send(frame, BINARY, this.#sent);
    this.#gauge.grew(this.queuedBytes());
  }

  queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  close(reason: string): void {
    this.#end(CLOSE_NORMAL, reason);
  }

  terminate(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#ended ??= reason;
    this.#socket.terminate();
  }

  #isOpen(): boolean {
    return this.#ended === undefined && this.#socket.readyState === WebSocket.OPEN;
  }

  #end(code: number, reason: string): void {
    if (!this.#isOpen()) return;
    this.#ended = reason;
    this.#socket.close(code, fittingReason(reason));
    // Else the peer's answer would wait behind frames that nobody reads.
    this.#socket.resume();
  }

  #received(data: WebSocket.RawData, isBinary: boolean): void {
    if (!this.#isOpen()) return;
    if (!isBinary || !Buffer.isBuffer(data)) this.#end(CLOSE_NOT_UNDERSTOOD, TEXT_FRAME);
    else this.#handler?.frame(new Uint8Array(data.buffer, data.byteOffset, data.length));
  }

  /** Called by the socket when the system has taken a frame, or when that has failed. */
  readonly #sent = (): void => {
    if (this.#isOpen() && this.#gauge.hasDrained(this.queuedBytes())) this.#handler?.drained();
  };

  #hasClosed(code: number, reason: string): void {
    this.#closed = this.#ended ?? (this.#error === undefined ? reasonOf(code, reason) : textOf(this.#error));
    this.#handler?.closed(this.#closed);
  }
}

const BINARY = { binary: true } as const;

/** One line about an error of a socket, or of a connection that could not be made. */
export function textOf(error: Error): string {
  if ("code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return FRAME_TOO_LARGE;
  // Of several addresses that were tried, the errors come together, without a message.
  const [first] = error instanceof AggregateError ? error.errors : [];
  const text = error.message === "" && first instanceof Error ? first.message : error.message;
  return text === "" ? error.name : text;
}
