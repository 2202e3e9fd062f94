/**
 * A store on disk: LMDB, with commits in groups.
 *
 * A commit costs two waits for the device, however much it writes, so commits share them: those of one turn of the
 * event loop go into one transaction, and those made while it is being written go into the next, together. One
 * transaction is under way at a time, on a thread of its own; the event loop never waits for the disk.
 *
 * `done` is called when the transaction's promise resolves. Without overlapping sync that is after LMDB has written
 * the pages, synced them, and written the page that makes them count through a descriptor that syncs each write; a
 * test reads this order from a trace of the system calls. Pages are never overwritten while the last durable state
 * needs them, so a crash at any moment leaves whole transactions, and with them whole commits in order.
 */
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { BrokenInvariant } from "@syncline/core";
import {
  type CopyableStorage,
  type StorageRange,
  type StorageState,
  type StorageWrite,
  StoreFull,
} from "@syncline/engine";
import { open, type RootDatabase, type Transaction } from "lmdb";
import { createFolder, syncFolder } from "./durable-folders.js";
import { StorageError } from "./errors.js";
import { checkFiles } from "./header.js";
import { checkKey, checkRange, checkWrites, compareKeys, FIRST_KEY, successorOf } from "./keys.js";
import { Slab } from "./slab.js";

export interface LmdbOptions {
  /** Bytes that are free on the device; what the system says, by default. */
  readonly freeBytes?: () => number;
  /** A commit is refused with `StoreFull` unless so many bytes would be left over. */
  readonly reserveBytes?: number;
  /** A transaction takes no further commit beyond this; what waits goes into the next one. */
  readonly groupBytesMax?: number;
}

/**
 * Opens or creates the store of a data folder, in files of its own below it.
 *
 * One process at a time may have it open: hold the folder's lock. `commit` takes hold of keys and values: do not
 * change them until `done`. What reads return is a copy and safe to keep. A scan that is consumed in one go shows
 * one state; one that is left and taken up again later may show later commits from there on. `done` must not throw.
 *
 * Rejects with `STORE_UNREADABLE` if there is something that is not a store. A commit for which the device has no room
 * is not begun: its `done`, and those of all that wait behind it, are called with `StoreFull`. One that fails calls its
 * `done` and all later ones with `STORE_FAILED`. Reads go on.
 */
export async function openLmdb(folder: string, options: LmdbOptions = {}): Promise<CopyableStorage> {
  const path = join(folder, "store");
  try {
    await createFolder(path);
    await checkFiles(path);
    const database: Database = open({
      path,
      noSubdir: false,
      keyEncoding: "binary",
      encoding: "binary",
      overlappingSync: false,
      maxDbs: 1,
    });
    // Its files may be new.
    await syncFolder(path);
    return new Lmdb(path, database, {
      groupBytesMax: GROUP_BYTES_MAX,
      reserveBytes: RESERVE_BYTES,
      freeBytes: () => freeBytesAt(path),
      ...options,
    });
  } catch (cause) {
    throw new StorageError(
      "STORE_UNREADABLE",
      `the store in ${path} cannot be opened: ${textOf(cause)}`,
      cause,
    );
  }
}

/** The default of `groupBytesMax`. Far below what LMDB holds in one transaction, far above what syncs fast. */
const GROUP_BYTES_MAX = 16 << 20;

/**
 * LMDB has been seen to corrupt its memory when it was used again after a write that found no room. So room is looked
 * for before, and enough is left over that a transaction cannot fail for want of it: it writes each page that it
 * changes anew, up to the root, before older ones become free.
 */
const RESERVE_BYTES = 8 << 20;
const PAGE_SIZE = 4096;

/** A scan reads ahead in pages, so that no cursor stays open between them: entries of the first and of later ones. */
const PAGE_ENTRIES_MIN = 16;
const PAGE_ENTRIES_MAX = 512;
/** A page ends beyond this many bytes of values. */
const PAGE_BYTES = 1 << 20;

type Database = RootDatabase<Uint8Array, Uint8Array>;
type Entry = readonly [key: Uint8Array, value: Uint8Array];
type Done = (failure?: Error) => void;

interface Commit {
  readonly writes: readonly StorageWrite[];
  readonly bytes: number;
  readonly done: Done;
}

/** One transaction: filled during a turn, then written. */
interface Group {
  isFilling: boolean;
  /** LMDB has been given something to write. */
  isWritten: boolean;
  bytes: number;
  /** What it may take on the device, at most, and what was free when it was begun. */
  pageBytes: number;
  readonly freeBytes: number;
  readonly dones: Done[];
}

class Lmdb implements CopyableStorage {
  readonly #path: string;
  readonly #database: Database;
  readonly #options: Required<LmdbOptions>;
  #group: Group | undefined;
  /** Commits for the next group. */
  #waiting: Commit[] = [];
  #failure: StorageError | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #closed: Promise<void> | undefined;
  #idle: () => void = () => {};

  constructor(path: string, database: Database, options: Required<LmdbOptions>) {
    this.#path = path;
    this.#database = database;
    this.#options = options;
    database.on("beforecommit", () => {
      if (this.#group !== undefined) this.#group.isFilling = false;
    });
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#demandReadable();
    checkKey(key);
    const value = this.#database.get(key);
    return value === undefined ? undefined : plain(value);
  }

  scan(range: StorageRange): Iterable<Entry> {
    this.#demandReadable();
    checkRange(range);
    return { [Symbol.iterator]: () => this.#pages(range) };
  }

  /** A transaction that only reads: LMDB leaves its pages as they are until it is released. */
  state(): StorageState {
    this.#demandReadable();
    const transaction = this.#database.useReadTransaction();
    return {
      scan: (range) => {
        checkRange(range);
        return { [Symbol.iterator]: () => this.#pages(range, transaction) };
      },
      release: () => transaction.done(),
    };
  }

  commit(writes: readonly StorageWrite[], done: Done): void {
    if (this.#state !== "open") throw new BrokenInvariant(`a commit on a store that is ${this.#state}`);
    const commit = { writes, bytes: checkWrites(writes), done };
    const failure = this.#failure;
    if (failure !== undefined) {
      setImmediate(() => done(failure));
      return;
    }
    if (this.#waiting.length > 0 || !this.#add(commit)) this.#waiting.push(commit);
    if (this.#group === undefined) this.#refuseWaiting();
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#state = "closing";
    if (this.#group !== undefined) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#state = "closed";
    await this.#database.close();
  }

  /** Adds a commit to the group of this turn and tells whether there was room. */
  #add(commit: Commit): boolean {
    const { groupBytesMax, reserveBytes } = this.#options;
    const pageBytes = 2 * commit.bytes + commit.writes.length * PAGE_SIZE;
    const group = (this.#group ??= this.#beginGroup(pageBytes));
    if (group === undefined || !group.isFilling) return false;
    if (group.bytes > 0 && group.bytes + commit.bytes > groupBytesMax) return false;
    if (pageBytes > 0 && group.freeBytes < reserveBytes + group.pageBytes + pageBytes) return false;
    group.bytes += commit.bytes;
    group.pageBytes += pageBytes;
    group.dones.push(commit.done);
    const slab = new Slab(commit.writes);
    let last: Promise<boolean> | undefined;
    for (const { key, value } of commit.writes) {
      const written =
        value === undefined ? this.#database.remove(key) : this.#database.put(key, slab.moved(value));
      // A transaction has several promises, which settle together, and most writes have the one before them. One is
      // looked at, for all of them.
      if (written !== last) written.catch(() => {});
      last = written;
    }
    if (!group.isWritten && commit.writes.length > 0) {
      group.isWritten = true;
      setImmediate(() => this.#settle(group));
    }
    return true;
  }

  /**
   * LMDB takes the writes of a turn into one transaction and ends it in an immediate of its own, set by the first of
   * them, in which it raises `beforecommit`: from then on the group takes no more. Our immediate was set after that one
   * and follows it; there the promise of the whole transaction can be had.
   */
  #settle(group: Group): void {
    if (group.isFilling) throw new BrokenInvariant("a transaction was not ended at the end of its turn");
    this.#database.committed.then(
      () => this.#complete(group),
      async (error) => this.#fail(group, await causeOf(error)),
    );
  }

  /** Undefined if there is no room for so much. */
  #beginGroup(pageBytes: number): Group | undefined {
    const { freeBytes, reserveBytes } = this.#options;
    const free = freeBytes();
    if (pageBytes > 0 && free < reserveBytes + pageBytes) return undefined;
    const group: Group = {
      isFilling: true,
      isWritten: false,
      bytes: 0,
      pageBytes: 0,
      freeBytes: free,
      dones: [],
    };
    setImmediate(() => {
      // Commits without writes only: there is no transaction to wait for.
      if (!group.isWritten) this.#complete(group);
    });
    return group;
  }

  #complete(group: Group): void {
    this.#group = undefined;
    // What comes first is written first: the next group begins with what waits, then come commits of the `done`s.
    let taken = 0;
    for (const commit of this.#waiting) {
      if (!this.#add(commit)) break;
      taken++;
    }
    this.#waiting.splice(0, taken);
    if (this.#group === undefined) this.#refuseWaiting();
    for (const done of group.dones) done();
    this.#noteIdle();
  }

  #fail(group: Group, cause: unknown): void {
    const failure = new StorageError("STORE_FAILED", `the store cannot be written: ${textOf(cause)}`, cause);
    this.#failure = failure;
    this.#group = undefined;
    const dones = [...group.dones, ...this.#waiting.map((commit) => commit.done)];
    this.#waiting = [];
    for (const done of dones) done(failure);
    this.#noteIdle();
  }

  /** No group could be begun with what waits: there is no room for it. */
  #refuseWaiting(): void {
    const refused = this.#waiting.splice(0);
    if (refused.length === 0) return;
    setImmediate(() => {
      for (const { done } of refused) done(new StoreFull(this.#path));
    });
  }

  #noteIdle(): void {
    if (this.#group === undefined) this.#idle();
  }

  *#pages(range: StorageRange, transaction?: Transaction): Iterator<Entry> {
    let { from, to } = range;
    const reverse = range.reverse ?? false;
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    let entriesMax = PAGE_ENTRIES_MIN;
    while (left > 0 && compareKeys(from, to) < 0) {
      this.#demandReadable();
      const { entries, isLast } = this.#page(from, to, Math.min(left, entriesMax), reverse, transaction);
      yield* entries;
      const end = entries.at(-1);
      if (isLast || end === undefined) return;
      if (reverse) to = end[0];
      else from = successorOf(end[0]);
      left -= entries.length;
      entriesMax = Math.min(entriesMax * 2, PAGE_ENTRIES_MAX);
    }
  }

  #page(from: Uint8Array, to: Uint8Array, limit: number, reverse: boolean, transaction?: Transaction) {
    const first = from.length === 0 ? FIRST_KEY : from;
    const bounds = reverse
      ? { start: to, exclusiveStart: true, end: first, inclusiveEnd: true, reverse }
      : { start: first, end: to };
    const entries: Entry[] = [];
    let bytes = 0;
    let isLast = true;
    for (const { key, value } of this.#database.getRange({
      ...bounds,
      limit,
      ...(transaction && { transaction }),
    })) {
      entries.push([plain(key), plain(value)]);
      bytes += value.length;
      if (entries.length < limit && bytes < PAGE_BYTES) continue;
      isLast = false;
      break;
    }
    return { entries, isLast };
  }

  #demandReadable(): void {
    if (this.#state === "closed") throw new BrokenInvariant("a read from a store that is closed");
  }
}

/** Reads return buffers that are already copies; as plain arrays they behave alike in every adapter. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The reason of a failed write arrives separately, as a promise that rejects with it. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}

function freeBytesAt(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
