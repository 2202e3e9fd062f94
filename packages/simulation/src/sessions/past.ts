import type { Bits } from "./bits.js";
import type { Changes, KnownChange, Shown } from "./changes.js";
import type { Read, SessionEvent, Write } from "./recording.js";

/** What a session knows at some moment: this is what it is owed from then on. */
export interface Knowledge {
  /** What it has written. */
  readonly written: Bits;
  /** What it was shown. */
  readonly read: Bits;
  /** Of every change that it was shown: what its writer had been shown before. And so on, back to the beginning. */
  readonly causes: Bits;
  /** Of every change that it was shown: what its writer had written before. */
  readonly forerunners: Bits;
}

/** A read, with what is owed to it. */
export interface JudgedRead {
  readonly event: Read;
  readonly shown: Shown;
  /** What the session knew before; causes and forerunners include those of what this read shows. */
  readonly known: Knowledge;
}

/**
 * Goes through the events once and follows what every session knows.
 *
 * Causes are closed: a change takes along all that its writer knew, which had taken along what others knew. A change
 * that was rescued takes along only what is of its own document.
 */
export class Past {
  private readonly sessions = new Map<string, Knowledge>();
  private readonly tokens = new Map<string, Knowledge>();
  /** What the writer of a change knew when it made the change, by the change's index. */
  private readonly before: Knowledge[] = [];

  constructor(private readonly changes: Changes) {}

  /** Takes in the next event; a read comes back judged. */
  next(event: SessionEvent): JudgedRead | undefined {
    switch (event.did) {
      case "write":
        this.write(event);
        return undefined;
      case "told":
        this.told(event.session, this.changes.find(event.change), event.gave);
        return undefined;
      case "read":
        return this.read(event);
      default:
        return undefined;
    }
  }

  /** What the writer of a change knew when it made it. */
  of({ index }: KnownChange): Knowledge {
    return this.before[index] ?? this.nothing();
  }

  /** Whether the change was made by now. */
  hasMade({ index }: KnownChange): boolean {
    return this.before[index] !== undefined;
  }

  private write(event: Write): void {
    const change = this.changes.find(event.change);
    if (change === undefined || this.before[change.index] !== undefined) return;
    const knowledge = this.knowledgeOf(event.session);
    const first = event.insteadOf === undefined ? undefined : this.changes.find(event.insteadOf);
    const before = copied((first && this.before[first.index]) ?? knowledge);
    if (this.changes.rescued.has(change.index)) {
      const document = this.changes.documentOf(event.document);
      for (const bits of partsOf(before)) bits.keepOnly(document);
    }
    this.before[change.index] = before;
    if (event.asked === undefined) knowledge.written.add(change.index);
  }

  private told(session: string, change: KnownChange | undefined, gave: string | undefined): void {
    if (change === undefined) return;
    if (!this.changes.refused.has(change.index)) this.knowledgeOf(session).written.add(change.index);
    if (gave === undefined) return;
    const token = this.nothing();
    token.written.add(change.index);
    this.follow(token, change);
    this.tokens.set(gave, token);
  }

  private read(event: Read): JudgedRead {
    const shown = this.changes.shown(event.document, event.shows);
    const knowledge = this.knowledgeOf(event.session);
    const token = event.took === undefined ? undefined : this.tokens.get(event.took);
    if (token !== undefined) join(knowledge, token);
    const news = shown.whole.copy();
    news.removeAll(knowledge.read);
    for (const index of news) this.follow(knowledge, this.changes.at(index));
    const known = { ...knowledge, read: knowledge.read.copy() };
    knowledge.read.addAll(news);
    if (event.gave !== undefined) this.tokens.set(event.gave, copied(knowledge));
    return { event, shown, known };
  }

  /** Takes in what a change brings with it. */
  private follow(knowledge: Knowledge, change: KnownChange): void {
    const { written, read, causes, forerunners } = this.of(change);
    knowledge.causes.addAll(read);
    knowledge.causes.addAll(causes);
    knowledge.forerunners.addAll(written);
    knowledge.forerunners.addAll(forerunners);
    for (const owed of [knowledge.causes, knowledge.forerunners]) owed.removeAll(this.changes.givenUp);
  }

  private knowledgeOf(name: string): Knowledge {
    let knowledge = this.sessions.get(name);
    if (knowledge === undefined) this.sessions.set(name, (knowledge = this.nothing()));
    return knowledge;
  }

  private nothing(): Knowledge {
    const { changes } = this;
    return {
      written: changes.none(),
      read: changes.none(),
      causes: changes.none(),
      forerunners: changes.none(),
    };
  }
}

function partsOf({ written, read, causes, forerunners }: Knowledge): Bits[] {
  return [written, read, causes, forerunners];
}

function copied({ written, read, causes, forerunners }: Knowledge): Knowledge {
  return {
    written: written.copy(),
    read: read.copy(),
    causes: causes.copy(),
    forerunners: forerunners.copy(),
  };
}

function join(into: Knowledge, from: Knowledge): void {
  into.written.addAll(from.written);
  into.read.addAll(from.read);
  into.causes.addAll(from.causes);
  into.forerunners.addAll(from.forerunners);
}
