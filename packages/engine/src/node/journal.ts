import type { Storage, StorageWrite } from "../ports.js";
import { StoreFull } from "../store-full.js";

/**
 * The node's way to its disk: writes collect while a commit is under way and go out together in the next one
 * (group commit).
 *
 * A mark stands for "all that has been written by now". A promise to anybody outside ("durable") waits for a
 * mark; nothing else does. A failed commit is final: the node stops, because nobody knows what the disk has. One for
 * which there was no room is kept, and made again when the node says so.
 */
export class Journal {
  private writes: StorageWrite[] = [];
  private bytes = 0;
  private bytesUnderWay = 0;
  private committing = false;
  /** Rows wait to be encoded, though nothing else may have been put. */
  private rowsDue = false;
  /** Number of the batch that is being collected. */
  private collecting = 1;
  private durable = 0;
  private failure: Error | undefined;
  private waitsForRoom = false;
  /** Rows that change often are encoded once per batch, just before it goes out. */
  private readonly atCommit: (() => void)[] = [];

  constructor(
    private readonly storage: Storage,
    private readonly on: {
      /** Everything up to this mark is on the disk. */
      durable(mark: number): void;
      failed(error: Error): void;
      /** There was no room. To be called after a while: makes the commit again, which may end here once more. */
      full(error: StoreFull, retry: () => void): void;
    },
  ) {}

  /** Bytes that are not on the disk yet. */
  get unflushedBytes(): number {
    return this.bytes + this.bytesUnderWay;
  }

  /** The disk has no room; what is put meanwhile stays in memory. */
  get isFull(): boolean {
    return this.waitsForRoom;
  }

  get durableMark(): number {
    return this.durable;
  }

  put(key: Uint8Array, value: Uint8Array | undefined): void {
    this.writes.push({ key, value });
    this.bytes += key.length + (value?.length ?? 0);
  }

  /** `write` is called before every batch that goes out, to add rows that are only wanted in their last form. */
  beforeCommit(write: () => void): void {
    this.atCommit.push(write);
  }

  /** A batch must go out even if nothing else is put: `beforeCommit` has rows for it. */
  rowsChanged(): void {
    this.rowsDue = true;
  }

  /** The mark that covers everything put so far. Already reached when nothing waits. */
  mark(): number {
    if (this.writes.length > 0 || this.rowsDue) return this.collecting;
    return this.collecting - 1;
  }

  /** Sends out what was collected, unless a commit is under way; that one's end does it. Called once per turn. */
  flush(): void {
    if (this.committing || this.failure !== undefined) return;
    if (this.writes.length === 0 && !this.rowsDue) return;
    for (const write of this.atCommit) write();
    this.rowsDue = false;
    const batch = this.writes;
    const mark = this.collecting;
    this.writes = [];
    this.bytesUnderWay = this.bytes;
    this.bytes = 0;
    this.collecting += 1;
    this.committing = true;
    this.commit(batch, mark);
  }

  private commit(batch: readonly StorageWrite[], mark: number): void {
    this.storage.commit(batch, (failure) => {
      this.waitsForRoom = failure instanceof StoreFull;
      if (failure instanceof StoreFull) {
        this.on.full(failure, () => this.commit(batch, mark));
        return;
      }
      this.committing = false;
      this.bytesUnderWay = 0;
      if (failure !== undefined) {
        this.failure = failure;
        this.on.failed(failure);
        return;
      }
      this.durable = mark;
      this.on.durable(mark);
    });
  }
}
