/**
 * Retirement between real servers: a master dies with something that only one follower has; another master retires it, and
 * everybody has that. The dead one comes back with a tail that nobody had: it is told, joins as new, and hands the tail in.
 */
import { afterEach, expect, test } from "vitest";
import { logs, type Server, Servers, until } from "./server.js";
import { wired } from "./wired.js";

const BOARD = "/v1/docs/boards/a";
const FOLLOWER = ["--role", "follower"];

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

const tags = async (server: Server): Promise<string[]> => {
  const answer = await server.get(BOARD);
  if (answer.status === 404) return [];
  return [...((await answer.json()) as { value: { tags: string[] } }).value.tags].sort();
};

async function tag(server: Server, value: string): Promise<string> {
  const answer = await server.post(BOARD, [{ field: "tags", op: "add", value }]);
  const body = (await answer.json()) as { outcome?: string; error?: { code: string } };
  return body.outcome ?? body.error?.code ?? "";
}

// biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the tests look at.
async function retire(server: Server, query: string): Promise<any> {
  return await (await server.post(`/v1/retire?${query}`, {})).json();
}

const members = async (server: Server): Promise<string[]> =>
  ((await server.status()).nodes as { node: string }[]).map(({ node }) => node);

const shows = (server: Server, ...values: string[]) =>
  until(
    `${server.name} shows ${values}`,
    async () => (await tags(server)).join() === [...values].sort().join(),
  );

test("a dead master is retired with uneven survivors; it returns, and nothing that it had said to be durable is lost (I7, I9)", async () => {
  const [{ m1, m2, m3, f1 }, wire] = await wired(servers, {
    m1: { follow: ["m2", "m3"] },
    m2: { follow: ["m1", "m3"] },
    m3: { follow: ["m1", "m2"] },
    f1: { follow: ["m3", "m1"], flags: FOLLOWER },
  });
  const all = [m1, m2, m3, f1];
  for (const server of all) await server.start();
  await until("m1 knows all", async () => (await members(m1)).length === 4);
  expect(await tag(m3, "everywhere")).toBe("committed");
  for (const server of all) await shows(server, "everywhere");

  const alive = await retire(m1, "node=m3&timeoutMs=500");
  expect(alive.error).toMatchObject({ code: "RETIREMENT_WOULD_LOSE" });
  expect((await retire(m1, "node=nobody")).error).toMatchObject({ code: "NOT_FOUND" });
  expect((await retire(f1, "node=m3")).error).toMatchObject({ code: "READ_ONLY_FOLLOWER" });

  // m3 and f1 lose sight of the others, and then of each other.
  for (const [from, to] of [
    ["m1", "m3"],
    ["m2", "m3"],
    ["m3", "m1"],
    ["m3", "m2"],
    ["f1", "m1"],
  ] as const)
    wire(from, to).cut();
  expect(await tag(m3, "at f1")).toBe("committed");
  await shows(f1, "at f1", "everywhere");
  wire("f1", "m3").cut();
  expect(await tag(m3, "nowhere else")).toBe("committed");
  await m3.kill();
  // Without f1 it is no majority, two of four; nor are those who are there told anything else meanwhile.
  // Long enough for m2 to be heard on a machine that is slow.
  const refused = await retire(m1, "node=m3&timeoutMs=3000");
  expect(refused.error).toMatchObject({ code: "RETIREMENT_WOULD_LOSE" });
  expect(refused.error.message).toMatch(/only 2 of 4 members are heard/);

  wire("f1", "m1").mend();
  await until("m3 is retired", async () => {
    const { node, by, doubts } = await retire(m1, "node=m3&timeoutMs=30000");
    return node === "m3" && by === "m1" && doubts.length === 0;
  });
  for (const server of [m1, m2, f1]) {
    await shows(server, "at f1", "everywhere");
    await until(`${server.name} goes on without it`, async () => !(await members(server)).includes("m3"));
  }
  expect(await tag(m2, "meanwhile")).toBe("committed");

  for (const [from, to] of [
    ["m1", "m3"],
    ["m2", "m3"],
    ["m3", "m1"],
    ["m3", "m2"],
    ["f1", "m3"],
  ] as const)
    wire(from, to).mend();
  await m3.start();
  for (const server of all) {
    await shows(server, "at f1", "everywhere", "meanwhile", "nowhere else");
    await until(`${server.name} knows it again`, async () => (await members(server)).includes("m3"));
  }
  await logs(m3, "node-retired");
  await until("m3 takes writes", async () => (await tag(m3, "after")) === "committed");
  // It and everybody else remember it.
  for (const server of all) {
    await server.kill();
    await server.start();
  }
  for (const server of all) await shows(server, "after", "at f1", "everywhere", "meanwhile", "nowhere else");
});
