/** A place of a stream has one content (I1): what comes again and is another is not taken, and the operator is told. */
import { createChange, KINDS } from "@syncline/core";
import { encodeRecord, LOCAL, type Message } from "@syncline/protocol";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { helloOf, RawPeer } from "./rawpeer.js";

const STREAM = 7;

const opening = encodeRecord(STREAM, 1, new Map(), {
  kind: "opening",
  opening: { node: "raw", rule: LOCAL, previous: undefined, visibility: "committed" },
});

function second(by: number): Uint8Array {
  const change = createChange({
    document: { collection: "boards", key: "a" },
    author: 77,
    first: 1,
    stamp: 1,
    observed: [],
    paths: [[{ name: "votes", kind: KINDS.counter }]],
    ops: [{ path: 0, op: { act: "step", by } }],
  });
  return encodeRecord(STREAM, 2, new Map(), { kind: "change", change: change.bytes });
}

test("the same again is nothing; another content is said once, and what is held stays", () => {
  const lines: string[] = [];
  const cluster = world(1, { log: (line) => lines.push(line) });
  const at = {
    stream: STREAM,
    node: "raw",
    received: 2,
    durable: 2,
    applied: 2,
    visible: 2,
    committed: 0,
    safe: 0,
  };
  const records = (first: number, ...bytes: Uint8Array[]): Message => ({
    kind: "records",
    stream: STREAM,
    first,
    records: bytes,
  });
  const raws = RawPeer.listen(cluster.network, "raw", (peer) => {
    peer.send(helloOf({ peer: "master", name: "raw" }), { kind: "progress", streams: [at] });
    peer.onMessage = (message) => {
      if (message.kind === "follow" && message.after === 0) peer.send(records(1, opening, second(1)));
    };
  });
  const f1 = cluster.follower("f1", { follow: ["raw"] });
  cluster.pass(500);
  expect(f1.json("boards/a")).toEqual({ votes: 1 });

  const said = () => lines.filter((line) => line.includes("position-taken-twice"));
  raws[0]?.send(records(1, opening, second(1)));
  cluster.pass(100);
  expect(said()).toEqual([]);
  raws[0]?.send(records(2, second(100)));
  raws[0]?.send(records(2, second(100)));
  cluster.pass(100);
  expect(said()).toHaveLength(1);
  expect(said()[0]).toMatch(/f1 error position-taken-twice .*"position":2.*"provider":"raw"/);
  expect(f1.json("boards/a")).toEqual({ votes: 1 });
});
