import type { StreamId, Vector } from "@syncline/core";
import { positionIn } from "@syncline/core";
import type { Limits } from "@syncline/protocol";
import type { HeldStream, Log } from "./log.js";
import type { Members } from "./members.js";
import type { Peers } from "./peers.js";
import { Revision, Watch } from "./revision.js";

/**
 * Retention: how much of the streams is kept as records, for those who are behind.
 *
 * Records are kept until every member has them on its disk, also while it is away, but no more than
 * `retentionBytesMax` and `retentionRecordsMax` over all streams. A member that needs what is gone is *lost*: it gets
 * a snapshot when it comes back. What was heard of a member is remembered for this purpose only; nothing that counts for
 * a commit outlives the link on which it was said (SPINE 7).
 */
export class Retention {
  /** How far each member was on its disk when it was last heard. */
  private readonly reached = new Map<string, Map<StreamId, number>>();

  private readonly watch: Watch;
  private readonly goalsWatch: Watch;
  private readonly looked = new Revision();

  constructor(
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly members: Pick<Members, "others" | "revision">,
    private readonly limits: Limits,
  ) {
    this.watch = new Watch([log.revision, peers.revision, members.revision]);
    this.goalsWatch = new Watch([log.revision, log.lettingGo, members.revision, this.looked]);
  }

  /** Whether more or less may go than when this was last asked, up to one and the same vector. */
  hasMoved(): boolean {
    return this.goalsWatch.hasMoved();
  }

  /** Remembers how far everybody is. Called a few times a second. */
  look(): void {
    if (!this.watch.hasMoved()) return;
    for (const name of this.members.others().keys()) {
      if (!this.peers.isHeard(name)) continue;
      const reached = new Map<StreamId, number>();
      for (const { id } of this.log.streams()) reached.set(id, this.peers.position(name, id, "durable"));
      this.reached.set(name, reached);
    }
    this.looked.next();
  }

  /** Records that are kept, and their bytes. */
  retained(): { readonly records: number; readonly bytes: number } {
    let [records, bytes] = [0, 0];
    for (const stream of this.log.streams()) {
      records += stream.held - stream.truncated;
      bytes += stream.bytes;
    }
    return { records, bytes };
  }

  /** Whether so much may go, up to this vector, that it is worth a slice of work. */
  isDue(upTo: Vector): boolean {
    if (this.retained().records < this.limits.truncationRecordsMin) return false;
    let records = 0;
    for (const [stream, goal] of this.goals(upTo))
      records += goal - (this.log.stream(stream)?.truncated ?? 0);
    return records >= this.limits.truncationRecordsMin;
  }

  /** Up to where each stream may go: at most to this vector. Streams of which nothing may go are left out. */
  goals(upTo: Vector): Map<StreamId, number> {
    const goals = new Map<StreamId, number>();
    for (const stream of this.log.streams()) {
      const goal = Math.min(positionIn(upTo, stream.id), this.slowest(stream.id));
      goals.set(stream.id, Math.max(stream.truncated, goal));
    }
    this.raise(goals, upTo);
    for (const [id, goal] of goals) if (goal <= (this.log.stream(id)?.truncated ?? 0)) goals.delete(id);
    return goals;
  }

  /** Whether a member will need a snapshot from here, as far as is known. */
  isLost(name: string): boolean {
    const reached = this.reached.get(name);
    if (reached === undefined) return false;
    for (const { id, truncated } of this.log.streams()) if (truncated > (reached.get(id) ?? 0)) return true;
    return false;
  }

  /** What is beyond the limits goes too, though somebody may still need it: first of the streams that keep most. */
  private raise(goals: Map<StreamId, number>, upTo: Vector): void {
    const streams = [...this.log.streams()];
    const kept = (stream: HeldStream) => stream.held - (goals.get(stream.id) ?? 0);
    const { records, bytes } = this.retained();
    const bytesEach = records === 0 ? 0 : bytes / records;
    const recordsMax = Math.min(
      this.limits.retentionRecordsMax,
      bytesEach === 0 ? Number.POSITIVE_INFINITY : Math.floor(this.limits.retentionBytesMax / bytesEach),
    );
    let excess = streams.reduce((sum, stream) => sum + kept(stream), 0) - recordsMax;
    for (const stream of streams.sort((a, b) => kept(b) - kept(a))) {
      if (excess <= 0) return;
      const goal = goals.get(stream.id) ?? 0;
      const more = Math.min(excess, Math.max(0, positionIn(upTo, stream.id) - goal));
      goals.set(stream.id, goal + more);
      excess -= more;
    }
  }

  /** How far the member is that is furthest behind in this stream. */
  private slowest(stream: StreamId): number {
    let slowest = Number.POSITIVE_INFINITY;
    for (const name of this.members.others().keys())
      slowest = Math.min(slowest, this.reached.get(name)?.get(stream) ?? 0);
    return slowest;
  }
}
