/** `pnpm mutate [set flag …]`: mutates these files of core, or all, and says what no test noticed. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const names = process.argv.slice(2);
const env = { ...process.env };
if (names.length > 0) {
  env.SYNCLINE_MUTATE = names.map((name) => `packages/core/src/${name}.ts`).join(",");
  env.SYNCLINE_MUTATE_REPORT = `coverage/mutation/${names.join("-")}.json`;
}
const stryker = fileURLToPath(
  new URL("../../node_modules/@stryker-mutator/core/bin/stryker.js", import.meta.url),
);
const { status } = spawnSync(process.execPath, [stryker, "run", "test/mutation/stryker.config.mjs"], {
  cwd: root,
  env,
  stdio: "inherit",
});
process.exit(status ?? 1);
