/** Disks that fail when they are told to. */
import { type Scheduler, type StorageRange, type StorageWrite, StoreFull } from "@syncline/engine";
import type { CrashableStorage } from "@syncline/simulation";
import { type MemoryStorage, memoryStorage } from "@syncline/storage";

/** Makes a cluster's disks, and remembers them in the order in which its nodes were first started. */
export function failingDisks() {
  const disks: FailingDisk[] = [];
  const make = (scheduler: Scheduler): FailingDisk => {
    const made = new FailingDisk(scheduler);
    disks.push(made);
    return made;
  };
  return { disks, make };
}

/** A disk in memory. While it is broken, or full, no commit reaches it and each reports an error. */
export class FailingDisk implements CrashableStorage {
  isBroken = false;
  isFull = false;
  private readonly scheduler: Scheduler;
  private readonly inner: MemoryStorage;

  constructor(scheduler: Scheduler, inner: MemoryStorage = memoryStorage({ scheduler })) {
    this.scheduler = scheduler;
    this.inner = inner;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.inner.get(key);
  }

  scan(range: StorageRange): Iterable<readonly [Uint8Array, Uint8Array]> {
    return this.inner.scan(range);
  }

  commit(writes: readonly StorageWrite[], done: (failure?: Error) => void): void {
    if (this.isBroken) this.scheduler.turn(() => done(new Error("EIO: i/o error, write")));
    else if (this.isFull) this.scheduler.turn(() => done(new StoreFull("a disk")));
    else this.inner.commit(writes, done);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  restart(options: { readonly scheduler: Scheduler }): FailingDisk {
    return new FailingDisk(options.scheduler, this.inner.restart(options));
  }
}
