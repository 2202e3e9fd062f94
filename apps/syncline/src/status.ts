/**
 * `syncline status`: what a node knows of its cluster, one row for each node and each stream.
 *
 * Absent nodes are listed too, as disconnected; what is not known is `-`, never 0.
 */
import { printable, type StatusAnswer } from "@syncline/server";
import { EXIT, Stop } from "./exit.js";
import { type Column, tableText } from "./table.js";

export const DEFAULT_URL = "http://localhost:1234";

/** How long a server may take to answer. */
const ANSWER_MS_MAX = 5_000;

/** Asks a server. Throws `Stop`. */
export async function askStatus(given: {
  readonly text: string;
  readonly from: string;
}): Promise<StatusAnswer> {
  const base = baseUrl(given);
  let body: unknown;
  try {
    const answer = await fetch(`${base}/v1/status`, {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      redirect: "error",
    });
    body = answer.headers.get("content-type")?.startsWith("application/json")
      ? await answer.json()
      : undefined;
  } catch (error) {
    throw new Stop(EXIT.unreachable, [`${base} cannot be reached: ${reasonOf(error)}`]);
  }
  if (isStatus(body)) return body;
  throw new Stop(EXIT.unreachable, [`${base} answers, but not with the status of a Syncline server`]);
}

/** The status as text for people. */
export function statusText(status: StatusAnswer): string {
  const { node, role, state, ready, cluster, clients, unflushedBytes, parkedRecords, retained, writer } =
    status;
  const one = typeof writer !== "string" ? "" : `, written to is ${printable(writer)}`;
  const head = [
    `${printable(node)}: ${role} of cluster ${printable(cluster)}, ${state}, ${ready ? "ready" : "not ready"}${one}`,
    `clients ${clients}, bytes waiting for the disk ${unflushedBytes}, parked records ${parkedRecords}, kept records ${retained.records}`,
  ];
  // What is open, and may move, comes first.
  const isClosed = ({ end }: Stream): number => Number((end ?? null) !== null);
  const streams = [...status.streams].sort((a, b) => isClosed(a) - isClosed(b));
  const tables = [tableText(NODES, status.nodes), tableText(STREAMS, streams)];
  // Nodes of earlier builds say nothing of it.
  const { closings = [] } = status as Partial<StatusAnswer>;
  if (closings.length > 0) tables.push(tableText(CLOSINGS, closings));
  return `${head.join("\n")}\n\n${tables.join("\n")}`;
}

type Node = StatusAnswer["nodes"][number];
type Stream = StatusAnswer["streams"][number];
type Closing = StatusAnswer["closings"][number];

const NODES: readonly Column<Node>[] = [
  { title: "NODE", cell: ({ node }) => printable(node) },
  { title: "ROLE", cell: ({ role }) => role },
  { title: "STATE", cell: ({ state, isContested }) => (isContested ? "NAME TAKEN TWICE" : state) },
  {
    title: "HEARD",
    cell: ({ state, lastHeardMs }) => (state === "self" ? "-" : agoText(lastHeardMs)),
    right: true,
  },
  { title: "SYNC", cell: ({ syncState }) => syncState ?? "-" },
  { title: "SLOT", cell: ({ slot }) => slot ?? "-" },
  { title: "LAG RECEIVED", cell: ({ lag }) => lagText(lag.received), right: true },
  { title: "DURABLE", cell: ({ lag }) => lagText(lag.durable), right: true },
  { title: "APPLIED", cell: ({ lag }) => lagText(lag.applied), right: true },
  { title: "URL", cell: ({ url }) => (url === "" ? "-" : printable(url)) },
];

const STREAMS: readonly Column<Stream>[] = [
  { title: "STREAM OF", cell: ({ node }) => printable(node) },
  { title: "ID", cell: ({ stream }) => printable(stream), right: true },
  { title: "RULE", cell: ({ rule }) => printable(rule) },
  { title: "RECEIVED", cell: ({ received }) => countText(received), right: true },
  { title: "DURABLE", cell: ({ durable }) => countText(durable), right: true },
  { title: "APPLIED", cell: ({ applied }) => countText(applied), right: true },
  { title: "COMMITTED", cell: ({ committed }) => countText(committed), right: true },
  { title: "GONE", cell: ({ truncated }) => countText(truncated), right: true },
  { title: "END", cell: ({ end }) => countText(end), right: true },
  { title: "PROVIDER", cell: ({ provider }) => (provider === null ? "-" : printable(provider)) },
];

const CLOSINGS: readonly Column<Closing>[] = [
  { title: "CLOSED OF", cell: ({ node }) => printable(node) },
  { title: "HOW", cell: howText },
  { title: "ENDED", cell: ({ ended }) => countText(ended), right: true },
  { title: "OPEN", cell: ({ open }) => countText(open), right: true },
  { title: "DECIDING", cell: ({ decidedBy }) => (decidedBy === null ? "-" : printable(decidedBy)) },
];

function howText({ retirements, isMember, ended }: Closing): string {
  if (retirements === 0) return ended === 0 ? "-" : "former starts";
  const often = retirements === 1 ? "once" : `${retirements} times`;
  return `retired ${often}${isMember ? ", has joined again" : ""}`;
}

const countText = (count: number | null): string => (count === null ? "-" : String(count));

const lagText = (lag: Node["lag"]["durable"]): string =>
  lag === null || lag.records === 0 ? countText(lag && 0) : `${lag.records}, ${lag.seconds.toFixed(1)} s`;

const agoText = (ms: number | null): string =>
  ms === null ? "-" : ms < 1000 ? "now" : `${Math.floor(ms / 1000)} s ago`;

export function baseUrl({ text, from }: { text: string; from: string }): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^(ws|http)s?:$/.test(url.protocol) ||
    url.username !== "" ||
    !/^\/(sync)?$/.test(url.pathname)
  ) {
    throw new Stop(EXIT.usage, [
      `${from} ${printable(text)}: write the URL of a server, for example ${DEFAULT_URL}`,
    ]);
  }
  return `${url.protocol.replace("ws", "http")}//${url.host}`;
}

export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError")
    return `no answer within ${ANSWER_MS_MAX / 1000} s`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ECONNREFUSED") return "nothing listens there; start a server with `syncline serve`";
  if (cause instanceof Error && cause.message === "bad port")
    return "fetch and browsers refuse this port; serve at another one";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "no address is known for this host";
  return printable(cause instanceof Error ? cause.message : String(cause));
}

function isStatus(body: unknown): body is StatusAnswer {
  return (
    typeof body === "object" &&
    body !== null &&
    "node" in body &&
    "nodes" in body &&
    Array.isArray(body.nodes) &&
    "streams" in body &&
    Array.isArray(body.streams)
  );
}
