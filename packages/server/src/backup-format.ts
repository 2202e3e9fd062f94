/**
 * The form of a backup: all rows of a node's store, as they were at one moment, in a file that says when it is whole.
 *
 * `"syncline backup\n"`, then frames: length (4 bytes, little-endian), body, CRC-32 of the body (4 bytes). A body begins
 * with its kind: 1, the head, what the backup is of; 2, rows; 3, the end, with the number of all rows. So a file that
 * breaks off, has a bit flipped or lacks a piece is noticed, and nothing of it is used.
 */
import { ByteReader, ByteWriter, crc32, Malformed } from "@syncline/core";
import type { StorageState } from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";

export interface BackupHead {
  readonly cluster: string;
  readonly node: string;
}

export type BackupPart =
  | { readonly kind: "head"; readonly head: BackupHead }
  | { readonly kind: "rows"; readonly rows: readonly (readonly [key: Uint8Array, value: Uint8Array])[] }
  | { readonly kind: "end"; readonly rows: number };

/** Rows are gathered to frames of about this many bytes. */
const FRAME_BYTES = 256 << 10;
/** A frame at most: as much, and one row, which may be a document's whole state. */
export const FRAME_BYTES_MAX = 64 << 20;

const MAGIC = new TextEncoder().encode("syncline backup\n");
const VERSION = 1;
// In files for ever.
const KIND = { head: 1, rows: 2, end: 3 } as const;
const FIRST_KEY = Uint8Array.of(0);
/** Greater than every key: keys are shorter. */
const LAST_KEY = new Uint8Array(501).fill(0xff);

/** The bytes of a backup, frame by frame. */
export function* writeBackup(head: BackupHead, state: StorageState): Iterable<Uint8Array> {
  yield MAGIC;
  yield framed((out) => {
    out.byte(KIND.head);
    out.uint(VERSION);
    out.text(head.cluster);
    out.text(head.node);
  });
  let rows: (readonly [Uint8Array, Uint8Array])[] = [];
  let bytes = 0;
  let count = 0;
  const frame = () => {
    const given = rows;
    rows = [];
    bytes = 0;
    return framed((out) => {
      out.byte(KIND.rows);
      out.uint(given.length);
      for (const [key, value] of given) {
        out.bytes(key);
        out.bytes(value);
      }
    });
  };
  for (const row of state.scan({ from: FIRST_KEY, to: LAST_KEY })) {
    rows.push(row);
    count += 1;
    bytes += row[0].length + row[1].length;
    if (bytes >= FRAME_BYTES) yield frame();
  }
  if (rows.length > 0) yield frame();
  yield framed((out) => {
    out.byte(KIND.end);
    out.uint(count);
  });
}

/** These bytes are no whole backup. */
export class BadBackup extends Error {
  override readonly name = "BadBackup";
}

/** Reads a backup as its bytes arrive. Throws `BadBackup`, also at an end that comes too early. */
export async function* readBackup(bytes: AsyncIterable<Uint8Array>): AsyncIterable<BackupPart> {
  try {
    yield* readParts(bytes);
  } catch (error) {
    throw error instanceof Malformed ? new BadBackup(error.message) : error;
  }
}

async function* readParts(bytes: AsyncIterable<Uint8Array>): AsyncIterable<BackupPart> {
  const input = new Pieces(bytes);
  if (Buffer.compare(await input.take(MAGIC.length), MAGIC) !== 0) throw new Malformed("it is no backup");
  let isFirst = true;
  let rows = 0;
  for (;;) {
    const length = lengthOf(await input.take(4));
    const body = await input.take(length);
    if (crc32(body) !== uint32(await input.take(4)))
      throw new Malformed("it is damaged: a checksum is wrong");
    const part = readPart(body);
    if (isFirst !== (part.kind === "head")) throw new Malformed("its head is not at its beginning");
    isFirst = false;
    if (part.kind === "rows") rows += part.rows.length;
    if (part.kind === "end" && part.rows !== rows) throw new Malformed("a piece of it is missing");
    yield part;
    if (part.kind === "end") return;
  }
}

function framed(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  const body = out.finish();
  const frame = new Uint8Array(body.length + 8);
  const view = new DataView(frame.buffer);
  view.setUint32(0, body.length, true);
  frame.set(body, 4);
  view.setUint32(4 + body.length, crc32(body), true);
  return frame;
}

function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}

function lengthOf(bytes: Uint8Array): number {
  const length = uint32(bytes);
  if (length === 0 || length > FRAME_BYTES_MAX) throw new Malformed("it is damaged: a length cannot be");
  return length;
}

function readPart(body: Uint8Array): BackupPart {
  const input = new ByteReader(body);
  const kind = input.byte();
  if (kind === KIND.head) {
    if (input.uint() > VERSION) throw new Malformed("it was made by a newer version of Syncline");
    const head = { cluster: input.text(LIMITS.nameBytesMax), node: input.text(LIMITS.nameBytesMax) };
    return { kind: "head", head };
  }
  if (kind === KIND.end) return { kind: "end", rows: input.uint() };
  if (kind !== KIND.rows) throw new Malformed("it has a part of an unknown kind");
  const rows: (readonly [Uint8Array, Uint8Array])[] = [];
  for (let left = input.count(body.length, 2); left > 0; left--) {
    rows.push([input.bytes(LAST_KEY.length), input.bytes(FRAME_BYTES_MAX)]);
  }
  return { kind: "rows", rows };
}

/** Bytes that arrive in pieces of any size, taken in pieces of a known one. */
class Pieces {
  private readonly source: AsyncIterator<Uint8Array>;
  private held: Uint8Array[] = [];
  private length = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.source = bytes[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Uint8Array> {
    while (this.length < length) {
      const { done, value } = await this.source.next();
      if (done === true) throw new Malformed("it breaks off");
      this.held.push(value);
      this.length += value.length;
    }
    const all = this.held.length === 1 ? this.held[0]! : Buffer.concat(this.held);
    this.held = [all.subarray(length)];
    this.length -= length;
    return all.subarray(0, length);
  }
}
