/**
 * Keeps what an app has in the browser's IndexedDB: documents, and changes that were not sent.
 *
 * An adapter of the engine's port: it moves bytes and holds locks. Slots are rows of one object store, under keys
 * `[slot, key]`; a slot belongs to the tab that holds its Web Lock, which the browser gives back when the tab ends,
 * however it ends. A tab that reloads looks for its own slot first, by a note in its session storage.
 */
import { keeping, type MakeKeeping, type Outcome, type SlotEntry, type SlotStore } from "@syncline/engine";
import { type Fault, fault } from "@syncline/protocol";
import { type DBSchema, type IDBPDatabase, openDB } from "idb";

/** Where an app keeps what must outlive its tabs; see `indexedDb`. */
export interface OfflineStorage {
  readonly keeping: MakeKeeping;
}

/**
 * Keeps documents and unsent changes in this browser, under a name of your choice: `connect(url, { storage:
 * indexedDb("app") })`. Different clusters, and different people on one device, need different names.
 *
 * Needs IndexedDB and Web Locks, which browsers have on pages of https and of localhost. Without them, or when the
 * store is full or damaged, the app works from memory, and `status.storageError` says why.
 */
export function indexedDb(name: string): OfflineStorage {
  return { keeping: (client) => keeping(new IndexedDbSlots(`syncline/${name}`))(client) };
}

interface Tables extends DBSchema {
  slots: { key: string; value: true };
  entries: { key: [slot: string, key: string]; value: Uint8Array };
}

export class IndexedDbSlots implements SlotStore {
  readonly #name: string;
  #database: Promise<IDBPDatabase<Tables>> | undefined;
  /** What gives back the slots that are held here. */
  readonly #held = new Map<string, () => void>();
  #isClosed = false;
  lost: ((why: Fault) => void) | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  take(slotsMax: number, done: (slot: Outcome<string>) => void): void {
    this.#answer(done, async (database) => {
      const slots = await database.getAllKeys("slots");
      const last = this.#lastSlot();
      for (const slot of [
        ...slots.filter((slot) => slot === last),
        ...slots.filter((slot) => slot !== last),
      ]) {
        if (await this.#lock(slot)) return this.#remember(slot);
      }
      if (slots.length >= slotsMax) throw new Error("too many tabs keep what they have");
      const slot = crypto.randomUUID();
      await this.#lock(slot);
      await database.put("slots", true, slot);
      return this.#remember(slot);
    });
  }

  free(done: (slots: Outcome<readonly string[]>) => void): void {
    this.#answer(done, async (database) => {
      const { held = [] } = await navigator.locks.query();
      const names = new Set(held.map(({ name }) => name));
      return (await database.getAllKeys("slots")).filter((slot) => !names.has(this.#lockName(slot)));
    });
  }

  claim(slot: string, done: (taken: Outcome<boolean>) => void): void {
    this.#answer(done, () => this.#lock(slot));
  }

  release(slot: string): void {
    this.#held.get(slot)?.();
    this.#held.delete(slot);
  }

  others(slot: string, done: (slots: Outcome<readonly string[]>) => void): void {
    this.#answer(done, async (database) =>
      (await database.getAllKeys("slots")).filter((other) => other !== slot),
    );
  }

  read(
    slot: string,
    prefixes: readonly string[],
    done: (entries: Outcome<readonly SlotEntry[]>) => void,
  ): void {
    this.#answer(done, async (database) => {
      const { store } = database.transaction("entries");
      const parts = await Promise.all(
        prefixes.map(async (prefix) => {
          const range = rangeOf(slot, prefix);
          const [keys, values] = await Promise.all([store.getAllKeys(range), store.getAll(range)]);
          return keys.map(([, key], i): SlotEntry => ({ key, value: values[i] ?? new Uint8Array() }));
        }),
      );
      return parts.flat();
    });
  }

  commit(writes: Parameters<SlotStore["commit"]>[0], done: (outcome: Outcome<void>) => void): void {
    this.#answer(done, async (database) => {
      const transaction = database.transaction("entries", "readwrite");
      const { store } = transaction;
      const underWay: Promise<unknown>[] = [transaction.done];
      try {
        for (const { slot, key, value } of writes) {
          const at: [string, string] = [slot, key];
          underWay.push(value === undefined ? store.delete(at) : store.put(value, at));
        }
      } catch (error) {
        // What was asked for already must not happen alone.
        transaction.abort();
        underWay.push(Promise.reject(error));
      }
      await allOf(underWay);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const slot of [...this.#held.keys()]) this.release(slot);
    this.#database?.then((database) => database.close()).catch(() => {});
    this.#database = undefined;
  }

  /** Does something with the database; what fails is an answer too, and the next call tries anew. */
  #answer<T>(
    done: (outcome: Outcome<T>) => void,
    task: (database: IDBPDatabase<Tables>) => Promise<T>,
  ): void {
    this.#open()
      .then(task)
      .then(
        (value) => done({ ok: true, value }),
        (error: unknown) => done({ ok: false, fault: faultOf(error) }),
      );
  }

  #open(): Promise<IDBPDatabase<Tables>> {
    this.#database ??= this.#connect().catch((error: unknown) => {
      this.#database = undefined;
      throw error;
    });
    return this.#database;
  }

  async #connect(): Promise<IDBPDatabase<Tables>> {
    if (this.#isClosed) throw new Error("the database was closed");
    if (typeof indexedDB === "undefined") throw new Error("this platform has no IndexedDB");
    if (typeof navigator === "undefined" || navigator.locks === undefined) {
      throw new Error("this page has no Web Locks: it needs https, or localhost");
    }
    const gone = (): void => {
      this.#database = undefined;
      this.lost?.(fault("OFFLINE_UNAVAILABLE", "what was kept has been thrown away"));
    };
    return await openDB<Tables>(this.#name, LAYOUT_VERSION, {
      upgrade: (database, _from, _to, _transaction, event) => {
        const slots = database.createObjectStore("slots");
        const entries = database.createObjectStore("entries");
        // Where it was thrown away under those who use it, they have their slots still.
        for (const slot of this.#held.keys()) slots.put(true, slot);
        // Chromium begins anew where it can read nothing, and says so here alone: the first slot has something damaged in it.
        if ((event as { readonly dataLoss?: string }).dataLoss === "total") {
          slots.put(true, "lost");
          entries.put(new Uint8Array(), ["lost", "session"]);
        }
      },
      // Somebody deletes the database, or needs a newer layout: not to be stood in the way of.
      blocking: (_current, _blocked, event) => {
        (event.target as IDBDatabase).close();
        gone();
      },
      terminated: gone,
    });
  }

  /** Whether the lock was to be had. It is held until `release`, or until this tab is gone. */
  #lock(slot: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      navigator.locks
        .request(this.#lockName(slot), { ifAvailable: true }, (lock) => {
          const isTaken = lock !== null && !this.#isClosed;
          resolve(isTaken);
          if (!isTaken) return undefined;
          return new Promise<void>((release) => {
            this.#held.set(slot, release);
          });
        })
        .catch(reject);
    });
  }

  #lockName(slot: string): string {
    return `${this.#name}/${slot}`;
  }

  #lastSlot(): string | undefined {
    try {
      return sessionStorage.getItem(this.#name) ?? undefined;
    } catch {
      return undefined; // Not every page may have one.
    }
  }

  #remember(slot: string): string {
    try {
      sessionStorage.setItem(this.#name, slot);
    } catch {
      // It is only a preference.
    }
    return slot;
  }
}

/** Of the object stores above: a newer one is left alone. */
const LAYOUT_VERSION = 1;

/** Everything of a slot whose key begins with `prefix`. */
function rangeOf(slot: string, prefix: string): IDBKeyRange {
  // A list is greater than every text.
  if (prefix === "") return IDBKeyRange.bound([slot, ""], [slot, []], false, true);
  const last = prefix.length - 1;
  const next = prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1);
  return IDBKeyRange.bound([slot, prefix], [slot, next], false, true);
}

/** Waits for all. Of several failures the one that tells most is thrown: the others follow from it. */
async function allOf(tasks: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(tasks);
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (failures.length > 0) throw failures.find(isFull) ?? failures.at(-1);
}

const isFull = (error: unknown): boolean => error instanceof Error && error.name === "QuotaExceededError";

function faultOf(error: unknown): Fault {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const code = isFull(error) ? "OFFLINE_FULL" : "OFFLINE_UNAVAILABLE";
  return fault(code, message === "" ? name : message);
}
