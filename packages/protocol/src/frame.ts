import { BrokenInvariant, ByteReader, ByteWriter, Malformed } from "@syncline/core";
import { CLIENT_LIMITS } from "./client-limits.js";
import type { Message, MessageTable } from "./message.js";

/**
 * Frames: what travels on a link. Messages collect during a turn of the event loop and leave in as few frames
 * as fit, because a write to a socket costs as much as encoding a hundred messages.
 *
 * A frame is a sequence byte and messages, each as tag, length and body. The sequence byte counts frames modulo
 * 128: a link that loses, doubles or reorders one ends, and is opened again, before anything wrong is believed.
 */
export const SEQUENCE_MODULUS = 128;

export type FrameFault = { readonly code: "MALFORMED_MESSAGE" | "FRAME_SEQUENCE"; readonly reason: string };

/** One encoded message: tag, length, body. Encode once, send to many. Throws `BrokenInvariant` if the table has it not. */
export function encodeFrom(table: MessageTable, message: Message): Uint8Array {
  const codec = table.ofKind(message.kind);
  if (codec === undefined) throw new BrokenInvariant(`a ${message.kind} has no place on this link`);
  const out = new ByteWriter();
  out.uint(codec.tag);
  const start = out.open();
  codec.write(out, message);
  out.close(start);
  return out.finish();
}

/** Collects encoded messages and cuts them into frames. */
export class FrameWriter {
  #sequence = 0;
  #messages: Uint8Array[] = [];
  #bytes = 1;
  readonly #full: Uint8Array[] = [];

  /** Bytes that `take` would hand out now. */
  get pendingBytes(): number {
    return this.#bytes - 1 + this.#full.reduce((sum, frame) => sum + frame.length, 0);
  }

  add(encoded: Uint8Array): void {
    if (this.#bytes + encoded.length > CLIENT_LIMITS.frameBytesMax && this.#messages.length > 0) this.#cut();
    this.#messages.push(encoded);
    this.#bytes += encoded.length;
  }

  /** The frames collected so far, in order; none if there was no message. */
  take(): Uint8Array[] {
    if (this.#messages.length > 0) this.#cut();
    return this.#full.splice(0);
  }

  #cut(): void {
    const frame = new Uint8Array(this.#bytes);
    frame[0] = this.#sequence;
    this.#sequence = (this.#sequence + 1) % SEQUENCE_MODULUS;
    let at = 1;
    for (const message of this.#messages) {
      frame.set(message, at);
      at += message.length;
    }
    this.#full.push(frame);
    this.#messages = [];
    this.#bytes = 1;
  }
}

/** Reads frames in the order in which they were written; anything else is a fault, after which the link must end. */
export class TableReader {
  #sequence = 0;

  readonly #table: MessageTable;

  constructor(table: MessageTable) {
    this.#table = table;
  }

  /**
   * The messages of a frame. All or nothing: a frame with one malformed message yields none.
   * Messages of kinds that the table does not have are a fault: peers agreed on a version in their greetings.
   */
  read(frame: Uint8Array): { ok: true; messages: Message[] } | { ok: false; fault: FrameFault } {
    if (frame.length === 0) return malformed("an empty frame");
    if (frame[0] !== this.#sequence) {
      return {
        ok: false,
        fault: { code: "FRAME_SEQUENCE", reason: `frame ${frame[0]} came where ${this.#sequence} was due` },
      };
    }
    this.#sequence = (this.#sequence + 1) % SEQUENCE_MODULUS;
    const messages: Message[] = [];
    try {
      const input = new ByteReader(frame, 1);
      while (input.remaining > 0) {
        const tag = input.uint();
        const body = input.within(input.uint(CLIENT_LIMITS.frameBytesMax));
        const codec = this.#table.atTag(tag);
        if (codec === undefined) return malformed(`no message has the tag ${tag}`);
        messages.push(codec.read(body));
        body.end();
      }
    } catch (error) {
      if (error instanceof Malformed) return malformed(error.message);
      throw error;
    }
    return { ok: true, messages };
  }
}

const malformed = (reason: string): { ok: false; fault: FrameFault } => ({
  ok: false,
  fault: { code: "MALFORMED_MESSAGE", reason },
});
