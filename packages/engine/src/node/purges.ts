import {
  type Document,
  type DocumentName,
  decodeChange,
  documentId,
  fieldKey,
  isRemaining,
  KINDS,
  LOST_PATH,
  type PathStep,
  remainingIn,
  type Vector,
} from "@syncline/core";
import type { PlacedChange } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import type { Catalog, CatalogField } from "../schema/catalog.js";
import type { DocumentEntry, Documents } from "./documents.js";
import type { Journal } from "./journal.js";
import type { Log } from "./log.js";
import { fieldKeyOf, fieldsOf, type Places } from "./places.js";
import type { NodeSchema } from "./schema.js";
import { allPurging, documentOfKey, purgingKey, purgingRow } from "./tables.js";

/**
 * What is purged, and whether this node still has it somewhere.
 *
 * A purge is a change that leaves a deleted document without content. What it took away stands in records, until those go.
 * So a node that has such a document lets go of all records that every member has, without waiting until there are many;
 * and it confirms the purge when none of the places at which the document was ever written is a record here any more.
 * A node that comes back with an old disk or an old backup gets the purge like any change, and does the same.
 */
export interface PurgeState {
  /** `unknown`: nothing of this was ever here. `present`: it is not purged. `purging`: records have it still. */
  readonly state: "purged" | "purging" | "present" | "unknown";
  /** What is still there, in words; empty when nothing is. */
  readonly reason: string;
}

/** A field as ops name it. */
export type FieldIdentity = Pick<CatalogField, "id" | "kind">;

export const stepOf = ({ id, kind }: FieldIdentity): PathStep => ({
  name: id,
  kind: (KINDS as Readonly<Record<string, number>>)[kind] ?? 0,
});

interface Pending {
  readonly name: DocumentName;
  /**
   * Where the list of losses had been written to when it was purged, which is waited for; later conflicts are nobody's
   * business. Undefined since the start of the process, until it is looked at.
   */
  readonly lost: Vector | undefined;
}

const NOWHERE: Vector = new Map();

/** Where values that were lost in conflicts stand, those of all fields. */
const LOST = fieldKey(LOST_PATH[0]!.name, LOST_PATH[0]!.kind);

/** Documents that are looked at before others have their turn. */
const LOOKED_AT = 50;

export class Purges {
  /** Those that this node has not confirmed. */
  private readonly pending = new Map<string, Pending>();
  private catalog: Catalog | undefined;
  /** Fields that are dropped, each drop for itself. */
  private drops: ReadonlySet<string> = new Set();
  /**
   * Collections whose documents are looked through, each with the last key: a purge may have been integrated before its field
   * was seen dropped, or dropped again.
   */
  private readonly unsearched = new Map<string, string | undefined>();

  constructor(
    storage: Storage,
    private readonly journal: Journal,
    private readonly documents: Documents,
    private readonly log: Log,
    private readonly schema: NodeSchema,
  ) {
    for (const [key] of storage.scan(allPurging())) {
      const name = documentOfKey(key);
      this.pending.set(documentId(name), { name, lost: undefined });
    }
  }

  /** Whether records should go as soon as they may. */
  get isPending(): boolean {
    return this.pending.size > 0;
  }

  /** The document has come in a snapshot, or one of its changes stands in a record more. */
  takenIn(entry: DocumentEntry, document: Document): void {
    const isMeant = document.isDeleted || this.droppedFields(entry.name).length > 0;
    if (isMeant) this.changed(entry, document);
  }

  /** The document has been deleted, or brought back, or purged. */
  changed({ name }: DocumentEntry, document: Document): void {
    const id = documentId(name);
    const isPurged =
      (document.isDeleted && remainingIn(document).length === 0) ||
      this.droppedFields(name).some(
        (field) => this.isInRecords(name, field) && !isRemaining(document, stepOf(field)),
      );
    if (isPurged) this.begin(name);
    else if (this.pending.delete(id)) this.journal.put(purgingKey(name), undefined);
  }

  /** A change has been integrated: it may have taken a dropped field away, or the last value of it that was lost. */
  integrated(entry: DocumentEntry, place: PlacedChange): void {
    const dropped = this.droppedFields(entry.name);
    if (dropped.length === 0) return;
    const written = fieldsOf(place);
    const isMeant = dropped.some(({ id, kind }) => written.has(fieldKeyOf(id, kind)));
    if (isMeant || (written.has(LOST) && takesLossesAway(place)))
      this.changed(entry, this.documents.read(entry));
  }

  /** Drops those that are done, a few at a time: each is read for it. Called a few times a second. */
  look(): void {
    this.search();
    for (const [id, { name, lost = this.lostPlaces(name) }] of [...take(this.pending, LOOKED_AT)]) {
      const fields = this.droppedFields(name).map((field) => this.stateOfField(name, field));
      this.pending.delete(id);
      if ([this.stateOf(name), ...fields].some(({ state }) => state === "purging"))
        this.pending.set(id, { name, lost });
      else this.journal.put(purgingKey(name), undefined);
    }
  }

  stateOf(name: DocumentName): PurgeState {
    const entry = this.documents.find(name);
    if (entry === undefined || entry.tailLength === 0) return { state: "unknown", reason: "" };
    const document = this.documents.read(entry);
    if (!document.isDeleted) return { state: "present", reason: "it is not deleted" };
    const remaining = remainingIn(document);
    if (remaining.length > 0)
      return { state: "present", reason: `${remaining.join(", ")} holds something, hidden by a deletion` };
    return this.inRecords(this.documents.placesOf(entry).values());
  }

  /** The same of a field that was dropped. */
  stateOfField(name: DocumentName, field: FieldIdentity): PurgeState {
    const entry = this.documents.find(name);
    const places = this.placesOf(entry);
    const vector = places?.get(fieldKeyOf(field.id, field.kind));
    if (entry === undefined || vector === undefined) return { state: "unknown", reason: "" };
    if (isRemaining(this.documents.read(entry), stepOf(field)))
      return { state: "present", reason: `${field.id} holds something, hidden by a drop` };
    // Who takes a lost value off the list names it: his record has it, too, and need not write to the field.
    const pending = this.pending.get(documentId(name));
    return this.inRecords([vector, (pending && (pending.lost ?? places?.get(LOST))) ?? NOWHERE]);
  }

  /** Looks through a few documents of a collection of which something was dropped. */
  private search(): void {
    const catalog = this.schema.catalog();
    if (catalog !== this.catalog) {
      this.catalog = catalog;
      this.enlist(catalog);
    }
    const [next] = this.unsearched;
    if (next === undefined) return;
    const [collection, after] = next;
    const keys = this.documents.keys(collection, after, LOOKED_AT);
    for (const key of keys) {
      const name = { collection, key };
      const isPurging = (field: CatalogField) =>
        this.isInRecords(name, field) && this.stateOfField(name, field).state === "purging";
      if (!this.pending.has(documentId(name)) && this.droppedFields(name).some(isPurging)) this.begin(name);
    }
    if (keys.length < LOOKED_AT) this.unsearched.delete(collection);
    else this.unsearched.set(collection, keys.at(-1));
  }

  private enlist({ collections }: Catalog): void {
    const drops = new Set<string>();
    for (const { id: collection, fields } of collections) {
      for (const { id, kind, dropped, droppedAt } of fields) {
        if (!dropped) continue;
        const drop = JSON.stringify([collection, id, kind, droppedAt]);
        drops.add(drop);
        if (!this.drops.has(drop)) this.unsearched.set(collection, undefined);
      }
    }
    this.drops = drops;
  }

  /** Whether records have anything of the field, or of losses; without a look into the document. */
  private isInRecords(name: DocumentName, { id, kind }: FieldIdentity): boolean {
    const places = this.placesOf(this.documents.find(name));
    const vector = places?.get(fieldKeyOf(id, kind));
    return vector !== undefined && this.inRecords([vector, places?.get(LOST) ?? NOWHERE]).state === "purging";
  }

  private lostPlaces(name: DocumentName): Vector {
    return new Map(this.placesOf(this.documents.find(name))?.get(LOST));
  }

  private placesOf(entry: DocumentEntry | undefined): Places | undefined {
    return entry && entry.tailLength > 0 ? this.documents.placesOf(entry) : undefined;
  }

  private inRecords(places: Iterable<Vector>): PurgeState {
    for (const vector of places) {
      for (const [id, position] of vector) {
        const stream = this.log.stream(id);
        if (stream === undefined || stream.truncated >= position) continue;
        const reason = `records of ${stream.opening.node} up to ${position} are kept until all members have them, and for a minute after a snapshot`;
        return { state: "purging", reason };
      }
    }
    return { state: "purged", reason: "" };
  }

  private droppedFields({ collection }: DocumentName): readonly CatalogField[] {
    return (
      this.schema
        .catalog()
        .withId(collection)
        ?.fields.filter(({ dropped }) => dropped) ?? []
    );
  }

  private begin(name: DocumentName): void {
    const [id, key] = [documentId(name), purgingKey(name)];
    if (!this.pending.has(id)) this.journal.put(key, purgingRow.encode(key, 1));
    this.pending.set(id, { name, lost: this.lostPlaces(name) });
  }
}

/** Conflicts put values on the list of losses; who takes any off purges, or makes room. */
function takesLossesAway({ change }: PlacedChange): boolean {
  const read = decodeChange(change);
  if (!read.ok) return false;
  const { ops, paths } = read.value;
  return ops.some(({ path, op }) => paths[path]?.[0]?.name === LOST_PATH[0]!.name && op.act !== "add");
}

function* take<T>(from: Iterable<T>, count: number): Iterable<T> {
  let left = count;
  for (const each of from) {
    if (left-- <= 0) return;
    yield each;
  }
}
