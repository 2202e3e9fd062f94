/**
 * Where a server is reached. People name a server without a path, `ws://host:port`; its WebSockets live at `/sync`.
 */
import { invalid } from "./errors.js";

/** The URLs of a list, checked. Throws `INVALID_VALUE`. */
export function checkedUrls(urls: string | readonly string[]): readonly string[] {
  const list = typeof urls === "string" ? [urls] : [...urls];
  if (list.length === 0) throw invalid("connect needs at least one URL");
  for (const url of list) {
    const reason = objection(url);
    if (reason !== undefined) throw invalid(`${JSON.stringify(url)}: ${reason}`);
  }
  return list;
}

/** The URL to dial, undefined for what is no server's URL: servers name other servers, too. */
export function dialedUrl(text: string): string | undefined {
  if (objection(text) !== undefined) return undefined;
  const url = new URL(text);
  url.protocol = PROTOCOLS.get(url.protocol) ?? url.protocol;
  if (url.pathname === "/") url.pathname = "/sync";
  return url.href;
}

function objection(text: string): string | undefined {
  if (!URL.canParse(text)) return EXAMPLE;
  const { protocol, hash, username, password } = new URL(text);
  if (!PROTOCOLS.has(protocol)) return EXAMPLE;
  if (hash !== "") return "a server's URL has no #";
  if (username + password !== "") return "credentials go into a token: connect(url, { token })";
  return undefined;
}

const EXAMPLE = "a server's URL is like ws://localhost:1234, or wss:// with TLS";

const PROTOCOLS: ReadonlyMap<string, string> = new Map([
  ["ws:", "ws:"],
  ["wss:", "wss:"],
  ["http:", "ws:"],
  ["https:", "wss:"],
]);
