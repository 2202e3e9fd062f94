/**
 * A data folder that belongs to one process at a time.
 *
 * The lock is a chain of numbered files; the one with the highest number tells who holds it, or that nobody does. A
 * process takes the lock by creating the next number, with its contents, in one step that fails if the number exists
 * (a hard link), and then looks again: only who still has the highest number has the lock. Numbers never fall and a
 * file goes only after a higher one has come, so of those who race for a lock that a killed process left behind, one
 * creates the next number and all others see it; and who was asleep between looking and creating sees, looking again,
 * what came meanwhile. (A small folder is listed by one system call, so a listing shows one moment.) A lock that
 * nobody alive holds is simply passed over: no second file has to be made to remove a first, which is where locks
 * made of one file go wrong.
 */
import { randomBytes } from "node:crypto";
import { link, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Beacon, lightBeacon } from "./beacon.js";
import { createFolder, isSystemError, NotAFolder, syncFolder } from "./durable-folders.js";
import { type Holder, holderOf, isHeldBy, readHolder } from "./holder.js";

export type FolderErrorCode =
  /** A live process has it. `pid` is that process. */
  | "FOLDER_IN_USE"
  /** It cannot be created or written. */
  | "FOLDER_UNWRITABLE"
  /** There is something else at this path, or above it. */
  | "FOLDER_NOT_A_FOLDER"
  /** It was written by a later version of Syncline, whose format this version does not know. */
  | "FOLDER_NEWER_FORMAT";

/** Why a data folder cannot be used. The message is one line that names the folder. Nothing was changed in it. */
export class FolderError extends Error {
  override readonly name = "FolderError";
  readonly code: FolderErrorCode;
  /** The process that has the folder, with `FOLDER_IN_USE` only. */
  readonly pid: number | undefined;

  constructor(code: FolderErrorCode, message: string, options: { pid?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.pid = options.pid;
  }
}

export interface FolderLock {
  /** The folder, absolute. */
  readonly path: string;
  /** Lets go of the folder. Not needed when the process ends: a dead process holds nothing. */
  release(): Promise<void>;
}

/**
 * Creates the folder if need be and takes its lock, for as long as this process lives or until `release`.
 *
 * Rejects with a `FolderError`. Does not wait for a lock that another process holds. What a killed process left
 * behind is taken over at once; a process of another container that shares the folder is recognised by a socket in
 * it. Two machines that share a folder over a network are not kept apart.
 */
export async function lockFolder(path: string): Promise<FolderLock> {
  const folder = resolve(path);
  try {
    await createFolder(folder);
    await checkFormat(folder);
    const release = await lock(folder, join(folder, "lock"));
    try {
      // Again, now that nobody else can write it.
      if (!(await checkFormat(folder))) await writeFormat(folder);
    } catch (error) {
      await release();
      throw error;
    }
    return { path: folder, release };
  } catch (error) {
    if (error instanceof FolderError) throw error;
    if (error instanceof NotAFolder) {
      throw new FolderError("FOLDER_NOT_A_FOLDER", `the data folder ${folder} cannot be: ${error.message}`);
    }
    const text = error instanceof Error ? error.message : String(error);
    throw new FolderError("FOLDER_UNWRITABLE", `the data folder ${folder} cannot be written: ${text}`, {
      cause: error,
    });
  }
}

/** The layout of the folder: what lies in it, and the store's format. Counts up when an older build must not read it. */
const FORMAT = 1;
const FORMAT_TEXT = /^syncline data folder, format ([1-9]\d{0,8})\n$/;

/** More rounds than this are lost only if locks come and go all the time. */
const ROUNDS_MAX = 100;

const RELEASED = "released\n";

/** Tells whether the folder has a format yet; throws if it is not ours. */
async function checkFormat(folder: string): Promise<boolean> {
  const text = await readText(join(folder, "format"));
  if (text === undefined) return false;
  const format = FORMAT_TEXT.exec(text)?.[1];
  if (Number(format) === FORMAT) return true;
  const what = format === undefined ? "an unknown format" : `format ${format}`;
  throw new FolderError(
    "FOLDER_NEWER_FORMAT",
    `the data folder ${folder} has ${what}, this version of Syncline knows format ${FORMAT}`,
  );
}

async function writeFormat(folder: string): Promise<void> {
  const temporary = join(folder, "format.new");
  const file = await open(temporary, "w");
  try {
    await file.writeFile(`syncline data folder, format ${FORMAT}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, "format"));
  await syncFolder(folder);
}

/** Takes the lock and returns what releases it. */
async function lock(folder: string, locks: string): Promise<() => Promise<void>> {
  await createFolder(locks);
  let beacon: Beacon | undefined;
  let taken = false;
  try {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const highest = (await numbersIn(locks)).at(-1) ?? 0;
      if (highest > 0) {
        const text = await readText(join(locks, fileOf(highest)));
        if (text === undefined) continue; // Somebody has moved on to a higher number.
        const holder = readHolder(text);
        if (holder !== undefined && (await isHeldBy(holder, locks))) throw inUse(folder, holder.pid);
      }
      // Lit before the lock can be seen, so that who sees the lock sees the light.
      beacon ??= await lightBeacon(locks);
      const number = highest + 1;
      const holder: Holder = { ...(await holderOf(process.pid)), beacon: beacon?.name };
      if (!(await create(locks, fileOf(number), `${JSON.stringify(holder)}\n`))) continue;
      if ((await numbersIn(locks)).at(-1) !== number) {
        await rm(join(locks, fileOf(number)), { force: true });
        continue;
      }
      taken = true;
      await clear(locks, number);
      return () => release(locks, number, beacon);
    }
    throw new Error(`the lock changed hands ${ROUNDS_MAX} times`);
  } finally {
    if (!taken) await beacon?.putOut();
  }
}

async function release(locks: string, number: number, beacon: Beacon | undefined): Promise<void> {
  try {
    const temporary = await writeTemporary(locks, RELEASED);
    await rename(temporary, join(locks, fileOf(number)));
  } catch (error) {
    // Somebody has deleted the folder: nothing is left to be held.
    if (!isSystemError(error, "ENOENT")) throw error;
  } finally {
    await beacon?.putOut();
  }
}

/** Creates a file with its contents in one step. False if it exists. */
async function create(locks: string, file: string, text: string): Promise<boolean> {
  const temporary = await writeTemporary(locks, text);
  try {
    await link(temporary, join(locks, file));
    return true;
  } catch (error) {
    if (isSystemError(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeTemporary(locks: string, text: string): Promise<string> {
  const path = join(locks, `${randomBytes(8).toString("hex")}.new`);
  const file = await open(path, "wx");
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
  return path;
}

/** Removes what those left behind who had the lock before. */
async function clear(locks: string, number: number): Promise<void> {
  for (const old of await numbersIn(locks)) {
    if (old >= number) continue;
    const holder = readHolder((await readText(join(locks, fileOf(old)))) ?? "");
    if (holder?.beacon !== undefined) await rm(join(locks, holder.beacon), { force: true });
    await rm(join(locks, fileOf(old)), { force: true });
  }
}

const fileOf = (number: number): string => `${number}.lock`;

/** The numbers of the lock files that are there, ascending. */
async function numbersIn(locks: string): Promise<number[]> {
  const numbers = (await readdir(locks)).map((name) =>
    Number(/^([1-9]\d{0,14})\.lock$/.exec(name)?.[1] ?? 0),
  );
  return numbers.filter((number) => number > 0).sort((a, b) => a - b);
}

function inUse(folder: string, pid: number): FolderError {
  return new FolderError("FOLDER_IN_USE", `the data folder ${folder} is in use by process ${pid}`, { pid });
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}
