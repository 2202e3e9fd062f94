import type { Fault } from "@syncline/protocol";

/**
 * Where clients keep what must outlive them: the port that a platform's store fills.
 *
 * A store has slots; a slot is an ordered map from texts to bytes. Several clients share a store, and each writes to
 * the slots that it has taken, so they need not agree on anything. A slot is given back when its client releases it or
 * is gone, however it went. The engine knows what the entries mean; the store moves bytes.
 */
export interface SlotStore {
  /** Takes a slot that nobody has, or makes one: the one that this client's predecessor had if it is free. */
  take(slotsMax: number, done: (slot: Outcome<string>) => void): void;
  /** Slots that nobody has at this moment. */
  free(done: (slots: Outcome<readonly string[]>) => void): void;
  /** Takes this slot if nobody has it. */
  claim(slot: string, done: (taken: Outcome<boolean>) => void): void;
  /** Gives back a slot that was taken or claimed. */
  release(slot: string): void;
  /** All slots but this one, whoever has them. */
  others(slot: string, done: (slots: Outcome<readonly string[]>) => void): void;
  /** All entries of a slot whose keys begin with one of these, by key: one consistent state, after all earlier commits. */
  read(
    slot: string,
    prefixes: readonly string[],
    done: (entries: Outcome<readonly SlotEntry[]>) => void,
  ): void;
  /** All of it or nothing; in the order of the calls. */
  commit(writes: readonly SlotWrite[], done: (outcome: Outcome<void>) => void): void;
  /** Waits for the commits under way and gives everything back. */
  close(): void;
  /** Called when what was kept has been thrown away while somebody uses it. Slots that are held stay so. */
  lost?: ((why: Fault) => void) | undefined;
}

/** Every answer comes once, and never from within the call. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  /** `OFFLINE_UNAVAILABLE` or `OFFLINE_FULL`. */
  | { readonly ok: false; readonly fault: Fault };

export interface SlotEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** An entry to put, or to delete if it has no value. */
export interface SlotWrite {
  readonly slot: string;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}
