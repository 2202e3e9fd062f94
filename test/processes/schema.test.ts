/**
 * Schema changes between real servers: in conflict on both sides of a cut, against a hundred inserts, while a master joins
 * under load, and asked of who cannot do them. Everybody ends with the same schema, the same data and the same conflict
 * ids, and whoever is refused is told what to do (I5, I11).
 */
import { connect, counter, defineSchema, register } from "@syncline/client";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { type Server, Servers, until } from "./server.js";
import { wired } from "./wired.js";

const SCHEMA = "/v1/schema";
const FOLLOWER = ["--role", "follower"];

let servers = new Servers();

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

// biome-ignore-start lint/suspicious/noExplicitAny: the answers' shapes are what the tests look at.
async function alter(server: Server, ...statements: object[]): Promise<any> {
  const answer = await server.post(SCHEMA, statements);
  const body = (await answer.json()) as any;
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return body;
}

async function refused(server: Server, body: unknown): Promise<any> {
  const answer = await server.post(SCHEMA, body);
  return { status: answer.status, ...((await answer.json()) as any).error };
}

const json = async (server: Server, path: string): Promise<any> => await (await server.get(path)).json();
// biome-ignore-end lint/suspicious/noExplicitAny: the same

const write = async (server: Server, key: string, ...ops: object[]): Promise<number> =>
  (await server.post(`/v1/docs/${key}`, ops)).status;

const conflicts = async (server: Server): Promise<{ id: string; type: string; document: string }[]> =>
  (await json(server, "/v1/conflicts")).conflicts;

/** Waits until all tell the same of schema and conflicts, and it is as it should be. */
async function agree(all: Server[], holds: (server: Server) => Promise<boolean>): Promise<void> {
  for (const server of all) await until(`${server.name} has it`, () => holds(server));
  const told = async (server: Server) => [await json(server, SCHEMA), await conflicts(server)];
  const first = JSON.stringify(await told(all[0]!));
  for (const server of all)
    await until(`${server.name} tells the same`, async () => JSON.stringify(await told(server)) === first);
}

async function mastersAndFollower() {
  const [nodes, wire] = await wired(servers, {
    m1: { follow: ["m2"] },
    m2: { follow: ["m1"] },
    f1: { follow: ["m1", "m2"], flags: FOLLOWER },
  });
  const all = Object.values(nodes);
  for (const server of all) await server.start();
  const apart = (isCut: boolean): void => {
    // A link carries both ways, so the follower's to one of them goes too.
    for (const link of [wire("m1", "m2"), wire("m2", "m1"), wire("f1", "m2")]) {
      if (isCut) link.cut();
      else link.mend();
    }
  };
  return { ...nodes, all, apart };
}

const BOARDS = [
  { do: "create", collection: "boards" },
  { do: "add", collection: "boards", field: "votes", is: "counter" },
];
const VOTE = { field: "votes", op: "increment" };

test("definitions in conflict on both sides of a cut: both are kept, told alike, and resolved at either master", async () => {
  const { m1, m2, all, apart } = await mastersAndFollower();
  await until("they are connected", async () => (await m1.get("/readyz")).status === 200);
  apart(true);
  const add = (is: string) => [BOARDS[0]!, { do: "add", collection: "boards", field: "x", is }];
  await alter(m1, ...add("counter"));
  await alter(m2, ...add("set<string>"));
  expect(await write(m1, "boards/a", { field: "x", op: "increment" })).toBe(200);
  expect(await write(m2, "boards/a", { field: "x", op: "add", value: "e" })).toBe(200);
  apart(false);
  const value = async (server: Server) => JSON.stringify((await json(server, "/v1/docs/boards/a")).value);
  await agree(all, async (server) => (await value(server)) === '{"x":1,"x@set":["e"]}');
  for (const server of all)
    expect(await conflicts(server)).toMatchObject([{ type: "type_conflict", field: "boards.x" }]);
  await alter(m2, { do: "rename", collection: "boards", field: "x@set", to: "tags" });
  await agree(all, async (server) => (await value(server)) === '{"x":1,"tags":["e"]}');
  for (const server of all) expect(await conflicts(server)).toEqual([]);
});

test("a drop against a hundred inserts; a creation after it is empty; what was dropped comes back whole", async () => {
  const { m1, m2, all, apart } = await mastersAndFollower();
  await alter(m1, ...BOARDS);
  expect(await write(m1, "boards/before", VOTE)).toBe(200);
  await until("m2 has it", async () => (await m2.get("/v1/docs/boards/before")).status === 200);
  apart(true);
  await alter(m1, { do: "drop", collection: "boards" });
  for (let i = 0; i < 100; i++) expect(await write(m2, `boards/k${i}`, VOTE)).toBe(200);
  apart(false);
  const late = async (server: Server) =>
    (await conflicts(server)).filter(({ type }) => type === "write_to_dropped");
  await agree(all, async (server) => (await late(server)).length === 100);
  for (const server of all)
    expect((await late(server)).map(({ document }) => document)).not.toContain("boards/before");

  await alter(m2, ...BOARDS);
  await until("m1 has the new one", async () => (await json(m1, "/v1/docs/boards")).keys?.length === 0);
  await alter(m1, { do: "undrop", collection: "boards", as: "archive" });
  await agree(all, async (server) => (await json(server, "/v1/docs/archive")).keys?.length === 101);
  for (const server of all) {
    expect((await json(server, "/v1/docs/boards")).keys).toEqual([]);
    expect(await conflicts(server)).toEqual([]);
    expect((await json(server, "/v1/docs/archive/k99")).value).toEqual({ votes: 1 });
  }
});

test("a master joins while others write and change the schema: it has all of it, and changes it too", async () => {
  const [{ m1, m2, m3 }] = await wired(servers, {
    m1: { follow: ["m2", "m3"] },
    m2: { follow: ["m1", "m3"] },
    m3: { follow: ["m1", "m2"] },
  });
  for (const server of [m1, m2]) await server.start();
  await alter(m1, ...BOARDS);
  const db = connect([m1.url, m2.url], { schema: defineSchema({ boards: { votes: counter() } }) });
  onTestFinished(() => db.close());
  const board = db.open("boards", "load");
  await board.ready;
  let written = 0;
  const receipts: Promise<{ outcome: string }>[] = [];
  let isUp = false;
  const up = m3.start().then(() => (isUp = true));
  const more = async () => {
    receipts.push(
      board.transact((b) => b.votes.increment()).acknowledged({ timeoutMs: Number.POSITIVE_INFINITY }),
    );
    written += 1;
    if (written % 20 === 0)
      await alter(m2, { do: "add", collection: "boards", field: `f${written}`, is: "flag" });
    await receipts.at(-1);
  };
  while (!isUp || written < 100) await more();
  await up;
  await until("m3 has the collection", async () => (await json(m3, SCHEMA)).text?.includes("boards"));
  await alter(m3, { do: "add", collection: "boards", field: "late", is: "flag" });
  for (let i = 0; i < 20; i++) await more();
  for (const receipt of receipts) expect((await receipt).outcome).toBe("committed");
  await agree(
    [m1, m2, m3],
    async (server) =>
      (await json(server, "/v1/docs/boards/load")).value?.votes === written &&
      (await json(server, SCHEMA)).text.includes("late"),
  );
  expect((await json(m3, SCHEMA)).collections[0].fields).toHaveLength(2 + Math.floor(written / 20));
});

test("who cannot do it says why: a follower, a file with mistakes, a change of kind, a narrower type; nothing has changed", async () => {
  const { m1, m2, f1, all } = await mastersAndFollower();
  await alter(m1, ...BOARDS, { do: "add", collection: "boards", field: "title", is: "register<string>" });
  await until("f1 has it", async () => (await json(f1, SCHEMA)).text?.includes("title"));
  await until("m2 has it", async () => (await json(m2, SCHEMA)).text?.includes("title"));
  const before = await json(m1, SCHEMA);

  await until("f1 knows both masters", async () => {
    const nodes = (await f1.status()).nodes.filter(({ url }: { url: string }) => url !== "");
    return [m1, m2].every((master) => nodes.some(({ url }: { url: string }) => url === master.url));
  });
  const asked = await refused(f1, [{ do: "drop", collection: "boards" }]);
  expect(asked).toMatchObject({ status: 403, code: "READ_ONLY_FOLLOWER" });
  expect(asked.masters).toEqual(expect.arrayContaining([m1.url, m2.url]));
  expect(await refused(m1, { schema: "collection boards {\n  title: regster\n}\n" })).toMatchObject({
    status: 400,
    code: "BAD_REQUEST",
    message: expect.stringMatching(/^line 2, column 10: regster is no kind/),
  });
  const kind = await refused(m2, { schema: "collection boards {\n  votes: register<number>\n}\n" });
  expect(kind).toMatchObject({
    status: 409,
    code: "SCHEMA_CONFLICT",
    faults: [{ line: 2, column: 3, reason: expect.stringMatching(/a kind never changes in place: add/) }],
  });
  const to = "register<number>";
  const narrow = await refused(m2, [{ do: "widen", collection: "boards", field: "title", to }]);
  expect(narrow).toMatchObject({ status: 409, code: "SCHEMA_CONFLICT" });
  expect(narrow.message).toMatch(/is narrower.*Keep string/);
  for (const server of all) expect(await json(server, SCHEMA)).toEqual(before);
});

test("an app two schema versions behind round-trips a document over two masters: what it does not know is whole at every node", async () => {
  const { m1, m2, all } = await mastersAndFollower();
  await alter(
    m1,
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "headline", is: "register<string>" },
  );
  await until("m2 has it", async () => (await json(m2, SCHEMA)).text?.includes("headline"));
  await alter(
    m2,
    { do: "rename", collection: "boards", field: "headline", to: "title" },
    { do: "add", collection: "boards", field: "votes", is: "counter" },
  );
  await until("m1 has it", async () => (await json(m1, SCHEMA)).text?.includes("votes"));
  await alter(
    m1,
    { do: "add", collection: "boards", field: "cards", is: "map<register>" },
    { do: "widen", collection: "boards", field: "title", to: "register<string | null>" },
  );
  const ops = [
    { field: "title", op: "set", value: "new" },
    { ...VOTE, by: 3 },
    { path: ["cards", "c1"], op: "set", value: "card" },
  ];
  expect(await write(m1, "boards/a", ...ops)).toBe(200);
  await until("m2 has it", async () => (await m2.get("/v1/docs/boards/a")).status === 200);
  // It is sent the document by one master, and sends what it has made of it to the other.
  const db = connect([m1.url, m2.url], {
    schema: defineSchema({ boards: { headline: register<string>() } }, { version: 1 }),
  });
  onTestFinished(() => db.close());
  const board = db.open("boards", "a");
  await board.ready;
  expect(board.headline.value).toBe("new");
  await m1.kill();
  const receipt = board.transact((draft) => draft.headline.set(`${draft.headline.value}, by an old app`));
  expect((await receipt.acknowledged({ timeoutMs: Number.POSITIVE_INFINITY })).outcome).toBe("committed");
  await m1.start();
  const value = async (server: Server) => (await json(server, "/v1/docs/boards/a")).value;
  await agree(all, async (server) => (await value(server)).title === "new, by an old app");
  for (const server of all) {
    expect(await value(server)).toEqual({
      title: "new, by an old app",
      votes: 3,
      cards: { c1: "card" },
    });
    expect(await conflicts(server)).toEqual([]);
  }
});
