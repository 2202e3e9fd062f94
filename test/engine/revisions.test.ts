import { drawHistory, play } from "@syncline/simulation";
import { plainMemory } from "@syncline/storage";
import { afterEach, describe, expect, it, vi } from "vitest";
import { HeldStream } from "../../packages/engine/src/node/held-stream.js";
import { Peers } from "../../packages/engine/src/node/peers.js";
import { Revision, Watch } from "../../packages/engine/src/node/revision.js";
import { SEED } from "../seed.js";

/** The parts of a node look only at what has moved. It must make no difference to what they do. */
describe("revisions", () => {
  afterEach(() => vi.restoreAllMocks());

  const fresh = SEED % 4_000_000_000;
  for (const seed of [1, 2, 7_713_050, 127_159_020, fresh, fresh + 1]) {
    it(`nodes whose parts look at everything every turn send the same, seed ${seed}`, () => {
      const history = drawHistory(seed, 120);
      const looking = play(history, { plain: plainMemory });
      for (const { prototype } of [Watch, Revision, HeldStream, Peers])
        vi.spyOn(prototype as { hasMoved(): boolean }, "hasMoved").mockReturnValue(true);
      expect(play(history, { plain: plainMemory }).hash).toBe(looking.hash);
    });
  }

  it("a watch tells of each move once, whichever of its revisions it was", () => {
    const [one, other] = [new Revision(), new Revision()];
    const watch = new Watch([one, other]);
    expect([watch.hasMoved(), watch.hasMoved()]).toEqual([true, false]);
    one.next();
    expect([watch.hasMoved(), watch.hasMoved()]).toEqual([true, false]);
    other.next();
    other.next();
    expect([watch.hasMoved(), watch.hasMoved()]).toEqual([true, false]);
  });

  it("every position of a stream moves the log's revision, and one that stays does not", () => {
    const revision = new Revision();
    const opening = { node: "m1", rule: { kind: "local" }, previous: undefined, visibility: "committed" };
    const stream = new HeldStream(7, opening as HeldStream["opening"], new Uint8Array(0), revision);
    for (const position of ["held", "durable", "visible", "ready", "committed", "safe"] as const) {
      const before = revision.number;
      expect(stream.hasMoved(before)).toBe(false);
      stream[position] = 5;
      expect(stream.hasMoved(before)).toBe(true);
      const after = revision.number;
      stream[position] = 5;
      expect(revision.hasMoved(after)).toBe(false);
    }
  });
});
