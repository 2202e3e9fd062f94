/**
 * Wrong clocks between real servers: what a master has won by one while nobody could tell it so is told on every node, with the
 * same id, and can be written again (REPLICATION 2.8, 2.9; decision 0071).
 */
import { afterEach, expect, test } from "vitest";
import { type Server, Servers, until } from "./server.js";
import { wired } from "./wired.js";

const BOARD = "/v1/docs/boards/a";
const DAY_MS = 86_400_000;

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

interface Told {
  readonly id: string;
  readonly type: string;
  readonly document: string;
  readonly field: string;
  readonly winner: { readonly value: unknown };
  readonly losers: readonly { readonly value: unknown }[];
}

const told = async (server: Server): Promise<Told[]> =>
  ((await (await server.get("/v1/conflicts")).json()) as { conflicts: Told[] }).conflicts;

const skews = async (server: Server): Promise<Told[]> =>
  (await told(server)).filter(({ type }) => type === "clock_skew");

const title = async (server: Server): Promise<unknown> => {
  const answer = await server.get(BOARD);
  if (!answer.ok) return undefined;
  return ((await answer.json()) as { value: { title?: unknown } }).value.title;
};

async function set(server: Server, value: string): Promise<void> {
  const answer = await server.post(BOARD, [{ field: "title", op: "set", value }]);
  expect(answer.status, await answer.text()).toBe(200);
}

const hears = (server: Server, name: string) => async () =>
  (await server.status()).nodes.some(
    (node: { node: string; state: string }) => node.node === name && node.state === "connected",
  );

test("a value that won by a clock a day ahead is told everywhere with one id, stays told after restarts, and its loser is written again", async () => {
  const [{ m1, m2, f1 }, wire] = await wired(servers, {
    m1: { follow: ["m2"], reachedBy: "m2" },
    m2: { follow: ["m1"], reachedBy: "m1" },
    f1: { follow: ["m1", "m2"], flags: ["--role", "follower"] },
  });
  const all = [m1, m2, f1];
  for (const server of all) await server.start();
  await until("they hear each other", hears(m1, "m2"));
  // Alone a node has nobody to tell it that its clock is wrong.
  const links = [wire("m1", "m2"), wire("m2", "m1"), wire("f1", "m2")];
  for (const link of links) link.cut();
  await m2.kill();
  m2.skewMs = DAY_MS;
  await m2.start();
  await set(m2, "of tomorrow");
  await set(m1, "of today");
  for (const link of links) link.mend();
  for (const server of all) {
    await until(`${server.name} shows the winner`, async () => (await title(server)) === "of tomorrow");
    await until(`${server.name} tells of it`, async () => (await skews(server)).length === 1);
  }
  const [conflict] = await skews(m1);
  expect(conflict).toMatchObject({
    document: "boards/a",
    field: "title",
    winner: { value: "of tomorrow" },
    losers: [{ value: "of today" }],
  });
  for (const server of all) {
    expect(await skews(server), server.name).toEqual([conflict]);
    expect((await told(server)).map(({ type }) => type).sort()).toEqual(["clock_skew", "concurrent_update"]);
  }

  await m2.kill();
  m2.skewMs = 0;
  await m2.start();
  await f1.kill();
  await f1.start();
  for (const server of all)
    await until(
      `${server.name} tells of it still`,
      async () => (await skews(server))[0]?.id === conflict?.id,
    );
  await until("m2 is heard again", hears(m1, "m2"));
  const restored = await m1.post(`/v1/conflicts/${conflict?.id}/restore`, {});
  expect(restored.status, await restored.text()).toBe(200);
  for (const server of all)
    await until(`${server.name} shows it`, async () => (await title(server)) === "of today");
});
