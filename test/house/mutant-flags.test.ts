/** Whoever names no mutant, or asks for what there is not, is told so: nothing that was looked at is no good news. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const RUN = join(import.meta.dirname, "..", "mutants", "run.mjs");

it.each([
  [["no such part"], 'no mutant has "no such part" in its rule or name'],
  [["no such part", "--fit"], 'no mutant has "no such part" in its rule or name'],
  [["--fti"], "there is no --fti; there are --write and --fit"],
  [["purge", "drops"], "one part of a name, not 2; put it into quotes"],
])("%j is refused with exit code 2", (args, line) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [RUN, ...args], { encoding: "utf8" });
  expect([status, stdout, stderr]).toEqual([2, "", `mutants: ${line}\n`]);
});
