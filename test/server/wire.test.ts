/** Peers that speak wrongly: each gets the typed error of the table, and nobody else notices. */
import { createChange, Document, KINDS } from "@syncline/core";
import { CODES, type ErrorCode, encodeMessage, LIMITS, type Message } from "@syncline/protocol";
import type { Server } from "@syncline/server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { helloOf, RawPeer } from "./raw-peer.js";
import { ask, post, started } from "./servers.js";

const ROADMAP = { collection: "boards", key: "roadmap" };

let server: Server;
let before: unknown;
const peers: RawPeer[] = [];

/** What the server holds. */
const held = async () => {
  const { json } = await ask(server, "/v1/status");
  return {
    document: (await ask(server, "/v1/docs/boards/roadmap")).json,
    keys: (await ask(server, "/v1/docs/boards")).json,
    streams: json.streams,
    nodes: json.nodes.map(({ node }: { node: string }) => node),
    parked: json.parkedRecords,
  };
};

beforeEach(async () => {
  server = await started();
  await post(server, "/v1/docs/boards/roadmap", [{ field: "title", op: "set", value: "Roadmap" }]);
  before = await held();
});

/** Whatever a test did to its own link, the server holds what it held and serves the next client. */
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.socket.terminate();
  expect(await held()).toEqual(before);
  const next = await RawPeer.greeted(server.url);
  next.send({ kind: "open", number: 1, document: ROADMAP, since: new Map() });
  expect(await next.next("feed")).toBeDefined();
  next.socket.terminate();
});

const opened = async (): Promise<RawPeer> => {
  const peer = await RawPeer.open(server.url);
  peers.push(peer);
  return peer;
};

const greeted = async (): Promise<RawPeer> => {
  const peer = await RawPeer.greeted(server.url);
  peers.push(peer);
  return peer;
};

/** The link ends with this code: in a refusal first, and again in the close frame for who reads only that. */
async function endsWith(peer: RawPeer, code: ErrorCode): Promise<void> {
  expect(await peer.refusal()).toMatchObject({ code, about: { what: "link" }, reason: expect.any(String) });
  const { code: closeCode, reason } = await peer.closed;
  expect(closeCode).toBe(1000);
  expect(reason).toMatch(new RegExp(`^${code}: `));
  expect(CODES[code].closes).toBe(true);
}

describe("before the greeting is over", () => {
  const first: [what: string, frame: () => Uint8Array, code: ErrorCode][] = [
    ["no message at all", () => Uint8Array.of(), "MALFORMED_MESSAGE"],
    ["a frame of zeros", () => new Uint8Array(100), "MALFORMED_MESSAGE"],
    [
      "random bytes",
      () => Uint8Array.of(0, 0xde, 0xad, 0xbe, 0xef, 0xff, 0xff, 0xff, 0xff),
      "MALFORMED_MESSAGE",
    ],
    ["a message of an unknown kind", () => Uint8Array.of(0, 99, 1, 0), "MALFORMED_MESSAGE"],
    ["a length beyond the end", () => Uint8Array.of(0, 1, 0xff, 0xff, 0xff, 0x7f), "MALFORMED_MESSAGE"],
    ["a frame out of sequence", () => Uint8Array.of(5, ...encodeMessage(helloOf())), "FRAME_SEQUENCE"],
    [
      "a greeting cut short",
      () => Uint8Array.of(0, ...encodeMessage(helloOf()).subarray(0, 20)),
      "MALFORMED_MESSAGE",
    ],
    ["a greeting too large", () => new Uint8Array(LIMITS.greetingBytesMax + 1), "MALFORMED_MESSAGE"],
  ];
  test.each(first)("%s", async (_what, frame, code) => {
    const peer = await opened();
    peer.socket.send(frame());
    await endsWith(peer, code);
  });

  const greetings: [what: string, message: Message, code: ErrorCode][] = [
    ["a newer protocol only", helloOf({ versionMin: 2, versionMax: 9 }), "PROTOCOL_VERSION"],
    ["an older protocol only", helloOf({ versionMin: 0, versionMax: 0 }), "PROTOCOL_VERSION"],
    ["another cluster", helloOf({ cluster: "other" }), "CLUSTER_MISMATCH"],
    ["a node of another cluster", helloOf({ peer: "master", cluster: "other" }), "CLUSTER_MISMATCH"],
    ["a node of the same name", helloOf({ peer: "master", cluster: "default", name: "m1" }), "SUPERSEDED"],
    [
      "an offer instead of a greeting",
      { kind: "offer", first: 1, session: undefined, changes: [] },
      "UNEXPECTED_MESSAGE",
    ],
  ];
  test.each(greetings)("%s", async (_what, message, code) => {
    const peer = await opened();
    peer.send(message);
    await endsWith(peer, code);
  });

  test("two greetings", async () => {
    const peer = await opened();
    peer.send(helloOf(), helloOf());
    await endsWith(peer, "UNEXPECTED_MESSAGE");
  });
});

describe("after it", () => {
  test("a message that only nodes send", async () => {
    const peer = await greeted();
    peer.send({ kind: "follow", stream: 1, after: 0 });
    await endsWith(peer, "UNEXPECTED_MESSAGE");
  });

  test("a message of an unknown kind", async () => {
    const peer = await greeted();
    peer.sendBytes(Uint8Array.of(99, 0), 1);
    await endsWith(peer, "MALFORMED_MESSAGE");
  });

  test("a good message and a bad one in one frame: none counts", async () => {
    const peer = await greeted();
    const offer = encodeMessage({
      kind: "offer",
      first: 1,
      session: undefined,
      changes: [changeOf(1).bytes],
    });
    peer.sendBytes(Uint8Array.of(...offer, 99, 0), 1);
    await endsWith(peer, "MALFORMED_MESSAGE");
  });

  test("an oversized message is ended as such by the transport", async () => {
    const peer = await greeted();
    peer.socket.send(new Uint8Array(LIMITS.frameBytesMax * 2));
    expect((await peer.closed).code).toBe(1009);
  });

  test("a message in a thousand fragments", async () => {
    const peer = await greeted();
    for (let i = 0; i < 1000; i++) peer.socket.send(Uint8Array.of(1), { fin: false });
    expect((await peer.closed).code).toBe(1008);
  });

  test("text", async () => {
    const peer = await greeted();
    peer.socket.send("hello");
    expect((await peer.closed).code).not.toBe(1006);
  });

  test("a change that is none", async () => {
    const peer = await greeted();
    peer.send({ kind: "offer", first: 1, session: undefined, changes: [Uint8Array.of(1, 2, 3)] });
    const refusal = await peer.refusal();
    expect(refusal).toMatchObject({ code: "MALFORMED_OP", about: { what: "offer", number: 1 } });
  });

  test("a change with one bit flipped", async () => {
    const peer = await greeted();
    const bytes = changeOf(1).bytes.slice();
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    peer.send({ kind: "offer", first: 1, session: undefined, changes: [bytes] });
    expect(await peer.refusal()).toMatchObject({ about: { what: "offer", number: 1 } });
  });

  test.each([
    ["of its own author", () => changeOf(5)],
    ["of another author", () => changeOf(1, [{ author: 424242, counter: 3 }])],
  ])("a change that names counters nobody holds, %s", async (_what, change) => {
    const peer = await greeted();
    peer.send({ kind: "offer", first: 1, session: undefined, changes: [change().bytes] });
    expect(await peer.refusal()).toMatchObject({
      code: "CAUSES_MISSING",
      about: { what: "offer", number: 1 },
    });
    expect(peer.socket.readyState).toBe(WebSocket.OPEN);
  });

  test.each([
    ["a hidden collection", { collection: ".git", key: "k" }],
    ["a key with a null", { collection: "c", key: "a\0b" }],
  ])("opening %s", async (_what, document) => {
    const peer = await greeted();
    peer.send({ kind: "open", number: 1, document, since: new Map() });
    expect(await peer.refusal()).toMatchObject({ about: { what: "document", number: 1 } });
  });
});

/** A change of a fresh author that begins at this counter. */
function changeOf(first: number, observed: { author: number; counter: number }[] = []) {
  const change = new Document(ROADMAP).prepare({ author: 31337, stamp: 4096, first }, (draft) =>
    draft.counter("votes").increment(),
  );
  if (change === undefined) throw new Error("no change");
  return observed.length === 0
    ? change
    : createChange({ ...change, observed, paths: [[{ name: "votes", kind: KINDS.counter }]] });
}
