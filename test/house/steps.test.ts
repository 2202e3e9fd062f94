/**
 * Steps say what they do and how it ended, are quiet unless they fail, and leave
 * no process behind.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test, vi } from "vitest";
import { isAlive } from "./processes.js";

const HOUSE = pathToFileURL(join(import.meta.dirname, "../../scripts/house.mjs")).href;

/** Runs the steps, each written as [name, kind of run, program]; the programs are Node's. */
function runSteps(needed: [string, string, string][], wanted: [string, string, string][] = []) {
  const steps = (list: [string, string, string][]) =>
    list.map(
      ([name, kind, program]) =>
        `{ name: "${name}", run: (c) => c.${kind}(process.execPath, ["-e", ${JSON.stringify(program)}]) }`,
    );
  const main =
    `import { runSteps } from "${HOUSE}";` +
    `const passed = await runSteps({ needed: [${steps(needed)}], wanted: [${steps(wanted)}] });` +
    "process.exitCode = passed ? 0 : 1;";
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", main], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return { status, text: stdout.replace(/\d+\.\d s/g, "N s") };
}

test("a quiet step shows nothing but its lines, a shown one its output", () => {
  const { status, text } = runSteps(
    [["a", "quiet", "console.log('hidden')"]],
    [["b", "shown", "console.log('seen')"]],
  );
  expect(text).toBe(
    "[1/2] a\n[1/2] a: ok, N s\n[2/2] b\nseen\n[2/2] b: ok, N s\n\nall 2 steps passed in N s.\n",
  );
  expect(status).toBe(0);
});

test("a failed step shows its whole output", () => {
  const { status, text } = runSteps([
    ["a", "quiet", "console.log('out'); console.error('why'); process.exit(3)"],
  ]);
  expect(text.split("\n").sort()).toEqual(
    ["[1/1] a", "[1/1] a: FAILED, exit 3, N s", "out", "why", "failed: a (N s).", "", ""].sort(),
  );
  expect(status).toBe(1);
});

test("a needed step that fails ends the run, a wanted one does not", () => {
  expect(runSteps([["a", "quiet", "process.exit(1)"]], [["b", "quiet", ""]]).text).not.toContain("[2/2]");
  const { status, text } = runSteps(
    [],
    [
      ["a", "quiet", "process.exit(1)"],
      ["b", "quiet", ""],
    ],
  );
  expect(text).toContain("[2/2] b: ok");
  expect(text).toContain("failed: a (");
  expect(status).toBe(1);
});

test.runIf(process.platform === "linux")(
  "a process that a step leaves running is named, ended, and fails it",
  async () => {
    const leave =
      "const child = require('node:child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'inherit' });" +
      "console.log('pid', child.pid); child.unref();";
    const { status, text } = runSteps([["a", "shown", leave]]);
    const pid = Number(/pid (\d+)/.exec(text)?.[1]);
    expect(text).toContain("FAILED, it left processes running");
    expect(text).toContain(`${pid} sleep 1000`);
    expect(status).toBe(1);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
  },
);
