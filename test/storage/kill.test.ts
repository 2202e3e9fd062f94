/**
 * A process that is killed leaves what it had reported, whole.
 *
 * Eight times over, a child that commits without end is killed after a number of reports drawn from a seed, and what it
 * left is read: every commit reported is there, those that are there are the first ones, without a gap, and
 * each has all its parts. The next child goes on in the same store. Needs the built packages.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLmdb } from "@syncline/storage/lmdb";
import { afterAll, expect, test } from "vitest";
import { ALL, bytes, text } from "./bytes.js";

const ROUNDS = 8;
const SEED = 20_261_123;

const folder = mkdtempSync(join(tmpdir(), "syncline-kill-"));
afterAll(() => rmSync(folder, { recursive: true }));

test(`kill -9 after random numbers of commits (seed ${SEED})`, async () => {
  const random = lcg(SEED);
  let kept = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const reported = await killedAfter(1 + random(400), kept + 1);
    expect(reported).toBeGreaterThan(kept);
    const store = await openLmdb(folder);
    const last = Number(text(store.get(bytes("last"))));
    expect(last, `round ${round}`).toBeGreaterThanOrEqual(reported);
    const parts = new Map<string, Set<number>>();
    for (const [key, value] of store.scan(ALL)) {
      const [part = "", number] = (text(key) ?? "").split("/");
      if (number === undefined) continue;
      const n = Number(number);
      parts.set(part, (parts.get(part) ?? new Set()).add(n));
      const isWhole = value.length === (n * 7919) % 900 && value.every((byte) => byte === (n & 0xff));
      expect(isWhole, `round ${round}, ${text(key)}`).toBe(true);
    }
    const all = new Set(Array.from({ length: last }, (_, i) => i + 1));
    expect([...parts.keys()].sort()).toEqual(["a", "m", "z"]);
    for (const numbers of parts.values()) expect(numbers).toEqual(all);
    await store.close();
    kept = last;
  }
});

/** Runs a child until it has reported `count` commits, kills it, and returns the last number it reported. */
async function killedAfter(count: number, first: number): Promise<number> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "children/endless.mjs"), folder, `${first}`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let output = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (chunk: string) => {
    output += chunk;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  });
  const [, signal] = await once(child, "close");
  expect(signal, "it was killed, it did not fail").toBe("SIGKILL");
  const lines = output.split("\n").slice(0, -1).map(Number);
  expect(lines).toEqual(lines.map((_, i) => first + i));
  return lines.at(-1) ?? 0;
}

/** A small generator of random numbers: Numerical Recipes' constants. */
function lcg(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
