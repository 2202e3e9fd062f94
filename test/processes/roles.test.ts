/**
 * Roles that change between real servers: a follower is promoted only when nothing committed can be left behind, a master
 * that returns is listened to, a master steps down under load without losing a write, and all nodes are started again, one
 * after the other, without a reader being turned away (I7).
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { connect, counter, defineSchema } from "@syncline/client";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { logs, type Server, Servers, until } from "./server.js";
import { wired } from "./wired.js";

const schema = defineSchema({ boards: { votes: counter() } });
const BOARD = "/v1/docs/boards/a";
const FOLLOWER = ["--role", "follower"];

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

const votes = async (server: Server): Promise<number> => {
  const answer = await server.get(BOARD);
  if (answer.status === 404) return 0;
  return ((await answer.json()) as { value: { votes: number } }).value.votes;
};

async function vote(server: Server): Promise<string> {
  const answer = await server.post(BOARD, [{ field: "votes", op: "increment" }]);
  const body = (await answer.json()) as { outcome?: string; error?: { code: string } };
  return body.outcome ?? body.error?.code ?? "";
}

// biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the tests look at.
async function change(server: Server, path: string): Promise<any> {
  return await (await server.post(path, {})).json();
}

const hears =
  (server: Server, ...names: string[]) =>
  async () => {
    const { nodes } = await server.status();
    return names.every((name) =>
      nodes.some((node: { node: string; state: string }) => node.node === name && node.state === "connected"),
    );
  };

test("a lagging follower is not promoted while the best holder is out of reach, and is once it is back; the old master returns (I7)", async () => {
  const flags = FOLLOWER;
  const [{ m1, f1, f2, f3 }, wire] = await wired(servers, {
    m1: { flags: ["--sync", "ANY 2 (f1,f2,f3)"] },
    f1: { follow: ["m1"], flags },
    f2: { follow: ["m1", "f1"], flags },
    f3: { follow: ["m1", "f2"], flags },
  });
  const all = [m1, f1, f2, f3];
  for (const server of all) await server.start();
  await until("m1 hears all", hears(m1, "f1", "f2", "f3"));
  expect(await vote(m1)).toBe("committed");
  await until("f3 has it", async () => (await votes(f3)) === 1);
  // f3 misses the next one.
  for (const upstream of ["m1", "f2"] as const) wire("f3", upstream).cut();
  expect(await vote(m1)).toBe("committed");
  await m1.kill();
  const refused = await change(f3, "/v1/promote?timeoutMs=500");
  expect(refused.error).toMatchObject({ code: "PROMOTION_WOULD_LOSE" });
  expect(refused.error.message).toMatch(
    /the stream of m1 \(ANY 2 \(f1,f2,f3\).*\) is here up to \d+, and m1, f1, f2 may have more/,
  );
  expect(await vote(f3)).toBe("READ_ONLY_FOLLOWER");

  wire("f3", "f2").mend();
  await until(
    "f3 is promoted",
    async () => (await change(f3, "/v1/promote?timeoutMs=5000")).role === "master",
  );
  await until("it shows what was committed", async () => (await votes(f3)) === 2);
  expect(await vote(f3)).toBe("committed");

  wire("f3", "m1").mend();
  await m1.start();
  for (const server of all)
    await until(`${server.name} shows all three`, async () => (await votes(server)) === 3);
  expect(await vote(m1)).toBe("committed");
  for (const server of all)
    await until(`${server.name} shows all four`, async () => (await votes(server)) === 4);
  // It stays a master, whatever it is started with.
  await f3.kill();
  await f3.start();
  await until("f3 takes writes", async () => (await vote(f3)) === "committed");
});

test("with one master, a promotion moves writing under load: the old one refuses, and nothing is lost or counted twice", async () => {
  const single = ["--topology", "single-master"];
  const [{ m1, f1 }, wire] = await wired(servers, {
    m1: { follow: ["f1"], reachedBy: "f1", flags: single },
    f1: { follow: ["m1"], reachedBy: "m1", flags: [...single, ...FOLLOWER] },
  });
  await m1.start();
  await f1.start();
  await until("they hear each other", hears(m1, "f1"));
  const db = connect([m1.url, f1.url], { schema });
  onTestFinished(() => db.close());
  const board = db.open("boards", "a");
  await board.ready;
  const receipts: Promise<{ outcome: string }>[] = [];
  const write = () =>
    receipts.push(
      board.transact((b) => b.votes.increment()).acknowledged({ timeoutMs: Number.POSITIVE_INFINITY }),
    );
  for (let i = 0; i < 200; i++) write();
  const promoted = change(f1, "/v1/promote?timeoutMs=60000");
  for (let i = 0; i < 200; i++) write();
  expect(await promoted).toMatchObject({ node: "f1", role: "master" });
  for (let i = 0; i < 200; i++) write();
  for (const receipt of receipts) expect((await receipt).outcome).toBe("committed");
  await until("m1 steps down", async () => (await m1.status()).role === "follower");
  expect(await vote(m1)).toBe("READ_ONLY_FOLLOWER");
  for (const server of [m1, f1])
    await until(`${server.name} shows all`, async () => (await votes(server)) === 600);

  // Cut off, it comes back as what it was promoted to, whatever its flags say; the other one learns of nothing meanwhile.
  wire("f1", "m1").cut();
  wire("m1", "f1").cut();
  expect((await change(m1, "/v1/promote?force=true&timeoutMs=500")).role).toBe("master");
  expect([await vote(m1), await vote(f1)]).toEqual(["committed", "committed"]);
  await f1.kill();
  await f1.start();
  expect(await vote(f1)).toBe("committed");
  wire("f1", "m1").mend();
  wire("m1", "f1").mend();
  await until("f1 steps down", async () => (await f1.status()).role === "follower");
  expect(await vote(f1)).toBe("READ_ONLY_FOLLOWER");
  for (const server of [m1, f1])
    await until(`${server.name} shows all`, async () => (await votes(server)) === 603);
  expect((await m1.status()).writer).toBe("m1");
  // What f1 took meanwhile is told on both, with the same id.
  interface Told {
    readonly type: string;
    readonly winner: { readonly kind?: string };
  }
  const told = async (server: Server): Promise<Told[]> =>
    ((await (await server.get("/v1/conflicts")).json()) as { conflicts: Told[] }).conflicts.filter(
      ({ type, winner }) => type === "late_merge" && winner.kind === "promotion",
    );
  for (const server of [m1, f1])
    await until(`${server.name} tells of it`, async () => (await told(server)).length > 0);
  await until("both tell the same", async () => isDeepStrictEqual(await told(m1), await told(f1)));
  expect((await told(f1)).at(-1)).toMatchObject({ document: "boards/a", field: "" });
});

test("a master steps down while its clients write: nothing is lost or counted twice, and its readers stay (I7, I9)", async () => {
  const [{ m1, m2 }] = await wired(servers, { m1: { follow: ["m2"] }, m2: { follow: ["m1"] } });
  await m1.start();
  await m2.start();
  await until("they hear each other", hears(m1, "m2"));
  const db = connect([m1.url, m2.url], { schema });
  onTestFinished(() => db.close());
  const board = db.open("boards", "a");
  await board.ready;
  const receipts: Promise<{ outcome: string }>[] = [];
  const write = () =>
    receipts.push(
      board.transact((b) => b.votes.increment()).acknowledged({ timeoutMs: Number.POSITIVE_INFINITY }),
    );
  for (let i = 0; i < 200; i++) write();
  const demoted = change(m1, "/v1/demote?timeoutMs=60000");
  for (let i = 0; i < 200; i++) write();
  expect(await demoted).toEqual({ node: "m1", role: "follower", doubts: [] });
  for (let i = 0; i < 200; i++) write();
  for (const receipt of receipts) expect((await receipt).outcome).toBe("committed");
  for (const server of [m1, m2])
    await until(`${server.name} shows all`, async () => (await votes(server)) === 600);
  expect(await vote(m1)).toBe("READ_ONLY_FOLLOWER");
  await until("m2 knows that it is alone", async () =>
    (await m2.status()).nodes.some(
      ({ node, role }: { node: string; role: string }) => node === "m1" && role === "follower",
    ),
  );
  const refused = await change(m2, "/v1/demote?timeoutMs=200");
  expect(refused.error).toMatchObject({ code: "LAST_MASTER" });
});

test("all nodes are started again, one after the other: no read is refused, and no write is lost", async () => {
  const [nodes] = await wired(servers, {
    m1: { follow: ["m2"] },
    m2: { follow: ["m1"] },
    f1: { follow: ["m1", "m2"], flags: FOLLOWER },
  });
  const all = Object.values(nodes);
  for (const server of all) await server.start();
  await until("they hear each other", hears(nodes.f1, "m1", "m2"));
  const db = connect(
    all.slice(0, 2).map(({ url }) => url),
    { schema },
  );
  onTestFinished(() => db.close());
  const board = db.open("boards", "a");
  await board.ready;
  let written = 0;
  const receipts: Promise<{ outcome: string }>[] = [];
  for (const restarted of all) {
    const others = all.filter((server) => server !== restarted);
    const down = restarted.stop();
    let isUp = false;
    const up = down.then(() => restarted.start()).then(() => (isUp = true));
    while (!isUp) {
      receipts.push(
        board.transact((b) => b.votes.increment()).acknowledged({ timeoutMs: Number.POSITIVE_INFINITY }),
      );
      written += 1;
      for (const server of others) expect((await server.get("/v1/docs/boards")).status).toBe(200);
    }
    await up;
    await until(`${restarted.name} is ready`, async () => (await restarted.get("/readyz")).status === 200);
  }
  for (const receipt of receipts) expect((await receipt).outcome).toBe("committed");
  for (const server of all)
    await until(`${server.name} shows all`, async () => (await votes(server)) === written);
});

test("one data folder runs twice: it is told by name, both are followed, and nothing of either is lost (I1)", async () => {
  const [{ m1, m2, copy }] = await wired(servers, {
    m1: { follow: ["m2"] },
    m2: { follow: ["m1", "copy"] },
    // The last name that is given counts.
    copy: { follow: ["m2"], flags: ["--name", "m1"] },
  });
  await m1.start();
  await m2.start();
  const tag = async (server: Server, value: string): Promise<void> => {
    const answer = await server.post(BOARD, [{ field: "tags", op: "add", value }]);
    expect(answer.status, value).toBe(200);
  };
  const tags = async (server: Server): Promise<string[]> => {
    const answer = await server.get(BOARD);
    if (answer.status === 404) return [];
    return ((await answer.json()) as { value: { tags: string[] } }).value.tags.sort();
  };
  await tag(m1, "before");
  await until("m2 has it", async () => (await tags(m2)).length === 1);
  await m1.stop();
  cpSync(join(servers.folder, "m1"), join(servers.folder, "copy"), { recursive: true });
  await m1.start();
  await copy.start();
  await tag(m1, "of m1");
  await tag(copy, "of the copy");
  await until("m2 has both", async () => (await tags(m2)).length === 3);
  await until("m2 tells of it", async () => {
    const { nodes } = await m2.status();
    return nodes.some((one: { node: string; isContested: boolean }) => one.node === "m1" && one.isContested);
  });
  await logs(m2, "name-taken-twice");
  await copy.stop();
  for (const server of [m1, m2])
    await until(`${server.name} has all`, async () => (await tags(server)).length === 3);
  expect(await tags(m1)).toEqual(["before", "of m1", "of the copy"]);
});
