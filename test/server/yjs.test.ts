import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, type Database, presence } from "@syncline/client";
import { Document } from "@syncline/core";
import {
  type Access,
  type OpenDocument,
  openAccess,
  type SyncClient,
  type SyncNode,
  type Who,
} from "@syncline/engine";
import { fault } from "@syncline/protocol";
import { SERVER_LIMITS, type Server, silentLog, type YjsLimits } from "@syncline/server";
import { text } from "@syncline/text";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { YjsDoor } from "../../packages/server/src/yjs-door.js";
import { ask, started } from "./servers.js";

/** Unmodified providers of y-websocket, with nothing changed but their URL, beside clients of Syncline. */
const running: { close(): void }[] = [];

afterEach(() => {
  for (const each of running.splice(0)) each.close();
});

interface Person {
  readonly doc: Y.Doc;
  readonly text: Y.Text;
  readonly provider: WebsocketProvider;
  readonly statuses: string[];
}

function provider(server: Server, room = "notes/n", params: Record<string, string> = {}): Person {
  const doc = new Y.Doc();
  const made = new WebsocketProvider(`ws://localhost:${server.port}/yjs`, room, doc, {
    WebSocketPolyfill: WebSocket as never,
    disableBc: true,
    params,
  });
  const statuses: string[] = [];
  made.on("status", ({ status }) => statuses.push(status));
  running.push({
    close() {
      made.destroy();
      doc.destroy();
    },
  });
  return { doc, text: doc.getText("body"), provider: made, statuses };
}

function client(server: Server): Database {
  const db = connect(`ws://localhost:${server.port}`, { presence });
  running.push(db);
  return db;
}

const noteOf = (db: Database) => {
  const note = db.open("notes", "n");
  return { note, field: note.field("body" as never, text()) };
};

/** Resolves when this holds, looked at whenever something could have made it so. */
function until(what: string, holds: () => boolean, ...hear: ((look: () => void) => void)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`not within two minutes: ${what}`)), 120_000);
    const look = (): void => {
      if (!holds()) return;
      clearTimeout(late);
      resolve();
    };
    for (const each of hear) each(look);
    look();
  });
}

const shows = (person: { doc: Y.Doc; text: Y.Text }, wanted: string): Promise<void> =>
  until(
    `"${wanted}", it is "${person.text}"`,
    () => `${person.text}` === wanted,
    (look) => person.doc.on("update", look),
  );

const synced = (person: Person): Promise<void> =>
  until(
    "synced",
    () => person.provider.synced,
    (look) => person.provider.on("sync", look),
  );

async function twoMasters() {
  const m1 = await started({ name: "m1" });
  const m2 = await started({ name: "m2", follow: [`ws://localhost:${m1.port}`] });
  const m3 = await started({
    name: "m3",
    follow: [`ws://localhost:${m1.port}`, `ws://localhost:${m2.port}`],
  });
  return { m1, m3 };
}

test("what a provider types and what a client types is one text, on one master and across two", async () => {
  const m1 = await started({ name: "m1" });
  const f1 = await started({ name: "f1", role: "follower", follow: [`ws://localhost:${m1.port}`] });
  const ann = provider(m1);
  const bob = provider(m1);
  await Promise.all([synced(ann), synced(bob)]);
  ann.text.insert(0, "Hello");
  await shows(bob, "Hello");
  const { note, field } = noteOf(client(f1));
  await note.ready;
  await shows({ doc: field.doc, text: field.y }, "Hello");
  field.y.insert(5, " world");
  await shows(ann, "Hello world");
  bob.text.delete(0, 1);
  await shows({ doc: field.doc, text: field.y }, "ello world");
  const { json } = await ask(m1, "/v1/docs/notes/n");
  expect(json).toEqual({ value: { body: "ello world" }, kinds: { body: "text" } });
  // Somebody who comes later has it all.
  const late = provider(m1);
  await shows(late, "ello world");
});

test("providers on different masters see each other", async () => {
  const { m1, m3 } = await twoMasters();
  const ann = provider(m3);
  await synced(ann);
  ann.text.insert(0, "from m3");
  const { note, field } = noteOf(client(m3));
  await note.ready;
  await shows({ doc: field.doc, text: field.y }, "from m3");
  // m3 follows m1, not the other way round: what is written at m1 comes to m3.
  const bob = provider(m1, "notes/other");
  await synced(bob);
  bob.text.insert(0, "from m1");
  const seen = provider(m3, "notes/other");
  await shows(seen, "from m1");
});

test("what was typed without a connection is sent with the next one, whatever it builds on", async () => {
  const m1 = await started();
  const ann = provider(m1);
  await synced(ann);
  ann.text.insert(0, "a");
  ann.provider.disconnect();
  for (const character of "bcdef") ann.text.insert(ann.text.length, character);
  ann.text.delete(0, 2);
  ann.provider.connect();
  // At once, before the two have told each other what they have.
  ann.text.insert(ann.text.length, "!");
  const bob = provider(m1);
  await shows(bob, "cdef!");
});

describe("awareness", () => {
  const states = (person: Person) =>
    [...person.provider.awareness.getStates()].filter(([id]) => id !== person.doc.clientID);

  test("goes both ways between providers and presence, and ends with the connection", async () => {
    const m1 = await started({ name: "m1" });
    const f1 = await started({ name: "f1", role: "follower", follow: [`ws://localhost:${m1.port}`] });
    const ann = provider(m1);
    const bob = provider(f1);
    await Promise.all([synced(ann), synced(bob)]);
    const { note, field } = noteOf(client(m1));
    await note.ready;
    const changed = (person: Person) => (look: () => void) => person.provider.awareness.on("change", look);
    ann.provider.awareness.setLocalState({ user: { name: "ann" } });
    note.presence.set({ user: { name: "cy" } });
    await until("bob sees both", () => states(bob).length === 2, changed(bob));
    expect(
      states(bob)
        .map(([, state]) => state.user.name)
        .sort(),
    ).toEqual(["ann", "cy"]);
    await until(
      "cy sees ann",
      () => note.presence.others.some(({ state }) => JSON.stringify(state).includes("ann")),
      (look) => note.presence.subscribe(look),
    );
    // Editors are bound to an Awareness of the same people.
    const { awareness } = field;
    expect(awareness.getLocalState()).toEqual({ user: { name: "cy" } });
    expect([...awareness.getStates().values()]).toContainEqual({ user: { name: "ann" } });
    awareness.setLocalStateField("cursor", { anchor: 1 });
    expect(note.presence.mine).toEqual({ user: { name: "cy" }, cursor: { anchor: 1 } });
    await until(
      "ann sees the cursor",
      () => states(ann).some(([, state]) => state.cursor?.anchor === 1),
      changed(ann),
    );
    ann.provider.disconnect();
    await until("bob sees ann leave", () => states(bob).length === 1, changed(bob));
    note.close();
    await until("bob is alone", () => states(bob).length === 0, changed(bob));
    // Back again, with the same id.
    ann.provider.connect();
    await until("bob sees ann come back", () => states(bob).length === 1, changed(bob));
  });
});

describe("who may not write", () => {
  test("on a follower reads on, and what he writes stays with him, without coming again and again", async () => {
    const m1 = await started({ name: "m1" });
    const f1 = await started({ name: "f1", role: "follower", follow: [`ws://localhost:${m1.port}`] });
    const reader = provider(f1);
    await synced(reader);
    reader.text.insert(0, "lost ");
    const ann = provider(m1);
    await synced(ann);
    ann.text.insert(0, "kept");
    await until(
      "what ann wrote",
      () => `${reader.text}`.includes("kept"),
      (look) => reader.doc.on("update", look),
    );
    expect(`${ann.text}`).toBe("kept");
    expect(reader.statuses).toEqual(["connecting", "connected"].slice(-reader.statuses.length));
    expect(reader.provider.wsconnected).toBe(true);
  });

  test("by his rights: reading alone, or nothing at all, after which his provider stops trying", async () => {
    const access: Access = {
      authenticate: ({ token }, answer) =>
        answer(token === "" ? fault("UNAUTHORIZED", "no token") : ({ name: token } satisfies Who)),
      authorize: (who, { key }, right) =>
        who.name === "writer" || (who.name === "reader" && right === "read" && key === "n"),
    };
    const m1 = await started({ name: "m1" }, { access });
    const writer = provider(m1, "notes/n", { token: "writer" });
    const reader = provider(m1, "notes/n", { token: "reader" });
    await Promise.all([synced(writer), synced(reader)]);
    reader.text.insert(0, "lost ");
    writer.text.insert(0, "kept");
    await until(
      "what was written",
      () => `${reader.text}`.includes("kept"),
      (look) => reader.doc.on("update", look),
    );
    expect(`${writer.text}`).toBe("kept");
    for (const [room, token] of [
      ["notes/secret", "reader"],
      ["notes/n", ""],
      ["no@collection/n", "writer"],
    ] as const) {
      const refused = provider(m1, room, token === "" ? {} : { token });
      const closed = await new Promise<{ code: number }>((resolve) => refused.provider.on("closed", resolve));
      expect(closed.code).toBe(token === "writer" ? 4400 : 4403);
      expect(refused.provider.shouldConnect).toBe(false);
    }
  });

  test("any more: what he writes from then on stays with him, and he reads on", async () => {
    const rights = { write: true };
    const access: Access = {
      ...openAccess,
      authorize: (_who, _name, right) => right === "read" || rights.write,
    };
    const m1 = await started({ name: "m1" }, { access });
    const [ann, bob] = [provider(m1), provider(m1)];
    await Promise.all([synced(ann), synced(bob)]);
    ann.text.insert(0, "kept");
    await shows(bob, "kept");
    rights.write = false;
    ann.text.insert(4, " lost");
    const told = new Promise((resolve) => {
      const { messageHandlers } = ann.provider;
      const denied = messageHandlers[2];
      messageHandlers[2] = (...args) => resolve(denied?.(...args));
    });
    await told;
    rights.write = true;
    bob.text.insert(0, "and ");
    await shows(ann, "and kept lost");
    expect(`${bob.text}`).toBe("and kept");
  });

  test("from a page of another site does not come in", async () => {
    const m1 = await started();
    const socket = new WebSocket(`ws://localhost:${m1.port}/yjs/notes/n`, { origin: "https://evil.example" });
    const status = await new Promise((resolve) => {
      socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
      socket.on("error", () => {});
    });
    expect(status).toBe(403);
  });
});

describe("limits and bad bytes", () => {
  const limited = (limits: Partial<YjsLimits>) => started({}, { limits });
  function raw(server: { readonly port: number }): { socket: WebSocket; closed: Promise<number> } {
    const socket = new WebSocket(`ws://localhost:${server.port}/yjs/notes/n`);
    running.push({ close: () => socket.terminate() });
    socket.on("error", () => {});
    return { socket, closed: new Promise((resolve) => socket.on("close", resolve)) };
  }
  const opened = (socket: WebSocket) => new Promise((resolve) => socket.on("message", resolve));
  const update = (bytes: Uint8Array) => Uint8Array.of(0, 2, bytes.length, ...bytes);

  test("what is no update of version 1 ends the connection, and changes nothing", async () => {
    const m1 = await started();
    const doc = new Y.Doc();
    doc.getText("body").insert(0, "x");
    for (const message of [
      update(Y.encodeStateAsUpdateV2(doc)),
      Uint8Array.of(0, 9, 0),
      Uint8Array.of(0, 2, 200, 1),
      // A root that no field can be, and text that is none.
      update(Uint8Array.of(1, 1, 7, 0, 4, 1, 3, 0x61, 0x40, 0x62, 1, 0x78, 0)),
      update(Uint8Array.of(1, 1, 7, 0, 4, 1, 1, 0x61, 1, 0xff, 0)),
    ]) {
      const { socket, closed } = raw(m1);
      await opened(socket);
      socket.send(message);
      expect(await closed).toBe(4400);
    }
    const { socket, closed } = raw(m1);
    await opened(socket);
    socket.send("text");
    expect(await closed).toBe(4400);
    expect((await ask(m1, "/v1/docs/notes/n")).status).toBe(404);
  });

  test("an update with a gap is not taken: the provider is asked for all it has", async () => {
    const m1 = await started();
    const { socket } = raw(m1);
    await opened(socket);
    const answer = opened(socket);
    // The clock of a client that nobody knows, from 5 on.
    socket.send(update(Uint8Array.of(1, 1, 7, 5, 4, 1, 1, 0x61, 1, 0x78, 0)));
    expect([...((await answer) as Buffer).subarray(0, 2)]).toEqual([0, 0]);
    expect((await ask(m1, "/v1/docs/notes/n")).status).toBe(404);
  });

  test("a change that is too large", async () => {
    const m1 = await started();
    const ann = provider(m1);
    await synced(ann);
    const end = new Promise<{ code: number }>((resolve) => ann.provider.on("closed", resolve));
    ann.text.insert(0, "x".repeat(600_000));
    expect((await end).code).toBe(4413);
  });

  test("yjsFrameBytesMax: a larger message ends the connection", async () => {
    const m1 = await limited({ yjsFrameBytesMax: 200 });
    const { socket, closed } = raw(m1);
    await opened(socket);
    // Of the largest size: a message that a later version may have.
    socket.send(new Uint8Array(200).fill(9));
    socket.send(new Uint8Array(201).fill(9));
    expect(await closed).toBe(1009);
    expect(SERVER_LIMITS.yjsFrameBytesMax).toBe(1 << 20);
  });

  test("yjsMessagesPerSecondMax: who sends more is read more slowly, and loses nothing", async () => {
    const m1 = await limited({ yjsMessagesPerSecondMax: 20 });
    const ann = provider(m1);
    const bob = provider(m1);
    await Promise.all([synced(ann), synced(bob)]);
    // They arrive together. That he has said twice as much as he may he makes up for before he is heard again.
    const began = performance.now();
    for (let i = 0; i < 40; i++) ann.text.insert(0, "x");
    await shows(bob, "x".repeat(40));
    ann.text.insert(0, "y");
    await shows(bob, `y${"x".repeat(40)}`);
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  test("yjsQueueBytesMax: who does not read is cut off, and told what he lacks when he comes again", async () => {
    const m1 = await limited({ yjsQueueBytesMax: 1 << 20 });
    const ann = provider(m1);
    await synced(ann);
    const large = "x".repeat(500_000);
    ann.text.insert(0, large);
    const { socket, closed } = raw(m1);
    await opened(socket);
    const isThere = () => ann.provider.awareness.getStates().has(77);
    const changed = (look: () => void) => ann.provider.awareness.on("change", look);
    socket.send(Uint8Array.of(1, 6, 1, 77, 1, 2, 0x7b, 0x7d));
    await until("he is seen", isThere, changed);
    socket.pause();
    // He asks for all that there is, again and again: more than sockets hold.
    for (let i = 0; i < 60; i++) socket.send(Uint8Array.of(0, 0, 1, 0));
    await until("he is cut off", () => !isThere(), changed);
    socket.resume();
    expect(await closed).toBe(1006);
    const late = provider(m1);
    await shows(late, large);
  });

  test("yjsConnectionsMax: one more is closed with 4503, and comes in when another one has left", async () => {
    const m1 = await limited({ yjsConnectionsMax: 2 });
    const [first, second] = [raw(m1), raw(m1)];
    await Promise.all([opened(first.socket), opened(second.socket)]);
    expect(await raw(m1).closed).toBe(4503);
    first.socket.close();
    await first.closed;
    const third = raw(m1);
    await opened(third.socket);
    expect(await raw(m1).closed).toBe(4503);
  });

  test("yjsAwarenessBeatMs: providers hear of those who say nothing, before they forget them", async () => {
    const m1 = await limited({ yjsAwarenessBeatMs: 30 });
    const ann = provider(m1);
    await synced(ann);
    ann.provider.awareness.setLocalState({ user: "ann" });
    const { socket } = raw(m1);
    const clocks = await new Promise<number[]>((resolve) => {
      const heard: number[] = [];
      socket.on("message", (message: Buffer) => {
        if (message[0] !== 1) return;
        // One person; her id has up to five bytes.
        const ends = [...message.keys()].filter((i) => i > 2 && (message[i] ?? 0) < 0x80);
        heard.push(message[(ends[0] ?? 0) + 1] ?? 0);
        if (heard.length === 4) resolve(heard);
      });
    });
    expect(new Set(clocks).size).toBe(4);
    expect(clocks).toEqual([...clocks].sort((a, b) => a - b));
  });

  test("yjsReadyMsMax: who waits in vain for his document is sent away, to come again", async () => {
    const NOTE = { collection: "notes", key: "n" };
    const never = { id: "notes/n", name: NOTE, loaded: false, document: new Document(NOTE) };
    const open = { ...never, onChange: () => () => {} } as unknown as OpenDocument;
    const client = { open: () => open, close() {} } as unknown as SyncClient;
    const presence = { listen: () => () => {}, at: () => [] };
    const door = new YjsDoor({
      node: { presence, refusesWrites: () => undefined } as unknown as SyncNode,
      access: openAccess,
      cluster: "default",
      bridge: { access: (access) => access, client: () => client, stop() {} },
      log: silentLog,
      limits: { ...SERVER_LIMITS, yjsReadyMsMax: 30 },
    });
    const server = createServer();
    server.on("upgrade", (request, socket, head) => door.enter(request, socket, head));
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    running.push({ close: () => server.close() });
    expect(await raw(server.address() as AddressInfo).closed).toBe(1013);
  });
});
