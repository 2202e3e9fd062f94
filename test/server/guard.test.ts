/** Who may come in: pages of other sites may not, whatever they do to names and headers. */
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { ask, post, started } from "./servers.js";

const OPS = [{ field: "x", op: "increment" }];

describe("Host", () => {
  test.each([
    "localhost",
    "localhost:1",
    "LOCALHOST",
    "127.0.0.1:80",
    "127.1.2.3",
    "[::1]:1234",
    "app.localhost",
  ])("%s is this machine", async (host) => {
    const server = await started();
    expect((await ask(server, "/v1/status", { headers: { host } })).status).toBe(200);
  });

  test.each([
    "evil.example",
    "evil.example:1234",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "x@localhost",
    "a b",
    "[::2]",
  ])("%j is somebody else", async (host) => {
    const server = await started();
    for (const answer of [
      await ask(server, "/v1/status", { headers: { host } }),
      await post(server, "/v1/docs/c/k", OPS, { host }),
    ]) {
      expect([answer.status, answer.json.error.code]).toEqual([403, "FORBIDDEN"]);
    }
    expect(await upgradeStatus(server.port, "/sync", { host })).toBe(403);
    expect((await ask(server, "/v1/docs/c/k")).status).toBe(404);
  });

  test("the advertised host and the hosts of allowed origins are this server's", async () => {
    const server = await started({ advertise: "wss://node.example", allowOrigins: ["https://app.example"] });
    for (const host of ["node.example", "app.example:8443"]) {
      expect((await ask(server, "/livez", { headers: { host } })).status).toBe(200);
    }
    expect((await ask(server, "/livez", { headers: { host: "other.example" } })).status).toBe(403);
  });

  test("no Host at all", async () => {
    const server = await started();
    expect(await rawAnswer(server.port, "GET /livez HTTP/1.0\r\n\r\n")).toMatch(
      /^HTTP\/1.1 403 .*"FORBIDDEN"/s,
    );
  });
});

describe("Origin", () => {
  const ours = ["http://localhost:5173", "http://127.0.0.1", "https://[::1]:8", "https://app.example"];
  const foreign = [
    "https://evil.example",
    "http://app.example",
    "https://app.example:444",
    "null",
    "https://app.example.evil.example",
    "file://",
    "localhost",
    "http://localhost:5173/",
    "",
  ];

  test.each(ours)("%s may", async (origin) => {
    const server = await started({ allowOrigins: ["https://app.example"] });
    const written = await post(server, "/v1/docs/c/k", OPS, { origin });
    expect(written.status).toBe(200);
    expect(written.headers["access-control-allow-origin"]).toBe(origin);
    expect(written.headers["access-control-expose-headers"]).toBe("Syncline-Token");
    const refused = await ask(server, "/v1/docs/c/none", { headers: { origin } });
    expect([refused.status, refused.headers["access-control-allow-origin"]]).toEqual([404, origin]);
    const preflight = await ask(server, "/v1/docs/c/k", { method: "OPTIONS", headers: { origin } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers["access-control-allow-methods"]).toBe("GET, POST, DELETE");
    expect(preflight.headers["access-control-allow-headers"]).toContain("Content-Type");
    expect(await upgradeStatus(server.port, "/sync", { origin })).toBe(101);
  });

  test.each(foreign)("%j may not", async (origin) => {
    const server = await started({ allowOrigins: ["https://app.example"] });
    for (const answer of [
      await post(server, "/v1/docs/c/k", OPS, { origin }),
      await ask(server, "/v1/docs/c/k", { headers: { origin } }),
      await ask(server, "/v1/docs/c/k", { method: "OPTIONS", headers: { origin } }),
    ]) {
      expect([answer.status, answer.json.error.code]).toEqual([403, "FORBIDDEN"]);
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect(await upgradeStatus(server.port, "/sync", { origin })).toBe(403);
    expect((await ask(server, "/v1/docs/c/k")).status).toBe(404);
  });

  test("who is no browser sends none, and comes in", async () => {
    const server = await started();
    expect(await upgradeStatus(server.port, "/sync", {})).toBe(101);
  });
});

describe("WebSockets", () => {
  test.each([
    ["/", 404],
    ["/sync/", 404],
    ["/sync/x", 404],
    ["/v1/status", 404],
    ["/%73ync", 404],
    ["http://localhost/sync", 400],
    ["/sync?token=x", 101],
  ])("at %s: %i", async (path, status) => {
    const server = await started();
    expect(await upgradeStatus(server.port, path, {})).toBe(status);
  });

  test("a plain request to /sync is told what lives there", async () => {
    const server = await started();
    const { status, json } = await ask(server, "/sync");
    expect([status, json.error.code]).toEqual([426, "UPGRADE_REQUIRED"]);
  });

  test.each([
    ["another version", { "sec-websocket-version": "7" }, 400],
    ["no key", { "sec-websocket-key": "short" }, 400],
    ["another protocol", { upgrade: "h2c" }, 400],
  ])("a handshake with %s", async (_what, headers, status) => {
    const server = await started();
    expect(await upgradeStatus(server.port, "/sync", headers)).toBe(status);
    expect((await ask(server, "/livez")).status).toBe(200);
  });

  test("compression is not negotiated, whatever is offered", async () => {
    const server = await started();
    const socket = new WebSocket(`ws://localhost:${server.port}/sync`, { perMessageDeflate: true });
    await new Promise((resolve) => socket.once("open", resolve));
    expect(socket.extensions).toBe("");
    socket.terminate();
  });
});

describe("bytes that are no HTTP", () => {
  test.each([
    ["rubbish", "\x16\x03\x01\r\n\r\n", 400],
    ["a header without end", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
    ["a path of another server", "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ])("%s", async (_what, bytes, status) => {
    const server = await started();
    const answer = await rawAnswer(server.port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('{"error":{"code":"BAD_REQUEST"');
    expect((await ask(server, "/livez")).status).toBe(200);
  });
});

test("answers are neither cached, nor guessed, nor framed", async () => {
  const server = await started();
  for (const path of ["/", "/livez", "/nothing", "/v1/status"]) {
    const { headers } = await ask(server, path);
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
  }
});

/** Everything that comes back until the other end closes. */
function rawAnswer(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.on("data", (chunk) => (text += chunk));
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}

/** The status that a WebSocket handshake gets. */
function upgradeStatus(port: number, path: string, headers: Record<string, string>): Promise<number> {
  const all = {
    host: "localhost",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"),
    );
    socket.once("data", (chunk) => {
      resolve(Number(/^HTTP\/1.1 (\d{3}) /.exec(String(chunk))?.[1]));
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed without an answer")));
  });
}
