import type { Author, Change, ChangeHead } from "@syncline/core";
import { documentId, sealOf } from "@syncline/core";
import type { Limits } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import type { Journal } from "./journal.js";
import { authorOfCounterKey, type CounterRow, counterKey, counterRow, countersOf } from "./tables.js";

/**
 * The author counters of all documents: which changes are integrated already.
 *
 * This is all that admission and integration need to know of a document, so it is kept apart from the documents
 * themselves. A counter is the greatest that a document has of an author; counters are gapless, so it says
 * everything. They are never forgotten (SPINE 15): a bounded cache stands before the store.
 */
const NONE: CounterRow = { counter: 0, checksum: 0 };

interface UnflushedCounter {
  readonly document: number;
  readonly author: Author;
  readonly row: CounterRow;
  readonly mark: number;
}

export class AuthorCounters {
  /** Written since the last commit reached the disk, by mark; the store does not have them yet. */
  private readonly unflushed = new Map<string, UnflushedCounter>();
  /** Those among them that go out with the next commit: an author who writes often has one row in it. */
  private readonly changed = new Map<string, UnflushedCounter>();
  /** Two generations: when the young one is full it becomes the old one, and the old one is dropped. */
  private last = { document: 0, author: 0, id: "" };
  private young = new Map<string, CounterRow>();
  private old = new Map<string, CounterRow>();

  constructor(
    private readonly storage: Storage,
    private readonly journal: Journal,
    private readonly limits: Limits,
  ) {
    journal.beforeCommit(() => this.writeRows());
  }

  get(document: number, author: Author): CounterRow {
    const id = this.idOf(document, author);
    const cached = this.unflushed.get(id)?.row ?? this.young.get(id);
    if (cached !== undefined) return cached;
    const row = this.old.get(id) ?? this.load(document, author);
    this.cache(id, row);
    return row;
  }

  set(document: number, author: Author, row: CounterRow): void {
    const id = this.idOf(document, author);
    this.journal.rowsChanged();
    const counter = { document, author, row, mark: this.journal.mark() };
    this.unflushed.set(id, counter);
    this.changed.set(id, counter);
  }

  /** Who handles a change asks a few times in a row. */
  private idOf(document: number, author: Author): string {
    const { last } = this;
    if (last.document !== document || last.author !== author) {
      this.last = { document, author, id: `${document}/${author}` };
    }
    return this.last.id;
  }

  private writeRows(): void {
    for (const { document, author, row } of this.changed.values()) {
      const key = counterKey(document, author);
      this.journal.put(key, counterRow.encode(key, row));
    }
    this.changed.clear();
  }

  /** The counters of a document as the store has them, by author. */
  stored(document: number): Map<Author, CounterRow> {
    const rows = new Map<Author, CounterRow>();
    for (const [key, value] of this.storage.scan(countersOf(document)))
      rows.set(authorOfCounterKey(key), counterRow.decode(key, value));
    return rows;
  }

  /** Everything up to this mark is in the store. */
  reached(mark: number): void {
    for (const [id, entry] of this.unflushed) {
      if (entry.mark > mark) continue;
      this.unflushed.delete(id);
      this.cache(id, entry.row);
    }
  }

  private load(document: number, author: Author): CounterRow {
    const key = counterKey(document, author);
    const value = this.storage.get(key);
    return value === undefined ? NONE : counterRow.decode(key, value);
  }

  private cache(id: string, row: CounterRow): void {
    if (this.young.size >= this.limits.authorCountersInMemoryMax / 2) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(id, row);
  }
}

/**
 * Counters of changes that stand in this master's own stream and are not visible yet: what admission counts in
 * addition to what is visible (SPINE 4). Empty where the commit rule is LOCAL.
 */
export class PendingCounters {
  private readonly byDocument = new Map<string, Map<Author, CounterRow>>();

  get(document: string, author: Author): CounterRow | undefined {
    return this.byDocument.get(document)?.get(author);
  }

  add(change: ChangeHead, row: CounterRow): void {
    const id = documentId(change.document);
    let authors = this.byDocument.get(id);
    if (authors === undefined) this.byDocument.set(id, (authors = new Map()));
    authors.set(change.author, row);
  }

  /** The stream in which they stood is no longer this node's own. */
  clear(): void {
    this.byDocument.clear();
  }

  /** The change is visible now, or counted elsewhere. */
  remove(change: ChangeHead): void {
    const id = documentId(change.document);
    const authors = this.byDocument.get(id);
    const row = authors?.get(change.author);
    if (authors === undefined || row === undefined || row.counter > change.last) return;
    authors.delete(change.author);
    if (authors.size === 0) this.byDocument.delete(id);
  }
}

/** The checksum that the encoded change ends with: tells two changes of one identity apart. */
export const changeChecksum = (change: Pick<Change, "bytes">): number => sealOf(change.bytes);

/** A snapshot says of an author's last change which it is only if its sender knows. */
export const UNKNOWN_CHECKSUM = 0;

/** Whether a counter was brought by this change, as far as is known. */
export const isOf = (row: CounterRow, change: Pick<Change, "bytes">): boolean =>
  row.checksum === UNKNOWN_CHECKSUM || row.checksum === changeChecksum(change);
