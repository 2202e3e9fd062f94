import type { Author, DocumentName, MutableVector, StreamId, Vector } from "@syncline/core";
import { documentId, positionIn } from "@syncline/core";
import type { PlacedChange } from "@syncline/protocol";
import { type AuthorCounters, changeChecksum, isOf, UNKNOWN_CHECKSUM } from "./counters.js";
import { type DocumentEntry, type Documents, headOf } from "./documents.js";
import type { HeldStream, Log } from "./log.js";
import type { CounterRow } from "./tables.js";

/**
 * Cutting closed streams at their ends: what this node holds beyond them is put aside, and its documents are made anew
 * without it (SPINE 18).
 *
 * Nothing that stays depends on what goes: whoever made a record that stays had heard of all that it depends on, and was
 * heard when the end was found. But a change that goes from one stream may stand in another as well, where it was passed
 * over as a duplicate. So for every document that had something of what goes, the records are gone through again, on top of
 * its base, which is safe and therefore within the ends. All of it is one commit of the disk: a crash leaves the node as it
 * was, and it cuts again.
 */
export class Cutting {
  constructor(
    private readonly self: string,
    private readonly log: Log,
    private readonly documents: Documents,
    private readonly counters: AuthorCounters,
    /** What this node shows. */
    private readonly visible: MutableVector,
    private readonly on: {
      /** A change goes, and is to be handed in. */
      aside(stream: StreamId, position: number, record: Uint8Array): void;
      /** A document has become another one; none is left of it, perhaps. */
      cut(name: DocumentName): void;
    },
  ) {}

  /**
   * Takes out of these ends those of streams that cannot be cut, because something that stays is built on what would go: a
   * base has it; this node is a master, and what it shows others may have seen; a record that stays depends on it. There are
   * none unless a retirement was forced, or another one was decided at the same time. Returns those streams.
   */
  keep(ends: Map<StreamId, number>, base: Vector, isMaster: boolean): HeldStream[] {
    const kept: HeldStream[] = [];
    const keep = (id: StreamId) => {
      const stream = this.log.stream(id);
      if (ends.delete(id) && stream !== undefined) kept.push(stream);
    };
    for (const [id, end] of [...ends]) {
      const isFolded = (this.log.stream(id)?.truncated ?? 0) > end || positionIn(base, id) > end;
      const isShown = isMaster && this.log.stream(id)?.opening.node !== this.self;
      if (isFolded || isShown) keep(id);
    }
    // What stays of one stream may be built on another one.
    while (ends.size > 0) {
      const more = this.builtOn(ends);
      if (more.length === 0) break;
      more.forEach(keep);
    }
    return kept;
  }

  /**
   * Cuts each stream at its end. Bases are within the ends, and what stands at or before `bound`, up to which they are folded,
   * stands in each tail before all else, as it did. Returns how many records went.
   */
  cut(ends: ReadonlyMap<StreamId, number>, bound: Vector): number {
    const affected = new Map<string, { name: DocumentName; places: PlacedChange[] }>();
    let gone = 0;
    for (const [id, end] of ends) {
      const stream = this.log.stream(id);
      if (stream !== undefined) gone += this.putAside(stream, end, affected);
    }
    if (affected.size > 0) this.collect(ends, affected);
    // Before anything changes: what their readers see by now.
    const entries = [...affected.values()].flatMap(({ name, places }) => {
      const entry = this.documents.find(name);
      return entry === undefined ? [] : [{ entry, places, authors: this.authorsOf(entry) }];
    });
    for (const [id, end] of ends) {
      const stream = this.log.stream(id);
      if (stream === undefined) continue;
      this.log.cut(stream, end);
      if (stream.visible > 0) this.visible.set(id, stream.visible);
      else this.visible.delete(id);
    }
    for (const { entry, places, authors } of entries) this.rebuild(entry, places, authors, ends, bound);
    return gone;
  }

  /** Streams of which something would go that something which stays depends on. */
  private builtOn(ends: Vector): StreamId[] {
    const found = new Set<StreamId>();
    for (const { id, held, truncated } of this.log.streams()) {
      const last = Math.min(held, ends.get(id) ?? held);
      // Of what was let go the first record stays.
      for (let position = 1; position <= last; position = Math.max(position, truncated) + 1)
        for (const [stream, needed] of this.log.record(id, position).deps)
          if (needed > (ends.get(stream) ?? Number.POSITIVE_INFINITY)) found.add(stream);
    }
    return [...found];
  }

  private putAside(
    stream: HeldStream,
    end: number,
    affected: Map<string, { name: DocumentName; places: PlacedChange[] }>,
  ): number {
    for (let position = end + 1; position <= stream.held; position++) {
      const { body, bytes } = this.log.record(stream.id, position);
      if (body.kind !== "change") continue;
      this.on.aside(stream.id, position, bytes);
      if (position > stream.visible) continue;
      const name = headOf(body.change).document;
      affected.set(documentId(name), { name, places: [] });
    }
    return stream.held - end;
  }

  /** Finds all that stays and is shown of the documents, as far as it is kept as records. */
  private collect(
    ends: ReadonlyMap<StreamId, number>,
    affected: ReadonlyMap<string, { places: PlacedChange[] }>,
  ): void {
    for (const { id, visible, truncated } of this.log.streams()) {
      const last = Math.min(visible, ends.get(id) ?? visible);
      for (let position = truncated + 1; position <= last; position++) {
        const { body } = this.log.record(id, position);
        if (body.kind !== "change") continue;
        const document = affected.get(documentId(headOf(body.change).document));
        document?.places.push({ stream: id, position, change: body.change });
      }
    }
  }

  private authorsOf(entry: DocumentEntry): Author[] {
    return Array.from(this.documents.read(entry).seen(), ({ author }) => author);
  }

  private rebuild(
    entry: DocumentEntry,
    places: readonly PlacedChange[],
    authors: readonly Author[],
    ends: ReadonlyMap<StreamId, number>,
    bound: Vector,
  ): void {
    const base = this.documents.baseOf(entry);
    const seen = new Map<Author, CounterRow>();
    const counterOf = (author: Author) => seen.get(author)?.counter ?? base.counter(author);
    const [integrated, duplicates]: PlacedChange[][] = [[], []];
    const take = (some: readonly PlacedChange[]): void => {
      let left = some;
      for (let grows = true; grows; ) {
        grows = false;
        const rest: PlacedChange[] = [];
        for (const place of left) {
          const head = headOf(place.change);
          const isNext = counterOf(head.author) === head.first - 1;
          if (counterOf(head.author) >= head.last) duplicates?.push(place);
          else if (isNext && head.observed.every((dot) => counterOf(dot.author) >= dot.counter)) {
            seen.set(head.author, { counter: head.last, checksum: changeChecksum({ bytes: place.change }) });
            integrated?.push(place);
            grows = true;
          } else rest.push(place);
        }
        left = rest;
      }
    };
    const isFolded = ({ stream, position }: PlacedChange) => position <= positionIn(bound, stream);
    take(places.filter(isFolded));
    take(places.filter((place) => !isFolded(place)));
    // What is left was quarantined before, and is again.
    for (const author of authors) {
      const known = this.counters.get(entry.number, author);
      const counter = base.counter(author);
      const row = seen.get(author) ?? {
        counter,
        checksum: known.counter === counter ? known.checksum : UNKNOWN_CHECKSUM,
      };
      if (row.counter !== known.counter || row.checksum !== known.checksum)
        this.counters.set(entry.number, author, row);
    }
    const standsAlso = (duplicates ?? []).filter(({ change }) => {
      const { author, last } = headOf(change);
      const row = this.counters.get(entry.number, author);
      return row.counter > last || isOf(row, { bytes: change });
    });
    this.documents.rebuild(entry, integrated ?? [], standsAlso, ends);
    this.on.cut(entry.name);
  }
}
