import type { DocumentName, MutableVector, StreamId, Vector } from "@syncline/core";
import { covers, documentId, joinInto, positionIn } from "@syncline/core";
import type { Limits } from "@syncline/protocol";
import type { Logger, Scheduler, Storage } from "../ports.js";
import { type DocumentEntry, type Documents, documentIn } from "./documents.js";
import type { Journal } from "./journal.js";
import type { HeldStream, Log } from "./log.js";
import type { Retention } from "./retention.js";
import { baseVectorKey, vectorRow } from "./tables.js";

/**
 * Bases: the beginning of every document's tail, folded into a state, and the beginning of every stream, let go.
 *
 * Folding and truncating happen up to the *base vector*: something that this node has shown to its readers as one cut,
 * that its disk has, and that is safe (SPINE 10, 11). It must have been shown as it is: only then are the changes in
 * it exactly those that were integrated by that moment, also where one change stands in two streams. So a mark is
 * set at what is visible, and becomes the base vector once all of it has become safe.
 *
 * A document is folded when its tail has become long; a shorter tail, when nothing has come for a moment and it is worth
 * it (0114). A base is written as a whole, so a large one waits until what is folded into it is worth that, and takes more changes
 * at once. The work is done in slices of a bounded number of changes, the next one when the disk has the last, and nobody waits
 * for it. A record goes in the same commit as the base that has its change, or in a later one.
 */
export class Bases {
  /** The base vector. No document's base is beyond it. */
  readonly vector: MutableVector;
  private mark: { readonly vector: Vector; readonly journal: number } | undefined;
  /** Documents with a long tail. */
  private readonly long = new Map<string, LongTail>();
  /** Documents that are worth folding as soon as they are quiet, and how long their tails were when they were looked at. */
  private readonly growing = new Map<string, { readonly name: DocumentName; tailLength: number }>();
  /** The vector has moved, or documents have come, since long tails were last gone through. */
  private isNews = false;
  /** There was enough to be let go when that was last looked at. */
  private isDue = false;
  /** Whether so much may go by what is shown that it would be, when that was last looked at. */
  private mightGo = false;
  private isBusy = false;
  private isStopped = false;

  constructor(
    private readonly log: Log,
    private readonly documents: Documents,
    private readonly visible: Vector,
    private readonly journal: Journal,
    private readonly retention: Retention,
    private readonly ports: {
      readonly storage: Storage;
      readonly scheduler: Scheduler;
      readonly log: Logger;
    },
    private readonly limits: Limits,
    private readonly on: {
      /** A snapshot at the base vector is being sent, or one is being taken in: the vector stays where it is. */
      isPinned(): boolean;
      /** What was purged stands in records still: they go as soon as they may, however few they are. */
      isPurging(): boolean;
      /** Somebody waits for the vector to move on. */
      isWanted(): boolean;
      /** Records beyond these vectors are kept for whoever has just had a snapshot. */
      floors(): Iterable<Vector>;
      afterDurable(mark: number, then: () => void): void;
      settled(): void;
    },
  ) {
    const value = ports.storage.get(baseVectorKey());
    this.vector = new Map(value === undefined ? [] : vectorRow.decode(baseVectorKey(), value));
    for (const stream of log.streams())
      stream.safe = Math.max(stream.safe, Math.min(stream.visible, positionIn(this.vector, stream.id)));
  }

  /** A change has been integrated: is the document's tail long by now? */
  integrated(entry: DocumentEntry): void {
    const { foldTailChanges, foldQuietChanges } = this.limits;
    const count = tailOf(entry);
    if (count >= foldQuietChanges && count % foldQuietChanges === 0) this.grows(entry);
    if (count < foldTailChanges || count % foldTailChanges !== 0) return;
    if (!isWorthAll(entry, LONG_WORTH) || this.long.size >= this.limits.foldsWaitingMax) return;
    this.waits({ name: entry.name, least: foldTailChanges, worth: LONG_WORTH });
  }

  /** Somebody was sent the document and its tail: the next one gets it in one piece, if it stays as it is. */
  served(entry: DocumentEntry): void {
    if (tailOf(entry) >= this.limits.foldQuietChanges) this.grows(entry);
  }

  /** Looks which tails have become quiet, and whether there is enough to be let go. Called a few times a second. */
  look(): boolean {
    this.retention.look();
    this.lookAtGrowing();
    // What is shown moves with the log.
    if (this.retention.hasMoved() || this.on.isPurging()) this.mightGo = this.mayGo(this.visible);
    this.isDue = this.mightGo;
    return this.isDue || (this.isNews && this.long.size > 0);
  }

  /** It is not before the second look that a document can be seen to be quiet. */
  private grows({ name }: DocumentEntry): void {
    const id = documentId(name);
    if (this.growing.has(id) || this.growing.size >= this.limits.foldsWaitingMax) return;
    this.growing.set(id, { name, tailLength: 0 });
  }

  private lookAtGrowing(): void {
    const { foldQuietChanges, foldQuietBytesMax, foldsWaitingMax } = this.limits;
    for (const [id, seen] of this.growing) {
      const entry = this.documents.find(seen.name);
      if (entry !== undefined && entry.tailLength !== seen.tailLength) {
        seen.tailLength = entry.tailLength;
        continue;
      }
      if (this.long.size >= foldsWaitingMax) return;
      this.growing.delete(id);
      if (entry === undefined || tailOf(entry) < foldQuietChanges || this.long.has(id)) continue;
      if ((entry.base?.bytes ?? 0) > foldQuietBytesMax || !isWorthAll(entry, QUIET_WORTH)) continue;
      this.waits({ name: entry.name, least: foldQuietChanges, worth: QUIET_WORTH });
    }
  }

  private waits(tail: LongTail): void {
    this.long.set(documentId(tail.name), tail);
    this.isNews = true;
  }

  /** A snapshot was taken in: it is part of what is folded. */
  jumped(vector: Vector): void {
    joinInto(this.vector, vector);
    this.mark = undefined;
    this.write();
  }

  /** Streams were cut beyond the vector: what was marked may have had something of that. */
  cut(): void {
    this.mark = undefined;
  }

  /** Sets and moves the mark, and begins a slice if there is work. Called once per turn. */
  settle(): void {
    if (this.isStopped || this.on.isPinned()) return;
    this.advance();
    if (this.isBusy || !this.hasWork()) return;
    this.isBusy = true;
    this.ports.scheduler.after(this.limits.foldPauseMs, () => this.slice());
  }

  stop(): void {
    this.isStopped = true;
  }

  private advance(): void {
    if (this.mark === undefined) {
      const isWanted = this.long.size > 0 || this.isDue || this.on.isWanted();
      if (!isWanted || covers(this.vector, this.visible)) return;
      this.mark = { vector: new Map(this.visible), journal: this.journal.mark() };
    }
    const { mark } = this;
    if (this.journal.durableMark < mark.journal || !covers(this.log.durable, mark.vector)) return;
    for (const [stream, position] of mark.vector) if ((this.log.stream(stream)?.safe ?? 0) < position) return;
    joinInto(this.vector, mark.vector);
    this.mark = undefined;
    this.isNews = true;
    this.on.settled();
    this.write();
  }

  private write(): void {
    this.journal.put(baseVectorKey(), vectorRow.encode(baseVectorKey(), this.vector));
  }

  private hasWork(): boolean {
    if (this.vector.size === 0) return false;
    if (this.isNews && this.long.size > 0) return true;
    return this.isDue && this.mayGo(this.bound());
  }

  private mayGo(upTo: Vector): boolean {
    return this.retention.isDue(upTo) || (this.on.isPurging() && this.retention.goals(upTo).size > 0);
  }

  /** Up to where records may go: at most to the base vector. */
  private bound(): Vector {
    const bound = new Map(this.vector);
    for (const floor of this.on.floors())
      for (const [stream, position] of bound)
        bound.set(stream, Math.min(position, positionIn(floor, stream)));
    return bound;
  }

  private slice(): void {
    this.isBusy = false;
    if (this.isStopped || this.on.isPinned()) return;
    let left = this.foldLong(this.limits.foldChangesMax);
    const goals = left > 0 && this.isDue ? this.retention.goals(this.bound()) : new Map<StreamId, number>();
    const before = left;
    for (const [id, goal] of goals) {
      const stream = this.log.stream(id);
      if (stream !== undefined && left > 0) left = this.truncate(stream, goal, left);
    }
    // Nothing can go at present. It is looked at again a little later.
    if (left === before) this.isDue = false;
    this.isBusy = true;
    this.on.afterDurable(this.journal.mark(), () => {
      this.isBusy = false;
      this.on.settled();
    });
  }

  private foldLong(changesMax: number): number {
    let left = changesMax;
    for (const [id, { name, least, worth }] of this.long) {
      if (left <= 0) return 0;
      const entry = this.documents.find(name);
      if (entry !== undefined)
        left -= this.documents.fold(entry, this.vector, left, (changes, bytes) =>
          isWorth(entry, worth, changes, bytes),
        );
      // What is left of the tail waits for the next vector, if it is still long and worth it.
      if (entry === undefined || tailOf(entry) < least || !isWorthAll(entry, worth)) this.long.delete(id);
    }
    if (left > 0) this.isNews = false;
    return Math.max(0, left);
  }

  /** Lets go of a stream's records up to `goal`, as many as may be. Returns how many changes more may be looked at. */
  private truncate(stream: HeldStream, goal: number, changesMax: number): number {
    const { log, documents } = this;
    let [left, upTo, bytes] = [changesMax, stream.truncated, 0];
    /** Of each document that was looked at, what its tail begins with in this stream: the records before it are in the base. */
    const begins = new Map<number, number>();
    while (upTo < goal && left > 0) {
      const { body, bytes: record } = log.record(stream.id, upTo + 1);
      // Kept until a version comes that knows what it is.
      if (body.kind === "unknown") break;
      left -= 1;
      if (body.kind === "change") {
        const entry = documents.find(documentIn(body.change));
        if (entry !== undefined) {
          let begin = begins.get(entry.number) ?? documents.tailBegin(entry, stream.id, this.vector);
          while (begin <= upTo + 1 && left > 0) {
            left -= documents.fold(entry, this.vector, left);
            begin = documents.tailBegin(entry, stream.id, this.vector);
          }
          if (begin <= upTo + 1) break;
          begins.set(entry.number, begin);
        }
      }
      upTo += 1;
      if (upTo > 1) bytes += record.length;
    }
    if (upTo === stream.truncated) return left;
    log.truncate(stream, upTo, bytes);
    this.ports.log.debug("truncated", { stream: stream.id, node: stream.opening.node, upTo });
    return left;
  }
}

/** A document that waits to be folded. */
interface LongTail {
  readonly name: DocumentName;
  /** How long its tail must be to be folded once more. */
  readonly least: number;
  readonly worth: number;
}

/** Changes that the document has beyond its base. */
const tailOf = ({ base, tailLength }: DocumentEntry): number => tailLength - (base?.sequence ?? 0);

/** Folding costs as much as the base is large: what is folded must have so many bytes, times `worth`, that it is worth it. */
const isWorth = ({ base }: DocumentEntry, worth: number, changes: number, bytes: number): boolean =>
  Math.max(bytes, changes * CHANGE_BYTES_MIN) * worth >= (base?.bytes ?? 0);

const isWorthAll = (entry: DocumentEntry, worth: number): boolean =>
  isWorth(entry, worth, tailOf(entry), entry.tailBytes);

const LONG_WORTH = 1;
/** A quiet document has nothing better to do, and somebody who opens it waits. */
const QUIET_WORTH = 4;

/** No change is shorter. */
const CHANGE_BYTES_MIN = 32;
