/**
 * Links over the WebSocket of a browser.
 *
 * It cannot do three things. It has no event for a queue that drains: so it is asked, every now and then, as long as
 * something is queued. It cannot be cut off: `terminate` begins an ordinary close and stops listening. And it does
 * not say why a connection failed, because pages must not find that out.
 */
import { BrokenInvariant } from "@syncline/core";
import type { Dialer, Link, LinkHandler, Scheduler } from "@syncline/engine";
import { browserScheduler } from "./browser-ports.js";
import {
  CLOSE_NORMAL,
  CLOSE_NOT_UNDERSTOOD_BY_BROWSER,
  CLOSE_TOO_LARGE_FOR_BROWSER,
  FRAME_TOO_LARGE,
  fittingReason,
  reasonOf,
  TEXT_FRAME,
} from "./close.js";
import { DrainGauge } from "./drain.js";
import { CLOSE_MS_MAX, DRAIN_POLL_MS, FRAME_BYTES_MAX, HANDSHAKE_MS_MAX } from "./limits.js";

/** What is used of the platform's WebSocket. The one of Node from version 22 has it, and that of `ws`. */
export interface PlatformSocket {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(frame: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  /** Browsers do not have it. */
  terminate?(): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
}

export interface BrowserDialerOptions {
  /** The platform's, unless another is given. Node below version 22 has none. */
  readonly WebSocket?: new (
    url: string,
  ) => PlatformSocket;
  readonly scheduler?: Scheduler;
  /** From the dialing to the end of the handshake, in milliseconds. */
  readonly handshakeMsMax?: number;
}

/** Throws if there is no WebSocket. */
export function browserDialer(options: BrowserDialerOptions = {}): Dialer {
  const { scheduler = browserScheduler, handshakeMsMax = HANDSHAKE_MS_MAX } = options;
  const Socket: BrowserDialerOptions["WebSocket"] = options.WebSocket ?? globalThis.WebSocket;
  if (Socket === undefined) throw new Error("this platform has no WebSocket: hand one to the dialer");
  return {
    dial(url, on) {
      let isUnderWay = true;
      let socket: PlatformSocket | undefined;
      const fail = (reason: string) => {
        if (!isUnderWay) return;
        isUnderWay = false;
        stopWaiting();
        on.failed(reason);
      };
      const cancel = () => {
        if (!isUnderWay) return;
        isUnderWay = false;
        stopWaiting();
        socket?.close();
      };
      const stopWaiting = scheduler.after(handshakeMsMax, () => {
        fail(`no answer within ${handshakeMsMax} ms`);
        socket?.close();
      });
      try {
        socket = new Socket(url);
      } catch (error) {
        // Not a URL, or not of a WebSocket. Said like every other failure: later.
        scheduler.turn(() => fail(error instanceof Error ? error.message : String(error)));
        return cancel;
      }
      const opened = socket;
      opened.addEventListener("error", () => fail("the connection failed"));
      opened.addEventListener("close", ({ code, reason }) => fail(reasonOf(code, reason)));
      opened.addEventListener("open", () => {
        if (!isUnderWay) return;
        isUnderWay = false;
        stopWaiting();
        const link = new BrowserLink(opened, scheduler);
        link.attach(on.opened(link));
      });
      return cancel;
    },
  };
}

/** The value of `readyState` while frames can be sent. */
const OPEN = 1;

class BrowserLink implements Link {
  readonly #socket: PlatformSocket;
  readonly #scheduler: Scheduler;
  readonly #gauge = new DrainGauge();
  #handler: LinkHandler | undefined;
  #isPolling = false;
  /** Why this side has ended the link. */
  #ended: string | undefined;
  #isClosed = false;
  /** Stops waiting for the peer's answer to a close. */
  #stopWaiting = () => {};

  constructor(socket: PlatformSocket, scheduler: Scheduler) {
    this.#socket = socket;
    this.#scheduler = scheduler;
    socket.binaryType = "arraybuffer";
  }

  /** Events are tasks of their own, so none was missed between the opening and this. */
  attach(handler: LinkHandler): void {
    this.#handler = handler;
    this.#socket.addEventListener("message", ({ data }) => this.#received(data));
    this.#socket.addEventListener("close", ({ code, reason }) => this.#hasClosed(reasonOf(code, reason)));
  }

  send(frame: Uint8Array): void {
    if (frame.length > FRAME_BYTES_MAX)
      throw new BrokenInvariant(`a frame of ${frame.length} bytes was sent`);
    if (!this.#isOpen()) return;
    this.#socket.send(sendable(frame));
    this.#gauge.grew(this.queuedBytes());
    this.#poll();
  }

  queuedBytes(): number {
    return this.#isClosed ? 0 : this.#socket.bufferedAmount;
  }

  close(reason: string): void {
    this.#end(CLOSE_NORMAL, reason);
  }

  terminate(reason: string): void {
    if (this.#isClosed) return;
    this.#ended ??= reason;
    if (this.#socket.terminate === undefined) this.#socket.close();
    else this.#socket.terminate();
    this.#scheduler.turn(() => this.#hasClosed(reason));
  }

  #isOpen(): boolean {
    return this.#ended === undefined && !this.#isClosed && this.#socket.readyState === OPEN;
  }

  #end(code: number, reason: string): void {
    if (!this.#isOpen()) return;
    this.#ended = reason;
    this.#socket.close(code, fittingReason(reason));
    this.#stopWaiting = this.#scheduler.after(CLOSE_MS_MAX, () => this.terminate(reason));
  }

  #received(data: unknown): void {
    if (!this.#isOpen()) return;
    if (!(data instanceof ArrayBuffer)) this.#end(CLOSE_NOT_UNDERSTOOD_BY_BROWSER, TEXT_FRAME);
    else if (data.byteLength > FRAME_BYTES_MAX) this.#end(CLOSE_TOO_LARGE_FOR_BROWSER, FRAME_TOO_LARGE);
    else this.#handler?.frame(new Uint8Array(data));
  }

  #poll(): void {
    if (this.#isPolling || this.queuedBytes() === 0) return;
    this.#isPolling = true;
    this.#scheduler.after(DRAIN_POLL_MS, () => {
      this.#isPolling = false;
      if (!this.#isOpen()) return;
      if (this.#gauge.hasDrained(this.queuedBytes())) this.#handler?.drained();
      this.#poll();
    });
  }

  #hasClosed(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWaiting();
    this.#handler?.closed(this.#ended ?? reason);
  }
}

/** Browsers do not send from memory that is shared between threads; such a frame, which nobody has yet, is copied. */
function sendable(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = frame;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(frame);
}
