/**
 * Every file of the benchmark still runs, at the smallest size, and what it computes is right. Nothing is timed here.
 * Our own side needs nothing installed; the peers are tried only where somebody has installed them.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";

const bench = join(import.meta.dirname, "..", "..", "bench");
// Each starts dozens of processes, one after the other.
vi.setConfig({ testTimeout: 300_000 });

const folder = mkdtempSync(join(tmpdir(), "syncline-bench-test-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Results {
  readonly parts: Record<
    string,
    { readonly found: Record<string, { readonly metrics: Record<string, { readonly median: number }> }> }
  >;
}

/** Runs a benchmark; gives its results. */
function smoke(name: string, ...flags: string[]): Promise<Results> {
  const out = join(folder, `${name}.json`);
  const args = [join(bench, name, "run.mjs"), "--smoke", "--out", out, ...flags];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(readFileSync(out, "utf8")));
      else reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
    });
  });
}

it("every work of the core is done by Syncline and the floor, with the right result", async () => {
  const { parts } = await smoke("core", "--systems", "syncline,floor");
  expect(parts["op-bytes"]?.found.floor?.metrics.counter?.median).toBeGreaterThan(0);
});

it("every work of the server is done by Syncline's, and nothing it took is lost by kill -9", async () => {
  const { parts } = await smoke("server", "--systems", "syncline");
  expect(parts.kill?.found["syncline durable"]?.metrics.acknowledged?.median).toBe(1);
});

it("what replication costs is measured, and its ratios are numbers", async () => {
  const parts: Record<string, Record<string, number>> = (await smoke("replication")).parts as never;
  expect(Object.keys(parts).sort()).toEqual(["any1", "catch-up", "heap", "mesh", "stopped"]);
  for (const found of Object.values(parts))
    for (const [what, number] of Object.entries(found)) expect(number, what).toBeGreaterThan(0);
});

it("every axis of growth has its points", async () => {
  const { parts } = await smoke("growth");
  expect(Object.keys(parts)).toContain("masters");
});

const arePeersInstalled = existsSync(join(bench, "node_modules"));
it.skipIf(!arePeersInstalled)(
  `the peers run too${arePeersInstalled ? "" : ": NOT INSTALLED, run pnpm bench core"}`,
  async () => {
    const { parts } = await smoke("core", "--works", "op-bytes");
    expect(parts["op-bytes"]?.found.yjs?.metrics.register?.median).toBeGreaterThan(0);
  },
);
