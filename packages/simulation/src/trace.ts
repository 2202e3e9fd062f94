import { crc32 } from "@syncline/core";
import { FrameReader, type Message } from "@syncline/protocol";

/** Words of what nodes log that are counted. */
export const TRACED = [
  "rescued",
  "damaged",
  "SUPERSEDED",
  "PROTOCOL_VERSION",
  "MALFORMED_MESSAGE",
  "FRAME_SEQUENCE",
  "provider-stalled",
  "storage-failed",
  "identity-reused",
  "truncated",
  "snapshot-receiving",
  "snapshot-resumed",
  "snapshot-received",
  "snapshot-taken-in",
  "node-retired",
  "stream-cut",
  "rule-changed",
  "former-streams-closed",
] as const;

/**
 * What happened, as a number that two runs of one seed must share, and as lines that people can read.
 *
 * The number covers every frame, when it was sent and by whom, and every line that a node logged. Lines are made only
 * if somebody wants them: `m1 -> f2 records s3:41..44`.
 */
export class Trace {
  hash = 0;
  private readonly counted = new Map<string, number>();
  /** Short names of streams, in the order of their appearance. */
  private readonly streams = new Map<number, string>();

  constructor(private readonly print: ((line: string) => void) | undefined) {}

  /** How many lines had this word. */
  seen(word: string): number {
    return this.counted.get(word) ?? 0;
  }

  note(line: string): void {
    this.mixText(line);
    for (const word of TRACED) {
      if (line.includes(word)) this.counted.set(word, this.seen(word) + 1);
    }
    this.print?.(line);
  }

  frame(now: number, from: string, to: string, bytes: Uint8Array): void {
    this.mix(now);
    this.mix((now % 1) * 2 ** 32);
    this.mixText(from);
    this.mixText(to);
    this.mix(crc32(bytes));
    if (this.print === undefined) return;
    for (const message of messagesOf(bytes)) {
      this.print(`${now.toFixed(1)} ${from} -> ${to} ${message.kind} ${this.describe(message)}`.trimEnd());
    }
  }

  private mix(number: number): void {
    this.hash = (Math.imul(this.hash, 31) + number) >>> 0;
  }

  private mixText(text: string): void {
    let { hash } = this;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    this.hash = (hash + text.length) >>> 0;
  }

  private describe(message: Message): string {
    switch (message.kind) {
      case "records": {
        const last = message.first + message.records.length - 1;
        return `${this.stream(message.stream)}:${message.first}..${last}`;
      }
      case "follow":
        return `${this.stream(message.stream)} after ${message.after}`;
      case "unfollow":
        return this.stream(message.stream);
      case "progress":
        return message.streams
          .map((entry) => `${this.stream(entry.stream)} ${entry.received}/${entry.durable}/${entry.visible}`)
          .join(", ");
      case "feed":
        return message.entries.map((entry) => `${this.stream(entry.stream)}:${entry.position}`).join(" ");
      case "cut":
        return [...message.visible]
          .map(([stream, position]) => `${this.stream(stream)}:${position}`)
          .join(" ");
      case "offer":
        return `${message.first}..${message.first + message.changes.length - 1}`;
      case "receipt":
        return `received ${message.received} durable ${message.durable} committed ${message.committed}`;
      case "refusal":
        return `${message.code} ${message.about.what} ${message.reason}`;
      case "open":
        return `${message.document.collection}/${message.document.key}`;
      case "handover":
        return `${message.batches.length} batches`;
      default:
        return "";
    }
  }

  private stream(id: number): string {
    const known = this.streams.get(id);
    if (known !== undefined) return known;
    const name = `s${this.streams.size + 1}`;
    this.streams.set(id, name);
    return name;
  }
}

/** The messages of a frame, whatever its place in the sequence. */
function messagesOf(frame: Uint8Array): Message[] {
  const first = new Uint8Array(frame);
  first[0] = 0;
  const result = new FrameReader().read(first);
  return result.ok ? result.messages : [];
}
