import type { Doc, Receipt } from "@syncline/client";
import { Recorder, type SessionRecorder, type Span } from "@syncline/simulation";
import type { Server } from "./server.js";

/**
 * Clients and HTTP callers of real processes whose every write can be recognised in what anybody is shown: its first and
 * its last op add an element of their own to a set. So one sees from a value alone which changes are in it, whole or
 * torn, without a look into any process.
 */
const MARKS = "marks";

export class Watch {
  readonly recorder = new Recorder(() => Math.round(performance.now()));
  private authors = 0;

  session(name: string): WatchedSession {
    this.authors += 1;
    return new WatchedSession(this.recorder.session(name), this.authors);
  }

  /** Names of changes as servers know them, for what servers log. */
  readonly known = new Map<string, string>();

  /** A server has logged that a change was rescued. */
  rescued(change: string): void {
    const name = this.known.get(change);
    if (name !== undefined) this.recorder.rescued(name);
  }
}

export class WatchedSession {
  private readonly counters = new Map<string, number>();

  constructor(
    readonly notes: SessionRecorder,
    readonly author: number,
  ) {}

  /** Notes a write that is about to be made, and returns its marks. */
  writes(document: string, asked?: true): Marked {
    const first = (this.counters.get(document) ?? 0) + 1;
    this.counters.set(document, first + 1);
    const change = `${document}@${this.author}:${first}-${first + 1}`;
    const [collection = "", key = ""] = document.split("/");
    const made = { document: { collection, key }, author: this.author, first, last: first + 1 };
    this.notes.wrote(made, asked && { asked });
    return { change, marks: [`${this.author}:${first}`, `${this.author}:${first + 1}`] };
  }

  told(change: string, { outcome, token }: Pick<Receipt, "outcome" | "token">): void {
    const gave = outcome === "committed" && token !== undefined ? { gave: token } : {};
    this.notes.toldOf(change, { outcome, level: "durable", ...gave });
  }

  looks(documents: readonly Doc[], ids: readonly string[]): void {
    documents.forEach((document, index) => {
      this.notes.saw(ids[index] ?? "", spansOfMarks(document.toJSON()));
    });
  }
}

export interface Marked {
  readonly change: string;
  readonly marks: readonly [string, string];
}

/** Asks servers over HTTP, and sends back the token of each answer. */
export class HttpCaller {
  private token = "";

  constructor(private readonly session: WatchedSession) {}

  async read(server: Server, document: string, maxStalenessMs?: number): Promise<void> {
    const bound = maxStalenessMs === undefined ? {} : { maxStalenessMs };
    const at = Math.round(performance.now());
    const query = maxStalenessMs === undefined ? "" : `?maxStalenessMs=${maxStalenessMs}`;
    const response = await this.answer(() => server.get(`/v1/docs/${document}${query}`, this.headers));
    if (response === undefined || (!response.ok && response.status !== 404)) return;
    const { value = {} } = (await response.json()) as { value?: object };
    this.keep(response);
    this.session.notes.saw(document, spansOfMarks(value), { at, where: server.name, ...bound });
  }

  async write(server: Server, document: string): Promise<void> {
    const { change, marks } = this.session.writes(document, true);
    const [first, last] = marks.map((value) => ({ field: MARKS, op: "add", value }));
    const ops = [first, { field: "votes", op: "increment" }, last];
    const response = await this.answer(() => server.post(`/v1/docs/${document}`, ops, this.headers));
    if (response === undefined || !response.ok) return;
    this.keep(response);
    const { outcome } = (await response.json()) as Pick<Receipt, "outcome">;
    this.session.told(change, { outcome, token: undefined });
  }

  private get headers(): Record<string, string> {
    return this.token === "" ? {} : { "Syncline-Token": this.token };
  }

  private keep(response: Response): void {
    this.token = response.headers.get("Syncline-Token") ?? this.token;
  }

  /** Undefined if the server is not there. */
  private async answer(ask: () => Promise<Response>): Promise<Response | undefined> {
    try {
      return await ask();
    } catch {
      return undefined;
    }
  }
}

/** The marks in a value, as ops. */
export function spansOfMarks(value: object): Span[] {
  const marks = (value as { [MARKS]?: readonly string[] })[MARKS] ?? [];
  return marks.map((mark): Span => {
    const [author, op] = mark.split(":").map(Number);
    return [author ?? 0, op ?? 0, op ?? 0];
  });
}
