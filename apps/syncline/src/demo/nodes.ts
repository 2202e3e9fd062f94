/**
 * The servers of the demo: real processes with data folders of their own, so that killing one is what it would be.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT, Stop } from "../exit.js";

const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));

/** How long a server may take until it is ready: four start at once, on a machine that may have other things to do. */
const READY_MS_MAX = 60_000;
const ASK_AGAIN_MS = 25;

export interface NodeSpec {
  readonly name: string;
  readonly port: number;
  /** Of `syncline serve`, beside name, port and data. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Where the buttons of its page lead. */
  readonly control: string;
}

export class DemoNode {
  readonly name: string;
  readonly port: number;
  readonly http: string;
  private child: ChildProcess | undefined;
  private errors = "";

  constructor(
    private readonly spec: NodeSpec,
    private readonly folder: string,
  ) {
    this.name = spec.name;
    this.port = spec.port;
    this.http = `http://localhost:${spec.port}`;
  }

  get isUp(): boolean {
    return this.child !== undefined;
  }

  get log(): string {
    return join(this.folder, `${this.name}.log`);
  }

  /** Starts it, or starts it again on the same data. Resolves when it is ready; throws `Stop` if it does not get there. */
  async start(): Promise<void> {
    const { name, port, flags, control } = this.spec;
    const log = openSync(this.log, "a");
    const all = { name, port: String(port), data: join(this.folder, name), ...flags };
    // What is set for a server of one's own is not meant for these.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => !key.startsWith("SYNCLINE_")),
    );
    const child = spawn(process.execPath, [CHILD, control, JSON.stringify(all)], {
      env,
      stdio: ["ignore", log, "pipe", "ipc"],
    });
    closeSync(log);
    this.child = child;
    this.errors = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (this.errors += chunk));
    child.once("exit", () => {
      if (this.child === child) this.child = undefined;
    });
    await this.untilReady(child);
  }

  /** `kill -9`: nothing is finished, nothing is said to anybody. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** The demo itself ends, here and now: nothing can be waited for. */
  abandon(): void {
    this.child?.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  private async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  private async untilReady(child: ChildProcess): Promise<void> {
    const until = performance.now() + READY_MS_MAX;
    for (;;) {
      if (this.child !== child) {
        throw new Stop(EXIT.failed, [`${this.name} has ended: ${this.errors.trim() || `see ${this.log}`}`]);
      }
      const answer = await fetch(`${this.http}/readyz`).catch(() => undefined);
      if (answer?.ok === true) return;
      if (performance.now() > until) {
        throw new Stop(EXIT.failed, [
          `${this.name} is not ready after ${READY_MS_MAX / 1_000} s; see ${this.log}`,
        ]);
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}

/** The ports from `first` on; free ones where `first` is 0. Throws `Stop` if one of them is taken. */
export async function portsFrom(first: number, count: number): Promise<number[]> {
  const servers = [];
  const ports: number[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const server = createServer();
      servers.push(server);
      const port = first === 0 ? 0 : first + i;
      await new Promise<void>((resolve, reject) => {
        server.once("error", () =>
          reject(new Stop(EXIT.usage, [`--port ${first}: port ${port} is taken; use another one`])),
        );
        server.listen(port, "127.0.0.1", resolve);
      });
      const address = server.address();
      if (typeof address === "object" && address !== null) ports.push(address.port);
    }
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  return ports;
}
