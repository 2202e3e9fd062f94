/**
 * Done means on the device, and a disk that fails is noticed.
 *
 * Killing a process cannot show a missing sync, because the system's cache outlives it. So the order of system calls is
 * read from a trace: what a commit wrote, the sync, and only then the report. Needs strace and the built packages.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLmdb } from "@syncline/storage/lmdb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { found } from "./bytes.js";
import { callsOf, tooEarly } from "./trace.js";

const child = (name: string) => join(import.meta.dirname, "children", name);
const canTrace = spawnSync("strace", ["-f", "-o", "/dev/null", "true"]).status === 0;
if (!canTrace) {
  console.error(
    "\n!!! strace is missing or not allowed here: NOT TESTED that a commit is on the device before it is called durable.\n" +
      "!!! Install it (Debian: apt-get install strace) and allow ptrace.\n",
  );
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "syncline-durability-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a child under strace; `changes` are options that make calls fail. */
function traced(script: string, args: readonly string[], ...changes: string[]) {
  const trace = join(folder, "trace");
  const calls = "trace=openat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,msync,sync_file_range";
  const options = ["-f", "-s", "100000", "-o", trace, "-e", calls, ...changes];
  const run = spawnSync("strace", [...options, process.execPath, child(script), ...args], {
    encoding: "utf8",
  });
  return { ...run, trace: readFileSync(trace, "utf8") };
}

describe.skipIf(!canTrace)("the order of system calls (strace)", () => {
  test("every commit was written, synced and made to count before it was reported", () => {
    const { status, stdout, trace, stderr } = traced("traced.mjs", [folder]);
    expect(status, stderr).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(60);
    expect(
      callsOf(trace).filter((call) => call.name === "write" && /durable </.test(call.text)),
    ).toHaveLength(60);
    expect(tooEarly(trace)).toEqual([]);
  });

  test("commits made together share a sync", () => {
    const { trace } = traced("traced.mjs", [folder]);
    const calls = callsOf(trace);
    const last = calls.find((call) => call.text.includes("durable <single-9>"));
    const syncs = calls.filter((call) => call.name === "fdatasync" && call.start > (last?.end ?? 0));
    expect(syncs.length).toBeGreaterThan(0);
    expect(syncs.length).toBeLessThanOrEqual(15);
  });

  test("the check of the order catches a report that comes early", () => {
    const { status, trace, stderr } = traced("traced.mjs", [folder, "early"]);
    expect(status, stderr).toBe(0);
    expect(tooEarly(trace)).toHaveLength(60);
  });

  test.each([1, 2, 7])(
    "a sync that fails (from number %i on) fails this commit and all later ones",
    async (n) => {
      const run = traced("failing.mjs", [folder], "-e", `inject=fdatasync:error=EIO:when=${n}+`);
      await checkFailure(run.stdout, run.stderr);
    },
  );

  test("one sync that fails is final, even if the next would succeed", async () => {
    const run = traced("failing.mjs", [folder], "-e", "inject=fdatasync:error=EIO:when=4");
    await checkFailure(run.stdout, run.stderr);
  });
});

test("a disk that is full fails the commit and all later ones, and reads go on", async () => {
  // A limit on the size of files stands for a full disk: the write fails in the same place.
  const limited = `ulimit -f 4000; exec "$0" "$1" "$2"`;
  const run = spawnSync("sh", ["-c", limited, process.execPath, child("failing.mjs"), folder], {
    encoding: "utf8",
  });
  const { ok } = await checkFailure(run.stdout, run.stderr);
  expect(ok).toBeGreaterThan(10);
});

/** Some done, then a failure, then failures only; and what was done is there, in order, for this process and the next. */
async function checkFailure(stdout: string, stderr: string) {
  const lines = stdout.trim().split("\n");
  expect(lines.pop(), stderr).toBe("closed");
  const readable = Number(/^read (\d+)$/.exec(lines.pop() ?? "")?.[1]);
  const outcomes = lines.map((line) => line.split(" ")[0]);
  expect(lines.map((line) => Number(line.split(" ")[1]))).toEqual(lines.map((_, i) => i));
  const ok = outcomes.indexOf("STORE_FAILED");
  expect(ok, stdout).toBeGreaterThanOrEqual(0);
  expect(new Set(outcomes.slice(0, ok))).toEqual(new Set(ok === 0 ? [] : ["ok"]));
  expect(new Set(outcomes.slice(ok))).toEqual(new Set(["STORE_FAILED"]));
  expect(outcomes.length - ok).toBeGreaterThanOrEqual(4);
  expect(readable).toBeGreaterThanOrEqual(ok);
  const store = await openLmdb(folder);
  const keys = found(store).map(([key]) => key);
  expect(keys.length).toBeGreaterThanOrEqual(ok);
  expect(keys).toEqual(keys.map((_, i) => `k${`${i}`.padStart(6, "0")}`));
  await store.close();
  return { ok };
}

test("the built package is there", () => {
  execFileSync(process.execPath, ["--input-type=module", "-e", 'import "@syncline/storage/lmdb"'], {
    cwd: import.meta.dirname,
  });
});
