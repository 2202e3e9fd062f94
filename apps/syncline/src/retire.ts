/** `syncline retire`: takes a node that is gone for good out of its cluster. */
import { type NodeRetired, printable } from "@syncline/server";
import { Command } from "commander";
import { askServer, givenUrl } from "./asking.js";

interface Flags {
  readonly url?: string;
  readonly json?: true;
  readonly force?: true;
}

export function retireCommand(quietly: (command: Command) => Command): Command {
  const command = new Command("retire")
    .description("take a node out of the cluster that is gone for good")
    .helpOption("-h, --help", "print this help")
    .argument("<node>", "its name, as `syncline status` shows it")
    .option("--url <url>", "a master that is left, ws:// or http:// (variable SYNCLINE_URL)")
    .option("--force", "also if nodes that are not heard may have more of what it accepted")
    .option("--json", "print JSON")
    .addHelpText("after", NOTES);
  return quietly(command).action(async (node: string, { url, json, force }: Flags) => {
    const query = new URLSearchParams({ node, ...(force && { force: "true" }) });
    const answer = (await askServer(givenUrl(url), `/v1/retire?${query}`, {})) as NodeRetired;
    if (json === true) {
      process.stdout.write(`${JSON.stringify(answer)}\n`);
      return;
    }
    process.stdout.write(`${printable(answer.node)} is retired\n`);
    for (const doubt of answer.doubts) process.stdout.write(`in doubt: ${printable(doubt)}\n`);
  });
}

const NOTES = `
The others agree on where what it accepted ends, and go on without it: no quorum waits for it, and no records are kept for
it. The command waits up to 10 seconds until every master, and enough of the others, are heard, or ends with
RETIREMENT_WOULD_LOSE and names who is missing. A retired node that comes back joins as a new one, and hands in what it
alone had.

Examples:
  $ syncline retire m2 --url ws://localhost:4001
  $ syncline retire m2 --url ws://localhost:4001 --force
`;
