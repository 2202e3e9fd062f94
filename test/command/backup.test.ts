/** Backups: whole or not at all, taken while a server goes on; an old one is safe to go back to (I1, I7). */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type Server, Servers, until } from "../processes/server.js";

const COMMAND = fileURLToPath(new URL("../../apps/syncline/bin/syncline.js", import.meta.url));

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

const syncline = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
};

const add = (server: Server, value: string) =>
  server.post("/v1/docs/boards/a", [{ field: "tags", op: "add", value }]);

const tags = async (server: Server): Promise<string[]> => {
  const answer = await server.get("/v1/docs/boards/a");
  return answer.ok ? ((await answer.json()) as { value: { tags: string[] } }).value.tags : [];
};

const shows =
  (server: Server, ...wanted: string[]) =>
  async () =>
    (await tags(server)).sort().join() === [...wanted].sort().join();

test("an old backup restored while only a node that is away knows what was accepted since: nothing is lost or doubled", async () => {
  const file = join(servers.folder, "m1.backup");
  const m1 = servers.server("m1");
  await m1.start();
  const m2 = servers.server("m2", "--follow", m1.url);
  await m2.start();
  expect((await add(m1, "before")).status).toBe(200);
  await until("m2 has it", shows(m2, "before"));
  expect(syncline("backup", file, "--url", m1.url)).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^m1 of cluster default: \d+ rows, \d+ bytes, in /),
    stderr: "",
  });
  expect((await add(m1, "after")).status).toBe(200);
  await until("m2 has it", shows(m2, "before", "after"));
  await m2.kill();
  await m1.kill();
  rmSync(join(servers.folder, "m1"), { recursive: true });
  expect(syncline("restore", file, "--data", join(servers.folder, "m1"))).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("m1 of cluster default"),
  });
  await m1.start(["--follow", m2.url]);
  expect(await tags(m1)).toEqual(["before"]);
  // It accepts at once, under a new identity: no position that m2 knows is given out again.
  expect((await add(m1, "since")).status).toBe(200);
  await m2.start();
  for (const node of [m1, m2]) await until(`${node.name} has all`, shows(node, "before", "after", "since"));
});

test("a backup that is made while others write is of one moment", async () => {
  const file = join(servers.folder, "busy.backup");
  const m1 = servers.server("m1");
  await m1.start();
  // Each write adds one to both: in any one state they are equal.
  const write = () =>
    m1.post("/v1/docs/sums/a", [
      { field: "one", op: "increment" },
      { field: "two", op: "increment" },
    ]);
  for (let i = 0; i < 50; i++) await write();
  let isDone = false;
  const writing = (async () => {
    while (!isDone) await write();
  })();
  const response = await m1.get("/v1/backup");
  writeFileSync(file, new Uint8Array(await response.arrayBuffer()));
  isDone = true;
  await writing;
  await m1.kill();
  const restored = join(servers.folder, "restored");
  expect(syncline("restore", file, "--data", restored).status).toBe(0);
  expect(syncline("verify", "--data", restored)).toMatchObject({ status: 0 });
  rmSync(join(servers.folder, "m1"), { recursive: true });
  const again = servers.server("m1", "--data", restored);
  await again.start();
  const { value } = (await (await again.get("/v1/docs/sums/a")).json()) as {
    value: { one: number; two: number };
  };
  expect(value.one).toBe(value.two);
  expect(value.one).toBeGreaterThanOrEqual(50);
});

describe("asked wrongly, or of damaged files: one line, and nothing changed", () => {
  test("backup", async () => {
    const m1 = servers.server("m1");
    await m1.start();
    const file = join(servers.folder, "there.backup");
    writeFileSync(file, "mine");
    expect(syncline("backup", file, "--url", m1.url)).toMatchObject({
      status: 2,
      stderr: `syncline: ${file}: is there already; name a new file\n`,
    });
    expect(readFileSync(file, "utf8")).toBe("mine");
    const nowhere = join(servers.folder, "none", "x.backup");
    expect(syncline("backup", nowhere, "--url", m1.url)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("cannot be written"),
    });
    expect(syncline("backup", join(servers.folder, "x"), "--url", "ws://localhost:9")).toMatchObject({
      status: 3,
    });
    expect(syncline("backup").status).toBe(2);
  });

  test("a backup that is ended by Ctrl-C leaves nothing", async () => {
    // A server that begins to answer, and never goes on.
    const slow = createServer((_, response) => response.writeHead(200).flushHeaders()).listen(0, "127.0.0.1");
    await once(slow, "listening");
    onTestFinished(() => {
      slow.close();
      slow.closeAllConnections();
    });
    const file = join(servers.folder, "cut.backup");
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
    const child = spawn(process.execPath, [COMMAND, "backup", file, "--url", url]);
    await until("it has begun", () => existsSync(`${file}.part`));
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(130);
    expect(readdirSync(servers.folder)).toEqual([]);
  });

  test("restore: cut at any frame, a bit flipped, another file, a folder that is in use", async () => {
    const m1 = servers.server("m1");
    await m1.start();
    for (let i = 0; i < 5; i++) await add(m1, `tag ${i}`);
    const file = join(servers.folder, "whole.backup");
    expect(syncline("backup", file, "--url", m1.url).status).toBe(0);
    const whole = readFileSync(file);
    const bad = join(servers.folder, "bad.backup");
    const data = join(servers.folder, "restored");
    const refused = (bytes: Uint8Array, reason: string) => {
      writeFileSync(bad, bytes);
      expect(syncline("restore", bad, "--data", data)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(
          new RegExp(`^syncline: [^\\n]*${reason}[^\\n]*; nothing was restored\\n$`),
        ),
      });
      expect(existsSync(data)).toBe(false);
    };
    for (const length of [0, 10, 16, 30, whole.length >> 1, whole.length - 1])
      refused(whole.subarray(0, length), "it breaks off");
    const flipped = Buffer.from(whole);
    flipped[whole.length >> 1]! ^= 4;
    refused(flipped, "damaged|breaks off");
    refused(Buffer.from("something else, long enough"), "it is no backup");
    expect(syncline("restore", file, "--data", join(servers.folder, "m1"))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("there is something in it"),
    });
    expect(syncline("restore", join(servers.folder, "nothing"), "--data", data).status).toBe(2);
    expect(readdirSync(servers.folder)).not.toContain("restored");
  });
});
