/**
 * Reads what a WebSocket client sends (RFC 6455), in whatever pieces the system delivers it.
 *
 * What a peer can do wrong ends the reading with a code for its close frame: extensions that were not agreed, frames
 * without a mask, text, fragments and sizes beyond their limits. Nothing is set aside for a length that is only
 * declared, and no byte is copied more than a few times however small the pieces are.
 */
import {
  CLOSE_BROKEN,
  CLOSE_NO_UTF8,
  CLOSE_NOT_UNDERSTOOD,
  CLOSE_REFUSED,
  CLOSE_TOO_LARGE,
  FRAME_TOO_LARGE,
  NO_CODE,
  TEXT_FRAME,
} from "./close.js";
import { CHUNKS_MAX, FRAGMENTS_MAX, FRAME_BYTES_MAX } from "./limits.js";

export interface FrameEvents {
  /** A whole message. It is the receiver's from now on. */
  message(payload: Uint8Array): void;
  ping(payload: Uint8Array): void;
  /** The peer says goodbye. Nothing more is told. */
  goodbye(code: number, reason: string): void;
  /** The peer does not speak the protocol. Nothing more is told. */
  fault(code: number, reason: string): void;
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const CONTROL_BYTES_MAX = 125;
const MASK_BYTES = 4;
const NO_BYTES = new Uint8Array(0);

export class FrameParser {
  readonly #on: FrameEvents;
  /** The beginning of a frame that has not come whole. */
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** As many bytes are needed before there is anything to be done with them. */
  #needed = 0;
  /** Of the message that has begun and not ended. */
  #fragments: Uint8Array[] | undefined;
  #fragmentBytes = 0;
  #isOver = false;

  constructor(on: FrameEvents) {
    this.#on = on;
  }

  /** The next bytes. They belong to the parser, which unmasks them in place. */
  take(bytes: Uint8Array): void {
    if (this.#isOver) return;
    let data = bytes;
    if (this.#held > 0) {
      this.#pieces.push(bytes);
      this.#held += bytes.length;
      if (this.#pieces.length > CHUNKS_MAX) this.#fault(CLOSE_REFUSED, "a frame in too many pieces");
      if (this.#held < this.#needed || this.#isOver) return;
      data = joined(this.#pieces, this.#held);
      this.#pieces = [];
      this.#held = 0;
    }
    const used = this.#frames(data);
    if (used === data.length || this.#isOver) return;
    this.#pieces = [data.subarray(used)];
    this.#held = data.length - used;
  }

  /** Reads the frames that are whole, and returns how many bytes they had. */
  #frames(data: Uint8Array): number {
    let at = 0;
    while (!this.#isOver) {
      const there = data.length - at;
      this.#needed = 2;
      if (there < this.#needed) break;
      const first = data[at] ?? 0;
      const second = data[at + 1] ?? 0;
      const short = second & 127;
      const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
      this.#needed = 2 + lengthBytes + MASK_BYTES;
      if (there < this.#needed) break;
      const length = lengthBytes === 0 ? short : lengthOf(data, at + 2, lengthBytes);
      if ((second & MASKED) === 0) this.#fault(CLOSE_BROKEN, "a frame without a mask");
      else this.#judge(first, length);
      const from = at + this.#needed;
      this.#needed += length;
      if (this.#isOver || there < this.#needed) break;
      at = from + length;
      unmask(data, from, at);
      this.#frame(first, new Uint8Array(data.buffer, data.byteOffset + from, length));
    }
    return at;
  }

  /** Whether a frame may come that begins with this byte and is so long: before it is waited for. */
  #judge(first: number, length: number): void {
    const opcode = first & 15;
    if ((first & RESERVED) !== 0) this.#fault(CLOSE_BROKEN, "a frame of an extension that was not agreed");
    else if (opcode >= OPCODE.close) {
      if (opcode > OPCODE.pong) this.#fault(CLOSE_BROKEN, `a frame of unknown kind ${opcode}`);
      else if ((first & FINAL) === 0) this.#fault(CLOSE_BROKEN, "a control frame in fragments");
      else if (length > CONTROL_BYTES_MAX) this.#fault(CLOSE_BROKEN, "a control frame that is too long");
    } else if (opcode === OPCODE.text) this.#fault(CLOSE_NOT_UNDERSTOOD, TEXT_FRAME);
    else if (opcode > OPCODE.binary) this.#fault(CLOSE_BROKEN, `a frame of unknown kind ${opcode}`);
    else if ((opcode === OPCODE.continuation) !== (this.#fragments !== undefined))
      this.#fault(CLOSE_BROKEN, "fragments that do not belong together");
    else if (this.#fragmentBytes + length > FRAME_BYTES_MAX) this.#fault(CLOSE_TOO_LARGE, FRAME_TOO_LARGE);
    else if ((this.#fragments?.length ?? 0) >= FRAGMENTS_MAX)
      this.#fault(CLOSE_REFUSED, "a frame in too many fragments");
  }

  #frame(first: number, payload: Uint8Array): void {
    const opcode = first & 15;
    if (opcode === OPCODE.ping) this.#on.ping(payload);
    else if (opcode === OPCODE.close) this.#goodbye(payload);
    else if (opcode !== OPCODE.pong) this.#data((first & FINAL) !== 0, payload);
  }

  #data(isLast: boolean, payload: Uint8Array): void {
    if (isLast && this.#fragments === undefined) {
      this.#on.message(payload);
      return;
    }
    this.#fragments ??= [];
    this.#fragments.push(payload);
    this.#fragmentBytes += payload.length;
    if (!isLast) return;
    const message = joined(this.#fragments, this.#fragmentBytes);
    this.#fragments = undefined;
    this.#fragmentBytes = 0;
    this.#on.message(message);
  }

  #goodbye(payload: Uint8Array): void {
    const [high, low] = payload;
    if (high === undefined) {
      this.#isOver = true;
      this.#on.goodbye(NO_CODE, "");
      return;
    }
    const code = high * 256 + (low ?? 0);
    if (low === undefined || !isCode(code)) {
      this.#fault(CLOSE_BROKEN, "a close frame without a code that there is");
      return;
    }
    let reason: string;
    try {
      reason = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload.subarray(2));
    } catch {
      this.#fault(CLOSE_NO_UTF8, "a close frame with a reason that is no text");
      return;
    }
    this.#isOver = true;
    this.#on.goodbye(code, reason);
  }

  #fault(code: number, reason: string): void {
    this.#isOver = true;
    this.#pieces = [];
    this.#fragments = undefined;
    this.#on.fault(code, reason);
  }
}

/** Of two or eight bytes. What is beyond all limits need not be exact. */
function lengthOf(data: Uint8Array, at: number, bytes: number): number {
  let length = 0;
  for (let i = at; i < at + bytes; i++) length = length * 256 + (data[i] ?? 0);
  return length;
}

/** The mask stands before the payload. */
function unmask(data: Uint8Array, from: number, to: number): void {
  const mask = from - MASK_BYTES;
  for (let byte = 0; byte < MASK_BYTES; byte++) {
    const key = data[mask + byte] ?? 0;
    for (let i = from + byte; key !== 0 && i < to; i += MASK_BYTES) data[i] = (data[i] ?? 0) ^ key;
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [first = NO_BYTES] = pieces;
  if (pieces.length <= 1) return first;
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Those that may be sent: the protocol's own, libraries' and applications'. */
const isCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== NO_CODE && code !== 1006) ||
  (code >= 3000 && code <= 4999);
