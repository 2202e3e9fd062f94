import type { ClientLimits, Feed, SealedBatch } from "@syncline/protocol";
import type { Session } from "./session.js";

/**
 * What a client has seen and what is not safe yet: kept, in the order first seen, to be handed over to a master
 * that lacks it, because the one that accepted it may have died with it (SPINE 12, 13).
 *
 * Kept as shipped, with the seal of the node that shipped it. Beyond `retainedBytesMax` the oldest is let go: it
 * is on the disk of a master then, and only the loss of that disk could still lose it.
 */
export class Retained {
  #batches: { feed: Feed; bytes: number }[] = [];
  #bytes = 0;
  #versionCount = 0;

  readonly #session: Session;
  readonly #limits: ClientLimits;

  constructor(session: Session, limits: ClientLimits) {
    this.#session = session;
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Counts what becomes different here, so that who keeps it knows when to look. */
  get version(): number {
    return this.#versionCount;
  }

  /** The frames, in the order first seen. */
  frames(): Feed[] {
    return this.#batches.map(({ feed }) => feed);
  }

  keep(feed: Feed): void {
    if (feed.entries.every((entry) => this.#session.isSafe(entry.stream, entry.position))) return;
    const bytes = feed.entries.reduce((sum, entry) => sum + entry.change.length, 0);
    this.#batches.push({ feed, bytes });
    this.#bytes += bytes;
    this.#versionCount += 1;
    while (this.#bytes > this.#limits.retainedBytesMax) {
      this.#bytes -= this.#batches.shift()?.bytes ?? this.#bytes;
    }
  }

  /** Lets go of what has become safe. */
  prune(): void {
    const kept = this.#batches.filter(({ feed }) =>
      feed.entries.some((entry) => !this.#session.isSafe(entry.stream, entry.position)),
    );
    if (kept.length === this.#batches.length) return;
    this.#versionCount += 1;
    this.#batches = kept;
    this.#bytes = kept.reduce((sum, batch) => sum + batch.bytes, 0);
  }

  /** Everything that is kept, in the order first seen. */
  sealed(): { batch: SealedBatch; bytes: number }[] {
    return this.#batches.map(({ feed, bytes }) => ({
      batch: { changes: feed.entries.map((entry) => entry.change), seal: feed.seal },
      bytes,
    }));
  }
}
