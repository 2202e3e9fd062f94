/**
 * The page of an app at `/`, the playground for instance: files of one folder, read once and served from memory.
 *
 * A file under `/assets/` has its contents' hash in its name and is cached for ever; all others are asked for again
 * each time, and not sent again while they are the same. The page is told where it is by one element of its own,
 * `<meta name="syncline">`, so it needs no request to know its cluster, not even without a network.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";
import type { SyncNode } from "@syncline/engine";
import { SERVER_LIMITS } from "./limits.js";
import { isLoopbackName } from "./loopback.js";

/** What a server serves at `/`. */
export interface SiteOptions {
  /** Holds `index.html`, files beside it, and `assets/`. A folder that is not there is no site. */
  readonly folder: string;
  /** Told to the page: where the buttons of `syncline demo` lead. */
  readonly demo?: string;
}

/** What the page learns from its `<meta name="syncline">`, as JSON. */
export interface SiteFacts {
  readonly cluster: string;
  readonly node: string;
  /** URLs of the nodes of the cluster, as far as they were known when the page was loaded. */
  readonly servers: readonly string[];
  readonly demo?: string;
}

interface SiteFile {
  readonly type: string;
  readonly body: Buffer;
  /** Undefined where it would not be smaller. */
  readonly gzipped: Buffer | undefined;
  readonly tag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
};

const FACTS = '<meta name="syncline" content="">';

export class Site {
  private readonly files = new Map<string, SiteFile>();

  /**
   * Undefined if the folder is not there. Throws for one that is no site.
   *
   * @param isOpen whether everybody may know the cluster: a page is sent before anybody has said who they are.
   */
  static in(options: SiteOptions, isOpen: boolean): Site | undefined {
    let names: string[];
    try {
      names = readdirSync(options.folder, { recursive: true, encoding: "utf8" });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
    return new Site(options, isOpen, names);
  }

  private constructor(
    private readonly options: SiteOptions,
    private readonly isOpen: boolean,
    names: readonly string[],
  ) {
    let bytes = 0;
    for (const name of names) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      const path = join(options.folder, name);
      const body = readFileSync(path);
      bytes += body.length;
      if (bytes > SERVER_LIMITS.siteBytesMax) {
        throw new Error(`${options.folder} holds more than ${SERVER_LIMITS.siteBytesMax} bytes`);
      }
      this.files.set(`/${relative(options.folder, path).split(sep).join("/")}`, fileOf(type, body));
    }
    if (!this.index.body.includes(FACTS)) throw new Error(`index.html has no ${FACTS}`);
  }

  /** The paths that it answers. */
  get paths(): readonly string[] {
    return ["/", ...[...this.files.keys()].filter((path) => path !== "/index.html")];
  }

  /** Answers a GET for one of `paths`. */
  answer(path: string, request: Headers, node: SyncNode): Response {
    const isPage = path === "/";
    const file = isPage ? this.page(node) : this.files.get(path);
    if (file === undefined) throw new Error(`the site has no ${path}`);
    const headers = new Headers({
      "content-type": file.type,
      "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      etag: file.tag,
      vary: "Accept-Encoding",
    });
    if (isPage) headers.set("content-security-policy", policyOf(this.facts(node)));
    if (request.get("if-none-match") === file.tag) return new Response(null, { status: 304, headers });
    const { gzipped } = file;
    if (gzipped === undefined || !accepts(request, "gzip"))
      return new Response(bytesOf(file.body), { headers });
    headers.set("content-encoding", "gzip");
    return new Response(bytesOf(gzipped), { headers });
  }

  private get index(): SiteFile {
    const index = this.files.get("/index.html");
    if (index === undefined) throw new Error(`${this.options.folder} has no index.html`);
    return index;
  }

  private page(node: SyncNode): SiteFile {
    const facts = attribute(JSON.stringify(this.facts(node)));
    const text = this.index.body
      .toString("utf8")
      .replace(FACTS, () => FACTS.replace('""', () => `"${facts}"`));
    return fileOf(this.index.type, Buffer.from(text), false);
  }

  private facts(node: SyncNode): SiteFacts {
    if (!this.isOpen) return { cluster: "", node: "", servers: [] };
    const { cluster, node: name, nodes } = node.status();
    // Masters first: who has to look for another server finds one that it can write to.
    const all = [...nodes].sort((a, b) => Number(b.role === "master") - Number(a.role === "master"));
    const servers = all.map(({ url }) => url).filter((url) => url !== "");
    const { demo } = this.options;
    return { cluster, node: name, servers, ...(demo === undefined ? {} : { demo }) };
  }
}

/**
 * Scripts come from this server only, and none stands in the page. Styles may: editors write their own. The page may
 * talk to its server and to the other nodes of the cluster; one on this machine, to all of this machine, for nodes may
 * come.
 */
function policyOf({ servers, demo }: SiteFacts): string {
  const places = new Set(["'self'"]);
  for (const text of [...servers, ...(demo === undefined ? [] : [demo])]) {
    const { host, hostname, protocol } = new URL(text);
    const isSecure = protocol === "wss:" || protocol === "https:";
    if (isLoopbackName(hostname)) {
      for (const name of ["localhost", "127.0.0.1"]) places.add(`ws://${name}:*`).add(`http://${name}:*`);
    } else places.add(`${isSecure ? "wss" : "ws"}://${host}`).add(`${isSecure ? "https" : "http"}://${host}`);
  }
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "manifest-src 'self'",
    `connect-src ${[...places].join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function fileOf(type: string, body: Buffer, isKept = true): SiteFile {
  const gzipped = isKept ? gzipSync(body) : undefined;
  return {
    type,
    body,
    gzipped: gzipped !== undefined && gzipped.length < body.length ? gzipped : undefined,
    tag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
  };
}

const attribute = (text: string): string => text.replace(/[&"<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);

const accepts = (request: Headers, coding: string): boolean =>
  (request.get("accept-encoding") ?? "").split(",").some((one) => one.trim().split(";")[0] === coding);

/** Over memory that nobody shares, as `Response` wants it. */
const bytesOf = (buffer: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(buffer);
