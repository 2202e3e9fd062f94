/**
 * `syncline verify`: is what nodes have what they should have?
 *
 * With `--data` a data folder is looked through, in a process of its own, since damaged pages may end it. Otherwise a
 * running cluster is: each node's digests of every document are compared. A document of which two nodes hold the same
 * changes and show something else is apart, whatever goes on meanwhile. Where they hold different changes they are
 * asked again, until they agree, or show the same vector and still do not.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CannotStart, type DigestsAnswer, printable, verifyFolder } from "@syncline/server";
import { askServer, givenUrl } from "./asking.js";
import { EXIT, type ExitCode, Stop } from "./exit.js";
import { askStatus } from "./status.js";

export interface VerifyFlags {
  readonly url?: string;
  readonly data?: string;
  readonly json?: true;
  /** Name of a node that is to take everything anew. */
  readonly repair?: string;
  /** This process is the one that may be lost. */
  readonly here?: true;
}

export async function verify(flags: VerifyFlags): Promise<ExitCode> {
  if (flags.data !== undefined && flags.url !== undefined)
    throw new Stop(EXIT.usage, [
      "--data and --url: give one of them; a data folder is looked through while no server has it open",
    ]);
  if (flags.data !== undefined && flags.repair !== undefined)
    throw new Stop(EXIT.usage, ["--repair goes with --url: a node is repaired while it runs"]);
  if (flags.data === undefined) return await verifyCluster(flags);
  return flags.here === true
    ? await verifyHere(flags.data)
    : await verifyData(flags.data, flags.json === true);
}

// ---- a data folder ----

type FolderResult = Awaited<ReturnType<typeof verifyFolder>>;

async function verifyHere(data: string): Promise<ExitCode> {
  try {
    process.stdout.write(JSON.stringify(await verifyFolder(data)));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    throw new Stop(EXIT.usage, [error.message]);
  }
}

async function verifyData(data: string, asJson: boolean): Promise<ExitCode> {
  const main = fileURLToPath(new URL("./main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "verify", "--data", data, "--here"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors] = [collected(child.stdout), collected(child.stderr)];
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.once("close", (...ended) => resolve(ended)),
  );
  if (code === EXIT.usage) throw new Stop(EXIT.usage, [(await errors).replace(/^syncline: /, "").trim()]);
  const result: FolderResult =
    code === EXIT.ok
      ? (JSON.parse(await output) as FolderResult)
      : unreadable(signal ?? `exit code ${code}`, await errors);
  if (asJson) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else process.stdout.write(folderText(result));
  return result.damaged.length === 0 ? EXIT.ok : EXIT.failed;
}

/** The process that read it is gone: the store's own pages are damaged. */
function unreadable(how: string, errors: string): FolderResult {
  const reason = `the process that read it ended with ${how}${errors === "" ? "" : `: ${errors.split("\n")[0]}`}`;
  return { node: "", rows: 0, records: 0, documents: 0, damaged: [{ where: "the store", reason }] };
}

function folderText({ node, rows, records, documents, damaged }: FolderResult): string {
  const lines = damaged.map(({ where, reason }) => `damaged: ${printable(where)}: ${printable(reason)}`);
  lines.push(
    `${printable(node || "?")}: ${rows} rows, ${records} records, ${documents} documents, ${damaged.length} damaged`,
  );
  if (damaged.length > 0)
    lines.push(
      "Move the data folder away and start the node again with its --follow: it gets everything anew from the others.",
    );
  return `${lines.join("\n")}\n`;
}

async function collected(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const part of stream) text += String(part);
  return text;
}

// ---- a cluster ----

interface Compared {
  readonly nodes: readonly string[];
  readonly unreachable: readonly string[];
  readonly documents: number;
  /** Apart: what each node has. */
  readonly apart: readonly { readonly document: string; readonly nodes: Readonly<Record<string, string>> }[];
  /** They did not come to rest: not compared. */
  readonly changing: readonly string[];
}

type Digest = { readonly changes: string; readonly state: string };
/** By node's URL, the digests of one page. */
type Page = ReadonlyMap<string, DigestsAnswer>;

/** How often, and how long after one another, nodes are asked about a document on which they do not agree yet. */
const ASKED_AGAIN = 20;
const PAUSE_MS = 250;
/** How often nodes are compared while one of them is repaired. */
const REPAIR_LOOKS = 60;
/** Documents that each node is asked for at a time. */
const PAGE_DOCUMENTS = 200;

async function verifyCluster(flags: VerifyFlags): Promise<ExitCode> {
  const given = givenUrl(flags.url);
  const status = await askStatus(given);
  const urls = new Map([[status.node, given.text]]);
  const unreachable: string[] = [];
  for (const { node, url, state } of status.nodes) {
    if (state === "self") continue;
    if (state === "disconnected" || url === "") unreachable.push(node);
    else urls.set(node, url);
  }
  if (flags.repair !== undefined) await repaired(urls, flags.repair);
  const result = await compare(urls, unreachable);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else process.stdout.write(comparedText(result));
  const isRight = result.apart.length === 0 && result.changing.length === 0 && !isAlone(result);
  return isRight ? EXIT.ok : EXIT.failed;
}

/** There are others to compare it with, and none of them is there. */
const isAlone = ({ nodes, unreachable }: Compared): boolean => nodes.length < 2 && unreachable.length > 0;

/** Returns when the node has begun to take everything anew, and all nodes agree; or after a while, whatever they do. */
async function repaired(urls: ReadonlyMap<string, string>, node: string): Promise<void> {
  const url = urls.get(node);
  if (url === undefined)
    throw new Stop(EXIT.usage, [
      `--repair ${printable(node)}: there is no such node; there are ${[...urls.keys()].map(printable).join(", ")}`,
    ]);
  await askServer({ text: url, from: `the URL of ${node}` }, "/v1/repair", {});
  for (let times = 0; times < REPAIR_LOOKS; times++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const { apart, changing } = await compare(urls, []);
    if (apart.length === 0 && changing.length === 0) return;
  }
}

async function compare(urls: ReadonlyMap<string, string>, unreachable: readonly string[]): Promise<Compared> {
  let documents = 0;
  let after: string | undefined;
  const doubtful: string[] = [];
  do {
    const page = await askAll(urls, {
      limit: String(PAGE_DOCUMENTS),
      ...(after === undefined ? {} : { after }),
    });
    const upTo = leastEnd(page);
    for (const id of idsOf(page, upTo)) {
      documents += 1;
      if (verdict(page, id) !== "same") doubtful.push(id);
    }
    after = upTo;
  } while (after !== undefined);
  const apart: { document: string; nodes: Record<string, string> }[] = [];
  const changing: string[] = [];
  for (const document of doubtful) {
    const judged = await judge(urls, document);
    if (judged === "changing") changing.push(document);
    else if (judged !== "same") apart.push({ document, nodes: judged });
  }
  return { nodes: [...urls.keys()].sort(), unreachable, documents, apart, changing };
}

/** Asks again until the nodes agree, or are known to be apart: then what each has. */
async function judge(
  urls: ReadonlyMap<string, string>,
  id: string,
): Promise<"same" | "changing" | Record<string, string>> {
  for (let times = 0; times < ASKED_AGAIN; times++) {
    const page = await askAll(urls, { document: id });
    const judged = verdict(page, id);
    if (judged === "same") return judged;
    if (judged === "apart") {
      const has = (answer: DigestsAnswer) => digestIn(answer, id);
      return Object.fromEntries(
        [...page].map(([node, answer]) => [
          node,
          `changes ${has(answer)?.changes ?? "none"}, state ${has(answer)?.state ?? "none"}`,
        ]),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return "changing";
}

function verdict(page: Page, id: string): "same" | "apart" | "unknown" {
  const answers = [...page.values()].map((answer) => ({
    vector: answer.vector,
    digest: digestIn(answer, id),
  }));
  let isKnown = true;
  for (const a of answers) {
    for (const b of answers) {
      if (a.digest?.changes === b.digest?.changes) {
        if (a.digest?.state !== b.digest?.state) return "apart";
      } else if (a.vector === b.vector) return "apart";
      else isKnown = false;
    }
  }
  return isKnown ? "same" : "unknown";
}

const digestIn = (answer: DigestsAnswer, id: string): Digest | undefined =>
  answer.documents.find((document) => document.id === id);

/** Up to here all nodes have told everything; undefined if that is all. */
function leastEnd(page: Page): string | undefined {
  const ends = [...page.values()].flatMap(({ next }) => (next === null ? [] : [next]));
  return ends.sort(byBytes)[0];
}

function idsOf(page: Page, upTo: string | undefined): Set<string> {
  const ids = [...page.values()].flatMap(({ documents }) => documents.map(({ id }) => id));
  return new Set(ids.filter((id) => upTo === undefined || byBytes(id, upTo) <= 0));
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function askAll(urls: ReadonlyMap<string, string>, query: Record<string, string>): Promise<Page> {
  const answers = await Promise.all(
    [...urls].map(async ([node, url]): Promise<[string, DigestsAnswer]> => {
      const given = { text: url, from: `the URL of ${node}` };
      return [node, (await askServer(given, `/v1/digests?${new URLSearchParams(query)}`)) as DigestsAnswer];
    }),
  );
  return new Map(answers);
}

function comparedText(compared: Compared): string {
  const { nodes, unreachable, documents, apart, changing } = compared;
  const lines = apart.flatMap(({ document, nodes: each }) => [
    `apart: ${printable(document)}`,
    ...Object.entries(each).map(([node, has]) => `  ${printable(node)}: ${has}`),
  ]);
  for (const document of changing)
    lines.push(`not compared, it does not come to rest: ${printable(document)}`);
  for (const node of unreachable) lines.push(`not compared, it is not there: ${printable(node)}`);
  const outcome = isAlone(compared)
    ? "nothing was compared"
    : nodes.length < 2
      ? "there is no other node to compare it with"
      : apart.length === 0
        ? "the same"
        : `${apart.length} apart`;
  lines.push(`${documents} documents on ${nodes.map(printable).join(", ")}: ${outcome}`);
  return `${lines.join("\n")}\n`;
}
