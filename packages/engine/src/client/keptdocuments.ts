import {
  BareDocument,
  type DocumentName,
  decodeChange,
  documentId,
  encodeState,
  joinInto,
  type Vector,
} from "@syncline/core";
import type { Batch } from "./batch.js";
import type { OpenDocument } from "./documents.js";
import type { KeptClient, KeptDocument } from "./keeping.js";
import type { SlotEntry } from "./slots.js";
import {
  type ExtentRow,
  extentKey,
  readExtent,
  readTail,
  type SessionRow,
  stateKey,
  tailPrefix,
  writeExtent,
  writeTail,
} from "./slottables.js";

/**
 * The documents of a slot: each a state, a tail of what came since, and how far both are complete.
 *
 * All of it is as servers sent it, without own changes that no feed has brought back: what is refused later must not
 * stick. The tail grows by what a turn has brought; when it has become long the state is written anew, at a moment at
 * which the open document has nothing of its own under way and is therefore just what servers sent.
 */
interface Row {
  readonly document: OpenDocument;
  /** Changes to be added to the tail. */
  pending: Uint8Array[];
  pendingBytes: number;
  tail: string[];
  tailBytes: number;
  stateBytes: number;
  /** Anything of it is in the slot. */
  isStored: boolean;
  /** The state has to be written anew, and stands for the tail. */
  whole: boolean;
  /** How far it was complete when it was left. */
  left: ExtentRow | undefined;
  openedMs: number;
}

/** A tail that is this many times too long is not waited with any more: the document is kept again when it can be. */
const PATIENCE = 16;

export class KeptDocuments {
  private readonly rows = new Map<OpenDocument, Row>();
  /** Rows that may have something to write. */
  private readonly dirty = new Set<Row>();

  constructor(
    private readonly client: KeptClient,
    private readonly serial: () => string,
  ) {}

  /** From now on what happens to this document is kept. `found`: what the own slot has of it. */
  add(document: OpenDocument, found: Found | undefined): void {
    const row: Row = {
      document,
      pending: [],
      pendingBytes: 0,
      tail: found?.tail ?? [],
      tailBytes: found?.tailBytes ?? 0,
      stateBytes: found?.stateBytes ?? 0,
      isStored: found !== undefined,
      whole: found === undefined,
      left: undefined,
      openedMs: this.client.clock.now(),
    };
    this.rows.set(document, row);
    this.dirty.add(row);
  }

  received(document: OpenDocument, change: Uint8Array): void {
    const row = this.rows.get(document);
    if (row === undefined || row.whole) return;
    row.pending.push(change);
    row.pendingBytes += change.length;
    this.dirty.add(row);
  }

  joined(document: OpenDocument): void {
    const row = this.rows.get(document);
    if (row !== undefined) this.makeWhole(row);
  }

  left(document: OpenDocument, cut: Vector): void {
    const row = this.rows.get(document);
    if (row === undefined) return;
    const vector = new Map(document.base);
    if (document.covered) joinInto(vector, cut);
    row.left = { vector, link: 0, openedMs: row.openedMs };
    this.dirty.add(row);
  }

  /** A document of this name was left, and what it was is not written yet. */
  isLeaving(id: string): boolean {
    return [...this.rows.values()].some((row) => row.left !== undefined && row.document.id === id);
  }

  /** How far it is complete has changed. */
  touch(document: OpenDocument): void {
    const row = this.rows.get(document);
    if (row !== undefined) this.dirty.add(row);
  }

  /** That of all documents has changed, or nothing is known of what the slot has. */
  touchAll(isLost = false): void {
    for (const row of this.rows.values()) {
      this.dirty.add(row);
      if (isLost) this.makeWhole(row);
    }
  }

  collect(batch: Batch, link: number): void {
    for (const row of this.dirty) {
      const bytes = row.tailBytes + row.pendingBytes;
      if (bytes > PATIENCE * this.client.limits.keptTailBytesMax) this.makeWhole(row);
      else if (this.isLong(row) && this.isClean(row.document)) this.makeWhole(row);
      if (row.whole) this.collectWhole(row, batch, link);
      else this.collectTail(row, batch, link);
    }
  }

  private collectTail(row: Row, batch: Batch, link: number): void {
    const taken = [...row.pending];
    const key = tailPrefix(row.document.id) + this.serial();
    const tail = writeTail(taken);
    if (taken.length > 0) batch.put(key, tail);
    this.collectExtent(row, batch, link);
    this.dirty.delete(row);
    batch.whenFailed(() => this.dirty.add(row));
    batch.whenCommitted(() => {
      // Emptied meanwhile if the state has to be written anew.
      if (row.pending[0] === taken[0]) row.pending.splice(0, taken.length);
      row.pendingBytes = row.pending.reduce((sum, change) => sum + change.length, 0);
      if (taken.length === 0) return;
      row.tail.push(key);
      row.tailBytes += tail.length;
    });
  }

  /** The state for all; or nothing at all, as long as the document is not just what servers sent. */
  private collectWhole(row: Row, batch: Batch, link: number): void {
    const { document } = row;
    const removed = [...row.tail];
    for (const key of removed) batch.delete(key);
    const canWrite = document.loaded && this.isClean(document);
    if (canWrite) {
      const state = encodeState(document.document);
      batch.put(stateKey(document.id), state);
      this.collectExtent(row, batch, link);
      this.dirty.delete(row);
      row.whole = false;
      batch.whenFailed(() => this.makeWhole(row));
      batch.whenCommitted(() => {
        row.isStored = true;
        row.stateBytes = state.length;
      });
    } else if (row.isStored) {
      batch.delete(extentKey(document.id));
      batch.delete(stateKey(document.id));
      batch.whenCommitted(() => {
        row.isStored = false;
      });
    }
    if (!canWrite && row.left !== undefined) this.forget(row);
    batch.whenCommitted(() => {
      row.tail = row.tail.filter((key) => !removed.includes(key));
      row.tailBytes = 0;
    });
  }

  private collectExtent(row: Row, batch: Batch, link: number): void {
    const { document, left, openedMs } = row;
    const extent = left ?? { vector: document.base, link: document.covered ? link : 0, openedMs };
    batch.put(extentKey(document.id), writeExtent(extent));
    if (left !== undefined) batch.whenCommitted(() => this.forget(row));
  }

  private forget(row: Row): void {
    this.dirty.delete(row);
    if (this.rows.get(row.document) === row) this.rows.delete(row.document);
  }

  private makeWhole(row: Row): void {
    row.whole = true;
    row.pending = [];
    row.pendingBytes = 0;
    this.dirty.add(row);
  }

  private isLong(row: Row): boolean {
    return row.tailBytes > Math.max(this.client.limits.keptTailBytesMax, row.stateBytes);
  }

  /** Just what servers sent: all own changes in it have come back. */
  private isClean(document: OpenDocument): boolean {
    if (document.rebuilding !== undefined || document.loading || document.document.isPartial) return false;
    return !this.client.outbox
      .all()
      .some((own) => own.place === undefined && documentId(own.change.document) === document.id);
  }
}

/** What a slot has of a document. */
export interface Found {
  readonly kept: KeptDocument;
  readonly tail: string[];
  readonly tailBytes: number;
  readonly stateBytes: number;
}

/** Puts a document together. Undefined if it is not there, or cannot be read. */
export function assemble(
  name: DocumentName,
  entries: readonly SlotEntry[],
  session: Pick<SessionRow, "link" | "cut">,
): Found | undefined {
  const id = documentId(name);
  const valueAt = (key: string) => entries.find((entry) => entry.key === key)?.value;
  const extentBytes = valueAt(extentKey(id));
  const stateBytes = valueAt(stateKey(id));
  if (extentBytes === undefined || stateBytes === undefined) return undefined;
  const extent = readExtent(extentBytes);
  const document = BareDocument.decodeState(stateBytes);
  if (!extent.ok || !document.ok || documentId(document.value.name) !== id) return undefined;
  const tail = entries.filter(({ key }) => key.startsWith(tailPrefix(id)));
  for (const { value } of tail) {
    const changes = readTail(value);
    if (!changes.ok) return undefined;
    for (const bytes of changes.value) if (!play(document.value, bytes)) return undefined;
  }
  const vector = new Map(extent.value.vector);
  if (extent.value.link !== 0 && extent.value.link === session.link) joinInto(vector, session.cut);
  return {
    kept: { document: document.value, vector },
    tail: tail.map(({ key }) => key),
    tailBytes: tail.reduce((sum, { value }) => sum + value.length, 0),
    stateBytes: stateBytes.length,
  };
}

/** False for what is no change. What is there already, and what never fitted, is passed over, as a feed's is. */
function play(document: BareDocument, bytes: Uint8Array): boolean {
  const change = decodeChange(bytes);
  if (!change.ok || documentId(change.value.document) !== documentId(document.name)) return false;
  const { author, first, observed } = change.value;
  const isNext = document.counter(author) === first - 1;
  if (isNext && observed.every((dot) => document.counter(dot.author) >= dot.counter))
    document.apply(change.value);
  return true;
}
