import { execFileSync } from "node:child_process";
import { defineConfig } from "vitest/config";

/**
 * What random tests draw from, docs/decisions/0042: new with every commit, and the same wherever a commit is tested, so a
 * test that passed before a push cannot fail after it by chance. SYNCLINE_SEED draws others.
 */
function seed(): string {
  if (process.env.SYNCLINE_SEED) return process.env.SYNCLINE_SEED;
  try {
    const head = execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return String(Number.parseInt(head.slice(0, 7), 16));
  } catch {
    return "1";
  }
}

/** Tests run on the sources, so a failure points at the line that people edit; only tests of processes use the build. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@syncline\/([a-z]+)$/, replacement: `${import.meta.dirname}/packages/$1/src/index.ts` },
      {
        find: /^@syncline\/([a-z]+)\/([a-z]+)$/,
        replacement: `${import.meta.dirname}/packages/$1/src/$2.ts`,
      },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    env: { SYNCLINE_SEED: seed() },
    setupFiles: ["test/seed.ts"],
    // For what hangs: no test may fail because a machine is slow.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
    // By content: what has not changed since the last run, or the last mutant, is not translated again.
    experimental: { fsModuleCache: true },
  },
});
