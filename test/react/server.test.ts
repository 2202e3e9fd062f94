import { counter, defineSchema } from "@syncline/client";
import { createHooks } from "@syncline/react";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import { database } from "../client/databases.js";
import { world } from "../scenarios/world.js";

/** On a server nothing is known, nothing is opened, and nothing throws. */
const schema = defineSchema({ boards: { votes: counter() } });
const { SynclineProvider, useDocument, usePresence, useReceipts, useSaveState, useStatus } =
  createHooks(schema);

function Votes() {
  const [votes, transact, error] = useDocument("boards", "roadmap", (board) => board.votes.value);
  const [all] = useDocument("boards", "roadmap");
  const connection = useStatus((status) => status.connection);
  const saved = useSaveState("boards", "roadmap");
  const receipts = useReceipts();
  const [others, , nobody] = usePresence("boards", "roadmap");
  return createElement(
    "p",
    null,
    JSON.stringify({
      votes,
      all,
      connection,
      saved,
      error,
      others,
      nobody,
      receipts,
      transact: typeof transact,
    }),
  );
}

const expected =
  "<p>{&quot;connection&quot;:&quot;connecting&quot;,&quot;others&quot;:[],&quot;receipts&quot;:[],&quot;transact&quot;:&quot;function&quot;}</p>";

test("with a key that is none", () => {
  const cluster = world(2);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], schema);
  function Nowhere() {
    const read = [useDocument("boards", "", (board) => board.votes.value), useSaveState("boards", "")];
    return createElement("p", null, JSON.stringify([read, usePresence("boards", "")]));
  }
  const page = createElement(SynclineProvider, { database: db }, createElement(Nowhere));
  expect(renderToString(page)).toBe("<p>[[[null,null,null],null],[[],null,null]]</p>");
});

test("without a database", () => {
  const page = createElement(SynclineProvider, { database: undefined }, createElement(Votes));
  expect(renderToString(page)).toBe(expected);
});

test.each([true, false])(
  "with a database, and what it knows stays out of the page until it is hydrated",
  (isShowing) => {
    const cluster = world(1);
    cluster.master("m1");
    const { db } = database(cluster, "ann", ["m1"], schema, { isShowing });
    const board = db.open("boards", "roadmap");
    board.transact((b) => b.votes.increment());
    cluster.pass(1_000);
    const page = createElement(SynclineProvider, { database: db }, createElement(Votes));
    expect(renderToString(page)).toBe(expected);
    db.close();
    expect(renderToString(page)).toBe(expected);
  },
);
