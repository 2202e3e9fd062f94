import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import type { OutputChunk, RolldownOutput } from "rolldown";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startMaster } from "./servers.js";

/** What a bundler makes of the built packages for a browser: small, and nothing of Node in it. */

interface Bundle {
  readonly program: string;
  readonly external?: readonly string[];
}

const SCRIPT = pathToFileURL(join(import.meta.dirname, "../../scripts/bundles.mjs")).href;
const { BUNDLES, bundled, sizeOf } = (await import(SCRIPT)) as {
  readonly BUNDLES: Readonly<Record<"client" | "client, offline" | "core, one type" | "react", Bundle>>;
  readonly bundled: (bundle: Bundle, format?: "iife") => Promise<RolldownOutput["output"]>;
  readonly sizeOf: (chunk: OutputChunk) => number;
};

/** Minified and compressed. The goal for the client is 20 kB; these keep it from growing meanwhile. */
const BYTES_MAX = { client: 38_150, "client, offline": 44_800, "core, one type": 8_050, react: 3_000 };

describe("the bundle for browsers", () => {
  test("is one file that imports nothing, without ws and without the server's side", async () => {
    const [chunk, ...others] = await bundled(BUNDLES.client, "iife");
    expect(others).toEqual([]);
    expect([...chunk.imports, ...chunk.dynamicImports]).toEqual([]);
    const modules = chunk.moduleIds.join("\n");
    expect(modules).toContain("packages/client/dist/browser.js");
    expect(modules).not.toMatch(/\/ws@|\/ws\/|node-dialer|node-link|engine\/dist\/node\//);
  });

  test("has the size that was promised, and what is not used is not in it", async () => {
    const bytes: Record<string, number> = {};
    for (const [name, bundle] of Object.entries(BUNDLES)) bytes[name] = sizeOf((await bundled(bundle))[0]);
    console.log("bundles, min+gzip:", bytes);
    for (const [name, max] of Object.entries(BYTES_MAX)) expect(bytes[name], name).toBeLessThanOrEqual(max);
    const [{ moduleIds }] = await bundled(BUNDLES.client, "iife");
    expect(moduleIds.join()).not.toMatch(
      /idb|keeper|slottables|field-rows|register-rows|name-table|elements|flag|grow-|remove-wins|list|positions|sequence/,
    );
  });

  test("runs where there is only what browsers have, and reaches a server", async () => {
    const { url } = await startMaster("m1");
    const [{ code }] = await bundled(BUNDLES.client, "iife");
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
