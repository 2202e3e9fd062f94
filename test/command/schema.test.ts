/** `syncline schema` against a running server: the file's way in, and every way in which it may be wrong. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folder, run, serve } from "./commands.js";

const BOARDS = "collection boards {\n  title: register<string>\n  votes: counter\n}\n";

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};

test("show, diff and apply", async () => {
  const { port } = await serve();
  const url = ["--url", `ws://localhost:${port}`];
  const schema = file("board.schema", BOARDS);
  const shown = async () => (await run(["schema", "show", ...url])).stdout;
  expect(await shown()).toBe("// there is no schema: every field may be used\n");
  const plan = "create boards\nadd boards.title: register<string>\nadd boards.votes: counter\n";
  expect(await run(["schema", "diff", schema, ...url])).toMatchObject({ code: 0, stdout: plan });
  expect(await shown()).toContain("there is no schema");
  expect(await run(["schema", "apply", schema, ...url])).toMatchObject({
    code: 0,
    stdout: `${plan}3 done, committed\n`,
  });
  expect(await shown()).toBe(BOARDS);
  expect((await run(["schema", "apply", schema, ...url])).stdout).toBe("nothing to change\n");

  const fewer = file("fewer.schema", "collection boards {\n  heading: register<string> was title\n}\n");
  expect((await run(["schema", "diff", fewer, ...url])).stdout).toBe(
    "rename boards.title to heading\nnot in the file, and left: drop boards.votes; --drop does it\n",
  );
  await run(["schema", "apply", fewer, "--drop", ...url]);
  expect(await shown()).toBe(
    "collection boards {\n  heading: register<string>\n}\n// dropped: boards.votes: counter\n",
  );

  // What is asked wrongly: exit code 2, one line for each thing, with its place, and what to do instead.
  const wrong = file("wrong.schema", "collection boards {\n  heading: regster\n}\n");
  expect(await run(["schema", "apply", wrong, ...url])).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(/^syncline: wrong.schema:2:12: regster is no kind; there are register, /),
  });
  const kinds = file("kinds.schema", "collection boards {\n  heading: counter\n}\n");
  const refused = await run(["schema", "apply", kinds, ...url]);
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringMatching(
      /^syncline: kinds.schema:2:3: boards.heading is a register, and a kind never changes in place: add a field of another name/,
    ),
  ]);
  expect(await run(["schema", "diff", "none.schema", ...url])).toMatchObject({
    code: 2,
    stderr: "syncline: none.schema: there is no such file\n",
  });
  expect((await run(["schema", "show", "--url", "ws://localhost:1"])).code).toBe(3);
});

test("a folder for a file, a version that was passed, no command: said in one line, with what to do", async () => {
  const { port } = await serve("--memory");
  const url = ["--url", `ws://localhost:${port}`];
  const folder = await run(["schema", "diff", ".", ...url]);
  expect([folder.code, folder.stderr]).toEqual([2, "syncline: .: it is a folder; name a file in it\n"]);
  await run(["schema", "apply", file("three.schema", "version 3\n"), ...url]);
  const older = file("older.schema", "\nversion 2\n");
  expect(await run(["schema", "diff", older, ...url])).toMatchObject({
    code: 2,
    stderr: "syncline: older.schema:2:9: the minimum is 3, and only rises: write version 3, or more\n",
  });
  const nothing = await run(["schema"]);
  expect([nothing.code, nothing.stderr]).toEqual([
    2,
    expect.stringMatching(/say which of these commands it is to be\n$/),
  ]);
});
