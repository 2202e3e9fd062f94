import {
  type Conflict,
  conflictId,
  type DocumentName,
  type Draft,
  documentId,
  type StreamId,
  type Value,
  type Vector,
} from "@syncline/core";
import type { PlacedChange } from "@syncline/protocol";
import type { Documents } from "./documents.js";
import { MEMBERS } from "./members.js";
import { greatestPlaces, type Places } from "./places.js";

/**
 * Who took over from whom, and how much it had of the streams of those who were not there: what comes of these beyond that
 * was written without anybody's having seen it, and is told as `late_merge` wherever it arrives.
 *
 * A promoted node writes it down as the first thing in its stream. It is a document, so that everybody finds the same,
 * whatever comes first, the tail or the promotion (I5). A master that was only out of reach goes on in its stream: once it
 * knows of the promotion it writes down up to where it did not, and what it writes from then on is not late.
 */
export const TAKEOVERS: DocumentName = { collection: MEMBERS.collection, key: "takeovers" };

/** Those that are remembered. The oldest is let go, and what comes late to it is told no more. */
export const TAKEOVERS_MAX = 16;

interface Takeover {
  /** The stream that the promoted node opened, as text. */
  readonly id: string;
  /** Wall-clock milliseconds since 1970 there. */
  readonly at: number;
  /** How far it had others' streams. */
  readonly had: Vector;
  /** Up to where their masters did not know of it; those that are not named may have ended without ever knowing. */
  readonly unknownTo: ReadonlyMap<StreamId, number>;
}

export class Takeovers {
  private list: readonly Takeover[] | undefined;
  /** What this master has written and perhaps does not see yet. */
  private readonly answered = new Set<string>();

  constructor(private readonly documents: Documents) {}

  /** The document has changed. */
  changed(): void {
    this.list = undefined;
  }

  /** What a promoted node writes. */
  record(stream: StreamId, at: number, had: Vector): (draft: Draft) => void {
    const gone = this.all().slice(0, -(TAKEOVERS_MAX - 1));
    return (draft) => {
      for (const { id, had: old } of gone) {
        draft.register(id).clear();
        for (const [other] of old) draft.register(answerKey(id, other)).clear();
      }
      draft.register(String(stream)).set({ at, had: [...had].map(([id, position]) => [id, position]) });
    };
  }

  /** What the master of a stream writes that has come to know of takeovers; undefined if there is nothing new. */
  answer(stream: StreamId, head: number): ((draft: Draft) => void) | undefined {
    const all = this.all();
    if (all.length === 0) return undefined;
    const news = all.filter(
      ({ id, had, unknownTo }) => had.has(stream) && !unknownTo.has(stream) && !this.answered.has(id),
    );
    if (news.length === 0) return undefined;
    return (draft) => {
      for (const { id } of news) {
        draft.register(answerKey(id, stream)).set(head);
        this.answered.add(id);
      }
    };
  }

  /** Whether what stands there came late. */
  isLate({ stream, position }: PlacedChange): boolean {
    return this.all().some((takeover) => isBeyond(takeover, stream, position));
  }

  /** Whether some of what is shown may be late: names of takeovers with the streams. */
  lateIn(visible: Vector): string[] {
    return this.all().flatMap((takeover) =>
      [...takeover.had].flatMap(([stream, had]) =>
        (visible.get(stream) ?? 0) > had ? [answerKey(takeover.id, stream)] : [],
      ),
    );
  }

  /** What came late in a document whose changes stand at these places. */
  conflictsIn(name: DocumentName, places: Places): Conflict[] {
    const found: Conflict[] = [];
    for (const takeover of this.all()) {
      for (const [stream, position] of greatestPlaces(places, (at, where) => isBeyond(takeover, at, where)))
        found.push(lateMerge(documentId(name), takeover, stream, position));
    }
    return found;
  }

  private all(): readonly Takeover[] {
    this.list ??= read(this.documents.shown(TAKEOVERS)?.toJSON() ?? {});
    return this.list;
  }
}

function isBeyond({ had, unknownTo }: Takeover, stream: StreamId, position: number): boolean {
  const known = had.get(stream);
  return known !== undefined && position > known && position <= (unknownTo.get(stream) ?? position);
}

function lateMerge(document: string, takeover: Takeover, stream: StreamId, position: number): Conflict {
  const { id, at, had } = takeover;
  const winner = { kind: "promotion", dot: { author: Number(id), counter: 1 } };
  const first = { author: stream, counter: (had.get(stream) ?? 0) + 1 };
  const loser = { kind: "stream", dot: { author: stream, counter: position } };
  return {
    id: conflictId("late_merge", document, id, first),
    type: "late_merge",
    document,
    field: "",
    winner,
    losers: [loser],
    dots: [winner.dot, loser.dot],
    at,
    path: [],
  };
}

const answerKey = (id: string, stream: StreamId): string => `${id}/${stream}`;

/** A later version may write more, or something else altogether: that is not this version's. */
function read(values: Readonly<Record<string, Value>>): readonly Takeover[] {
  const takeovers: Takeover[] = [];
  for (const [id, value] of Object.entries(values)) {
    if (!/^\d{1,16}$/.test(id) || typeof value !== "object" || value === null) continue;
    const { at, had } = value as Readonly<Record<string, Value>>;
    if (typeof at !== "number" || !Array.isArray(had)) continue;
    const vector = new Map<StreamId, number>();
    const unknownTo = new Map<StreamId, number>();
    for (const entry of had) {
      const [stream, position] = Array.isArray(entry) ? entry : [];
      if (typeof stream !== "number" || typeof position !== "number") continue;
      vector.set(stream, position);
      const answer = values[answerKey(id, stream)];
      if (typeof answer === "number") unknownTo.set(stream, answer);
    }
    takeovers.push({ id, at, had: vector, unknownTo });
  }
  return takeovers.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}
