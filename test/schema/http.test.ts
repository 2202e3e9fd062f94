/** The schema over HTTP: who changes it, what is refused before anything is promised, and what readers see. */
import { openAccess } from "@syncline/engine";
import { expect, test } from "vitest";
import { ask, post, started } from "../server/servers.js";

const SCHEMA = "/v1/schema";
const BOARDS = "collection boards {\n  title: register<string>\n  votes: counter\n  tags: set<string>\n}\n";

type Server = Awaited<ReturnType<typeof started>>;

async function altered(server: Server, ...statements: object[]) {
  const answer = await post(server, SCHEMA, statements);
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

async function withBoards(): Promise<Server> {
  const server = await started();
  expect((await post(server, SCHEMA, { schema: BOARDS })).status).toBe(200);
  return server;
}

const valueAt = async (server: Server, path: string) => (await ask(server, path)).json.value;

test("a file makes the schema, and shows again as it was said", async () => {
  const server = await started();
  expect((await ask(server, SCHEMA)).json).toEqual({ text: "", version: 0, collections: [] });
  const done = await post(server, SCHEMA, { schema: BOARDS });
  expect(done.json).toMatchObject({
    outcome: "committed",
    text: [
      "create boards",
      "add boards.title: register<string>",
      "add boards.votes: counter",
      "add boards.tags: set<string>",
    ],
  });
  const { json } = await ask(server, SCHEMA);
  expect(json.text.trim().split("\n").sort()).toEqual(BOARDS.trim().split("\n").sort());
  expect((await post(server, SCHEMA, { schema: BOARDS })).json).toMatchObject({ text: [], change: null });
});

test("what the schema names is checked before anything is promised, and the rest is free", async () => {
  const server = await withBoards();
  const write = (path: string, ...ops: object[]) => post(server, `/v1/docs/${path}`, ops);
  expect((await write("boards/a", { field: "title", op: "set", value: "A" })).status).toBe(200);
  const cases: [object, RegExp][] = [
    [{ field: "titel", op: "set", value: "A" }, /boards has no such field in the schema: add it first/],
    [{ field: "title", op: "set", value: 7 }, /holds register<string>, not a number: widen it/],
    [{ field: "tags", op: "add", value: null }, /holds set<string>, not a null/],
    [
      { field: "title", kind: "counter", op: "increment" },
      /boards has title: register<string>; a kind never changes/,
    ],
    [{ path: ["votes", "x"], op: "increment" }, /is a counter, and nothing is inside of one/],
  ];
  for (const [op, reason] of cases) {
    const { status, json } = await write("boards/a", { field: "votes", op: "increment" }, op);
    expect([status, json.error.code, json.error.op], JSON.stringify(op)).toEqual([409, "SCHEMA_CONFLICT", 1]);
    expect(json.error.reason).toMatch(reason);
  }
  expect(await valueAt(server, "/v1/docs/boards/a")).toEqual({ title: "A" });
  expect((await write("notes/a", { field: "anything", op: "set", value: 7 })).status).toBe(200);
});

test("a path goes through what the schema says, whatever else is under the name", async () => {
  const server = await started();
  const schema = "collection boards {\n  cards: remove-map<record>\n  size: record\n}\n";
  expect((await post(server, SCHEMA, { schema })).status).toBe(200);
  const write = (...ops: object[]) => post(server, "/v1/docs/boards/a", ops);
  const read = async () => (await ask(server, "/v1/docs/boards/a")).json;
  await write(
    { path: ["cards", "c1", "title"], op: "set", value: "Milk" },
    { path: ["size", "width"], op: "set", value: 7 },
  );
  const shown = { cards: { c1: { title: "Milk" } }, size: { width: 7 } };
  expect(await read()).toEqual({ value: shown, kinds: { cards: "remove-map", size: "record" } });
  // All that is there goes, and then it is still where it was.
  await write({ path: ["cards", "c1"], op: "delete" });
  await write({ path: ["cards", "c1", "title"], op: "set", value: "Bread" });
  expect(await read()).toMatchObject({ value: { cards: { c1: { title: "Bread" } } } });
  const { json } = await write({ path: ["cards", "c1"], kinds: ["map"], op: "create" });
  expect(json.error).toMatchObject({
    code: "SCHEMA_CONFLICT",
    reason: expect.stringMatching(/cards: remove-map<record>/),
  });
});

test("lists, records and text are declared like all kinds; a list says what it holds, and what it holds widens", async () => {
  const server = await started();
  const file = "collection plans {\n  steps: list<string>\n  size: record\n  notes: text\n}\n";
  expect((await post(server, SCHEMA, { schema: file })).status).toBe(200);
  expect((await ask(server, SCHEMA)).json.text.trim().split("\n").sort()).toEqual(
    file.trim().split("\n").sort(),
  );
  const write = (...ops: object[]) => post(server, "/v1/docs/plans/a", ops);
  const push = (value: unknown) => write({ field: "steps", op: "push", value });
  expect((await push("plan")).status).toBe(200);
  expect((await write({ field: "size", op: "create" })).status).toBe(200);
  const refused = await push(7);
  expect(refused.json.error).toMatchObject({ code: "SCHEMA_CONFLICT" });
  expect(refused.json.error.reason).toMatch(/holds list<string>, not a number: widen it/);
  const to = "list<string | number>";
  await altered(server, { do: "widen", collection: "plans", field: "steps", to });
  expect((await push(7)).status).toBe(200);
  expect(await valueAt(server, "/v1/docs/plans/a")).toEqual({ steps: ["plan", 7], size: {} });
});

test("a drop hides, a creation after it is empty, and an undrop brings back", async () => {
  const server = await withBoards();
  await post(server, "/v1/docs/boards/a", [{ field: "title", op: "set", value: "old" }]);
  await altered(server, { do: "drop", collection: "boards" });
  expect((await ask(server, "/v1/docs/boards/a")).json.error).toMatchObject({ code: "NOT_FOUND" });
  const refused = await post(server, "/v1/docs/boards/a", [{ field: "title", op: "set", value: "late" }]);
  expect([refused.status, refused.json.error.message]).toEqual([409, "collection boards was dropped"]);

  await altered(
    server,
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "title", is: "register" },
  );
  expect((await ask(server, "/v1/docs/boards")).json.keys).toEqual([]);
  await post(server, "/v1/docs/boards/a", [{ field: "title", op: "set", value: "new" }]);
  expect(await valueAt(server, "/v1/docs/boards/a")).toEqual({ title: "new" });

  const taken = await post(server, SCHEMA, [{ do: "undrop", collection: "boards" }]);
  expect([taken.status, taken.json.error.code]).toEqual([409, "SCHEMA_CONFLICT"]);
  await altered(server, { do: "undrop", collection: "boards", as: "archive" });
  expect(await valueAt(server, "/v1/docs/archive/a")).toEqual({ title: "old" });
  expect(await valueAt(server, "/v1/docs/boards/a")).toEqual({ title: "new" });
});

test("fields: rename keeps, drop hides, a field added anew is empty, undrop brings back", async () => {
  const server = await withBoards();
  const shown = () => valueAt(server, "/v1/docs/boards/a");
  await post(server, "/v1/docs/boards/a", [{ field: "title", op: "set", value: "A" }]);
  await altered(server, { do: "rename", collection: "boards", field: "title", to: "heading" });
  expect(await shown()).toEqual({ heading: "A" });
  await post(server, "/v1/docs/boards/a", [{ field: "heading", op: "set", value: "B" }]);
  expect(await shown()).toEqual({ heading: "B" });
  await altered(server, { do: "drop", collection: "boards", field: "heading" });
  expect(await shown()).toEqual({});
  await altered(server, { do: "add", collection: "boards", field: "title", is: "register<number>" });
  expect(await shown()).toEqual({});
  await post(server, "/v1/docs/boards/a", [{ field: "title", op: "set", value: 1 }]);
  await altered(server, { do: "undrop", collection: "boards", field: "heading" });
  expect(await shown()).toEqual({ heading: "B", title: 1 });
});

test("a kind never changes in place, a type only widens, and the answer says what to do", async () => {
  const server = await withBoards();
  const file = BOARDS.replace("votes: counter", "votes: register<number>");
  const kind = await post(server, SCHEMA, { schema: file });
  expect(kind.json.error.faults).toEqual([
    {
      line: 3,
      column: 3,
      reason: expect.stringMatching(/boards.votes is a counter, and a kind never changes in place: add/),
    },
  ]);
  const narrow = await post(server, SCHEMA, [
    { do: "widen", collection: "boards", field: "title", to: "register<null>" },
  ]);
  expect(narrow.json.error.message).toMatch(/register<null> is narrower.*Keep string/);
  await altered(server, { do: "widen", collection: "boards", field: "title", to: "register<null | string>" });
  expect((await post(server, "/v1/docs/boards/a", [{ field: "title", op: "set", value: null }])).status).toBe(
    200,
  );
});

test("statements are done all or not at all", async () => {
  const server = await withBoards();
  const answer = await post(server, SCHEMA, [
    { do: "add", collection: "boards", field: "done", is: "flag" },
    { do: "drop", collection: "cards" },
  ]);
  expect(answer.json.error).toMatchObject({
    code: "SCHEMA_CONFLICT",
    message: "statement 1: there is no collection cards in the schema: create it first",
  });
  expect((await ask(server, SCHEMA)).json.text).not.toContain("done");
});

test("a dry run changes nothing, and what the file does not name is dropped only if that is asked for", async () => {
  const server = await withBoards();
  const file = { schema: BOARDS.replace("  tags: set<string>\n", "") };
  const dry = await post(server, `${SCHEMA}?dryRun=true`, { ...file, drop: true });
  expect(dry.json).toMatchObject({ text: ["drop boards.tags"], dropsText: [] });
  expect((await post(server, SCHEMA, file)).json).toMatchObject({
    text: [],
    dropsText: ["drop boards.tags"],
  });
  expect((await ask(server, SCHEMA)).json.text).toContain("tags");
  await post(server, SCHEMA, { ...file, drop: true });
  expect((await ask(server, SCHEMA)).json.text).not.toContain("tags");
});

test("a follower refuses, with the masters' URLs", async () => {
  const master = await started();
  const follower = await started({ name: "f1", role: "follower", follow: [master.url] });
  const refused = await post(follower, SCHEMA, { schema: BOARDS });
  expect([refused.status, refused.json.error.code]).toEqual([403, "READ_ONLY_FOLLOWER"]);
  const done = await post(master, SCHEMA, { schema: BOARDS });
  const read = await ask(follower, SCHEMA, { headers: { "Syncline-Token": done.json.token } });
  expect(read.json.text).toContain("collection boards");
});

test("who may not change the schema is refused", async () => {
  const authorize = (_who: object, _document: object, right: string) => right !== "schema";
  const server = await started({}, { access: { ...openAccess, authorize } });
  expect((await post(server, SCHEMA, { schema: BOARDS })).json.error.code).toBe("FORBIDDEN");
  expect((await ask(server, SCHEMA)).status).toBe(200);
});

test.each([
  [
    { schema: "collection boards {\n  title register\n}" },
    /^line 2, column 9: expected ":" after field title/,
  ],
  [{ schema: 7 }, /"schema" is the text/],
  [[], /a list of statements/],
  [[{ do: "alter" }], /statement 0: "do" is one of create, drop/],
  [
    [{ do: "add", collection: "a", field: "b", is: "regster" }],
    /statement 0: regster is no kind; there are register/,
  ],
  [[{ do: "drop", collection: "a", colour: 1 }], /drop has no "colour"/],
])("bad input %#", async (body, message) => {
  const server = await started();
  const { status, json } = await post(server, SCHEMA, body);
  expect([status, json.error.code]).toEqual([400, "BAD_REQUEST"]);
  expect(json.error.message).toMatch(message);
});
