/** Servers in this process, on free ports, in memory unless told otherwise; ended after each test. */
import { request } from "node:http";
import { LIMITS, LOCAL } from "@syncline/protocol";
import { type Server, type ServerConfig, type ServerOptions, silentLog, startServer } from "@syncline/server";
import { afterEach } from "vitest";

const running = new Set<Server>();

afterEach(async () => {
  const servers = [...running];
  running.clear();
  await Promise.all(servers.map((server) => server.stop()));
});

export const configOf = (changes: Partial<ServerConfig> = {}): ServerConfig => ({
  port: 0,
  host: "localhost",
  data: undefined,
  name: "m1",
  cluster: "default",
  role: "master",
  rule: LOCAL,
  visibility: "committed",
  syncTimeoutMs: LIMITS.writeWaitMs,
  topology: "multi-master",
  voter: true,
  retention: { bytes: LIMITS.retentionBytesMax, records: LIMITS.retentionRecordsMax },
  follow: [],
  advertise: undefined,
  secret: undefined,
  allowOrigins: [],
  logLevel: "error",
  ...changes,
});

export async function started(
  changes: Partial<ServerConfig> = {},
  options: ServerOptions = {},
): Promise<Server> {
  const server = await startServer(configOf(changes), { log: silentLog, ...options });
  running.add(server);
  return server;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire, looked at by assertions.
  readonly json: any;
}

export interface Question {
  readonly method?: string;
  readonly headers?: Record<string, string | undefined>;
  readonly body?: string | Uint8Array;
}

/** One request, exactly as written: no path is normalised, no header is added but those of Node. */
export function ask(server: { port: number }, path: string, question: Question = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body } = question;
  return new Promise((resolve, reject) => {
    const sent: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) sent[name] = value;
    const outgoing = request({
      host: "127.0.0.1",
      port: server.port,
      path,
      method,
      headers: sent,
      agent: false,
    });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      let text = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (chunk) => (text += chunk));
      incoming.on("end", () => {
        const isJson =
          incoming.headers["content-type"]?.startsWith("application/json") === true && text !== "";
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text,
          json: isJson ? JSON.parse(text) : undefined,
        });
      });
      incoming.on("error", reject);
    });
    outgoing.end(body);
  });
}

/** A POST of ops, as JSON. */
export const post = (
  server: { port: number },
  path: string,
  ops: unknown,
  headers: Question["headers"] = {},
) =>
  ask(server, path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof ops === "string" ? ops : JSON.stringify(ops),
  });
