import type { ChangeHead, DocumentName, MutableVector, Path, StreamId, Vector } from "@syncline/core";
import {
  ByteReader,
  compareUtf8,
  covers,
  Document,
  decodeChange,
  documentId,
  joinInto,
  positionIn,
  readChangeHead,
  readDocumentName,
} from "@syncline/core";
import type { Limits, PlacedChange } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import type { Journal } from "./journal.js";
import type { Log } from "./log.js";
import { addPlace, joinPlaces, type MutablePlaces, type Places } from "./places.js";
import {
  type BaseRow,
  baseKey,
  baseRow,
  DamagedStore,
  documentKey,
  documentOfKey,
  documentRow,
  documentsAfter,
  documentsOf,
  nameOfKey,
  placesInTail,
  placesKey,
  placesRow,
  type StagedRow,
  sequenceOfTailKey,
  stateKey,
  stateRow,
  TAIL_PLACES_MAX,
  type TailPlace,
  tailKey,
  tailOf,
  tailRow,
} from "./tables.js";

/**
 * The documents of a node: for each a base and a tail, which is the list of its changes in the order of integration
 * since then, and for those that somebody reads the materialised document.
 *
 * The log is the truth, documents are a cache: a document is made from base and tail on first use and dropped when
 * others were used more recently. A base is the beginning of the tail, folded into a state, once it is safe (SPINE 11).
 * A document that nobody reads is never decoded before that.
 */
export interface DocumentEntry {
  readonly name: DocumentName;
  /** Under which its rows stand. Local to this node. */
  readonly number: number;
  /** Changes integrated so far. The first has sequence 1. */
  tailLength: number;
  /** The end of the tail that the store may not have yet: sequence of the first, and where the changes stand. */
  readonly unflushed: Unflushed[];
  /** Up to here the tail has rows, in a commit or on its way into one. */
  written: number;
  document: Document | undefined;
  /** What its tail begins after; undefined if the tail is all there is. */
  base: BaseRow | undefined;
  /** The state of its base, as long as the store may not have it. */
  unflushedState: { readonly mark: number; readonly state: Uint8Array } | undefined;
  /** Where its changes stand, those of the tail perhaps not among them, as long as the store may not have it. */
  unflushedPlaces: { readonly mark: number; readonly places: Places } | undefined;
  /** Bytes of changes that have come to the tail since it was last folded, as far as this process knows. */
  tailBytes: number;
  /** Memory that the materialised document is taken to need. */
  memoryBytes: number;
  /** The snapshot that was taken in last when this document was looked up in it. */
  arrival: number;
}

/** A change of a tail that the store may not have. */
interface Unflushed {
  readonly sequence: number;
  readonly mark: number;
  readonly place: PlacedChange;
  /** A row stands under its number: it was the last one that a commit brought. */
  endsRow: boolean;
}

/** Where documents of a snapshot lie that are not taken in yet. */
export interface StagedDocuments {
  /** At or before this everything in them stands. */
  readonly vector: Vector;
  find(name: DocumentName): StagedRow | undefined;
  keys(collection: string, after: string | undefined, limit: number): string[];
  /** The document is part of the others now. */
  taken(entry: DocumentEntry, row: StagedRow): void;
}

export class Documents {
  private readonly entries = new Map<string, DocumentEntry>();
  /** In the order of last use. */
  private readonly materialised = new Map<string, DocumentEntry>();
  /** Entries with an unflushed end. */
  private readonly flushing = new Set<DocumentEntry>();
  /** Of those, the ones with changes that have no row yet: a commit writes one for all that it brings. */
  private readonly unwritten = new Set<DocumentEntry>();
  /** Documents whose names the store may not have, with the mark after which it has. */
  private readonly unnamed = new Map<DocumentEntry, number>();
  /** Documents that are no more, with the mark after which the store knows it. */
  private readonly removed = new Map<string, number>();
  private materialisedBytes = 0;
  /** A snapshot that was received whole: each of its documents is taken in when it is first needed. */
  private staged: StagedDocuments | undefined;
  private arrivals = 0;
  private takenIn: (entry: DocumentEntry, document: Document) => void = () => {};

  constructor(
    private readonly storage: Storage,
    private readonly journal: Journal,
    private readonly log: Log,
    private readonly limits: Limits,
    /** Documents numbered so far; kept in the node's own row. */
    private readonly numbering: { documents: number },
  ) {
    journal.beforeCommit(() => this.writeTails());
  }

  /** The entry of a document, if any change of it was ever integrated here. */
  find(name: DocumentName): DocumentEntry | undefined {
    if (this.staged === undefined) return this.findOwn(name);
    const found = this.findOwn(name);
    if (found?.arrival === this.arrivals) return found;
    const row = this.staged.find(name);
    if (row === undefined) {
      if (found !== undefined) found.arrival = this.arrivals;
      return found;
    }
    const entry = found ?? this.create(name);
    this.takeIn(this.staged, entry, row);
    return entry;
  }

  /** The document as it is shown; undefined if no change of it was ever integrated. It belongs to the node. */
  shown(name: DocumentName): Document | undefined {
    const entry = this.find(name);
    return entry === undefined || entry.tailLength === 0 ? undefined : this.read(entry);
  }

  private findOwn(name: DocumentName): DocumentEntry | undefined {
    const id = documentId(name);
    const cached = this.entries.get(id);
    if (cached !== undefined) return cached;
    if (this.removed.has(id)) return undefined;
    const key = documentKey(name);
    const value = this.storage.get(key);
    if (value === undefined) return undefined;
    const number = documentRow.decode(key, value);
    const entry = newEntry(name, number);
    const head = this.storage.get(baseKey(number));
    if (head !== undefined) entry.base = baseRow.decode(baseKey(number), head);
    entry.tailLength = entry.base?.sequence ?? 0;
    for (const [lastKey] of this.storage.scan({ ...tailOf(number, 1, 2 ** 52), reverse: true, limit: 1 })) {
      entry.tailLength = sequenceOfTailKey(lastKey);
    }
    this.entries.set(id, entry);
    return entry;
  }

  /** The entry of a document for a change that is about to be integrated; made if it is the first. */
  obtain(name: DocumentName): DocumentEntry {
    return this.find(name) ?? this.create(name);
  }

  private create(name: DocumentName): DocumentEntry {
    this.numbering.documents += 1;
    const entry = newEntry(name, this.numbering.documents);
    const key = documentKey(name);
    this.journal.put(key, documentRow.encode(key, entry.number));
    this.unnamed.set(entry, this.journal.mark());
    this.entries.set(documentId(name), entry);
    return entry;
  }

  /** Adds a change that has just become visible to its document's tail. */
  integrate(entry: DocumentEntry, place: PlacedChange): void {
    entry.tailLength += 1;
    this.journal.rowsChanged();
    entry.unflushed.push({
      sequence: entry.tailLength,
      mark: this.journal.mark(),
      place,
      endsRow: false,
    });
    this.flushing.add(entry);
    this.unwritten.add(entry);
    entry.tailBytes += place.change.length;
    if (entry.document !== undefined) {
      apply(entry.document, place);
      this.weigh(entry, entry.memoryBytes + place.change.length);
    }
  }

  private writeTails(): void {
    for (const entry of this.unwritten) {
      const { number, unflushed, written } = entry;
      const first = unflushed[0]?.sequence ?? 0;
      for (let at = Math.max(0, written + 1 - first); at < unflushed.length; at += TAIL_PLACES_MAX) {
        const brought = unflushed.slice(at, at + TAIL_PLACES_MAX);
        const last = brought[brought.length - 1];
        if (last === undefined) break;
        const key = tailKey(number, last.sequence);
        const places = brought.map(({ place }) => place);
        this.journal.put(key, tailRow.encode(key, places));
        last.endsRow = true;
        entry.written = last.sequence;
      }
    }
    this.unwritten.clear();
  }

  /** Takes away the rows of the tail that end at or before this change. One that goes beyond it stays whole. */
  private removeTail(entry: DocumentEntry, upTo: number): void {
    const { number, unflushed, base } = entry;
    const from = (base?.sequence ?? 0) + 1;
    for (const [key] of this.storage.scan(tailOf(number, from, upTo))) this.journal.put(key, undefined);
    for (const { sequence, endsRow } of unflushed)
      if (endsRow && sequence <= upTo) this.journal.put(tailKey(number, sequence), undefined);
    entry.written = Math.max(entry.written, upTo);
  }

  // ---- bases ----

  /**
   * Folds what stands at or before this vector into the document's base, at most so many changes. The vector is one that
   * this node has shown, and safe. Returns how many changes were folded.
   *
   * The state is read and written as a whole, so the larger it is, the more changes are folded at once; and those that can be
   * are left in the tail if `isWorth` says that they are too few for it.
   */
  fold(
    entry: DocumentEntry,
    vector: Vector,
    changesMax: number,
    isWorth: (changes: number, bytes: number) => boolean = () => true,
  ): number {
    const from = (entry.base?.sequence ?? 0) + 1;
    const most = Math.max(changesMax, this.foldedAtOnce(entry));
    const places: PlacedChange[] = [];
    let bytes = 0;
    for (const place of this.tail(entry, from)) {
      if (places.length >= most || place.position > positionIn(vector, place.stream)) break;
      places.push(place);
      bytes += place.change.length;
    }
    if (places.length === 0 || (places.length < most && !isWorth(places.length, bytes))) return 0;
    const sequence = from - 1 + places.length;
    const standing = this.foldedPlaces(entry);
    let document = sequence === entry.tailLength ? entry.document : undefined;
    if (document === undefined) {
      document = this.baseOf(entry);
      for (const place of places) addPlace(standing, place, apply(document, place));
    } else for (const place of places) addPlace(standing, place);
    this.removeTail(entry, sequence);
    this.putBase(entry, sequence, vector, document.encodeState(), standing);
    entry.tailBytes = sequence === entry.tailLength ? 0 : Math.max(0, entry.tailBytes - bytes);
    return places.length;
  }

  /** For each of so many changes no more than `foldBytesEach` of the state are written. */
  private foldedAtOnce({ base }: DocumentEntry): number {
    const { foldBytesEach, foldAtOnceMax } = this.limits;
    return Math.min(foldAtOnceMax, Math.ceil((base?.bytes ?? 0) / foldBytesEach));
  }

  /** Where the first change stands that the tail has of this stream, of those at or before the vector; infinite if there is none. */
  tailBegin(entry: DocumentEntry, stream: StreamId, vector: Vector): number {
    for (const place of this.tail(entry, (entry.base?.sequence ?? 0) + 1)) {
      if (place.position > positionIn(vector, place.stream)) break;
      if (place.stream === stream) return place.position;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The document as it was at a vector that this node has shown, and that its base has not passed. */
  documentAt(entry: DocumentEntry, vector: Vector): Document {
    const document = this.baseOf(entry);
    for (const place of this.tail(entry, 1)) {
      if (place.position > positionIn(vector, place.stream)) break;
      apply(document, place);
    }
    return document;
  }

  /** Where its changes stand; without those beyond a vector, if one is given that its base has not passed. */
  placesOf(entry: DocumentEntry, upTo?: Vector): Places {
    const places = this.foldedPlaces(entry);
    for (const place of this.tail(entry, 1)) {
      if (upTo !== undefined && place.position > positionIn(upTo, place.stream)) break;
      addPlace(places, place);
    }
    return places;
  }

  /** A change of it, which came from another stream, stands here too. */
  standsAlso(entry: DocumentEntry, place: PlacedChange): void {
    const places = this.foldedPlaces(entry);
    addPlace(places, place);
    this.putPlaces(entry, places);
  }

  /** A copy of where that stands which the tail has not, or not alone. */
  private foldedPlaces(entry: DocumentEntry): MutablePlaces {
    const places: MutablePlaces = new Map();
    const key = placesKey(entry.number);
    const value = entry.unflushedPlaces === undefined ? this.storage.get(key) : undefined;
    if (value !== undefined) joinPlaces(places, placesRow.decode(key, value));
    if (entry.unflushedPlaces !== undefined) joinPlaces(places, entry.unflushedPlaces.places);
    return places;
  }

  private putPlaces(entry: DocumentEntry, places: Places): void {
    const key = placesKey(entry.number);
    this.journal.put(key, placesRow.encode(key, places));
    entry.unflushedPlaces = { mark: this.journal.mark(), places };
    this.flushing.add(entry);
  }

  /** The state of the base as it is stored; undefined if there is none. */
  baseState(entry: DocumentEntry): Uint8Array | undefined {
    if (entry.base === undefined) return undefined;
    if (entry.unflushedState !== undefined) return entry.unflushedState.state;
    const key = stateKey(entry.number);
    const value = this.storage.get(key);
    if (value === undefined) throw new DamagedStore(`the base of document ${entry.number} is missing`);
    return stateRow.decode(key, value);
  }

  /** From now on these documents of a snapshot are part of all others: each is joined in when it is first needed. */
  beginArrival(staged: StagedDocuments): void {
    this.staged = staged;
    this.arrivals += 1;
  }

  /** Calls back with each, as it is then. */
  onTakenIn(listener: (entry: DocumentEntry, document: Document) => void): void {
    this.takenIn = listener;
  }

  /** All of them are taken in. */
  endArrival(): void {
    this.staged = undefined;
  }

  /**
   * Joins a document of a snapshot into the base (SPINE 11). What the tail has beyond it stays the tail, and is played on
   * top; it gets new sequence numbers, so that whoever reads the document along the tail notices.
   */
  private takeIn(staged: StagedDocuments, entry: DocumentEntry, row: StagedRow): void {
    entry.arrival = this.arrivals;
    // A base of which all is in the snapshot gives way to it, so that one that was damaged is whole again.
    const isCovered = entry.base !== undefined && covers(staged.vector, entry.base.vector);
    const base = isCovered ? new Document(entry.name) : this.baseOf(entry);
    const beyond: PlacedChange[] = [];
    // What stands at or before the snapshot's vector is in it, and its record may be gone.
    for (const { stream, position } of this.places(entry)) {
      if (position > positionIn(staged.vector, stream)) beyond.push(this.placed(stream, position));
    }
    base.merge(decodedState(row.state));
    const isNew = (place: PlacedChange) => {
      const { author, last } = headOf(place.change);
      return base.counter(author) < last;
    };
    const standing = this.foldedPlaces(entry);
    joinPlaces(standing, row.places);
    for (const place of beyond) if (!isNew(place)) addPlace(standing, place);
    this.removeTail(entry, entry.tailLength);
    const vector: MutableVector = new Map(entry.base?.vector ?? []);
    joinInto(vector, staged.vector);
    entry.tailLength += 1;
    entry.unflushed.length = 0;
    entry.tailBytes = 0;
    this.forgetDocument(entry);
    this.putBase(entry, entry.tailLength, vector, base.encodeState(), standing);
    const more = beyond.filter(isNew);
    for (const place of more) this.integrate(entry, place);
    // What the tail has beyond it may be concurrent to what it has.
    this.takenIn(entry, more.length === 0 ? base : this.read(entry));
    staged.taken(entry, row);
  }

  /**
   * Makes the document anew from its base and these changes, in this order: something else that it had was cut off. As if a
   * snapshot had come: what follows the base gets new sequence numbers.
   */
  rebuild(
    entry: DocumentEntry,
    changes: readonly PlacedChange[],
    standingAlso: readonly PlacedChange[],
    ends: Vector,
  ): void {
    const state = this.baseOf(entry).encodeState();
    const standing = this.foldedPlaces(entry);
    for (const vector of standing.values()) {
      for (const [stream, end] of ends) {
        if (positionIn(vector, stream) <= end) continue;
        const { truncated = 0 } = this.log.stream(stream) ?? {};
        if (truncated > 0) vector.set(stream, truncated);
        else vector.delete(stream);
      }
    }
    for (const place of standingAlso) addPlace(standing, place);
    this.removeTail(entry, entry.tailLength);
    entry.unflushed.length = 0;
    entry.tailBytes = 0;
    this.forgetDocument(entry);
    if (entry.base === undefined && changes.length === 0) {
      this.remove(entry);
      return;
    }
    entry.tailLength += 1;
    this.putBase(entry, entry.tailLength, entry.base?.vector ?? new Map(), state, standing);
    for (const place of changes) this.integrate(entry, place);
    this.takenIn(entry, this.read(entry));
  }

  /** Nothing of the document was ever here, as it turns out. */
  private remove(entry: DocumentEntry): void {
    this.journal.put(documentKey(entry.name), undefined);
    this.journal.put(placesKey(entry.number), undefined);
    entry.tailLength = 0;
    entry.unflushedPlaces = undefined;
    this.flushing.delete(entry);
    this.unwritten.delete(entry);
    this.unnamed.delete(entry);
    this.entries.delete(documentId(entry.name));
    this.removed.set(documentId(entry.name), this.journal.mark());
    this.takenIn(entry, new Document(entry.name));
  }

  /** Where the changes of a document's tail stand, in the order of integration. */
  private *places(entry: DocumentEntry): Iterable<TailPlace> {
    const first = entry.unflushed[0]?.sequence ?? entry.tailLength + 1;
    const from = (entry.base?.sequence ?? 0) + 1;
    if (from < first)
      for (const [key, value] of this.storage.scan(tailOf(entry.number, from, first - 1)))
        yield* placesInTail(key, value, from);
    for (const { sequence, place } of entry.unflushed) if (sequence >= from) yield place;
  }

  /** A copy of the base; empty if there is none. */
  baseOf(entry: DocumentEntry): Document {
    const state = this.baseState(entry);
    return state === undefined ? new Document(entry.name) : decodedState(state);
  }

  private putBase(
    entry: DocumentEntry,
    sequence: number,
    vector: Vector,
    state: Uint8Array,
    places: Places,
  ): void {
    entry.base = { sequence, vector: new Map(vector), bytes: state.length };
    const [head, key] = [baseKey(entry.number), stateKey(entry.number)];
    this.journal.put(head, baseRow.encode(head, entry.base));
    this.journal.put(key, stateRow.encode(key, state));
    entry.unflushedState = { mark: this.journal.mark(), state };
    this.putPlaces(entry, places);
  }

  // ---- what is in memory ----

  get inMemory(): { readonly documents: number; readonly bytes: number } {
    return { documents: this.materialised.size, bytes: this.materialisedBytes };
  }

  private weigh(entry: DocumentEntry, bytes: number): void {
    this.materialisedBytes += bytes - entry.memoryBytes;
    entry.memoryBytes = bytes;
  }

  private forgetDocument(entry: DocumentEntry): void {
    entry.document = undefined;
    this.weigh(entry, 0);
    this.materialised.delete(documentId(entry.name));
  }

  /** Everything up to this mark is in the store. */
  reached(mark: number): void {
    for (const entry of this.flushing) {
      const waiting = entry.unflushed.findIndex((change) => change.mark > mark);
      entry.unflushed.splice(0, waiting === -1 ? entry.unflushed.length : waiting);
      if (entry.unflushedState !== undefined && entry.unflushedState.mark <= mark)
        entry.unflushedState = undefined;
      if (entry.unflushedPlaces !== undefined && entry.unflushedPlaces.mark <= mark)
        entry.unflushedPlaces = undefined;
      const isFlushed = entry.unflushedState === undefined && entry.unflushedPlaces === undefined;
      if (entry.unflushed.length === 0 && isFlushed) this.flushing.delete(entry);
    }
    for (const [entry, named] of this.unnamed) if (named <= mark) this.unnamed.delete(entry);
    for (const [id, gone] of this.removed) if (gone <= mark) this.removed.delete(id);
  }

  /** The document as it is now. It belongs to this cache: read it at once, do not keep it, do not change it. */
  read(entry: DocumentEntry): Document {
    const id = documentId(entry.name);
    if (entry.document === undefined) {
      const document = this.baseOf(entry);
      let bytes = entry.base?.bytes ?? 0;
      for (const place of this.tail(entry, 1)) {
        apply(document, place);
        bytes += place.change.length;
      }
      entry.document = document;
      this.weigh(entry, DOCUMENT_BYTES + bytes);
    }
    this.materialised.delete(id);
    this.materialised.set(id, entry);
    return entry.document;
  }

  /** The changes of a document from this sequence number on, in the order of integration, as far as they are not folded. */
  *tail(entry: DocumentEntry, first: number): Iterable<PlacedChange> {
    const from = Math.max(first, (entry.base?.sequence ?? 0) + 1);
    const flushedTo = (entry.unflushed[0]?.sequence ?? entry.tailLength + 1) - 1;
    if (from <= flushedTo) {
      for (const [key, value] of this.storage.scan(tailOf(entry.number, from, flushedTo))) {
        for (const { stream, position } of placesInTail(key, value, from))
          yield this.placed(stream, position);
      }
    }
    for (const { sequence, place } of entry.unflushed.slice()) if (sequence >= from) yield place;
  }

  /** Names of the documents after this one, in the order of their bytes, at most so many. */
  namesAfter(after: DocumentName | undefined, limit: number): DocumentName[] {
    const range = { ...documentsAfter(after), limit };
    return Array.from(this.storage.scan(range), ([key]) => documentOfKey(key));
  }

  /** Names of all documents but those that a snapshot has still to bring; those that the disk does not know yet come twice. */
  *everyName(): Iterable<DocumentName> {
    for (const { name } of [...this.unnamed.keys()]) yield name;
    let names: DocumentName[] = [];
    do {
      names = this.namesAfter(names.at(-1), this.limits.pageKeysMax);
      yield* names;
    } while (names.length === this.limits.pageKeysMax);
  }

  /** A document made anew from base and tail, whatever is in memory. */
  fromDisk(name: DocumentName): Document | undefined {
    const entry = this.find(name);
    if (entry === undefined || entry.tailLength === 0) return undefined;
    const document = this.baseOf(entry);
    for (const place of this.tail(entry, 1)) apply(document, place);
    return document;
  }

  /** Keys of a collection after `after`, at most `limit`, in the order of their bytes: all that reads can see. */
  keys(collection: string, after: string | undefined, limit: number): string[] {
    const keys = new Set<string>();
    for (const [key] of this.storage.scan({ ...documentsOf(collection, after), limit })) {
      if (!this.removed.has(nameOfKey(key))) keys.add(nameOfKey(key).slice(collection.length + 1));
    }
    for (const key of this.staged?.keys(collection, after, limit) ?? []) keys.add(key);
    // A document may be shown before the disk has its name.
    for (const { name } of this.unnamed.keys()) {
      if (name.collection !== collection) continue;
      if (after === undefined || compareUtf8(name.key, after) > 0) keys.add(name.key);
    }
    return [...keys].sort(compareUtf8).slice(0, limit);
  }

  /** Drops the least recently used beyond the limits. */
  trim(): void {
    for (const entry of this.materialised.values()) {
      const isTooMuch =
        this.materialised.size > this.limits.documentsInMemoryMax ||
        (this.materialisedBytes > this.limits.documentBytesInMemoryMax && this.materialised.size > 1);
      if (!isTooMuch) break;
      this.forgetDocument(entry);
    }
    if (this.entries.size <= this.limits.documentNamesInMemoryMax) return;
    for (const [id, entry] of this.entries) {
      if (this.entries.size <= this.limits.documentNamesInMemoryMax * 0.9) break;
      if (this.flushing.has(entry) || this.unnamed.has(entry)) continue;
      this.entries.delete(id);
      this.forgetDocument(entry);
    }
  }

  private placed(stream: StreamId, position: number): PlacedChange {
    const { body } = this.log.record(stream, position);
    if (body.kind !== "change") throw new DamagedStore(`record ${stream}:${position} is no change`);
    return { stream, position, change: body.change };
  }
}

/** The head of a change that came out of a record: it was checked when the record came in. */
export function headOf(change: Uint8Array): ChangeHead {
  const head = readChangeHead(change);
  if (!head.ok) throw new DamagedStore(`a change cannot be read: ${head.fault.reason}`);
  return head.value;
}

/** The document of a change that came out of a record, whatever else it says. */
export function documentIn(change: Uint8Array): DocumentName {
  return readDocumentName(new ByteReader(change, CHANGE_VERSION_BYTES));
}

/** Returns where the change writes to. */
function apply(document: Document, place: PlacedChange): readonly Path[] {
  const change = decodeChange(place.change);
  if (!change.ok) throw new DamagedStore(`a change cannot be read: ${change.fault.reason}`);
  document.apply(change.value);
  return change.value.paths;
}

const newEntry = (name: DocumentName, number: number): DocumentEntry => ({
  name,
  number,
  tailLength: 0,
  unflushed: [],
  written: 0,
  document: undefined,
  base: undefined,
  unflushedState: undefined,
  unflushedPlaces: undefined,
  tailBytes: 0,
  memoryBytes: 0,
  arrival: 0,
});

/** Before the name of its document. */
const CHANGE_VERSION_BYTES = 1;

/** What a document needs at least, however small it is. */
const DOCUMENT_BYTES = 1_024;

/** A state that was checked when it came in, or was written here. */
export function decodedState(state: Uint8Array): Document {
  const document = Document.decodeState(state);
  if (!document.ok) throw new DamagedStore(`a base cannot be read: ${document.fault.reason}`);
  return document.value;
}
