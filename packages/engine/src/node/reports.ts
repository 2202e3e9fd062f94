import { fault, type Limits, type StreamProgress } from "@syncline/protocol";
import type { Commits } from "./commit.js";
import type { HeldStream, Log } from "./log.js";
import type { NodeLink, Peers } from "./peers.js";
import type { Retirements } from "./retirements.js";
import type { Safety } from "./safety.js";

/**
 * What peers report of their progress, and what follows from it for the streams that are held here: how much is committed,
 * and how much is safe. What was said of a stream before this node held it counts once it does.
 */
export class Reports {
  /** The log's revision when it was last looked at what peers had said of streams before they came to be what they are. */
  private learnedAt: number | undefined;

  constructor(
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly retirements: Retirements,
    private readonly commits: Commits,
    private readonly safety: Safety,
    private readonly limits: Limits,
  ) {}

  receive(link: NodeLink, entry: StreamProgress): void {
    const known = link.progress.get(entry.stream);
    if (known === undefined && link.progress.size >= this.limits.vectorEntriesMax) {
      link.channel.end(fault("LIMIT_EXCEEDED", "the peer names more streams than vectorEntriesMax"));
      return;
    }
    link.report({ ...entry, node: entry.node === "" ? (known?.node ?? "") : entry.node });
    const stream = this.log.stream(entry.stream);
    if (stream !== undefined) this.learn(stream, entry);
  }

  /** Looks at what peers had said of streams that have moved here. Returns whether more is committed now. */
  settle(): boolean {
    const since = this.learnedAt;
    this.learnedAt = this.log.revision.number;
    if (!this.log.revision.hasMoved(since)) return false;
    let isNews = false;
    for (const stream of this.log.streams()) {
      if (!stream.hasMoved(since)) continue;
      for (const { progress } of this.peers.all()) {
        const entry = progress.get(stream.id);
        if (entry !== undefined && this.learn(stream, entry)) isNews = true;
      }
    }
    return isNews;
  }

  /** Returns whether more of the stream is committed now. */
  private learn(stream: HeldStream, { committed, safe }: StreamProgress): boolean {
    const end = this.retirements.endOf(stream.id, stream.opening) ?? Number.POSITIVE_INFINITY;
    const isNews = this.commits.learn(stream, Math.min(committed, end));
    this.safety.learn(stream, safe);
    return isNews;
  }
}
