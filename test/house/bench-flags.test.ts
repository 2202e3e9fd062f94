/** What a benchmark is told is looked at before anything is installed, built or measured. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const bench = join(import.meta.dirname, "..", "..", "bench");
const NAMES = ["core", "server", "replication", "growth", "docs"];

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, stdout, stderr };
}

it.each(NAMES)("%s says what it can be told, and refuses anything else in one line", (name) => {
  for (const begin of [[join(bench, "run.mjs"), name], [join(bench, name, "run.mjs")]]) {
    const help = run(...begin, "--help");
    expect(help).toMatchObject({ status: 0, stderr: "" });
    expect(help.stdout).toContain(`pnpm bench ${name}`);
    for (const wrong of [["--nope"], ["something"]]) {
      const { status, stdout, stderr } = run(...begin, ...wrong);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(new RegExp(`^bench ${name}: [^\\n]+; see --help\\n$`));
    }
  }
});

it("what is no number, no part, and no benchmark is one line as well", () => {
  for (const [args, line] of [
    [["core", "--rounds", "0"], 'bench core: --rounds is a number from 1 on, not "0"; see --help'],
    [["replication", "--records", "many"], "bench replication: --records is a number from 1 on"],
    [["nothing"], `pnpm bench ${NAMES.join(" | ")} [flags], not nothing`],
    [[], "pnpm bench core"],
  ] as const) {
    const { status, stderr } = run(join(bench, "run.mjs"), ...args);
    expect([status, stderr.split("\n").length]).toEqual([2, 2]);
    expect(stderr).toContain(line);
  }
  const { status, stderr } = run(join(bench, "replication", "run.mjs"), "--only", "nope");
  expect([status, stderr]).toEqual([
    2,
    "there is no part nope; there are any1, catch-up, heap, stopped, mesh\n",
  ]);
  const all = run(join(bench, "run.mjs"), "--help");
  expect(all.status).toBe(0);
  for (const name of NAMES) expect(all.stdout).toContain(`\n  ${name} `);
});
