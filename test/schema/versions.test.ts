/** Apps that are older than the cluster's schema: they lose nothing that they do not know, until the cluster asks for later ones. */
import {
  type Collections,
  clusterSchema,
  connect,
  counter,
  type Database,
  defineSchema,
  register,
  type Schema,
} from "@syncline/client";
import { expect, onTestFinished, test } from "vitest";
import { ask, post, started } from "../server/servers.js";

const SCHEMA = "/v1/schema";

function connected<C extends Collections>(url: string, schema?: Schema<C>): Database<C> {
  const db = connect<C>(url, schema === undefined ? {} : { schema });
  onTestFinished(() => db.close());
  return db;
}

const first = { boards: { headline: register<string>() } };

async function server() {
  const started_ = await started();
  const alter = async (...statements: object[]) => {
    const answer = await post(started_, SCHEMA, statements);
    expect(answer.status, answer.text).toBe(200);
  };
  await alter(
    { do: "create", collection: "boards" },
    { do: "add", collection: "boards", field: "headline", is: "register<string>" },
  );
  return { server: started_, alter };
}

test("an app two versions behind reads, writes and keeps a document: what it does not know is whole, what it knows goes where it belongs", async () => {
  const { server: master, alter } = await server();
  await alter(
    { do: "rename", collection: "boards", field: "headline", to: "title" },
    { do: "add", collection: "boards", field: "votes", is: "counter" },
  );
  await alter(
    { do: "add", collection: "boards", field: "cards", is: "map<register>" },
    { do: "widen", collection: "boards", field: "title", to: "register<string | null>" },
  );
  await post(master, "/v1/docs/boards/a", [
    { field: "title", op: "set", value: "new" },
    { field: "votes", op: "increment", by: 3 },
    { path: ["cards", "c1"], op: "set", value: "card" },
  ]);
  const db = connected(master.url, defineSchema(first, { version: 1 }));
  const board = db.open("boards", "a");
  await board.ready;
  expect(board.headline.value).toBe("new");
  const { outcome } = await board
    .transact((draft) => draft.headline.set(`${draft.headline.value}, by an old app`))
    .acknowledged();
  expect(outcome).toBe("committed");
  expect((await ask(master, "/v1/docs/boards/a")).json.value).toEqual({
    title: "new, by an old app",
    votes: 3,
    cards: { c1: "card" },
  });
});

test("below the minimum a client is refused with SCHEMA_VERSION and keeps what it has not sent; later ones go on", async () => {
  const { server: master, alter } = await server();
  const old = connected(master.url, defineSchema(first, { version: 1 }));
  const current = connected(master.url, defineSchema(first, { version: 2 }));
  const silent = connected(master.url, defineSchema(first));
  const [board, other, third] = [old, current, silent].map((db) => db.open("boards", "a"));
  for (const one of [board, other, third]) await one!.ready;
  await alter({ do: "minimum", version: 2 });
  await expect.poll(() => old.status.error?.code, { timeout: 5_000 }).toBe("SCHEMA_VERSION");
  expect(old.status.error).toMatchObject({
    code: "SCHEMA_VERSION",
    message: "the app is of version 1 of the schema, and 2 is the least that may connect",
  });
  board!.transact((draft) => draft.headline.set("unsent"));
  expect([old.status.pending, board!.headline.value, board!.saveState]).toEqual([1, "unsent", "offline"]);
  for (const [one, value] of [
    [other!, "current"],
    [third!, "silent"],
  ] as const)
    expect((await one.transact((draft) => draft.headline.set(value)).acknowledged()).outcome).toBe(
      "committed",
    );

  // One that greets is refused too.
  const late = connected(master.url, defineSchema(first, { version: 1 }));
  await expect.poll(() => late.status.error?.code, { timeout: 5_000 }).toBe("SCHEMA_VERSION");
  expect(late.status.connection).not.toBe("connected");
});

test("a defineSchema that contradicts the cluster's is told field by field what to do", async () => {
  const { server: master, alter } = await server();
  await alter(
    { do: "add", collection: "boards", field: "votes", is: "counter" },
    { do: "add", collection: "boards", field: "old", is: "counter" },
    { do: "drop", collection: "boards", field: "old" },
    { do: "rename", collection: "boards", field: "votes", to: "likes" },
    { do: "create", collection: "gone" },
    { do: "drop", collection: "gone" },
  );
  const db = connected(master.url);
  const schema = clusterSchema(db);
  await schema.ready;
  schema.check(defineSchema({ ...first, free: { anything: counter() } }));
  schema.check(defineSchema({ boards: { headline: register(), votes: counter() } }));
  const told = (collections: Parameters<typeof defineSchema>[0]): string => {
    try {
      schema.check(defineSchema(collections));
      return "";
    } catch (error) {
      expect(error).toMatchObject({ code: "SCHEMA_CONFLICT" });
      return (error as Error).message;
    }
  };
  expect(told({ boards: { headline: counter() } })).toMatch(
    /^boards.headline is a register, and a counter in defineSchema: a kind never changes in place/,
  );
  expect(told({ boards: { likes: counter() } })).toMatch(
    /^boards.likes is called votes in documents, because it was renamed/,
  );
  expect(told({ boards: { more: counter(), old: counter() } })).toBe(
    "boards.more is not in the schema: add it with `syncline schema apply`; boards.old was dropped: undrop it, or take it out of defineSchema",
  );
  expect(told({ gone: {} })).toMatch(/^collection gone was dropped: undrop it/);
  await alter({ do: "create", collection: "gone" });
  expect((await ask(master, SCHEMA)).json.text).toContain("collection gone");
  await new Promise<void>((resolve) => {
    const look = () => schema.text.includes("gone") && resolve();
    schema.subscribe(look);
    look();
  });
  expect(told({ gone: {} })).toBe("gone is the collection gone.2 in documents: call it that in defineSchema");
});
