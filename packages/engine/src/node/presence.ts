import { type DocumentName, documentId } from "@syncline/core";
import { fault, type Limits, type Presence, type Present } from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { Clock, Scheduler } from "../ports.js";

/**
 * Who is at which document, over all nodes, and never on a disk.
 *
 * Every word about somebody has a version, and the higher one holds, whichever way and in whatever order it comes; a
 * node passes on what is new to it to all neighbours but the one it came from. So all who are connected come to agree,
 * and no word goes round for ever. A client's own node says every few seconds that he is still there. Who is not heard
 * of is gone: soon when the link is gone over which he was heard, at the latest after `presenceTtlMs`. That somebody has
 * left is remembered as long, so that no late word brings him back.
 */
interface Entry {
  present: Present & { readonly state: Uint8Array | "gone" };
  /** Where it came from: a neighbour, or undefined for somebody at this node. */
  from: Channel | undefined;
  /** Monotonic time at which it is forgotten. */
  expiresAt: number;
}

/** Takes what is new of the people at one document. */
export interface PresenceListener {
  present(document: DocumentName, others: readonly Present[]): void;
}

export class PresenceBoard {
  private readonly documents = new Map<string, Map<number, Entry>>();
  private entries = 0;
  private readonly neighbours = new Set<Channel>();
  private readonly listeners = new Map<string, Set<PresenceListener>>();
  /** What neighbours and listeners have yet to be told, by document and person. */
  private readonly news = new Map<string, Set<number>>();
  private flushDue = false;
  private nextBeatAt = 0;

  constructor(
    private readonly clock: Clock,
    private readonly scheduler: Scheduler,
    private readonly limits: Limits,
  ) {}

  // ---- people at this node ----

  /** Somebody at this node shows himself, or goes. Returns false if there is no room for him. */
  show(document: DocumentName, id: number, clock: number, state: Uint8Array | "gone"): boolean {
    return this.take({ document, id, clock, beat: 0, leftMs: this.limits.presenceTtlMs, state }, undefined);
  }

  /** Somebody at this node has left without a word since the one with this clock. */
  leave(document: DocumentName, id: number, clock: number): void {
    const known = this.documents.get(documentId(document))?.get(id);
    if (known === undefined || known.present.state === "gone") return;
    // Meanwhile he may have come to another node, which knows better, or back to this one over another link.
    if (known.from !== undefined || known.present.clock > clock) return;
    this.show(document, id, known.present.clock + 1, "gone");
  }

  /** Who is there now. */
  at(document: DocumentName): Present[] {
    const people = this.documents.get(documentId(document));
    if (people === undefined) return [];
    return [...people.values()].flatMap(({ present }) => (present.state === "gone" ? [] : [present]));
  }

  /** The clock of the last word about somebody, 0 if there is none. */
  clockOf(document: DocumentName, id: number): number {
    return this.documents.get(documentId(document))?.get(id)?.present.clock ?? 0;
  }

  /** Tells of what is new from now on. Returns a function that ends this. */
  listen(document: DocumentName, listener: PresenceListener): () => void {
    const id = documentId(document);
    let listeners = this.listeners.get(id);
    if (listeners === undefined) this.listeners.set(id, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(id) === listeners) this.listeners.delete(id);
    };
  }

  // ---- neighbours ----

  attach(channel: Channel): void {
    this.neighbours.add(channel);
    const all: Present[] = [];
    for (const people of this.documents.values())
      for (const entry of people.values()) all.push(this.told(entry));
    this.send(channel, all);
  }

  lost(channel: Channel): void {
    this.neighbours.delete(channel);
    for (const people of this.documents.values()) {
      for (const entry of people.values()) if (entry.from === channel) this.doubt(entry);
    }
  }

  /** He may be heard another way, soon. */
  private doubt(entry: Entry): void {
    entry.expiresAt = Math.min(entry.expiresAt, this.clock.monotonic() + this.limits.presenceGraceMs);
  }

  receive(channel: Channel, message: Presence): void {
    for (const present of message.present) this.take(present, channel);
  }

  /** Called often: says who is still there, and forgets who is not. */
  look(): void {
    const now = this.clock.monotonic();
    this.forget(now);
    if (now < this.nextBeatAt) return;
    this.nextBeatAt = now + this.limits.presenceBeatMs;
    const still: Present[] = [];
    for (const people of this.documents.values()) {
      for (const entry of people.values()) {
        if (entry.from !== undefined || entry.present.state === "gone") continue;
        entry.present = { ...entry.present, beat: entry.present.beat + 1 };
        entry.expiresAt = now + this.limits.presenceTtlMs;
        still.push({ ...this.told(entry), state: "still" });
      }
    }
    if (still.length > 0) for (const channel of this.neighbours) this.send(channel, still);
  }

  private forget(now: number): void {
    for (const [id, people] of this.documents) {
      for (const [who, entry] of people) {
        if (entry.expiresAt > now) continue;
        // Who is at this node goes when his link does.
        if (entry.from === undefined && entry.present.state !== "gone") continue;
        people.delete(who);
        this.entries -= 1;
        if (entry.present.state === "gone") continue;
        this.tellListeners(id, [{ ...entry.present, state: "gone" }]);
        for (const channel of this.neighbours) {
          if (channel !== entry.from) this.send(channel, [{ ...this.told(entry), state: "lost" }]);
        }
      }
      if (people.size === 0) this.documents.delete(id);
    }
  }

  private take(present: Present, from: Channel | undefined): boolean {
    const { document, id: who, state } = present;
    const id = documentId(document);
    const people = this.documents.get(id);
    const known = people?.get(who);
    // No word holds longer because it is passed on: else two nodes could keep somebody alive between them.
    const expiresAt = this.clock.monotonic() + Math.min(present.leftMs, this.limits.presenceTtlMs);
    if (state === "lost") {
      if (known !== undefined && from !== undefined) this.lostBy(from, present, known);
      return true;
    }
    if (known !== undefined && !isNewer(present, known.present)) return true;
    if (state === "still") {
      if (known?.present.clock === present.clock && known.present.state !== "gone") {
        known.present = { ...known.present, beat: present.beat };
        known.expiresAt = expiresAt;
        known.from = from;
        for (const channel of this.neighbours) if (channel !== from) this.send(channel, [present]);
      } else if (
        from !== undefined &&
        (known !== undefined || this.entries < this.limits.presenceEntriesMax)
      ) {
        // Forgotten here, by a node that stood still for instance: whoever says so has to say how he is.
        this.send(from, [{ ...present, state: "lost" }]);
      }
      return true;
    }
    if (known === undefined) {
      if (this.entries >= this.limits.presenceEntriesMax) return false;
      this.entries += 1;
    }
    const entry: Entry = { present: { ...present, state }, from, expiresAt };
    if (people === undefined) this.documents.set(id, new Map([[who, entry]]));
    else people.set(who, entry);
    this.tell(id, who);
    return true;
  }

  /** A neighbour hears of him no more. */
  private lostBy(neighbour: Channel, lost: Present, known: Entry): void {
    if (known.from === neighbour) {
      if (known.present.clock <= lost.clock) this.doubt(known);
      return;
    }
    // Heard elsewhere, and not in doubt: it will not be told otherwise, since a beat says nothing of how he is.
    const leftMs = known.expiresAt - this.clock.monotonic();
    if (leftMs > this.limits.presenceGraceMs) this.send(neighbour, [this.told(known)]);
  }

  private tell(id: string, who: number): void {
    const news = this.news.get(id);
    if (news === undefined) this.news.set(id, new Set([who]));
    else news.add(who);
    if (this.flushDue) return;
    this.flushDue = true;
    this.scheduler.after(this.limits.presenceFlushMs, () => this.flush());
  }

  private flush(): void {
    this.flushDue = false;
    const all: Entry[] = [];
    for (const [id, who] of this.news) {
      const people = this.documents.get(id);
      const entries = [...who].flatMap((each) => people?.get(each) ?? []);
      this.tellListeners(
        id,
        entries.map(({ present }) => present),
      );
      all.push(...entries);
    }
    this.news.clear();
    for (const channel of this.neighbours) {
      this.send(
        channel,
        all.flatMap((entry) => (entry.from === channel ? [] : [this.told(entry)])),
      );
    }
  }

  /** As neighbours are told of him. */
  private told({ present, expiresAt }: Entry): Present {
    return { ...present, leftMs: Math.max(0, Math.round(expiresAt - this.clock.monotonic())) };
  }

  private tellListeners(id: string, people: readonly Present[]): void {
    const [first] = people;
    if (first === undefined) return;
    for (const listener of [...(this.listeners.get(id) ?? [])]) listener.present(first.document, people);
  }

  /** In messages that fit into a frame. */
  private send(channel: Channel, present: readonly Present[]): void {
    for (let from = 0; from < present.length; from += PEOPLE_PER_MESSAGE) {
      channel.send({ kind: "presence", present: present.slice(from, from + PEOPLE_PER_MESSAGE) });
    }
  }
}

/** At 4 KiB each they fit into a frame. */
const PEOPLE_PER_MESSAGE = 128;

/** At the same clock somebody who is there wins over one who has gone: he has come back. */
function isNewer(a: Present, b: Present): boolean {
  if (a.clock !== b.clock) return a.clock > b.clock;
  if (a.state === "gone" || b.state === "gone") return a.state !== "gone" && b.state === "gone";
  return a.beat > b.beat;
}

const gone = (document: DocumentName, id: number): Present => ({
  document,
  id,
  clock: 0,
  beat: 0,
  leftMs: 0,
  state: "gone",
});

/** What one client's link shows of him, and of the others to him. */
export class PresenceSession implements PresenceListener {
  /** Documents that he has open, with what ends the telling. */
  private readonly open = new Map<string, () => void>();
  /** Documents at which he shows himself, with the clock of his last word that was taken. */
  private readonly own = new Map<string, { document: DocumentName; clock: number }>();
  /** What came faster than it may, the last word for each document. */
  private readonly held = new Map<string, Present>();
  /** People of whom the client was not told something, because it did not read. */
  private readonly missed = new Map<string, { document: DocumentName; people: Set<number> }>();
  private tokens: number;
  private tokensAt: number;
  private stopTimer: (() => void) | undefined;

  constructor(
    private readonly channel: Channel,
    private readonly id: number,
    private readonly board: PresenceBoard,
    private readonly clock: Clock,
    private readonly scheduler: Scheduler,
    private readonly limits: Limits,
  ) {
    this.tokens = limits.presencePerSecondMax;
    this.tokensAt = clock.monotonic();
  }

  opened(document: DocumentName): void {
    const id = documentId(document);
    this.open.get(id)?.();
    this.open.set(id, this.board.listen(document, this));
    this.present(document, this.board.at(document));
  }

  left(document: DocumentName): void {
    const id = documentId(document);
    this.open.get(id)?.();
    this.open.delete(id);
    this.held.delete(id);
    const own = this.own.get(id);
    if (own === undefined) return;
    this.own.delete(id);
    this.board.leave(document, this.id, own.clock);
  }

  /** The client tells of himself. */
  receive(message: Presence): void {
    for (const present of message.present) {
      const id = documentId(present.document);
      // He may have left it since, and says what he is himself only.
      if (!this.open.has(id) || present.state === "still" || present.state === "lost") continue;
      if (!this.own.has(id) && this.own.size >= this.limits.presencePerLinkMax) {
        const most = this.limits.presencePerLinkMax;
        this.channel.end(fault("LIMIT_EXCEEDED", `presence at more than ${most} documents on one link`));
        return;
      }
      if (!this.own.has(id)) this.own.set(id, { document: present.document, clock: 0 });
      this.held.set(id, present);
    }
    this.release();
  }

  present(document: DocumentName, people: readonly Present[]): void {
    const others = people.filter(({ id }) => id !== this.id);
    if (others.length === 0) return;
    if (!this.channel.writable) {
      const id = documentId(document);
      const missed = this.missed.get(id) ?? { document, people: new Set<number>() };
      this.missed.set(id, missed);
      for (const other of others) missed.people.add(other.id);
      return;
    }
    for (let from = 0; from < others.length; from += PEOPLE_PER_MESSAGE) {
      this.channel.send({ kind: "presence", present: others.slice(from, from + PEOPLE_PER_MESSAGE) });
    }
  }

  /** Who did not read hears how it is now of those of whom he has missed something. */
  drained(): void {
    for (const [id, { document, people }] of [...this.missed]) {
      this.missed.delete(id);
      if (!this.open.has(id)) continue;
      const there = new Map(this.board.at(document).map((present) => [present.id, present]));
      this.present(
        document,
        [...people].map((who) => there.get(who) ?? gone(document, who)),
      );
    }
  }

  ended(): void {
    this.stopTimer?.();
    for (const end of this.open.values()) end();
    for (const { document, clock } of this.own.values()) this.board.leave(document, this.id, clock);
    this.open.clear();
    this.own.clear();
    this.held.clear();
    this.missed.clear();
  }

  private release(): void {
    const { presencePerSecondMax: rate } = this.limits;
    const now = this.clock.monotonic();
    this.tokens = Math.min(rate, this.tokens + ((now - this.tokensAt) * rate) / 1_000);
    this.tokensAt = now;
    for (const [id, { document, clock, state }] of this.held) {
      if (this.tokens < 1) break;
      this.tokens -= 1;
      this.held.delete(id);
      if (state === "still" || state === "lost") continue;
      const own = this.own.get(id);
      if (own !== undefined) own.clock = Math.max(own.clock, clock);
      this.board.show(document, this.id, clock, state);
    }
    if (this.held.size === 0 || this.stopTimer !== undefined) return;
    this.stopTimer = this.scheduler.after(Math.ceil(1_000 / rate), () => {
      this.stopTimer = undefined;
      this.release();
    });
  }
}
