import type { DocumentName, StreamId, Vector } from "@syncline/core";
import { Malformed, readVector, writeVector } from "@syncline/core";
import { LIMITS } from "../limits.js";
import { RULES_PER_STREAM_MAX } from "../record.js";
import type { MessageCodec } from "./codec.js";

/**
 * Snapshots between nodes: what a node sends to one that needs records which are gone.
 *
 * A snapshot is every document's state at one vector, with all author counters. It goes document after document, in the
 * order of their names' bytes, each as one sealed row in pieces. The receiver grants bytes as its disk takes them in.
 * When the link breaks it asks for the rest, by the vector and the last document that it has whole; a sender that can
 * no longer go on with that vector begins a new one.
 */

/** "I no longer have this stream from its beginning: what I have begins after this position." Answers `Follow`. */
export interface Truncated {
  readonly kind: "truncated";
  readonly stream: StreamId;
  readonly upTo: number;
}

export const truncated: MessageCodec<Truncated> = {
  tag: 24,
  kind: "truncated",
  write(out, message) {
    out.uint(message.stream);
    out.uint(message.upTo);
  },
  read: (input) => ({ kind: "truncated", stream: input.uint(), upTo: input.uint() }),
};

/**
 * "Send me a snapshot." With a document, if it can be had still: the one at this vector, after that document. Without
 * one: any that covers this vector, as soon as there is one.
 */
export interface Fetch {
  readonly kind: "fetch";
  readonly vector: Vector;
  /** The last one that is there whole; with an empty collection none is. */
  readonly after: DocumentName;
}

export const fetchMessage: MessageCodec<Fetch> = {
  tag: 25,
  kind: "fetch",
  write(out, message) {
    writeVector(out, message.vector);
    writeName(out, message.after);
  },
  read: (input) => ({
    kind: "fetch",
    vector: readVector(input, LIMITS.vectorEntriesMax),
    after: readName(input),
  }),
};

/** "A snapshot at this vector begins, or goes on." Nothing of it follows before a grant. */
export interface Snapshot {
  readonly kind: "snapshot";
  readonly vector: Vector;
  /** The first record of each of its streams. */
  readonly openings: readonly { readonly stream: StreamId; readonly record: Uint8Array }[];
  /** The records up to the vector that have changed a commit rule. */
  readonly rules?: readonly {
    readonly stream: StreamId;
    readonly position: number;
    readonly record: Uint8Array;
  }[];
}

export const snapshot: MessageCodec<Snapshot> = {
  tag: 26,
  kind: "snapshot",
  write(out, message) {
    writeVector(out, message.vector);
    out.uint(message.openings.length);
    for (const { stream, record } of message.openings) {
      out.uint(stream);
      out.bytes(record);
    }
    const { rules = [] } = message;
    if (rules.length > 0) out.uint(rules.length);
    for (const { stream, position, record } of rules) {
      out.uint(stream);
      out.uint(position);
      out.bytes(record);
    }
  },
  read(input) {
    const vector = readVector(input, LIMITS.vectorEntriesMax);
    const openings: { stream: StreamId; record: Uint8Array }[] = [];
    for (let left = input.count(LIMITS.vectorEntriesMax, 2); left > 0; left--)
      openings.push({ stream: input.uint(), record: input.bytes(LIMITS.recordBytesMax) });
    if (input.remaining === 0) return { kind: "snapshot", vector, openings };
    const rules: { stream: StreamId; position: number; record: Uint8Array }[] = [];
    const most = LIMITS.vectorEntriesMax * RULES_PER_STREAM_MAX;
    let left = input.count(most, 3);
    if (left === 0) throw new Malformed("a snapshot says that it has no rules by saying nothing");
    for (; left > 0; left--) {
      const [stream, position] = [input.uint(), input.uint()];
      rules.push({ stream, position, record: input.bytes(LIMITS.recordBytesMax) });
    }
    return { kind: "snapshot", vector, openings, rules };
  },
};

/** "You may send so many bytes more." */
export interface Grant {
  readonly kind: "grant";
  readonly bytes: number;
}

export const grant: MessageCodec<Grant> = {
  tag: 27,
  kind: "grant",
  write(out, message) {
    out.uint(message.bytes);
  },
  read: (input) => ({ kind: "grant", bytes: input.uint() }),
};

/** A piece of a document's row, in order. The last one reaches `total`. */
export interface Piece {
  readonly kind: "piece";
  readonly document: DocumentName;
  readonly offset: number;
  readonly total: number;
  readonly bytes: Uint8Array;
}

export const piece: MessageCodec<Piece> = {
  tag: 28,
  kind: "piece",
  write(out, message) {
    writeName(out, message.document);
    out.uint(message.offset);
    out.uint(message.total);
    out.bytes(message.bytes);
  },
  read: (input) => ({
    kind: "piece",
    document: readName(input),
    offset: input.uint(),
    total: input.uint(),
    bytes: input.bytes(LIMITS.frameBytesMax),
  }),
};

/** "That was all": so many documents since the snapshot began, or went on. */
export interface Complete {
  readonly kind: "complete";
  readonly documents: number;
}

export const complete: MessageCodec<Complete> = {
  tag: 29,
  kind: "complete",
  write(out, message) {
    out.uint(message.documents);
  },
  read: (input) => ({ kind: "complete", documents: input.uint() }),
};

function writeName(out: Parameters<typeof writeVector>[0], name: DocumentName): void {
  out.text(name.collection);
  out.text(name.key);
}

function readName(input: Parameters<typeof readVector>[0]): DocumentName {
  return { collection: input.text(LIMITS.collectionBytesMax), key: input.text(LIMITS.keyBytesMax) };
}
