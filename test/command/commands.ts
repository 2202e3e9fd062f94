/** The built command as a process; what it still runs is ended after each test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";

const COMMAND = join(import.meta.dirname, "..", "..", "apps", "syncline", "bin", "syncline.js");

/** A folder of its own for each test; processes run in it. */
export let folder: string;
const running = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "syncline-command-"));
});

afterEach(async () => {
  for (const child of running) {
    const gone = once(child, "close");
    child.kill("SIGKILL");
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The fields of the first line of the log with this event. Rejects if the process ends without one. */
  event(name: string): Promise<Record<string, unknown>>;
}

export interface StartOptions {
  readonly env?: Record<string, string>;
  /** What the shell does before, a limit for instance. */
  readonly before?: string;
}

export function start(args: readonly string[], { env = {}, before = ":" }: StartOptions = {}): Running {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("SYNCLINE_"));
  const child = spawn("sh", ["-c", `${before}; exec "$0" "$@"`, process.execPath, COMMAND, ...args], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  let isClosed = false;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const one of woken) one();
  };
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    stdout += chunk;
    wake();
  });
  child.stderr.setEncoding("utf8").on("data", (chunk) => (stderr += chunk));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      isClosed = true;
      resolve({ code, stdout, stderr });
      wake();
    });
  });
  const event = async (name: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const lines = stdout.split("\n").slice(0, -1);
      const line = lines.map((text) => JSON.parse(text)).find((fields) => fields.event === name);
      if (line !== undefined) return line;
      if (isClosed) throw new Error(`ended without ${name}: ${stderr}${stdout}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { child, ended, event };
}

/** Runs the command to its end. */
export const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  start(args, { env }).ended;

export interface Serving extends Running {
  readonly port: number;
  readonly url: string;
  readonly http: string;
  readonly name: string;
}

/** Starts a server on a free port and waits until it is ready. */
export async function serve(...args: string[]): Promise<Serving> {
  const process = start(["serve", "--port", "0", ...args]);
  const { port, node, url } = await process.event("listening");
  return {
    ...process,
    port: Number(port),
    url: String(url),
    name: String(node),
    http: `http://localhost:${port}`,
  };
}
