import { joinInto } from "@syncline/core";
import { Batch } from "./batch.js";
import type { KeptClient } from "./keeping.js";
import type { SlotEntry, SlotStore } from "./slots.js";
import {
  documentOfExtent,
  documentPrefixes,
  EXTENT,
  OWN,
  readExtent,
  SESSION,
  type SessionRow,
  writeExtent,
} from "./slottables.js";

/**
 * Keeps a slot tidy: lets go of documents, which servers have, and never of own changes, which nobody else may have.
 *
 * None of it has to happen: what fails is tried again at another time.
 */
export class Tidying {
  constructor(
    private readonly store: SlotStore,
    private readonly client: KeptClient,
    private readonly slot: string,
  ) {}

  /** Documents that were open at the end of a life: how far they are complete must not hang on that life's last cut. */
  settle(entries: readonly SlotEntry[], { link, cut }: SessionRow): void {
    const batch = new Batch(this.slot);
    for (const { key, value } of entries) {
      const extent = key.startsWith(EXTENT) ? readExtent(value) : undefined;
      if (extent?.ok !== true || extent.value.link === 0 || extent.value.link !== link) continue;
      const vector = new Map(extent.value.vector);
      joinInto(vector, cut);
      batch.put(key, writeExtent({ ...extent.value, vector, link: 0 }));
    }
    this.commit(batch);
  }

  /** Lets go of the documents that were not opened for longest, beyond so many. */
  forgetSurplus(extents: readonly SlotEntry[], keep: number): void {
    const kept = extents
      .filter(({ key }) => key.startsWith(EXTENT))
      .map(({ key, value }) => {
        const extent = readExtent(value);
        return { id: documentOfExtent(key), openedMs: extent.ok ? extent.value.openedMs : 0 };
      });
    kept.sort((a, b) => b.openedMs - a.openedMs);
    for (const { id } of kept.slice(keep)) {
      if (!this.client.documents.has(id)) this.removeAll(documentPrefixes(id));
    }
  }

  /** Lets go of half of the documents. */
  makeRoom(done: () => void): void {
    this.store.read(this.slot, [EXTENT], (extents) => {
      if (!extents.ok) return;
      this.forgetSurplus(extents.value, Math.floor(extents.value.length / 2));
      done();
    });
  }

  /** Lets go of everything but own changes: without a session it cannot be trusted. */
  forgetAll(): void {
    this.removeAll([""], (key) => key !== SESSION && !key.startsWith(OWN));
  }

  remove(keys: readonly string[]): void {
    const batch = new Batch(this.slot);
    for (const key of keys) batch.delete(key);
    this.commit(batch);
  }

  private removeAll(prefixes: readonly string[], which: (key: string) => boolean = () => true): void {
    this.store.read(this.slot, prefixes, (entries) => {
      if (entries.ok) this.remove(entries.value.map(({ key }) => key).filter(which));
    });
  }

  private commit(batch: Batch): void {
    if (batch.writes.length === 0) return;
    this.store.commit(batch.writes, (outcome) => {
      if (!outcome.ok) this.client.log.warn("slot-not-tidied", { reason: outcome.fault.reason });
    });
  }
}
