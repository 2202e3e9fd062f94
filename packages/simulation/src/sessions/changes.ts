import { Bits } from "./bits.js";
import {
  LEVELS_ASCENDING,
  type Level,
  type Recording,
  type Span,
  type Told,
  type Write,
} from "./recording.js";

/** A change of a recording, with everything that was ever said of it. */
export interface KnownChange {
  readonly index: number;
  readonly write: Write;
  readonly told: Told[];
}

/** What a read shows, in terms of changes. */
export interface Shown {
  readonly whole: Bits;
  /** Of these it shows some ops, and not all. */
  readonly partly: readonly KnownChange[];
  /** Ops that belong to no change. */
  readonly unmade: readonly Span[];
}

/**
 * The changes of a recording, and how ops are traced back to them.
 *
 * It is made from the whole recording before anything is judged: that a change was refused, or rescued, is known only
 * from what comes later.
 */
export class Changes {
  readonly all: KnownChange[] = [];
  /** They never were: refused for good. */
  readonly refused: Bits;
  readonly rescued: Bits;
  /** Cut off by a retirement that could not know of them: nobody is owed them as causes, nor within any bound. */
  readonly givenUp: Bits;
  /** Sessions that were no more before the end. */
  readonly ended = new Set<string>();
  /** Changes that claim an op which another one had. */
  readonly clashes: KnownChange[] = [];
  private readonly byId = new Map<string, KnownChange>();
  private readonly byOp = new Map<string, Map<number, KnownChange>>();
  private readonly byDocument = new Map<string, Bits>();
  /** Reads of an unchanged document share their spans. */
  private readonly known = new WeakMap<readonly Span[], Map<string, Shown>>();

  constructor(readonly recording: Recording) {
    for (const event of recording.events) if (event.did === "write") this.enter(event);
    this.refused = new Bits(this.all.length);
    this.rescued = new Bits(this.all.length);
    this.givenUp = new Bits(this.all.length);
    for (const change of this.all) this.documentOf(change.write.document).add(change.index);
    for (const event of recording.events) {
      if (event.did === "end") this.ended.add(event.session);
      if (event.did !== "told" && event.did !== "rescued" && event.did !== "given-up") continue;
      const change = this.byId.get(event.change);
      if (change === undefined) continue;
      if (event.did === "rescued") this.rescued.add(change.index);
      else if (event.did === "given-up") this.givenUp.add(change.index);
      else change.told.push(event);
      if (event.did === "told" && event.outcome === "rejected") this.refused.add(change.index);
    }
  }

  find(id: string): KnownChange | undefined {
    return this.byId.get(id);
  }

  at(index: number): KnownChange {
    return this.all[index]!;
  }

  none(): Bits {
    return new Bits(this.all.length);
  }

  /** The changes of a document. Not to be changed. */
  documentOf(document: string): Bits {
    let bits = this.byDocument.get(document);
    if (bits === undefined) this.byDocument.set(document, (bits = this.none()));
    return bits;
  }

  /** Those of `owed` that belong to a document, exist, and are not in `shown`. */
  missing(owed: Bits, document: string, { whole }: Shown): KnownChange[] {
    const missing = owed.copy();
    missing.keepOnly(this.documentOf(document));
    missing.removeAll(whole);
    missing.removeAll(this.refused);
    return [...missing].map((index) => this.at(index));
  }

  /** When somebody was told that the change is committed, at a level at which it survives; undefined if never. */
  keptSince({ told }: KnownChange): number | undefined {
    return told.find(
      (event) => event.outcome === "committed" && reaches(event.level, this.recording.survives),
    )?.at;
  }

  /** It was told to be committed, and no failure in this history excuses its loss. */
  mustSurvive(change: KnownChange): boolean {
    const { asked, session } = change.write;
    const isHeld = asked === undefined && !this.ended.has(session);
    return change.told.some(
      ({ outcome, level }) => outcome === "committed" && (isHeld || reaches(level, this.recording.survives)),
    );
  }

  shown(document: string, spans: readonly Span[]): Shown {
    let memory = this.known.get(spans);
    if (memory === undefined) this.known.set(spans, (memory = new Map()));
    let shown = memory.get(document);
    if (shown === undefined) memory.set(document, (shown = this.trace(document, spans)));
    return shown;
  }

  private enter(write: Write): void {
    const change = { index: this.all.length, write, told: [] };
    this.all.push(change);
    this.byId.set(write.change, change);
    const key = authorKey(write.document, write.author);
    let ops = this.byOp.get(key);
    if (ops === undefined) this.byOp.set(key, (ops = new Map()));
    for (let op = write.first; op <= write.last; op++) {
      if (ops.has(op)) this.clashes.push(change);
      else ops.set(op, change);
    }
  }

  private trace(document: string, spans: readonly Span[]): Shown {
    const whole = this.none();
    const unmade: Span[] = [];
    const counts = new Map<KnownChange, number>();
    for (const [author, first, last] of spans) {
      const ops = this.byOp.get(authorKey(document, author));
      for (let op = first; op <= last; op++) {
        const change = ops?.get(op);
        if (change === undefined) unmade.push([author, op, op]);
        else counts.set(change, (counts.get(change) ?? 0) + 1);
      }
    }
    const partly: KnownChange[] = [];
    for (const [change, count] of counts) {
      if (count > change.write.last - change.write.first) whole.add(change.index);
      else partly.push(change);
    }
    return { whole, partly, unmade };
  }
}

export function reaches(level: Level, wanted: Level): boolean {
  return LEVELS_ASCENDING.indexOf(level) >= LEVELS_ASCENDING.indexOf(wanted);
}

function authorKey(document: string, author: number): string {
  return `${author} ${document}`;
}
