/**
 * `syncline purge`: takes the content of a deleted document away for good, and asks every member whether it still has
 * anything of it. A member that is away is named: it has what it had until it comes back.
 */
import { type PurgeAnswer, printable } from "@syncline/server";
import { Command } from "commander";
import { askServer, type Given, givenUrl } from "./asking.js";
import { EXIT, type ExitCode, Stop } from "./exit.js";
import { askStatus } from "./status.js";

interface Flags {
  readonly url?: string;
  readonly json?: true;
  readonly check?: true;
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
    .description("take the content of a deleted document away for good, on all nodes")
    .helpOption("-h, --help", "print this help")
    .argument("<document>", "boards/roadmap for instance")
    .option("--url <url>", "a master, ws:// or http:// (variable SYNCLINE_URL)")
    .option("--check", "only ask who still has it")
    .option("--json", "print JSON")
    .addHelpText("after", NOTES);
  return quietly(command).action(async (document: string, { url, json, check }: Flags) => {
    const given = givenUrl(url);
    const path = `/v1/purge?document=${encodeURIComponent(document)}`;
    if (check !== true) await askServer(given, path, {});
    let rows = await confirmations(given, path);
    for (let times = 1; times < ASKED && check !== true && !rows.every(isDone); times++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      rows = await confirmations(given, path);
    }
    process.stdout.write(
      json === true ? `${JSON.stringify({ document, nodes: rows }, null, 2)}\n` : text(rows),
    );
    ended(rows.every(isDone) ? EXIT.ok : EXIT.failed);
  });
}

/** A node that has nothing of it has nothing to purge. */
const isDone = ({ state }: Row): boolean => state === "purged" || state === "unknown";

async function confirmations(given: Given, path: string): Promise<Row[]> {
  const status = await askStatus(given);
  return await Promise.all(
    status.nodes.map(async ({ node, url, state }): Promise<Row> => {
      if (state === "disconnected" || (url === "" && state !== "self"))
        return { node, state: "missing", reason: "it is away, and has what it had" };
      try {
        const asked = state === "self" ? given : { text: url, from: `the URL of ${node}` };
        return (await askServer(asked, path)) as PurgeAnswer;
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
Delete it first. The purge is done when every line says purged; the exit code is 1
until then. Ask again later with --check. Files that \`syncline backup\` has made are
not looked at: a node that is restored from one purges it again by itself.

Examples:
  $ curl -X DELETE localhost:1234/v1/docs/boards/roadmap
  $ syncline purge boards/roadmap
  $ syncline purge boards/roadmap --check
`;
