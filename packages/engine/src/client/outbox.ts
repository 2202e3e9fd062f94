import type { BareDocument, Change, StreamId, Vector } from "@syncline/core";
import { changeId, covers, documentId, LimitExceeded } from "@syncline/core";
import type { ClientLimits, Fault } from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { Session } from "./session.js";

/**
 * The client's own changes, in the order made, each kept until it is safe (SPINE 12).
 *
 * An acknowledgement does not end a change's stay here: the master that gave it may die before anybody else has
 * the change, and then it is offered again, unchanged, to the next one (SPINE 3). What everybody else sees decides
 * when it goes: it was seen in the feed, and its place there is safe.
 */
export class OwnChange {
  /** Where the provider integrated it; undefined until the feed has brought it. */
  place: { readonly stream: StreamId; readonly position: number } | undefined;
  /** Incarnation of the first master it was offered to; a refusal is final only from that one. */
  firstOffered: number | undefined;
  offeredElsewhere = false;
  /** It was given another stamp by the time of the server behind this link. */
  madeAgainFor: Channel | undefined;
  /** Levels reached at any master. Once true they stay true. */
  received = false;
  durable = false;
  committed = false;
  /** A state that the provider has sent has it: it is safe. */
  isInBase = false;
  /** One master has it durable and committed: what two say of it, each of its own stream, does not add up. */
  confirmed = false;
  /** It outlives this client: it is in its slot. */
  kept = false;
  rejected: Fault | undefined;
  token: Vector | undefined;
  nodes: readonly string[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(public change: Change) {}

  /** Calls back whenever something becomes known. Returns a function that ends that. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something has become known. */
  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

export class Outbox {
  #entries: OwnChange[] = [];
  #bytes = 0;
  #pending = 0;
  #versionCount = 0;
  readonly #byId = new Map<string, OwnChange>();

  readonly #session: Session;
  readonly #limits: ClientLimits;

  constructor(session: Session, limits: ClientLimits) {
    this.#session = session;
    this.#limits = limits;
  }

  all(): readonly OwnChange[] {
    return this.#entries;
  }

  /** Counts what becomes different here, so that who keeps it knows when to look. */
  get version(): number {
    return this.#versionCount;
  }

  /** Changes that no master has durably acknowledged yet. */
  get pendingCount(): number {
    return this.#pending;
  }

  /** A master, or a safe place, has made it durable. */
  markDurable(entry: OwnChange): void {
    if (entry.durable) return;
    entry.durable = true;
    this.#pending -= 1;
  }

  /**
   * Makes room for one more change, asked before a transaction begins. When the outbox is full, the oldest that a
   * master has on its disk is let go: only the loss of that disk could still lose it, and refusing to write would be
   * worse. Throws `LimitExceeded` when none is: the client has been offline for too long.
   */
  mustHaveRoom(): void {
    for (let full = this.#fullBy(); full !== undefined; full = this.#fullBy()) {
      const oldest = this.#entries.find((entry) => entry.confirmed);
      if (oldest === undefined) {
        throw new LimitExceeded(
          `${full} is ${this.#limits[full]}: as much of what was made here waits for a master; connect and wait`,
        );
      }
      this.remove(oldest);
    }
  }

  /** The limit that is reached, if one is. */
  #fullBy(): "outboxChangesMax" | "outboxBytesMax" | undefined {
    if (this.#entries.length >= this.#limits.outboxChangesMax) return "outboxChangesMax";
    return this.#bytes >= this.#limits.outboxBytesMax ? "outboxBytesMax" : undefined;
  }

  add(change: Change): OwnChange {
    const entry = new OwnChange(change);
    this.#entries.push(entry);
    this.#enter(entry);
    return entry;
  }

  /** Takes in changes of one that is gone, before those made here. What is here already is left out. */
  restore(entries: readonly OwnChange[]): OwnChange[] {
    const news = entries.filter((entry) => !this.#byId.has(changeId(entry.change)));
    this.#entries.unshift(...news);
    for (const entry of news) this.#enter(entry);
    return news;
  }

  #enter(entry: OwnChange): void {
    this.#byId.set(changeId(entry.change), entry);
    this.#bytes += entry.change.bytes.length;
    this.#pending += 1;
    this.#versionCount += 1;
  }

  /** A document has arrived as a state, in which everything is safe: own changes among it need not be kept. */
  foundIn(document: BareDocument): void {
    for (const entry of this.#entries) {
      const { change } = entry;
      if (documentId(change.document) === documentId(document.name))
        entry.isInBase ||= document.counter(change.author) >= change.last;
    }
  }

  /** The own change with this identity, if it is still here. */
  find(change: Parameters<typeof changeId>[0]): OwnChange | undefined {
    return this.#byId.get(changeId(change));
  }

  /** Takes out a change that was finally refused, or for which there is no room. */
  remove(entry: OwnChange): void {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#byId.delete(changeId(entry.change));
    this.#bytes -= entry.change.bytes.length;
    if (!entry.durable) this.#pending -= 1;
    this.#versionCount += 1;
  }

  /** Gives a change that follows a refused one its new form. */
  replace(entry: OwnChange, change: Change): void {
    this.#byId.delete(changeId(entry.change));
    this.#bytes += change.bytes.length - entry.change.bytes.length;
    entry.change = change;
    // Nobody was offered this one.
    entry.firstOffered = undefined;
    entry.offeredElsewhere = false;
    this.#byId.set(changeId(change), entry);
    this.#versionCount += 1;
  }

  /** It lies in a safe place, or before one: the feed does not bring what another life of this client had seen. */
  #isSafe({ place, token, durable, isInBase }: OwnChange): boolean {
    if (isInBase) return true;
    if (place !== undefined) return this.#session.isSafe(place.stream, place.position);
    return durable && token !== undefined && covers(this.#session.safe, token);
  }

  /** Lets go of what has become safe, which is more than durable, whether or not an answer said so. Returns it. */
  prune(): OwnChange[] {
    const safe = this.#entries.filter((entry) => this.#isSafe(entry));
    if (safe.length === 0) return safe;
    this.#versionCount += 1;
    const gone = new Set(safe);
    this.#entries = this.#entries.filter((entry) => !gone.has(entry));
    for (const entry of safe) {
      this.#byId.delete(changeId(entry.change));
      this.#bytes -= entry.change.bytes.length;
      entry.received = entry.committed = entry.confirmed = true;
      this.markDurable(entry);
    }
    return safe;
  }
}
