/**
 * `pnpm bench core | server | replication | growth | docs [flags]`: installs the peers on first use, from
 * bench/pnpm-lock.yaml, builds Syncline, and runs that benchmark. `docs` draws the charts and writes the tables of docs/performance.md from the
 * results that are there.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, checkNode, endWithNpm, install, readManifest, runSteps } from "../scripts/house.mjs";
import { BENCHMARKS, flagsOf, helpOfAll } from "./flags.mjs";

checkNode();
endWithNpm();
const [name, ...flags] = process.argv.slice(2);
if (name === "--help" || name === "-h") {
  console.log(helpOfAll());
  process.exit(0);
}
if (!Object.hasOwn(BENCHMARKS, name ?? "")) {
  console.error(`pnpm bench ${Object.keys(BENCHMARKS).join(" | ")} [flags], not ${name ?? "nothing"}`);
  process.exit(2);
}
// Before anything is installed or built.
flagsOf(name, flags);
if (!(await runSteps({ needed: [install(), build(), installPeers()], after: 1 }))) process.exit(1);

console.log(["[4/4]", name, ...flags].join(" "));
process.argv.splice(2, 1);
await import(join(import.meta.dirname, name, "run.mjs"));

function installPeers() {
  const here = import.meta.dirname;
  const stamp = join(here, "node_modules", ".syncline-stamp");
  const wanted = createHash("sha256")
    .update(readFileSync(join(here, "pnpm-lock.yaml")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    return { name: "peers", note: "up to date", run: async () => {} };
  }
  const pnpm = readManifest(here).packageManager;
  return {
    name: "peers",
    note: `${pnpm}; the first time takes a minute`,
    run: async (context) => {
      await context.quiet("npx", ["--yes", pnpm, "-C", here, "install", "--frozen-lockfile"]);
      writeFileSync(stamp, wanted);
    },
  };
}
