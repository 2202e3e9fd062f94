import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, list, type Receipt } from "@syncline/client";
import { changeId, documentId } from "@syncline/core";
import {
  canonical,
  checkSessions,
  documentJson,
  drawMutations,
  mutateAs,
  SeededRandom,
} from "@syncline/simulation";
import { afterEach, expect, test } from "vitest";
import { Auditor } from "./changes.js";
import { Servers, until } from "./server.js";
import { HttpCaller, spansOfMarks, Watch } from "./watched.js";
import { Wire } from "./wire.js";

/**
 * Two masters, two followers and eight clients as real processes, sockets and disks: everybody writes for some
 * seconds while one master is killed and restarted and the wire between the masters is cut and mended. What is
 * shown at the end is held against the specification, and every acknowledged change must be there.
 */
const DOCUMENTS = ["a", "b", "c"].map((key) => ({ collection: "boards", key }));
const IDS = DOCUMENTS.map(documentId);
const WRITES_MIN = 300;
const READS_MIN = 100;

const servers = new Servers();
const wires: Wire[] = [];
const secrets = mkdtempSync(join(tmpdir(), "syncline-secret-"));

afterEach(async () => {
  await servers.end();
  await Promise.all(wires.map((wire) => wire.close()));
  rmSync(secrets, { recursive: true, force: true });
});

async function wire(far: () => number): Promise<Wire> {
  const opened = new Wire();
  await opened.open(far);
  wires.push(opened);
  return opened;
}

test("a master is killed, a link is cut, everybody writes: all agree on the right value, nothing acknowledged is lost", async () => {
  const secret = join(secrets, "secret");
  writeFileSync(secret, "a secret of the whole cluster, long enough to be one");
  const toM1 = await wire(() => m1.port);
  const toM2 = await wire(() => m2.port);
  const m1 = servers.server("m1", "--follow", toM2.url, "--cluster-secret-file", secret);
  const m2 = servers.server("m2", "--follow", toM1.url, "--cluster-secret-file", secret);
  await m1.start();
  await m2.start();
  const followerFlags = [
    "--role",
    "follower",
    "--follow",
    m1.url,
    "--follow",
    m2.url,
    "--cluster-secret-file",
    secret,
  ];
  const f1 = servers.server("f1", ...followerFlags);
  const f2 = servers.server("f2", ...followerFlags);
  await Promise.all([f1.start(), f2.start()]);

  const lists = [
    [m1.url, m2.url],
    [m2.url, m1.url],
    [m1.url, m2.url],
    [m2.url, m1.url],
    [f1.url, m1.url, m2.url],
    [f2.url, m2.url, m1.url],
    [m1.url, m2.url],
    [f1.url, m2.url],
  ];
  const random = new SeededRandom(20261123);
  const watch = new Watch();
  const clients = lists.map((urls, index) => {
    const db = connect(urls);
    const open = DOCUMENTS.map(({ collection, key }) => db.open(collection, key));
    return { db, open, random: random.fork(), session: watch.session(`c${index + 1}`) };
  });
  await Promise.all(clients.flatMap(({ open }) => open.map((document) => document.ready)));

  const auditor = await Auditor.open(f2.url, DOCUMENTS);
  const receipts: Promise<Receipt>[] = [];
  let written = 0;
  const writing = { on: true };
  const writers = clients.map(async (client) => {
    while (writing.on) {
      const document = client.random.integer(DOCUMENTS.length);
      const { change, marks } = client.session.writes(IDS[document] ?? "");
      const write = client.open[document]?.transact((draft) => {
        draft.set("marks").add(marks[0]);
        mutateAs(draft, draft.field("items", list()), drawMutations(client.random));
        draft.set("marks").add(marks[1]);
      });
      if (write === undefined) throw new Error("no document");
      written += 1;
      receipts.push(
        write.acknowledged({ level: "durable", timeoutMs: Number.POSITIVE_INFINITY }).then((receipt) => {
          client.session.told(change, receipt);
          watch.known.set(receipt.change ?? "", change);
          return receipt;
        }),
      );
      if (client.random.chance(0.02)) client.session.looks(client.open, IDS);
      await new Promise((resolve) => setTimeout(resolve, client.random.integer(12)));
    }
  });
  const callers = ["h1", "h2", "h3"].map(async (name) => {
    const caller = new HttpCaller(watch.session(name));
    const own = random.fork();
    while (writing.on) {
      const server = own.pick(servers.all);
      const id = own.pick(IDS);
      if (own.chance(0.2)) await caller.write(server, id);
      else await caller.read(server, id, own.chance(0.3) ? 400 : undefined);
      await new Promise((resolve) => setTimeout(resolve, own.integer(50)));
    }
  });
  const recorded = () => watch.recorder.recording("durable");
  const reads = () => recorded().events.filter((event) => event.did === "read").length;
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await wait(1_000);
  toM1.cut();
  await wait(1_000);
  await m1.kill();
  await wait(1_500);
  await m1.start();
  await wait(500);
  toM1.mend();
  await wait(1_500);
  // However busy the machine: some dozens of each, around every fault.
  await until("enough was written and read", () => written > WRITES_MIN && reads() > READS_MIN);
  writing.on = false;
  await Promise.all([...writers, ...callers]);

  const answers = await Promise.all(receipts);
  expect(answers.filter((answer) => answer.outcome !== "committed")).toEqual([]);

  const jsonOf = async (server: { get(path: string): Promise<Response> }, key: string) => {
    const response = await server.get(`/v1/docs/boards/${key}`);
    return response.ok ? ((await response.json()) as { value: unknown }).value : {};
  };
  await until("all nodes and clients show the same", async () => {
    for (const [index, { key }] of DOCUMENTS.entries()) {
      const shown = [
        ...(await Promise.all(servers.all.map((server) => jsonOf(server, key)))),
        ...clients.map(({ open }) => open[index]?.toJSON()),
      ].map(canonical);
      if (new Set(shown).size !== 1) return false;
    }
    return clients.every(({ db }) => db.status.pending === 0);
  });

  const acknowledged = answers.flatMap(({ change }) => (change === undefined ? [] : [change]));
  const must = (key: string) =>
    canonical(documentJson(auditor.changes.filter((change) => change.document.key === key)));
  await until("the auditor has heard of everything", async () => {
    if (auditor.failure !== undefined) throw auditor.failure;
    for (const { key } of DOCUMENTS) if (canonical(await jsonOf(f2, key)) !== must(key)) return false;
    return true;
  });
  // Each change is in what the specification makes of all of them, and that is what every node shows.
  const ids = auditor.changes.map(changeId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([]);
  for (const server of servers.all) {
    for (const { key } of DOCUMENTS) expect(canonical(await jsonOf(server, key))).toBe(must(key));
  }
  auditor.close();

  for (const { session, open } of clients) session.looks(open, IDS);
  for (const server of servers.all) {
    for (const event of server.log.flatMap(rescuedIn)) watch.rescued(event);
    const replica = watch.recorder.session(server.name);
    for (const { key } of DOCUMENTS) {
      const value = (await jsonOf(server, key)) as object;
      replica.saw(`boards/${key}`, spansOfMarks(value), { final: true });
    }
  }
  const recording = recorded();
  expect(checkSessions(recording, () => undefined).map(({ line }) => line)).toEqual([]);
  for (const { db } of clients) db.close();
});

/** The change that a line of a server's log says was rescued. */
function rescuedIn(line: string): string[] {
  if (!line.includes('"rescued"')) return [];
  return [(JSON.parse(line) as { change: string }).change];
}
