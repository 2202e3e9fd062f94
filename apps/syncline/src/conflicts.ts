/**
 * `syncline conflicts`: which values a resolution has hidden, one line for each, and writing one of them again.
 *
 * With `--follow` it asks again and again and prints what is new: ids are the same on every server, so it does not matter
 * which one answers.
 */
import { type ConflictJson, printable } from "@syncline/server";
import { Command } from "commander";
import { askServer, givenUrl } from "./asking.js";

interface Flags {
  readonly url?: string;
  readonly json?: true;
  readonly follow?: true;
  readonly document?: string;
}

/** How often `--follow` asks. */
const FOLLOW_EVERY_MS = 500;
/** Ids that `--follow` remembers; a server lists fewer. */
const REMEMBERED_MAX = 10_000;

/** The command, which lists, and its part that restores. */
export function conflictsCommand(quietly: (command: Command) => Command): Command {
  const command = new Command("conflicts")
    .description("show which values were hidden when writes were in conflict")
    .helpOption("-h, --help", "print this help")
    .option("--url <url>", "the server to ask, ws:// or http:// (variable SYNCLINE_URL)")
    .option("--document <name>", "only those of one document, boards/roadmap for instance")
    .option("--follow", "go on, and print those that come")
    .option("--json", "print one JSON object for each")
    .addHelpText("after", NOTES);
  quietly(command);
  command.action(async ({ url, json, follow, document }: Flags) => {
    const seen = new Set<string>();
    const query = document === undefined ? "" : `?document=${encodeURIComponent(document)}`;
    for (;;) {
      const answer = (await askServer(givenUrl(url), `/v1/conflicts${query}`)) as {
        conflicts: ConflictJson[];
      };
      for (const conflict of answer.conflicts) {
        if (seen.has(conflict.id)) continue;
        seen.add(conflict.id);
        process.stdout.write(`${json === true ? JSON.stringify(conflict) : conflictText(conflict)}\n`);
      }
      if (follow !== true) {
        if (answer.conflicts.length === 0 && json !== true) process.stdout.write("no conflicts\n");
        return;
      }
      for (const id of [...seen].slice(0, Math.max(0, seen.size - REMEMBERED_MAX))) seen.delete(id);
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS));
    }
  });
  const restore = new Command("restore")
    .description("write the value that was hidden again; show a deleted document with what was written to it")
    .helpOption("-h, --help", "print this help")
    .argument("<id>")
    .option("--url <url>", "the server to ask, ws:// or http:// (variable SYNCLINE_URL)")
    .option("--json", "print JSON");
  quietly(restore).action(async (id: string, _flags: Flags, self: Command) => {
    const { url, json } = self.optsWithGlobals<Flags>();
    const path = `/v1/conflicts/${encodeURIComponent(id)}/restore`;
    const receipt = (await askServer(givenUrl(url), path, {})) as { outcome: string };
    process.stdout.write(json === true ? `${JSON.stringify(receipt)}\n` : `restored, ${receipt.outcome}\n`);
  });
  command.addCommand(restore);
  return command;
}

function conflictText({ id, type, document, field, winner, losers, at }: ConflictJson): string {
  const where = field === "" ? document : `${document} ${field}`;
  const lost = losers.map(sideText).join(", ");
  return `${id}  ${at ?? "-"}  ${type}  ${printable(where)}: ${sideText(winner)} stands, not ${lost}`;
}

function sideText({ value, kind, dot }: ConflictJson["winner"]): string {
  if (value !== undefined) return printable(JSON.stringify(value).slice(0, VALUE_CHARACTERS_MAX));
  return kind === undefined ? `what ${dot.split(":")[0]} did` : printable(kind);
}

const VALUE_CHARACTERS_MAX = 80;

const NOTES = `
Examples:
  $ syncline conflicts
  $ syncline conflicts --follow --json
  $ syncline conflicts restore 5c1f0a9be2347d60
`;
