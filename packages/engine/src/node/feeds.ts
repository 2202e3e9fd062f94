import type { DocumentName, MutableVector, StreamId, Vector } from "@syncline/core";
import { covers, documentId, joinInto, positionIn } from "@syncline/core";
import { encodeMessage, fault, type Limits, type Open, type PlacedChange } from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { Mac } from "../ports.js";
import { sealOf } from "../seal.js";
import type { DocumentEntry, Documents } from "./documents.js";
import type { Log } from "./log.js";

/**
 * Feeds to clients: for a client's documents, what this node integrates, in that order, and after each batch a
 * cut, "you have all of your documents up to this vector".
 *
 * A reader has a place in its document's tail. One that is at the end gets what a turn has brought, encoded once
 * for all readers; one that is behind, because it has just come or reads slowly, is served from the tail at its
 * own pace. A cut is sent only when all documents of the client are at the end, so it never says too much.
 */
interface Reader {
  readonly session: FeedSession;
  readonly number: number;
  readonly name: DocumentName;
  /** The reader has been sent the document's tail up to here. */
  sequence: number;
  /** What it had when it came; changes at or below are not sent. */
  readonly since: Vector;
  /** How much of the state of its document's base the reader has been sent. */
  state: { readonly sequence: number; offset: number } | undefined;
}

export class Feeds {
  private readonly readers = new Map<string, Set<Reader>>();
  private readonly sessions = new Set<FeedSession>();
  /** Those that are to be sent something. */
  private readonly due = new Set<FeedSession>();
  /** What this turn has brought, by document: changes and the sequence of the first. */
  private readonly turn = new Map<string, { name: DocumentName; first: number; places: PlacedChange[] }>();

  constructor(
    private readonly documents: Documents,
    private readonly log: Log,
    private readonly visible: Vector,
    private readonly limits: Limits,
    private readonly mac: Mac | undefined,
    /** A reader who had nothing of this document has it now. */
    private readonly served: (entry: DocumentEntry) => void,
  ) {}

  session(channel: Channel): FeedSession {
    const session = new FeedSession(channel);
    this.sessions.add(session);
    return session;
  }

  end(session: FeedSession): void {
    for (const reader of session.readers.values()) this.remove(reader);
    this.sessions.delete(session);
    this.due.delete(session);
  }

  open(session: FeedSession, message: Open): void {
    if (session.readers.has(message.number)) {
      session.channel.end(fault("UNEXPECTED_MESSAGE", `document number ${message.number} is taken`));
      return;
    }
    const id = documentId(message.document);
    const reader: Reader = {
      session,
      number: message.number,
      name: message.document,
      sequence: 0,
      since: message.since,
      state: undefined,
    };
    let readers = this.readers.get(id);
    if (readers === undefined) this.readers.set(id, (readers = new Set()));
    readers.add(reader);
    session.readers.set(message.number, reader);
    session.behind.add(reader);
    this.due.add(session);
    session.unloaded.add(reader);
    joinInto(session.wanted, message.since);
    if (session.wanted.size > this.limits.vectorEntriesMax) {
      session.channel.end(fault("LIMIT_EXCEEDED", "the client has seen more streams than vectorEntriesMax"));
    }
  }

  leave(session: FeedSession, number: number): void {
    const reader = session.readers.get(number);
    if (reader !== undefined) this.remove(reader);
  }

  /** A change has been integrated: its readers are told at the end of the turn. */
  integrated(name: DocumentName, sequence: number, place: PlacedChange): void {
    const id = documentId(name);
    if (!this.readers.has(id)) return;
    const turn = this.turn.get(id);
    if (turn === undefined) this.turn.set(id, { name, first: sequence, places: [place] });
    else turn.places.push(place);
  }

  /** A snapshot was taken in: every document may have become another one otherwise than by its tail. */
  jumped(): void {
    for (const session of this.sessions) {
      for (const reader of session.readers.values()) session.behind.add(reader);
      // Who only writes over this link expects no cuts on it.
      if (session.readers.size === 0) continue;
      session.cutDue = true;
      this.due.add(session);
    }
  }

  /** A document was cut: it may begin anew. */
  cutOff(name: DocumentName): void {
    this.turn.delete(documentId(name));
    for (const reader of this.readers.get(documentId(name)) ?? []) {
      reader.sequence = 0;
      reader.state = undefined;
      reader.session.behind.add(reader);
      this.due.add(reader.session);
    }
  }

  /** Sends everything there is to everybody who has room. */
  pump(): void {
    for (const [id, { first, places }] of this.turn) this.share(id, first, places);
    this.turn.clear();
    if (this.due.size === 0) return;
    const cuts = this.cuts();
    for (const session of this.due) {
      if (session.behind.size > 0) this.catchUp(session);
      if (session.behind.size === 0 && session.cutDue) this.cut(session, cuts);
      if (session.behind.size === 0) this.due.delete(session);
    }
  }

  /** Tells quiet clients how far the node is, as long as that may matter to them. */
  cutIdle(): void {
    let cuts: Cuts | undefined;
    for (const session of this.sessions) {
      if (session.behind.size > 0 || !session.channel.writable || this.isContent(session)) continue;
      cuts ??= this.cuts();
      this.cut(session, cuts);
    }
  }

  /**
   * Sends one encoding of a turn's changes to all readers that are at the end of the tail. Those who have written come last:
   * what they get they mostly have, and each frame is one that others wait for.
   */
  private share(id: string, first: number, places: readonly PlacedChange[]): void {
    let encoded: Uint8Array[] | undefined;
    const give = (reader: Reader): void => {
      const { session } = reader;
      session.cutDue = true;
      this.due.add(session);
      if (session.behind.has(reader) || reader.sequence !== first - 1 || !session.channel.writable) {
        session.behind.add(reader);
        return;
      }
      encoded ??= this.encode(places);
      for (const message of encoded) session.channel.sendEncoded(message);
      reader.sequence = first - 1 + places.length;
    };
    let writers: Reader[] | undefined;
    for (const reader of this.readers.get(id) ?? []) {
      if (!reader.session.hasWritten) give(reader);
      else if (writers === undefined) writers = [reader];
      else writers.push(reader);
    }
    for (const reader of writers ?? []) {
      reader.session.hasWritten = false;
      give(reader);
    }
  }

  private catchUp(session: FeedSession): void {
    session.cutDue = true;
    for (const reader of session.behind) {
      if (!session.channel.writable) return;
      if (this.serveTail(reader)) session.behind.delete(reader);
    }
  }

  /** Sends a reader what it lacks, while its link has room. Returns whether it is at the end now. */
  private serveTail(reader: Reader): boolean {
    const entry = this.documents.find(reader.name);
    if (entry === undefined) return true;
    const isNew = reader.sequence === 0;
    if (!this.serveState(reader, entry)) return false;
    const { channel } = reader.session;
    let batch: PlacedChange[] = [];
    let bytes = 0;
    const send = () => {
      if (batch.length > 0) for (const message of this.encode(batch)) channel.sendEncoded(message);
      batch = [];
      bytes = 0;
    };
    for (const place of this.documents.tail(entry, reader.sequence + 1)) {
      reader.sequence += 1;
      if (positionIn(reader.since, place.stream) >= place.position) continue;
      batch.push(place);
      bytes += place.change.length;
      if (bytes < this.limits.batchBytes && batch.length < this.limits.batchEntriesMax) continue;
      send();
      if (!channel.writable) return false;
    }
    send();
    if (isNew) this.served(entry);
    return true;
  }

  /** Sends the state of the document's base if the reader lacks what is in it. Returns whether it lacks nothing of it now. */
  private serveState(reader: Reader, entry: DocumentEntry): boolean {
    const { base } = entry;
    if (base === undefined || reader.sequence >= base.sequence) return true;
    if (!covers(reader.since, base.vector)) {
      const { channel } = reader.session;
      const bytes = this.documents.baseState(entry) ?? new Uint8Array(0);
      // The base may have become another one since the last piece.
      const isSame = reader.state?.sequence === base.sequence;
      const sent =
        isSame && reader.state !== undefined ? reader.state : { sequence: base.sequence, offset: 0 };
      reader.state = sent;
      while (sent.offset < bytes.length) {
        if (!channel.writable) return false;
        const { offset } = sent;
        const part = bytes.subarray(offset, offset + this.limits.batchBytes);
        const { number } = reader;
        const { vector } = base;
        channel.send({ kind: "state", number, vector, offset, total: bytes.length, bytes: part });
        sent.offset += part.length;
      }
    }
    reader.state = undefined;
    reader.sequence = base.sequence;
    return true;
  }

  private encode(places: readonly PlacedChange[]): Uint8Array[] {
    const messages: Uint8Array[] = [];
    let batch: PlacedChange[] = [];
    let bytes = 0;
    const cutBatch = () => {
      if (batch.length === 0) return;
      const seal = sealOf(
        batch.map((place) => place.change),
        this.mac,
      );
      messages.push(encodeMessage({ kind: "feed", entries: batch, seal }));
      batch = [];
      bytes = 0;
    };
    for (const place of places) {
      batch.push(place);
      bytes += place.change.length;
      if (bytes >= this.limits.batchBytes || batch.length >= this.limits.batchEntriesMax) cutBatch();
    }
    cutBatch();
    return messages;
  }

  /** Says what is new since the session's last cut: most were last told the same, and are told the same now. */
  private cut(session: FeedSession, cuts: Cuts): void {
    const { visible, safe, told, encoded } = cuts.since(session.told);
    session.told = told;
    session.cutDue = false;
    if (session.unloaded.size > 0) {
      const loaded = Array.from(session.unloaded, (reader) => reader.number);
      session.unloaded.clear();
      session.channel.send({ kind: "cut", visible, safe, loaded });
    } else if (encoded !== undefined) session.channel.sendEncoded(encoded);
  }

  /** Whether nothing that this node could tell matters to the client: it has what it wants, and all that is safe. */
  private isContent(session: FeedSession): boolean {
    const { visible, safe } = session.told;
    return covers(visible, session.wanted) && covers(safe, visible);
  }

  private cuts(): Cuts {
    const safe: MutableVector = new Map();
    for (const stream of this.log.streams()) if (stream.safe > 0) safe.set(stream.id, stream.safe);
    return new Cuts({ visible: new Map(this.visible), safe });
  }

  private remove(reader: Reader): void {
    const { session } = reader;
    session.readers.delete(reader.number);
    session.behind.delete(reader);
    session.unloaded.delete(reader);
    if (session.readers.size === 0) session.wanted.clear();
    const id = documentId(reader.name);
    const readers = this.readers.get(id);
    readers?.delete(reader);
    if (readers?.size === 0) this.readers.delete(id);
  }
}

/** The feed of one client link. */
export class FeedSession {
  readonly readers = new Map<number, Reader>();
  /** Readers that are not at the end of their document's tail. */
  readonly behind = new Set<Reader>();
  /** Readers that no cut has covered yet. */
  readonly unloaded = new Set<Reader>();
  /** All that its cuts have said. Sessions that were told the same have one. */
  told: Told = NOTHING_TOLD;
  /** What the client has seen elsewhere and waits for here. */
  readonly wanted: MutableVector = new Map();
  cutDue = false;
  /** The client has offered something since it was last sent something. */
  hasWritten = false;

  constructor(readonly channel: Channel) {}
}

/** How far a client was told that the node is. Never changed once somebody was told it. */
interface Told {
  readonly visible: Vector;
  readonly safe: Vector;
}

const NOTHING_TOLD: Told = { visible: new Map(), safe: new Map() };

/** What a turn has to say to those who were told something before. */
interface News extends Told {
  /** What they have been told then. */
  readonly told: Told;
  /** As a cut of its own; undefined if there is nothing to say. */
  readonly encoded: Uint8Array | undefined;
}

/** The cuts of one turn: one for all who were told the same before. */
class Cuts {
  private readonly made = new Map<Told, News>();

  constructor(private readonly now: Told) {}

  since(before: Told): News {
    let news = this.made.get(before);
    if (news === undefined) this.made.set(before, (news = this.make(before)));
    return news;
  }

  private make(before: Told): News {
    const visible = beyond(before.visible, this.now.visible);
    const safe = beyond(before.safe, this.now.safe);
    if (visible.size === 0 && safe.size === 0) return { visible, safe, told: before, encoded: undefined };
    const encoded = encodeMessage({ kind: "cut", visible, safe, loaded: [] });
    return { visible, safe, told: this.toldSince(before), encoded };
  }

  /** What was told once was told, also where a stream is shorter now because it was closed. */
  private toldSince(before: Told): Told {
    const { now } = this;
    if (covers(now.visible, before.visible) && covers(now.safe, before.safe)) return now;
    const [visible, safe] = [new Map(before.visible), new Map(before.safe)];
    joinInto(visible, now.visible);
    joinInto(safe, now.safe);
    return { visible, safe };
  }
}

/** What `now` has beyond `before`. */
function beyond(before: Vector, now: Vector): Map<StreamId, number> {
  const changed = new Map<StreamId, number>();
  for (const [stream, position] of now)
    if (position > positionIn(before, stream)) changed.set(stream, position);
  return changed;
}
