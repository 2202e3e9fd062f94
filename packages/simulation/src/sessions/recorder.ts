import type { BareDocument, ChangeHead } from "@syncline/core";
import { changeId, documentId } from "@syncline/core";
import type { Level, Read, Recording, SessionEvent, Span, Told, Write } from "./recording.js";

/** Notes what the sessions of a cluster do and see, whether it is simulated or real. */
export class Recorder {
  private readonly events: SessionEvent[] = [];
  private readonly lives = new Map<string, number>();

  /** `now` is the clock of whoever watches; no process's own. */
  constructor(private readonly now: () => number) {}

  recording(survives: Level): Recording {
    return { events: this.events, survives };
  }

  /** A new session. A later one of the same name is told apart: `c1`, `c1 (2)`. */
  session(name: string): SessionRecorder {
    const life = (this.lives.get(name) ?? 0) + 1;
    this.lives.set(name, life);
    return new SessionRecorder(life === 1 ? name : `${name} (${life})`, this.now, this.events);
  }

  /** What a replica has in the end. */
  final(where: string, id: string, document: BareDocument | undefined): void {
    const shows = document === undefined ? [] : spansOf(document);
    this.events.push({ did: "read", at: this.now(), session: where, document: id, shows, final: true });
  }

  rescued(change: string): void {
    this.events.push({ did: "rescued", at: this.now(), change });
  }

  givenUp(change: string): void {
    this.events.push({ did: "given-up", at: this.now(), change });
  }
}

type Identity = Pick<ChangeHead, "document" | "author" | "first" | "last">;
type News = Pick<Told, "outcome" | "level" | "by" | "gave">;

export class SessionRecorder {
  private provider = "";

  constructor(
    readonly name: string,
    private readonly now: () => number,
    private readonly events: SessionEvent[],
  ) {}

  wrote(change: Identity, more: Pick<Write, "asked" | "insteadOf"> = {}): void {
    const { author, first, last } = change;
    const document = documentId(change.document);
    const write = { did: "write", change: changeId(change), document, author, first, last } as const;
    this.events.push({ ...this.event, ...write, ...more });
  }

  told(change: Identity, news: News): void {
    this.toldOf(changeId(change), news);
  }

  toldOf(change: string, news: News): void {
    this.events.push({ ...this.event, did: "told", change, ...news });
  }

  saw(document: string, shows: readonly Span[], more: Partial<Read> = {}): void {
    this.events.push({ ...this.event, did: "read", document, shows, ...more });
  }

  /** It reads from this node now; undefined if from none. */
  reads(from: string | undefined): void {
    if (from === undefined || from === this.provider) return;
    this.provider = from;
    this.events.push({ ...this.event, did: "move", to: from });
  }

  ended(): void {
    this.events.push({ ...this.event, did: "end" });
  }

  private get event(): { at: number; session: string } {
    return { at: this.now(), session: this.name };
  }
}

/** The ops of a document, by its author counters. */
export function spansOf(document: BareDocument): Span[] {
  return Array.from(document.seen(), ({ author, counter }): Span => [author, 1, counter]);
}
