/**
 * A store in memory that can crash.
 *
 * It keeps the contract by waiting: a commit is only noted when it is made and is applied at the end of the turn,
 * just before its `done`, until when its caller leaves keys and values as they are. So what can be read is at any
 * moment exactly what was reported durable, and a crash, which loses the commits that were merely noted, leaves a
 * prefix. Time comes in through the scheduler alone: on virtual time, every run is the same.
 */
import { BrokenInvariant } from "@syncline/core";
import type { CopyableStorage, Scheduler, StorageRange, StorageState, StorageWrite } from "@syncline/engine";
import { checkKey, checkRange, checkWrites, compareKeys } from "./keys.js";
import { type Entry, OrderedMap } from "./ordered.js";

export interface MemoryStorageOptions {
  /** Commits become durable at the end of the turn in which they were made. */
  readonly scheduler: Scheduler;
}

export interface MemoryStorage extends CopyableStorage {
  /**
   * A crash, and what is found after it: a store with every commit whose `done` was called, and no other.
   *
   * This store is over: no `done` is called any more, and any use but `close` throws. Call it on a closed store to
   * open it again. Takes the options of this store unless others are given.
   */
  restart(options?: MemoryStorageOptions): MemoryStorage;
}

/** An empty store. It copies what it is given just before `done`; what reads return is never changed and must not be. */
export function memoryStorage(options: MemoryStorageOptions): MemoryStorage {
  return new InMemory(options, new OrderedMap());
}

interface Commit {
  readonly writes: readonly StorageWrite[];
  readonly done: () => void;
}

class InMemory implements MemoryStorage {
  readonly #options: MemoryStorageOptions;
  readonly #durable: OrderedMap;
  #noted: Commit[] = [];
  #state: "open" | "closing" | "closed" | "crashed" = "open";
  #closed: Promise<void> | undefined;
  #letGo: () => void = () => {};

  constructor(options: MemoryStorageOptions, durable: OrderedMap) {
    this.#options = options;
    this.#durable = durable;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#demandReadable();
    checkKey(key);
    return this.#durable.get(key);
  }

  scan(range: StorageRange): Iterable<Entry> {
    this.#demandReadable();
    checkRange(range);
    const { from, to, limit = Number.POSITIVE_INFINITY, reverse = false } = range;
    return compareKeys(from, to) < 0 ? this.#durable.range(from, to, limit, reverse) : [];
  }

  /** A copy: what it holds is never changed, only what it is made of. */
  state(): StorageState {
    this.#demandReadable();
    const copy = this.#durable.copy();
    return {
      scan: ({ from, to, limit = Number.POSITIVE_INFINITY, reverse = false }) =>
        compareKeys(from, to) < 0 ? copy.range(from, to, limit, reverse) : [],
      release() {},
    };
  }

  commit(writes: readonly StorageWrite[], done: (failure?: Error) => void): void {
    if (this.#state !== "open") throw new BrokenInvariant(`a commit on a store that is ${this.#state}`);
    checkWrites(writes);
    this.#note({ writes, done });
  }

  close(): Promise<void> {
    if (this.#state === "crashed") return Promise.resolve();
    return (this.#closed ??= new Promise((resolve) => {
      this.#state = "closing";
      this.#letGo = resolve;
      const done = () => {
        this.#state = "closed";
        resolve();
      };
      this.#note({ writes: [], done });
    }));
  }

  restart(options: MemoryStorageOptions = this.#options): MemoryStorage {
    if (this.#state === "crashed") throw new BrokenInvariant("a store was restarted twice");
    this.#state = "crashed";
    this.#letGo();
    return new InMemory(options, this.#durable);
  }

  #note(commit: Commit): void {
    if (this.#noted.push(commit) === 1) this.#options.scheduler.turn(() => this.#apply());
  }

  /** One commit at a time, each with its `done`, since a `done` may crash the store. */
  #apply(): void {
    const commits = this.#noted;
    this.#noted = [];
    for (const { writes, done } of commits) {
      if (this.#state === "crashed") return;
      for (const { key, value } of writes) {
        if (value === undefined) this.#durable.delete(key);
        else this.#durable.set(key, value);
      }
      done();
    }
  }

  #demandReadable(): void {
    if (this.#state === "closed" || this.#state === "crashed") {
      throw new BrokenInvariant(`a read from a store that is ${this.#state}`);
    }
  }
}
