import type { ByteReader, ByteWriter, StreamId } from "@syncline/core";
import { LIMITS } from "../limits.js";
import type { MessageCodec } from "./codec.js";

/**
 * What was decided about the streams of one node, as far as the sender knows: it only ever grows, and two words of it are
 * joined by max (SPINE 16, 17).
 */
export interface Closing {
  readonly node: string;
  /** How often the node was retired. A stream that was opened with knowledge of fewer of these is closed. */
  readonly generation: number;
  /** Where closed streams end; one that is closed and not named here ends before its beginning. */
  readonly ends: ReadonlyMap<StreamId, number>;
  /** A decision that is under way, or was given up; the later one holds. */
  readonly fence: Fence | undefined;
}

/** Nobody takes more of a node's streams while somebody finds out where they end. */
export interface Fence {
  /** The greater one is the later one; of equal ones that with the greater `id`. */
  readonly attempt: number;
  /** Random. Whoever has it on its disk reports it like a stream that is durable up to 1. */
  readonly id: number;
  /** Name of the master that finds out; empty when it was given up. */
  readonly coordinator: string;
  /** Present when a node finds out where its own former streams end: it is about these. Else about all that are open. */
  readonly streams?: readonly StreamId[];
}

/**
 * "This was decided, or is about to be." Between nodes, before anything else on a link, and whenever there is news. Told on
 * by whoever hears it.
 */
export interface Retired {
  readonly kind: "retired";
  readonly closings: readonly Closing[];
}

export const retired: MessageCodec<Retired> = {
  tag: 32,
  kind: "retired",

  write(out, message) {
    out.uint(message.closings.length);
    for (const closing of message.closings) writeClosing(out, closing);
  },

  read(input) {
    const closings: Closing[] = [];
    for (let left = input.count(LIMITS.membersMax, 4); left > 0; left--) closings.push(readClosing(input));
    return { kind: "retired", closings };
  },
};

/** Also how a node keeps it on its disk. */
export function writeClosing(out: ByteWriter, { node, generation, ends, fence }: Closing): void {
  out.text(node);
  out.uint(generation);
  out.uint(ends.size);
  for (const [stream, end] of ends) {
    out.uint(stream);
    out.uint(end);
  }
  out.uint(fence?.attempt ?? 0);
  if (fence === undefined) return;
  out.uint(fence.id);
  out.text(fence.coordinator);
  if (fence.coordinator !== node) return;
  const { streams = [] } = fence;
  out.uint(streams.length);
  for (const stream of streams) out.uint(stream);
}

/** Throws `Malformed`. */
export function readClosing(input: ByteReader): Closing {
  const node = input.text(LIMITS.nameBytesMax);
  const generation = input.uint();
  const ends = new Map<StreamId, number>();
  for (let left = input.count(LIMITS.vectorEntriesMax, 2); left > 0; left--)
    ends.set(input.uint(), input.uint());
  const attempt = input.uint();
  if (attempt === 0) return { node, generation, ends, fence: undefined };
  const [id, coordinator] = [input.uint(), input.text(LIMITS.nameBytesMax)];
  if (coordinator !== node) return { node, generation, ends, fence: { attempt, id, coordinator } };
  const streams: StreamId[] = [];
  for (let left = input.count(LIMITS.vectorEntriesMax, 1); left > 0; left--) streams.push(input.uint());
  return { node, generation, ends, fence: { attempt, id, coordinator, streams } };
}

/**
 * "Take these in as what they are: changes with an identity." Records of a closed stream beyond its end, from a node that had
 * them (SPINE 18). Not answered: whoever handed them in sees them come back in another stream.
 */
export interface Handin {
  readonly kind: "handin";
  readonly records: readonly {
    readonly stream: StreamId;
    readonly position: number;
    readonly record: Uint8Array;
  }[];
}

export const handin: MessageCodec<Handin> = {
  tag: 33,
  kind: "handin",

  write(out, message) {
    out.uint(message.records.length);
    for (const { stream, position, record } of message.records) {
      out.uint(stream);
      out.uint(position);
      out.bytes(record);
    }
  },

  read(input) {
    const records: { stream: StreamId; position: number; record: Uint8Array }[] = [];
    for (let left = input.count(LIMITS.batchEntriesMax, 3); left > 0; left--)
      records.push({
        stream: input.uint(),
        position: input.uint(),
        record: input.bytes(LIMITS.recordBytesMax),
      });
    return { kind: "handin", records };
  },
};
