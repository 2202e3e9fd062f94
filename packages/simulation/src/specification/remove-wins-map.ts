/**
 * What counts of the history of a map in which removing a key wins: what was done under a key by somebody who knew of
 * every removal of it, for then it was done afterwards. He knew of his own earlier ones, and of those of which he had
 * said so.
 */
import type { Op } from "@syncline/core";
import { sameDot } from "./history.js";
import type { PlacedBelow } from "./map.js";

/** The ops that count, those on the map itself among them. */
export function afterRemovals(history: readonly PlacedBelow<Op>[]): readonly PlacedBelow<Op>[] {
  return history.filter(({ dot, below }) => {
    const [key] = below;
    if (key === undefined) return true;
    const onKey = history.filter(
      (other) =>
        other.below.length === 0 &&
        (other.op.act === "drop" || other.op.act === "accept") &&
        other.op.name === key.name,
    );
    const removals = onKey.filter(({ op }) => op.act === "drop");
    // Who knows of a removal knows of those that it has replaced.
    const last = removals.filter(
      (removal) =>
        !removals.some(
          ({ op }) => op.act === "drop" && op.replaces.some((each) => sameDot(each, removal.dot)),
        ),
    );
    return last.every(
      (removal) =>
        (removal.dot.author === dot.author && removal.dot.counter < dot.counter) ||
        onKey.some(
          (said) =>
            said.op.act === "accept" &&
            said.dot.author === dot.author &&
            said.dot.counter < dot.counter &&
            said.op.of.some((each) => sameDot(each, removal.dot)),
        ),
    );
  });
}
