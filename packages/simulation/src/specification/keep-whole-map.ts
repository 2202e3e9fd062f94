/**
 * What is shown of the history of a map in which using a key keeps all of it: nothing under a key of which somebody has
 * removed everything, that is, who had seen all uses of it that there are; and under the other keys all that was done there.
 */
import type { Op } from "@syncline/core";
import type { PlacedBelow } from "./map.js";

/** The ops of what is not removed, those on the map itself among them. */
export function outsideRemovals(history: readonly PlacedBelow<Op>[]): readonly PlacedBelow<Op>[] {
  const usesOf = (name: string) =>
    history.filter(({ op, below: [key] }) =>
      key === undefined ? op.act === "show" && op.name === name : key.name === name,
    );
  const isRemoved = (name: string): boolean =>
    history.some(({ op, below }) => {
      if (below.length > 0 || op.act !== "hide") return false;
      const saw = op.keys.find((key) => key.name === name)?.saw;
      return (
        saw !== undefined &&
        usesOf(name).every(({ dot }) =>
          saw.some(({ author, counter }) => author === dot.author && counter >= dot.counter),
        )
      );
    });
  return history.flatMap((placed) => {
    const [key] = placed.below;
    if (key !== undefined) return isRemoved(key.name) ? [] : [placed];
    const { op } = placed;
    return op.act === "hide"
      ? [{ ...placed, op: { act: "vanish", removes: op.removes } as const }]
      : [placed];
  });
}
