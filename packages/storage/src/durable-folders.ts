/**
 * Folders that survive a power cut.
 *
 * A new or renamed file, or folder, is durable only once the folder that names it was synced.
 */
import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** There is something else at a path, or above it. */
export class NotAFolder extends Error {}

/** Creates a folder and those above it, as far as they are missing. Level by level: Node's own way may never end. */
export async function createFolder(path: string): Promise<void> {
  const missing: string[] = [];
  let at = path;
  for (let kind = await kindOf(at); kind !== "folder"; kind = await kindOf(at)) {
    if (kind === "other") throw new NotAFolder(`${at} is not a folder`);
    missing.push(at);
    at = dirname(at);
  }
  for (const folder of missing.reverse()) {
    try {
      await mkdir(folder);
    } catch (error) {
      // Somebody else may have been faster.
      if (!isSystemError(error, "EEXIST")) throw error;
    }
    await syncFolder(dirname(folder));
  }
}

/** Does nothing where the system cannot sync folders (Windows), which keeps names durable by other means. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Whether `error` is the system's, with one of these codes. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code)
  );
}

async function kindOf(path: string): Promise<"folder" | "other" | "nothing"> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "other";
  } catch (error) {
    // Below a file there is nothing either; the file itself is found on the way up.
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return "nothing";
    throw error;
  }
}
