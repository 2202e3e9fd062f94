/**
 * A follower that stands still holds up nobody, and costs its master no more memory than the queue of its link may have
 * (I10): what it has not taken stands in the log, from which it goes on.
 */

import { LIMITS } from "@syncline/protocol";
import { afterEach, expect, test } from "vitest";
import { type Server, Servers, until } from "./server.js";
import { wired } from "./wired.js";

const FOLLOWER = ["--role", "follower"];
const WRITE_BYTES = 100_000;
const WRITES = 400;

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

const held = async (server: Server): Promise<number> =>
  (await server.status()).streams.reduce(
    (sum: number, stream: { durable: number }) => sum + stream.durable,
    0,
  );

test("forty megabytes for a follower that is stopped: the other one has them, its own wait in the log", async () => {
  const [{ m1, f1, f2 }] = await wired(servers, {
    m1: {},
    f1: { follow: ["m1"], flags: FOLLOWER },
    f2: { follow: ["m1"], flags: FOLLOWER },
  });
  for (const server of [m1, f1, f2]) await server.start();
  const value = "x".repeat(WRITE_BYTES);
  const write = () => m1.post("/v1/docs/large/one", [{ field: "text", op: "set", value }]);
  for (let i = 0; i < 20; i++) expect((await write()).status).toBe(200);
  const before = await held(m1);
  for (const follower of [f1, f2]) await until("it follows", async () => (await held(follower)) === before);

  f1.signal("SIGSTOP");
  // Looked at all along: once the stopped one has been silent for `silentMs`, its link is gone and with it the queue.
  const waits: { readonly records: number; readonly queuedBytes: number }[] = [];
  for (let i = 1; i <= WRITES; i++) {
    expect((await write()).status).toBe(200);
    if (i % 10 > 0) continue;
    const stopped = (await m1.status()).nodes.find(({ node }: { node: string }) => node === "f1");
    const records = stopped.lag.durable?.records;
    if (records !== undefined) waits.push({ records, queuedBytes: stopped.queuedBytes });
  }
  const after = await held(m1);
  await until("the other follower has everything", async () => (await held(f2)) === after);
  const queuedMax = LIMITS.sendQueuePauseBytes + LIMITS.batchBytes + 2 * WRITE_BYTES;
  const most = Math.max(...waits.map(({ queuedBytes }) => queuedBytes));
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(queuedMax);
  // What it lacked was far more than what waited for it in memory.
  expect(Math.max(...waits.map(({ records }) => records * WRITE_BYTES))).toBeGreaterThan(4 * queuedMax);

  f1.signal("SIGCONT");
  await until("it has everything, from the log", async () => (await held(f1)) === after);
});
