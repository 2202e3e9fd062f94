import type { Change } from "@syncline/core";
import type { Outcome, SlotEntry, SlotStore, SlotWrite } from "@syncline/engine";
import { fault } from "@syncline/protocol";
import type { SeededRandom } from "./random.js";
import type { ProcessTime } from "./time.js";

/**
 * What the tabs of one browser keep, on virtual time: slots under locks that end with their client.
 *
 * Calls take effect one after the other, some milliseconds after they were made, and not at all if their client has
 * been killed before.
 */
export class SimSlots {
  /** Nothing works as long as this holds: a private window, a store that was taken away. */
  isUnavailable = false;
  /** Answers nothing at all. */
  isStuck = false;
  /** Bytes that fit. */
  bytesMax = Number.POSITIVE_INFINITY;
  private readonly contents = new Map<string, Map<string, Uint8Array>>();
  private readonly owners = new Map<string, ProcessTime>();
  private readonly stores = new Map<ProcessTime, SlotStore>();
  private made = 0;

  constructor(private readonly random: SeededRandom) {}

  /** The store as one client sees it. */
  of(process: ProcessTime): SlotStore {
    const store: SlotStore = {
      take: (slotsMax, done) =>
        this.later(process, done, () => {
          let slot = [...this.contents.keys()].find((name) => this.isFree(name));
          if (slot === undefined) {
            if (this.contents.size >= slotsMax) return NO_SLOT;
            slot = `slot-${++this.made}`;
            this.contents.set(slot, new Map());
          }
          this.owners.set(slot, process);
          return { ok: true, value: slot };
        }),
      free: (done) =>
        this.later(process, done, () => found(this.names().filter((name) => this.isFree(name)))),
      claim: (slot, done) =>
        this.later(process, done, () => {
          const isFree = this.isFree(slot);
          if (isFree) this.owners.set(slot, process);
          return found(isFree);
        }),
      release: (slot) => {
        if (this.owners.get(slot) === process) this.owners.delete(slot);
      },
      others: (slot, done) =>
        this.later(process, done, () => found(this.names().filter((name) => name !== slot))),
      read: (slot, prefixes, done) => this.later(process, done, () => found(this.entries(slot, prefixes))),
      commit: (writes, done) => this.later(process, done, () => this.write(writes)),
      close: () => {
        for (const [slot, owner] of this.owners) if (owner === process) this.owners.delete(slot);
      },
    };
    this.stores.set(process, store);
    return store;
  }

  names(): string[] {
    return [...this.contents.keys()];
  }

  entries(slot: string, prefixes: readonly string[] = [""]): SlotEntry[] {
    return [...(this.contents.get(slot) ?? [])]
      .filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix)))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value }));
  }

  /** Whether any slot has this change as one that is still to be sent. */
  holdsChange(change: Change): boolean {
    return this.names().some((slot) =>
      this.entries(slot, ["own/"]).some(({ value }) => has(value, change.bytes)),
    );
  }

  /** All is gone, and nobody is told. */
  wipe(): void {
    for (const content of this.contents.values()) content.clear();
  }

  /** The browser has thrown everything away, and tells those who run. */
  evict(): void {
    this.wipe();
    this.tellLost();
  }

  /** All who run hear that it was thrown away. */
  tellLost(): void {
    for (const [process, store] of this.stores) {
      process.after(CALL_MS, () => store.lost?.(fault("OFFLINE_UNAVAILABLE", "it was thrown away")));
    }
  }

  /** Flips one bit of what stands under this key. */
  flipBit(slot: string, key: string): void {
    const content = this.contents.get(slot);
    const value = content?.get(key);
    if (content === undefined || value === undefined) throw new Error(`nothing under ${key}`);
    const damaged = new Uint8Array(value);
    const at = this.random.integer(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << this.random.integer(8));
    content.set(key, damaged);
  }

  private isFree(slot: string): boolean {
    return this.owners.get(slot)?.alive !== true;
  }

  private write(writes: readonly SlotWrite[]): Outcome<void> {
    const after = new Map<string, Map<string, Uint8Array>>();
    for (const { slot, key, value } of writes) {
      let content = after.get(slot);
      if (content === undefined) after.set(slot, (content = new Map(this.contents.get(slot))));
      if (value === undefined) content.delete(key);
      else content.set(key, new Uint8Array(value));
    }
    const all = new Map([...this.contents, ...after]);
    const bytes = [...all.values()].reduce((sum, content) => sum + sizeOf(content), 0);
    if (bytes > this.bytesMax && after.size > 0 && !isSmaller(writes)) return FULL;
    for (const [slot, content] of after) this.contents.set(slot, content);
    return { ok: true, value: undefined };
  }

  /** Who dies between the effect and the answer has had the effect. */
  private later<T>(
    process: ProcessTime,
    done: (outcome: Outcome<T>) => void,
    effect: () => Outcome<T>,
  ): void {
    if (this.isStuck) return;
    process.after(CALL_MS, () => {
      const outcome = this.isUnavailable ? UNAVAILABLE : effect();
      process.after(CALL_MS, () => done(outcome));
    });
  }
}

/** To the effect, and from there to the answer; equal for all calls, so that they keep their order. */
const CALL_MS = 1;

const found = <T>(value: T): Outcome<T> => ({ ok: true, value });
const failure = (code: "OFFLINE_UNAVAILABLE" | "OFFLINE_FULL", reason: string) =>
  ({ ok: false, fault: fault(code, reason) }) as const;
const UNAVAILABLE = failure("OFFLINE_UNAVAILABLE", "the store is not there");
const NO_SLOT = failure("OFFLINE_UNAVAILABLE", "all slots are taken");
const FULL = failure("OFFLINE_FULL", "the store is full");

function has(value: Uint8Array, bytes: Uint8Array): boolean {
  for (let at = 0; at + bytes.length <= value.length; at++) {
    if (bytes.every((byte, i) => byte === value[at + i])) return true;
  }
  return false;
}

const sizeOf = (content: ReadonlyMap<string, Uint8Array>): number =>
  [...content.values()].reduce((sum, { length }) => sum + length, 0);

/** Deletions are possible in a full store. */
const isSmaller = (writes: readonly SlotWrite[]): boolean => writes.every(({ value }) => value === undefined);
