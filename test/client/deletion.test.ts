/** Deleting, conflicts and the cluster's schema, as an app has them. */

import {
  type Conflict,
  clusterSchema,
  conflictsOf,
  connect,
  defineSchema,
  deleteDocument,
  isDeleted,
  onConflicts,
  record,
  register,
  removeWinsMap,
  restoreDocument,
  restoreLoser,
} from "@syncline/client";
import { openAccess } from "@syncline/engine";
import { expect, onTestFinished, test } from "vitest";
import { ask, post, started } from "../server/servers.js";

const schema = defineSchema({ boards: { title: register<string>() } });

function connected(url: string) {
  const db = connect(url, { schema });
  onTestFinished(() => db.close());
  return db;
}

test("a document is deleted, shows nothing, and comes back", async () => {
  const server = await started();
  const board = connected(server.url).open("boards", "a");
  await board.transact((b) => b.title.set("A")).acknowledged();
  const gone = deleteDocument(board);
  expect([isDeleted(board), board.toJSON(), board.title.value]).toEqual([true, {}, undefined]);
  expect((await gone.acknowledged()).outcome).toBe("committed");
  expect((await ask(server, "/v1/docs/boards/a")).status).toBe(404);
  await restoreDocument(board).acknowledged();
  expect((await ask(server, "/v1/docs/boards/a")).json.value).toEqual({ title: "A" });
  await deleteDocument(board).acknowledged();
  await board.transact((b) => b.title.set("new")).acknowledged();
  expect((await ask(server, "/v1/docs/boards/a")).json.value).toEqual({ title: "new" });
});

test("a conflict is told to the app with the id that servers tell, and its loser is written again", async () => {
  const server = await started();
  const boards = [connected(server.url), connected(server.url)].map((db) => db.open("boards", "a"));
  for (const board of boards) await board.ready;
  const [one, two] = boards as [(typeof boards)[0], (typeof boards)[0]];
  const told = new Promise<readonly { id: string }[]>((resolve) => onTestFinished(onConflicts(one, resolve)));
  // In one turn: neither has heard of the other.
  const writes = [one, two].map((board, i) => board.transact((b) => b.title.set(`title ${i}`)));
  for (const write of writes) await write.acknowledged();
  const [conflict] = await told;
  const listed = (await ask(server, "/v1/conflicts")).json.conflicts;
  expect(listed.map(({ id }: { id: string }) => id)).toEqual([conflict?.id]);
  const [mine] = conflictsOf(one);
  await restoreLoser(one, mine!).acknowledged();
  expect(one.title.value).toBe(mine!.losers[0]!.value);
});

test("a loser inside of a record in a map in which removing wins is written there, by an app and by a server", async () => {
  const server = await started();
  const schema = defineSchema({ boards: { cards: removeWinsMap(record({ title: register<string>() })) } });
  const dbs = [0, 1].map(() => connect(server.url, { schema }));
  for (const db of dbs) onTestFinished(() => db.close());
  const boards = dbs.map((db) => db.open("boards", "a"));
  for (const board of boards) await board.ready;
  const collide = async (name: string): Promise<Conflict> => {
    const told = new Promise<Conflict>((resolve) => {
      const find = (conflicts: readonly Conflict[]) => {
        const found = conflicts.find(({ losers }) => String(losers[0]!.value).startsWith(name));
        if (found !== undefined) resolve(found);
      };
      onTestFinished(onConflicts(boards[0]!, find));
    });
    const writes = boards.map((board, i) =>
      board.transact((b) => b.cards.at("c1").title.set(`${name} ${i}`)),
    );
    for (const write of writes) await write.acknowledged();
    return told;
  };
  const read = async () => (await ask(server, "/v1/docs/boards/a")).json;
  const first = await collide("first");
  expect((await post(server, `/v1/conflicts/${first.id}/restore`, {})).status).toBe(200);
  expect(await read()).toMatchObject({
    value: { cards: { c1: { title: first.losers[0]!.value } } },
    kinds: { cards: "remove-map" },
  });
  const second = await collide("second");
  await restoreLoser(boards[0]!, second).acknowledged();
  expect((await read()).value).toEqual({ cards: { c1: { title: second.losers[0]!.value } } });
});

test("the cluster's schema is changed by those with the right, also where the app has a schema of its own", async () => {
  const server = await started();
  const cluster = clusterSchema(connected(server.url));
  await cluster.ready;
  await cluster.apply("collection boards {\n  title: register<string>\n}\n").acknowledged();
  expect((await ask(server, "/v1/schema")).json.text).toBe(
    "collection boards {\n  title: register<string>\n}\n",
  );
  expect(() => cluster.apply("collection boards { title: counter }")).toThrow(
    /line 1, column 21: .* never changes in place/,
  );
  expect(() => cluster.alter({ do: "drop", collection: "cards" })).toThrow(/no collection cards/);
  cluster.close();
});

test("a change of the schema without the right is refused for good, and taken back", async () => {
  const authorize = (_who: object, _document: object, right: string) => right !== "schema";
  const server = await started({}, { access: { ...openAccess, authorize } });
  const cluster = clusterSchema(connected(server.url));
  await cluster.ready;
  const { outcome, error } = await cluster.alter({ do: "create", collection: "boards" }).acknowledged();
  expect([outcome, error?.code]).toEqual(["rejected", "FORBIDDEN"]);
  await new Promise<void>((resolve) => {
    const look = () => {
      if (cluster.text === "") resolve();
    };
    cluster.subscribe(look);
    look();
  });
});

test("a client of an older schema round-trips what it does not know", async () => {
  const server = await started();
  const old = connected(server.url).open("boards", "a");
  await old.transact((b) => b.title.set("A")).acknowledged();
  await post(server, "/v1/schema", {
    schema: "collection boards { title: register<string> votes: counter }",
  });
  await post(server, "/v1/schema", [
    { do: "rename", collection: "boards", field: "title", to: "heading" },
    { do: "add", collection: "boards", field: "done", is: "flag" },
  ]);
  await post(server, "/v1/docs/boards/a", [
    { field: "votes", op: "increment" },
    { field: "done", op: "enable" },
  ]);
  await old.transact((b) => b.title.set("B")).acknowledged();
  expect((await ask(server, "/v1/docs/boards/a")).json.value).toEqual({ heading: "B", votes: 1, done: true });
});
