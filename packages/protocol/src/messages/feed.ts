import type { StreamId, Vector } from "@syncline/core";
import { Malformed, readVector, writeVector } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import { alsoWritten, type MessageReader } from "./codec.js";

/** One change and the place at which the sender integrated it. */
export interface PlacedChange {
  readonly stream: StreamId;
  readonly position: number;
  readonly change: Uint8Array;
}

/**
 * "These changes of your documents became visible, in this order." To clients.
 *
 * The changes name their documents themselves, so one encoded feed serves every client that reads a document.
 * The seal is the node's keyed hash over the changes: a client that hands them over to another master proves by
 * it that it did not make them up. Empty where the cluster has no secret.
 */
export interface Feed {
  readonly kind: "feed";
  readonly entries: readonly PlacedChange[];
  readonly seal: Uint8Array;
}

export const SEAL_BYTES = 16;

export const feedReader: MessageReader<Feed> = {
  tag: 12,
  kind: "feed",

  read(input) {
    const streamCount = input.count(CLIENT_LIMITS.vectorEntriesMax, 1);
    const streams: StreamId[] = [];
    for (let i = 0; i < streamCount; i++) streams.push(input.uint());
    const count = input.count(CLIENT_LIMITS.batchEntriesMax, 3);
    const entries: PlacedChange[] = [];
    for (let i = 0; i < count; i++) {
      const stream = streams[input.uint()];
      if (stream === undefined) throw new Malformed("a feed names a stream that it did not list");
      entries.push({ stream, position: input.uint(), change: input.bytes(CLIENT_LIMITS.changeBytesMax) });
    }
    const seal = input.bytes(SEAL_BYTES);
    return { kind: "feed", entries, seal };
  },
};

export const feed = /* @__PURE__ */ alsoWritten<Feed>(feedReader, (out, message) => {
  const streams: StreamId[] = [];
  for (const { stream } of message.entries) if (!streams.includes(stream)) streams.push(stream);
  out.uint(streams.length);
  for (const stream of streams) out.uint(stream);
  out.uint(message.entries.length);
  for (const entry of message.entries) {
    out.uint(streams.indexOf(entry.stream));
    out.uint(entry.position);
    out.bytes(entry.change);
  }
  out.bytes(message.seal);
});

/**
 * "You have all of your documents up to this vector." To clients, after feeds.
 *
 * Both vectors name only what changed since the last cut on this link.
 */
export interface Cut {
  readonly kind: "cut";
  readonly visible: Vector;
  /** What the client need not keep any more (SPINE 10, 12). */
  readonly safe: Vector;
  /** Numbers of documents that are complete with this cut for the first time. */
  readonly loaded: readonly number[];
}

export const cutReader: MessageReader<Cut> = {
  tag: 13,
  kind: "cut",

  read(input) {
    const visible = readVector(input, CLIENT_LIMITS.vectorEntriesMax);
    const safe = readVector(input, CLIENT_LIMITS.vectorEntriesMax);
    const count = input.count(CLIENT_LIMITS.documentsPerLinkMax, 1);
    const loaded: number[] = [];
    for (let i = 0; i < count; i++) loaded.push(input.uint());
    return { kind: "cut", visible, safe, loaded };
  },
};

export const cut = /* @__PURE__ */ alsoWritten<Cut>(cutReader, (out, message) => {
  writeVector(out, message.visible);
  writeVector(out, message.safe);
  out.uint(message.loaded.length);
  for (const number of message.loaded) out.uint(number);
});
