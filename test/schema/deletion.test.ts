/** Deletion and conflicts over HTTP, on one server. */
import { connect } from "@syncline/client";
import { LIMITS } from "@syncline/protocol";
import { expect, onTestFinished, test } from "vitest";
import { ask, post, started } from "../server/servers.js";

type Server = Awaited<ReturnType<typeof started>>;

const A = "/v1/docs/boards/a";
const set = (value: unknown, field = "title") => [{ field, op: "set", value }];
const remove = (server: Server, path = A) => ask(server, path, { method: "DELETE" });
const conflicts = async (server: Server, query = "") =>
  (await ask(server, `/v1/conflicts${query}`)).json.conflicts;

test("a deleted document is nowhere, and a new one may take its name", async () => {
  const server = await started();
  await post(server, A, set("old"));
  await post(server, "/v1/docs/boards/b", set("b"));
  const gone = await remove(server);
  expect([gone.status, gone.json.outcome]).toEqual([200, "committed"]);
  expect((await ask(server, A)).status).toBe(404);
  expect((await ask(server, "/v1/docs/boards")).json.keys).toEqual(["b"]);
  expect((await ask(server, "/v1/docs/boards?limit=1")).json).toEqual({ keys: ["b"], next: null });
  expect((await remove(server)).json).toMatchObject({ outcome: "committed", change: null });
  await post(server, A, set(1, "votes"));
  expect((await ask(server, A)).json.value).toEqual({ votes: 1 });
  expect((await ask(server, "/v1/docs/boards")).json.keys).toEqual(["a", "b"]);
});

test("a deleted document is restored as it was", async () => {
  const server = await started();
  await post(server, A, set("old"));
  await remove(server);
  expect((await post(server, `${A}/restore`, {})).status).toBe(200);
  expect((await ask(server, A)).json.value).toEqual({ title: "old" });
});

test("a follower refuses to delete", async () => {
  const master = await started();
  const follower = await started({ name: "f1", role: "follower", follow: [master.url] });
  expect((await remove(follower)).json.error.code).toBe("READ_ONLY_FOLLOWER");
});

test("without conflicts there are none", async () => {
  const one = await started();
  await post(one, A, set("x"));
  await post(one, A, set("y"));
  expect(await conflicts(one)).toEqual([]);
  expect(LIMITS.conflictsMax).toBeGreaterThan(LIMITS.pageKeysMax - 1);
});

test("a loser is found by its id and written again", async () => {
  const server = await started();
  const alter = (...statements: object[]) => post(server, "/v1/schema", statements);
  await alter(
    { do: "create", collection: "cards" },
    { do: "add", collection: "cards", field: "a", is: "counter" },
  );
  const [one, two] = [connectedTo(server), connectedTo(server)];
  const boards = [one.open("boards", "a"), two.open("boards", "a")];
  for (const board of boards) await board.ready;
  // Both write before either has heard of the other: nothing is sent within a turn.
  const writes = boards.map((board, i) =>
    board.transact((draft) => draft.register("title").set(`title ${i}`)),
  );
  for (const write of writes) await write.acknowledged();
  const [conflict, ...others] = await conflicts(server);
  expect(others).toEqual([]);
  expect(conflict).toMatchObject({ type: "concurrent_update", document: "boards/a", field: "title" });
  const lost = conflict.losers[0].value;
  expect((await ask(server, A)).json.value.title).toBe(conflict.winner.value);
  expect(await conflicts(server, "?document=boards/a")).toEqual([conflict]);
  expect(await conflicts(server, "?document=boards/b")).toEqual([]);
  const restored = await post(server, `/v1/conflicts/${conflict.id}/restore`, {});
  expect([restored.status, restored.json.outcome]).toEqual([200, "committed"]);
  expect((await ask(server, A)).json.value.title).toBe(lost);
  expect((await post(server, "/v1/conflicts/0000/restore", {})).status).toBe(404);
});

const connectedTo = (server: Server) => {
  const db = connect(server.url);
  onTestFinished(() => db.close());
  return db;
};
