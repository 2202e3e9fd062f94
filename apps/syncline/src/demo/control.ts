/**
 * What the buttons of the playground ask for under `syncline demo`: kill a node, start it again, cut a link, heal it, or
 * split the cluster in two halves, each with a master and a follower, and heal all.
 *
 * It lives in the demo's own process and nowhere else, on loopback, under a path that cannot be guessed and that only
 * pages of the demo's servers are told. As everywhere, `Host` and `Origin` are looked at: a page of another site, and a
 * foreign name that was pointed here, are refused.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { DemoLink } from "./links.js";
import type { DemoNode } from "./nodes.js";

export interface Stagehands {
  readonly nodes: readonly DemoNode[];
  readonly links: readonly DemoLink[];
  /** Tells people what was done. */
  readonly say: (line: string) => void;
}

/** What is asked for. */
interface Order {
  readonly what: string;
  readonly whom: string;
}

/** Of an order: it has two words. */
const BODY_BYTES_MAX = 1_024;

export interface Control {
  /** Where the buttons lead. */
  readonly url: string;
  close(): void;
}

/** Opens the endpoint. `stagehands` is complete once the nodes are known, which need its URL to be started. */
export async function openControl(stagehands: Stagehands): Promise<Control> {
  const path = `/${randomBytes(18).toString("base64url")}`;
  let port = 0;
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      send(response, 500, { error: error instanceof Error ? error.message : String(error) });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address === "object" && address !== null) port = address.port;
  return {
    url: `http://localhost:${port}${path}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host, origin } = request.headers;
    if (host !== `localhost:${port}` && host !== `127.0.0.1:${port}`) return send(response, 403, NOT_HERE);
    if (request.url !== path) return send(response, 404, NOT_HERE);
    if (origin !== undefined) {
      if (!isOurs(origin, stagehands.nodes)) return send(response, 403, NOT_HERE);
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("vary", "origin");
    }
    if (request.method === "OPTIONS") {
      response.setHeader("access-control-allow-headers", "content-type");
      response.setHeader("access-control-allow-methods", "GET, POST");
      return send(response, 204);
    }
    if (request.method === "POST") {
      if (request.headers["content-type"] !== "application/json") return send(response, 415, NOT_HERE);
      const order = orderIn(await bodyOf(request));
      if (order === undefined || !(await carryOut(order, stagehands))) {
        return send(response, 400, { error: "say what (kill, restart, cut, heal, split) and whom" });
      }
    } else if (request.method !== "GET") return send(response, 405, NOT_HERE);
    send(response, 200, stateOf(stagehands));
  }
}

const NOT_HERE = { error: "not from here" };

const stateOf = ({ nodes, links }: Stagehands) => ({
  nodes: nodes.map(({ name, isUp }) => ({ name, isUp })),
  links: links.map(({ id, isCut }) => ({ id, isCut })),
});

/** Whether it was something that can be done. */
async function carryOut({ what, whom }: Order, { nodes, links, say }: Stagehands): Promise<boolean> {
  const node = nodes.find(({ name }) => name === whom);
  const link = links.find(({ id }) => id === whom);
  if (what === "kill" && node !== undefined) {
    say(`kill -9 ${whom}`);
    await node.kill();
  } else if (what === "restart" && node !== undefined) {
    if (!node.isUp) {
      say(`${whom} starts again, on what its disk had kept`);
      await node.start();
      say(`${whom} is ready`);
    }
  } else if (what === "cut" && link !== undefined) {
    say(`the link ${whom} is cut`);
    link.cut();
  } else if (what === "split" && whom === "halves") {
    say("the cluster is split in two: m1 and f1, m2 and f2");
    for (const link of links) if (!["m1-f1", "m2-f2"].includes(link.id)) link.cut();
  } else if (what === "heal" && whom === "all") {
    say("all links are healed");
    for (const link of links) link.heal();
  } else if (what === "heal" && link !== undefined) {
    say(`the link ${whom} is healed`);
    link.heal();
  } else return false;
  return true;
}

/** A page of one of the demo's own servers. */
function isOurs(origin: string, nodes: readonly DemoNode[]): boolean {
  return nodes.some(
    ({ port }) => origin === `http://localhost:${port}` || origin === `http://127.0.0.1:${port}`,
  );
}

function orderIn(text: string | undefined): Order | undefined {
  try {
    const order: unknown = JSON.parse(text ?? "");
    if (typeof order !== "object" || order === null || !("what" in order) || !("whom" in order))
      return undefined;
    const { what, whom } = order;
    return typeof what === "string" && typeof whom === "string" ? { what, whom } : undefined;
  } catch {
    return undefined;
  }
}

/** The body as text; undefined if it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(body && `${JSON.stringify(body)}\n`);
}
