/**
 * The name of a node: made up once, kept in its data folder, never changed.
 *
 * Streams and commit rules name nodes, so a folder that comes back under another name would be a different node
 * with the same data. A made-up name is two short words that can be said aloud and four digits that tell apart.
 */
import { constants } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "@syncline/engine";
import { checkName } from "./settings.js";

/** A new name, for example `quiet-otter-3fa9`. */
export function makeName(random: Random): string {
  const word = (words: readonly string[]) => words[random.integer(words.length)];
  const digits = random.integer(0x10000).toString(16).padStart(4, "0");
  return `${word(QUALITIES)}-${word(ANIMALS)}-${digits}`;
}

/** The name kept in a data folder; undefined if there is none, or no folder. Throws if what is there is no name. */
export async function readName(folder: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, FILE), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
  const name = text.replace(/\n$/, "");
  if (checkName(name) !== undefined) throw new Error(`${join(folder, FILE)} holds no name of a node`);
  return name;
}

/** Keeps a name, so that it is there whole or not at all after a crash. The caller holds the folder's lock. */
export async function keepName(folder: string, name: string): Promise<void> {
  const temporary = join(folder, `${FILE}.new`);
  const file = await open(temporary, "w");
  try {
    await file.writeFile(`${name}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, FILE));
  const directory = await open(folder, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

const FILE = "node-name";

const QUALITIES = [
  ...["amber", "bold", "brave", "brisk", "calm", "clear", "crisp", "deft", "eager", "early", "fair", "fleet"],
  ...["fresh", "glad", "gold", "green", "keen", "kind", "light", "lively", "lucky", "mild", "neat", "noble"],
  ...[
    "plain",
    "proud",
    "quick",
    "quiet",
    "rapid",
    "ready",
    "silver",
    "sleek",
    "smart",
    "snowy",
    "solid",
    "steady",
  ],
  ...["still", "sunny", "swift", "tidy", "true", "vivid", "warm", "wise"],
] as const;

const ANIMALS = [
  ...["ant", "badger", "bear", "beaver", "bee", "bison", "cat", "crane", "crow", "deer", "dove", "eagle"],
  ...["eel", "elk", "falcon", "ferret", "finch", "fox", "gecko", "goose", "hare", "hawk", "heron", "horse"],
  ...["ibex", "jay", "koala", "lark", "lion", "lynx", "mole", "moose", "newt", "otter", "owl", "panda"],
  ...["puffin", "raven", "robin", "seal", "swan", "tapir", "tiger", "toad", "trout", "whale", "wolf", "wren"],
] as const;
