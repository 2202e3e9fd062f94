import type { ByteReader, ByteWriter, StreamId } from "@syncline/core";
import { LIMITS } from "../limits.js";
import type { MessageCodec } from "./codec.js";

/** How far one node is in one stream. Positions are "all up to here", 0 for none. */
export interface StreamProgress {
  readonly stream: StreamId;
  /** Name of the node whose stream it is; sent with the first report about the stream on a link, else empty. */
  readonly node: string;
  /** Held in memory. What a node has received it can serve. */
  readonly received: number;
  /** Written to its disk and synced. */
  readonly durable: number;
  /** On its disk, and shown as soon as it is known to be committed. */
  readonly applied: number;
  /** Shown to its readers. */
  readonly visible: number;
  /** Known to be committed under the stream's rule; 0 where the rule is LOCAL. */
  readonly committed: number;
  /** Known to be safe: nothing that a cluster may survive can lose it any more (SPINE 10). */
  readonly safe: number;
}

/**
 * "This is how far I am." Between nodes, in both directions, whenever something has changed; names only streams
 * whose numbers changed since the last report on this link. It replaces that report and is valid for this link
 * only (SPINE 7): a node that lost its disk comes back with less.
 */
export interface Progress {
  readonly kind: "progress";
  readonly streams: readonly StreamProgress[];
}

export function writeStreamProgress(out: ByteWriter, entry: StreamProgress): void {
  out.uint(entry.stream);
  out.text(entry.node);
  out.uint(entry.received);
  out.uint(entry.durable);
  out.uint(entry.applied);
  out.uint(entry.visible);
  out.uint(entry.committed);
  out.uint(entry.safe);
}

export function readStreamProgress(input: ByteReader): StreamProgress {
  return {
    stream: input.uint(),
    node: input.text(LIMITS.nameBytesMax),
    received: input.uint(),
    durable: input.uint(),
    applied: input.uint(),
    visible: input.uint(),
    committed: input.uint(),
    safe: input.uint(),
  };
}

export const progress: MessageCodec<Progress> = {
  tag: 6,
  kind: "progress",

  write(out, message) {
    out.uint(message.streams.length);
    for (const entry of message.streams) writeStreamProgress(out, entry);
  },

  read(input) {
    const count = input.count(LIMITS.vectorEntriesMax, 8);
    const streams: StreamProgress[] = [];
    for (let i = 0; i < count; i++) streams.push(readStreamProgress(input));
    return { kind: "progress", streams };
  },
};
