/**
 * `syncline promote` and `syncline demote`: a follower becomes a master, a master a follower, while they run.
 * `syncline sync` gives a master another commit rule.
 */
import { printable, type RoleChanged, type RuleChanged } from "@syncline/server";
import { Command } from "commander";
import { askServer, givenUrl } from "./asking.js";

interface Flags {
  readonly url?: string;
  readonly json?: true;
  readonly force?: true;
  readonly sync?: string;
}

export function promoteCommand(quietly: (command: Command) => Command): Command {
  const command = new Command("promote")
    .description("make a follower a master")
    .helpOption("-h, --help", "print this help")
    .option("--url <url>", "the follower, ws:// or http:// (variable SYNCLINE_URL)")
    .option("--sync <rule>", "the commit rule of what it accepts, as for `serve` (default: LOCAL)")
    .option("--force", "also if something that was committed may be missing here")
    .option("--json", "print JSON")
    .addHelpText("after", PROMOTE_NOTES);
  return quietly(command).action(({ url, json, force, sync }: Flags) => {
    const query = new URLSearchParams({
      ...(force && { force: "true" }),
      ...(sync !== undefined && { sync }),
    });
    return change("promote", url, query, json === true);
  });
}

export function demoteCommand(quietly: (command: Command) => Command): Command {
  const command = new Command("demote")
    .description("make a master a follower")
    .helpOption("-h, --help", "print this help")
    .option("--url <url>", "the master, ws:// or http:// (variable SYNCLINE_URL)")
    .option("--force", "also without another master, and before others have what it has accepted")
    .option("--json", "print JSON")
    .addHelpText("after", DEMOTE_NOTES);
  return quietly(command).action(({ url, json, force }: Flags) =>
    change("demote", url, new URLSearchParams({ ...(force && { force: "true" }) }), json === true),
  );
}

export function syncCommand(quietly: (command: Command) => Command): Command {
  const command = new Command("sync")
    .description("give a master another commit rule")
    .argument("<rule>", "as for `serve --sync`")
    .helpOption("-h, --help", "print this help")
    .option("--url <url>", "the master, ws:// or http:// (variable SYNCLINE_URL)")
    .option("--json", "print JSON")
    .addHelpText("after", SYNC_NOTES);
  return quietly(command).action(async (rule: string, { url, json }: Flags) => {
    const query = new URLSearchParams({ sync: rule });
    const answer = (await askServer(givenUrl(url), `/v1/sync?${query}`, {})) as RuleChanged;
    const text = `${printable(answer.node)} commits by ${printable(answer.rule)} now`;
    process.stdout.write(`${json ? JSON.stringify(answer) : text}\n`);
    const { unknown = [] } = answer as Partial<RuleChanged>;
    if (unknown.length > 0 && !json)
      process.stderr.write(
        `no member yet: ${unknown.map(printable).join(", ")}. What waits for such a node is committed when it is there, and not before\n`,
      );
  });
}

async function change(
  act: "promote" | "demote",
  url: string | undefined,
  query: URLSearchParams,
  json: boolean,
): Promise<void> {
  const answer = (await askServer(givenUrl(url), `/v1/${act}?${query}`, {})) as RoleChanged;
  if (json) {
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    return;
  }
  process.stdout.write(`${printable(answer.node)} is a ${answer.role} now\n`);
  for (const doubt of answer.doubts) process.stdout.write(`in doubt: ${printable(doubt)}\n`);
}

const PROMOTE_NOTES = `
It waits up to 10 seconds until it has all that was ever committed, or ends with PROMOTION_WOULD_LOSE and says what may be
missing, and who has it. The node remembers its role, whatever it is started with.

Examples:
  $ syncline promote --url ws://localhost:4003
  $ syncline promote --url ws://localhost:4003 --sync 'ANY 1 (f1,f2)'
`;

const SYNC_NOTES = `
For a quorum that can no longer be met. It holds for what is accepted from now on, and for what waits for its commit, as soon
as the new quorum has it. When the node is started again its flags rule: change them too.

Example:
  $ syncline sync 'ANY 1 (f2,f3)' --url ws://localhost:4001
`;

const DEMOTE_NOTES = `
It takes no more writes, waits up to 10 seconds until others have all that it has accepted, and follows them.

Example:
  $ syncline demote --url ws://localhost:4001
`;
