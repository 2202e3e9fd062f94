import type { MutableVector, StreamId } from "@syncline/core";
import { BrokenInvariant, covers, positionIn } from "@syncline/core";
import { type Limits, readRecord, type StreamRecord } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import { HeldStream } from "./held-stream.js";
import type { Journal } from "./journal.js";
import { Revision } from "./revision.js";
import {
  allStreams,
  DamagedStore,
  recordKey,
  recordsOf,
  streamKey,
  streamOfKey,
  streamRow,
} from "./tables.js";

/**
 * What a node holds: for each stream a prefix, gapless, in order, once (I2).
 *
 * A record is taken in only when what is held covers its `deps` (SPINE 1), so everything held is causally closed.
 * "Held" is memory; `durable` follows when the journal says so. Records that somebody may still need soon are
 * kept in memory up to a limit, all others are read from the store.
 */
export type { HeldStream };

/** What stands at the head of a stream, and goes with a snapshot: its opening, and the changes of its commit rule. */
export interface HeadRecord {
  readonly position: number;
  readonly record: Uint8Array;
}

export class Log {
  readonly held: MutableVector = new Map();
  readonly durable: MutableVector = new Map();
  /** Moves with every position of every stream. */
  readonly revision = new Revision();
  /** Moves whenever records are let go of, or a whole stream is. */
  readonly lettingGo = new Revision();
  private readonly byId = new Map<StreamId, HeldStream>();
  private readonly recent = new Map<StreamId, RecentRecords>();
  private recentBytes = 0;
  private readonly changed = new Set<HeldStream>();
  private readonly flushing: { mark: number; stream: HeldStream; held: number }[] = [];

  constructor(
    private readonly storage: Storage,
    private readonly journal: Journal,
    private readonly limits: Limits,
  ) {
    for (const [key, value] of storage.scan(allStreams())) this.recover(streamOfKey(key), key, value);
    journal.beforeCommit(() => this.writeRows());
  }

  streams(): Iterable<HeldStream> {
    return this.byId.values();
  }

  stream(id: StreamId): HeldStream | undefined {
    return this.byId.get(id);
  }

  /** Whether this record may be stored now. */
  accepts(record: StreamRecord): boolean {
    return record.position === positionIn(this.held, record.stream) + 1 && covers(this.held, record.deps);
  }

  /** Takes a record in: memory now, disk with the next commit. The caller has asked `accepts`. */
  store(record: StreamRecord): HeldStream {
    if (!this.accepts(record)) {
      throw new BrokenInvariant(`record ${record.stream}:${record.position} is stored before its time`);
    }
    let stream = this.byId.get(record.stream);
    if (stream === undefined) {
      if (record.body.kind !== "opening")
        throw new BrokenInvariant("a stream begins with its opening record");
      stream = new HeldStream(record.stream, record.body.opening, record.bytes, this.revision);
      this.byId.set(stream.id, stream);
    }
    if (record.body.kind === "rule")
      stream.changeRule({ from: record.position, rule: record.body.rule, record: record.bytes });
    stream.held = record.position;
    stream.bytes += record.bytes.length;
    this.held.set(stream.id, record.position);
    this.keepRecent(record);
    this.journal.put(recordKey(record.stream, record.position), record.bytes);
    this.flushes(stream, record.position);
    this.touch(stream);
    return stream;
  }

  /** The stream is held up to here once the disk has what was put by now. */
  private flushes(stream: HeldStream, held: number): void {
    const mark = this.journal.mark();
    const last = this.flushing[this.flushing.length - 1];
    if (last?.stream === stream && last.mark === mark) last.held = held;
    else this.flushing.push({ mark, stream, held });
  }

  /** Visible or commit position of this stream has changed: it is written with the next commit. */
  touch(stream: HeldStream): void {
    this.changed.add(stream);
    this.journal.rowsChanged();
  }

  /** Something is on the disk. Returns whether `durable` moved. */
  reached(mark: number): boolean {
    let count = 0;
    for (const entry of this.flushing) {
      if (entry.mark > mark) break;
      entry.stream.durable = entry.held;
      this.durable.set(entry.stream.id, entry.held);
      count += 1;
    }
    if (count > 0) this.flushing.splice(0, count);
    return count > 0;
  }

  /** A record that is held. From memory, else from the store. */
  record(stream: StreamId, position: number): StreamRecord {
    const recent = this.recent.get(stream)?.at(position);
    if (recent !== undefined) return recent;
    const first = position === 1 ? this.byId.get(stream)?.first : undefined;
    const bytes = first ?? this.storage.get(recordKey(stream, position));
    if (bytes === undefined) throw new DamagedStore(`record ${stream}:${position} is missing`);
    return this.parse(stream, position, bytes);
  }

  /**
   * Lets go of records whose changes are in bases now: from the end of what is gone up to `upTo`. The first one stays,
   * because it says whose stream this is, and those that have changed its commit rule.
   */
  truncate(stream: HeldStream, upTo: number, bytes: number): void {
    for (let position = stream.truncated + 1; position <= upTo; position++)
      if (!isKept(stream, position)) this.journal.put(recordKey(stream.id, position), undefined);
    stream.truncated = upTo;
    stream.bytes = Math.max(0, stream.bytes - bytes);
    this.forgetRecent(stream.id, upTo);
    this.touch(stream);
    this.lettingGo.next();
  }

  /**
   * A snapshot at `position` is here: what this stream brought up to there is held, though not as records. Returns the
   * records up to there that were held and not shown yet.
   */
  jump(id: StreamId, position: number, [opening, ...later]: readonly HeadRecord[]): StreamRecord[] {
    let stream = this.byId.get(id);
    if (stream === undefined) {
      const bytes = opening?.record ?? new Uint8Array(0);
      const { body } = this.parse(id, 1, bytes);
      if (body.kind !== "opening") throw new BrokenInvariant("a stream begins with its opening record");
      stream = new HeldStream(id, body.opening, bytes, this.revision);
      this.byId.set(id, stream);
      this.journal.put(recordKey(id, 1), bytes);
    }
    for (const { position: from, record } of later) {
      const { body } = this.parse(id, from, record);
      if (body.kind !== "rule" || from <= stream.held) continue;
      stream.changeRule({ from, rule: body.rule, record });
      this.journal.put(recordKey(id, from), record);
    }
    const passed: StreamRecord[] = [];
    for (let next = stream.visible + 1; next <= Math.min(position, stream.held); next++)
      passed.push(this.record(id, next));
    if (stream.held < position) {
      for (let next = Math.max(2, stream.truncated + 1); next <= stream.held; next++)
        if (!isKept(stream, next)) this.journal.put(recordKey(id, next), undefined);
      this.forgetRecent(id, stream.held);
      this.recent.set(id, new RecentRecords(position + 1));
      stream.truncated = stream.held = position;
      stream.bytes = 0;
      this.held.set(id, position);
      this.touch(stream);
      this.flushes(stream, position);
    }
    stream.visible = Math.max(stream.visible, position);
    stream.ready = Math.max(stream.ready, position);
    stream.safe = Math.max(stream.safe, position);
    if (!stream.isLocal) stream.committed = Math.max(stream.committed, position);
    this.touch(stream);
    return passed;
  }

  /** Lets go of what a closed stream has beyond its end; of all of it, if that is 0. Its end is on the disk already. */
  cut(stream: HeldStream, end: number): void {
    const { id } = stream;
    this.lettingGo.next();
    for (let position = end + 1; position <= stream.held; position++) {
      stream.bytes = Math.max(0, stream.bytes - this.record(id, position).bytes.length);
      this.journal.put(recordKey(id, position), undefined);
    }
    const recent = this.recent.get(id);
    for (const dropped of recent?.dropAfter(end) ?? []) this.recentBytes -= weightOf(dropped);
    for (const entry of this.flushing) if (entry.stream === stream) entry.held = Math.min(entry.held, end);
    stream.held = end;
    stream.durable = Math.min(stream.durable, end);
    stream.visible = Math.min(stream.visible, end);
    stream.ready = Math.min(stream.ready, end);
    stream.committed = Math.min(stream.committed, end);
    stream.safe = Math.min(stream.safe, end);
    stream.rules = stream.rules.filter(({ from }) => from <= end);
    if (end > 0) {
      this.held.set(id, end);
      if (stream.durable > 0) this.durable.set(id, stream.durable);
      this.touch(stream);
      return;
    }
    for (let at = this.flushing.length - 1; at >= 0; at--)
      if (this.flushing[at]?.stream === stream) this.flushing.splice(at, 1);
    this.byId.delete(id);
    this.held.delete(id);
    this.durable.delete(id);
    this.recent.delete(id);
    this.changed.delete(stream);
    this.journal.put(streamKey(id), undefined);
  }

  /** Encoded records from `first` on, until `bytesMax` is reached; at least one if there is one. */
  recordsFrom(stream: StreamId, first: number, bytesMax: number, countMax: number): Uint8Array[] {
    const last = Math.min(positionIn(this.held, stream), first + countMax - 1);
    const result: Uint8Array[] = [];
    let bytes = 0;
    const recent = this.recent.get(stream);
    if (recent !== undefined && first >= recent.first) {
      for (let position = first; position <= last && bytes < bytesMax; position++) {
        const record = recent.at(position);
        if (record === undefined) break;
        result.push(record.bytes);
        bytes += record.bytes.length;
      }
      return result;
    }
    for (const [, value] of this.storage.scan(recordsOf(stream, first, last))) {
      this.parse(stream, first + result.length, value);
      result.push(value);
      bytes += value.length;
      if (bytes >= bytesMax) break;
    }
    return result;
  }

  /** Forgets the oldest records in memory beyond the limit; those not yet on the disk or not yet visible stay. */
  trim(): void {
    if (this.recentBytes <= this.limits.recentRecordBytesMax) return;
    for (const [id, recent] of this.recent) {
      const stream = this.byId.get(id);
      if (stream === undefined) continue;
      const upTo = Math.min(stream.durable, stream.visible);
      while (this.recentBytes > this.limits.recentRecordBytesMax * KEPT && recent.first <= upTo) {
        const dropped = recent.dropFirst();
        if (dropped === undefined) break;
        this.recentBytes -= weightOf(dropped);
      }
    }
  }

  private forgetRecent(id: StreamId, upTo: number): void {
    const recent = this.recent.get(id);
    while (recent !== undefined && recent.first <= upTo) {
      const dropped = recent.dropFirst();
      if (dropped === undefined) break;
      this.recentBytes -= weightOf(dropped);
    }
  }

  private keepRecent(record: StreamRecord): void {
    let recent = this.recent.get(record.stream);
    if (recent === undefined) {
      recent = new RecentRecords(record.position);
      this.recent.set(record.stream, recent);
    }
    recent.push(record);
    this.recentBytes += weightOf(record);
  }

  private parse(stream: StreamId, position: number, bytes: Uint8Array): StreamRecord {
    try {
      return readRecord(stream, position, bytes);
    } catch (error) {
      throw new DamagedStore(
        `record ${stream}:${position}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  private recover(id: StreamId, key: Uint8Array, value: Uint8Array): void {
    const row = streamRow.decode(key, value);
    const first = this.record(id, 1);
    if (first.body.kind !== "opening") throw new DamagedStore(`stream ${id} does not begin with its opening`);
    const stream = new HeldStream(id, first.body.opening, first.bytes, this.revision);
    stream.held = row.held;
    stream.durable = row.held;
    stream.visible = row.visible;
    stream.ready = row.visible;
    stream.committed = row.committed;
    stream.truncated = row.truncated;
    stream.bytes = row.bytes;
    for (const from of row.rules) {
      const { body, bytes } = this.record(id, from);
      if (body.kind !== "rule") throw new DamagedStore(`record ${id}:${from} is no commit rule`);
      stream.changeRule({ from, rule: body.rule, record: bytes });
    }
    this.byId.set(id, stream);
    this.held.set(id, row.held);
    this.durable.set(id, row.held);
    this.recent.set(id, new RecentRecords(row.held + 1));
  }

  private writeRows(): void {
    for (const stream of this.changed) {
      const key = streamKey(stream.id);
      const rules = stream.rules.map(({ from }) => from);
      const { held, visible, committed, truncated, bytes } = stream;
      this.journal.put(key, streamRow.encode(key, { held, visible, committed, truncated, bytes, rules }));
    }
    this.changed.clear();
  }
}

/** Whether the record stays when those around it go. */
const isKept = ({ rules }: HeldStream, position: number): boolean =>
  position === 1 || rules.some(({ from }) => from === position);

/** Of the memory for recent records, what stays when it is full: little goes at a time, so that memory in use is even. */
const KEPT = 15 / 16;

/** What a record is taken to need in memory: small ones are mostly what is around their bytes. */
const RECORD_BYTES = 400;

const weightOf = ({ bytes }: StreamRecord): number => RECORD_BYTES + bytes.length;

/** A window of consecutive records. Dropping from the front is amortised O(1). */
class RecentRecords {
  private records: StreamRecord[] = [];
  private offset = 0;

  constructor(public first: number) {}

  at(position: number): StreamRecord | undefined {
    return position < this.first ? undefined : this.records[position - this.first + this.offset];
  }

  push(record: StreamRecord): void {
    this.records.push(record);
  }

  /** Those after this position, which are here no more. */
  dropAfter(position: number): StreamRecord[] {
    const dropped = this.records.splice(Math.max(0, position + 1 - this.first) + this.offset);
    if (this.first > position + 1) this.first = position + 1;
    return dropped;
  }

  dropFirst(): StreamRecord | undefined {
    const record = this.records[this.offset];
    if (record === undefined) return undefined;
    this.offset += 1;
    this.first += 1;
    if (this.offset > 1024 && this.offset * 2 > this.records.length) {
      this.records = this.records.slice(this.offset);
      this.offset = 0;
    }
    return record;
  }
}
