import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** `syncline serve` as a process of its own, on a port and a data folder that it keeps over all its lives. */
const command = fileURLToPath(new URL("../../apps/syncline/bin/syncline.js", import.meta.url));

export class Server {
  private process: ChildProcess | undefined;
  private extra: readonly string[] = [];
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

  /**
   * Starts it and waits until it listens. The first start takes a free port, later ones the same, and the same extra
   * flags unless they are given others.
   */
  async start(extra: readonly string[] = this.extra): Promise<void> {
    this.extra = extra;
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
        const event = JSON.parse(line);
        if (event.event !== "listening") return;
        this.port = event.port;
        resolve();
      });
      child.once("exit", (code) =>
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
    const ended = once(child, "exit");
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
  withinMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The environment without our own variables: the server would take them for settings. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SYNCLINE_")));
}
