/**
 * Makes a data folder of a backup.
 *
 * A backup may be old: what its node has accepted since is not in it. That is safe, because a node takes a new stream at
 * every start and follows its own former ones like any other: from whoever has it, it gets back what it had accepted, and
 * gives no position and no identity out twice (SPINE 2).
 */
import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import type { StorageWrite } from "@syncline/engine";
import { type BackupHead, BadBackup, readBackup } from "./backup-format.js";
import { type DataFolder, openDataFolder } from "./data-folder.js";
import { CannotStart } from "./errors.js";

export interface Restored extends BackupHead {
  readonly rows: number;
}

/**
 * Puts a backup into a folder that is empty or not there. Rejects with `CannotStart`, or with `BadBackup` when the bytes
 * are no whole backup; then nothing is left of it.
 */
export async function restoreFolder(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  progress: (rows: number) => void = () => {},
): Promise<Restored> {
  const folder = resolve(path);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new CannotStart(
      "FOLDER_UNUSABLE",
      `--data ${folder}: there is something in it; restore into a folder that is empty or not there`,
    );
  }
  let data: DataFolder | undefined;
  let head: BackupHead | undefined;
  let rows = 0;
  let isWhole = false;
  try {
    for await (const part of readBackup(bytes)) {
      if (part.kind === "head") {
        head = part.head;
        data = await openDataFolder(folder, part.head.node);
      } else if (part.kind === "rows") {
        await commit(
          data!,
          part.rows.map(([key, value]) => ({ key, value })),
        );
        rows += part.rows.length;
        progress(rows);
      } else isWhole = true;
    }
    if (head === undefined || !isWhole) throw new BadBackup("it breaks off");
    return { ...head, rows };
  } finally {
    if (isWhole) await data?.close();
    else await data?.abandon();
  }
}

const commit = (data: DataFolder, writes: readonly StorageWrite[]): Promise<void> =>
  new Promise((done, failed) => {
    data.storage.commit(writes, (failure) => (failure === undefined ? done() : failed(failure)));
  });
