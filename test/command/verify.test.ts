/** `syncline verify`: nodes that are alike, nodes that are apart, a data folder that is whole, and one that is not. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Document } from "@syncline/core";
import { openLmdb } from "@syncline/storage/lmdb";
import { describe, expect, test } from "vitest";
import { folder, run, start } from "./commands.js";

const post = async (port: number, key: string, ops: object[]): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/docs/boards/${key}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ops),
  });
  expect(answer.status).toBe(200);
  await answer.text();
};

/** A master with some documents, which is stopped again. Its folder is `name`. */
async function written(name: string): Promise<void> {
  const server = start(["serve", "--port", "0", "--name", name, "--data", name]);
  const { port } = await server.event("listening");
  for (let i = 0; i < 20; i++)
    await post(Number(port), `k${i}`, [{ field: "title", op: "set", value: `title ${i}` }]);
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
}

describe("--data", () => {
  test("a folder that is whole, and its figures", async () => {
    await written("m1");
    const { code, stdout } = await run(["verify", "--data", "m1", "--json"]);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ node: "m1", documents: 20, records: 21, damaged: [] });
    expect(code).toBe(0);
    expect((await run(["verify", "--data", "m1"])).stdout).toContain("0 damaged");
  });

  test("a value that was changed is named, and the rest is looked through", async () => {
    await written("m1");
    const storage = await openLmdb(join(folder, "m1"));
    const [entry] = storage.scan({ from: Uint8Array.of(3), to: Uint8Array.of(4), limit: 5, reverse: true });
    if (entry === undefined) throw new Error("no record");
    const [key, value] = entry;
    const bad = value.slice();
    bad[20] = (bad[20] ?? 0) ^ 1;
    await new Promise<void>((resolve) => storage.commit([{ key, value: bad }], () => resolve()));
    await storage.close();
    const { code, stdout } = await run(["verify", "--data", "m1", "--json"]);
    expect(code).toBe(1);
    const { damaged, documents } = JSON.parse(stdout);
    expect(documents).toBe(20);
    expect(damaged).toHaveLength(1);
    expect(damaged[0].where).toMatch(/^record \d+:21$/);
    expect(damaged[0].reason).toContain("checksum");
  });

  test("pages that nobody can read end another process, not this one", async () => {
    await written("m1");
    const store = join(folder, "m1", "store");
    const file = readdirSync(store).find((name) => name.startsWith("data"));
    if (file === undefined) throw new Error("no data file");
    const bytes = readFileSync(join(store, file));
    // All but the two pages that say where the others are.
    bytes.fill(0xa5, 2 * 4096);
    writeFileSync(join(store, file), bytes);
    const { code, stdout, stderr } = await run(["verify", "--data", "m1", "--json"]);
    expect(code === 1 || code === 2, stderr).toBe(true);
    if (code === 1) expect(JSON.parse(stdout).damaged.length).toBeGreaterThan(0);
  });

  test("where there is no data nothing is created", async () => {
    const { code, stderr } = await run(["verify", "--data", "nowhere"]);
    expect(code).toBe(2);
    expect(stderr).toContain("there is no node's data in it");
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
  });

  test("a folder that a server has open is left alone", async () => {
    const server = start(["serve", "--port", "0", "--name", "m1", "--data", "m1"]);
    await server.event("listening");
    const { code, stderr } = await run(["verify", "--data", "m1"]);
    expect(code).toBe(2);
    expect(stderr).toContain("in use");
  });
});

describe("a cluster (I5)", () => {
  async function pair() {
    const m1 = start(["serve", "--port", "0", "--name", "m1", "--data", "m1"]);
    const { port } = await m1.event("listening");
    const follow = `ws://127.0.0.1:${port}`;
    const f1 = start([
      "serve",
      "--port",
      "0",
      "--name",
      "f1",
      "--data",
      "f1",
      "--role",
      "follower",
      "--follow",
      follow,
    ]);
    const { port: second } = await f1.event("listening");
    // Who is not there is not compared.
    await m1.event("node-connected");
    const stop = async (): Promise<void> => {
      for (const server of [f1, m1]) server.child.kill("SIGTERM");
      await Promise.all([f1.ended, m1.ended]);
    };
    return { m1: Number(port), f1: Number(second), follower: f1, master: m1, stop };
  }

  test("one node alone: there is nothing to compare it with; and when the others are away, that is no good answer", async () => {
    const lone = start(["serve", "--port", "0", "--name", "lone", "--memory"]);
    const { port } = await lone.event("listening");
    expect(await run(["verify", "--url", `ws://127.0.0.1:${port}`])).toMatchObject({
      code: 0,
      stdout: "0 documents on lone: there is no other node to compare it with\n",
    });
    const { m1, follower, master } = await pair();
    follower.child.kill("SIGKILL");
    await master.event("node-disconnected");
    expect(await run(["verify", "--url", `ws://127.0.0.1:${m1}`])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /^not compared, it is not there: f1\n\d documents on m1: nothing was compared\n$/,
      ),
    });
  });

  test("nodes that are alike, also while somebody writes", async () => {
    const { m1 } = await pair();
    for (let i = 0; i < 30; i++) await post(m1, `k${i}`, [{ field: "votes", op: "increment" }]);
    let isOver = false;
    const writing = (async () => {
      while (!isOver) await post(m1, "k1", [{ field: "votes", op: "increment" }]);
    })();
    const ended = await run(["verify", "--url", `ws://127.0.0.1:${m1}`, "--json"]);
    isOver = true;
    await writing;
    const { nodes, apart, documents } = JSON.parse(ended.stdout);
    expect([...nodes].sort()).toEqual(["f1", "m1"]);
    expect(apart).toEqual([]);
    expect(documents).toBeGreaterThanOrEqual(30);
  });

  test("a document that is another one on one of them is named", async () => {
    const { m1, stop } = await pair();
    await post(m1, "a", [{ field: "title", op: "set", value: "right" }]);
    await post(m1, "b", [{ field: "title", op: "set", value: "right" }]);
    await stop();
    // Somebody has put a base with other contents and a right checksum into the follower's store.
    await forge(join(folder, "f1"), "a");
    const again = await pair();
    const { code, stdout } = await run(["verify", "--url", `ws://127.0.0.1:${again.m1}`, "--json"]);
    expect(code).toBe(1);
    const { apart } = JSON.parse(stdout);
    expect(apart.map(({ document }: { document: string }) => document)).toEqual(["boards/a"]);
    expect(Object.keys(apart[0].nodes).sort()).toEqual(["f1", "m1"]);
    // What it is said to have is had anew from the other, and is right from then on.
    const url = `ws://127.0.0.1:${again.m1}`;
    const repaired = await run(["verify", "--url", url, "--repair", "f1", "--json"]);
    expect(JSON.parse(repaired.stdout).apart, repaired.stderr).toEqual([]);
    expect(repaired.code).toBe(0);
    const answer = await fetch(`http://127.0.0.1:${again.f1}/v1/docs/boards/a`);
    expect(await answer.json()).toMatchObject({ value: { title: "right" } });
    await post(again.m1, "a", [{ field: "title", op: "set", value: "later" }]);
    expect((await run(["verify", "--url", url])).code).toBe(0);
    expect((await run(["verify", "--url", url, "--repair", "nobody"])).stderr).toContain("no such node");
  });
});

/** Replaces the record of a document's only change by one that sets something else. */
async function forge(data: string, key: string): Promise<void> {
  const { encodeRecord, readRecord } = await import("@syncline/protocol");
  const { recordPlaceOf } = await import("@syncline/engine");
  const { decodeChange } = await import("@syncline/core");
  const storage = await openLmdb(data);
  for (const [rowKey, value] of [...storage.scan({ from: Uint8Array.of(3), to: Uint8Array.of(4) })]) {
    const place = recordPlaceOf(rowKey);
    if (place === undefined) continue;
    const { body, deps } = readRecord(place.stream, place.position, value);
    if (body.kind !== "change") continue;
    const change = decodeChange(body.change);
    if (!change.ok || change.value.document.key !== key) continue;
    const { author, first, stamp } = change.value;
    const forged = new Document(change.value.document).prepare({ author, stamp, first }, (b) =>
      b.register("title").set("wrong"),
    );
    if (forged === undefined) throw new Error("no change");
    const bytes = encodeRecord(place.stream, place.position, deps, { kind: "change", change: forged.bytes });
    await new Promise<void>((resolve) => storage.commit([{ key: rowKey, value: bytes }], () => resolve()));
  }
  await storage.close();
}
