import { createHmac } from "node:crypto";
import { createChange, KINDS } from "@syncline/core";
import { expect, test } from "vitest";
import { RawClient } from "./rawclient.js";
import { world } from "./world.js";

const mac = {
  sign: (message: Uint8Array) => new Uint8Array(createHmac("sha256", "secret").update(message).digest()),
};

const change = createChange({
  document: { collection: "boards", key: "a" },
  author: 55,
  first: 1,
  stamp: 1,
  observed: [],
  paths: [[{ name: "votes", kind: KINDS.counter }]],
  ops: [{ path: 0, op: { act: "step", by: 1 } }],
}).bytes;

test("changes of others are taken only with the seal of a node of the cluster", () => {
  const cluster = world(1, { mac });
  const m1 = cluster.master("m1");
  const m2 = cluster.master("m2");
  cluster.pass(200);
  const [ann, bob] = [new RawClient(cluster, "ann", "m1"), new RawClient(cluster, "bob", "m2")];
  cluster.pass(100);
  bob.send({
    kind: "handover",
    floor: new Map(),
    batches: [{ changes: [change], seal: new Uint8Array(16) }],
    last: true,
  });
  cluster.pass(200);
  expect(bob.refusals.map(({ code }) => code)).toEqual(["FORBIDDEN"]);
  expect(m2.json("boards/a")).toBeUndefined();

  ann.send({ kind: "open", number: 1, document: { collection: "boards", key: "a" }, since: new Map() });
  ann.send({ kind: "offer", first: 1, session: undefined, changes: [change] });
  cluster.pass(200);
  expect(m1.json("boards/a")).toEqual({ votes: 1 });
  const feed = ann.messages.find((message) => message.kind === "feed");
  if (feed?.kind !== "feed") throw new Error("no feed");
  bob.send({
    kind: "handover",
    floor: new Map(),
    batches: [{ changes: [change], seal: feed.seal }],
    last: true,
  });
  cluster.pass(200);
  expect(m2.json("boards/a")).toEqual({ votes: 1 });
});
