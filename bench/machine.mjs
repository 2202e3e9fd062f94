/** Where and on what was measured: it goes into every result, because a figure without it says nothing. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");

/** Above this the machine has other work, and the figures are marked. */
const LOAD_MAX = 0.7;

export function machine() {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8"));
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    commit: commit(),
    node: process.versions.node,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    versions: dependencies,
  };
}

/** What else the machine does, at the moment: the load of the last minute, of which our own is a part. */
export const loadNow = () => Number(loadavg()[0].toFixed(2));

/** How much of each core was used between two calls, by anybody. Ours included, so only meaningful while we rest. */
export async function othersBusy(ms = 400) {
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const after = ticks();
  return Number(((after.busy - before.busy) / (after.all - before.all)).toFixed(2));
}

export const isLoaded = (busy) => busy * cpus().length > LOAD_MAX;

function ticks() {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.idle + times.irq;
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}

function commit() {
  const git = (...args) =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--", "packages").split("\n").filter(Boolean).length;
    return `${git("rev-parse", "--short", "HEAD")}${changed > 0 ? ` and ${changed} changed files` : ""}`;
  } catch {
    return "unknown";
  }
}
