import { type MutableVector, positionIn, type StreamId } from "@syncline/core";
import type { Clock } from "../ports.js";
import type { Log } from "./log.js";

/**
 * When this node came to hold what it holds, roughly: for lags in seconds.
 *
 * A look at the log is kept every time something has come in, at most one for each tick. When there are too many,
 * every second one of the older half is forgotten, so long lags are less exact than short ones and the memory is
 * bounded. A lag is counted from the look before the one in which the missing record was first there: it may be too
 * large by the distance of two looks, and is never too small.
 */
interface Look {
  readonly at: number;
  readonly held: ReadonlyMap<StreamId, number>;
}

const LOOKS_MAX = 128;

export class Lags {
  private looks: Look[] = [];

  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
  ) {}

  /** Called a few times a second. */
  look(): void {
    const last = this.looks.at(-1);
    let isNews = last === undefined;
    for (const stream of this.log.streams())
      isNews ||= stream.held > positionIn(last?.held ?? new Map(), stream.id);
    if (!isNews) return;
    const held: MutableVector = new Map();
    for (const stream of this.log.streams()) held.set(stream.id, stream.held);
    this.looks.push({ at: this.clock.monotonic(), held });
    if (this.looks.length > LOOKS_MAX)
      this.looks = this.looks.filter((_, i) => i % 2 === 0 || i > LOOKS_MAX / 2);
  }

  /** Seconds since this node has had something that is missing where this has been reached; 0 where nothing is. */
  seconds(reached: (stream: StreamId) => number): number {
    let since = Number.POSITIVE_INFINITY;
    for (const stream of this.log.streams()) {
      const position = reached(stream.id);
      if (position >= stream.held) continue;
      const first = this.looks.findIndex(({ held }) => positionIn(held, stream.id) > position);
      // Not looked at yet: it came after the last look.
      const before = first === -1 ? this.looks.at(-1) : this.looks[Math.max(0, first - 1)];
      since = Math.min(since, before?.at ?? Number.NEGATIVE_INFINITY);
    }
    if (since === Number.POSITIVE_INFINITY) return 0;
    return Math.max(0, (this.clock.monotonic() - Math.max(since, this.looks[0]?.at ?? 0)) / 1_000);
  }
}
