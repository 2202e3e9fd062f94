/**
 * What apps import, and what a bundler makes of it: minified, in one file. Said once, for `sizes.mjs`, which prints what it
 * takes, and for test/client/bundle.test.ts, which keeps it from growing.
 */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { root } from "./house.mjs";
import { lean } from "./lean.mjs";

/** Programs, what each is given besides, and how many bytes it shall have. */
export const BUNDLES = {
  client: {
    program: 'export { connect, defineSchema, register, counter, set, map } from "@syncline/client";',
    goal: 20_000,
  },
  "client, offline": {
    program:
      'export { connect, defineSchema, register, counter, set, map, indexedDb } from "@syncline/client";',
  },
  /** One type alone, without documents or servers. */
  "core, one type": { program: 'export { Replica, pnCounter } from "@syncline/core";', goal: 8_000 },
  /** The hooks, beside React and the client. */
  react: {
    program: 'export * from "@syncline/react";',
    external: ["react", "@syncline/client"],
    goal: 3_000,
  },
};

// What is measured is what has been built, as it is now.
lean();

/** As bundlers have it for what is deployed. */
const CONDITIONS = ["production", "browser", "module", "import", "default"];

/** The chunks of a program. Hints for bundlers are left out, for nobody bundles it again. */
export async function bundled({ program, external = [] }, format = "esm") {
  // Beside the tests, which see all packages.
  const entry = join(root, "test", "size-of-an-app.js");
  const build = await rolldown({
    input: entry,
    external,
    platform: "browser",
    resolve: { conditionNames: CONDITIONS },
    logLevel: "silent",
    plugins: [
      {
        name: "the app",
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? program : null),
      },
    ],
  });
  const { output } = await build.generate({
    format,
    name: "syncline",
    minify: true,
    comments: { annotation: false },
  });
  await build.close();
  return output;
}

/** Bytes of a chunk as servers send it. */
export const sizeOf = ({ code }) => gzipSync(code, { level: 9 }).length;
