import type { Level, Read, Recording, SessionEvent, Span, Told, Write } from "@syncline/simulation";

/**
 * Recordings written by hand. Time goes on by 10 ms with every event, and a change is called whatever the story calls it.
 *
 * Every session has one author; the ops of its changes follow each other in each document.
 */
export class Story {
  readonly events: SessionEvent[] = [];
  private readonly writes = new Map<string, Write>();
  private readonly authors = new Map<string, number>();

  constructor(private readonly survives: Level = "durable") {}

  /** A session makes a change of some ops. */
  write(
    session: string,
    change: string,
    document = "boards/a",
    more: { ops?: number } & Pick<Write, "asked" | "insteadOf"> = {},
  ): this {
    const { ops = 1, ...rest } = more;
    const author = this.author(session);
    const before = [...this.writes.values()].filter(
      (write) => write.author === author && write.document === document,
    );
    const first = (before.at(-1)?.last ?? 0) + 1;
    const write: Write = {
      did: "write",
      at: this.now,
      session,
      change,
      document,
      author,
      first,
      last: first + ops - 1,
      ...rest,
    };
    this.writes.set(change, write);
    return this.add(write);
  }

  /** A session is shown a document with these changes; `x.2` is op 2 of change x alone. */
  read(session: string, document: string, changes: readonly string[], more: Partial<Read> = {}): this {
    const shows = this.spans(changes);
    return this.add({ did: "read", at: this.now, session, document, shows, ...more });
  }

  spans(changes: readonly string[]): Span[] {
    return changes.map((change) => this.span(change));
  }

  /** What a replica has in the end. */
  final(where: string, document: string, changes: readonly string[]): this {
    return this.read(where, document, changes, { final: true });
  }

  told(session: string, change: string, more: Partial<Told> = {}): this {
    const event = { session, change, outcome: "committed", level: "durable" } as const;
    return this.add({ did: "told", at: this.now, ...event, ...more });
  }

  move(session: string, to: string): this {
    return this.add({ did: "move", at: this.now, session, to });
  }

  end(session: string): this {
    return this.add({ did: "end", at: this.now, session });
  }

  givenUp(change: string): this {
    return this.add({ did: "given-up", at: this.now, change });
  }

  rescued(change: string): this {
    return this.add({ did: "rescued", at: this.now, change });
  }

  get recording(): Recording {
    return { events: this.events, survives: this.survives };
  }

  private get now(): number {
    return 10 * (this.events.length + 1);
  }

  private add(event: SessionEvent): this {
    this.events.push(event);
    return this;
  }

  private author(session: string): number {
    const author = this.authors.get(session) ?? this.authors.size + 1;
    this.authors.set(session, author);
    return author;
  }

  private span(text: string): Span {
    const [change = "", op] = text.split(".");
    const write = this.writes.get(change);
    if (write === undefined) return [99, 1, 1];
    const { author, first, last } = write;
    return op === undefined
      ? [author, first, last]
      : [author, first + Number(op) - 1, first + Number(op) - 1];
  }
}
