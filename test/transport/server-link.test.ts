/** Links that a server has accepted on bare sockets: what they promise, and that every client of WebSockets agrees. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { FRAME_BYTES_MAX } from "@syncline/transport";
import { acceptUpgrade, nodeDialer, type ServerLink } from "@syncline/transport/node";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { clientFrame, OPCODES } from "./client-frames.js";
import { type End, Recorder } from "./recorder.js";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const filled = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => i * 13 + seed);

interface Accepted {
  readonly link: ServerLink;
  readonly gone: Promise<void>;
}

/** A server that hands over what it accepts. */
async function startServer(options: { closeMsMax?: number } = {}) {
  const server = createServer();
  const refused: string[] = [];
  const links: ServerLink[] = [];
  const accepted: Accepted[] = [];
  const waiting: ((accepted: Accepted) => void)[] = [];
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    let tellGone = () => {};
    const gone = new Promise<void>((resolve) => (tellGone = resolve));
    const link = acceptUpgrade(request, socket, head, tellGone, options.closeMsMax);
    if (typeof link === "string") {
      refused.push(link);
      socket.destroy();
      return;
    }
    links.push(link);
    const one = { link, gone };
    const next = waiting.shift();
    if (next === undefined) accepted.push(one);
    else next(one);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endings.push(() => {
    for (const { link } of links) link.terminate("the test is over");
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const accept = (): Promise<Accepted> => {
    const one = accepted.shift();
    return one === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(one);
  };
  return { url: `ws://127.0.0.1:${port}`, port, refused, accept };
}

type Server = Awaited<ReturnType<typeof startServer>>;

function attached({ link, gone }: Accepted): End & Accepted {
  const told = new Recorder();
  link.attach(told);
  return { link: link as ServerLink & End["link"], gone, told };
}

/** The link, as the engine has it, and the socket of a library at its other end. */
async function connect(server: Server) {
  const socket = new WebSocket(server.url, { perMessageDeflate: false });
  socket.on("error", () => {});
  const [accepted] = await Promise.all([server.accept(), once(socket, "open")]);
  const told = new Recorder();
  accepted.link.attach(told);
  return { socket, told, link: accepted.link.link, accepted };
}

/** The same, with a bare socket at the other end that has shaken hands. `after` comes with the request. */
async function connectBare(server: Server, after: Uint8Array = new Uint8Array()) {
  const socket = connectTcp(server.port, "127.0.0.1");
  endings.push(() => socket.destroy());
  const bytes: Buffer[] = [];
  socket.on("data", (chunk) => bytes.push(chunk));
  socket.on("error", () => {});
  socket.write(Buffer.concat([Buffer.from(requestWith()), after]));
  const accepted = await server.accept();
  const told = new Recorder();
  accepted.link.attach(told);
  return { socket, told, link: accepted.link.link, accepted, bytes };
}

function requestWith(headers: Record<string, string> = {}, method = "GET"): string {
  const all = {
    host: "localhost",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`${method} /sync HTTP/1.1`, ...lines, "\r\n"].join("\r\n");
}

async function closeOf(socket: WebSocket) {
  const [code, reason] = await once(socket, "close");
  return { code, reason: String(reason) };
}

/** Resolves when this arrives that was not there at once: whatever was written before it has been read. */
async function ponged(socket: WebSocket): Promise<void> {
  socket.ping();
  await once(socket, "pong");
}

describe("the handshake", () => {
  test("answers with what proves that the key was read", async () => {
    const server = await startServer();
    const { bytes } = await connectBare(server, clientFrame(OPCODES.ping, filled(0, 0)));
    while (!Buffer.concat(bytes).includes("\r\n\r\n")) await new Promise((resolve) => setImmediate(resolve));
    // The example of RFC 6455.
    expect(Buffer.concat(bytes).toString("latin1")).toContain(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
  });

  test("reads what came with the request", async () => {
    const server = await startServer();
    const { told } = await connectBare(server, clientFrame(OPCODES.binary, filled(5, 1)));
    await told.until(() => told.frames.length === 1);
    expect(told.frames).toEqual([filled(5, 1)]);
  });

  const wrongs: [headers: Record<string, string>, method: string, reason: RegExp][] = [
    [{ upgrade: "h2c" }, "GET", /another protocol/],
    [{ "sec-websocket-key": "short" }, "GET", /key/],
    [{ "sec-websocket-key": "" }, "GET", /key/],
    [{ "sec-websocket-version": "12" }, "GET", /version/],
    [{}, "POST", /method/],
  ];
  test.each(wrongs)("is refused with %j, %s", async (headers, method, reason) => {
    const server = await startServer();
    const socket = connectTcp(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(requestWith(headers, method));
    await once(socket, "close");
    expect(server.refused).toEqual([expect.stringMatching(reason)]);
  });
});

describe("an accepted link", () => {
  test("carries whole frames in order, both ways", async () => {
    const { socket, told, link } = await connect(await startServer());
    const back: Buffer[] = [];
    socket.on("message", (data: Buffer) => back.push(data));
    const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000, FRAME_BYTES_MAX, ...Array(300).keys()];
    for (const [i, size] of sizes.entries()) {
      socket.send(filled(size, i));
      link.send(filled(size, i + 7));
    }
    await told.until(() => told.frames.length === sizes.length);
    while (back.length < sizes.length) await once(socket, "message");
    for (const [i, size] of sizes.entries()) {
      expect(Buffer.compare(told.frames[i] ?? new Uint8Array(0), filled(size, i)), `frame ${i}`).toBe(0);
      expect(Buffer.compare(back[i] ?? new Uint8Array(0), filled(size, i + 7)), `frame ${i}`).toBe(0);
    }
    expect(Object.getPrototypeOf(told.frames[3])).toBe(Uint8Array.prototype);
  });

  test("carries them between both of our ends", async () => {
    const server = await startServer();
    const near = new Recorder();
    const link = await new Promise<End["link"]>((resolve, reject) => {
      nodeDialer().dial(server.url, {
        opened: (opened) => {
          resolve(opened);
          return near;
        },
        failed: (reason) => reject(new Error(reason)),
      });
    });
    const far = attached(await server.accept());
    link.send(filled(1_000, 1));
    await far.told.until(() => far.told.frames.length === 1);
    link.close("going home");
    expect([await far.told.closing(), await near.closing()]).toEqual(["going home", "going home"]);
    await far.gone;
  });

  test("sends a frame from memory that threads share, and keeps nothing of it", async () => {
    const { socket, link } = await connect(await startServer());
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(3);
    link.send(shared);
    shared.fill(9);
    const [data] = await once(socket, "message");
    expect([...data]).toEqual([3, 3, 3, 3]);
  });

  test("does not send what would be too large", async () => {
    const { link } = await connect(await startServer());
    expect(() => link.send(new Uint8Array(FRAME_BYTES_MAX + 1))).toThrow("was sent");
  });

  test("shows what a peer that does not read leaves queued, and when it has drained", async () => {
    const { socket, told, link } = await connect(await startServer());
    let received = 0;
    socket.on("message", (data: Buffer) => (received += data.length));
    socket.pause();
    let sent = 0;
    const frame = filled(256 << 10, 1);
    while (link.queuedBytes() < 8 << 20) {
      link.send(frame);
      sent += frame.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const peak = link.queuedBytes();
    const drainsBefore = told.drains;
    socket.resume();
    await told.until(() => told.drains > drainsBefore);
    expect(link.queuedBytes()).toBeLessThanOrEqual(peak / 4);
    await told.until(() => link.queuedBytes() === 0);
    while (received < sent) await once(socket, "message");
    expect(received).toBe(sent);
  });

  test("answers pings, unless nobody reads the answers", async () => {
    const { socket, link } = await connect(await startServer());
    socket.ping("here");
    expect(String((await once(socket, "pong"))[0])).toBe("here");
    socket.pause();
    while (link.queuedBytes() < 1 << 20) {
      link.send(filled(256 << 10, 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const queued = link.queuedBytes();
    for (let i = 0; i < 100; i++) socket.ping("is anybody there?");
    socket.send(filled(1, 1));
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(link.queuedBytes()).toBeLessThanOrEqual(queued);
    socket.terminate();
  });

  test("closes after what was sent, with its reason at both ends", async () => {
    const { socket, told, link, accepted } = await connect(await startServer());
    let received = 0;
    socket.on("message", () => received++);
    for (let i = 0; i < 50; i++) link.send(filled(10_000, i));
    told.calling(() => link.close("going home"));
    link.send(filled(1, 1));
    link.close("again");
    expect(await closeOf(socket)).toEqual({ code: 1000, reason: "going home" });
    expect(await told.closing()).toBe("going home");
    await accepted.gone;
    expect(received).toBe(50);
    link.send(filled(1, 1));
    link.close("and again");
    link.terminate("and again");
    expect(link.queuedBytes()).toBe(0);
    await told.closing();
  });

  test("cuts a reason that is too long, between characters", async () => {
    const { socket, link, told } = await connect(await startServer());
    link.close(`a${"é".repeat(200)}`);
    expect(await closeOf(socket)).toEqual({ code: 1000, reason: `a${"é".repeat(61)}` });
    expect(await told.closing()).toBe(`a${"é".repeat(200)}`);
    const other = await connect(await startServer());
    other.link.close(`${"x".repeat(122)}\ud800 and more`);
    expect((await closeOf(other.socket)).code).toBe(1000);
  });

  test("leaves with the code for it", async () => {
    const { socket, accepted } = await connect(await startServer());
    accepted.link.leave();
    expect((await closeOf(socket)).code).toBe(1001);
    await accepted.gone;
  });

  const goodbyes: [act: (socket: WebSocket) => void, reason: string][] = [
    [(socket) => socket.close(1000, "so long"), "so long"],
    [(socket) => socket.close(), "closed by the peer"],
    [(socket) => socket.close(1001), "closed by the peer with code 1001"],
    [(socket) => socket.terminate(), "the connection was lost"],
  ];
  test.each(goodbyes)("ends as the peer says: %#", async (act, reason) => {
    const { socket, told, accepted } = await connect(await startServer());
    for (let i = 0; i < 50; i++) socket.send(filled(10_000, i));
    await told.until(() => told.frames.length === 50);
    const closed = closeOf(socket);
    act(socket);
    expect(await told.closing()).toBe(reason);
    await accepted.gone;
    await closed;
  });

  test("ends when the peer hangs up without a goodbye, whatever is queued", async () => {
    const { socket, told, link, accepted } = await connectBare(await startServer());
    socket.pause();
    while (link.queuedBytes() < 4 << 20) {
      link.send(filled(512 << 10, 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    expect(await told.closing()).toBe("the connection was lost");
    await accepted.gone;
  });

  test("terminates at once, though the peer does not read", async () => {
    const { socket, told, link, accepted } = await connect(await startServer());
    socket.pause();
    while (link.queuedBytes() < 4 << 20) {
      link.send(filled(512 << 10, 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    told.calling(() => link.terminate("too slow"));
    link.send(filled(1, 1));
    expect(await told.closing()).toBe("too slow");
    expect(link.queuedBytes()).toBe(0);
    await accepted.gone;
    socket.terminate();
  });

  test("terminates though a close is under way that the peer does not answer", async () => {
    const { socket, told, link } = await connect(await startServer());
    socket.pause();
    link.close("goodbye");
    told.calling(() => link.terminate("enough"));
    expect(await told.closing()).toBe("goodbye");
    socket.terminate();
  });

  test("does not wait for ever for a peer that does not answer its close", async () => {
    const { socket, told, link } = await connect(await startServer({ closeMsMax: 50 }));
    socket.pause();
    link.close("goodbye");
    expect(await told.closing()).toBe("goodbye");
    socket.terminate();
  });

  test("does not wait for ever for a peer that says goodbye and does not hang up", async () => {
    const { socket, told } = await connectBare(await startServer({ closeMsMax: 50 }));
    socket.removeAllListeners("end");
    socket.allowHalfOpen = true;
    socket.write(clientFrame(OPCODES.close, Buffer.concat([Buffer.of(3, 232), Buffer.from("so long")])));
    expect(await told.closing()).toBe("so long");
  });

  test("delivers nothing after this side has ended it", async () => {
    const { socket, told, link } = await connect(await startServer());
    told.onFrame(() => link.close("one is enough"));
    for (let i = 0; i < 100; i++) socket.send(filled(100, i));
    expect(await told.closing()).toBe("one is enough");
    expect(told.frames).toHaveLength(1);
  });

  test("delivers nothing after a goodbye of the peer", async () => {
    const { socket, told } = await connectBare(await startServer());
    const frames = [
      clientFrame(OPCODES.binary, filled(1, 1)),
      clientFrame(OPCODES.close, Buffer.of(3, 232)),
      clientFrame(OPCODES.binary, filled(1, 2)),
    ];
    socket.write(Buffer.concat(frames));
    expect(await told.closing()).toBe("closed by the peer");
    expect(told.frames).toEqual([filled(1, 1)]);
  });

  const wrongs: [what: string, act: (socket: WebSocket) => void, code: number, reason: RegExp][] = [
    ["text", (socket) => socket.send("text"), 1003, /text frame/],
    ["size", (socket) => socket.send(new Uint8Array(FRAME_BYTES_MAX + 1)), 1009, /more than/],
    [
      "fragments",
      (socket) => {
        for (let i = 0; i < 100; i++) socket.send(Buffer.of(i), { binary: true, fin: false });
      },
      1008,
      /fragments/,
    ],
  ];
  test.each(wrongs)("ends on %s, and says so", async (_what, act, code, reason) => {
    const { socket, told, accepted } = await connect(await startServer());
    act(socket);
    socket.send(filled(3, 3));
    expect((await closeOf(socket)).code).toBe(code);
    expect(await told.closing()).toMatch(reason);
    expect(told.frames).toEqual([]);
    await accepted.gone;
  });

  test("ends on bytes that are no WebSocket's", async () => {
    const { socket, told } = await connectBare(await startServer());
    socket.write(Buffer.from("ffffffffffffffffffffffffffffffff", "hex"));
    expect(await told.closing()).toMatch(/extension/);
  });

  test("reads nothing before it has a handler, and has only one", async () => {
    const server = await startServer();
    const socket = new WebSocket(server.url);
    const [accepted] = await Promise.all([server.accept(), once(socket, "open")]);
    socket.send(filled(5, 1));
    socket.close(1000, "that was all");
    const { socket: other } = await connect(server);
    await ponged(other);
    const told = new Recorder();
    told.calling(() => accepted.link.attach(told));
    expect(await told.closing()).toBe("that was all");
    expect(told.frames).toEqual([filled(5, 1)]);
    expect(() => accepted.link.attach(told)).toThrow("one handler");
  });

  test("is closed without ever having had a handler, when the peer agrees", async () => {
    const server = await startServer({ closeMsMax: 3_600_000 });
    const socket = new WebSocket(server.url);
    const [accepted] = await Promise.all([server.accept(), once(socket, "open")]);
    socket.send(filled(5, 1));
    accepted.link.link.close("we are full");
    expect(await closeOf(socket)).toEqual({ code: 1000, reason: "we are full" });
    await accepted.gone;
    const told = new Recorder();
    told.calling(() => accepted.link.attach(told));
    expect(await told.closing()).toBe("we are full");
    expect(told.frames).toEqual([]);
  });
});
