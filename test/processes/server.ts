import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** `syncline serve` as a process of its own, on a port and a data folder that it keeps over all its lives. */
const command = fileURLToPath(new URL("../../apps/syncline/bin/syncline.js", import.meta.url));

export class Server {
  private process: ChildProcess | undefined;
  private extra: readonly string[] = [];
  /** Its own from its first start on, over all its lives. */
  port = 0;
  /** Milliseconds by which its wall clock is wrong. */
  skewMs = 0;
  /** Everything that it has logged, for the message of a failure. */
  readonly log: string[] = [];

  constructor(
    readonly name: string,
    private readonly folder: string,
    private readonly flags: readonly string[],
  ) {}

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Starts it and waits until it listens: with the extra flags of its last start, unless they are given others. */
  async start(extra: readonly string[] = this.extra): Promise<void> {
    this.extra = extra;
    if (this.port === 0) this.port = await freePort();
    const child = spawn(
      process.execPath,
      [
        command,
        "serve",
        ...["--port", String(this.port), "--host", "127.0.0.1", "--name", this.name],
        ...["--data", join(this.folder, this.name)],
        ...this.flags,
        ...extra,
      ],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...environment(), ...this.wrongClock() } },
    );
    this.process = child;
    const lines = createInterface({ input: child.stdout! });
    child.stderr!.on("data", (data) => this.log.push(String(data)));
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => {
        this.log.push(line);
        if (JSON.parse(line).event === "listening") resolve();
      });
      child.once("close", (code) =>
        reject(new Error(`${this.name} ended with ${code}\n${this.log.join("\n")}`)),
      );
    });
  }

  /** SIGKILL: no goodbye, no flush. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** SIGTERM: it drains. Resolves with the exit code. */
  async stop(): Promise<number | null> {
    return await this.end("SIGTERM");
  }

  signal(signal: NodeJS.Signals): void {
    this.process?.kill(signal);
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.port}${path}`, { headers });
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the tests look at.
  async status(): Promise<any> {
    return await (await this.get("/v1/status")).json();
  }

  private wrongClock(): NodeJS.ProcessEnv {
    if (this.skewMs === 0) return {};
    const program = `const right=Date.now;Date.now=()=>right()+${this.skewMs}`;
    return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}` };
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.process;
    this.process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null;
    // Not its exit: what it has said last is still on the way then.
    const ended = once(child, "close");
    child.kill(signal);
    const [code] = await ended;
    return code;
  }
}

/** Servers in one scratch folder, all of which are gone at the end. */
export class Servers {
  readonly folder = mkdtempSync(join(tmpdir(), "syncline-test-"));
  readonly all: Server[] = [];

  server(name: string, ...flags: string[]): Server {
    const server = new Server(name, this.folder, flags);
    this.all.push(server);
    return server;
  }

  /** One that listens. */
  async started(name: string, ...flags: string[]): Promise<Server> {
    const server = this.server(name, ...flags);
    await server.start();
    return server;
  }

  async end(): Promise<void> {
    await Promise.all(this.all.map((server) => server.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until the server has logged this. Its log comes by another way than its answers, and may be later. */
export async function logs(server: Server, text: string): Promise<void> {
  await until(`${server.name} logs ${text}`, () => server.log.some((line) => line.includes(text)));
}

/** Starts two masters that follow each other: the first one is started again once the port of the second is known. */
export async function startBoth(m1: Server, m2: Server): Promise<void> {
  await m1.start();
  await m2.start(["--follow", m1.url]);
  await m1.stop();
  await m1.start(["--follow", m2.url]);
}

/** Waits until this holds, looking again every few milliseconds: for what other processes do in their own time. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 120_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ports below those that systems give to whoever asks for any, in a part for each worker of a run of tests. */
const PORTS = { from: 10_100, perWorker: 5_000, workers: 4 };
let nextPort = Math.floor(Math.random() * PORTS.perWorker);

/**
 * A port that is free, and stays so while its server is down between two of its lives: nobody gets it by chance, and
 * this worker gives it to no other server for as long as there are others.
 */
async function freePort(): Promise<number> {
  const worker = Number(process.env.VITEST_POOL_ID ?? 0) % PORTS.workers;
  for (let tries = 0; tries < PORTS.perWorker; tries++) {
    nextPort = (nextPort + 1) % PORTS.perWorker;
    const port = PORTS.from + worker * PORTS.perWorker + nextPort;
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
  throw new Error("no port is free");
}

/** The environment without our own variables: the server would take them for settings. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SYNCLINE_")));
}
