import type { Change, StreamId, Vector } from "@syncline/core";
import { decodeChange } from "@syncline/core";
import { type Handin, type Limits, readRecord } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import type { AuthorCounters } from "./counters.js";
import type { Documents } from "./documents.js";
import type { Journal } from "./journal.js";
import type { Log } from "./log.js";
import { allAside, asideKey, asideRow, placeOfAsideKey } from "./tables.js";

/**
 * What this node had of closed streams beyond their ends: changes that are handed in to a master, by their identity, and kept
 * on the disk until they have come back in another stream and are safe there (SPINE 18).
 *
 * They are offered again and again, in order; a master that has them already drops them. A follower that is handed some
 * puts them aside itself, and hands them on. Some at a time: the rest has its turn when those are safe.
 */
type Kept = Handin["records"][number] & { readonly change: Change };

/** Changes that are looked at, and handed in, at one time. */
const PAGE = 500;

export class Aside {
  private isAny: boolean;
  /** Some of it may not be shown here again. */
  private isHidden: boolean;
  /** After this mark the disk has what was put aside last. */
  private mark = 0;
  /** What the disk may not have yet. */
  private unflushed: Kept[] = [];
  /** What was shown when all of a page was first seen to be shown. */
  private shown: { readonly page: string; readonly vector: Vector } | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly journal: Journal,
    private readonly documents: Documents,
    private readonly counters: AuthorCounters,
    private readonly log: Log,
    private readonly limits: Limits,
    private readonly visible: Vector,
    private readonly on: {
      /** Takes it into this master's stream, if it is one. Returns whether it is a master. */
      admit(change: Change): boolean;
      /** Sends it to a master, or towards one. */
      send(message: Handin): void;
    },
  ) {
    this.isAny = this.isHidden = this.page(1).length > 0;
  }

  /** Whether something may still have to come back. */
  get isWaiting(): boolean {
    return this.isHidden;
  }

  /** All of it. */
  changes(): Change[] {
    return [...this.page(Number.MAX_SAFE_INTEGER), ...this.unflushed].map(({ change }) => change);
  }

  put(stream: StreamId, position: number, record: Uint8Array): void {
    const key = asideKey(stream, position);
    const change = changeIn(stream, position, record);
    if (change === undefined) return;
    this.unflushed.push({ stream, position, record, change });
    this.journal.put(key, asideRow.encode(key, record));
    this.mark = this.journal.mark();
    this.isAny = this.isHidden = true;
  }

  /** Another node hands in: this one, which is no master, hands it on. */
  adopt(records: Handin["records"]): void {
    for (const { stream, position, record } of records) {
      const change = changeIn(stream, position, record);
      if (change !== undefined && !this.isShown(change)) this.put(stream, position, record);
    }
  }

  /** Called a few times a second. */
  look(): void {
    if (!this.isAny || this.journal.durableMark < this.mark) return;
    this.unflushed = [];
    const page = this.page(PAGE);
    if (page.length === 0) {
      this.isAny = this.isHidden = false;
      return;
    }
    const waiting = page.filter(({ change }) => !this.isShown(change));
    if (page.length < PAGE) this.isHidden = waiting.length > 0;
    if (waiting.length > 0) this.handIn(waiting);
    else this.letGo(page);
  }

  private handIn(waiting: readonly Kept[]): void {
    this.shown = undefined;
    // What one builds on may come behind it, from another stream.
    let isMaster = true;
    for (let pass = 0; pass < 2 && isMaster; pass++)
      for (const { change } of waiting) isMaster = this.on.admit(change) && isMaster;
    if (isMaster) return;
    let batch: Handin["records"][number][] = [];
    let bytes = 0;
    for (const { stream, position, record } of waiting) {
      batch.push({ stream, position, record });
      bytes += record.length;
      if (bytes < this.limits.batchBytes) continue;
      this.on.send({ kind: "handin", records: batch });
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) this.on.send({ kind: "handin", records: batch });
  }

  /** All of the page is shown. Once everything that was shown at that moment is safe, so is the page. */
  private letGo(page: readonly Kept[]): void {
    const id = page.map(({ stream, position }) => `${stream}:${position}`).join();
    if (this.shown?.page !== id) this.shown = { page: id, vector: new Map(this.visible) };
    for (const [stream, position] of this.shown.vector) {
      const held = this.log.stream(stream);
      // A stream that was cut since is handed in itself.
      if (held !== undefined && held.safe < Math.min(position, held.held)) return;
    }
    for (const { stream, position } of page) this.journal.put(asideKey(stream, position), undefined);
    this.mark = this.journal.mark();
  }

  private isShown({ document, author, last }: Change): boolean {
    const entry = this.documents.find(document);
    return entry !== undefined && this.counters.get(entry.number, author).counter >= last;
  }

  private page(limit: number): Kept[] {
    const page: Kept[] = [];
    for (const [key, value] of this.storage.scan({ ...allAside(), limit })) {
      const { stream, position } = placeOfAsideKey(key);
      const record = asideRow.decode(key, value);
      const change = changeIn(stream, position, record);
      if (change !== undefined) page.push({ stream, position, record, change });
    }
    return page;
  }
}

/** Throws `Malformed`. */
export function changeIn(stream: StreamId, position: number, record: Uint8Array): Change | undefined {
  const { body } = readRecord(stream, position, record);
  if (body.kind !== "change") return undefined;
  const change = decodeChange(body.change);
  return change.ok ? change.value : undefined;
}
