/**
 * The sockets of a server: one port, on every address that its host means.
 *
 * They are taken before anything else happens, because a port that is taken is the commonest mistake; until the
 * server is ready, what is listening answers that it is not.
 */
import { lookup } from "node:dns/promises";
import type { Server as HttpServer } from "node:http";
import { isIP } from "node:net";
import { CannotStart } from "./errors.js";
import { SERVER_LIMITS } from "./limits.js";
import { isLoopbackAddress } from "./loopback.js";

export interface Listening {
  readonly port: number;
  readonly addresses: readonly string[];
  readonly servers: readonly HttpServer[];
}

/** The addresses that a host name means. Throws `CannotStart`. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (bare === "localhost") return ["127.0.0.1", "::1"];
  if (isIP(bare) !== 0) return [bare];
  try {
    return [...new Set((await lookup(bare, { all: true })).map(({ address }) => address))];
  } catch (cause) {
    throw new CannotStart(
      "HOST_UNKNOWN",
      `--host ${host}: no address is known for it; use localhost or an address`,
      cause,
    );
  }
}

export const areLoopback = (addresses: readonly string[]): boolean => addresses.every(isLoopbackAddress);

/** Listens on all addresses at the same port. Rejects with `CannotStart`, and then listens on none. */
export async function listen(
  addresses: readonly string[],
  port: number,
  create: () => HttpServer,
): Promise<Listening> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listenOnAll(addresses, port, create);
    } catch (error) {
      const isLast = port !== 0 || attempt === SERVER_LIMITS.portAttemptsMax;
      if (isLast || !(error instanceof CannotStart) || error.code !== "PORT_TAKEN") throw error;
    }
  }
}

async function listenOnAll(
  addresses: readonly string[],
  wanted: number,
  create: () => HttpServer,
): Promise<Listening> {
  const servers: HttpServer[] = [];
  const bound: string[] = [];
  let port = wanted;
  let missing: unknown;
  try {
    for (const address of addresses) {
      const server = create();
      try {
        port = await listenOn(server, address, port);
      } catch (error) {
        // A machine without IPv6 has no ::1, and is none the worse for it.
        if (!hasCode(error, "EADDRNOTAVAIL", "EAFNOSUPPORT")) throw error;
        missing = error;
        continue;
      }
      servers.push(server);
      bound.push(address);
    }
    if (servers.length === 0) throw missing;
    return { port, addresses: bound, servers };
  } catch (error) {
    for (const server of servers) server.close();
    throw explained(error, port);
  }
}

function listenOn(server: HttpServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.removeListener("error", reject);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}

function explained(error: unknown, port: number): unknown {
  if (hasCode(error, "EADDRINUSE")) {
    const other = port === 65_535 ? 1234 : port + 1;
    return new CannotStart(
      "PORT_TAKEN",
      `--port ${port}: another process listens there; stop it, or use another port: --port ${other}`,
      error,
    );
  }
  if (hasCode(error, "EACCES", "EPERM")) {
    return new CannotStart(
      "PORT_REFUSED",
      `--port ${port}: this user may not listen there; use a port above 1023`,
      error,
    );
  }
  if (hasCode(error, "EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL")) {
    return new CannotStart(
      "HOST_UNKNOWN",
      "--host: this machine does not have that address; use localhost",
      error,
    );
  }
  return error;
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code)
  );
}
