/** `syncline backup` and `syncline restore`: everything that a node has, into a file and out of it. */
import { createReadStream, existsSync, rmSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { BadBackup, CannotStart, printable, readBackup, restoreFolder } from "@syncline/server";
import { type Given, givenUrl } from "./asking.js";
import { EXIT, type ExitCode, Stop } from "./exit.js";
import { baseUrl, reasonOf } from "./status.js";

export interface BackupFlags {
  readonly url?: string;
}

export interface RestoreFlags {
  readonly data: string;
}

/** Asks a running server for a backup, looks through it as it comes, and keeps it only when it is whole. */
export async function backup(path: string, flags: BackupFlags): Promise<ExitCode> {
  if (existsSync(path)) throw new Stop(EXIT.usage, [`${path}: is there already; name a new file`]);
  const answer = await request(givenUrl(flags.url));
  const part = `${path}.part`;
  // Before there is anything to undo: the file is there before its opening is known here.
  const heedSignalsNoMore = undoneBySignals(() => rmSync(part, { force: true }));
  const file = await open(part, "w").catch((error: unknown) => {
    heedSignalsNoMore();
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const reason = isMissing ? "its folder is not there; make that first" : reasonOf(error);
    throw new Stop(EXIT.usage, [`${path}: cannot be written: ${reason}`]);
  });
  const show = new Progress("rows");
  try {
    let of = "";
    let rows = 0;
    for await (const each of readBackup(written(answer, file))) {
      if (each.kind === "head")
        of = `${printable(each.head.node)} of cluster ${printable(each.head.cluster)}`;
      else if (each.kind === "rows") show.now((rows += each.rows.length));
    }
    await file.sync();
    const { size } = await file.stat();
    await file.close();
    await rename(part, path);
    show.end();
    process.stdout.write(`${of}: ${rows} rows, ${size} bytes, in ${printable(path)}\n`);
    return EXIT.ok;
  } catch (error) {
    show.end();
    await file.close().catch(() => {});
    await rm(part, { force: true });
    throw new Stop(EXIT.failed, [
      `the backup was not finished, and nothing is kept of it: ${reasonOf(error)}`,
    ]);
  } finally {
    heedSignalsNoMore();
  }
}

/** Whoever presses Ctrl-C is left with nothing half done. Returns what ends this. */
function undoneBySignals(undo: () => void): () => void {
  const ends = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  const listeners = Object.entries(ends).map(([signal, code]) => {
    const end = (): never => {
      undo();
      process.exit(code);
    };
    process.on(signal, end);
    return () => void process.off(signal, end);
  });
  return () => {
    for (const off of listeners) off();
  };
}

/** Makes a data folder of a backup; `syncline serve --data` then goes on from there. */
export async function restore(path: string, flags: RestoreFlags): Promise<ExitCode> {
  if (!existsSync(path)) throw new Stop(EXIT.usage, [`${path}: there is no such file`]);
  const show = new Progress("rows");
  try {
    const { node, cluster, rows } = await restoreFolder(flags.data, createReadStream(path), (count) =>
      show.now(count),
    );
    show.end();
    process.stdout.write(
      `${printable(node)} of cluster ${printable(cluster)}: ${rows} rows, in ${printable(flags.data)}\n` +
        "Start it with `syncline serve --data` and its --follow: what it has accepted since comes from the others.\n",
    );
    return EXIT.ok;
  } catch (error) {
    show.end();
    if (error instanceof CannotStart) throw new Stop(EXIT.usage, [error.message]);
    if (error instanceof BadBackup)
      throw new Stop(EXIT.usage, [`${path}: ${error.message}; nothing was restored`]);
    throw new Stop(EXIT.failed, [`${path}: ${reasonOf(error)}; nothing was restored`]);
  }
}

async function request(given: Given): Promise<AsyncIterable<Uint8Array>> {
  const base = baseUrl(given);
  let answer: Response;
  try {
    answer = await fetch(`${base}/v1/backup`, { redirect: "error" });
  } catch (error) {
    throw new Stop(EXIT.unreachable, [`${base} cannot be reached: ${reasonOf(error)}`]);
  }
  if (answer.ok && answer.body !== null) return answer.body;
  const refused = (await answer.json().catch(() => ({}))) as { error?: { code: string; message: string } };
  if (refused.error === undefined)
    throw new Stop(EXIT.unreachable, [`${base} answers, but not like a Syncline server`]);
  throw new Stop(EXIT.usage, [`${printable(refused.error.code)}: ${printable(refused.error.message)}`]);
}

/** Passes bytes on when the file has them. */
async function* written(bytes: AsyncIterable<Uint8Array>, file: FileHandle): AsyncIterable<Uint8Array> {
  for await (const piece of bytes) {
    await file.write(piece);
    yield piece;
  }
}

/** How far it is, on a terminal only, a few times a second. */
class Progress {
  private shownAt = 0;

  constructor(private readonly what: string) {}

  now(count: number): void {
    if (!process.stderr.isTTY || Date.now() - this.shownAt < 250) return;
    this.shownAt = Date.now();
    process.stderr.write(`\r${count} ${this.what}`);
  }

  end(): void {
    if (this.shownAt > 0) process.stderr.write("\r\u001b[K");
  }
}
