/**
 * Looks through a data folder that no server has open. Nothing in it is changed, and none is created.
 *
 * The store reads its pages through a memory map, so damaged pages can end the process that reads them: this is called in
 * one that may be lost.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Verification, verifyStore } from "@syncline/engine";
import { openDataFolder } from "./data-folder.js";
import { CannotStart } from "./errors.js";
import { readName } from "./node-name.js";

/** Rejects with `CannotStart`. */
export async function verifyFolder(path: string): Promise<Verification & { readonly node: string }> {
  const folder = resolve(path);
  const name = existsSync(join(folder, "store")) ? await readName(folder) : undefined;
  if (name === undefined)
    throw new CannotStart("FOLDER_UNUSABLE", `--data ${folder}: there is no node's data in it`);
  const data = await openDataFolder(folder, name);
  try {
    return { node: name, ...verifyStore(data.storage) };
  } finally {
    await data.close();
  }
}
