/**
 * Snapshots between real servers: a node that comes when the beginning of the log is gone gets all documents while others
 * write, over a wire that breaks, and is killed in the middle of it (I2, I4, I7).
 */
import { afterEach, expect, onTestFinished, test } from "vitest";
import { logs, type Server, Servers, until } from "./server.js";
import { Wire } from "./wire.js";

const DOCUMENTS = 200;
const KEEP = ["--retention-records", "50"];

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

const add = async (server: Server, key: string, value: string): Promise<void> => {
  const answer = await server.post(`/v1/docs/notes/${key}`, [{ field: "lines", op: "add", value }]);
  expect(answer.status).toBe(200);
  await answer.text();
};

const lines = async (server: Server, key: string): Promise<string[]> => {
  const answer = await server.get(`/v1/docs/notes/${key}`);
  if (answer.status === 404) return [];
  const { value } = (await answer.json()) as { value: { lines: string[] } };
  return [...value.lines].sort();
};

const logged = (server: Server, event: string): number =>
  server.log.filter((line) => line.includes(`"${event}"`)).length;

async function fill(server: Server): Promise<void> {
  const text = "x".repeat(2_000);
  for (let from = 0; from < DOCUMENTS; from += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => add(server, `n${from + i}`, `${from + i} ${text}`)),
    );
  }
  // What a lone master has on its disk is safe, so it need not be kept as records.
  await until("the log has been let go", async () => (await server.status()).retained.records < 150);
}

async function sameDocuments(a: Server, b: Server): Promise<void> {
  for (let i = 0; i < DOCUMENTS; i += 7) expect(await lines(b, `n${i}`)).toEqual(await lines(a, `n${i}`));
}

test("a follower that comes late gets a snapshot while others write; wires break and it is killed", async () => {
  const m1 = servers.server("m1", ...KEEP);
  await m1.start();
  await fill(m1);
  const wire = new Wire();
  await wire.open(() => m1.port);
  onTestFinished(() => wire.close());
  const f1 = servers.server("f1", "--role", "follower", "--follow", wire.url);
  let isOver = false;
  let written = 0;
  const writing = (async () => {
    while (!isOver) await add(m1, "n0", `later ${written++}`);
  })();
  await f1.start();
  await until("a snapshot has begun", () => logged(f1, "snapshot-receiving") > 0);
  wire.cut();
  wire.mend();
  // Unless it was complete by then.
  const begun = () => logged(f1, "snapshot-resumed") + logged(f1, "snapshot-receiving");
  await until("it goes on", () => begun() > 1 || logged(f1, "snapshot-received") > 0);
  await f1.kill();
  await f1.start();
  await until("all is there", async () => (await lines(f1, `n${DOCUMENTS - 1}`)).length === 1);
  isOver = true;
  await writing;
  await until("it has caught up", async () => (await lines(f1, "n0")).length === written + 1);
  await sameDocuments(m1, f1);
  // And what it has is on its disk.
  await f1.kill();
  await f1.start();
  await sameDocuments(m1, f1);
});

test("a master that was away while its position went is lost, and comes back with what it alone had", async () => {
  const m1 = servers.server("m1", ...KEEP);
  const m2 = servers.server("m2", ...KEEP);
  const m3 = servers.server("m3", ...KEEP);
  await m1.start();
  await m2.start(["--follow", m1.url]);
  await m3.start(["--follow", m1.url, "--follow", m2.url]);
  await m1.kill();
  await m1.start(["--follow", m2.url, "--follow", m3.url]);
  await add(m1, "n0", "first");
  await until("m3 has it", async () => (await lines(m3, "n0")).length === 1);
  // Who has never heard how far m3 was does not know either that it is lost.
  await until("m1 has heard so", async () =>
    (await m1.status()).nodes.some(
      ({ node, lag }: { node: string; lag: { durable: { records: number } | null } }) =>
        node === "m3" && lag.durable?.records === 0,
    ),
  );
  await m3.kill();
  // It writes alone: nobody can be reached.
  await m3.start([]);
  await add(m3, "alone", "only here");
  await m3.kill();
  await fill(m1);
  await until("m3 is lost", async () =>
    (await m1.status()).nodes.some(
      ({ node, slot }: { node: string; slot: string }) => node === "m3" && slot === "lost",
    ),
  );
  await m3.start(["--follow", m1.url, "--follow", m2.url]);
  await until("m3 has all", async () => (await lines(m3, `n${DOCUMENTS - 1}`)).length === 1);
  await logs(m3, '"snapshot-received"');
  expect(await lines(m3, "alone")).toEqual(["only here"]);
  await until("m1 has what m3 had", async () => (await lines(m1, "alone")).length === 1);
  await sameDocuments(m1, m3);
});
