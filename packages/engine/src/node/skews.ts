import {
  type Author,
  type ChangeHead,
  type Conflict,
  conflictId,
  type DocumentName,
  type Draft,
  lwwRegister,
  stampMs,
  type Value,
} from "@syncline/core";
import type { Limits } from "@syncline/protocol";
import type { Documents } from "./documents.js";
import { MEMBERS } from "./members.js";

/**
 * Whose stamps were wrong: authors whose changes came with stamps that lie further ahead than any clock may be, and between
 * which times those lay. What such a change has won over concurrent ones it won by its clock, and is told as `clock_skew`.
 *
 * Whether a stamp is ahead can only be said when it comes, by somebody whose own clock is right. So the masters who see it
 * come write it down, in a document, and everybody finds the same from then on (I5).
 */
export const CLOCKS: DocumentName = { collection: MEMBERS.collection, key: "clocks" };

/** Those that are remembered. The ones whose stamps lie furthest back are let go. */
export const SKEWED_AUTHORS_MAX = 32;

/** Milliseconds since 1970, both included. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** With how far ahead of this node's clock it was at least. */
type News = Span & { readonly aheadMs: number };

export class Skews {
  private read: ReadonlyMap<Author, Span> | undefined;
  /** What may have to be written down. */
  private readonly news = new Map<Author, News>();
  /** What this master has written and perhaps does not see yet. */
  private readonly written = new Map<Author, Span>();

  constructor(
    private readonly documents: Documents,
    private readonly limits: Limits,
  ) {}

  /** The document has changed. */
  changed(): void {
    this.read = undefined;
  }

  /** A change has come, and this is the time by this node's clock. */
  look({ author, stamp }: ChangeHead, nowMs: number): void {
    const ms = stampMs(stamp);
    const aheadMs = ms - nowMs;
    if (aheadMs > this.limits.clockAheadMsMax) this.addNews(author, { from: ms, to: ms, aheadMs });
  }

  private addNews(author: Author, { from, to, aheadMs }: News): void {
    const before = this.news.get(author);
    if (before === undefined && this.news.size >= SKEWED_AUTHORS_MAX) return;
    const least = Math.min(aheadMs, before?.aheadMs ?? aheadMs);
    this.news.set(author, { ...joined(before, { from, to }), aheadMs: least });
  }

  /**
   * What a master has to write down whose clock is so far behind, and what to do if it was not allowed to; undefined if there is
   * nothing new.
   */
  unwritten(
    behindMs: number,
  ): { readonly write: (draft: Draft) => void; readonly refused: () => void } | undefined {
    const known = this.all();
    for (const author of known.keys()) this.written.delete(author);
    const spans: [Author, Span, news: News][] = [];
    for (const [author, news] of this.news) {
      const { aheadMs, ...span } = news;
      if (aheadMs - behindMs <= this.limits.clockAheadMsMax) continue;
      const [seen, said] = [known.get(author), this.written.get(author)];
      const before = said === undefined ? seen : joined(seen, said);
      const after = joined(before, span);
      if (before?.from !== after.from || before.to !== after.to) spans.push([author, after, news]);
    }
    this.news.clear();
    if (spans.length === 0) return undefined;
    for (const [author, span] of spans) this.written.set(author, span);
    const others = [...known].filter(([author]) => !this.written.has(author));
    const gone = others
      .sort(([, a], [, b]) => a.to - b.to)
      .slice(0, Math.max(0, others.length + this.written.size - SKEWED_AUTHORS_MAX));
    return {
      write: (draft) => {
        for (const [author] of gone) draft.register(String(author)).clear();
        for (const [author, { from, to }] of spans) draft.register(String(author)).set([from, to]);
      },
      refused: () => {
        for (const [author, , news] of spans) {
          this.written.delete(author);
          this.addNews(author, news);
        }
      },
    };
  }

  /** Of what was resolved by stamps, that which was so by a wrong one. */
  conflictsAmong(conflicts: readonly Conflict[]): Conflict[] {
    const all = this.all();
    if (all.size === 0) return [];
    return conflicts.flatMap((conflict) => {
      const { type, document, field, winner, losers, at } = conflict;
      const span = all.get(winner.dot.author);
      const [loser] = losers;
      if (type !== "concurrent_update" || loser === undefined) return [];
      // The winner's stamp is the greater one, and the time of the conflict.
      if (span === undefined || at < span.from || at > span.to) return [];
      return [
        {
          ...conflict,
          type: "clock_skew",
          id: conflictId("clock_skew", document, field, loser.dot),
        } as const,
      ];
    });
  }

  private all(): ReadonlyMap<Author, Span> {
    if (this.read !== undefined) return this.read;
    const spans = new Map<Author, Span>();
    // Several masters may have seen it: all that they say holds.
    for (const [name, { siblings }] of this.documents.shown(CLOCKS)?.all(lwwRegister) ?? []) {
      for (const { value } of siblings) {
        const span = spanFrom(value);
        if (span !== undefined && /^\d{1,16}$/.test(name))
          spans.set(Number(name), joined(spans.get(Number(name)), span));
      }
    }
    this.read = spans;
    return spans;
  }
}

const joined = (a: Span | undefined, b: Span): Span =>
  a === undefined ? b : { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };

function spanFrom(value: Value): Span | undefined {
  const [from, to] = Array.isArray(value) ? value : [];
  return typeof from === "number" && typeof to === "number" ? { from, to } : undefined;
}
