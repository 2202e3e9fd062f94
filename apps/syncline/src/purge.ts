/**
 * `syncline purge`: takes the content of a deleted document, of a dropped collection or of a dropped field away for good, and
 * asks every member whether it still has anything of it. A member that is away is named: it has what it had until it comes back.
 */
import { type PurgeAnswer, type PurgeCounts, type PurgedPage, printable } from "@syncline/server";
import { Command } from "commander";
import { askServer, type Given, givenUrl } from "./asking.js";
import { EXIT, type ExitCode, Stop } from "./exit.js";
import { askStatus } from "./status.js";

interface Flags {
  readonly url?: string;
  readonly json?: true;
  readonly check?: true;
  readonly collection?: string;
  readonly field?: string;
}

/** What each member says; `missing` for one that does not answer. */
type Row = Pick<PurgeAnswer, "node" | "reason"> & { readonly state: PurgeAnswer["state"] | "missing" };

/** How often members are asked, and how long after one another, until all have confirmed. */
const ASKED = 20;
const PAUSE_MS = 250;

export function purgeCommand(
  quietly: (command: Command) => Command,
  ended: (code: ExitCode) => void,
): Command {
  const command = new Command("purge")
    .description("take the content of what was deleted or dropped away for good, on all nodes")
    .helpOption("-h, --help", "print this help")
    .argument("[document]", "a deleted one, boards/roadmap for instance")
    .option("--collection <name>", "a dropped collection, with all its documents")
    .option("--field <name>", "of the collection only a field that was dropped")
    .option("--url <url>", "a master, ws:// or http:// (variable SYNCLINE_URL)")
    .option("--check", "only ask who still has it")
    .option("--json", "print JSON")
    .addHelpText("after", NOTES);
  return quietly(command).action(async (document: string | undefined, flags: Flags) => {
    const { url, json, check } = flags;
    const given = givenUrl(url);
    const what = asked(document, flags);
    if (check !== true) await purge(given, what);
    let rows = await confirmations(given, what);
    for (let times = 1; times < ASKED && check !== true && !rows.every(isDone); times++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      rows = await confirmations(given, what);
    }
    const { collection, field } = flags;
    const named = document === undefined ? { collection, field } : { document };
    process.stdout.write(
      json === true ? `${JSON.stringify({ ...named, nodes: rows }, null, 2)}\n` : text(rows),
    );
    ended(rows.every(isDone) ? EXIT.ok : EXIT.failed);
  });
}

interface Asked {
  readonly path: string;
  /** Its documents are looked at a page at a time. */
  readonly isMany: boolean;
}

function asked(document: string | undefined, { collection, field }: Flags): Asked {
  if ((document === undefined) === (collection === undefined))
    throw new Stop(EXIT.usage, ["name a document, or a collection with --collection"]);
  if (field !== undefined && collection === undefined)
    throw new Stop(EXIT.usage, ["--field is a field of a collection: name it with --collection"]);
  const query = new URLSearchParams({
    ...(document !== undefined && { document }),
    ...(collection !== undefined && { collection }),
    ...(field !== undefined && { field }),
  });
  return { path: `/v1/purge?${query}`, isMany: collection !== undefined };
}

const pathAfter = ({ path }: Asked, after: string | null): string =>
  after === null ? path : `${path}&after=${encodeURIComponent(after)}`;

async function purge(given: Given, what: Asked): Promise<void> {
  let next: string | null = null;
  do {
    const answer = await askServer(given, pathAfter(what, next), {});
    next = what.isMany ? (answer as PurgedPage).next : null;
  } while (next !== null);
}

/** What a node says, of all pages together. */
async function stateAt(given: Given, what: Asked): Promise<Row> {
  if (!what.isMany) return (await askServer(given, what.path)) as PurgeAnswer;
  const documents = { present: 0, purging: 0, purged: 0, unknown: 0 };
  let [node, reason]: [string, string] = ["", ""];
  let next: string | null = null;
  do {
    const page = (await askServer(given, pathAfter(what, next))) as PurgeCounts;
    for (const state of ["present", "purging", "purged", "unknown"] as const)
      documents[state] += page.documents[state];
    node = page.node;
    if (reason === "") reason = page.reason;
    next = page.next;
  } while (next !== null);
  const { present, purging } = documents;
  if (present + purging === 0) return { node, state: "purged", reason: "" };
  const state = present > 0 ? "present" : "purging";
  return { node, state, reason: `${present + purging} documents, ${reason}` };
}

/** A node that has nothing of it has nothing to purge. */
const isDone = ({ state }: Row): boolean => state === "purged" || state === "unknown";

async function confirmations(given: Given, what: Asked): Promise<Row[]> {
  const status = await askStatus(given);
  return await Promise.all(
    status.nodes.map(async ({ node, url, state }): Promise<Row> => {
      if (state === "disconnected" || (url === "" && state !== "self"))
        return { node, state: "missing", reason: "it is away, and has what it had" };
      try {
        return await stateAt(state === "self" ? given : { text: url, from: `the URL of ${node}` }, what);
      } catch (error) {
        if (!(error instanceof Stop)) throw error;
        return { node, state: "missing", reason: error.lines.join(" ") };
      }
    }),
  );
}

function text(rows: readonly Row[]): string {
  return rows
    .map(
      ({ node, state, reason }) =>
        `${printable(node)}: ${state}${reason === "" ? "" : `, ${printable(reason)}`}\n`,
    )
    .join("");
}

const NOTES = `
Delete or drop it first. The purge is done when every line says purged; the exit code is 1
until then. Ask again later with --check. Files that \`syncline backup\` has made are
not looked at: a node that is restored from one purges it again by itself.

Examples:
  $ curl -X DELETE localhost:1234/v1/docs/boards/roadmap
  $ syncline purge boards/roadmap
  $ syncline purge boards/roadmap --check
  $ syncline purge --collection drafts
  $ syncline purge --collection boards --field headline
`;
