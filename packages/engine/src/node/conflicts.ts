import {
  type ChangeHead,
  type Conflict,
  conflictId,
  conflictsOf,
  type Document,
  type DocumentName,
  type Dot,
  documentId,
  positionIn,
} from "@syncline/core";
import type { Limits, PlacedChange } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import type { CatalogCollection } from "../schema/catalog.js";
import { fieldConflicts } from "../schema/conflicts.js";
import { type DocumentEntry, type Documents, headOf } from "./documents.js";
import type { Journal } from "./journal.js";
import { isReserved } from "./members.js";
import { isSchema, type NodeSchema } from "./schema.js";
import { allNoted, nameOfKey, notedKey, notedRow } from "./tables.js";

/**
 * Which documents are deleted, and which may have conflicts: noted as changes come, without a look into their ops.
 *
 * Where changes are concurrent, some change does not know the one that stands before it in the tail, in whatever order
 * they come. So a document where every change knows the one before it has no conflicts and costs one comparison for each
 * change; only the others are looked through when somebody asks. What is found there is a function of what the document
 * holds (I5).
 */
const NOTED = { concurrent: 1, deleted: 2, writtenWhenDropped: 4 } as const;

export class Conflicts {
  /** Documents that may have conflicts, by name. */
  private readonly suspects = new Map<string, DocumentName>();
  /** What the store may not have yet. */
  private readonly unflushed = new Map<string, { flags: number; mark: number }>();
  /** The last change of documents that were written lately. */
  private readonly lastOf = new WeakMap<DocumentEntry, Dot>();
  private readonly found = new WeakMap<DocumentEntry, { at: number; conflicts: readonly Conflict[] }>();
  private deletions = false;

  constructor(
    private readonly storage: Storage,
    private readonly journal: Journal,
    private readonly documents: Documents,
    private readonly schema: NodeSchema,
    private readonly limits: Limits,
  ) {
    for (const [key, value] of storage.scan(allNoted())) {
      const flags = notedRow.decode(key, value);
      const id = nameOfKey(key);
      const slash = id.indexOf("/");
      if ((flags & NOTED.deleted) !== 0) this.deletions = true;
      if (flags !== NOTED.deleted) this.suspect({ collection: id.slice(0, slash), key: id.slice(slash + 1) });
    }
  }

  /** A change has been integrated: the last one of its document. */
  integrated(entry: DocumentEntry, head: ChangeHead, place: PlacedChange): void {
    if (isReserved(entry.name) && !isSchema(entry.name)) return;
    const before = this.lastOf.get(entry);
    this.lastOf.set(entry, { author: head.author, counter: head.last });
    if (!this.follows(entry, head, before)) this.note(entry.name, NOTED.concurrent, true);
    if (head.isOfLife === true) this.note(entry.name, NOTED.deleted, this.documents.read(entry).isDeleted);
    if (isSchema(entry.name)) this.lookAtDropped();
    else if (this.isBeyondDrop(entry.name, place)) this.note(entry.name, NOTED.writtenWhenDropped, true);
  }

  /** A document of a snapshot has become one of this node's. */
  takenIn(entry: DocumentEntry, document: Document): void {
    if (isReserved(entry.name) && !isSchema(entry.name)) return;
    this.lastOf.delete(entry);
    this.note(entry.name, NOTED.deleted, document.isDeleted);
    if (conflictsOf(document).length > 0 || document.frontier().length > 1)
      this.note(entry.name, NOTED.concurrent, true);
  }

  reached(mark: number): void {
    for (const [id, noted] of this.unflushed) if (noted.mark <= mark) this.unflushed.delete(id);
  }

  isDeleted(name: DocumentName): boolean {
    return this.deletions && (this.flagsOf(name) & NOTED.deleted) !== 0;
  }

  /** The newest conflicts, of one document or of all, in the order of their times. */
  list(only?: DocumentName): readonly Conflict[] {
    const all: Conflict[] = [];
    for (const name of only === undefined ? this.suspects.values() : [only]) all.push(...this.of(name));
    if (only === undefined || isSchema(only)) all.push(...fieldConflicts(this.schema.catalog()));
    return all.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).slice(-this.limits.conflictsMax);
  }

  private of(name: DocumentName): readonly Conflict[] {
    const entry = this.documents.find(name);
    if (entry === undefined || entry.tailLength === 0) return [];
    const known = this.found.get(entry);
    let conflicts = known?.conflicts ?? [];
    if (known?.at !== entry.tailLength) {
      const document = this.documents.read(entry);
      // Two who made one thing at the same time have made one thing.
      conflicts = conflictsOf(document).filter(
        ({ field }) => !isSchema(name) || !/\/(made|dropped)$/.test(field),
      );
      this.found.set(entry, { at: entry.tailLength, conflicts });
    }
    const dropped = this.droppedOf(name);
    if (dropped === undefined || (this.flagsOf(name) & NOTED.writtenWhenDropped) === 0) return conflicts;
    return [...conflicts, writeToDropped(name, dropped, this.documents.read(entry).frontier())];
  }

  /** Whether the change knows the one that stands before it. */
  private follows(entry: DocumentEntry, { author, observed }: ChangeHead, before: Dot | undefined): boolean {
    const last = before ?? this.lastBefore(entry);
    if (last === undefined) return this.documents.read(entry).frontier().length <= 1;
    if (last.counter === 0 || last.author === author) return true;
    return observed.some((dot) => dot.author === last.author && dot.counter >= last.counter);
  }

  /** Counter 0 for none; undefined where it is not known any more. */
  private lastBefore(entry: DocumentEntry): Dot | undefined {
    const { tailLength, base } = entry;
    if (tailLength === 1) return { author: 1, counter: 0 };
    if ((base?.sequence ?? 0) >= tailLength - 1) return undefined;
    for (const { change } of this.documents.tail(entry, tailLength - 1)) {
      const { author, last } = headOf(change);
      return { author, counter: last };
    }
    return undefined;
  }

  /** The collection, if it is dropped, and its dropper has said what he had seen. */
  private droppedOf({ collection }: DocumentName): CatalogCollection | undefined {
    const found = this.schema.catalog().withId(collection);
    return found?.dropped === true && found.droppedAt.length > 0 ? found : undefined;
  }

  private isBeyondDrop(name: DocumentName, { stream, position }: PlacedChange): boolean {
    const dropped = this.droppedOf(name);
    return dropped !== undefined && positionIn(new Map(dropped.droppedAt), stream) < position;
  }

  /** What was written to a collection before its drop was known here, and unseen by the dropper. */
  private lookAtDropped(): void {
    for (const { id: collection } of this.schema.catalog().collections.filter(({ dropped }) => dropped)) {
      let after: string | undefined;
      for (;;) {
        const keys = this.documents.keys(collection, after, this.limits.pageKeysMax);
        for (const key of keys) this.lookForLate({ collection, key });
        after = keys.at(-1);
        if (keys.length < this.limits.pageKeysMax) break;
      }
    }
  }

  private lookForLate(name: DocumentName): void {
    const entry = this.documents.find(name);
    if (entry === undefined || (this.flagsOf(name) & NOTED.writtenWhenDropped) !== 0) return;
    for (const place of this.documents.tail(entry, 1)) {
      if (!this.isBeyondDrop(name, place)) continue;
      this.note(name, NOTED.writtenWhenDropped, true);
      return;
    }
  }

  private flagsOf(name: DocumentName): number {
    const unflushed = this.unflushed.get(documentId(name));
    if (unflushed !== undefined) return unflushed.flags;
    const key = notedKey(name);
    const value = this.storage.get(key);
    return value === undefined ? 0 : notedRow.decode(key, value);
  }

  private note(name: DocumentName, flag: number, isSet: boolean): void {
    const before = this.flagsOf(name);
    const flags = isSet ? before | flag : before & ~flag;
    if (flags === before) return;
    const key = notedKey(name);
    this.journal.put(key, flags === 0 ? undefined : notedRow.encode(key, flags));
    this.unflushed.set(documentId(name), { flags, mark: this.journal.mark() });
    if ((flags & NOTED.deleted) !== 0) this.deletions = true;
    if ((flags & ~NOTED.deleted) !== 0) this.suspect(name);
  }

  private suspect(name: DocumentName): void {
    this.suspects.set(documentId(name), name);
    if (this.suspects.size <= this.limits.conflictDocumentsMax) return;
    // The same ones everywhere, whatever the order in which they came.
    const [first] = [...this.suspects.keys()].sort();
    if (first !== undefined) this.suspects.delete(first);
  }
}

/** What stands in a document of a dropped collection that its dropper had not seen. */
function writeToDropped(
  name: DocumentName,
  { id, droppedAt }: CatalogCollection,
  heads: readonly Dot[],
): Conflict {
  const winner = {
    kind: "collection",
    dot: { author: droppedAt[0]?.[0] ?? 0, counter: droppedAt[0]?.[1] ?? 0 },
  };
  return {
    id: conflictId("write_to_dropped", documentId(name), id, winner.dot),
    type: "write_to_dropped",
    document: documentId(name),
    field: "",
    winner,
    losers: heads.map((dot) => ({ dot })),
    dots: heads,
    at: 0,
    path: [],
  };
}
