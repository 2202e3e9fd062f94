import {
  type ChangeHead,
  type Conflict,
  CounterOverflow,
  conflictId,
  conflictsOf,
  covers,
  type Document,
  type DocumentName,
  type Dot,
  documentId,
  hasConflicts,
  type Value,
  type Vector,
} from "@syncline/core";
import type { Limits, PlacedChange } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import type { CatalogCollection, CatalogField } from "../schema/catalog.js";
import { fieldConflicts } from "../schema/conflicts.js";
import { type DocumentEntry, type Documents, headOf } from "./documents.js";
import type { Journal } from "./journal.js";
import { isReserved } from "./members.js";
import { addPlace, fieldKeyOf, isBeyond, type MutablePlaces } from "./places.js";
import { isSchema, type NodeSchema } from "./schema.js";
import type { Skews } from "./skews.js";
import { allNoted, documentOfKey, notedKey, notedRow } from "./tables.js";
import type { Takeovers } from "./takeovers.js";

/**
 * Which documents are deleted, and which may have conflicts: noted as changes come, without a look into their ops.
 *
 * Where changes are concurrent, some change does not know the one that stands before it in the tail, in whatever order
 * they come. So a document where every change knows the one before it has no conflicts and costs one comparison for each
 * change; only the others are looked through when somebody asks. What is found there is a function of what the document
 * holds (I5).
 */
const NOTED = { concurrent: 1, deleted: 2, writtenWhenDropped: 4, late: 8 } as const;

export class Conflicts {
  /** Documents that may have conflicts, by name. */
  private readonly suspects = new Map<string, DocumentName>();
  /** What the store may not have yet. */
  private readonly unflushed = new Map<string, { flags: number; mark: number }>();
  /** The last change of documents that were written lately. */
  private readonly lastOf = new WeakMap<DocumentEntry, Dot>();
  private readonly found = new WeakMap<DocumentEntry, { at: number; conflicts: readonly Conflict[] }>();
  private deletions = false;
  private readonly fences = new WeakMap<CatalogCollection, readonly Fence[]>();
  /**
   * Drops and takeovers for which all documents were looked through, by this process. One that is cut off and comes back is
   * looked through again: what has come meanwhile was not held against it.
   */
  private lookedAtDrops: ReadonlySet<string> = new Set();
  private lookedAtTakeovers: ReadonlySet<string> = new Set();

  constructor(
    private readonly storage: Storage,
    private readonly journal: Journal,
    private readonly documents: Documents,
    private readonly schema: NodeSchema,
    private readonly takeovers: Takeovers,
    private readonly skews: Skews,
    private readonly limits: Limits,
    /** What this node shows. */
    private readonly visible: () => Vector,
  ) {
    for (const [key, value] of storage.scan(allNoted())) {
      const flags = notedRow.decode(key, value);
      if ((flags & NOTED.deleted) !== 0) this.deletions = true;
      if (flags !== NOTED.deleted) this.suspect(documentOfKey(key));
    }
  }

  /**
   * What was written unseen to what is dropped already was noted when it came. Called once documents can be read: the
   * schema itself may be among what a snapshot has brought and has yet to take its place.
   */
  start(): void {
    const { collections } = this.schema.catalog();
    const fences = collections.flatMap(({ id: collection }) => this.fencesOf({ collection, key: "" }));
    this.lookedAtDrops = new Set(fences.map(({ id }) => id));
  }

  /** What this node shows is known from now on: what came late before was noted when it came. */
  begin(): void {
    this.lookedAtTakeovers = new Set(this.takeovers.lateIn(this.visible()));
  }

  /** A change has been integrated: the last one of its document. */
  integrated(entry: DocumentEntry, head: ChangeHead, place: PlacedChange): void {
    if (isReserved(entry.name) && !isSchema(entry.name)) return;
    const before = this.lastOf.get(entry);
    this.lastOf.set(entry, { author: head.author, counter: head.last });
    if (!this.follows(entry, head, before)) this.note(entry.name, NOTED.concurrent, true);
    if (head.isOfLife === true) this.note(entry.name, NOTED.deleted, this.documents.read(entry).isDeleted);
    if (isSchema(entry.name)) this.lookAtDropped();
    else this.standsAt(entry, place);
  }

  /** A change of a document stands here: was it written to something dropped, unseen by the dropper? Did it come late? */
  standsAt({ name }: DocumentEntry, place: PlacedChange): void {
    if (isReserved(name)) return;
    if (this.takeovers.isLate(place)) this.note(name, NOTED.late, true);
    const fences = this.fencesOf(name);
    if (fences.length === 0) return;
    const places: MutablePlaces = new Map();
    addPlace(places, place);
    if (fences.some(({ key, seen }) => isBeyond(places, key, seen)))
      this.note(name, NOTED.writtenWhenDropped, true);
  }

  /** A document of a snapshot has become one of this node's. */
  takenIn(entry: DocumentEntry, document: Document): void {
    if (isReserved(entry.name) && !isSchema(entry.name)) return;
    this.lastOf.delete(entry);
    this.note(entry.name, NOTED.deleted, document.isDeleted);
    if (hasConflicts(document) || document.frontier().length > 1)
      this.note(entry.name, NOTED.concurrent, true);
    if (isSchema(entry.name)) this.lookAtDropped();
    else if (this.isWrittenUnseen(entry)) this.note(entry.name, NOTED.writtenWhenDropped, true);
    if (!isSchema(entry.name)) this.lookWhetherLate(entry);
  }

  /** Somebody has taken over: what is here that he had not? */
  takenOver(): void {
    const late = this.takeovers.lateIn(this.visible());
    const isNew = late.some((id) => !this.lookedAtTakeovers.has(id));
    this.lookedAtTakeovers = new Set(late);
    if (!isNew) return;
    for (const name of this.documents.everyName()) {
      const entry = isReserved(name) ? undefined : this.documents.find(name);
      if (entry !== undefined) this.lookWhetherLate(entry);
    }
  }

  private lookWhetherLate(entry: DocumentEntry): void {
    if (this.takeovers.conflictsIn(entry.name, this.documents.placesOf(entry)).length > 0)
      this.note(entry.name, NOTED.late, true);
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
    conflicts = [...conflicts, ...this.skews.conflictsAmong(conflicts)];
    const flags = this.flagsOf(name);
    if ((flags & (NOTED.writtenWhenDropped | NOTED.late)) === 0) return conflicts;
    const places = this.documents.placesOf(entry);
    const late = this.takeovers.conflictsIn(name, places);
    const beyond = this.fencesOf(name).filter(({ key, seen }) => isBeyond(places, key, seen));
    const document = this.documents.read(entry);
    return [...conflicts, ...beyond.map((fence) => writeToDropped(name, fence, document)), ...late];
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

  /** What is dropped of a document's collection, if its dropper has said what he had seen. */
  private fencesOf({ collection }: DocumentName): readonly Fence[] {
    const found = this.schema.catalog().withId(collection);
    if (found === undefined) return NO_FENCES;
    let fences = this.fences.get(found);
    if (fences === undefined) this.fences.set(found, (fences = fencesIn(found)));
    return fences;
  }

  private isWrittenUnseen(entry: DocumentEntry): boolean {
    const fences = this.fencesOf(entry.name);
    if (fences.length === 0) return false;
    const places = this.documents.placesOf(entry);
    return fences.some(({ key, seen }) => isBeyond(places, key, seen));
  }

  /** What was written to something dropped before the drop was known here, and unseen by the dropper. */
  private lookAtDropped(): void {
    const before = this.lookedAtDrops;
    const looked = new Set<string>();
    this.lookedAtDrops = looked;
    for (const { id: collection } of this.schema.catalog().collections) {
      let isNew = false;
      for (const { id, seen } of this.fencesOf({ collection, key: "" })) {
        if (!before.has(id) && covers(seen, this.visible())) continue;
        looked.add(id);
        if (!before.has(id)) isNew = true;
      }
      if (!isNew) continue;
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
    if (this.isWrittenUnseen(entry)) this.note(name, NOTED.writtenWhenDropped, true);
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

/** Something that is dropped, a collection or a field of it. */
interface Fence {
  /** This drop, and no other. */
  readonly id: string;
  readonly what: string;
  /** The field as ops name it; undefined for the whole collection. */
  readonly key: string | undefined;
  readonly field: CatalogField | undefined;
  /** Up to where the dropper had seen each stream. */
  readonly seen: Vector;
}

const NO_FENCES: readonly Fence[] = [];

function fencesIn(collection: CatalogCollection): readonly Fence[] {
  const fences: Fence[] = [];
  const add = (what: string, key: string | undefined, field: CatalogField | undefined) => {
    const { dropped, droppedAt } = field ?? collection;
    // Who has not said what he had seen may have seen everything.
    if (!dropped || droppedAt.length === 0) return;
    fences.push({
      id: JSON.stringify([collection.id, what, droppedAt]),
      what,
      key,
      field,
      seen: new Map(droppedAt),
    });
  };
  add(collection.id, undefined, undefined);
  for (const field of collection.fields) {
    const { id, kind } = field;
    add(`${id}@${kind}`, fieldKeyOf(id, kind), field);
  }
  return fences.length === 0 ? NO_FENCES : fences;
}

/** What stands in a document, in something dropped, that the dropper had not seen. */
function writeToDropped(name: DocumentName, { what, field, seen }: Fence, document: Document): Conflict {
  const [stream = 0, position = 0] = [...seen][0] ?? [];
  const winner = {
    kind: field === undefined ? "collection" : "field",
    dot: { author: stream, counter: position },
  };
  const dots = document.frontier();
  const value = field && valueIn(document, field);
  return {
    id: conflictId("write_to_dropped", documentId(name), what, winner.dot),
    type: "write_to_dropped",
    document: documentId(name),
    field: field?.name ?? "",
    winner,
    losers: dots.map((dot) => ({ ...(value !== undefined && { value }), dot })),
    dots,
    at: 0,
    path: [],
  };
}

/** What the field holds, to be read where it is hidden. */
function valueIn(document: Document, { id, kind }: CatalogField): Value | undefined {
  try {
    const key = document.kinds()[id] === kind ? id : `${id}@${kind}`;
    return document.toJSON()[key];
  } catch (error) {
    if (error instanceof CounterOverflow) return undefined;
    throw error;
  }
}
