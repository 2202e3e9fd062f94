/**
 * What was written unseen to something dropped, and what came late after a takeover, against the specification: random writes,
 * drops and promotions at several nodes, cut off from each other, started again and joining by snapshot. What each node tells
 * is at every moment the same function of what it shows: types, ids and contents (I5).
 */
import { type Conflict, conflictId, decodeChange } from "@syncline/core";
import { recordPlaceOf, type StorageWrite } from "@syncline/engine";
import { readRecord } from "@syncline/protocol";
import {
  type CrashableStorage,
  type PlacedRecord,
  SeededRandom,
  type SimNode,
  type SpecifiedUnseen,
  specifiedUnseen,
} from "@syncline/simulation";
import { memoryStorage } from "@syncline/storage";
import { expect, test } from "vitest";
import { FailingDisk } from "../engine/disks.js";
import { SEED } from "../seed.js";
import { world } from "./world.js";

/** Everything that was ever given to a disk, by place. */
class Records {
  private readonly byPlace = new Map<string, PlacedRecord>();

  take(writes: readonly StorageWrite[]): void {
    for (const { key, value } of writes) {
      const place = recordPlaceOf(key);
      if (place === undefined || value === undefined) continue;
      const { stream, position } = place;
      const { body } = readRecord(stream, position, value);
      if (body.kind !== "change") continue;
      const change = decodeChange(body.change);
      if (!change.ok) throw new Error(change.fault.reason);
      this.byPlace.set(`${stream}:${position}`, { stream, position, change: change.value });
    }
  }

  shownBy(node: SimNode): PlacedRecord[] {
    return [...this.byPlace.values()].filter(
      ({ stream, position }) => position <= (node.visible.get(stream) ?? 0),
    );
  }
}

const told = (node: SimNode): object[] =>
  node.engine
    .conflictList()
    .filter(
      ({ type, winner }) => type === "late_merge" || winner.kind === "collection" || winner.kind === "field",
    )
    .map(({ id, type, document, winner, losers }: Conflict) => ({
      id,
      type,
      document,
      winner: winner.dot,
      losers: losers.map(({ dot, value }) => ({ dot, ...(value !== undefined && { value }) })),
    }))
    .sort(byId);

function must({ type, document, about, winner, losers }: SpecifiedUnseen, records: readonly PlacedRecord[]) {
  const first =
    type === "late_merge"
      ? { author: losers[0]?.dot.author ?? 0, counter: hadBy(about, losers[0]?.dot.author ?? 0, records) + 1 }
      : winner;
  return { id: conflictId(type, document, about, first), type, document, winner, losers };
}

/** How far a takeover had a stream. */
function hadBy(id: string, stream: number, records: readonly PlacedRecord[]): number {
  for (const { change } of records) {
    for (const { path, op } of change.ops) {
      if (change.document.key !== "takeovers" || op.act !== "set" || change.paths[path]?.[0]?.name !== id)
        continue;
      const { had } = op.value as unknown as { had: [number, number][] };
      return had.find(([other]) => other === stream)?.[1] ?? 0;
    }
  }
  return 0;
}

const byId = (a: object, b: object): number => ((a as { id: string }).id < (b as { id: string }).id ? -1 : 1);

const small = { retentionRecordsMax: 4, truncationRecordsMin: 2, foldTailChanges: 2, foldChangesMax: 4 };

test("every node tells what the specification says, at every moment", () => {
  const counts = { drops: 0, late: 0, "told of a collection": 0, "told of a field": 0, joined: 0 };
  for (let run = 0; run < 10; run++) {
    const random = new SeededRandom(SEED + run * 7_919);
    const records = new Records();
    const noting = (disk: FailingDisk): CrashableStorage => ({
      get: (key) => disk.get(key),
      scan: (range) => disk.scan(range),
      close: () => disk.close(),
      commit: (writes, done) => {
        records.take(writes);
        disk.commit(writes, done);
      },
      restart: (options) => noting(disk.restart(options)),
    });
    const cluster = world(SEED + run, {
      limits: random.chance(0.7) ? small : {},
      disk: (scheduler) => noting(new FailingDisk(scheduler, memoryStorage({ scheduler }))),
    });
    const names = ["m1", "m2", "f1", "f2"];
    const follow = (name: string) => names.filter((other) => other !== name);
    const nodes = [
      cluster.master("m1", { follow: follow("m1") }),
      cluster.master("m2", { follow: follow("m2") }),
      cluster.follower("f1", { follow: follow("f1") }),
      cluster.follower("f2", { follow: follow("f2") }),
    ];
    const [m1] = nodes as [SimNode];
    cluster.pass(1_000);
    m1.alter(
      { do: "create", collection: "boards" },
      ...["x", "y"].map(
        (field) => ({ do: "add", collection: "boards", field, is: { kind: "counter", types: [] } }) as const,
      ),
    );
    cluster.settle();
    const check = (): void => {
      for (const node of cluster.nodes.values()) {
        if (!node.isUp) continue;
        const shown = records.shownBy(node);
        const specified = specifiedUnseen(shown).map((one) => must(one, shown));
        expect(told(node), `run ${run}, ${node.name}`).toEqual(specified.sort(byId));
      }
    };
    for (let step = 0; step < 40; step++) {
      const node = random.pick([...cluster.nodes.values()].filter(({ isUp }) => isUp));
      const field = random.pick(["x", "y"]);
      const dice = random.integer(20);
      if (dice < 9) node.write(`boards/${random.pick(["a", "b"])}`, (b) => b.counter(field).increment());
      else if (dice < 11) {
        node.alter({ do: "drop", collection: "boards", ...(random.chance(0.6) && { field }) });
        counts.drops += 1;
      } else if (dice < 12)
        node.alter({ do: "undrop", collection: "boards", ...(random.chance(0.6) && { field }) });
      else if (dice < 15) cluster.network.cut(random.pick(names), random.pick(names));
      else if (dice < 17) cluster.network.healAll();
      else if (dice < 18) node.restart();
      else if (dice < 19) {
        if (cluster.nodes.size === 4 && random.chance(0.3)) {
          cluster.follower("f3", { follow: names });
          counts.joined += 1;
        } else cluster.pass(15_000);
      } else {
        // Whoever hears nobody takes over from all of them.
        for (const other of names) if (other !== node.name) cluster.network.cut(node.name, other);
        cluster.pass(200);
        for (const other of cluster.nodes.values())
          other.write("boards/a", (b) => b.counter(field).increment());
        if (node.engine.status().role === "follower") node.promote({ force: true, waitMs: 500 });
        cluster.pass(1_000);
      }
      cluster.pass(random.integer(400));
      check();
    }
    cluster.network.healAll();
    cluster.settle();
    check();
    for (const { type, winner } of m1.engine.conflictList()) {
      if (type === "late_merge") counts.late += 1;
      else if (winner.kind === "collection") counts["told of a collection"] += 1;
      else if (winner.kind === "field") counts["told of a field"] += 1;
    }
    for (const node of cluster.nodes.values())
      expect(node.engine.conflictList()).toEqual(m1.engine.conflictList());
  }
  for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(0);
});

test("a drop that was cut off and is handed in again is held against what came meanwhile", () => {
  const cluster = world(7);
  const m1 = cluster.master("m1", { follow: ["m2"] });
  const m2 = cluster.master("m2", { follow: ["m1"] });
  cluster.follower("f1", { follow: ["m1", "m2"] });
  cluster.pass(1_000);
  m1.alter(
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "tags", is: { kind: "set", types: [] } },
  );
  cluster.settle();
  for (const other of ["m1", "f1"]) cluster.network.cut("m2", other);
  m2.alter({ do: "drop", collection: "boards", field: "tags" });
  cluster.pass(100);
  // It has more than the dropper had seen, and looks through its documents.
  m2.alter({ do: "create", collection: "cards" });
  m1.write("boards/a", (b) => b.set("tags").add("unseen"));
  cluster.pass(15_000);
  const retired = m1.retire("m2", { force: true });
  cluster.passUntil("it is retired", () => retired.answer !== undefined, 30_000);
  cluster.network.healAll();
  cluster.settle();
  expect(told(m1)).toMatchObject([{ type: "write_to_dropped", document: "boards/a" }]);
  expect(told(m2)).toEqual(told(m1));
});
