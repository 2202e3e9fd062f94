import type { StreamId } from "@syncline/core";
import type { Fence } from "@syncline/protocol";
import type { Random } from "../ports.js";
import type { Peers } from "./peers.js";
import type { Retirements } from "./retirements.js";

/**
 * The fences that this node sets while it finds out where streams end, and lifts: its own ones when it is done, and those
 * that nobody else will lift any more (SPINE 16). What a fence does to those who have it, `Retirements` says.
 */
export class Fences {
  /** Ids of those behind which this process finds out something. */
  private readonly kept = new Set<number>();

  constructor(
    private readonly self: string,
    private readonly peers: Peers,
    private readonly retirements: Retirements,
    private readonly random: Random,
    private readonly on: {
      isMaster(): boolean;
      /** Something is known that was not. */
      news(): void;
    },
  ) {}

  /** Sets a fence, in place of any other one of this node. Returns its id. */
  set(node: string, streams?: readonly StreamId[]): number {
    const { id } = this.put(this.next(node, this.self, streams), node);
    this.kept.add(id);
    return id;
  }

  /** Whether the fence holds: another one, or a decision, may have taken its place. */
  holds(node: string, id: number): boolean {
    return this.retirements.of(node)?.fence?.id === id;
  }

  /** Nothing is found out behind it any more. */
  leave(id: number): void {
    this.kept.delete(id);
  }

  /** It was given up. */
  lift(node: string): void {
    this.put(this.lifting(node), node);
  }

  /** What a decision says of the fence that it ends. */
  lifting(node: string): Fence {
    return this.next(node, "", undefined);
  }

  /**
   * Lifts the fences that nobody will: its own ones, of a decision that ended with an earlier process, which its disk need
   * not know of; and, as a master, those of a node that is there, or was deciding itself, by one that is not.
   */
  look(): void {
    const { peers } = this;
    for (const { node, fence } of this.retirements.all()) {
      if (fence === undefined || fence.coordinator === "" || this.kept.has(fence.id)) continue;
      const isOwn = fence.coordinator === this.self;
      const isThere = fence.coordinator === node || peers.isHeard(node);
      const isLeft = this.on.isMaster() && isThere && !peers.isHeard(fence.coordinator);
      if (isOwn || isLeft) this.lift(node);
    }
  }

  private put(fence: Fence, node: string): Fence {
    if (this.retirements.learn({ node, generation: 0, ends: new Map(), fence })) this.on.news();
    return fence;
  }

  private next(node: string, coordinator: string, streams: readonly StreamId[] | undefined): Fence {
    const attempt = (this.retirements.of(node)?.fence?.attempt ?? 0) + 1;
    return { attempt, id: 1 + this.random.integer(2 ** 53 - 1), coordinator, ...(streams && { streams }) };
  }
}
