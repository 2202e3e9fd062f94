/**
 * What goes wrong between real servers, one story each: too few followers, a frozen one, a master that dies before or
 * after its quorum, an impostor, broken rings and chains, a master that dies under a write, a clock a day ahead, a disk
 * without room, a token that nobody can honour. None loses a committed write or leaves two nodes apart, and each has a clear word for the caller.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, counter, defineSchema } from "@syncline/client";
import { decodeToken, encodeToken } from "@syncline/protocol";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { logs, type Server, Servers, until } from "./server.js";
import { wired } from "./wired.js";

const schema = defineSchema({ boards: { votes: counter() } });
const BOARD = "/v1/docs/boards/a";
const VOTE = [{ field: "votes", op: "increment" }];

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

const FOLLOWER = ["--role", "follower"];

const read = async (server: Server): Promise<unknown> => {
  const answer = await server.get(BOARD);
  return answer.status === 404 ? undefined : ((await answer.json()) as { value: unknown }).value;
};

const shows = (server: Server, votes: number) => async () =>
  JSON.stringify(await read(server)) === JSON.stringify({ votes });

// biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the tests look at.
async function vote(server: Server, query = ""): Promise<{ status: number; body: any }> {
  const answer = await server.post(`${BOARD}${query}`, VOTE);
  return { status: answer.status, body: await answer.json() };
}

/** The master sees this node among those that it hears. */
const hears =
  (server: Server, ...names: string[]) =>
  async () => {
    const { nodes } = await server.status();
    return names.every((name) =>
      nodes.some((node: { node: string; state: string }) => node.node === name && node.state === "connected"),
    );
  };

function opened(urls: string[]) {
  const db = connect(urls, { schema });
  onTestFinished(() => db.close());
  return db;
}

test("fewer followers than the quorum wants: unconfirmed, shown to nobody, committed by itself once they are there (I6)", async () => {
  const [{ m1, f1, f2 }] = await wired(servers, {
    m1: { flags: ["--sync", "ANY 2 (f1,f2)"] },
    f1: { follow: ["m1"], flags: FOLLOWER },
    f2: { follow: ["m1"], flags: FOLLOWER },
  });
  await m1.start();
  await f1.start();
  await until("m1 hears f1", hears(m1, "f1"));
  const waited = await vote(m1, "?timeoutMs=500");
  expect([waited.status, waited.body.outcome]).toEqual([202, "unconfirmed"]);
  // Who would rather not wait is told so at once, and nothing of his is anywhere.
  const hurried = await vote(m1, "?failFast=true");
  expect([hurried.status, hurried.body.error.code]).toEqual([503, "WRITE_CONCERN_UNSATISFIABLE"]);
  expect([await read(m1), await read(f1)]).toEqual([undefined, undefined]);
  await f2.start();
  for (const node of [m1, f1, f2]) await until(`${node.name} shows one vote`, shows(node, 1));
});

test("a follower that is frozen in the middle of a synchronous write: the caller is told, and the write is committed when it thaws (I6)", async () => {
  const [{ m1, f1 }] = await wired(servers, {
    m1: { flags: ["--sync", "ANY 1 (f1)"] },
    f1: { follow: ["m1"], flags: FOLLOWER },
  });
  await m1.start();
  await f1.start();
  await until("m1 hears f1", hears(m1, "f1"));
  f1.signal("SIGSTOP");
  const board = opened([m1.url]).open("boards", "a");
  const write = board.transact((b) => b.votes.increment());
  const early = await write.acknowledged({ timeoutMs: 500 });
  expect(early.outcome).toBe("unconfirmed");
  expect(await read(m1)).toBeUndefined();
  f1.signal("SIGCONT");
  const receipt = await write.acknowledged({ timeoutMs: Number.POSITIVE_INFINITY });
  expect(receipt.outcome).toBe("committed");
  expect(receipt.nodes).toContain("f1");
  await until("f1 shows it", shows(f1, 1));
});

test("SIGKILL of a master before its quorum has a write, and after it (I7)", async () => {
  const [{ m1, f1, m2 }] = await wired(servers, {
    m1: { follow: ["m2"], flags: ["--sync", "ANY 1 (f1)"] },
    m2: { follow: ["m1"] },
    f1: { follow: ["m1", "m2"], flags: FOLLOWER },
  });
  await m1.start();
  await m2.start();
  await f1.start();
  await until("they hear each other", hears(m1, "f1", "m2"));
  expect((await vote(m1)).body.outcome).toBe("committed");
  await m1.kill();
  // Its commit does not die with it.
  for (const node of [f1, m2]) await until(`${node.name} shows the first`, shows(node, 1));
  await f1.kill();
  await m1.start();
  await until("m1 shows what it knows to be committed, or hears it again from m2", shows(m1, 1));
  expect((await vote(m1, "?timeoutMs=300")).body.outcome).toBe("unconfirmed");
  await m1.kill();
  await m1.start();
  await until("m1 and m2 hear each other", hears(m1, "m2"));
  // Killed before the quorum: it is kept, and nobody sees it.
  expect([await read(m1), await read(m2)]).toEqual([{ votes: 1 }, { votes: 1 }]);
  await f1.start();
  for (const node of [m1, m2, f1]) await until(`${node.name} shows both`, shows(node, 2));
});

test("SIGTERM while a writer waits for a quorum: he is told the truth, the server ends, and the write is there afterwards (I6)", async () => {
  const [{ m1, f1 }] = await wired(servers, {
    m1: { flags: ["--sync", "ANY 1 (f1)"] },
    f1: { follow: ["m1"], flags: FOLLOWER },
  });
  await m1.start();
  const waiting = vote(m1, "?timeoutMs=30000");
  await until("the write is taken", async () => (await m1.status()).streams[0].durable > 1);
  expect(await m1.stop()).toBe(0);
  expect(await waiting).toMatchObject({ status: 202, body: { outcome: "unconfirmed", nodes: ["m1"] } });
  await m1.start();
  await f1.start();
  for (const node of [m1, f1]) await until(`${node.name} shows it`, shows(node, 1));
});

test("a node that takes the name of a follower, and cannot prove the cluster's secret, counts for nothing (I6)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "syncline-secrets-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const secretFile = (name: string, secret: string) => {
    writeFileSync(join(folder, name), secret);
    return ["--cluster-secret-file", join(folder, name)];
  };
  const ours = secretFile("ours", "the secret of this cluster");
  const [{ m1, f1 }] = await wired(servers, {
    m1: { flags: ["--sync", "ANY 1 (f1)", ...ours] },
    f1: { follow: ["m1"], flags: [...FOLLOWER, ...ours] },
  });
  await m1.start();
  for (const secret of [[], secretFile("another", "some other secret, guessed")]) {
    const impostor = new Servers();
    const liar = impostor.server("f1", "--follow", m1.url, "--role", "follower", ...secret);
    await liar.start();
    expect((await vote(m1, "?timeoutMs=1000")).body).toMatchObject({ outcome: "unconfirmed", nodes: ["m1"] });
    expect((await m1.status()).nodes.map(({ node }: { node: string }) => node)).toEqual(["m1"]);
    expect(await read(liar)).toBeUndefined();
    await impostor.end();
  }
  await f1.start();
  for (const node of [m1, f1]) await until(`${node.name} shows both`, shows(node, 2));
});

test("a ring with a broken link goes the other way round; a chain with one catches up when it is mended (I2, I5)", async () => {
  const [nodes, wire] = await wired(servers, {
    m1: { follow: ["m3"] },
    m2: { follow: ["m1"] },
    m3: { follow: ["m2"] },
    f1: { follow: ["m1"], flags: FOLLOWER },
    f2: { follow: ["f1"], flags: FOLLOWER },
  });
  const { m1, m2, m3, f1, f2 } = nodes;
  for (const node of Object.values(nodes)) await node.start();
  expect((await vote(m2)).status).toBe(200);
  for (const node of Object.values(nodes)) await until(`${node.name} shows one vote`, shows(node, 1));
  wire("m2", "m1").cut();
  wire("f2", "f1").cut();
  for (const master of [m1, m2, m3]) expect((await vote(master)).status).toBe(200);
  for (const node of [m1, m2, m3, f1]) await until(`${node.name} shows four`, shows(node, 4));
  expect(await read(f2)).toEqual({ votes: 1 });
  wire("f2", "f1").mend();
  await until("f2 shows four", shows(f2, 4));
});

test("a master dies with a client's write under way: it is counted once, at the other master and after the first comes back (I2)", async () => {
  const [{ m1, m2 }] = await wired(servers, { m1: { follow: ["m2"] }, m2: { follow: ["m1"] } });
  await m1.start();
  await m2.start();
  await until("they hear each other", hears(m1, "m2"));
  const board = opened([m1.url, m2.url]).open("boards", "a");
  await board.ready;
  // It has the bytes, and says nothing any more: nobody but itself knows whether it took them.
  m1.signal("SIGSTOP");
  const write = board.transact((b) => b.votes.increment());
  await m1.kill();
  expect((await write.acknowledged({ timeoutMs: Number.POSITIVE_INFINITY })).outcome).toBe("committed");
  await until("m2 shows it", shows(m2, 1));
  await m1.start();
  await until("m1 shows it", shows(m1, 1));
  expect(await read(m2)).toEqual({ votes: 1 });
  expect(board.votes.value).toBe(1);
});

test("a master whose clock is a day ahead takes no writes, by name and code; its disk and its readers go on (I8)", async () => {
  const [{ m1, m2, f1 }] = await wired(servers, {
    m1: { follow: ["m2"] },
    m2: { follow: ["m1"] },
    f1: { follow: ["m1", "m2"], flags: FOLLOWER },
  });
  m2.skewMs = 86_400_000;
  for (const node of [m1, m2, f1]) await node.start();
  await until("they hear each other", hears(m2, "m1", "f1"));
  const refused = await vote(m2);
  expect([refused.status, refused.body.error.code]).toEqual([503, "NODE_CLOCK_AHEAD"]);
  expect(refused.body.error.masters).toContain(m1.url);
  expect((await m2.status()).clockAheadMs).toBeGreaterThan(86_000_000);
  await logs(m2, '"event":"clock-ahead"');
  expect((await vote(m1)).status).toBe(200);
  for (const node of [m1, m2, f1]) await until(`${node.name} shows it`, shows(node, 1));
  await m2.stop();
  m2.skewMs = 0;
  await m2.start();
  await until("m2 hears m1", hears(m2, "m1"));
  expect((await vote(m2)).status).toBe(200);
  for (const node of [m1, m2, f1]) await until(`${node.name} shows both`, shows(node, 2));
});

test("a token that names what no node has: refused when the wait is over, by its code (I8)", async () => {
  const [{ m1, other }] = await wired(servers, { m1: {}, other: {} });
  await m1.start();
  await other.start();
  const { body } = await vote(other);
  const answer = await m1.get(`${BOARD}?timeoutMs=300`, { "Syncline-Token": body.token });
  expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([
    504,
    "CAUSAL_WAIT_TIMEOUT",
  ]);
  // Of its own stream m1 knows that nobody can have seen more: there is nothing to wait for.
  const own = decodeToken((await vote(m1)).body.token);
  if (!own.ok) throw new Error(own.fault.reason);
  const beyond = encodeToken(new Map([...own.value].map(([stream, position]) => [stream, position + 1_000])));
  const never = await m1.get(`${BOARD}?timeoutMs=30000`, { "Syncline-Token": beyond });
  expect([never.status, ((await never.json()) as { error: { code: string } }).error.code]).toEqual([
    400,
    "INVALID_TOKEN",
  ]);
});

/** A file system of a few megabytes; undefined, said loudly, where nobody may make one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "syncline-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]);
  if (mounted.status === 0) {
    onTestFinished(() => {
      spawnSync("umount", ["-l", folder]);
      rmSync(folder, { recursive: true, force: true });
    });
    return folder;
  }
  rmSync(folder, { recursive: true, force: true });
  console.warn("SKIPPED: a full disk needs the right to mount a tmpfs");
  return undefined;
}

test("a small disk that fills up: no acknowledgement, reads go on, and it recovers unaided (I7)", async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === undefined) return skip();
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, new Uint8Array(8 << 20));
  const m1 = servers.server("m1", "--data", join(disk, "data"));
  await m1.start();
  const big = (key: number) =>
    m1.post(`/v1/docs/big/${key}?timeoutMs=500`, [{ field: "value", op: "set", value: "x".repeat(200_000) }]);
  const acknowledged: number[] = [];
  let refused: { error?: { code: string } } | undefined;
  for (let key = 0; key < 200 && refused === undefined; key++) {
    const answer = await big(key);
    if (answer.status === 200) acknowledged.push(key);
    else if (answer.status !== 202) refused = (await answer.json()) as typeof refused;
  }
  expect(refused?.error?.code).toBe("STORAGE_FULL");
  expect(acknowledged.length).toBeGreaterThan(3);
  expect(await m1.status()).toMatchObject({ isDiskFull: true, state: "active" });
  expect((await m1.get(`/v1/docs/big/${acknowledged[0]}`)).status).toBe(200);
  await logs(m1, '"event":"storage-full"');
  rmSync(ballast);
  await until("it takes writes again", async () => (await big(1_000)).status === 200);
  await m1.kill();
  await m1.start();
  const { keys } = (await (await m1.get("/v1/docs/big")).json()) as { keys: string[] };
  expect(keys).toEqual(expect.arrayContaining([...acknowledged, 1_000].map(String)));
});

test("a start on a full disk: it says what to do, the first SIGTERM ends it, and with room it goes on unaided (I7)", async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === undefined) return skip();
  const m1 = servers.server("m1", "--data", join(disk, "data"));
  await m1.start();
  expect((await vote(m1)).status).toBe(200);
  await m1.stop();
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, new Uint8Array(17 << 20));
  const isFull = async () => {
    const answer = await m1.get("/readyz").catch(() => undefined);
    if (answer?.status !== 507) return false;
    expect(await answer.json()).toMatchObject({
      error: { code: "STORAGE_FULL", remedy: expect.stringContaining("Free some room") },
    });
    return true;
  };
  const cut = m1.start().catch((error: Error) => error.message);
  await until("it says that the disk is full", isFull);
  expect(await m1.stop()).toBe(0);
  expect(await cut).toContain("m1 ended with 0");
  const said = m1.log.flatMap((line) => (line.includes('"drain-timeout"') ? [JSON.parse(line)] : []));
  expect(said).toEqual([expect.objectContaining({ reason: "the disk is full" })]);
  expect(said[0].unwrittenBytes).toBeGreaterThan(0);

  const started = m1.start();
  await until("it says so again", isFull);
  rmSync(ballast);
  await started;
  expect(await read(m1)).toEqual({ votes: 1 });
  expect((await vote(m1)).status).toBe(200);
});
