/**
 * The command line: what can be asked for, and how it is explained.
 *
 * The flags of `serve` are the rows of the server's table of settings; nothing about them is written twice.
 */
import { flagOf, printable, SETTING_KEYS, SETTINGS, VERSION, variableOf } from "@syncline/server";
import { Command, CommanderError, Option } from "commander";
import { type BackupFlags, backup, type RestoreFlags, restore } from "./backup.js";
import { conflictsCommand } from "./conflicts.js";
import { DEMO_PORT } from "./demo/port.js";
import type { DemoFlags } from "./demo.js";
import { EXIT, type ExitCode, Stop } from "./exit.js";
import { purgeCommand } from "./purge.js";
import { retireCommand } from "./retire.js";
import { demoteCommand, promoteCommand, syncCommand } from "./roles.js";
import { schemaCommand } from "./schema.js";
import { serve } from "./serve.js";
import type { SimulateFlags } from "./simulate.js";
import { askStatus, DEFAULT_URL, statusText } from "./status.js";
import { type VerifyFlags, verify } from "./verify.js";

/** Runs the command line. Throws `Stop` for everything that ends it early. */
export async function run(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = new Command("syncline")
    .description("Keeps documents in step between servers and clients: a CRDT sync server.")
    .version(VERSION, "-v, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", EXAMPLES);
  // Before the subcommands are made: they inherit it.
  quietly(program);
  program.addCommand(serveCommand((result) => (code = result)));
  program.addCommand(demoCommand((result) => (code = result)));
  program.addCommand(statusCommand());
  program.addCommand(schemaCommand(quietly));
  program.addCommand(conflictsCommand(quietly));
  program.addCommand(purgeCommand(quietly, (result) => (code = result)));
  program.addCommand(promoteCommand(quietly));
  program.addCommand(demoteCommand(quietly));
  program.addCommand(retireCommand(quietly));
  program.addCommand(syncCommand(quietly));
  program.addCommand(verifyCommand((result) => (code = result)));
  program.addCommand(backupCommand((result) => (code = result)));
  program.addCommand(restoreCommand((result) => (code = result)));
  program.addCommand(await simulateCommand(args, (result) => (code = result)));
  if (args.length === 0) {
    throw new Stop(EXIT.usage, [
      "say what to do: `syncline serve`, `syncline demo`, `syncline status`, `syncline simulate`, or `syncline --help`",
    ]);
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.ok;
    throw new Stop(EXIT.usage, [messageOf(error)]);
  }
  return code;
}

function serveCommand(ended: (code: ExitCode) => void): Command {
  const command = new Command("serve")
    .description("run a server")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", SERVE_NOTES);
  for (const key of SETTING_KEYS) {
    const { value, help, fallback, fallbackText, repeatable } = SETTINGS[key];
    const words =
      fallbackText ??
      (fallback === undefined || fallback === false || Array.isArray(fallback)
        ? undefined
        : String(fallback));
    const option = new Option(
      `${flagOf(key)}${value === undefined ? "" : ` <${value}>`}`,
      words === undefined ? help : `${help} (default: ${words})`,
    );
    if (repeatable) option.argParser((given: string, before: string[] = []) => [...before, given]);
    command.addOption(option);
  }
  command.action(async (flags: Record<string, unknown>) => ended(await serve(flags)));
  return quietly(command);
}

function demoCommand(ended: (code: ExitCode) => void): Command {
  const command = new Command("demo")
    .description("run two masters and two followers on this machine, with the playground")
    .helpOption("-h, --help", "print this help")
    .option("--port <number>", `the first of four ports; 0 picks free ones (default: ${DEMO_PORT})`)
    .option("--story", "first tell what happens when servers are killed, on the terminal")
    .option("--once", "tell the story and end, instead of letting the servers run on")
    .addHelpText("after", DEMO_NOTES);
  command.action(async (flags: DemoFlags) => {
    const { demo } = await import("./demo.js");
    ended(await demo(flags));
  });
  return quietly(command);
}

function statusCommand(): Command {
  const command = new Command("status")
    .description("show what a running server knows of its cluster")
    .helpOption("-h, --help", "print this help")
    .option(
      "--url <url>",
      `the server to ask, ws:// or http:// (default: ${DEFAULT_URL}; variable SYNCLINE_URL)`,
    )
    .option("--json", "print JSON instead of tables")
    .addHelpText("after", "\nExit code 3 means that the server cannot be reached.\n");
  command.action(async ({ url, json }: { url?: string; json?: true }) => {
    const variable = process.env.SYNCLINE_URL;
    const given =
      url !== undefined
        ? { text: url, from: "--url" }
        : variable
          ? { text: variable, from: "SYNCLINE_URL" }
          : { text: DEFAULT_URL, from: "" };
    const status = await askStatus(given);
    process.stdout.write(json === true ? `${JSON.stringify(status, null, 2)}\n` : statusText(status));
  });
  return quietly(command);
}

function verifyCommand(ended: (code: ExitCode) => void): Command {
  const command = new Command("verify")
    .description("compare the documents of all nodes, or look through a data folder")
    .helpOption("-h, --help", "print this help")
    .option(
      "--url <url>",
      `a server of the cluster, ws:// or http:// (default: ${DEFAULT_URL}; variable SYNCLINE_URL)`,
    )
    .option("--data <folder>", "look through this data folder instead; no server may have it open")
    .option("--repair <node>", "first let this node take everything anew from another one")
    .option("--json", "print JSON instead of text")
    .addOption(new Option("--here").hideHelp())
    .addHelpText(
      "after",
      "\nExit code 1 means that something is damaged, or that nodes are apart; 3 that one cannot be reached.\n",
    );
  command.action(async (flags: VerifyFlags) => ended(await verify(flags)));
  return quietly(command);
}

function backupCommand(ended: (code: ExitCode) => void): Command {
  const command = new Command("backup")
    .description("write everything that a running server has into a file")
    .helpOption("-h, --help", "print this help")
    .argument("<file>", "a new file")
    .option(
      "--url <url>",
      `the server to ask, ws:// or http:// (default: ${DEFAULT_URL}; variable SYNCLINE_URL)`,
    )
    .addHelpText(
      "after",
      "\nThe server goes on meanwhile. The file is there only once it is whole and on the disk.\n",
    );
  command.action(async (file: string, flags: BackupFlags) => ended(await backup(file, flags)));
  return quietly(command);
}

function restoreCommand(ended: (code: ExitCode) => void): Command {
  const command = new Command("restore")
    .description("make a data folder of a backup")
    .helpOption("-h, --help", "print this help")
    .argument("<file>", "what `syncline backup` has written")
    .requiredOption("--data <folder>", "where to: a folder that is empty or not there")
    .addHelpText(
      "after",
      "\nAn old backup is safe: what its node has accepted since comes back from the other nodes.\nStart it with its --follow, and never beside the node that the backup was made of.\n",
    );
  command.action(async (file: string, flags: RestoreFlags) => ended(await restore(file, flags)));
  return quietly(command);
}

/** Loads the simulator, which is a tenth of all modules, only if it is meant: servers start without it. */
async function simulateCommand(args: readonly string[], ended: (code: ExitCode) => void): Promise<Command> {
  const loaded = args.includes("simulate") ? await import("./simulate.js") : undefined;
  const command = new Command("simulate")
    .description("play cluster histories with faults on virtual time, and check every replica")
    .helpOption("-h, --help", "print this help")
    .option("--seed <n>", "the history to play, or the first of them (default: 1)")
    .option("--count <n>", "how many seeds, one after the other (default: 1)")
    .option("--steps <n>", "actions in a history (default: 150)")
    .option("--cluster <m,f,c>", "masters, followers and clients, such as 3,2,5 (default: drawn)")
    .option("--pace <name>", "time between actions: dense, slow or changing (default: drawn)")
    .option("--faults <list>", "only these, separated by commas; `none` for none (default: all)")
    .option("--trace <file>", "write what happens, line by line")
    .option("--save <file>", "write a history that went wrong, as small as it gets")
    .option("--replay <file>", "play such a file instead of a seed")
    .addHelpText("after", loaded?.SIMULATE_NOTES ?? "");
  command.action((flags: SimulateFlags) => {
    if (loaded !== undefined) ended(loaded.simulate(flags));
  });
  return quietly(command);
}

/** Errors are thrown and printed in one place, in one line; help still goes where commander sends it. */
function quietly(command: Command): Command {
  return command
    .exitOverride((error) => {
      if (error.code !== "commander.excessArguments") throw error;
      throw new Stop(EXIT.usage, [tooMany(command)]);
    })
    .allowExcessArguments(false)
    .configureOutput({ outputError: () => {} });
}

/** What was written beyond what the command takes. */
function tooMany({ args, commands, registeredArguments }: Command): string {
  const taken = registeredArguments.map((each) => `<${each.name()}>`).join(" ");
  const first = printable(args[registeredArguments.length] ?? "");
  if (taken !== "") return `one argument too many: ${first}. There is ${taken} and nothing more; see --help`;
  const parts = commands.map((each) => each.name()).join(", ");
  if (parts !== "") return `there is no '${first}' here, only ${parts}; see --help`;
  return "there are flags only, and no arguments; see --help";
}

function messageOf(error: CommanderError): string {
  if (error.code === "commander.help") return "say which of these commands it is to be";
  return error.message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .trim();
}

const EXAMPLES = `
Examples:
  A cluster to look at:
    $ syncline demo
  A durable master on port 1234:
    $ syncline serve
  A second one, which follows the first:
    $ syncline serve --port 1235 --data ./two --follow ws://localhost:1234
  What it knows of the cluster:
    $ syncline status --url ws://localhost:1235

Exit codes: 0 done, 1 failed, 2 asked wrongly, 3 server not reachable.
`;

const DEMO_NOTES = `
The masters replicate synchronously: a write is committed once one of the two
followers has it on its disk, too. Nothing is left behind in the end.

  syncline demo           prints four URLs and runs until Ctrl-C. Each URL shows
                          the playground: a board, a note, the cluster, and
                          buttons that cut links, kill nodes and start them
                          again. What they do is said here.
  syncline demo --story   first writes, kills servers with kill -9, brings them
                          back, and says what it is answered; then runs on.
  syncline demo --once    tells the story and ends. Exit code 1 means that the
                          story went wrong.
`;

const SERVE_NOTES = `
Every flag is also an environment variable and a key of the --config file:
${flagOf("allowOrigin")} is ${variableOf("allowOrigin")} (several are separated by commas) and
"allowOrigin". A flag goes before a variable, a variable before the file.

Examples:
  A durable master on port 1234:
    $ syncline serve
  Two masters, each follows the other, and a follower of both:
    $ syncline serve --port 1234 --data ./one --name one \\
        --follow ws://localhost:1235
    $ syncline serve --port 1235 --data ./two --name two \\
        --follow ws://localhost:1234
    $ syncline serve --port 1236 --data ./three --name three \\
        --role follower --follow ws://localhost:1234 --follow ws://localhost:1235
  A master whose writes count once "three" has them on its disk too:
    $ syncline serve --data ./one --sync 'ANY 1 (three)' --follow ws://localhost:1236

SIGTERM or SIGINT (Ctrl-C) lets the server finish what it has begun and ends it
with exit code 0; a second signal ends it at once, with 1.
`;
