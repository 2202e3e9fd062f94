import type { Author, ChangeHead, MutableVector } from "@syncline/core";
import { covers } from "@syncline/core";
import type { PlacedChange, StreamRecord } from "@syncline/protocol";
import { Commits } from "./commit.js";
import { type AuthorCounters, changeChecksum, isOf } from "./counters.js";
import { type DocumentEntry, type Documents, headOf } from "./documents.js";
import type { HeldStream, Log } from "./log.js";
import { MEMBERS } from "./members.js";
import { Watch } from "./revision.js";
import type { CounterRow } from "./tables.js";

/**
 * What readers of this node may see: the greatest causally closed cut of what is held and committed.
 *
 * A record becomes visible when its stream's rule lets it and what it depends on is visible (SPINE 5, I3). Then
 * its change is integrated, unless the document has it already from another stream: the record is visible all the
 * same. That judgement is made here, against what is visible, and nowhere else.
 */
export interface Integrated {
  readonly entry: DocumentEntry;
  readonly place: PlacedChange;
  readonly head: ChangeHead;
}

export class Visibility {
  readonly visible: MutableVector = new Map();
  private readonly watch: Watch;

  constructor(
    private readonly log: Log,
    private readonly counters: AuthorCounters,
    private readonly documents: Documents,
    private readonly on: {
      /** A record has become visible; it may bring nothing new. */
      visible(record: StreamRecord, head: ChangeHead | undefined): void;
      /** A change has been integrated, once. */
      integrated(change: Integrated): void;
      /** A change that its document has stands at a second place. */
      standsAlso(entry: DocumentEntry, place: PlacedChange): void;
      /** A change is not what its identity stands for here. Its record is visible, it is not. */
      quarantined(change: ChangeHead, reason: string): void;
    },
  ) {
    for (const stream of log.streams()) this.visible.set(stream.id, stream.visible);
    this.watch = new Watch([log.revision]);
  }

  /** A snapshot is here: what it has of a stream is shown, up to this position. */
  jump(stream: HeldStream, passed: readonly StreamRecord[]): void {
    for (const record of passed) this.on.visible(record, headIn(record));
    this.visible.set(stream.id, Math.max(stream.visible, this.visible.get(stream.id) ?? 0));
  }

  /** Shows whatever may be shown by now. Returns whether anything was, or has become ready to be. */
  advance(): boolean {
    if (!this.watch.hasMoved()) return false;
    let any = false;
    for (let progress = true; progress; ) {
      progress = false;
      for (const stream of this.log.streams()) {
        if (this.prepare(stream)) any = true;
        while (stream.visible < Commits.limit(stream) && stream.visible < stream.held) {
          const record = this.log.record(stream.id, stream.visible + 1);
          if (!covers(this.visible, record.deps)) break;
          this.show(stream, record);
          progress = any = true;
        }
      }
    }
    return any;
  }

  /**
   * Moves `ready`. It stops at a change of the member list until that is visible: whether what follows is committed
   * may depend on it.
   */
  private prepare(stream: HeldStream): boolean {
    const before = stream.ready;
    while (stream.ready < stream.held) {
      if (!covers(this.visible, this.log.record(stream.id, stream.ready + 1).deps)) break;
      if (stream.ready > stream.visible && isOfMembers(this.log.record(stream.id, stream.ready))) break;
      stream.ready += 1;
    }
    return stream.ready > before && !stream.isLocal;
  }

  private show(stream: HeldStream, record: StreamRecord): void {
    const head = headIn(record);
    record.head = undefined;
    if (head !== undefined && record.body.kind === "change") this.integrate(record, record.body.change, head);
    stream.visible = record.position;
    stream.ready = Math.max(stream.ready, record.position);
    this.visible.set(stream.id, record.position);
    this.log.touch(stream);
    this.on.visible(record, head);
  }

  private integrate(record: StreamRecord, change: Uint8Array, head: ChangeHead): void {
    const known = this.documents.find(head.document);
    const seen = this.counterOf(known, head.author);
    const checksum = changeChecksum({ bytes: change });
    if (seen.counter >= head.last) {
      // It stands in another stream too, and came from there. Or another change with its dots did.
      if (seen.counter === head.last && !isOf(seen, { bytes: change })) {
        this.on.quarantined(head, "another change with these dots was integrated before");
      } else if (known !== undefined) {
        this.on.standsAlso(known, { stream: record.stream, position: record.position, change });
      }
      return;
    }
    const misfit = this.misfit(known, head, seen.counter);
    if (misfit !== undefined) {
      this.on.quarantined(head, misfit);
      return;
    }
    const entry = known ?? this.documents.obtain(head.document);
    this.counters.set(entry.number, head.author, { counter: head.last, checksum });
    const place = { stream: record.stream, position: record.position, change };
    this.documents.integrate(entry, place);
    this.on.integrated({ entry, place, head });
  }

  /**
   * Why a change that is causally ready does not fit its document; undefined if it does. It always does unless
   * somebody gave one identity to two changes and offered them to two masters at once. That must not stop anybody:
   * the record keeps its place, its change is kept aside, and the operator is told.
   */
  private misfit(entry: DocumentEntry | undefined, head: ChangeHead, counter: number): string | undefined {
    if (counter !== head.first - 1) return `the author's counter is ${counter} here`;
    for (const dot of head.observed) {
      const held = this.counterOf(entry, dot.author).counter;
      if (held < dot.counter)
        return `it observed ${dot.author}:${dot.counter}, and here that author is at ${held}`;
    }
    return undefined;
  }

  /** Of a document that nobody has seen there is nothing. */
  private counterOf(entry: DocumentEntry | undefined, author: Author): CounterRow {
    return entry === undefined ? { counter: 0, checksum: 0 } : this.counters.get(entry.number, author);
  }
}

/** Of the record's change, if it has one. Whoever took the record in has mostly read it just now. */
function headIn({ head, body }: StreamRecord): ChangeHead | undefined {
  return body.kind === "change" ? (head ?? headOf(body.change)) : undefined;
}

function isOfMembers(record: StreamRecord): boolean {
  const document = headIn(record)?.document;
  return document?.collection === MEMBERS.collection && document.key === MEMBERS.key;
}
