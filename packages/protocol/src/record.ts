import type { ChangeHead, StreamId, Vector } from "@syncline/core";
import {
  BrokenInvariant,
  ByteReader,
  ByteWriter,
  crc32,
  Malformed,
  readVector,
  writeVector,
} from "@syncline/core";
import { LIMITS } from "./limits.js";
import { type CommitRule, readRule, writeRule } from "./rule.js";

/**
 * A record: what stands at one position of a stream. Stored, relayed and served in this form, untouched.
 *
 * Layout: kind (1 byte), dependencies, body, CRC-32 of all that. The checksum also covers the stream and the
 * position, which are not written: a record that was read from the wrong place fails its check like a damaged one.
 *
 * `deps` names only what is new since the record before it in the same stream. That is enough: whoever holds a
 * record holds the one before it, and with it everything that one depended on (SPINE 1).
 */
export interface StreamRecord {
  readonly stream: StreamId;
  readonly position: number;
  /** Positions of other streams on which this record depends and the one before it did not. */
  readonly deps: Vector;
  readonly body: RecordBody;
  /** The encoded form. */
  readonly bytes: Uint8Array;
  /** What its change says of itself, from when somebody has read that until it is shown. */
  head: ChangeHead | undefined;
}

export type RecordBody =
  | { readonly kind: "opening"; readonly opening: Opening }
  | { readonly kind: "change"; readonly change: Uint8Array }
  /** An operator has given the stream another commit rule, from this position on. */
  | { readonly kind: "rule"; readonly rule: CommitRule }
  /** A kind of a newer version: kept, followed and served, shown to nobody. */
  | { readonly kind: "unknown"; readonly tag: number };

/** What the first record of every stream says. */
export interface Opening {
  /** Name of the node whose stream this is. */
  readonly node: string;
  /** When a position of this stream counts as committed, as long as no rule follows it. */
  readonly rule: CommitRule;
  /** The stream that this node wrote before, if it remembers one. */
  readonly previous: StreamId | undefined;
  /** When readers may see a position. Of a stream whose rule is LOCAL both are the same. */
  readonly visibility: Visibility;
  /** How many retirements of its node were known when it was opened; undefined, or 0, if none was (SPINE 17). */
  readonly generation?: number;
}

/** `committed`: nobody sees what is not committed. `immediate`: everybody sees what he has; only answers wait. */
export type Visibility = "committed" | "immediate";

/** How often the commit rule of one stream can be changed: a node that is started again begins a new one. */
export const RULES_PER_STREAM_MAX = 16;

// On the wire and on disk for ever: never renumber, never reuse.
const TAG_OPENING = 1;
const TAG_CHANGE = 2;
const TAG_RULE = 3;

/** Version of the opening's body; a later one may only append to it. */
const OPENING_VERSION = 1;
const VISIBLE_AT_ONCE = 1;

const CHECKSUM_BYTES = 4;

/** What a master may put into its stream. */
export type NewBody = Exclude<RecordBody, { kind: "unknown" }>;

export function encodeRecord(stream: StreamId, position: number, deps: Vector, body: NewBody): Uint8Array {
  const out = new ByteWriter();
  out.byte({ opening: TAG_OPENING, change: TAG_CHANGE, rule: TAG_RULE }[body.kind]);
  if (deps.size === 0) out.uint(0);
  else writeVector(out, deps);
  if (body.kind === "opening") writeOpening(out, body.opening);
  else if (body.kind === "rule") writeRule(out, body.rule);
  else out.raw(body.change);
  return out.seal(placeChecksum(stream, position));
}

/** A new record, equal to what `readRecord` makes of its bytes. `deps` is the record's from now on. */
export function createRecord(
  stream: StreamId,
  position: number,
  deps: Vector,
  body: NewBody,
  head: ChangeHead | undefined,
): StreamRecord {
  const bytes = encodeRecord(stream, position, deps, body);
  if (bytes.length > LIMITS.recordBytesMax) throw new BrokenInvariant("a record larger than recordBytesMax");
  if (body.kind !== "change") return { stream, position, deps, body, bytes, head };
  const end = bytes.length - CHECKSUM_BYTES;
  const change = bytes.subarray(end - body.change.length, end);
  return { stream, position, deps, body: { kind: "change", change }, bytes, head };
}

/** Reads the record that stands at this place. Throws `Malformed`, also when it belongs to another place. */
export function readRecord(stream: StreamId, position: number, bytes: Uint8Array): StreamRecord {
  if (bytes.length < CHECKSUM_BYTES + 2) throw new Malformed("a record is cut short");
  if (bytes.length > LIMITS.recordBytesMax) throw new Malformed("a record is larger than recordBytesMax");
  const end = bytes.length - CHECKSUM_BYTES;
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end, CHECKSUM_BYTES).getUint32(0, true);
  const expected = (crc32(bytes, 0, end) ^ placeChecksum(stream, position)) >>> 0;
  if (stored !== expected) throw new Malformed("a record fails its checksum");
  const input = new ByteReader(bytes, 0, end);
  const tag = input.byte();
  const deps = readVector(input, LIMITS.vectorEntriesMax);
  if (deps.has(stream)) throw new Malformed("a record depends on its own stream");
  let body: RecordBody;
  if (tag === TAG_OPENING) body = { kind: "opening", opening: readOpening(input) };
  else if (tag === TAG_CHANGE) body = { kind: "change", change: input.raw(input.remaining) };
  else if (tag === TAG_RULE) body = { kind: "rule", rule: readRule(input) };
  else body = { kind: "unknown", tag };
  if ((position === 1) !== (body.kind === "opening")) {
    throw new Malformed("an opening record stands at position 1 of its stream, and only there");
  }
  return { stream, position, deps, body, bytes, head: undefined };
}

function writeOpening(out: ByteWriter, opening: Opening): void {
  out.byte(OPENING_VERSION);
  out.text(opening.node);
  writeRule(out, opening.rule);
  out.uint(opening.previous ?? 0);
  const { visibility, generation } = opening;
  if (visibility === "immediate" || generation) out.byte(visibility === "immediate" ? VISIBLE_AT_ONCE : 0);
  if (generation) out.uint(generation);
}

function readOpening(input: ByteReader): Opening {
  if (input.byte() < OPENING_VERSION) throw new Malformed("unknown version of an opening record");
  const node = input.text(LIMITS.nameBytesMax);
  const rule = readRule(input);
  const previous = input.uint();
  const visibility = input.remaining > 0 && input.byte() === VISIBLE_AT_ONCE ? "immediate" : "committed";
  const generation = input.remaining > 0 && input.uint();
  // What a newer version has appended is left unread.
  return {
    node,
    rule,
    previous: previous === 0 ? undefined : previous,
    visibility,
    ...(generation && { generation }),
  };
}

const PLACE = new DataView(new ArrayBuffer(16));
const PLACE_BYTES = new Uint8Array(PLACE.buffer);

function placeChecksum(stream: StreamId, position: number): number {
  PLACE.setFloat64(0, stream, true);
  PLACE.setFloat64(8, position, true);
  return crc32(PLACE_BYTES);
}
