/**
 * Links over real sockets, on loopback: what both dialers promise, and the accepting side.
 *
 * The browser's dialer runs on the WebSocket of `ws`, once as it is and once without what browsers do not have.
 */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Dialer, Link, LinkHandler, Scheduler } from "@syncline/engine";
import { FRAME_BYTES_MAX } from "@syncline/transport";
import { browserDialer, browserScheduler } from "@syncline/transport/browser";
import { acceptLink, nodeDialer, SOCKET_OPTIONS } from "@syncline/transport/node";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { textOf } from "../../packages/transport/src/node-link.js";
import { type End, Recorder } from "./recorder.js";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A socket as a browser has it: there is no way to cut it off. */
class Unterminable extends WebSocket {
  override terminate: never = undefined as never;
}

const dialers: [name: string, dial: (options?: { handshakeMsMax?: number }) => Dialer][] = [
  ["node", (options) => nodeDialer(options)],
  ["browser", (options) => browserDialer({ WebSocket, ...options })],
  ["browser without terminate", (options) => browserDialer({ WebSocket: Unterminable, ...options })],
];

function urlOf(server: { address(): unknown }): string {
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that hands over the sockets that it accepts. */
async function startServer(options: { closeTimeout?: number } = {}) {
  const server = new WebSocketServer({ ...SOCKET_OPTIONS, ...options, host: "127.0.0.1", port: 0 });
  endings.push(() => {
    for (const socket of server.clients) socket.terminate();
    return new Promise((resolve) => server.close(resolve));
  });
  await once(server, "listening");
  const accept = async (): Promise<WebSocket> => (await once(server, "connection"))[0];
  return { url: urlOf(server), accept };
}

function dialled(dialer: Dialer, url: string): Promise<End> {
  return new Promise((resolve, reject) => {
    const told = new Recorder();
    dialer.dial(url, {
      opened: (link) => {
        resolve({ link, told });
        return told;
      },
      failed: (reason) => reject(new Error(reason)),
    });
  });
}

/** A link with both of its ends. */
async function connect(dialer: Dialer): Promise<{ near: End; far: End; farSocket: WebSocket }> {
  const { url, accept } = await startServer();
  const [near, farSocket] = await Promise.all([dialled(dialer, url), accept()]);
  const told = new Recorder();
  const accepted = acceptLink(farSocket);
  accepted.attach(told);
  return { near, far: { link: accepted.link, told }, farSocket };
}

/** A link of ours whose other end is a bare socket. */
async function connectToSocket(dialer: Dialer): Promise<{ near: End; socket: WebSocket }> {
  const { url, accept } = await startServer();
  const [near, socket] = await Promise.all([dialled(dialer, url), accept()]);
  socket.on("error", () => {});
  return { near, socket };
}

/** An accepted link whose other end is a bare socket. */
async function acceptFromSocket(
  options: { closeTimeout?: number } = {},
): Promise<{ near: End; socket: WebSocket }> {
  const { url, accept } = await startServer(options);
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("error", () => {});
  const [accepted] = await Promise.all([accept().then(acceptLink), once(socket, "open")]);
  const told = new Recorder();
  accepted.attach(told);
  return { near: { link: accepted.link, told }, socket };
}

const filled = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => i * 13 + seed);
const closeOf = async (socket: WebSocket) => {
  const [code, reason] = await once(socket, "close");
  return { code, reason: String(reason) };
};

describe.each(dialers)("a link that was dialled (%s)", (_, makeDialer) => {
  test("carries whole frames in order, both ways", async () => {
    const { near, far } = await connect(makeDialer());
    const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000, FRAME_BYTES_MAX, ...Array(500).keys()];
    for (const [i, size] of sizes.entries()) {
      near.link.send(filled(size, i));
      far.link.send(filled(size, i + 7));
    }
    await far.told.until(() => far.told.frames.length === sizes.length);
    await near.told.until(() => near.told.frames.length === sizes.length);
    for (const [i, size] of sizes.entries()) {
      expect(Buffer.compare(far.told.frames[i] ?? new Uint8Array(0), filled(size, i)), `frame ${i}`).toBe(0);
      expect(
        Buffer.compare(near.told.frames[i] ?? new Uint8Array(0), filled(size, i + 7)),
        `frame ${i}`,
      ).toBe(0);
    }
    for (const frame of [near.told.frames[3], far.told.frames[3]]) {
      expect(frame && Object.getPrototypeOf(frame)).toBe(Uint8Array.prototype);
    }
  });

  test("sends a frame from memory that threads share", async () => {
    const { near, far } = await connect(makeDialer());
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(3);
    near.link.send(shared);
    await far.told.until(() => far.told.frames.length === 1);
    expect([...(far.told.frames[0] ?? [])]).toEqual([3, 3, 3, 3]);
  });

  test("shows what a peer that does not read leaves queued, and when it has drained", async () => {
    const { near, socket } = await connectToSocket(makeDialer());
    let received = 0;
    socket.on("message", (data: Buffer) => (received += data.length));
    socket.pause();
    // Until the system takes no more: what is queued does not shrink between turns.
    let sent = 0;
    const frame = filled(256 << 10, 1);
    while (near.link.queuedBytes() < 8 << 20) {
      near.link.send(frame);
      sent += frame.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const peak = near.link.queuedBytes();
    const drainsBefore = near.told.drains;
    socket.resume();
    await near.told.until(() => near.told.drains > drainsBefore);
    expect(near.link.queuedBytes()).toBeLessThanOrEqual(peak / 4);
    await near.told.until(() => near.link.queuedBytes() === 0);
    while (received < sent) await once(socket, "message");
    expect(received).toBe(sent);
    expect(near.told.reasons).toEqual([]);
  });

  test("closes after what was sent, with its reason at both ends", async () => {
    const { near, far } = await connect(makeDialer());
    for (let i = 0; i < 50; i++) near.link.send(filled(10_000, i));
    near.told.calling(() => near.link.close("going home"));
    near.link.send(filled(1, 1));
    near.link.close("again");
    expect(await near.told.closing()).toBe("going home");
    expect(await far.told.closing()).toBe("going home");
    expect(far.told.frames).toHaveLength(50);
    near.link.send(filled(1, 1));
    near.link.close("and again");
    near.link.terminate("and again");
    expect(near.link.queuedBytes()).toBe(0);
    await near.told.closing();
  });

  test("is closed by the other end in the same way", async () => {
    const { near, far } = await connect(makeDialer());
    for (let i = 0; i < 50; i++) far.link.send(filled(10_000, i));
    far.told.calling(() => far.link.close("so long"));
    expect(await far.told.closing()).toBe("so long");
    expect(await near.told.closing()).toBe("so long");
    expect(near.told.frames).toHaveLength(50);
  });

  test("cuts a reason that is too long, between characters", async () => {
    const { near, socket } = await connectToSocket(makeDialer());
    near.link.close(`a${"é".repeat(200)}`);
    const { code, reason } = await closeOf(socket);
    expect(code).toBe(1000);
    expect(reason).toBe(`a${"é".repeat(61)}`);
    expect(await near.told.closing()).toBe(`a${"é".repeat(200)}`);
  });

  test("takes any reason, also one that is no proper text", async () => {
    const { near, socket } = await connectToSocket(makeDialer());
    near.link.close(`${"x".repeat(122)}\ud800 and more`);
    const { code } = await closeOf(socket);
    expect(code).toBe(1000);
    await near.told.closing();
  });

  test("terminates at once, though the peer does not read", async () => {
    const { near, far, farSocket } = await connect(makeDialer());
    farSocket.pause();
    while (near.link.queuedBytes() < 4 << 20) {
      near.link.send(filled(512 << 10, 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    near.told.calling(() => near.link.terminate("too slow"));
    expect(await near.told.closing()).toBe("too slow");
    expect(near.link.queuedBytes()).toBe(0);
    farSocket.resume();
    await far.told.closing();
  });

  test("terminates though a close is under way that the peer does not answer", async () => {
    const { near, socket } = await connectToSocket(makeDialer());
    socket.pause();
    near.link.close("goodbye");
    near.told.calling(() => near.link.terminate("enough"));
    expect(await near.told.closing()).toBe("goodbye");
  });

  test("delivers nothing after this side has ended it", async () => {
    const { near, far } = await connect(makeDialer());
    near.told.onFrame(() => near.link.close("one is enough"));
    for (let i = 0; i < 100; i++) far.link.send(filled(100, i));
    expect(await near.told.closing()).toBe("one is enough");
    expect(near.told.frames).toHaveLength(1);
    await far.told.closing();
  });

  test("ends when the peer's socket breaks", async () => {
    const { near, socket } = await connectToSocket(makeDialer());
    socket.terminate();
    expect(await near.told.closing()).toBe("the connection was lost");
  });

  test("ends when the peer closes without a reason", async () => {
    const { near, socket } = await connectToSocket(makeDialer());
    socket.close();
    expect(await near.told.closing()).toBe("closed by the peer");
    const second = await connectToSocket(makeDialer());
    second.socket.close(1001);
    expect(await second.near.told.closing()).toBe("closed by the peer with code 1001");
  });

  test("ends on a text frame", async () => {
    const { near, socket } = await connectToSocket(makeDialer());
    socket.send("text");
    socket.send(filled(3, 3));
    expect(["1003", "4003"]).toContain(`${(await closeOf(socket)).code}`);
    expect(await near.told.closing()).toContain("text frame");
    expect(near.told.frames).toEqual([]);
  });

  test("ends on a frame that is too large", async () => {
    const { near, socket } = await connectToSocket(makeDialer());
    socket.send(new Uint8Array(FRAME_BYTES_MAX + 1));
    expect(["1009", "4009"]).toContain(`${(await closeOf(socket)).code}`);
    expect(await near.told.closing()).toBe(`a frame of more than ${FRAME_BYTES_MAX} bytes came`);
    expect(near.told.frames).toEqual([]);
  });

  test("does not send what would be too large", async () => {
    const { near } = await connect(makeDialer());
    expect(() => near.link.send(new Uint8Array(FRAME_BYTES_MAX + 1))).toThrow("was sent");
  });
});

describe.each(dialers)("dialling (%s)", (_, makeDialer) => {
  /** What is told about an attempt, until one turn after it was. */
  async function attempt(url: string, options: { handshakeMsMax?: number } = {}): Promise<string[]> {
    const told: string[] = [];
    let isDialling = true;
    await new Promise<void>((resolve) => {
      const tell = (what: string) => {
        expect(isDialling).toBe(false);
        told.push(what);
        resolve();
      };
      makeDialer(options).dial(url, {
        opened: (link) => {
          tell("opened");
          return keptBy(link);
        },
        failed: (reason) => tell(`failed: ${reason}`),
      });
      isDialling = false;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return told;
  }

  const keptBy = (link: Link): LinkHandler => {
    endings.push(() => link.terminate("the test is over"));
    return new Recorder();
  };

  test("fails once when nobody is there", async () => {
    const server = createTcpServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = urlOf(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await attempt(url)).toEqual([expect.stringMatching(/^failed: ./)]);
    expect(await attempt(url.replace("127.0.0.1", "localhost"))).toEqual([
      expect.stringMatching(/^failed: ./),
    ]);
  });

  test("fails once when it is no WebSocket, or no URL", async () => {
    const server = createHttpServer((_request, response) => response.writeHead(404).end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    endings.push(() => server.close());
    expect(await attempt(urlOf(server))).toEqual([expect.stringMatching(/^failed: ./)]);
    for (const url of ["", "no url", "ftp://localhost/", "ws://localhost:1/#fragment"]) {
      expect(await attempt(url), url).toEqual([expect.stringMatching(/^failed: ./)]);
    }
  });

  test("fails once when the server hangs up, talks nonsense or says nothing", async () => {
    const behaviours: ((socket: Socket) => void)[] = [
      (socket) => socket.destroy(),
      (socket) => socket.end("nonsense\r\n\r\n"),
      () => {},
    ];
    for (const behaviour of behaviours) {
      const { url } = await startTcp(behaviour);
      expect(await attempt(url, { handshakeMsMax: 100 })).toEqual([expect.stringMatching(/^failed: ./)]);
    }
  });

  test("can be cancelled: nothing is told, and the server sees the end", async () => {
    const { url, accept } = await startTcp(() => {});
    const told: string[] = [];
    const cancel = makeDialer().dial(url, {
      opened: (link) => {
        told.push("opened");
        return keptBy(link);
      },
      failed: (reason) => void told.push(reason),
    });
    const socket = await accept();
    socket.on("error", () => {});
    socket.resume();
    cancel();
    await once(socket, "close");
    cancel();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
  });

  test("can be cancelled at once, and after it failed", async () => {
    const told: string[] = [];
    const on = {
      opened: (link: Link) => {
        told.push("opened");
        return keptBy(link);
      },
      failed: (reason: string) => void told.push(reason),
    };
    const { url } = await startServer();
    for (const target of [url, "no url"]) makeDialer().dial(target, on)();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
    let cancel = () => {};
    await new Promise<void>((resolve) => {
      cancel = makeDialer().dial("no url", {
        ...on,
        failed: (reason) => {
          told.push(reason);
          resolve();
        },
      });
    });
    cancel();
    expect(told).toHaveLength(1);
  });

  test("an open link outlives the cancelling of its attempt", async () => {
    const { url, accept } = await startServer();
    const told = new Recorder();
    let cancel = () => {};
    const accepted = accept();
    const link = await new Promise<Link>((resolve) => {
      cancel = makeDialer().dial(url, {
        opened: (link) => {
          resolve(link);
          return told;
        },
        failed: expect.unreachable,
      });
    });
    cancel();
    (await accepted).send(filled(3, 1));
    await told.until(() => told.frames.length === 1);
    link.close("done");
    await told.closing();
  });
});

describe("an accepted link", () => {
  test("reads nothing before it has a handler", async () => {
    const { url, accept } = await startServer();
    const socket = new WebSocket(url);
    const [farSocket] = await Promise.all([accept(), once(socket, "open")]);
    const accepted = acceptLink(farSocket);
    socket.send(filled(5, 1));
    socket.close(1000, "that was all");
    // Another connection, made after that: what it hears back shows that the frame has long arrived.
    const other = new WebSocket(url);
    await once(other, "open");
    other.ping();
    await once(other, "pong");
    const told = new Recorder();
    told.calling(() => accepted.attach(told));
    expect(await told.closing()).toBe("that was all");
    expect(told.frames).toEqual([filled(5, 1)]);
    expect(() => accepted.attach(told)).toThrow("one handler");
  });

  test("tells a handler that comes late that it is over", async () => {
    const { url, accept } = await startServer();
    const socket = new WebSocket(url);
    const [farSocket] = await Promise.all([accept(), once(socket, "open")]);
    const accepted = acceptLink(farSocket);
    accepted.link.terminate("we are full");
    await once(farSocket, "close");
    const told = new Recorder();
    told.calling(() => accepted.attach(told));
    expect(await told.closing()).toBe("we are full");
  });

  test("is closed without ever having had a handler, when the peer agrees", async () => {
    const { url, accept } = await startServer({ closeTimeout: 3_600_000 });
    const socket = new WebSocket(url);
    const [farSocket] = await Promise.all([accept(), once(socket, "open")]);
    socket.send(filled(5, 1));
    acceptLink(farSocket).link.close("we are full");
    const [{ code, reason }] = await Promise.all([closeOf(socket), once(farSocket, "close")]);
    expect([code, reason]).toEqual([1000, "we are full"]);
  });

  test("ends on text, on frames that are too large, on too many fragments", async () => {
    const wrongs: [act: (socket: WebSocket) => void, code: number, reason: RegExp][] = [
      [(socket) => socket.send("text"), 1003, /text frame/],
      [(socket) => socket.send(new Uint8Array(FRAME_BYTES_MAX + 1)), 1009, /more than/],
      [
        (socket) => {
          for (let i = 0; i < 100; i++) socket.send(Buffer.of(i), { binary: true, fin: false });
        },
        1008,
        /./,
      ],
    ];
    for (const [act, expected, reason] of wrongs) {
      const { near, socket } = await acceptFromSocket();
      act(socket);
      const { code } = await closeOf(socket);
      expect(code).toBe(expected);
      expect(await near.told.closing()).toMatch(reason);
      expect(near.told.frames).toEqual([]);
    }
  });

  test("ends on bytes that are no WebSocket's", async () => {
    const { url, accept } = await startServer();
    const socket = new WebSocket(url);
    socket.on("error", () => {});
    const raw = new Promise<Socket>((resolve) =>
      socket.on("upgrade", (response) => resolve(response.socket)),
    );
    const accepted = acceptLink(await accept());
    const told = new Recorder();
    accepted.attach(told);
    (await raw).write(Buffer.from("ffffffffffffffff", "hex"));
    expect(await told.closing()).toMatch(/./);
    socket.terminate();
  });

  test("does not wait for ever for a peer that does not answer its close", async () => {
    const { near, socket } = await acceptFromSocket({ closeTimeout: 50 });
    socket.pause();
    near.link.close("goodbye");
    expect(await near.told.closing()).toBe("goodbye");
    socket.terminate();
  });
});

test("errors of several addresses are told by the first", () => {
  const refused = ["::1", "127.0.0.1"].map((address) => new Error(`connect ECONNREFUSED ${address}:1`));
  expect(textOf(new AggregateError(refused))).toBe("connect ECONNREFUSED ::1:1");
  expect(textOf(new AggregateError([]))).toBe("AggregateError");
});

describe("the browser's link", () => {
  test("does not wait for ever for a peer that does not answer its close", async () => {
    const delays: { delayMs: number; task: () => void }[] = [];
    const scheduler: Scheduler = {
      turn: browserScheduler.turn,
      after: (delayMs, task) => {
        delays.push({ delayMs, task });
        return () => {};
      },
    };
    const { near, socket } = await connectToSocket(browserDialer({ WebSocket: Unterminable, scheduler }));
    socket.pause();
    delays.length = 0;
    near.link.close("goodbye");
    expect(delays.map(({ delayMs }) => delayMs)).toEqual([5_000]);
    expect(near.told.reasons).toEqual([]);
    delays[0]?.task();
    expect(await near.told.closing()).toBe("goodbye");
  });

  test("asks for the queue only while something is queued", async () => {
    let asked = 0;
    const scheduler: Scheduler = {
      turn: browserScheduler.turn,
      after: (delayMs, task) => {
        if (delayMs === 25) asked++;
        return browserScheduler.after(delayMs, task);
      },
    };
    const { near, socket } = await connectToSocket(browserDialer({ WebSocket, scheduler }));
    near.link.send(filled(10, 1));
    await once(socket, "message");
    expect(asked).toBe(0);
    socket.pause();
    while (near.link.queuedBytes() === 0) {
      near.link.send(filled(512 << 10, 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(asked).toBe(1);
    for (let i = 0; i < 10; i++) near.link.send(filled(10, i));
    expect(asked).toBe(1);
    socket.resume();
    await near.told.until(() => near.link.queuedBytes() === 0);
    const askedWhenEmpty = asked;
    near.link.send(filled(10, 1));
    expect(asked).toBe(askedWhenEmpty);
  });

  test.skipIf("WebSocket" in globalThis)("cannot be had without a WebSocket", () => {
    expect(() => browserDialer()).toThrow("has no WebSocket");
  });
});

async function startTcp(behave: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server: Server = createTcpServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    behave(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const accept = async (): Promise<Socket> => sockets[0] ?? (await once(server, "connection"))[0];
  return { url: urlOf(server), accept };
}
