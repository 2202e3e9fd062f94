import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startMaster } from "./servers.js";

/** What a bundler makes of the built packages for a browser: small, and nothing of Node in it. */

/** What an app with registers, counters and sets imports; and what keeps it offline. */
const APP = 'export { connect, defineSchema, register, counter, set } from "@syncline/client";';
const OFFLINE_APP = `${APP} export { indexedDb } from "@syncline/client";`;
/** One type alone, without documents or servers. */
const ONE_TYPE = 'export { Replica, pnCounter } from "@syncline/core";';
/** The hooks, beside React and the client. */
const HOOKS = 'export * from "@syncline/react";';

/** Minified and compressed. The goal for the client is 20 kB; these keep it from growing meanwhile. */
const BYTES_MAX = { app: 41_750, offline: 48_400, oneType: 8_150, hooks: 3_000 };

async function bundled(program = APP, external: string[] = []) {
  const entry = join(import.meta.dirname, "app.js");
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
  const { output } = await build.generate({ format: "iife", name: "syncline", minify: true });
  await build.close();
  return output;
}

const sizeOf = ([{ code }]: Awaited<ReturnType<typeof bundled>>) => gzipSync(code, { level: 9 }).length;

describe("the bundle for browsers", () => {
  test("is one file that imports nothing, without ws and without the server's side", async () => {
    const [chunk, ...others] = await bundled();
    expect(others).toEqual([]);
    expect([...chunk.imports, ...chunk.dynamicImports]).toEqual([]);
    const modules = chunk.moduleIds.join("\n");
    expect(modules).toContain("packages/client/dist/browser.js");
    expect(modules).not.toMatch(/\/ws@|\/ws\/|node-dialer|node-link|engine\/dist\/node\//);
  });

  test("has the size that was promised, and what is not used is not in it", async () => {
    const app = sizeOf(await bundled());
    const offline = sizeOf(await bundled(OFFLINE_APP));
    const oneType = sizeOf(await bundled(ONE_TYPE));
    const hooks = sizeOf(await bundled(HOOKS, ["react", "@syncline/client"]));
    console.log(
      `bundles, min+gzip: client ${app} B, with indexedDb ${offline} B, one type ${oneType} B, hooks ${hooks} B`,
    );
    expect(app).toBeLessThan(BYTES_MAX.app);
    expect(offline).toBeLessThan(BYTES_MAX.offline);
    expect(hooks).toBeLessThan(BYTES_MAX.hooks);
    expect(oneType).toBeLessThan(BYTES_MAX.oneType);
    const [{ moduleIds }] = await bundled();
    expect(moduleIds.join()).not.toMatch(
      /idb|keeper|slottables|flag|grow-|remove-wins|list|positions|sequence/,
    );
  });

  test("runs where there is only what browsers have, and reaches a server", async () => {
    const { url } = await startMaster("m1");
    const [{ code }] = await bundled();
    // The classes of bytes are shared, as a browser's WebSocket and its page share theirs.
    const platform = {
      ...{ WebSocket, URL, TextEncoder, TextDecoder, ArrayBuffer, Uint8Array, DataView, MessageChannel },
      ...{ crypto, performance, setTimeout, clearTimeout, queueMicrotask },
    };
    const app = `${code}
      const db = syncline.connect(${JSON.stringify(url)}, {
        schema: syncline.defineSchema({ boards: { title: syncline.register(), votes: syncline.counter() } }),
      });
      const board = db.open("boards", "roadmap");
      (async () => {
        await board.ready;
        const write = board.transact((b) => { b.title.set("Roadmap"); b.votes.increment(); });
        const { outcome } = await write.acknowledged();
        const shown = JSON.stringify(board);
        db.close();
        return outcome + " " + shown;
      })()`;
    expect(await runInNewContext(app, platform)).toBe('committed {"title":"Roadmap","votes":1}');
  });
});
