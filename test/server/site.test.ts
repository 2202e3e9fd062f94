/** The page of an app at `/`: what is served, how long it may be kept, and where it may reach. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAccess } from "@syncline/engine";
import { SERVER_LIMITS } from "@syncline/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, configOf, started } from "./servers.js";

let folder: string;

const PAGE = '<!doctype html><meta name="syncline" content=""><title>app</title>';
const SCRIPT = "export const answer = 42;\n".repeat(50);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "syncline-site-"));
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), PAGE);
  writeFileSync(join(folder, "sw.js"), "self.skipWaiting();");
  writeFileSync(join(folder, "assets", "main-1a2b.js"), SCRIPT);
  writeFileSync(join(folder, "notes.txt"), "not for everybody");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const site = (demo?: string) => ({ site: { folder, ...(demo === undefined ? {} : { demo }) } });

/** What a page is told. */
const factsOf = (text: string) =>
  JSON.parse(
    (/<meta name="syncline" content="([^"]*)">/.exec(text)?.[1] ?? "").replace(/&#(\d+);/g, (_, code) =>
      String.fromCharCode(Number(code)),
    ),
  );

test("the page knows its cluster, its node and the other nodes, and no script stands in it", async () => {
  const server = await started({ name: 'm<1>"&' }, site("http://localhost:9/secret"));
  const { status, headers, text } = await ask(server, "/");
  expect(status).toBe(200);
  expect(factsOf(text)).toEqual({
    cluster: "default",
    node: 'm<1>"&',
    servers: [server.url],
    demo: "http://localhost:9/secret",
  });
  expect(text).not.toContain("m<1>");
  const policy = String(headers["content-security-policy"]);
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'/,
  );
  expect(policy).toContain("connect-src 'self' ws://localhost:* http://localhost:* ");
  expect(headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "x-frame-options": "DENY",
  });
});

test("where people have to say who they are, the page tells nobody of the cluster", async () => {
  const server = await started(
    { name: "secretive" },
    { ...site("http://localhost:9/x"), access: openAccess },
  );
  const { text, headers } = await ask(server, "/");
  expect(factsOf(text)).toEqual({ cluster: "", node: "", servers: [] });
  expect(text).not.toContain("secretive");
  expect(headers["content-security-policy"]).toContain("connect-src 'self';");
});

test("a page may reach the nodes of its cluster and nothing else", async () => {
  const server = await started({ advertise: "wss://sync.example.org" }, site());
  const { headers } = await ask(server, "/");
  expect(headers["content-security-policy"]).toContain(
    "connect-src 'self' wss://sync.example.org https://sync.example.org; ",
  );
});

test("a file with a hash in its name is kept for ever, the page is asked for each time, and sent when it is new", async () => {
  const server = await started({}, site());
  const asset = await ask(server, "/assets/main-1a2b.js");
  expect([asset.text, asset.headers["cache-control"]]).toEqual([
    SCRIPT,
    "public, max-age=31536000, immutable",
  ]);
  const worker = await ask(server, "/sw.js");
  expect(worker.headers).toMatchObject({
    "cache-control": "no-cache",
    "content-type": "text/javascript; charset=utf-8",
  });
  for (const path of ["/", "/assets/main-1a2b.js"]) {
    const { etag } = (await ask(server, path)).headers;
    const again = await ask(server, path, { headers: { "if-none-match": String(etag) } });
    expect([again.status, again.text]).toEqual([304, ""]);
    expect((await ask(server, path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  }
});

test("what is smaller compressed is sent so to those who take it", async () => {
  const server = await started({}, site());
  const answer = await fetch(`http://127.0.0.1:${server.port}/assets/main-1a2b.js`, {
    headers: { "accept-encoding": "br, gzip;q=0.5" },
  });
  expect(answer.headers.get("content-encoding")).toBe("gzip");
  expect(answer.headers.get("vary")).toMatch(/accept-encoding/i);
  expect(await answer.text()).toBe(SCRIPT);
});

test("nothing else of the folder, and nothing outside of it, is to be had", async () => {
  const server = await started({}, site());
  for (const path of [
    "/notes.txt",
    "/index.html",
    "/assets/",
    "/../etc/passwd",
    "/assets/../../x",
    "/%2e%2e/x",
  ]) {
    expect([path, (await ask(server, path)).status]).toEqual([path, 404]);
  }
  expect((await ask(server, "/", { method: "POST" })).status).toBe(405);
  expect((await ask(server, "/sw.js", { method: "DELETE" })).status).toBe(405);
});

test("the status page is at /status, and at / where there is no site", async () => {
  const [with_, without] = [await started({}, site()), await started({ name: "m2" })];
  const elsewhere = await started({ name: "m3" }, { site: { folder: join(folder, "nowhere") } });
  expect((await ask(with_, "/")).text).toContain("<title>app</title>");
  for (const [server, path] of [
    [with_, "/status"],
    [without, "/status"],
    [without, "/"],
    [elsewhere, "/"],
  ] as const) {
    expect((await ask(server, path)).text).toContain("<h2>Streams</h2>");
  }
});

test("a folder that is no site, or holds more than siteBytesMax, stops the start and leaves nothing", async () => {
  writeFileSync(join(folder, "index.html"), "<title>of something else</title>");
  await expect(started(configOf(), site())).rejects.toThrow('index.html has no <meta name="syncline"');
  writeFileSync(join(folder, "index.html"), PAGE);
  truncateSync(join(folder, "assets", "main-1a2b.js"), SERVER_LIMITS.siteBytesMax);
  await expect(started(configOf(), site())).rejects.toThrow(`more than ${SERVER_LIMITS.siteBytesMax} bytes`);
});
