/**
 * How large is what apps ship? Bundles what an app would import, minified and compressed, and says it beside its goal.
 *
 *   node scripts/sizes.mjs [--modules NAME]
 *
 * `--modules` prints what a bundle is made of. What must not grow is held by test/client/bundle.test.ts.
 */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { root } from "./house.mjs";

/** What is measured: the program of an app, what it is given besides, and how many bytes it shall have. */
const BUNDLES = {
  client: {
    program: 'export { connect, defineSchema, register, counter, set, map } from "@syncline/client";',
    goal: 20_000,
  },
  "client, offline": {
    program:
      'export { connect, defineSchema, register, counter, set, map, indexedDb } from "@syncline/client";',
  },
  "core, one type": { program: 'export { Replica, pnCounter } from "@syncline/core";', goal: 8_000 },
  react: {
    program: 'export * from "@syncline/react";',
    external: ["react", "@syncline/client"],
    goal: 3_000,
  },
};

async function bundled({ program, external = [] }) {
  // Beside the tests, which see all packages.
  const entry = join(root, "test", "size-of-an-app.js");
  const build = await rolldown({
    input: entry,
    external,
    platform: "browser",
    logLevel: "silent",
    plugins: [
      {
        name: "the app",
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? program : null),
      },
    ],
  });
  const { output } = await build.generate({ format: "esm", minify: true });
  await build.close();
  return output[0];
}

const wanted = process.argv[process.argv.indexOf("--modules") + 1];
if (process.argv.includes("--modules")) {
  const { modules } = await bundled(BUNDLES[wanted]);
  const sizes = Object.entries(modules).map(([path, { code }]) => [
    code?.length ?? 0,
    path.slice(root.length + 1),
  ]);
  for (const [length, path] of sizes.sort(([a], [b]) => b - a)) console.log(String(length).padStart(7), path);
} else {
  const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  for (const [name, bundle] of Object.entries(BUNDLES)) {
    const bytes = gzipSync((await bundled(bundle)).code, { level: 9 }).length;
    console.log(
      `${name}: ${kB(bytes)} min+gzip${bundle.goal === undefined ? "" : `, goal ${kB(bundle.goal)}`}`,
    );
  }
}
