/** A server as a process: it keeps what it promised, and ends as it should. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { folder, run, type Serving, serve, start } from "./commands.js";

const post = (server: Serving, ops: unknown, query = "") =>
  fetch(`${server.http}/v1/docs/boards/roadmap${query}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ops),
  });

const roadmap = async (server: Serving, token?: string) => {
  const headers = token === undefined ? undefined : { "Syncline-Token": token };
  const answer = await fetch(
    `${server.http}/v1/docs/boards/roadmap`,
    headers === undefined ? {} : { headers },
  );
  return ((await answer.json()) as { value?: unknown }).value;
};

const OPS = [{ field: "votes", op: "increment" }];

test("what was acknowledged is there after a stop, and after a kill; the name stays", async () => {
  const first = await serve("--data", "deep/er/data");
  expect((await post(first, OPS)).status).toBe(200);
  first.child.kill("SIGTERM");
  expect((await first.ended).code).toBe(0);

  const second = await serve("--data", "deep/er/data");
  expect(second.name).toBe(first.name);
  expect(await roadmap(second)).toEqual({ votes: 1 });
  expect((await post(second, OPS)).status).toBe(200);
  second.child.kill("SIGKILL");
  await second.ended;

  const third = await serve("--data", "deep/er/data");
  expect([third.name, await roadmap(third)]).toEqual([first.name, { votes: 2 }]);
  expect(readFileSync(join(folder, "deep/er/data/node-name"), "utf8")).toBe(`${first.name}\n`);
});

test("--memory says loudly that nothing is kept, and keeps nothing", async () => {
  const server = await serve("--memory");
  expect(await server.event("memory-only")).toMatchObject({ level: "warn" });
  expect((await post(server, OPS)).status).toBe(200);
  expect(existsSync(join(folder, "syncline-data"))).toBe(false);
});

test("a port that browsers refuse is said at once", async () => {
  const refused = await serve("--memory", "--advertise", "ws://localhost:6666");
  expect(await refused.event("port-blocked")).toMatchObject({
    level: "warn",
    url: "ws://localhost:6666",
    reason: expect.stringContaining("use another --port"),
  });
  expect(await run(["status", "--url", "ws://localhost:6666"])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("fetch and browsers refuse this port"),
  });
});

test("the log is JSON, one event a line, and says where it listens", async () => {
  const server = await serve("--memory", "--name", "m1");
  const fields = await server.event("listening");
  expect(fields).toMatchObject({
    level: "info",
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    url: `ws://localhost:${server.port}`,
    node: "m1",
    role: "master",
    cluster: "default",
    data: "memory",
  });
  expect(fields.addresses).toContain("127.0.0.1");
  for (const address of fields.addresses as string[]) {
    const host = address.includes(":") ? `[${address}]` : address;
    expect((await fetch(`http://${host}:${server.port}/livez`)).status).toBe(200);
  }
});

test("a second signal ends it at once, with 1", async () => {
  const server = await serve("--memory");
  // What it waits for never comes, so the first signal alone would take its time.
  const socket = new WebSocket(`${server.url}/sync`);
  await new Promise((resolve) => socket.once("open", resolve));
  socket.pause();
  server.child.kill("SIGTERM");
  await server.event("stopping");
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(1);
  socket.terminate();
});

test("two masters and a follower from a configuration file converge", async () => {
  writeFileSync(join(folder, "secret"), "0123456789abcdef0123456789abcdef\n");
  const secret = ["--cluster-secret-file", "secret"];
  const one = await serve("--data", "one", "--name", "one", ...secret);
  const two = await serve("--data", "two", "--name", "two", "--follow", one.url, ...secret);
  writeFileSync(
    join(folder, "f.json"),
    JSON.stringify({
      data: "three",
      name: "three",
      role: "follower",
      follow: [one.url, two.url],
      clusterSecretFile: "secret",
    }),
  );
  const three = await serve("--config", "f.json");
  const tokens: string[] = [];
  for (const server of [one, two]) {
    const answer = await post(server, OPS);
    tokens.push(((await answer.json()) as { token: string }).token);
  }
  for (const token of tokens) await roadmap(three, token);
  expect(await roadmap(three)).toEqual({ votes: 2 });
  expect((await post(three, OPS)).status).toBe(403);
});

describe("SIGTERM", () => {
  test("answers who waits, says goodbye to clients, ends with 0", async () => {
    const server = await serve("--data", "data", "--sync", "ANY 1 (absent)");
    const socket = new WebSocket(`${server.url}/sync`);
    await new Promise((resolve) => socket.once("open", resolve));
    const gone = new Promise<number>((resolve) => socket.once("close", resolve));
    // It waits for a node that never comes: for as long as the server lives.
    const waiting = post(server, OPS, "?ack=committed&timeoutMs=60000");
    const held = async (): Promise<boolean> => {
      const status = (await (await fetch(`${server.http}/v1/status`)).json()) as {
        streams: { durable: number }[];
      };
      return status.streams.some(({ durable }) => durable > 1);
    };
    while (!(await held()));

    server.child.kill("SIGTERM");
    const { code, stdout, stderr } = await server.ended;
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/"event":"stopping"[\s\S]*"event":"stopped"/);
    const answer = await waiting;
    expect([answer.status, ((await answer.json()) as { outcome: string }).outcome]).toEqual([
      202,
      "unconfirmed",
    ]);
    expect([1000, 1001]).toContain(await gone);
    await expect(fetch(`${server.http}/livez`)).rejects.toThrow();
  });

  test("does not wait for a client that does not read, nor for one that never greets", async () => {
    const server = await serve("--memory");
    const silent = new WebSocket(`${server.url}/sync`);
    await new Promise((resolve) => silent.once("open", resolve));
    silent.pause();
    server.child.kill("SIGINT");
    expect((await server.ended).code).toBe(0);
    silent.terminate();
  });

  test("during the start is heeded", async () => {
    const starting = start(["serve", "--port", "0", "--data", "data"]);
    await starting.event("listening");
    starting.child.kill("SIGTERM");
    starting.child.kill("SIGTERM");
    expect([0, 1]).toContain((await starting.ended).code);
    const again = await serve("--data", "data");
    expect((await post(again, OPS)).status).toBe(200);
  });
});

test("a store that cannot be written ends the server with 1, and everything acknowledged is there afterwards", async () => {
  // A limit on the size of files: the write fails though there was room on the disk.
  const running = start(["serve", "--port", "0", "--data", "data"], { before: "ulimit -f 4000" });
  const full = { ...running, http: `http://localhost:${(await running.event("listening")).port}` };
  const write = (server: { http: string }, key: number) =>
    fetch(`${server.http}/v1/docs/big/${key}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([{ field: "value", op: "set", value: "x".repeat(200_000) }]),
    }).then(
      (answer) => answer.status,
      () => 0,
    );
  const acknowledged: number[] = [];
  for (let key = 0; ; key++) {
    const status = await write(full, key);
    if (status !== 200) break;
    acknowledged.push(key);
  }
  expect(acknowledged.length).toBeGreaterThan(0);
  const { code, stdout, stderr } = await full.ended;
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/(^|\n)syncline: stopped, because the store cannot be written: [^\n]+\n$/),
  ]);
  expect(stdout).toContain('"event":"storage-failed"');

  const again = await serve("--data", "data");
  const { keys } = (await (await fetch(`${again.http}/v1/docs/big`)).json()) as { keys: string[] };
  expect(keys).toEqual(expect.arrayContaining(acknowledged.map(String)));
  expect(await write(again, 1000)).toBe(200);
});

test("a reader of the log that goes away does not end the server", async () => {
  const server = await serve("--memory");
  server.child.stdout?.destroy();
  for (let i = 0; i < 3; i++) {
    const socket = new WebSocket(`${server.url}/sync`);
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send("no frame");
    await new Promise((resolve) => socket.once("close", resolve));
  }
  expect((await fetch(`${server.http}/livez`)).status).toBe(200);
});

describe("syncline status", () => {
  test("a row for every node and stream, also for those that are gone", async () => {
    const master = await serve("--memory", "--name", "m1");
    const follower = await serve("--memory", "--name", "f1", "--role", "follower", "--follow", master.url);
    const { token } = (await (await post(master, OPS)).json()) as { token: string };
    await roadmap(follower, token);

    const there = await run(["status", "--url", follower.url]);
    expect([there.code, there.stderr]).toEqual([0, ""]);
    expect(
      there.stdout
        .replace(/\d{6,}/g, "ID")
        .replaceAll(/:\d+/g, ":PORT")
        .replace(/\d s ago/, "now")
        .replace(/ +/g, " "),
    ).toBe(
      [
        "f1: follower of cluster default, streaming, ready",
        "clients 0, bytes waiting for the disk 0, parked records 0, kept records 3",
        "",
        "NODE ROLE STATE HEARD SYNC SLOT LAG RECEIVED DURABLE APPLIED URL",
        "f1 follower self - - - 0 0 0 ws://localhost:PORT",
        "m1 master connected now - streaming 0 0 0 ws://localhost:PORT",
        "",
        "STREAM OF ID RULE RECEIVED DURABLE APPLIED COMMITTED GONE END PROVIDER",
        "m1 ID LOCAL 3 3 3 - 0 - m1",
        "",
      ].join("\n"),
    );

    master.child.kill("SIGKILL");
    await follower.event("node-disconnected");
    const gone = await run(["status"], { SYNCLINE_URL: follower.http });
    expect(gone.stdout).toMatch(/^f1: follower of cluster default, joining, not ready$/m);
    expect(gone.stdout).toMatch(/^m1 +master +disconnected +- +- +disconnected +- +- +- +ws:/m);
    const columns = gone.stdout
      .split("\n")
      .filter((line) => /^(NODE|f1 |m1 )/.test(line))
      .slice(0, 3);
    expect(new Set(columns.map((line) => line.search(/URL$|ws:/))).size).toBe(1);
  });

  test("--json is the status itself", async () => {
    const server = await serve("--memory", "--name", "m1");
    const { code, stdout } = await run(["status", "--json", "--url", `ws://localhost:${server.port}/sync`]);
    expect(code).toBe(0);
    const { lastHeardMs: _, ...row } = JSON.parse(stdout).nodes[0];
    expect(row).toMatchObject({ node: "m1", state: "self", role: "master" });
  });

  test("a server that is not there: exit code 3", async () => {
    const server = await serve("--memory");
    server.child.kill("SIGKILL");
    await server.ended;
    const { code, stdout, stderr } = await run(["status", "--url", server.url]);
    expect([code, stdout, stderr]).toEqual([
      3,
      "",
      `syncline: ${server.http} cannot be reached: nothing listens there; start a server with \`syncline serve\`\n`,
    ]);
  });
});
