/** `syncline conflicts`: lists, follows, restores. */
import { connect } from "@syncline/client";
import { expect, onTestFinished, test } from "vitest";
import { run, serve, start } from "./commands.js";

test("list, follow and restore", async () => {
  const server = await serve();
  const url = ["--url", server.http];
  expect((await run(["conflicts", ...url])).stdout).toBe("no conflicts\n");
  const follower = start(["conflicts", "--follow", "--json", ...url]);
  const first = new Promise<string>((resolve) =>
    follower.child.stdout?.once("data", (text) => resolve(String(text))),
  );

  const dbs = [connect(server.url), connect(server.url)];
  onTestFinished(() => {
    for (const db of dbs) db.close();
  });
  const boards = dbs.map((db) => db.open("boards", "a"));
  for (const board of boards) await board.ready;
  const writes = boards.map((board, i) =>
    board.transact((draft) => draft.register("title").set(`title ${i}`)),
  );
  for (const write of writes) await write.acknowledged({ timeoutMs: Number.POSITIVE_INFINITY });

  const conflict = JSON.parse(await first);
  expect(conflict).toMatchObject({ type: "concurrent_update", document: "boards/a", field: "title" });
  const { stdout } = await run(["conflicts", ...url]);
  const [winner, loser] = [conflict.winner.value, conflict.losers[0].value];
  expect(stdout).toBe(
    `${conflict.id}  ${conflict.at}  concurrent_update  boards/a title: "${winner}" stands, not "${loser}"\n`,
  );
  expect((await run(["conflicts", "restore", conflict.id, ...url])).stdout).toBe("restored, committed\n");
  const shown = await fetch(`${server.http}/v1/docs/boards/a`);
  expect(await shown.json()).toMatchObject({ value: { title: loser } });
  expect(await run(["conflicts", "restore", "none", ...url])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^syncline: NOT_FOUND: there is no conflict with this id/),
  });
});
