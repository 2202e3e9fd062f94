import type { StreamId } from "@syncline/core";
import type { Closing, Fence, Opening } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import type { Journal } from "./journal.js";
import type { HeldStream, Log } from "./log.js";
import { Revision } from "./revision.js";
import { allClosings, closingKey, closingRow } from "./tables.js";

/**
 * What this node knows of streams that are closed: those of retired nodes, and where they end (SPINE 16, 17).
 *
 * For each node there is one word of it, which only grows: how often the node was retired, and the ends of its closed
 * streams. Two words are joined by max, so it does not matter who tells whom in which order. A stream that was opened
 * with knowledge of all retirements of its node, and is not named, is open.
 *
 * While a retirement is being decided there is a *fence*: whoever has it on his disk takes no more of that node's open
 * streams than he holds, so what he has said of them stays true. Only the master that decides goes on, to catch up with
 * everybody. Who decides anew, or gives up, makes a later fence, which takes the place of the earlier one everywhere.
 */
export class Retirements {
  /** Moves with every word that is news. */
  readonly revision = new Revision();
  private readonly closings = new Map<string, Closing>();
  /** Fences that this node keeps, with the mark after which its disk has them. */
  private readonly fencedAt = new Map<number, number>();

  constructor(
    private readonly self: string,
    storage: Storage,
    private readonly journal: Journal,
    private readonly log: Log,
  ) {
    for (const [key, value] of storage.scan(allClosings())) {
      const closing = closingRow.decode(key, value);
      this.closings.set(closing.node, closing);
      if (closing.fence !== undefined) this.fencedAt.set(closing.fence.id, 0);
    }
  }

  /** Everything, for those who do not know it. */
  all(): Closing[] {
    return [...this.closings.values()];
  }

  of(node: string): Closing | undefined {
    return this.closings.get(node);
  }

  /** How often this node was retired. */
  generationOf(node: string): number {
    return this.closings.get(node)?.generation ?? 0;
  }

  /** Whether the node, which knows of so many retirements of itself, was retired since. */
  isRetired(node: string, generation = 0): boolean {
    return generation < this.generationOf(node);
  }

  /** Where a stream of this opening ends; undefined while it is open. */
  endOf(id: StreamId, { node, generation = 0 }: Pick<Opening, "node" | "generation">): number | undefined {
    const closing = this.closings.get(node);
    if (closing === undefined) return undefined;
    return closing.ends.get(id) ?? (generation < closing.generation ? 0 : undefined);
  }

  /** Where this stream ends, as far as that can be told without its opening. */
  knownEnd(id: StreamId): number | undefined {
    const stream = this.log.stream(id);
    if (stream !== undefined) return this.endOf(id, stream.opening);
    for (const { ends } of this.closings.values()) {
      const end = ends.get(id);
      if (end !== undefined) return end;
    }
    return undefined;
  }

  /**
   * Up to where this node takes records of a stream, of which it may not have the first: the end of a closed one; what it
   * holds of one that is fenced.
   */
  limitOf(id: StreamId, node: string, opening: Opening | undefined): number {
    const closing = this.closings.get(opening?.node ?? node);
    if (closing === undefined) return Number.POSITIVE_INFINITY;
    const end = opening === undefined ? closing.ends.get(id) : this.endOf(id, opening);
    if (end !== undefined) return end;
    const { fence } = closing;
    const isFrozen = fence !== undefined && fence.coordinator !== "" && fence.coordinator !== this.self;
    if (!isFrozen || closing.node === this.self) return Number.POSITIVE_INFINITY;
    // What it accepts now is not in question.
    if (fence.coordinator === closing.node && fence.streams?.includes(id) !== true)
      return Number.POSITIVE_INFINITY;
    return this.log.stream(id)?.held ?? 0;
  }

  /** Whether anybody may provide this stream of a node: it is closed, or this node finds out where it ends. */
  isWanted(node: string, stream: StreamId): boolean {
    const closing = this.closings.get(node);
    if (closing === undefined) return false;
    const { generation, ends, fence } = closing;
    return fence?.coordinator === this.self || (generation > 0 ? ends.size > 0 : ends.has(stream));
  }

  /** The streams that a retirement of this node closes, among those that are held. */
  *open(node: string): Iterable<HeldStream> {
    for (const stream of this.log.streams())
      if (stream.opening.node === node && this.endOf(stream.id, stream.opening) === undefined) yield stream;
  }

  /** Joins in what another one knows, or what was decided here. Returns whether it is news. */
  learn(word: Closing): boolean {
    const known = this.closings.get(word.node) ?? {
      node: word.node,
      generation: 0,
      ends: new Map(),
      fence: undefined,
    };
    const generation = Math.max(known.generation, word.generation);
    const ends = new Map(known.ends);
    for (const [stream, end] of word.ends) ends.set(stream, Math.max(end, ends.get(stream) ?? 0));
    const fence = later(known.fence, word.fence);
    const isSame =
      generation === known.generation &&
      fence === known.fence &&
      ends.size === known.ends.size &&
      [...ends].every(([stream, end]) => known.ends.get(stream) === end);
    if (isSame) return false;
    const closing: Closing = { node: word.node, generation, ends, fence };
    this.closings.set(word.node, closing);
    const key = closingKey(word.node);
    this.journal.put(key, closingRow.encode(key, closing));
    if (fence !== undefined && fence !== known.fence) this.fencedAt.set(fence.id, this.journal.mark());
    if (known.fence !== undefined && fence !== known.fence) this.fencedAt.delete(known.fence.id);
    this.revision.next();
    return true;
  }

  /**
   * Ids of the fences that this node's disk has and that nobody has lifted. A name that two processes bear decides nothing
   * for itself: what one of them takes for its past is the other one's present.
   */
  fences(isContested: (node: string) => boolean): number[] {
    const ids: number[] = [];
    for (const { node, fence } of this.closings.values()) {
      if (fence === undefined || fence.coordinator === "") continue;
      if (fence.coordinator === node && isContested(node)) continue;
      if ((this.fencedAt.get(fence.id) ?? Number.POSITIVE_INFINITY) <= this.journal.durableMark)
        ids.push(fence.id);
    }
    return ids;
  }
}

function later(a: Fence | undefined, b: Fence | undefined): Fence | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.attempt !== b.attempt) return a.attempt > b.attempt ? a : b;
  return b.id > a.id ? b : a;
}
