/** An app that shows who is there, and one that does not, at one document. */
import { connect, presence } from "@syncline/client";
import { expect, test } from "vitest";
import { thrown } from "./databases.js";
import { startMaster } from "./servers.js";

test("who is not given presence hears nothing of it, says so, and goes on", async () => {
  const { url } = await startMaster("m1");
  const [ann, bob, cy] = [connect(url, { presence }), connect(url, { presence }), connect(url)];
  const [hers, his, theirs] = [ann, bob, cy].map((db) => db.open("boards", "roadmap"));
  await Promise.all([hers!.ready, his!.ready, theirs!.ready]);
  const seen = new Promise<void>((resolve) => his!.presence.subscribe(resolve));
  hers!.presence.set({ name: "ann" });
  await seen;
  expect(his!.presence.others.map(({ state }) => state)).toEqual([{ name: "ann" }]);
  expect(his!.presence).toBe(his!.presence);

  expect(thrown(() => theirs!.presence)).toMatchObject({ name: "SynclineError", code: "INVALID_VALUE" });
  // Nothing that it was told of others has ended its link.
  const write = theirs!.transact((board) => board.counter("votes").increment());
  expect((await write.acknowledged()).outcome).toBe("committed");
  expect(cy.status).toMatchObject({ connection: "connected", error: undefined });
  theirs!.close();
  for (const db of [ann, bob, cy]) db.close();
});
