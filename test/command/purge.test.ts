/** `syncline purge`: content goes for good, each node confirms it for itself, and who is away is named (2.10). */
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { type Server, Servers, until } from "../processes/server.js";
import { wired } from "../processes/wired.js";

const COMMAND = fileURLToPath(new URL("../../apps/syncline/bin/syncline.js", import.meta.url));

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

/** Not `spawnSync`: the wires between the servers run in this process. */
const syncline = (...args: string[]) =>
  new Promise<{ status: number; stdout: string[]; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [COMMAND, ...args], (_error, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout: stdout.trim().split("\n").sort(), stderr }),
    );
  });

/** A purge waits some seconds for all to confirm; whoever is told that they have not asks again. */
async function confirmed(...args: string[]) {
  let last = await syncline(...args);
  await until(`all confirm: ${args.join(" ")}`, async () => {
    if (last.status === 1) last = await syncline(...args);
    return last.status !== 1;
  });
  return last;
}

const write = (server: Server, value: string) =>
  server.post("/v1/docs/boards/a", [{ field: "title", op: "set", value }]);

const stateAt = async (server: Server): Promise<string> =>
  ((await (await server.get("/v1/purge?document=boards/a")).json()) as { state: string }).state;

test("a purge is confirmed by each node; one that is away is missing, and an old backup purges it again", async () => {
  const [{ m1, m2, f1 }] = await wired(servers, {
    m1: { follow: ["m2"] },
    m2: { follow: ["m1"] },
    f1: { follow: ["m1", "m2"], flags: ["--role", "follower"] },
  });
  for (const server of [m1, m2, f1]) await server.start();
  await write(m1, "secret");
  for (const server of [m2, f1])
    await until(`${server.name} has it`, async () => (await server.get("/v1/docs/boards/a")).status === 200);
  const file = join(servers.folder, "f1.backup");
  expect((await syncline("backup", file, "--url", f1.url)).status).toBe(0);

  const url = ["--url", m1.url];
  expect(await syncline("purge", "boards/a", ...url)).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/only what is deleted can be purged: delete it first/),
  });
  expect((await syncline("purge", "boards", ...url)).stderr).toMatch(/is collection\/key/);
  await f1.kill();
  await until("m1 has noticed", async () =>
    (await m1.status()).nodes.some(
      ({ node, state }: { node: string; state: string }) => node === "f1" && state === "disconnected",
    ),
  );
  await fetch(`http://127.0.0.1:${m1.port}/v1/docs/boards/a`, { method: "DELETE" });
  const partly = await syncline("purge", "boards/a", ...url);
  expect(partly.status).toBe(1);
  expect(partly.stdout[0]).toBe("f1: missing, it is away, and has what it had");
  expect(partly.stdout.slice(1)).toEqual([
    expect.stringMatching(/^m1: purging, records of m1/),
    expect.stringMatching(/^m2: purging, records of m1/),
  ]);

  // It comes back with what it was before the deletion.
  rmSync(join(servers.folder, "f1"), { recursive: true });
  expect((await syncline("restore", file, "--data", join(servers.folder, "f1"))).status).toBe(0);
  await f1.start();
  for (const server of [m1, m2, f1])
    await until(`${server.name} has nothing left`, async () => (await stateAt(server)) === "purged");
  expect(await syncline("purge", "boards/a", "--check", ...url)).toMatchObject({
    status: 0,
    stdout: ["f1: purged", "m1: purged", "m2: purged"],
  });
  // Purging again does nothing, and restoring brings nothing back.
  expect((await confirmed("purge", "boards/a", ...url)).status).toBe(0);
  await m1.post("/v1/docs/boards/a/restore", {});
  expect(await (await m1.get("/v1/docs/boards/a")).json()).toMatchObject({ value: {} });
});

test("a dropped field, and then the dropped collection, is purged page by page and confirmed by each node", async () => {
  const [{ m1, m2, f1 }] = await wired(servers, {
    m1: { follow: ["m2"] },
    m2: { follow: ["m1"] },
    f1: { follow: ["m1", "m2"], flags: ["--role", "follower"] },
  });
  for (const server of [m1, m2, f1]) await server.start();
  const alter = async (...statements: object[]) =>
    expect((await m1.post("/v1/schema", statements)).status).toBe(200);
  await alter(
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "title", is: "register" },
    { do: "add", collection: "boards", field: "votes", is: "counter" },
  );
  // More than a page of them.
  const keys = Array.from({ length: 130 }, (_, i) => `k${i}`);
  for (const key of keys)
    await m1.post(`/v1/docs/boards/${key}`, [
      { field: "title", op: "set", value: "secret" },
      { field: "votes", op: "increment" },
    ]);
  const url = ["--url", m1.url];
  for (const [args, reason] of [
    [[], /name a document, or a collection/],
    [["boards/a", "--field", "title"], /name it with --collection/],
    [["--collection", "boards"], /no collection boards was dropped/],
  ] as const)
    expect(await syncline("purge", ...args, ...url)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(reason),
    });
  await alter({ do: "drop", collection: "boards", field: "title" });
  const field = ["purge", "--collection", "boards", "--field", "title"];
  const before = await syncline(...field, "--check", ...url);
  expect(before.status).toBe(1);
  expect(before.stdout[1]).toMatch(/^m1: present, 130 documents, boards\/k0: title holds something/);
  expect(await confirmed(...field, ...url)).toMatchObject({
    status: 0,
    stdout: ["f1: purged", "m1: purged", "m2: purged"],
  });
  expect(await (await m2.get("/v1/docs/boards/k7")).json()).toMatchObject({ value: { votes: 1 } });

  await alter({ do: "drop", collection: "boards" });
  const all = ["purge", "--collection", "boards"];
  expect((await syncline(...all, "--check", ...url)).status).toBe(1);
  expect((await m1.get("/v1/purge?collection=boards&limit=0")).status).toBe(400);
  expect((await f1.post("/v1/purge?collection=boards", {})).status).toBe(403);
  expect((await confirmed(...all, ...url)).status).toBe(0);
  expect(await (await f1.get("/v1/conflicts")).json()).toEqual({ conflicts: [] });
  await alter({ do: "undrop", collection: "boards" });
  expect(await (await m1.get("/v1/docs/boards")).json()).toMatchObject({ keys: [] });
});
