/**
 * The runner of the snippets passes a page that holds, says what is wrong with
 * one that does not, and leaves no process behind, however it ends.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isAlive } from "./processes.js";

const SCRIPT = join(import.meta.dirname, "../../scripts/snippets.mjs");
const COMMAND = join(import.meta.dirname, "syncline.mjs");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "snippets-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function writePage(...lines: string[]): string {
  const page = join(folder, "page.md");
  writeFileSync(page, lines.join("\n"));
  return page;
}

const PROGRAM = [SCRIPT, "--command", COMMAND];

function runPage(page: string, { seconds = 60, env = {} } = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...PROGRAM, "--seconds", `${seconds}`, page],
    {
      encoding: "utf8",
      env: { ...process.env, TMPDIR: folder, ...env },
    },
  );
  return { status, text: stdout + stderr };
}

const fence = (info: string, ...body: string[]) => ["", `\`\`\`${info}`, ...body, "```", ""].join("\n");

/** The process ids that a snippet wrote to a file of the test's folder. */
const pidsIn = (file: string) => readFileSync(join(folder, file), "utf8").trim().split(/\s+/).map(Number);

test("a page that uses everything passes", () => {
  const { status, text } = runPage(join(import.meta.dirname, "snippets.md"));
  expect(status, text).toBe(0);
  expect(text).toContain("snippets: 7 passed\n");
});

test.each([
  ["another output", [fence("sh run", "echo b"), fence("text", "a")], "its output is not the expected"],
  [
    "a line too many",
    [fence("sh run", "echo a; echo b"), fence("text", "a")],
    "its output is not the expected",
  ],
  ["a line too few", [fence("sh run", "echo a"), fence("text", "a", "b")], "its output is not the expected"],
  [
    "an output unlike its pattern",
    [fence("sh run", "echo ab"), "<!-- expect: ^b -->"],
    "does not match /^b/",
  ],
  ["a command that fails", [fence("sh run", "false", "echo on")], "FAILED, exit 1,"],
  ["a command that is not there", [fence("sh run", "syncline-not")], "FAILED, exit 127,"],
  ["a module that throws", [fence("ts run", "throw new Error('on purpose');")], "FAILED, exit 1,"],
  ["wrong types", [fence("ts run", "console.log(1);", "const a: string = 1;")], /page\.md:4: error TS2322/],
  ["wrong types in what is not run", [fence("ts check", "const a: string = 1;")], /page\.md:3: error TS2322/],
  ["another language", [fence("python run", "1")], 'page.md:2: cannot run "python run"'],
  ["a script that is not run", [fence("sh check", "echo")], 'page.md:2: cannot check "sh check"'],
  ["an expectation of nothing", ["<!-- expect: x -->"], "page.md:1: nothing above that this is expected of"],
  ["a broken pattern", [fence("sh run", "echo"), "<!-- expect: ( -->"], "Invalid regular expression"],
])("%s fails the page and is named", (_what, lines, complaint) => {
  const { status, text } = runPage(writePage(...lines));
  expect(text).toMatch(complaint);
  expect(status).toBe(1);
});

test("after a failed sh snippet the terminal is over, while modules still run", () => {
  const page = writePage(fence("sh run", "echo seen; exit 7"), fence("ts run", ";"), fence("sh run", "echo"));
  const { status, text } = runPage(page);
  expect(status).toBe(1);
  expect(text).toMatch(/page\.md:2 sh: FAILED, exit 7/);
  expect(text).toContain("  seen\n");
  expect(text).toMatch(/page\.md:7 ts: ok/);
  expect(text).toMatch(/page\.md:12 sh: skipped, a snippet before it failed/);
  expect(text).toContain("snippets: 1 passed, 1 failed, 1 skipped\n");
});

test("a snippet that does not end is ended with all that it started", () => {
  const page = writePage(fence("sh run", "sleep 1000 &", `echo $! $$ > ${folder}/pids`, "sleep 1000"));
  const { status, text } = runPage(page, { seconds: 3 });
  expect(status).toBe(1);
  expect(text).toContain("FAILED, it did not end within 3 s");
  expect(pidsIn("pids").filter(isAlive)).toEqual([]);
});

test("a server that does not come up fails the snippet that starts it", () => {
  const page = writePage(fence("sh run", "node -e 'setInterval(() => {}, 1e3)' -- --port 1234 &"));
  const { status, text } = runPage(page, { seconds: 3 });
  expect(status).toBe(1);
  expect(text).toMatch(/FAILED, nothing listens on port \d+/);
});

test("a module that names the default port gets a server, which ends with it", () => {
  const page = writePage(
    fence(
      "ts run",
      'import { writeFileSync } from "node:fs";',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source code of the snippet
      "const get = async (path: string) => (await fetch(`http://localhost:1234${path}`)).text();",
      `writeFileSync("${folder}/pids", await get("/pid"));`,
      'console.log(await get("/"));',
    ),
    fence("text", "port 1234"),
  );
  const { status, text } = runPage(page);
  expect(status, text).toBe(0);
  expect(pidsIn("pids")[0]).toBeGreaterThan(1);
  expect(pidsIn("pids").filter(isAlive)).toEqual([]);
});

test("background processes end with the page", () => {
  const page = writePage(fence("sh run", "sleep 1000 &", `echo $! > ${folder}/pids`));
  expect(runPage(page).status).toBe(0);
  expect(pidsIn("pids").filter(isAlive)).toEqual([]);
});

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
  "nothing outlives the runner after %s",
  async (signal) => {
    const page = writePage(fence("sh run", "sleep 1000 &", `echo $! $$ > ${folder}/pids`, "wait"));
    const runner = spawn(process.execPath, [...PROGRAM, page], {
      stdio: "ignore",
      env: { ...process.env, TMPDIR: folder },
    });
    const exited = new Promise((resolve) => runner.on("exit", resolve));
    const patience = { timeout: 120_000, interval: 20 };
    await vi.waitFor(() => expect(pidsIn("pids")).toHaveLength(2), patience);
    runner.kill(signal);
    await exited;
    await vi.waitFor(() => expect(pidsIn("pids").filter(isAlive)).toEqual([]), patience);
  },
);

test("without curl a page that needs it is skipped aloud", () => {
  const page = writePage(fence("sh run", "curl localhost:1234"), fence("sh run", "echo"));
  const { status, text } = runPage(page, { env: { PATH: folder } });
  expect(status, text).toBe(0);
  expect(text).toMatch(/page\.md:2 sh: skipped, there is no curl here/);
  expect(text).toContain("snippets: 0 passed, 2 skipped\n");
});
