import {
  attempt,
  type ByteReader,
  ByteWriter,
  Malformed,
  openSealed,
  type Result,
  readVector,
  type Stamp,
  sealed,
  type Vector,
  writeVector,
} from "@syncline/core";
import { CLIENT_LIMITS, type Feed, feed } from "@syncline/protocol";

/**
 * What stands in a slot: keys and values of every table, writers and readers side by side.
 *
 * Every value is under a checksum. A change and a document's state bring their own. Numbers in keys have a fixed
 * width, so that keys sort like the numbers.
 */

/** The session: one entry. */
export const SESSION = "session";
/** Own changes that are not safe, in the order made. */
export const OWN = "own/";
/** Frames of others that are not safe, in the order seen. */
export const FRAME = "frame/";
/** Of each document: how far it is complete. */
export const EXTENT = "extent/";
/** Its state at some moment. */
const STATE = "state/";
/** What came since then, in the order seen. */
const TAIL = "tail/";

// No document's name has a character 0: so none begins another one's keys.
export const extentKey = (document: string): string => `${EXTENT}${document}\0`;
export const stateKey = (document: string): string => `${STATE}${document}\0`;
export const tailPrefix = (document: string): string => `${TAIL}${document}\0`;
/** The document of an extent. */
export const documentOfExtent = (key: string): string => key.slice(EXTENT.length, -1);
/** All that is kept of a document. */
export const documentPrefixes = (document: string): readonly string[] => [
  extentKey(document),
  stateKey(document),
  tailPrefix(document),
];

/** Numbers entries over all the lives of a slot: those of later lives come later. */
export function serialNumbers(life: number): () => string {
  let count = 0;
  return () => `${digits(life)}-${digits(++count)}`;
}

/** The life that numbered this entry, 0 for none. */
export function lifeOf(key: string): number {
  return Number(/^(?:own|frame)\/(\d+)-/.exec(key)?.[1] ?? 0);
}

const digits = (number: number): string => String(number).padStart(12, "0");

/** What a client was, beside its documents. */
export interface SessionRow {
  /** How many clients have had this slot. */
  readonly life: number;
  /** What the session has seen, and what a master must have besides. */
  readonly seen: Vector;
  readonly need: Vector;
  /** Incarnations of masters that may have been offered what is in the slot; at two it is as with more. */
  readonly masters: readonly number[];
  /** Counts the links to providers, and how far the last one's cuts went. */
  readonly link: number;
  readonly cut: Vector;
  /** Greater than any stamp that was seen or made. */
  readonly stamp: Stamp;
}

/** How many masters a session remembers: one more than a refusal can be final from. */
export const MASTERS_MAX = 2;

export function writeSession(row: SessionRow): Uint8Array {
  const out = new ByteWriter();
  out.byte(FORMAT);
  out.uint(row.life);
  writeVector(out, row.seen);
  writeVector(out, row.need);
  out.uint(row.masters.length);
  for (const master of row.masters) out.uint(master);
  out.uint(row.link);
  writeVector(out, row.cut);
  out.uint(row.stamp);
  return sealed(out);
}

export function readSession(bytes: Uint8Array): Result<SessionRow> {
  return read(bytes, (input) => {
    const format = input.byte();
    if (format !== FORMAT) throw new Malformed(`a slot of format ${format}, known is ${FORMAT}`);
    const life = input.uint();
    const seen = readVector(input, CLIENT_LIMITS.vectorEntriesMax);
    const need = readVector(input, CLIENT_LIMITS.vectorEntriesMax);
    const masters: number[] = [];
    for (let left = input.count(MASTERS_MAX, 1); left > 0; left--) masters.push(input.uint());
    const link = input.uint();
    const cut = readVector(input, CLIENT_LIMITS.vectorEntriesMax);
    return { life, seen, need, masters, link, cut, stamp: input.uint() };
  });
}

/** How far a document is complete: up to `vector`, and if `link` is the session's, up to its cut as well. */
export interface ExtentRow {
  readonly vector: Vector;
  /** 0 for none. */
  readonly link: number;
  /** When it was opened last, in milliseconds since 1970. */
  readonly openedMs: number;
}

export function writeExtent(row: ExtentRow): Uint8Array {
  const out = new ByteWriter();
  writeVector(out, row.vector);
  out.uint(row.link);
  out.uint(Math.max(0, Math.floor(row.openedMs)));
  return sealed(out);
}

export function readExtent(bytes: Uint8Array): Result<ExtentRow> {
  return read(bytes, (input) => ({
    vector: readVector(input, CLIENT_LIMITS.vectorEntriesMax),
    link: input.uint(),
    openedMs: input.uint(),
  }));
}

/** Changes in the order seen. */
export function writeTail(changes: readonly Uint8Array[]): Uint8Array {
  const out = new ByteWriter();
  for (const change of changes) out.bytes(change);
  return sealed(out);
}

export function readTail(bytes: Uint8Array): Result<readonly Uint8Array[]> {
  return read(bytes, (input) => {
    const changes: Uint8Array[] = [];
    while (input.remaining > 0) changes.push(input.bytes(CLIENT_LIMITS.changeBytesMax));
    return changes;
  });
}

export function writeFrame(frame: Feed): Uint8Array {
  const out = new ByteWriter();
  feed.write(out, frame);
  return sealed(out);
}

export function readFrame(bytes: Uint8Array): Result<Feed> {
  return read(bytes, (input) => feed.read(input));
}

const FORMAT = 1;
/** Nothing here is larger than what a link may bring and a little around it. */
const ROW_BYTES_MAX = 64 << 20;

function read<T>(bytes: Uint8Array, reader: (input: ByteReader) => T): Result<T> {
  return attempt(() => {
    const input = openSealed(bytes, ROW_BYTES_MAX);
    const row = reader(input);
    input.end();
    return row;
  });
}
