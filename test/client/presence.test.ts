/** An app that shows who is there, and one that does not, at one document. */
import { connect, presence } from "@syncline/client";
import { expect, test } from "vitest";
import { world } from "../scenarios/world.js";
import { database } from "./databases.js";
import { startMaster } from "./servers.js";

test("who is not given presence hears nothing of it, and goes on", async () => {
  const { url } = await startMaster("m1");
  const [ann, bob, cy] = [connect(url, { presence }), connect(url, { presence }), connect(url)];
  const [hers, his, theirs] = [ann, bob, cy].map((db) => db.open("boards", "roadmap"));
  await Promise.all([hers!.ready, his!.ready, theirs!.ready]);
  const seen = new Promise<void>((resolve) => his!.presence.subscribe(resolve));
  hers!.presence.set({ name: "ann" });
  await seen;
  expect(his!.presence.others.map(({ state }) => state)).toEqual([{ name: "ann" }]);
  expect(his!.presence).toBe(his!.presence);

  // Nothing that it was told of others has ended its link.
  const write = theirs!.transact((board) => board.counter("votes").increment());
  expect((await write.acknowledged()).outcome).toBe("committed");
  expect(cy.status).toMatchObject({ connection: "connected", error: undefined });
  theirs!.close();
  for (const db of [ann, bob, cy]) db.close();
});

test("who asks for others without it finds nobody and the reason, and the app hears of the mistake once", () => {
  const cluster = world(1);
  cluster.master("m1");
  const { db, reported } = database(cluster, "ann", ["m1"], undefined, { isShowing: false });
  const [board, other] = ["roadmap", "other"].map((key) => db.open("boards", key));
  cluster.pass(1_000);
  expect(reported).toEqual([]);
  const { presence: nobody } = board!;
  expect(nobody.error).toMatchObject({ name: "SynclineError", code: "INVALID_VALUE" });
  expect(nobody.error?.message).toContain("`presence`");
  const end = nobody.subscribe(() => {});
  nobody.set({ name: "ann" });
  nobody.clear();
  end();
  expect([nobody.mine, nobody.others]).toEqual([undefined, []]);
  expect(nobody.others).toBe(other!.presence.others);
  expect(reported).toEqual([nobody.error]);
  board!.close();
  expect(board!.presence).toBe(nobody);
  cluster.pass(1_000);
  expect(db.status).toMatchObject({ connection: "connected", error: undefined });
});
