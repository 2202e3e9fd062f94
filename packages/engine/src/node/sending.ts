import type { DocumentName, Vector } from "@syncline/core";
import { covers, positionIn, vectorsEqual } from "@syncline/core";
import type { Fetch, Limits } from "@syncline/protocol";
import type { Clock, Logger, Scheduler, Storage } from "../ports.js";
import { type AuthorCounters, UNKNOWN_CHECKSUM } from "./counters.js";
import type { DocumentEntry, Documents } from "./documents.js";
import type { Log } from "./log.js";
import type { NodeLink } from "./peers.js";
import { documentOfKey, documentsAfter, stagedKey, stagedRow } from "./tables.js";

/**
 * Sending snapshots: every document as it is at the base vector, to nodes that need records which are gone.
 *
 * While one is sent the base vector stays where it is, so all documents are sent as of one vector, and a receiver whose
 * link has broken can have the rest. Writers are not held up: what they write comes after it, as records, which are
 * kept for the receiver until it has had time to ask for them.
 */
interface Transfer {
  readonly link: NodeLink;
  readonly vector: Vector;
  after: DocumentName | undefined;
  /** The document that is under way. */
  current: { readonly name: DocumentName; readonly bytes: Uint8Array; offset: number } | undefined;
  /** Bytes that the receiver has room for. */
  granted: number;
  documents: number;
  heardAt: number;
}

/** Documents that are made ready in one turn. */
const DOCUMENTS_PER_TURN = 100;

export class Sending {
  private readonly transfers = new Map<NodeLink, Transfer>();
  /** Who asks for a snapshot that covers more than the base vector does yet. */
  private readonly asked = new Map<NodeLink, Fetch>();
  /** Vectors of snapshots that were sent whole: what follows them is kept for a while. */
  private sent: { readonly vector: Vector; readonly until: number }[] = [];
  /** Until then a receiver whose link has ended may come back for the rest. */
  private patientUntil = 0;

  constructor(
    private readonly log: Log,
    private readonly documents: Documents,
    private readonly counters: AuthorCounters,
    /** The base vector. */
    private readonly base: Vector,
    private readonly ports: {
      readonly storage: Storage;
      readonly clock: Clock;
      readonly scheduler: Scheduler;
      readonly log: Logger;
    },
    private readonly limits: Limits,
    private readonly on: {
      /** A snapshot is being taken in here: its documents are not all in their place. */
      isArriving(): boolean;
      more(): void;
    },
  ) {}

  /** Whether the base vector must stay where it is. */
  get isPinning(): boolean {
    return this.transfers.size > 0 || this.ports.clock.monotonic() < this.patientUntil;
  }

  /** Whether somebody waits for the base vector to move on. */
  get isWaitingForBase(): boolean {
    return this.asked.size > 0;
  }

  /** Vectors beyond which records are kept. */
  floors(): Vector[] {
    return this.sent.map(({ vector }) => vector);
  }

  /** Names of the nodes that are being sent one. */
  receivers(): Set<string> {
    return new Set([...this.transfers.keys()].map(({ peer }) => peer.name));
  }

  fetch(link: NodeLink, message: Fetch): void {
    const isOfNow = message.after.collection === "" && !covers(this.base, message.vector);
    if (this.on.isArriving() || this.base.size === 0 || isOfNow) {
      this.asked.set(link, message);
      return;
    }
    this.asked.delete(link);
    if (!this.transfers.has(link) && this.transfers.size >= this.limits.snapshotsSentMax) return;
    const goesOn = message.after.collection !== "" && vectorsEqual(message.vector, this.base);
    const vector = new Map(this.base);
    const openings = [...this.log.streams()].flatMap(({ id: stream, first: record }) =>
      vector.has(stream) ? [{ stream, record }] : [],
    );
    this.transfers.set(link, {
      link,
      vector,
      after: goesOn ? message.after : undefined,
      current: undefined,
      granted: 0,
      documents: 0,
      heardAt: this.ports.clock.monotonic(),
    });
    const rules = [...this.log.streams()].flatMap(({ id: stream, rules }) =>
      rules
        .filter(({ from }) => from <= positionIn(vector, stream))
        .map(({ from: position, record }) => ({ stream, position, record })),
    );
    link.channel.send({ kind: "snapshot", vector, openings, ...(rules.length > 0 && { rules }) });
    this.ports.log.info("snapshot-begun", { node: link.peer.name, resumed: goesOn });
  }

  granted(link: NodeLink, bytes: number): void {
    const transfer = this.transfers.get(link);
    if (transfer === undefined) return;
    transfer.granted += bytes;
    transfer.heardAt = this.ports.clock.monotonic();
  }

  lost(link: NodeLink): void {
    this.asked.delete(link);
    if (this.transfers.delete(link)) this.waitForReturn();
  }

  /** The base vector has moved, because this node has got a snapshot itself: what is being sent is void. */
  jumped(): void {
    this.transfers.clear();
    this.patientUntil = 0;
  }

  /** Sends what the receivers have room for. */
  pump(): void {
    for (const [link, message] of [...this.asked]) this.fetch(link, message);
    let left = DOCUMENTS_PER_TURN;
    for (const transfer of this.transfers.values()) {
      while (left > 0 && transfer.granted > 0 && transfer.link.channel.writable) {
        if (transfer.current === undefined) {
          left -= 1;
          transfer.current = this.next(transfer);
        }
        if (transfer.current === undefined) {
          this.finish(transfer);
          break;
        }
        this.send(transfer, transfer.current);
      }
    }
    if (left <= 0) this.ports.scheduler.after(this.limits.foldPauseMs, () => this.on.more());
  }

  /** Gives up on receivers that are silent. Called a few times a second. */
  look(): void {
    const now = this.ports.clock.monotonic();
    this.sent = this.sent.filter(({ until }) => until > now);
    for (const [link, { heardAt }] of this.transfers)
      if (now - heardAt > this.limits.snapshotPatienceMs) this.transfers.delete(link);
  }

  private send(transfer: Transfer, current: NonNullable<Transfer["current"]>): void {
    const { name, bytes, offset } = current;
    const part = bytes.subarray(offset, offset + this.limits.batchBytes);
    transfer.link.channel.send({ kind: "piece", document: name, offset, total: bytes.length, bytes: part });
    transfer.granted -= part.length;
    current.offset += part.length;
    if (current.offset < bytes.length) return;
    transfer.after = name;
    transfer.documents += 1;
    transfer.current = undefined;
  }

  private finish({ link, vector, documents }: Transfer): void {
    link.channel.send({ kind: "complete", documents });
    this.transfers.delete(link);
    this.waitForReturn();
    this.sent.push({ vector, until: this.patientUntil });
    this.ports.log.info("snapshot-sent", { node: link.peer.name, documents });
  }

  private waitForReturn(): void {
    this.patientUntil = this.ports.clock.monotonic() + this.limits.snapshotPatienceMs;
  }

  /** The next document that has anything at the vector, as the row that the receiver will keep. */
  private next(transfer: Transfer): Transfer["current"] {
    for (;;) {
      const [found] = this.ports.storage.scan({ ...documentsAfter(transfer.after), limit: 1 });
      if (found === undefined) return undefined;
      const name = documentOfKey(found[0]);
      transfer.after = name;
      const entry = this.documents.find(name);
      const bytes = entry && this.row(entry, transfer.vector);
      if (bytes !== undefined) return { name, bytes, offset: 0 };
    }
  }

  private row(entry: DocumentEntry, vector: Vector): Uint8Array | undefined {
    const document = this.documents.documentAt(entry, vector);
    if (document.isEmpty()) return undefined;
    const stored = this.counters.stored(entry.number);
    const counters = [...document.seen()].map(({ author, counter }) => {
      const row = stored.get(author);
      return { author, counter, checksum: row?.counter === counter ? row.checksum : UNKNOWN_CHECKSUM };
    });
    return stagedRow.encode(stagedKey(entry.name), {
      counters,
      state: document.encodeState(),
      places: this.documents.placesOf(entry, vector),
    });
  }
}
