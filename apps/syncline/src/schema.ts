/**
 * `syncline schema`: what the cluster's schema is, what a file would change of it, and changing it.
 *
 * The file is read here first, so that what is wrong in it is told with line and column before any server is asked.
 */
import { readFileSync } from "node:fs";
import { parseSchema, printable, type SchemaAnswer, TextRefused } from "@syncline/server";
import { Command } from "commander";
import { askServer, type Given, givenUrl, usualLines } from "./asking.js";
import { EXIT, Stop } from "./exit.js";
import { reasonOf } from "./status.js";

interface Flags {
  readonly url?: string;
  readonly json?: true;
  readonly drop?: true;
}

/** What the server would do, or has done. */
interface Plan {
  readonly text: readonly string[];
  readonly dropsText: readonly string[];
  readonly outcome?: string;
}

/** The command with its three parts. */
export function schemaCommand(quietly: (command: Command) => Command): Command {
  const schema = new Command("schema")
    .description("show, compare and change the cluster's schema")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", NOTES);
  quietly(schema);
  const part = (name: string, help: string): Command => {
    const command = quietly(new Command(name))
      .description(help)
      .helpOption("-h, --help", "print this help")
      .option("--url <url>", "the server to ask, ws:// or http:// (variable SYNCLINE_URL)")
      .option("--json", "print JSON");
    schema.addCommand(command);
    return command;
  };
  part("show", "print the schema as a file would say it").action(async ({ url, json }: Flags) => {
    const answer = (await askServer(givenUrl(url), "/v1/schema")) as SchemaAnswer;
    process.stdout.write(json === true ? `${JSON.stringify(answer, null, 2)}\n` : schemaShown(answer));
  });
  part("diff", "print what a file would change")
    .argument("<file>")
    .option("--drop", "drop what the file does not name")
    .action(async (file: string, { url, json, drop }: Flags) => {
      const plan = await send(givenUrl(url), "?dryRun=true", file, drop === true);
      process.stdout.write(json === true ? `${JSON.stringify(plan, null, 2)}\n` : planText(plan, "would"));
    });
  part("apply", "make the schema what a file says; all of it or nothing")
    .argument("<file>")
    .option("--drop", "drop what the file does not name")
    .action(async (file: string, { url, json, drop }: Flags) => {
      const given = givenUrl(url);
      const plan = await send(given, "?dryRun=true", file, drop === true);
      const done = plan.text.length === 0 ? plan : await send(given, "", file, drop === true);
      process.stdout.write(json === true ? `${JSON.stringify(done, null, 2)}\n` : planText(done, "did"));
    });
  return schema;
}

async function send(given: Given, query: string, file: string, drop: boolean): Promise<Plan> {
  const schema = readFile(file);
  try {
    parseSchema(schema);
  } catch (error) {
    if (!(error instanceof TextRefused)) throw error;
    const { line, column, reason } = error.fault;
    throw new Stop(EXIT.usage, [`${file}:${line}:${column}: ${reason}`]);
  }
  return (await askServer(given, `/v1/schema${query}`, { schema, drop }, (refused) => {
    const faults = refused.faults ?? [];
    if (faults.length > 0)
      return faults.map(({ line, column, reason }) => `${file}:${line}:${column}: ${printable(reason)}`);
    return usualLines(refused);
  })) as Plan;
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new Stop(EXIT.usage, [`${file}: ${UNREADABLE[code] ?? `it cannot be read: ${reasonOf(error)}`}`]);
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder; name a file in it",
  EACCES: "you have no right to read it",
};

function schemaShown({ text, collections }: SchemaAnswer): string {
  const dropped = collections.flatMap(({ name, id, dropped, fields }) => [
    ...(dropped ? [`// dropped: collection ${name}${id === name ? "" : ` (${id})`}`] : []),
    ...fields.flatMap((field) =>
      field.dropped && !dropped ? [`// dropped: ${name}.${field.name}: ${field.is}`] : [],
    ),
  ]);
  const lines = [text.trimEnd(), ...dropped].filter((line) => line !== "");
  return lines.length === 0 ? "// there is no schema: every field may be used\n" : `${lines.join("\n")}\n`;
}

function planText({ text, dropsText, outcome }: Plan, tense: "would" | "did"): string {
  const left = dropsText.map((drop) => `not in the file, and left: ${drop}; --drop does it`);
  if (text.length === 0) return `${["nothing to change", ...left].join("\n")}\n`;
  const end = outcome === undefined || tense === "would" ? [] : [`${text.length} done, ${outcome}`];
  return `${[...text, ...left, ...end].join("\n")}\n`;
}

const NOTES = `
A file:
  collection boards {
    title: register<string>
    votes: counter
    tags: set<string>
  }

Examples:
  $ syncline schema show
  $ syncline schema diff board.schema
  $ syncline schema apply board.schema --url ws://localhost:1235

Exit code 2 means that the file is wrong or asks for what cannot be: the lines
say where, why and what to do instead.
`;
