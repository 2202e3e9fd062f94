import type { DocumentName, StreamId, Vector } from "@syncline/core";
import { Document, documentId, Malformed, vectorsEqual } from "@syncline/core";
import {
  type Complete,
  type Fault,
  fault,
  type Limits,
  type Piece,
  readRecord,
  type Snapshot,
} from "@syncline/protocol";
import type { Clock, Logger, Scheduler, Storage } from "../ports.js";
import type { AuthorCounters } from "./counters.js";
import type { Documents, StagedDocuments } from "./documents.js";
import type { Journal } from "./journal.js";
import type { HeadRecord } from "./log.js";
import type { NodeLink } from "./peers.js";
import {
  type ArrivalRow,
  allStaged,
  arrivalKey,
  arrivalRow,
  DamagedStore,
  documentOfKey,
  type StagedRow,
  stagedKey,
  stagedOf,
  stagedRow,
} from "./tables.js";

/**
 * Receiving a snapshot: this node needs records that nobody who could provide them has any more.
 *
 * Its documents are *staged* on the disk as they come, seen by nobody. When all are there, one commit makes them part of
 * what is shown, however many they are: from then on each is joined into the base of its document when that is first
 * needed, and one after the other otherwise (SPINE 11). What this node had beyond the snapshot is played on top of it;
 * nothing is overwritten. A link that breaks, and a crash, cost no more than the document that was under way.
 */
type Arrival = { -readonly [Name in keyof ArrivalRow]: ArrivalRow[Name] };

/** Documents that are taken in before others have their turn. */
const DOCUMENTS_PER_SLICE = 50;

export class Receiving {
  private arrival: Arrival | undefined;
  private link: NodeLink | undefined;
  private heardAt = 0;
  /** Links that have been asked and did not answer. */
  private readonly silent = new WeakSet<NodeLink>();
  /** The document that is under way. */
  private partial: { readonly name: DocumentName; readonly parts: Uint8Array[]; length: number } | undefined;
  private documentsHere = 0;
  private isChanged = false;
  /** Another snapshot's remains are being cleared away, or the last of this one is on its way to the disk. */
  private isBusy = false;
  private isStopped = false;
  /** The snapshot takes the place of what is here. */
  private repairing = false;

  constructor(
    private readonly documents: Documents,
    private readonly counters: AuthorCounters,
    private readonly journal: Journal,
    private readonly ports: {
      readonly storage: Storage;
      readonly clock: Clock;
      readonly scheduler: Scheduler;
      readonly log: Logger;
    },
    private readonly limits: Limits,
    private readonly on: {
      /** All of it is here: it is held, on its way to the disk, and shown. */
      arrived(vector: Vector, heads: ReadonlyMap<StreamId, readonly HeadRecord[]>): void;
      /** What this node shows. */
      visible(): Vector;
      afterDurable(mark: number, then: () => void): void;
    },
  ) {
    const value = ports.storage.get(arrivalKey());
    if (value !== undefined) this.arrival = arrivalRow.decode(arrivalKey(), value);
    if (this.arrival?.complete === true) this.documents.beginArrival(this.staged(this.arrival.vector));
    journal.beforeCommit(() => this.writeRow());
  }

  /** A snapshot is complete, and not all of its documents are in their place. */
  get isArriving(): boolean {
    return this.arrival?.complete === true;
  }

  /** It is had to take the place of what is here. */
  get isRepairing(): boolean {
    return this.repairing;
  }

  /** One is on its way. */
  get isUnderWay(): boolean {
    return this.link !== undefined;
  }

  start(): void {
    if (this.isArriving) this.takeInSlice();
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Has a snapshot of now from this peer, to replace what is here. False if one is on its way. */
  repair(link: NodeLink): boolean {
    if (this.link !== undefined || this.isArriving || this.isBusy || this.repairing) return false;
    this.repairing = true;
    this.arrival = undefined;
    this.silent.delete(link);
    this.ask(link, this.on.visible());
    return true;
  }

  /** This node needs what only a snapshot of this peer has. */
  want(link: NodeLink): void {
    if (this.link !== undefined || this.isArriving || this.isBusy || this.silent.has(link)) return;
    this.ask(link, this.arrival?.after === undefined ? new Map() : this.arrival.vector);
  }

  private ask(link: NodeLink, vector: Vector): void {
    this.link = link;
    this.heardAt = this.ports.clock.monotonic();
    this.partial = undefined;
    this.documentsHere = 0;
    link.channel.send({
      kind: "fetch",
      vector: new Map(vector),
      after: this.arrival?.after ?? { collection: "", key: "" },
    });
  }

  /** A snapshot begins, or goes on. */
  begin(link: NodeLink, { vector, openings, rules = [] }: Snapshot): void {
    if (link !== this.link || this.isBusy) return;
    this.heardAt = this.ports.clock.monotonic();
    const heads = new Map<StreamId, HeadRecord[]>(
      openings.map(({ stream, record }) => [stream, [{ position: 1, record }]]),
    );
    for (const { stream, position, record } of rules) heads.get(stream)?.push({ position, record });
    try {
      for (const stream of vector.keys()) {
        if (!heads.has(stream)) throw new Malformed("it has no opening");
        for (const { position, record } of heads.get(stream) ?? []) readRecord(stream, position, record);
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.refuse(fault("MALFORMED_MESSAGE", `a stream of a snapshot: ${error.message}`));
      return;
    }
    const goesOn = this.arrival?.after !== undefined && vectorsEqual(this.arrival.vector, vector);
    this.ports.log.info(goesOn ? "snapshot-resumed" : "snapshot-receiving", { node: link.peer.name });
    if (goesOn) this.grant(link, this.limits.snapshotWindowBytes);
    else this.beginAnew(link, vector, heads);
  }

  piece(link: NodeLink, { document: name, offset, total, bytes }: Piece): void {
    if (link !== this.link || this.arrival === undefined || this.isBusy) return;
    this.heardAt = this.ports.clock.monotonic();
    if (offset === 0) this.partial = { name, parts: [], length: 0 };
    const { partial } = this;
    if (
      partial === undefined ||
      documentId(partial.name) !== documentId(name) ||
      partial.length !== offset ||
      offset + bytes.length > total ||
      bytes.length === 0
    ) {
      this.refuse(fault("MALFORMED_MESSAGE", "a piece of a snapshot is out of order"));
      return;
    }
    partial.parts.push(bytes);
    partial.length += bytes.length;
    if (partial.length === total && !this.stage(name, joined(partial.parts, total))) return;
    const mark = this.journal.mark();
    this.on.afterDurable(mark, () => {
      if (link === this.link) this.grant(link, bytes.length);
    });
  }

  complete(link: NodeLink, { documents }: Complete): void {
    const { arrival } = this;
    if (link !== this.link || arrival === undefined || this.isBusy) return;
    if (this.partial !== undefined || documents !== this.documentsHere) {
      this.refuse(fault("MALFORMED_MESSAGE", `${this.documentsHere} documents, not ${documents}`));
      return;
    }
    this.link = undefined;
    this.isBusy = true;
    // What is staged can be read once the disk has it.
    this.on.afterDurable(this.journal.mark(), () => {
      if (this.isStopped) return;
      this.isBusy = false;
      arrival.complete = true;
      this.isChanged = true;
      this.on.arrived(arrival.vector, arrival.heads);
      this.documents.beginArrival(this.staged(arrival.vector));
      this.ports.log.info("snapshot-received", { node: link.peer.name, documents });
      this.takeInSlice();
    });
  }

  lost(link: NodeLink): void {
    if (link !== this.link) return;
    this.link = undefined;
    this.partial = undefined;
    // Whoever wants it repaired asks again. All of it is not here yet: it would come over no link any more.
    this.repairing = false;
  }

  /** A sender that is silent for long is left. Called a few times a second. */
  look(): void {
    const { link } = this;
    if (link === undefined || this.ports.clock.monotonic() - this.heardAt < this.limits.providerStallMs)
      return;
    this.silent.add(link);
    this.ports.scheduler.after(this.limits.providerStallMs, () => this.silent.delete(link));
    this.lost(link);
  }

  /** What was staged of another snapshot goes before the first of this one comes. */
  private beginAnew(
    link: NodeLink,
    vector: Vector,
    heads: ReadonlyMap<StreamId, readonly HeadRecord[]>,
  ): void {
    this.isBusy = true;
    this.on.afterDurable(this.journal.mark(), () => {
      if (this.isStopped) return;
      for (const [key] of this.ports.storage.scan(allStaged())) this.journal.put(key, undefined);
      this.isBusy = false;
      this.arrival = { vector, heads, after: undefined, complete: false };
      this.isChanged = true;
      this.journal.rowsChanged();
      if (link === this.link) this.grant(link, this.limits.snapshotWindowBytes);
    });
  }

  /** Looks a document through, as whatever comes from outside, and puts it aside. */
  private stage(name: DocumentName, bytes: Uint8Array): boolean {
    const key = stagedKey(name);
    this.partial = undefined;
    let row: StagedRow;
    try {
      row = stagedRow.decode(key, bytes);
    } catch (error) {
      if (!(error instanceof DamagedStore)) throw error;
      this.refuse(fault("MALFORMED_MESSAGE", `${documentId(name)} of a snapshot: ${error.message}`));
      return false;
    }
    const state = Document.decodeState(row.state);
    if (!state.ok || documentId(state.value.name) !== documentId(name) || !sameCounters(state.value, row)) {
      const reason = state.ok ? "its counters are not those of its state" : state.fault.reason;
      this.refuse(fault("MALFORMED_MESSAGE", `${documentId(name)} of a snapshot: ${reason}`));
      return false;
    }
    this.journal.put(key, bytes);
    if (this.arrival !== undefined) this.arrival.after = name;
    this.documentsHere += 1;
    this.isChanged = true;
    return true;
  }

  private refuse(why: Fault): void {
    const { link } = this;
    this.link = undefined;
    this.partial = undefined;
    this.repairing = false;
    link?.channel.end(why);
  }

  private grant(link: NodeLink, bytes: number): void {
    link.channel.send({ kind: "grant", bytes });
  }

  private staged(vector: Vector): StagedDocuments {
    const { storage } = this.ports;
    return {
      vector,
      find: (name) => {
        const key = stagedKey(name);
        const value = storage.get(key);
        return value === undefined ? undefined : stagedRow.decode(key, value);
      },
      keys: (collection, after, limit) =>
        Array.from(
          storage.scan({ ...stagedOf(collection, after), limit }),
          ([key]) => documentOfKey(key).key,
        ),
      taken: (entry, row) => {
        for (const { author, counter, checksum } of row.counters)
          if (counter > this.counters.get(entry.number, author).counter)
            this.counters.set(entry.number, author, { counter, checksum });
        this.journal.put(stagedKey(entry.name), undefined);
      },
    };
  }

  /** Takes in some documents, and the next when the disk has those. */
  private takeInSlice(): void {
    this.on.afterDurable(this.journal.mark(), () => {
      if (this.isStopped) return;
      const names = Array.from(
        this.ports.storage.scan({ ...allStaged(), limit: DOCUMENTS_PER_SLICE }),
        ([key]) => documentOfKey(key),
      );
      for (const name of names) this.documents.find(name);
      if (names.length > 0) {
        this.ports.scheduler.after(this.limits.foldPauseMs, () => {
          if (!this.isStopped) this.takeInSlice();
        });
        return;
      }
      this.documents.endArrival();
      this.repairing = false;
      this.arrival = undefined;
      this.isChanged = true;
      this.journal.rowsChanged();
      this.ports.log.info("snapshot-taken-in");
    });
  }

  private writeRow(): void {
    if (!this.isChanged) return;
    this.isChanged = false;
    const { arrival } = this;
    this.journal.put(arrivalKey(), arrival && arrivalRow.encode(arrivalKey(), arrival));
  }
}

function joined(parts: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function sameCounters(document: Document, { counters }: StagedRow): boolean {
  const seen = [...document.seen()];
  return (
    seen.length === counters.length &&
    counters.every(({ author, counter }) => document.counter(author) === counter)
  );
}
