import type { MutableVector, StreamId, Vector } from "@syncline/core";
import { covers, joinInto, positionIn } from "@syncline/core";

/** What was handed over to a master. */
export interface HandedOver {
  /** What had been seen by then. */
  readonly seen: Vector;
  /** The safe part of that. */
  readonly floor: Vector;
  /** There was nothing unsafe: all of it was safe already, or lost and given up. */
  readonly isNothing: boolean;
}

/**
 * What a client's session has seen, as vectors: it decides which master may take its changes at once, and what
 * has to be handed over to one that lacks something.
 *
 * The vector grows with what the session sees. It shrinks in one case only: a master that lacked the unsafe part
 * of it has taken a hand-over of everything unsafe. Then that master's own vector, which the next one must cover
 * too, stands in for the unsafe part; the safe part is waited for as before (SPINE 14).
 */
export class Session {
  /** Places of everything that the session has seen. */
  readonly #seen: MutableVector = new Map();
  /** What a master had when it took a hand-over. */
  #need: MutableVector = new Map();
  readonly #safePositions: MutableVector = new Map();
  /** Counts changes of `vector()`, so that a link knows when to send it again. */
  #versionCount = 0;

  get version(): number {
    return this.#versionCount;
  }

  get safe(): Vector {
    return this.#safePositions;
  }

  /** What has been seen, and what a master had when it took a hand-over: for who keeps it. */
  get parts(): { readonly seen: Vector; readonly need: Vector } {
    return { seen: this.#seen, need: this.#need };
  }

  /** Takes over what another session was, which is gone or shares with this one what it has seen. */
  restore({ seen, need }: { readonly seen: Vector; readonly need: Vector }): void {
    joinInto(this.#seen, seen);
    joinInto(this.#need, need);
    this.#versionCount += 1;
  }

  /** What a master must cover before it may take the session's changes. */
  vector(): MutableVector {
    const vector = new Map(this.#seen);
    joinInto(vector, this.#need);
    return vector;
  }

  /** The safe part of that: what every master will get, and therefore has to be waited for. */
  floor(): MutableVector {
    const floor: MutableVector = new Map();
    for (const [stream, position] of this.vector()) {
      const safe = Math.min(position, positionIn(this.#safePositions, stream));
      if (safe > 0) floor.set(stream, safe);
    }
    return floor;
  }

  sawPlace(stream: StreamId, position: number): void {
    if (positionIn(this.#seen, stream) >= position) return;
    this.#seen.set(stream, position);
    this.#versionCount += 1;
  }

  sawCut(visible: Vector, safe: Vector): void {
    joinInto(this.#safePositions, safe);
    if (covers(this.#seen, visible)) return;
    joinInto(this.#seen, visible);
    this.#versionCount += 1;
  }

  isSafe(stream: StreamId, position: number): boolean {
    return positionIn(this.#safePositions, stream) >= position;
  }

  /** A copy of what has been seen so far, to be given to `handed` later. */
  seenNow(): Vector {
    return new Map(this.#seen);
  }

  /**
   * A master that has `have` took everything unsafe that was seen up to `seen`. It also has the `floor` that was asked
   * for, so what it lacks of that was cut off by an agreed end, and nobody will ever have it (SPINE 14, 17).
   */
  handed(have: Vector, { seen, floor, isNothing }: HandedOver): void {
    // It lacked nothing, so nothing has to stand in for anything; and its own vector has what a provider need not tell anybody.
    if (covers(have, this.vector())) return;
    for (const [stream, position] of this.#seen) {
      if (positionIn(seen, stream) < position) continue; // Seen since then, and not handed over.
      const had = positionIn(have, stream);
      const safe = positionIn(floor, stream) > had ? 0 : this.#safePart(stream, position);
      this.#seen.set(stream, Math.min(position, Math.max(had, safe)));
    }
    // Where nothing was unsafe nothing stands in for it, and nobody need tell what else that master had.
    this.#need = isNothing ? new Map() : new Map(have);
    this.#versionCount += 1;
  }

  #safePart(stream: StreamId, position: number): number {
    return Math.min(position, positionIn(this.#safePositions, stream));
  }
}
