import type { DocumentName, Dot, Draft, Vector } from "@syncline/core";
import { checkDocumentName, documentId, HybridClock, InvalidValue, isOfLife, stampMs } from "@syncline/core";
import { type ClientLimits, type Fault, fault, type Hello, type Message } from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { Logger } from "../ports.js";
import { type Answer, Asks } from "./asks.js";
import { OpenDocument } from "./documents.js";
import type { Keeping, KeepingState, MakeKeeping } from "./keeping.js";
import { ServerLink, type ServerPorts } from "./link.js";
import { Outbox, type OwnChange } from "./outbox.js";
import type { OwnPresence } from "./presence.js";
import { Reader } from "./reader.js";
import { RefusedDots } from "./refused.js";
import { Retained } from "./retained.js";
import { Session } from "./session.js";
import { WallClock } from "./wall-clock.js";
import { Writer } from "./writer.js";

/**
 * A client: a replica of some documents, an outbox, and a feed.
 *
 * It reads from one provider, any node; it writes to one master. Where the provider is a master both are the same
 * link. When a link ends the next URL is tried; nothing that was written is lost or doubled by that, because a
 * change keeps its identity wherever it is offered. Every start of a client is a new author (SPINE 3).
 */
export interface ClientConfig {
  /** Where to connect; the first that answers is taken, the next one when it ends. At least one. */
  readonly urls: readonly string[];
  /** The cluster to insist on; empty for any. */
  readonly cluster: string;
  /** For the logs of servers. */
  readonly name: string;
  readonly limits: ClientLimits;
  /** Of the schema that the app was written for; not judged if it says none. */
  readonly schema?: number | undefined;
}

export interface ClientPorts extends ServerPorts {
  readonly log: Logger;
  /** What is shown to be let in, asked for every link. */
  readonly token: () => string;
  /** Keeps what must outlive the client; without it everything ends with the client. */
  readonly keeping?: MakeKeeping | undefined;
}

export type ConnectionStatus = "connecting" | "connected" | "disconnected";

export interface ClientStatus {
  /** `connected` when reading is live; `disconnected` once the client is closed. */
  readonly connection: ConnectionStatus;
  /** Whether a master takes writes at present. */
  readonly writable: boolean;
  /** Name of the node that is read from, if connected. */
  readonly provider: string | undefined;
  /** Name of the master that is written to, if connected. */
  readonly master: string | undefined;
  /** Own changes that no master has durably acknowledged yet. */
  readonly pending: number;
  /** Why the last link or attempt ended. */
  readonly lastFault: Fault | undefined;
  /** Whether what waits here outlives the client; `none` if nobody asked for it. */
  readonly keeping: KeepingState | "none";
  /** Why it does not, or what could not be read. */
  readonly keepingFault: Fault | undefined;
}

export class SyncClient {
  #author: number;
  readonly #wallClock: WallClock;
  readonly #stamps: HybridClock;
  readonly #documents = new Map<string, OpenDocument>();
  /** Documents without a handle whose own changes are not safe yet. */
  readonly #unused = new Set<OpenDocument>();
  readonly #session = new Session();
  readonly #outbox: Outbox;
  readonly #retained: Retained;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #asks = new Asks();
  readonly #presence: OwnPresence | undefined;
  readonly #keeping: Keeping | undefined;
  readonly #home: ServerLink;
  /** The link to a master, where the provider is none. */
  #masterLink: ServerLink | undefined;
  #provider: Hello | undefined;
  /** URLs of masters as the last server named them. */
  #knownMasters: readonly string[] = [];
  #master: Hello | undefined;
  #lastFault: Fault | undefined;
  #closed = false;
  #stopCoverTimer: () => void = () => {};
  readonly #statusListeners = new Set<() => void>();
  readonly #rejectionListeners = new Set<(change: OwnChange) => void>();
  #shownStatus = "";

  readonly #config: ClientConfig;
  readonly #ports: ClientPorts;

  constructor(config: ClientConfig, ports: ClientPorts) {
    this.#config = config;
    this.#ports = ports;
    const { limits } = config;
    this.#author = this.#drawAuthor();
    this.#wallClock = new WallClock(ports.clock, limits.clockAheadMsMax);
    this.#stamps = new HybridClock(() => this.#wallClock.now(), limits.clockAheadMsMax);
    this.#outbox = new Outbox(this.#session, limits);
    this.#retained = new Retained(this.#session, limits);
    this.#presence = ports.presence?.make(this.#documents, ports.scheduler, limits);
    this.#keeping = ports.keeping?.({
      ...ports,
      limits,
      stamps: this.#stamps,
      session: this.#session,
      outbox: this.#outbox,
      retained: this.#retained,
      documents: this.#documents,
      on: {
        ready: () => {
          if (!this.#closed) this.#home.start();
        },
        follow: (name) => {
          const document = this.#follow(name);
          this.#unused.add(document);
          return document;
        },
        offer: (own) => this.#writer.add(own),
        ask: (document) => this.#reader.ask(document),
        showOwn: (document) => this.#showOwn(document),
        statusChanged: () => this.#showStatus(),
      },
    });
    const keeping = this.#keeping;
    this.#reader = new Reader(
      this.#documents,
      this.#session,
      this.#outbox,
      this.#retained,
      this.#stamps,
      keeping,
      limits,
      {
        progressed: () => this.#progressed(),
        rebuilt: (documents) => this.#rebuilt(documents),
        opened: (document) => this.#presence?.opened(document),
      },
    );
    this.#writer = new Writer(
      this.#session,
      this.#outbox,
      this.#retained,
      ports.scheduler,
      ports.log,
      limits,
      {
        rejected: (change, why) => this.#rejected(change, why),
        ahead: (change) => this.#madeAhead(change),
        elsewhere: (why) => {
          (this.#masterLink ?? this.#home).leave(why.reason);
          this.#lastFault = why;
          this.#showStatus();
        },
        progressed: () => this.#progressed(),
      },
    );
    this.#home = new ServerLink(ports, limits, {
      urls: () => config.urls,
      self: () => this.#self(),
      attached: (channel, server) => this.#attachedHome(channel, server),
      message: (message) => this.#receive(this.#home, message),
      drained: () => this.#writer.pump(),
      detached: (was, reason, why) => this.#detachedHome(was, reason, why),
    });
  }

  start(): void {
    if (this.#keeping === undefined) this.#home.start();
    else this.#keeping.start();
    this.#showStatus();
  }

  /** Opens a document; every call is matched by one of `close`. Throws `InvalidValue` for an impossible name. */
  open(name: DocumentName): OpenDocument {
    const wrong = checkDocumentName(name);
    if (wrong !== undefined) throw new InvalidValue(wrong);
    const document = this.#documents.get(documentId(name)) ?? this.#follow(name);
    document.handles += 1;
    this.#unused.delete(document);
    this.#showSaveStates();
    return document;
  }

  #follow(name: DocumentName): OpenDocument {
    const document = new OpenDocument(name, this.#session);
    this.#documents.set(document.id, document);
    if (this.#keeping === undefined) this.#reader.ask(document);
    else this.#keeping.load(document);
    return document;
  }

  /** Gives back one handle. The document is left once none is held and nothing of its own changes waits. */
  close(document: OpenDocument): void {
    document.handles -= 1;
    if (document.handles > 0) return;
    this.#unused.add(document);
    this.#leaveUnused(document);
  }

  /**
   * Makes a change: shown at once, offered to a master as soon as there is one. Undefined when there was no op.
   * A throw of `mutate` leaves nothing and is rethrown. Throws `LimitExceeded` when too much waits. `asIs` leaves a
   * deleted document deleted, instead of beginning a new one.
   */
  transact(document: OpenDocument, mutate: (draft: Draft) => void, asIs = false): OwnChange | undefined {
    this.#outbox.mustHaveRoom();
    const change = document.document.transact(
      { author: this.#author, stamp: this.#stamps.next(), asIs },
      mutate,
    );
    if (change === undefined) return undefined;
    document.rejection = undefined;
    const own = this.#outbox.add(change);
    this.#writer.add(own);
    this.#keeping?.changed();
    document.tell();
    this.#showStatus();
    return own;
  }

  /**
   * Calls back when a quorum, as `parseRule` reads it, has everything up to this vector. Returns a function that ends
   * the waiting.
   */
  whenHeld(vector: Vector, quorum: string, answered: (answer: Answer) => void): () => void {
    return this.#asks.ask({ vector, quorum, answered });
  }

  /** Shows others at this document what `state` says of this client, or nothing. Never kept anywhere. Needs `presence`. */
  show(document: OpenDocument, state: Uint8Array | undefined): void {
    this.#presence?.set(document, state);
  }

  /** Own changes that are not known to be safe: the loss of one disk might still undo their acknowledgement. */
  unsafeChanges(): readonly OwnChange[] {
    return this.#outbox.all();
  }

  status(): ClientStatus {
    return {
      connection: this.#closed ? "disconnected" : this.#reader.isAttached ? "connected" : "connecting",
      writable: this.#writer.isAttached,
      provider: this.#provider?.name,
      master: this.#master?.name,
      pending: this.#outbox.pendingCount,
      lastFault: this.#lastFault,
      keeping: this.#keeping?.state ?? "none",
      keepingFault: this.#keeping?.fault,
    };
  }

  onStatus(listener: () => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /** Calls back for every change that was finally refused, once it has been taken back. Returns a function that ends that. */
  onRejected(listener: (change: OwnChange) => void): () => void {
    this.#rejectionListeners.add(listener);
    return () => this.#rejectionListeners.delete(listener);
  }

  /** Ends all links. What was not acknowledged stays unconfirmed. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopCoverTimer();
    this.#presence?.stop();
    this.#masterLink?.stop("the client was closed");
    this.#home.stop("the client was closed");
    this.#keeping?.stop();
    for (const own of this.#outbox.all()) own.tell();
    this.#showStatus();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  // ---- links ----

  #self() {
    const { cluster, name, schema } = this.#config;
    return {
      peer: "client" as const,
      cluster,
      name,
      schema,
      incarnation: this.#author,
      url: "",
      voter: false,
      masters: [],
      token: this.#ports.token(),
    };
  }

  #attachedHome(channel: Channel, server: Hello): boolean {
    this.#provider = server;
    this.#knownMasters = server.masters;
    this.#lastFault = undefined;
    this.#reader.attach(channel);
    this.#presence?.attach(channel);
    this.#watchCoverage();
    if (server.peer === "master") {
      this.#masterLink?.stop("the provider is a master now");
      this.#masterLink = undefined;
      this.#attachMaster(channel, server);
    } else if (this.#masterLink === undefined) {
      this.#masterLink = this.#linkToMaster();
      this.#masterLink.start();
    }
    this.#showStatus();
    return true;
  }

  #detachedHome(wasAttached: boolean, reason: string, why: Fault | undefined): void {
    if (!this.#closed) this.#lastFault = why ?? fault("UNREACHABLE", reason);
    if (wasAttached) {
      this.#reader.detach();
      this.#presence?.detach();
      this.#provider = undefined;
      this.#stopCoverTimer();
      if (this.#masterLink === undefined) this.#detachMaster();
    }
    this.#showStatus();
  }

  /** A follower provides: writes go to a master that it names, or to one of the list. */
  #linkToMaster(): ServerLink {
    const link: ServerLink = new ServerLink(this.#ports, this.#config.limits, {
      urls: () => [...new Set([...this.#knownMasters, ...this.#config.urls])],
      self: () => this.#self(),
      attached: (channel, server) => {
        this.#knownMasters = server.masters;
        if (server.peer !== "master") return false;
        this.#lastFault = undefined;
        this.#attachMaster(channel, server);
        this.#showStatus();
        return true;
      },
      message: (message) => this.#receive(link, message),
      drained: () => this.#writer.pump(),
      detached: (wasAttached, reason, why) => {
        if (why !== undefined) this.#lastFault = why;
        this.#ports.log.debug("master-unreachable", { reason });
        if (wasAttached && this.#masterLink === link) this.#detachMaster();
        this.#showStatus();
      },
    });
    return link;
  }

  #attachMaster(channel: Channel, server: Hello): void {
    this.#master = server;
    if (server.clockMs !== undefined) this.#wallClock.hear(server.clockMs);
    this.#writer.pause("keeping");
    this.#writer.attach(channel, server);
    if (this.#keeping === undefined) this.#writer.resume("keeping");
    else this.#keeping.beforeOffering(server.incarnation, () => this.#writer.resume("keeping"));
    this.#asks.attach(channel);
  }

  #detachMaster(): void {
    this.#master = undefined;
    this.#writer.detach();
    this.#asks.detach();
  }

  #receive(link: ServerLink, message: Message): void {
    const reads = link === this.#home;
    const writes = link === (this.#masterLink ?? this.#home);
    if (reads && this.#reader.receive(message)) return;
    if (reads && message.kind === "presence") {
      this.#presence?.receive(message);
      return;
    }
    if (writes && (this.#writer.receive(message) || this.#asks.receive(message))) return;
    link.channel?.end(fault("UNEXPECTED_MESSAGE", `a server sent ${message.kind}`));
  }

  // ---- what follows from what ----

  #progressed(): void {
    this.#reader.showWaiting();
    for (const own of this.#outbox.prune()) own.tell();
    for (const document of this.#documents.values()) if (document.isBehindOwn) this.#showOwn(document);
    for (const document of this.#unused) this.#leaveUnused(document);
    this.#keeping?.changed();
    this.#showStatus();
  }

  /** A session that meets nodes which lack what it has seen hands it over, also one that only reads (SPINE 13). */
  #watchCoverage(): void {
    this.#stopCoverTimer();
    this.#stopCoverTimer = this.#ports.scheduler.after(this.#config.limits.coverWaitMs, () => {
      if (this.#reader.isAttached && !this.#reader.coversSession) this.#writer.handOver();
      this.#watchCoverage();
    });
  }

  /**
   * A change was finally refused: it is taken back, its author is dropped, and what followed it in the document is
   * made again under a new author, once the document has been had anew from the provider.
   */
  #rejected(own: OwnChange, why: Fault): void {
    this.#ports.log.warn("change-rejected", { code: why.code, reason: why.reason });
    this.#outbox.remove(own);
    const document = this.#documents.get(documentId(own.change.document));
    if (document !== undefined) {
      document.rejection = why;
      document.takingBack.push(own);
    }
    this.#beginAgain(document);
    this.#keeping?.changed();
    own.tell();
    if (document === undefined) this.#tellRejected(own);
    this.#showStatus();
  }

  /**
   * The clock that stamped a change was wrong, and by the greeting of this server it is right now: the change is made
   * again in its place, with all others of its kind, so that they stay in the order in which they were made; but none
   * that a master may have taken. Returns false where there is no document to make it on.
   */
  #madeAhead(own: OwnChange): boolean {
    if (!this.#documents.has(documentId(own.change.document))) return false;
    this.#ports.log.warn("clock-ahead", { stampMs: stampMs(own.change.stamp), nowMs: this.#wallClock.now() });
    const latestMs = this.#wallClock.now() + this.#config.limits.clockAheadMsMax;
    const again = new Set<OpenDocument>();
    for (const each of this.#outbox.all()) {
      const isAhead = stampMs(each.change.stamp) > latestMs && !each.received && !each.offeredElsewhere;
      const document = this.#documents.get(documentId(each.change.document));
      if (document === undefined || (each !== own && !isAhead)) continue;
      document.makingAgain.push(each.change);
      again.add(document);
    }
    for (const document of again) this.#beginAgain(document);
    return true;
  }

  /** The author is dropped, and the document is had anew, to make again on it what cannot stand as it is. */
  #beginAgain(document: OpenDocument | undefined): void {
    this.#author = this.#drawAuthor();
    if (document === undefined) return;
    this.#writer.pause("rebuild");
    document.rebuild();
    this.#reader.ask(document);
    this.#keeping?.extentChanged(document);
  }

  /**
   * What follows a refused change has dots that follow dots which do not exist, so it cannot stand as it is: the same
   * mutations are made again under another author, on the state that was had; what they remove or replace is judged anew.
   * All else stays as it is, also what is not ready in that state: a master may have accepted it (SPINE 3).
   */
  #rebuilt(documents: readonly OpenDocument[]): void {
    // What was written meanwhile has dots of the author that followed: no dot is made twice (I1).
    this.#author = this.#drawAuthor();
    const againIn = new Map<
      OpenDocument,
      { readonly refused: RefusedDots; readonly made: Map<string, Dot> }
    >();
    for (const document of documents) {
      const refused = new RefusedDots(document.takingBack);
      for (const change of document.makingAgain.splice(0)) refused.add(change);
      againIn.set(document, { refused, made: new Map() });
    }
    for (const own of [...this.#outbox.all()]) {
      const document = this.#documents.get(documentId(own.change.document));
      const again = document && againIn.get(document);
      if (!document || !again) continue;
      const { refused, made } = again;
      if (!refused.precede(own.change)) {
        if (!document.showOwn(own.change)) document.isBehindOwn = true;
        continue;
      }
      refused.add(own.change);
      const by = { author: this.#author, stamp: this.#stamps.next(), asIs: isOfLife(own.change) };
      const change = document.document.transact(by, (draft) => draft.repeat(own.change, made));
      if (change !== undefined) this.#outbox.replace(own, change);
      else {
        // What it did cannot be done any more: it removes what never was, or was typed on text that never was.
        this.#outbox.remove(own);
        this.#writer.forget(own);
        own.rejected = fault("MALFORMED_OP", "what it built on was refused");
        document.takingBack.push(own);
      }
      own.tell();
    }
    for (const document of documents)
      for (const own of document.takingBack.splice(0)) this.#tellRejected(own);
    if (![...this.#documents.values()].some((other) => other.rebuilding !== undefined))
      this.#writer.resume("rebuild");
  }

  // ---- what another life has left ----

  /** Shows own changes of another life as far as what they build on is here. Returns whether it told of any. */
  #showOwn(document: OpenDocument): boolean {
    if (!document.isBehindOwn || document.rebuilding !== undefined) return false;
    const own = this.#outbox.all().filter(({ change }) => documentId(change.document) === document.id);
    const before = own.filter(({ change }) => document.document.counter(change.author) >= change.last).length;
    const after = own.filter(({ change }) => document.showOwn(change)).length;
    document.isBehindOwn = after < own.length;
    if (after > before) document.tell();
    return after > before;
  }

  #leaveUnused(document: OpenDocument): void {
    const id = document.id;
    if (document.rebuilding !== undefined) return; // What follows its refused change waits for it.
    if (this.#outbox.all().some((own) => documentId(own.change.document) === id)) return;
    this.#unused.delete(document);
    this.#reader.leave(document);
    this.#keeping?.left(document);
    this.#documents.delete(id);
  }

  #showSaveStates(): void {
    const waiting = new Set<string>();
    const all = this.#outbox.all();
    // The newest first: who types has thousands that are only not safe yet. All are of documents that are followed.
    for (let i = all.length; i-- > 0 && waiting.size < this.#documents.size; )
      if (!all[i]!.confirmed) waiting.add(documentId(all[i]!.change.document));
    for (const document of this.#documents.values()) {
      // What was kept of it, and not read yet, may be waiting too.
      const isWaiting = waiting.has(document.id) || document.loading;
      const underWay = this.#writer.isAttached ? "saving" : "offline";
      document.showSaveState(document.rejection !== undefined ? "rejected" : isWaiting ? underWay : "saved");
    }
  }

  #tellRejected(own: OwnChange): void {
    for (const listener of [...this.#rejectionListeners]) listener(own);
  }

  #drawAuthor(): number {
    return 1 + this.#ports.random.integer(2 ** 53 - 1);
  }

  #showStatus(): void {
    this.#showSaveStates();
    const { lastFault, keepingFault, ...status } = this.status();
    const faults = [lastFault, keepingFault].flatMap((fault) => [fault?.code, fault?.reason]);
    const shown = [...Object.values(status), ...faults].join();
    if (shown === this.#shownStatus) return;
    this.#shownStatus = shown;
    for (const listener of [...this.#statusListeners]) listener();
  }
}
