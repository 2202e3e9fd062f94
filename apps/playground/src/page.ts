/** What the page was told: by the server that sent it, and by its address. */

/** The server writes these into `<meta name="syncline">`, so they are known without a request, also offline. */
interface Facts {
  readonly cluster: string;
  readonly node: string;
  readonly servers: readonly string[];
  /** Under `syncline demo`: where its buttons lead. */
  readonly demo?: string;
}

export const facts: Facts = read();

const asked = new URLSearchParams(location.search);

/** The document that is shown: `?board=name`. */
export const boardKey = asked.get("board") || "playground";

/** Where to connect: this server first, then the others of its cluster; or `?server=ws://…` alone. */
export function servers(): readonly string[] {
  const given = asked.getAll("server");
  if (given.length > 0) return given;
  const own = location.origin.replace(/^http/, "ws");
  return [own, ...facts.servers.filter((url) => portOf(url) !== portOf(own))];
}

function read(): Facts {
  const element = document.querySelector<HTMLMetaElement>('meta[name="syncline"]');
  const text = element?.content;
  return text ? JSON.parse(text) : { cluster: "", node: "", servers: [] };
}

/** `localhost` and `127.0.0.1` are one place. */
function portOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname === "127.0.0.1" ? "localhost" : hostname}:${port}`;
}
