/** A client that does not read harms itself alone: others are served, and what waits for it is bounded (I10). */
import { expect, test } from "vitest";
import { RawClient } from "../scenarios/rawclient.js";
import { world } from "../scenarios/world.js";

const PAUSE = 4_000;

test("what waits for a client that does not read stays below sendQueueBytesMax, and others see everything at once", () => {
  const cluster = world(1, {
    // What it lacks comes change by change, not as one state.
    limits: {
      sendQueuePauseBytes: PAUSE,
      sendQueueBytesMax: 16_000,
      batchBytes: 500,
      foldQuietChanges: 1_000,
    },
  });
  const m1 = cluster.master("m1");
  cluster.pass(100);
  const slow = new RawClient(cluster, "slow", "m1");
  const ann = cluster.client("ann", ["m1"]);
  ann.open("boards/a");
  cluster.pass(100);
  slow.send({ kind: "open", number: 1, document: { collection: "boards", key: "a" }, since: new Map() });
  cluster.pass(500);
  // A frame to it takes very long; one to anybody else does not.
  let sentToSlow = 0;
  const { faults } = cluster.network;
  cluster.network.tap = (_from, to, frame) => {
    if (to === "slow") sentToSlow += frame.length;
    faults.delayMsMin = faults.delayMsMax = to === "slow" ? 8_000 : 2;
  };
  for (let i = 1; i <= 200; i++) {
    m1.write("boards/a", (b) => b.register("text").set(`${i}`.padEnd(100, ".")));
    cluster.pass(20);
    expect(ann.json("boards/a")).toEqual({ text: `${i}`.padEnd(100, ".") });
  }
  // Nothing that was sent to it within these four seconds has arrived: all of it waits.
  expect(sentToSlow).toBeGreaterThan(PAUSE);
  expect(sentToSlow).toBeLessThan(PAUSE + 2_000);
  expect(slow.closedWith).toBeUndefined();
  // It reads again, and gets all of it, from the log.
  cluster.network.tap = undefined;
  faults.delayMsMin = faults.delayMsMax = 2;
  cluster.pass(20_000);
  const places = slow.messages.flatMap((m) => (m.kind === "feed" ? m.entries.map((e) => e.position) : []));
  expect(places.length).toBe(200);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});
