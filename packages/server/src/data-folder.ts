/**
 * The data folder of a server: its lock, its name and its store, opened together or not at all.
 *
 * A start that fails leaves the disk as it found it: what can be known is checked before anything is created, and a
 * folder that was not there before is taken away again.
 */
import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { getSystemErrorMap } from "node:util";
import type { CopyableStorage, Random } from "@syncline/engine";
import { FolderError, type FolderLock, lockFolder } from "@syncline/storage/folder";
import { openLmdb } from "@syncline/storage/lmdb";
import { CannotStart } from "./errors.js";
import { keepName, makeName, readName } from "./node-name.js";

export interface DataFolder {
  readonly path: string;
  readonly name: string;
  readonly storage: CopyableStorage;
  /** Waits for the disk and lets go of the folder. */
  close(): Promise<void>;
  /** The same for a start that failed: takes away what was created. */
  abandon(): Promise<void>;
}

/** The name that a node in this folder has: the wanted one, the kept one, or a new one. Rejects with `CannotStart`. */
export async function nameFor(folder: string, wanted: string | undefined, random: Random): Promise<string> {
  const kept = await readName(folder).catch((error: unknown) => {
    throw new CannotStart("FOLDER_UNUSABLE", `--data ${folder}: ${textOf(error)}`, error);
  });
  if (wanted !== undefined && kept !== undefined && wanted !== kept) {
    throw new CannotStart(
      "NAME_MISMATCH",
      `--name ${wanted}: the data folder ${folder} belongs to the node ${kept}; leave --name out, or use another --data`,
    );
  }
  return wanted ?? kept ?? makeName(random);
}

/** Opens the folder, creating it if need be. Rejects with `CannotStart`. */
export async function openDataFolder(path: string, name: string): Promise<DataFolder> {
  const folder = resolve(path);
  const created = firstMissing(folder);
  let lock: FolderLock | undefined;
  let storage: CopyableStorage | undefined;
  const close = async (): Promise<void> => {
    await storage?.close();
    await lock?.release();
  };
  const abandon = async (): Promise<void> => {
    const wasLocked = lock !== undefined;
    await storage?.close();
    // While the lock is still ours, so that nobody else's data can be hit.
    if (wasLocked && created !== undefined) await removeData(folder);
    await lock?.release();
    if (created !== undefined) await removeFolders(folder, created, wasLocked);
  };
  try {
    lock = await lockFolder(folder);
    if ((await readName(folder)) === undefined) await keepName(folder, name);
    storage = await openLmdb(folder);
    return { path: folder, name, storage, close, abandon };
  } catch (error) {
    await abandon().catch(() => {});
    throw explained(error, folder);
  }
}

const STORE = "store";

/** The topmost folder of a path that does not exist yet. */
function firstMissing(folder: string): string | undefined {
  let missing: string | undefined;
  for (let path = folder; !existsSync(path); path = dirname(path)) missing = path;
  return missing;
}

async function removeData(folder: string): Promise<void> {
  await rm(join(folder, STORE), { recursive: true, force: true });
  for (const file of ["node-name", "node-name.new"]) await rm(join(folder, file), { force: true });
}

/** Removes the folders that were created, from the lowest up, as long as they hold nothing of anybody else's. */
async function removeFolders(folder: string, created: string, wasLocked: boolean): Promise<void> {
  if (wasLocked) {
    for (const rest of ["lock", "format", "format.new"])
      await rm(join(folder, rest), { recursive: true, force: true });
  } else {
    await rmdir(join(folder, "lock")).catch(() => {});
  }
  for (let path = folder; path.length >= created.length; path = dirname(path)) {
    try {
      await rmdir(path);
    } catch {
      return;
    }
  }
}

function explained(error: unknown, folder: string): CannotStart {
  const advice = "use another folder";
  if (error instanceof FolderError) {
    const reason = {
      FOLDER_IN_USE: `is in use by process ${error.pid}; stop it, or ${advice}`,
      FOLDER_UNWRITABLE: `cannot be written: ${systemReason(error.cause)}; ${advice}`,
      FOLDER_NOT_A_FOLDER: `is not a folder, or is below something that is none; ${advice}`,
      FOLDER_NEWER_FORMAT: `was written by another version of Syncline; use that version, or ${advice}`,
    }[error.code];
    return new CannotStart("FOLDER_UNUSABLE", `--data ${folder}: ${reason}`, error);
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "STORE_UNREADABLE") return new CannotStart("STORE_DAMAGED", `--data: ${textOf(error)}`, error);
  return new CannotStart("FOLDER_UNUSABLE", `--data ${folder}: ${systemReason(error)}; ${advice}`, error);
}

/** What the system said, in its own words where it has some: "permission denied". */
function systemReason(error: unknown): string {
  const errno =
    error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : 0;
  return getSystemErrorMap().get(errno)?.[1] ?? textOf(error);
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
