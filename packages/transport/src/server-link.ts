/**
 * A link over a WebSocket that this process has accepted, on the bare socket.
 *
 * A library for WebSockets has objects, events and a stream of its own for each connection, and writes the head of a
 * frame apart from its contents. A server that holds many links, and whose frames are mostly small, pays more for that
 * than for all it does with them. So the server's end of the protocol is spoken here: the handshake, frames in
 * (`FrameParser`), frames out in one write, and the closing, in which each side says goodbye once and the server hangs up.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { BrokenInvariant } from "@syncline/core";
import type { Link, LinkHandler } from "@syncline/engine";
import { CLOSE_GOING_AWAY, CLOSE_NORMAL, fittingReason, NO_CLOSE_FRAME, NO_CODE, reasonOf } from "./close.js";
import { DrainGauge } from "./drain.js";
import { FrameParser, OPCODE } from "./frame-parser.js";
import { CLOSE_MS_MAX, FRAME_BYTES_MAX, PONG_QUEUE_BYTES_MAX } from "./limits.js";
import { type AcceptedLink, textOf } from "./node-link.js";

export interface ServerLink extends AcceptedLink {
  /** Says goodbye because the server stops. */
  leave(): void;
}

/**
 * Answers a request to upgrade to a WebSocket. `gone` is called when the connection is no more. Returns why it is none,
 * and then has not answered.
 */
export function acceptUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  gone: () => void,
  closeMsMax: number = CLOSE_MS_MAX,
): ServerLink | string {
  const { method, headers } = request;
  const key = headers["sec-websocket-key"] ?? "";
  if (method !== "GET") return `its method is ${method}`;
  if (headers.upgrade?.toLowerCase() !== "websocket") return "it asks for another protocol";
  if (!/^[+/0-9A-Za-z]{22}==$/.test(key)) return "its key is missing or invalid";
  if (headers["sec-websocket-version"] !== "13") return "its version is not 13";
  if (!socket.readable || !socket.writable) {
    socket.destroy();
    return "it has gone";
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answerTo(key)}\r\n\r\n`,
  );
  return new UpgradedLink(socket, head, gone, closeMsMax);
}

class UpgradedLink implements Link, ServerLink {
  readonly #socket: Duplex;
  readonly #gone: () => void;
  /** How long the peer may take to answer a goodbye. */
  readonly #closeMsMax: number;
  readonly #gauge = new DrainGauge();
  readonly #parser = new FrameParser(this);
  #handler: LinkHandler | undefined;
  #isReading = false;
  /** Why this side has ended the link. */
  #ended: string | undefined;
  #hasSaidGoodbye = false;
  /** What the peer's close frame said. */
  #heard: { readonly code: number; readonly reason: string } | undefined;
  #error: Error | undefined;
  /** Why the link is closed. */
  #closed: string | undefined;
  #stopWaiting: (() => void) | undefined;

  constructor(socket: Duplex, head: Uint8Array, gone: () => void, closeMsMax: number) {
    this.#socket = socket;
    this.#gone = gone;
    this.#closeMsMax = closeMsMax;
    if (socket instanceof Socket) {
      socket.setTimeout(0);
      socket.setNoDelay();
    }
    if (head.length > 0) socket.unshift(head);
    socket.on("error", (error) => (this.#error = error));
    socket.on("close", () => this.#hasClosed());
  }

  get link(): Link {
    return this;
  }

  attach(handler: LinkHandler): void {
    if (this.#handler !== undefined) throw new BrokenInvariant("a link has one handler");
    this.#handler = handler;
    const closed = this.#closed;
    if (closed === undefined) this.#read();
    else setImmediate(() => handler.closed(closed));
  }

  send(frame: Uint8Array): void {
    if (frame.length > FRAME_BYTES_MAX)
      throw new BrokenInvariant(`a frame of ${frame.length} bytes was sent`);
    if (!this.#isOpen()) return;
    this.#socket.write(framed(OPCODE.binary, frame), this.#sent);
    this.#gauge.grew(this.queuedBytes());
  }

  queuedBytes(): number {
    return this.#closed === undefined ? this.#socket.writableLength : 0;
  }

  close(reason: string): void {
    this.#end(CLOSE_NORMAL, reason);
  }

  leave(): void {
    this.#end(CLOSE_GOING_AWAY, "");
  }

  terminate(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#ended ??= reason;
    this.#socket.destroy();
  }

  // ---- what the peer's frames say ----

  message(payload: Uint8Array): void {
    if (this.#isOpen()) this.#handler?.frame(payload);
  }

  /** Who does not read the answers gets none: they would wait for him without a bound. */
  ping(payload: Uint8Array): void {
    if (this.#isOpen() && this.queuedBytes() <= PONG_QUEUE_BYTES_MAX)
      this.#socket.write(framed(OPCODE.pong, payload));
  }

  goodbye(code: number, reason: string): void {
    this.#heard = { code, reason };
    this.#sayGoodbye(code, reason);
    this.#socket.end();
  }

  /** What follows is read and dropped: to cut it off could cost the peer the close frame. */
  fault(code: number, reason: string): void {
    this.#ended ??= reason;
    this.#sayGoodbye(code, reason);
    this.#socket.end();
  }

  // ---- the socket ----

  #isOpen(): boolean {
    return this.#ended === undefined && this.#heard === undefined && this.#closed === undefined;
  }

  #end(code: number, reason: string): void {
    if (!this.#isOpen()) return;
    this.#ended = reason;
    this.#sayGoodbye(code, reason);
    // Else the peer's answer would wait behind frames that nobody reads.
    this.#read();
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#socket.on("data", (bytes: Uint8Array) => this.#parser.take(bytes));
    // Who hangs up without a goodbye does not wait for what is queued either.
    this.#socket.on("end", () => {
      if (this.#heard === undefined && this.#ended === undefined) this.#socket.destroy();
      else this.#socket.end();
    });
  }

  /** Says it once, and waits for the peer to do the same and hang up. */
  #sayGoodbye(code: number, reason: string): void {
    if (this.#hasSaidGoodbye || this.#closed !== undefined) return;
    this.#hasSaidGoodbye = true;
    const text = code === NO_CODE ? NOTHING : Buffer.from(`  ${fittingReason(reason)}`);
    if (text.length > 0) text.writeUInt16BE(code);
    this.#socket.write(framed(OPCODE.close, text));
    const timer = setTimeout(() => this.#socket.destroy(), this.#closeMsMax);
    this.#stopWaiting = () => clearTimeout(timer);
  }

  /** Called by the socket when the system has taken a frame, or when that has failed. */
  readonly #sent = (): void => {
    if (this.#isOpen() && this.#gauge.hasDrained(this.queuedBytes())) this.#handler?.drained();
  };

  #hasClosed(): void {
    this.#stopWaiting?.();
    const { code, reason } = this.#heard ?? { code: NO_CLOSE_FRAME, reason: "" };
    this.#closed = this.#ended ?? (this.#error === undefined ? reasonOf(code, reason) : textOf(this.#error));
    this.#handler?.closed(this.#closed);
    this.#gone();
  }
}

const NOTHING = Buffer.alloc(0);

/** A whole frame of a server: never masked, never in parts. */
function framed(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + lengthBytes + length);
  frame[0] = 0x80 | opcode;
  frame[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, 2 + lengthBytes);
  return frame;
}

/** What proves to the client that whoever answers knows what a WebSocket is. */
const answerTo = (key: string): string =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
