import { createChange, KINDS, type Vector } from "@syncline/core";
import {
  type CommitRule,
  encodeRecord,
  LIMITS,
  LOCAL,
  readRecord,
  type StreamRecord,
} from "@syncline/protocol";
import { VirtualTime } from "@syncline/simulation";
import { memoryStorage } from "@syncline/storage";
import { expect, test } from "vitest";
import { AuthorCounters } from "../../packages/engine/src/node/counters.js";
import { Documents } from "../../packages/engine/src/node/documents.js";
import { Journal } from "../../packages/engine/src/node/journal.js";
import { Log } from "../../packages/engine/src/node/log.js";
import { Visibility } from "../../packages/engine/src/node/visibility.js";

/** SPINE 5: what becomes visible when, and what is integrated then. */
const A = 1001;
const B = 1002;
const QUORUM: CommitRule = { kind: "any", needed: 1, names: ["f1"] };

function setUp() {
  const time = new VirtualTime();
  const storage = memoryStorage({ scheduler: time });
  const journal = new Journal(storage, { durable() {}, failed() {}, full() {} });
  const log = new Log(storage, journal, LIMITS);
  const counters = new AuthorCounters(storage, journal, LIMITS);
  const documents = new Documents(storage, journal, log, LIMITS, { documents: 0 });
  const integrated: string[] = [];
  const visibility = new Visibility(log, counters, documents, {
    visible() {},
    standsAlso() {},
    quarantined() {},
    integrated: ({ place }) => integrated.push(`${place.stream}:${place.position}`),
  });
  const append = (
    stream: number,
    position: number,
    deps: [number, number][],
    body: Parameters<typeof encodeRecord>[3],
  ) => log.store(record(stream, position, new Map(deps), body));
  append(A, 1, [], {
    kind: "opening",
    opening: { node: "a", rule: QUORUM, previous: undefined, visibility: "committed" },
  });
  append(B, 1, [], {
    kind: "opening",
    opening: { node: "b", rule: LOCAL, previous: undefined, visibility: "committed" },
  });
  const commit = (stream: number, position: number) => {
    const held = log.stream(stream);
    if (held !== undefined) held.committed = position;
    visibility.advance();
  };
  visibility.advance();
  return { append, commit, visibility, integrated };
}

function record(
  stream: number,
  position: number,
  deps: Vector,
  body: Parameters<typeof encodeRecord>[3],
): StreamRecord {
  return readRecord(stream, position, encodeRecord(stream, position, deps, body));
}

function change(author: number, first: number): { kind: "change"; change: Uint8Array } {
  const { bytes } = createChange({
    document: { collection: "boards", key: "x" },
    author,
    first,
    stamp: first,
    observed: [],
    paths: [[{ name: "votes", kind: KINDS.counter }]],
    ops: [{ path: 0, op: { act: "step", by: 1 } }],
  });
  return { kind: "change", change: bytes };
}

test("a record that may be shown waits for a dependency that is held and not committed here", () => {
  const { append, commit, visibility, integrated } = setUp();
  append(A, 2, [], change(7, 1));
  append(B, 2, [[A, 2]], change(8, 1));
  visibility.advance();
  expect(integrated).toEqual([]);
  expect(visibility.visible.get(B)).toBe(1);
  commit(A, 2);
  expect(integrated).toEqual([`${A}:2`, `${B}:2`]);
});

test("a change in two streams is integrated with the first that is visible, and its author goes on from there", () => {
  const { append, commit, visibility, integrated } = setUp();
  append(A, 2, [], change(7, 1));
  append(B, 2, [], change(7, 1));
  visibility.advance();
  expect(integrated).toEqual([`${B}:2`]);
  commit(A, 2);
  // The other copy becomes visible as a record, and brings nothing.
  expect(visibility.visible.get(A)).toBe(2);
  append(B, 3, [], change(7, 2));
  visibility.advance();
  expect(integrated).toEqual([`${B}:2`, `${B}:3`]);
});
