import type { StreamId } from "@syncline/core";
import { positionIn } from "@syncline/core";
import { encodeMessage, type Limits, type StreamProgress } from "@syncline/protocol";
import type { Log } from "./log.js";
import { type NodeLink, type Peers, sameProgress } from "./peers.js";

/**
 * Serving: sending to each node the streams that it follows, and telling all of them how far this one is.
 *
 * A link has a place in each stream and is sent what comes after it, while its queue has room; a slow one is
 * served from the log later, at its own pace, and holds up nobody.
 */
export class Serving {
  /** Per link the next position to send, by stream. */
  private readonly cursors = new Map<NodeLink, Map<StreamId, number>>();
  /** Per link what was last reported, by stream. */
  private readonly reported = new Map<NodeLink, Map<StreamId, StreamProgress>>();
  /** Per link the log's revisions when that was. */
  private readonly reportedAt = new Map<NodeLink, { readonly moved: number; readonly letGo: number }>();
  /** The batch that was encoded last: several links mostly want the same one. */
  private shared: { key: string; next: number; encoded: Uint8Array } | undefined;

  constructor(
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly limits: Limits,
    /** Ids of the fences that this node's disk has: each is reported like a stream of which it has one record. */
    private readonly fences: () => readonly StreamId[],
  ) {}

  follow(link: NodeLink, stream: StreamId, after: number): void {
    let cursors = this.cursors.get(link);
    if (cursors === undefined) this.cursors.set(link, (cursors = new Map()));
    if (cursors.size >= this.limits.vectorEntriesMax) return;
    cursors.set(stream, after + 1);
    this.dropUnservable(link, cursors, stream, after + 1);
  }

  unfollow(link: NodeLink, stream: StreamId): void {
    this.cursors.get(link)?.delete(stream);
  }

  lost(link: NodeLink): void {
    this.cursors.delete(link);
    this.reported.delete(link);
    this.reportedAt.delete(link);
  }

  /** Sends what there is to every link that has room. */
  pump(): void {
    for (const [link, cursors] of this.cursors) {
      for (const [stream, next] of cursors) {
        if (this.dropUnservable(link, cursors, stream, next)) continue;
        cursors.set(stream, this.pumpStream(link, stream, next));
      }
    }
    this.shared = undefined;
  }

  /** Tells every node what has changed since it was last told. */
  report(): void {
    const { revision, lettingGo } = this.log;
    for (const link of this.peers.all()) {
      const since = this.reportedAt.get(link);
      if (!revision.hasMoved(since?.moved)) continue;
      this.reportedAt.set(link, { moved: revision.number, letGo: lettingGo.number });
      let reported = this.reported.get(link);
      if (reported === undefined) this.reported.set(link, (reported = new Map()));
      const streams: StreamProgress[] = [];
      for (const stream of this.log.streams()) {
        if (!stream.hasMoved(since?.moved)) continue;
        const before = reported.get(stream.id);
        const now: StreamProgress = {
          stream: stream.id,
          node: before === undefined ? stream.opening.node : "",
          received: stream.held,
          durable: stream.durable,
          applied: Math.min(stream.durable, stream.ready),
          visible: stream.visible,
          committed: stream.committed,
          safe: stream.safe,
        };
        if (before !== undefined && sameProgress(before, now)) continue;
        reported.set(stream.id, now);
        streams.push(now);
      }
      for (const id of this.fences()) {
        if (reported.has(id)) continue;
        const fence = { ...NOTHING, stream: id, durable: 1 };
        reported.set(id, fence);
        streams.push(fence);
      }
      if (lettingGo.hasMoved(since?.letGo)) streams.push(...this.gone(reported));
      if (streams.length > 0) link.channel.send({ kind: "progress", streams });
    }
  }

  /** Closed streams of which nothing is left here, and of which something was reported. */
  private gone(reported: Map<StreamId, StreamProgress>): StreamProgress[] {
    const gone: StreamProgress[] = [];
    for (const [id, { received }] of reported) {
      if (received === 0 || this.log.stream(id) !== undefined) continue;
      const nothing = { ...NOTHING, stream: id };
      reported.set(id, nothing);
      gone.push(nothing);
    }
    return gone;
  }

  /** Records that are gone cannot be served: whoever needs them is told, and gets a snapshot if nobody else has them. */
  private dropUnservable(
    link: NodeLink,
    cursors: Map<StreamId, number>,
    stream: StreamId,
    next: number,
  ): boolean {
    const upTo = this.log.stream(stream)?.truncated ?? 0;
    if (next > upTo) return false;
    cursors.delete(stream);
    link.channel.send({ kind: "truncated", stream, upTo });
    return true;
  }

  private pumpStream(link: NodeLink, stream: StreamId, from: number): number {
    let next = from;
    const held = positionIn(this.log.held, stream);
    while (next <= held && link.channel.writable) {
      const key = `${stream}:${next}`;
      if (this.shared?.key !== key) {
        const records = this.log.recordsFrom(
          stream,
          next,
          this.limits.batchBytes,
          this.limits.batchEntriesMax,
        );
        if (records.length === 0) break;
        const encoded = encodeMessage({ kind: "records", stream, first: next, records });
        this.shared = { key, next: next + records.length, encoded };
      }
      link.channel.sendEncoded(this.shared.encoded);
      next = this.shared.next;
    }
    return next;
  }
}

const NOTHING = { node: "", received: 0, durable: 0, applied: 0, visible: 0, committed: 0, safe: 0 };
