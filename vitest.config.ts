import { defineConfig } from "vitest/config";

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
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});
