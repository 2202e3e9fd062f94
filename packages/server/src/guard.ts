/**
 * Which requests may come in at all: those that name this server, from pages that may use it.
 *
 * A page of another site can make a browser send requests here. It gives itself away twice: the browser says whose
 * page it is (`Origin`), and if a foreign name was pointed at this address, the browser says that name (`Host`).
 * Both are checked on every request and every WebSocket, before anything else looks at it. Programs that are no
 * browsers send no `Origin`, and are not held up.
 */
import type { IncomingMessage } from "node:http";
import { Refused } from "./errors.js";
import { isLoopbackAddress, isLoopbackName } from "./loopback.js";

export interface GuardOptions {
  /** The host of the settings. */
  readonly host: string;
  /** The URL under which others reach this node, if it has one. */
  readonly advertise: string;
  readonly allowOrigins: readonly string[];
}

export class Guard {
  /** Names of this server itself. */
  private readonly own: ReadonlySet<string>;
  private readonly origins: ReadonlySet<string>;
  /** A site that may use this server may also stand before it, as a proxy does that keeps the name. */
  private readonly sites: ReadonlySet<string>;

  constructor({ host, advertise, allowOrigins }: GuardOptions) {
    this.own = new Set([normalised(host), ...(advertise === "" ? [] : [new URL(advertise).hostname])]);
    this.origins = new Set(allowOrigins);
    this.sites = new Set(allowOrigins.map((origin) => new URL(origin).hostname));
  }

  /** Why this request may not come in, or undefined if it may. */
  objection(request: IncomingMessage): Refused | undefined {
    const { url = "", headers } = request;
    if (!url.startsWith("/")) return new Refused("BAD_REQUEST", "the request names no path");
    const named = hostOf(headers.host ?? "");
    if (named === undefined || !(this.isOwn(named, request) || this.sites.has(named))) {
      return new Refused("FORBIDDEN", "the Host header names another server", {
        remedy: "Use the host of --host or --advertise, or name the site with --allow-origin.",
      });
    }
    if (headers.origin !== undefined && this.allowed(headers.origin, request) === undefined) {
      return new Refused("FORBIDDEN", "pages of this origin may not use this server", {
        remedy: "Name the site with --allow-origin if its pages should have access.",
      });
    }
    return undefined;
  }

  /** The origin, if its pages may use this server. */
  allowed(origin: string, request: IncomingMessage): string | undefined {
    if (this.origins.has(origin)) return origin;
    if (!/^https?:\/\//.test(origin) || !URL.canParse(origin)) return undefined;
    const url = new URL(origin);
    return url.origin === origin && this.isOwn(url.hostname, request) ? origin : undefined;
  }

  /** An address that this connection came to is its own; nobody can point a foreign *name* at it and be taken for it. */
  private isOwn(name: string, request: IncomingMessage): boolean {
    if (isLoopbackName(name) || this.own.has(name)) return true;
    const local = request.socket.localAddress?.replace(/^::ffff:/i, "");
    return local !== undefined && !isLoopbackAddress(local) && name === normalised(local);
  }
}

/** The name in a Host header, or undefined if it is none. */
function hostOf(header: string): string | undefined {
  if (!/^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.test(header)) return undefined;
  return URL.canParse(`http://${header}`) ? normalised(new URL(`http://${header}`).hostname) : undefined;
}

/** As URLs have it: lower case, IPv6 in brackets, no dot at the end. */
function normalised(host: string): string {
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const name = URL.canParse(`http://${bracketed}`) ? new URL(`http://${bracketed}`).hostname : bracketed;
  return name.replace(/\.$/, "");
}
