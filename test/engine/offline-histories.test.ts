import { SeededRandom, type SimClient, SimSlots } from "@syncline/simulation";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";

/**
 * Random lives of the tabs of one browser: they write, reload in the middle of anything, lose the network, and their
 * masters die. At the end everything that was kept or acknowledged is at every replica, once.
 */
const SEEDS = 20;
const STEPS = 60;
const TABS = 3;
const DOCUMENTS = ["boards/a", "boards/b"];

interface Counts {
  reloads: number;
  inherited: number;
  kept: number;
  failures: number;
}

function play(seed: number, counts: Counts): void {
  const log = (line: string) => {
    if (line.includes("inherited")) counts.inherited += 1;
  };
  const cluster = world(seed, { log });
  cluster.master("m1", { follow: ["m2"] });
  cluster.master("m2", { follow: ["m1"] });
  cluster.follower("f1", { follow: ["m1", "m2"] });
  const random = new SeededRandom(seed);
  const slots = new SimSlots(random.fork());
  let made = 0;
  const tab = (): SimClient => {
    const nodes = random.pick([
      ["m1", "m2"],
      ["m2", "m1"],
      ["f1", "m1", "m2"],
    ]);
    return cluster.client(
      `tab${++made}`,
      nodes,
      { keptTailBytesMax: 300, inheritEveryMs: 2_000, storeRetryMs: 1_000 },
      slots,
    );
  };
  const tabs = Array.from({ length: TABS }, tab);

  const steps: Record<string, () => void> = {
    write: () => {
      const writer = random.pick(tabs);
      writer.write(random.pick(DOCUMENTS), (draft) => {
        draft.counter("votes").increment(1 + random.integer(3));
        if (random.integer(2) === 0) draft.set("tags").add(random.integer(5));
        else draft.register("title").set(random.integer(100));
      });
    },
    reload: () => {
      const at = random.integer(tabs.length);
      tabs[at]?.kill();
      counts.reloads += 1;
      if (slots.names().some((slot) => slots.entries(slot, ["own/"]).length > 0)) counts.kept += 1;
      // Now and then it stays away, and another one inherits.
      if (random.integer(3) === 0) cluster.pass(random.integer(8_000));
      tabs[at] = tab();
    },
    cut: () => cluster.network.cut(random.pick(tabs).name, random.pick(["m1", "m2", "f1"])),
    part: () => cluster.network.cut("m1", "m2"),
    heal: () => cluster.network.healAll(),
    fail: () => {
      slots.isUnavailable = true;
      counts.failures += 1;
    },
    fill: () => {
      slots.bytesMax = 1_500;
      counts.failures += 1;
    },
    mend: () => {
      slots.isUnavailable = false;
      slots.bytesMax = Number.POSITIVE_INFINITY;
    },
    kill: () => cluster.nodes.get(random.pick(["m1", "m2"]))?.kill(),
    restart: () => {
      for (const node of cluster.nodes.values()) if (!node.isUp && !node.isStarting) node.restart();
    },
  };
  const names = [
    "write",
    "write",
    "write",
    "write",
    "reload",
    "cut",
    "part",
    "heal",
    "kill",
    "restart",
    "restart",
    "fail",
    "fill",
    "mend",
    "mend",
  ];
  for (let step = 0; step < STEPS; step++) {
    steps[random.pick(names)]?.();
    cluster.pass(random.pick([0, 1, 5, 30, 300, 3_000]));
    cluster.check();
  }
  steps.heal?.();
  steps.restart?.();
  steps.mend?.();
  for (const each of tabs) for (const id of DOCUMENTS) each.open(id);
  const unsent = () => slots.names().flatMap((slot) => slots.entries(slot, ["own/"])).length;
  cluster.passUntil("everything that was kept is safe", () => unsent() === 0, 120_000);
  cluster.settle();
}

test(`${SEEDS} random histories of a browser's tabs lose and double nothing`, () => {
  const counts: Counts = { reloads: 0, inherited: 0, kept: 0, failures: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      play(seed, counts);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  // It really happened.
  expect(counts.inherited).toBeGreaterThan(4);
  expect(counts.failures).toBeGreaterThan(30);
  expect(counts.kept).toBeGreaterThan(30);
});
