import type { KeptClient } from "./keeping.js";
import type { SlotEntry, SlotStore } from "./slots.js";
import { FRAME, OWN, SESSION } from "./slottables.js";

/** The slot of a client that is gone: its own changes, its frames and its session. */
export interface LeftSlot {
  readonly slot: string;
  readonly entries: readonly SlotEntry[];
  /** The changes have been moved. */
  done(): void;
}

/**
 * Finds what clients have left that are gone for good, and has it sent by exactly one: who gets the slot's lock.
 *
 * A slot counts as left when nobody has it at two looks in a row, so that a tab that reloads finds its own again.
 */
export class Heir {
  private slot = "";
  private freeBefore: ReadonlySet<string> = new Set();
  /** Free slots without changes: nothing to do until somebody has had them. */
  private readonly empty = new Set<string>();
  private cancel: () => void = () => {};

  constructor(
    private readonly store: SlotStore,
    private readonly client: KeptClient,
    private readonly inherit: (left: LeftSlot) => void,
  ) {}

  /** @param slot the client's own. */
  start(slot: string): void {
    this.slot = slot;
    this.wait();
  }

  stop(): void {
    this.cancel();
  }

  private wait(): void {
    this.cancel = this.client.scheduler.after(this.client.limits.inheritEveryMs, () => this.look());
  }

  private look(): void {
    this.store.free((free) => {
      const now = new Set(free.ok ? free.value : []);
      now.delete(this.slot);
      for (const slot of this.empty) if (!now.has(slot)) this.empty.delete(slot);
      for (const slot of now) if (this.freeBefore.has(slot) && !this.empty.has(slot)) this.claim(slot);
      this.freeBefore = now;
      this.wait();
    });
  }

  private claim(slot: string): void {
    this.store.claim(slot, (taken) => {
      if (!taken.ok || !taken.value) return;
      this.store.read(slot, [SESSION, OWN, FRAME], (entries) => {
        const hasChanges = entries.ok && entries.value.some(({ key }) => key.startsWith(OWN));
        if (entries.ok && !hasChanges) this.empty.add(slot);
        if (entries.ok && hasChanges) {
          this.inherit({ slot, entries: entries.value, done: () => this.store.release(slot) });
        } else this.store.release(slot);
      });
    });
  }
}
