import { createChange, KINDS } from "@syncline/core";
import { LIMITS } from "@syncline/protocol";
import { expect, test } from "vitest";
import { Session } from "../../packages/engine/src/client/session.js";
import { RawClient } from "./rawclient.js";
import { world } from "./world.js";

/** A session that has seen what is lost everywhere, a stream that went with a disk: handing over has to end (SPINE 13, 14). */
const LOST = 12_345;

const change = createChange({
  document: { collection: "boards", key: "a" },
  author: 55,
  first: 1,
  stamp: 1,
  observed: [],
  paths: [[{ name: "votes", kind: KINDS.counter }]],
  ops: [{ path: 0, op: { act: "step", by: 1 } }],
}).bytes;

test("a change that waits for what its session has seen is refused in time, however often its client hands over meanwhile", () => {
  const cluster = world(1);
  cluster.master("m1");
  cluster.pass(200);
  const ann = new RawClient(cluster, "ann", "m1");
  cluster.pass(100);
  ann.send({ kind: "offer", first: 1, session: new Map([[LOST, 3]]), changes: [change] });
  for (let ms = 0; ms <= LIMITS.admissionWaitMs; ms += 500) {
    ann.send({ kind: "handover", floor: new Map(), batches: [], last: true });
    cluster.pass(500);
  }
  expect(ann.messages.filter(({ kind }) => kind === "handed").length).toBeGreaterThan(3);
  expect(ann.refusals.map(({ code }) => code)).toEqual(["CAUSAL_WAIT_TIMEOUT"]);
});

test("a session with nothing unsafe needs nothing of the master to which it has handed that over", () => {
  const session = new Session();
  session.sawCut(new Map([[1, 5]]), new Map([[1, 5]]));
  session.sawPlace(LOST, 3);
  const before = { seen: session.seenNow(), floor: session.floor() };
  // That master's own stream is 2, and what stands at its end is told to nobody.
  const have = new Map([
    [1, 5],
    [2, 9],
  ]);
  session.handed(have, { ...before, isNothing: false });
  expect(session.vector()).toEqual(
    new Map([
      [1, 5],
      [2, 9],
      [LOST, 0],
    ]),
  );
  session.handed(new Map([[1, 5]]), { ...before, isNothing: true });
  expect(session.vector()).toEqual(
    new Map([
      [1, 5],
      [LOST, 0],
    ]),
  );
});

test("a master that lacked nothing of what a session has seen stands in for nothing", () => {
  const session = new Session();
  session.sawPlace(1, 5);
  const have = new Map([
    [1, 5],
    [2, 9],
  ]);
  session.handed(have, { seen: session.seenNow(), floor: session.floor(), isNothing: false });
  expect(session.vector()).toEqual(new Map([[1, 5]]));
});
