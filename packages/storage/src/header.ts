/**
 * Looks at the files of a store before LMDB does: its binding brings the process down when an open fails.
 *
 * Checked is what an open can fail on: that the files may be written, and that the data begins as every LMDB file of
 * this format begins, in both of its head pages. Damage further on passes: only reading everything can tell.
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";

/** Throws an error that says what is wrong, for people. Files that are absent or empty are a new store. */
export async function checkFiles(folder: string): Promise<void> {
  await checkFile(join(folder, "lock.mdb"), async () => {});
  await checkFile(join(folder, "data.mdb"), async (file) => {
    if ((await file.stat()).size === 0) return;
    const first = await readHead(file, 0);
    const pageBytes = first?.readUInt32LE(PAGE_BYTES_AT) ?? 0;
    if (first === undefined || !PAGE_SIZES.includes(pageBytes)) throw new Error("data.mdb is not a store");
    if ((await readHead(file, pageBytes)) === undefined)
      throw new Error("the beginning of data.mdb is damaged");
  });
}

/** A page begins with 24 bytes of its own; then, in a head page, come the mark, the format, and later the page size. */
const KIND_AT = 18;
const MARK_AT = 24;
const FORMAT_AT = 28;
const PAGE_BYTES_AT = 48;
const HEAD_BYTES = 168;

const KIND_HEAD = 8;
const MARK = 0xbeefc0de;
const FORMAT = 2;
const PAGE_SIZES = [4096, 8192, 16_384, 32_768, 65_536];

async function checkFile(path: string, check: (file: FileHandle) => Promise<void>): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, "r+");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw error;
  }
  try {
    await check(file);
  } finally {
    await file.close();
  }
}

/** The head page at `at`, if one is there. */
async function readHead(file: FileHandle, at: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(HEAD_BYTES);
  const { bytesRead } = await file.read(bytes, 0, HEAD_BYTES, at);
  const isHead =
    bytesRead === HEAD_BYTES &&
    (bytes.readUInt16LE(KIND_AT) & KIND_HEAD) !== 0 &&
    bytes.readUInt32LE(MARK_AT) === MARK &&
    bytes.readUInt32LE(FORMAT_AT) === FORMAT;
  return isHead ? bytes : undefined;
}
