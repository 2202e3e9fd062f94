import { levelOf } from "@syncline/protocol";
import { atLeast } from "./commit.js";
import type { HeldStream, Log } from "./log.js";
import type { Members } from "./members.js";
import type { Peers } from "./peers.js";
import { Watch } from "./revision.js";

/**
 * What is safe: nothing that the cluster is built to survive can lose it any more (SPINE 10).
 *
 * A position is safe when it is committed under a rule that counts disks, or durable on two masters. In a cluster with one
 * master its followers count as holders too, and a node that follows nobody and has never met another one is all the
 * safety there is. One that was told to follow others is not alone, it has only not met them yet.
 * Clients keep their own changes, and those that they have seen, until they are safe (SPINE 12). Like a commit,
 * "safe" is told on and joined by max.
 */
export class Safety {
  private readonly watch: Watch;
  private readonly whoMoved: Watch;
  /** Names of the nodes whose disks count, as long as nobody comes, goes or changes his role. */
  private known: { readonly role: "master" | "follower"; readonly names: readonly string[] } | undefined;

  constructor(
    private readonly self: {
      readonly name: string;
      readonly role: "master" | "follower";
      readonly follow: readonly string[];
    },
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly members: Members,
    /** Somebody was retired: whom this node was told to follow, it has met. */
    private readonly hasRetired: () => boolean,
  ) {
    this.watch = new Watch([log.revision, peers.revision, members.revision]);
    this.whoMoved = new Watch([peers.revision, members.revision]);
  }

  /**
   * Another node says that this stream is safe up to here. What is shown before it is committed is not safe before
   * that either: whoever lets go of a change takes it for committed.
   */
  learn(stream: HeldStream, position: number): void {
    const committed = stream.isLocal ? stream.visible : stream.committed;
    stream.safe = Math.max(stream.safe, Math.min(position, stream.visible, committed));
  }

  evaluate(): void {
    if (!this.watch.hasMoved()) return;
    let holders: readonly string[] | undefined;
    for (const stream of this.log.streams()) {
      if (stream.safe === stream.visible) continue;
      holders ??= this.holders();
      const durable = holders.map((name) =>
        name === this.self.name ? stream.durable : this.peers.position(name, stream.id, "durable"),
      );
      const isMet = this.self.follow.length === 0 || this.hasRetired();
      const copies = isMet ? Math.min(2, holders.length) : 2;
      const rule = stream.ruleAt(stream.committed);
      const isDurable = rule.kind !== "local" && levelOf(rule) !== "received";
      const committed = isDurable ? stream.committed : 0;
      this.learn(stream, Math.max(committed, copies === 0 ? 0 : atLeast(durable, copies)));
    }
  }

  private holders(): readonly string[] {
    const { role } = this.self;
    if (this.whoMoved.hasMoved() || this.known?.role !== role)
      this.known = { role, names: this.lookForHolders() };
    return this.known.names;
  }

  private lookForHolders(): string[] {
    const everybody = new Map<string, "master" | "follower">([[this.self.name, this.self.role]]);
    for (const [name, { role }] of this.members.others()) everybody.set(name, role);
    const masters = [...everybody].filter(([, role]) => role === "master").map(([name]) => name);
    return masters.length >= 2 ? masters : [...everybody.keys()];
  }
}
