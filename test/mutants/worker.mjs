/**
 * Has a scratch copy of the sources and a vitest that stays, and says of each mutant that it is sent what notices it.
 *
 * A vitest that starts anew for every mutant spends three quarters of the time on starting. This one keeps what it has
 * translated and is told of the file that changed; every run still gets a thread, and modules, of its own.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createVitest } from "vitest/node";
import { mutate } from "./mutate.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = scratchCopy();
const vitest = await createVitest("test", {
  root: scratch,
  watch: false,
  pool: "threads",
  maxWorkers: 1,
  bail: 1,
  reporters: [{}],
});

process.on("message", async (mutant) => process.send(await judge(mutant)));
process.once("disconnect", async () => {
  await vitest.close();
  rmSync(scratch, { recursive: true, force: true });
  process.exit();
});
process.send("ready");

function scratchCopy() {
  const folder = mkdtempSync(join(tmpdir(), "syncline-mutants-"));
  for (const name of ["packages", "test"]) {
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !/[\\/](dist|coverage)$/.test(path),
    });
  }
  for (const file of ["vitest.config.ts", "package.json", "tsconfig.base.json", "tsconfig.json"])
    cpSync(join(root, file), join(folder, file));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** `caught` by which test, or `broken` because of what, or neither: it survived. */
async function judge({ file, edits, tests }) {
  const path = join(scratch, file);
  const original = readFileSync(path, "utf8");
  const { result, misfit } = mutate(original, edits);
  if (misfit !== undefined) return { broken: misfit };
  const write = (text) => {
    writeFileSync(path, text);
    vitest.invalidateFile(path);
  };
  write(result);
  try {
    return await firstFailure(tests);
  } finally {
    write(original);
  }
}

async function firstFailure([file, names]) {
  vitest.setGlobalTestNamePattern(names ?? "");
  const specifications = await vitest.globTestSpecifications([file]);
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  // What the runs before this one have had is told as well.
  const ran = testModules.filter(({ moduleId }) => specifications.some((each) => each.moduleId === moduleId));
  const outcomes = ran.flatMap(({ children }) =>
    [...children.allTests()].map((test) => [test.name, test.result().state]),
  );
  const failed = outcomes.find(([, state]) => state === "failed");
  if (failed !== undefined) return { caught: failed[0] };
  const errors = [...ran.flatMap((module) => module.errors()), ...unhandledErrors].map(
    ({ message }) => message,
  );
  if (errors.length > 0) return { broken: errors.join("\n").slice(0, 500) };
  return outcomes.some(([, state]) => state === "passed") ? {} : { broken: "no test ran" };
}
