import type { Change, Vector } from "@syncline/core";
import { changeId } from "@syncline/core";
import type { OpenDocument, OwnChange, SyncClient } from "@syncline/engine";
import { type SessionRecorder, spansOf } from "./recorder.js";
import type { Span } from "./recording.js";

/**
 * Watches a client and notes what its user is shown, as an app shows it: all documents that are loaded, whenever one of
 * them has changed.
 */
export class Watching {
  private readonly documents = new Map<OpenDocument, readonly Span[]>();
  private readonly own: { readonly own: OwnChange; change: Change; outcome: string }[] = [];
  private isWriting = false;
  /** The token of the last answer, and what it is called in the recording. */
  token: { readonly name: string; readonly vector: Vector } | undefined;

  constructor(
    private readonly engine: SyncClient,
    private readonly notes: SessionRecorder,
  ) {
    engine.onStatus(() => notes.reads(engine.status().provider));
  }

  opened(open: OpenDocument): void {
    this.documents.set(open, []);
    open.onChange(() => this.look());
  }

  /** Runs a transaction; what it shows is noted after it. */
  write(transact: () => OwnChange | undefined): OwnChange | undefined {
    this.isWriting = true;
    let own: OwnChange | undefined;
    try {
      own = transact();
    } finally {
      this.isWriting = false;
    }
    if (own === undefined) return undefined;
    const entry = { own, change: own.change, outcome: "" };
    this.own.push(entry);
    this.notes.wrote(own.change);
    own.onNews(() => this.hear(entry));
    this.look();
    return own;
  }

  /** Its user looks at everything. */
  look(): void {
    if (this.isWriting) return;
    this.renewed();
    for (const [open, before] of this.documents) {
      if (!open.loaded) continue;
      const shows = spansOf(open.document);
      // Equal ones are shared: a recording has many reads, and few of them bring something new.
      const shared = sameSpans(shows, before) ? before : shows;
      this.documents.set(open, shared);
      this.notes.saw(open.id, shared);
    }
  }

  /** The client is no more. What it had been told to be safe stays so. */
  ended(): void {
    this.documents.clear();
    this.notes.ended();
  }

  /** Changes have been made again in their places, as others: one that was refused, and what followed it. */
  private renewed(): void {
    for (const entry of this.own) {
      if (entry.own.change === entry.change) continue;
      this.notes.told(entry.change, { outcome: "rejected", level: "received" });
      const insteadOf = changeId(entry.change);
      entry.change = entry.own.change;
      this.notes.wrote(entry.change, { insteadOf });
    }
  }

  private hear(entry: { readonly own: OwnChange; change: Change; outcome: string }): void {
    this.renewed();
    const { own, change } = entry;
    const outcome = this.outcomeOf(own);
    if (outcome === entry.outcome) return;
    entry.outcome = outcome;
    if (outcome === "rejected") this.notes.told(change, { outcome, level: "received" });
    if (outcome !== "durable" && outcome !== "safe") return;
    const gave = `${changeId(change)} ${outcome}`;
    const { master } = this.engine.status();
    this.notes.told(change, { outcome: "committed", level: outcome, gave, ...(master && { by: master }) });
    if (own.token !== undefined) this.token = { name: gave, vector: own.token };
  }

  private outcomeOf(own: OwnChange): "rejected" | "safe" | "durable" | "" {
    if (own.rejected !== undefined) return "rejected";
    if (!own.confirmed) return "";
    return this.engine.unsafeChanges().includes(own) ? "durable" : "safe";
  }
}

function sameSpans(a: readonly Span[], b: readonly Span[]): boolean {
  return a.length === b.length && a.every(([author, , last], i) => b[i]![0] === author && b[i]![2] === last);
}
