import type { Change, Conflict, DocumentName, Draft, StreamId, Vector } from "@syncline/core";
import { changeId, type Document, HybridClock, positionIn } from "@syncline/core";
import {
  CODES,
  type CommitRule,
  type Fault,
  fault,
  type Message,
  type Quorum,
  type StreamRecord,
} from "@syncline/protocol";
import type { Link, LinkHandler } from "../ports.js";
import type { Catalog } from "../schema/catalog.js";
import type { Statement } from "../schema/statements.js";
import type { StoreFull } from "../store-full.js";
import { Aside } from "./aside.js";
import { Bases } from "./bases.js";
import { Callers, type CallOptions } from "./callers.js";
import { Claims } from "./claims.js";
import { Clients } from "./clients.js";
import { Clocks } from "./clocks.js";
import { ClosedStreams } from "./closed-streams.js";
import { Commits } from "./commit.js";
import { Concerns } from "./concerns.js";
import type { NodeConfig, NodePorts } from "./config.js";
import { Conflicts } from "./conflicts.js";
import { AuthorCounters, PendingCounters } from "./counters.js";
import { Cutting } from "./cutting.js";
import { Documents } from "./documents.js";
import { Feeds } from "./feeds.js";
import { Fences } from "./fences.js";
import { Following } from "./following.js";
import { FormerStreams } from "./former-streams.js";
import { Freshness } from "./freshness.js";
import { Gossiping } from "./gossip.js";
import { Handins } from "./handins.js";
import { Journal } from "./journal.js";
import { Lags } from "./lags.js";
import { Links } from "./links.js";
import { type HeadRecord, Log } from "./log.js";
import { Mastership } from "./mastership.js";
import { isReserved, MEMBERS, Members } from "./members.js";
import { type Meta, readMeta } from "./meta.js";
import { OwnDocuments } from "./own-documents.js";
import { type NodeLink, Peers } from "./peers.js";
import { PresenceBoard } from "./presence.js";
import { Promotion } from "./promotion.js";
import { type FieldIdentity, type PurgeState, Purges } from "./purges.js";
import { Reads } from "./reads.js";
import { Receiving } from "./receiving.js";
import { Reports } from "./reports.js";
import { Retention } from "./retention.js";
import { Retirement, type RetirementAnswer, type RetireOptions } from "./retirement.js";
import { Retirements } from "./retirements.js";
import { Retiring } from "./retiring.js";
import { Watch } from "./revision.js";
import { Role } from "./role.js";
import { type ChangeOptions, type RoleAnswer, Roles } from "./roles.js";
import { Safety } from "./safety.js";
import { isSchema, NodeSchema } from "./schema.js";
import { Sending } from "./sending.js";
import { Serving } from "./serving.js";
import { CLOCKS, Skews } from "./skews.js";
import { closingStatus, memberStatus, type NodeStatus, streamStatus } from "./status.js";
import { metaKey, metaRow } from "./tables.js";
import { TAKEOVERS, Takeovers } from "./takeovers.js";
import { TurnEnds } from "./turn-ends.js";
import { Upstreams } from "./upstreams.js";
import { Visibility } from "./visibility.js";
import type { WriteAnswer, WriteOptions } from "./writes.js";

export interface ReadOptions {
  /** What the reader has seen. */
  readonly token: Vector;
  /** How old what is shown may be, measured over all masters. */
  readonly maxStalenessMs?: number;
  /** How long to wait for each of these. */
  readonly waitMs: number;
}

export type ReadAnswer =
  | { ok: true; document: Document | undefined; token: Vector }
  | { ok: false; fault: Fault };

/**
 * A node: a set of stream prefixes, with those who follow it and those whom it follows.
 *
 * Events (frames, timers, commits of the disk) only change the state of the parts below; `settle`, once per turn
 * of the event loop, decides what follows from all of them together: what can be stored, shown, admitted, sent,
 * written and answered. A follower is a node that follows and serves; a master is one that also admits.
 */
export class SyncNode {
  readonly incarnation: number;
  private readonly journal: Journal;
  private readonly log: Log;
  /** What this node is at present. */
  private readonly self: Role;
  private readonly mastership: Mastership;
  private readonly own: OwnDocuments;
  private readonly roles: Roles;
  /** Which streams are closed. */
  private readonly retirements: Retirements;
  private readonly fences: Fences;
  private readonly retirement: Retirement;
  /** Those of its earlier starts. */
  private readonly former: FormerStreams;
  private readonly closed: ClosedStreams;
  private readonly aside: Aside;
  private readonly handins: Handins;
  private readonly members: Members;
  private readonly peers = new Peers();
  private readonly counters: AuthorCounters;
  private readonly pending = new PendingCounters();
  private readonly documents: Documents;
  private readonly schema: NodeSchema;
  private readonly takeovers: Takeovers;
  private readonly skews: Skews;
  private readonly conflicts: Conflicts;
  private readonly purges: Purges;
  private readonly visibility: Visibility;
  private readonly commits: Commits;
  private readonly safety: Safety;
  /** Whether there may be other masters to dial. */
  private readonly mastersMoved: Watch;
  private readonly reports: Reports;
  private readonly following: Following;
  private readonly serving: Serving;
  private readonly gossiping: Gossiping;
  private readonly feeds: Feeds;
  private readonly reads: Reads;
  private readonly freshness: Freshness;
  private readonly lags: Lags;
  private readonly clocks: Clocks;
  private readonly concerns: Concerns;
  private readonly upstreams: Upstreams;
  private readonly retention: Retention;
  private readonly bases: Bases;
  private readonly sending: Sending;
  private readonly receiving: Receiving;
  private readonly stamps: HybridClock;
  private readonly callers: Callers;
  private readonly clients: Clients;
  private readonly links: Links;
  /** Who is at which document, here and at other nodes. */
  readonly presence: PresenceBoard;
  private readonly meta: Meta;
  /** What of it the store has, or will have with a commit under way. */
  private metaWritten: Pick<Meta, "documents" | "epoch"> | undefined;
  private whenDurable: { mark: number; then: () => void }[] = [];
  private settleDue = false;
  private readonly turnEnds: TurnEnds;
  private isWaitingForRoom = false;
  /** Those downstream are told what others say at the next turn, too. */
  private gossipDue = false;
  private stopTimer: () => void = () => {};
  private state: "starting" | "running" | "stopping" | "stopped" | "error" = "starting";

  /** Reads the store. Throws `DamagedStore` or `ForeignStore`. */
  constructor(
    private readonly config: NodeConfig,
    private readonly ports: NodePorts,
  ) {
    const { storage, clock, scheduler, random } = ports;
    const { limits } = config;
    this.turnEnds = new TurnEnds(scheduler);
    this.incarnation = 1 + random.integer(2 ** 53 - 1);
    this.meta = readMeta(storage, config.cluster);
    this.journal = new Journal(storage, {
      durable: (mark) => this.durable(mark),
      failed: (error) => this.fail(error),
      full: (error, retry) => this.waitForRoom(error, retry),
    });
    this.journal.beforeCommit(() => this.writeMeta());
    this.log = new Log(storage, this.journal, limits);
    this.counters = new AuthorCounters(storage, this.journal, limits);
    this.documents = new Documents(storage, this.journal, this.log, limits, this.meta);
    this.schema = new NodeSchema(this.documents);
    const shown = () => this.visibility.visible;
    this.takeovers = new Takeovers(this.documents);
    this.skews = new Skews(this.documents, limits);
    this.conflicts = new Conflicts(
      storage,
      this.journal,
      this.documents,
      this.schema,
      this.takeovers,
      this.skews,
      limits,
      shown,
    );
    this.purges = new Purges(storage, this.journal, this.documents, this.log, this.schema);
    this.documents.onTakenIn((entry, document) => {
      this.reservedChanged(entry.name);
      this.conflicts.takenIn(entry, document);
      this.purges.takenIn(entry, document);
    });
    this.self = new Role(config, storage, this.journal, ports.log);
    this.retirements = new Retirements(config.name, storage, this.journal, this.log);
    this.members = new Members(this.self, this.documents, this.peers, limits, this.retirements);
    const isSingle = config.topology === "single-master";
    const claims = new Claims(this.self, isSingle, storage, this.journal, this.members, clock);
    const promotion = new Promotion(config.name, this.log, this.peers, this.members, this.retirements);
    this.stamps = new HybridClock(() => clock.now(), limits.clockAheadMsMax);
    this.visibility = new Visibility(this.log, this.counters, this.documents, {
      visible: (_record, head) => {
        if (head === undefined) return;
        this.pending.remove(head);
        this.stamps.observe(head.stamp);
        if (this.mastership.current !== undefined) this.skews.look(head, clock.now());
      },
      integrated: ({ entry, place, head }) => {
        this.reservedChanged(entry.name);
        this.conflicts.integrated(entry, head, place);
        if (head.isOfLife === true) this.purges.changed(entry, this.documents.read(entry));
        else this.purges.integrated(entry, place);
        this.bases.integrated(entry);
        this.feeds.integrated(head.document, entry.tailLength, place);
      },
      standsAlso: (entry, place) => {
        this.documents.standsAlso(entry, place);
        this.conflicts.standsAt(entry, place);
        this.purges.takenIn(entry, this.documents.read(entry));
      },
      quarantined: (head, reason) => ports.log.error("identity-reused", { change: changeId(head), reason }),
    });
    this.conflicts.begin();
    const ownStream = () => this.mastership.current?.admission.stream;
    this.commits = new Commits(config.name, this.log, this.peers, this.members, ownStream);
    const news = () => this.poke();
    const afterDurable = (mark: number, then: () => void) => this.afterDurable(mark, then);
    const isRunning = () => this.state === "running";
    const refusesWrites = () => this.refusesWrites();
    this.mastership = new Mastership(
      this.self,
      this.meta,
      claims,
      this.peers,
      this.members,
      this.retirements,
      this.stamps,
      this.log,
      this.journal,
      this.counters,
      this.pending,
      this.documents,
      this.visibility,
      this.commits,
      config,
      ports,
      {
        afterDurable,
        rejoined: () => {
          // Clients that have come meanwhile were told that this node takes no writes.
          const why = fault("ROLE_CHANGED", `${this.name} takes writes again`, this.masters());
          this.clients.end(why);
          news();
        },
      },
    );
    this.mastersMoved = new Watch([this.members.revision, this.peers.revision]);
    this.safety = new Safety(
      this.self,
      this.log,
      this.peers,
      this.members,
      () => this.retirements.all().length > 0,
    );
    this.following = new Following(
      config.name,
      this.log,
      this.peers,
      this.members,
      clock,
      limits,
      ports.log,
      {
        limitOf: (stream, node, opening) => this.retirements.limitOf(stream, node, opening),
        // A fence alone may be lifted again.
        closedBefore: (stream, opening) => {
          if (this.retirements.endOf(stream, opening) !== undefined)
            this.closed.learnEnd(opening.node, stream, 0);
        },
        isWanted: (node, stream) => this.retirements.isWanted(node, stream),
        endsRevision: () => this.retirements.revision.number,
        ownStream,
        overloaded: () => this.isOverloaded(),
        stored: () => this.poke(),
        lacking: (link) => this.receiving.want(link),
      },
    );
    this.serving = new Serving(this.log, this.peers, limits, () => this.fencesHere());
    this.gossiping = new Gossiping(config.name, this.peers, limits, this.retirements);
    this.feeds = new Feeds(this.documents, this.log, this.visibility.visible, limits, ports.mac, (entry) =>
      this.bases.served(entry),
    );
    this.presence = new PresenceBoard(clock, scheduler, limits);
    const beyond = (vector: Vector) => this.closed.objectionTo(vector);
    this.reads = new Reads(
      this.visibility.visible,
      scheduler,
      limits,
      () => this.log.stream(ownStream() ?? 0),
      beyond,
    );
    this.concerns = new Concerns(this.commits, scheduler, limits.waitingConcernsMax, beyond);
    this.callers = new Callers(
      this.mastership,
      this.documents,
      this.schema,
      this.purges,
      this.reads,
      this.visibility.visible,
      limits.readWaitMs,
      { refusesWrites, written: news },
    );
    this.clients = new Clients(
      config.name,
      this.mastership,
      this.documents,
      this.schema,
      this.log,
      this.journal,
      this.commits,
      this.concerns,
      this.feeds,
      this.presence,
      limits,
      ports,
      { masters: () => this.masters(), refusesWrites, news },
    );
    this.lags = new Lags(this.log, clock);
    this.clocks = new Clocks(clock, limits.clockAheadMsMax, ports.log);
    this.own = new OwnDocuments(
      this.mastership,
      this.members,
      this.takeovers,
      this.skews,
      this.clocks,
      clock,
      limits.writeWaitMs,
      () => this.refusesWrites() === undefined,
    );
    this.roles = new Roles(
      this.self,
      claims,
      promotion,
      this.mastership,
      this.own,
      this.peers,
      this.members,
      this.journal,
      { isSingle, role: config.role, writeWaitMs: limits.writeWaitMs },
      ports,
      {
        isRunning,
        refusesWrites,
        afterDurable,
        changed: (reason) => this.links.end(fault("ROLE_CHANGED", reason, this.masters())),
        news,
      },
    );
    const retiring = new Retiring(this.self, this.log, this.peers, this.members, this.retirements);
    this.fences = new Fences(config.name, this.peers, this.retirements, random, {
      isMaster: () => this.mastership.current !== undefined,
      news,
    });
    this.former = new FormerStreams(
      config.name,
      this.peers,
      this.retirements,
      retiring,
      this.fences,
      this.visibility.visible,
      clock,
      ports.log,
      {
        isSteady: () => this.isSteady(),
        present: () => this.log.stream(ownStream() ?? 0),
        isOpened: (stream) => this.mastership.opened.has(stream),
        news,
      },
    );
    this.retirement = new Retirement(
      config.name,
      this.peers,
      this.members,
      this.retirements,
      retiring,
      this.fences,
      this.journal,
      ports,
      {
        objection: () => this.objectionToDeciding(),
        news,
        afterDurable,
      },
    );
    this.freshness = new Freshness(
      this.self,
      this.members,
      this.peers,
      this.visibility.visible,
      ports,
      limits,
      {
        current: () => this.log.stream(ownStream() ?? 0),
        hasHiddenPast: () => this.hasHiddenPast(),
        limitOf: (stream, node) => this.retirements.limitOf(stream, node, this.log.stream(stream)?.opening),
      },
    );
    this.upstreams = new Upstreams(config.follow, ports, limits, (link, url) =>
      this.links.attach("dialer", link, url),
    );
    this.retention = new Retention(this.log, this.peers, this.members, limits);
    const { visible } = this.visibility;
    this.bases = new Bases(this.log, this.documents, visible, this.journal, this.retention, ports, limits, {
      isPinned: () => this.sending.isPinning || this.receiving.isArriving || this.receiving.isRepairing,
      isPurging: () => this.purges.isPending,
      isWanted: () => this.sending.isWaitingForBase,
      floors: () => this.sending.floors(),
      afterDurable,
      settled: () => this.poke(),
    });
    this.sending = new Sending(this.log, this.documents, this.counters, this.bases.vector, ports, limits, {
      isArriving: () => this.receiving.isArriving,
      more: () => this.poke(),
    });
    this.receiving = new Receiving(this.documents, this.counters, this.journal, ports, limits, {
      arrived: (vector, heads) => this.jump(vector, heads),
      visible: () => this.visibility.visible,
      afterDurable,
    });
    this.aside = new Aside(
      storage,
      this.journal,
      this.documents,
      this.counters,
      this.log,
      limits,
      this.visibility.visible,
      {
        admit: (change) => this.handins.admit(change),
        send: (message) => this.towardsMaster()?.channel.send(message),
      },
    );
    this.handins = new Handins(this.mastership, this.aside, ports.log, { refusesWrites, admitted: news });
    const cutting = new Cutting(config.name, this.log, this.documents, this.counters, visible, {
      aside: (stream, position, record) => this.aside.put(stream, position, record),
      cut: (name) => this.feeds.cutOff(name),
    });
    this.closed = new ClosedStreams(
      config.name,
      this.log,
      this.peers,
      this.members,
      this.retirements,
      cutting,
      this.commits,
      this.bases,
      this.mastership,
      ports,
      {
        news,
        shownAnew: () => this.shownAnew(),
        closed: () => {
          this.reads.closed();
          this.concerns.closed();
        },
        forget: (link) => this.forget(link),
        whenDurable: (then) => this.afterDurable(this.journal.mark(), then),
        greetAnew: () =>
          this.links.end(fault("ROLE_CHANGED", `${this.name} was retired, and joins again`, this.masters())),
      },
    );
    this.reports = new Reports(this.log, this.peers, this.retirements, this.commits, this.safety, limits);
    this.links = new Links(
      this.incarnation,
      this.self,
      config,
      this.peers,
      this.members,
      this.retirements,
      this.closed,
      this.clients,
      this.upstreams,
      this.presence,
      this.turnEnds,
      ports,
      {
        isOver: () => this.state === "stopped" || this.state === "error",
        masters: () => this.masters(),
        connected: (link) => {
          this.clocks.hear(link);
          this.clocks.look();
        },
        receive: (link, message) => this.receive(link, message),
        forget: (link) => this.forget(link),
        news,
      },
    );
    this.conflicts.start();
  }

  get name(): string {
    return this.config.name;
  }

  /** Whether a former stream of this node has something at its end that is not shown. */
  private hasHiddenPast(): boolean {
    const { epoch } = this.meta;
    if (!this.commits.hearsOfPast(this.name, this.self.rule)) return true;
    // Also what others have of it and this one does not: its disk may have been lost, or put back.
    for (const { progress } of this.peers.all()) {
      for (const { stream, node, received } of progress.values()) {
        if (node !== this.name || stream === epoch) continue;
        const limit = this.retirements.limitOf(stream, node, this.log.stream(stream)?.opening);
        if (Math.min(received, limit) > positionIn(this.visibility.visible, stream)) return true;
      }
    }
    for (const { id, opening, visible, held } of this.log.streams())
      if (visible < held && id !== epoch && opening.node === this.name) return true;
    return false;
  }

  /** Begins to follow and, as a master, opens a new stream. `ready` is called once the node may be reached by others. */
  start(ready: () => void): void {
    this.fences.look();
    this.visibility.advance();
    const begin = () => {
      if (this.state !== "starting") return; // It was told to stop, or has failed, before it had begun.
      this.state = "running";
      this.upstreams.start();
      this.receiving.start();
      this.scheduleTick();
      this.poke();
      ready();
    };
    if (this.self.role === "master") this.mastership.open(begin);
    else begin();
  }

  /** A peer has opened a link to this node. */
  accept(link: Link): LinkHandler {
    return this.links.attach("acceptor", link, "");
  }

  /** URLs of the masters that this node knows, its own among them. */
  masters(): string[] {
    const urls = new Set<string>();
    const isMaster = this.self.role === "master" && !this.roles.isChanging;
    if (isMaster && this.config.url !== "") urls.add(this.config.url);
    const others = [...this.members.others().values()];
    for (const { role, url } of others) if (role === "master" && url !== "") urls.add(url);
    // What peers said when they greeted, but for those that are known to be none by now.
    const none = new Set(others.flatMap(({ role, url }) => (role === "follower" ? [url] : [])));
    if (!isMaster) none.add(this.config.url);
    for (const { peer } of this.peers.all())
      for (const url of peer.masters) if (!none.has(url)) urls.add(url);
    return [...urls].slice(0, this.config.limits.urlsMax);
  }

  /** Why this node takes no writes at present; undefined when it does. */
  refusesWrites(): Fault | undefined {
    if (this.self.role === "follower" || this.roles.isChanging) {
      return fault("READ_ONLY_FOLLOWER", `${this.name} is a follower; it takes no writes`, this.masters());
    }
    if (this.state === "error") return this.storageFailed();
    if (this.state === "starting") return fault("SHUTTING_DOWN", `${this.name} is starting`);
    if (this.state !== "running") return fault("SHUTTING_DOWN", `${this.name} is stopping`);
    if (this.mastership.isRejoining || this.mastership.current === undefined) {
      const reason = `${this.name} was retired, and joins again once it hears a majority`;
      return fault("READ_ONLY_FOLLOWER", reason, this.masters());
    }
    if (this.journal.isFull) {
      return fault("STORAGE_FULL", `the disk of ${this.name} is full`, this.masters());
    }
    if (this.clocks.isAhead) {
      return fault("NODE_CLOCK_AHEAD", `the clock of ${this.name} is ahead of the others'`, this.masters());
    }
    if (this.isOverloaded()) return fault("OVERLOADED", "the disk does not keep up");
    return undefined;
  }

  /** Makes a change here, after what `token` names is visible. */
  transact(
    document: DocumentName,
    mutate: (draft: Draft) => void,
    options: CallOptions,
    answer: (answer: WriteAnswer) => void,
  ): void {
    this.callers.transact(document, mutate, options, answer);
  }

  /** The schema as readers see it here. */
  catalog(): Catalog {
    return this.schema.catalog();
  }

  /** Changes the schema, all statements or none, after what `token` names is visible. */
  alterSchema(
    statements: readonly Statement[],
    options: CallOptions,
    answer: (answer: WriteAnswer) => void,
  ): void {
    this.callers.alterSchema(statements, options, answer);
  }

  /** Writes the loser of a conflict again, or shows a deleted document with what was written to it. */
  restore(conflict: Conflict, options: CallOptions, answer: (answer: WriteAnswer) => void): void {
    this.callers.restore(conflict, options, answer);
  }

  /** Takes the content of a deleted document away for good: see `Purges`. */
  purge(name: DocumentName, options: CallOptions, answer: (answer: WriteAnswer) => void): void {
    this.callers.purge(name, options, answer);
  }

  /**
   * Takes a document of a dropped collection away for good, or the content of a dropped field of it. Undefined is answered
   * where nothing is left to take away.
   */
  purgeDropped(
    name: DocumentName,
    field: FieldIdentity | undefined,
    options: WriteOptions,
    answer: (answer: WriteAnswer | undefined) => void,
  ): void {
    this.callers.purgeDropped(name, field, options, answer);
  }

  /** Says anew that it is dropped, by somebody who has seen the purge: no write that it took away is told of any more. */
  dropAgain(
    collection: string,
    field: FieldIdentity | undefined,
    options: CallOptions,
    answer: (answer: WriteAnswer) => void,
  ): void {
    this.callers.dropAgain(collection, field, options, answer);
  }

  /** Whether this node still has anything of a document that was purged, or of a dropped field of it. */
  purgeState(name: DocumentName, field?: FieldIdentity): PurgeState {
    return this.callers.purgeState(name, field);
  }

  /** Keys of all documents of a collection, deleted ones too, after `after`, at most `limit`. */
  allKeys(collection: string, after: string | undefined, limit: number): string[] {
    return this.documents.keys(collection, after, limit);
  }

  /**
   * A document as it is visible here, after what is asked for holds. The document belongs to the node: read it
   * within the callback. Undefined when no change of it was ever seen.
   */
  read(name: DocumentName, options: ReadOptions, answer: (answer: ReadAnswer) => void): void {
    this.whenReadable(options, (failed) => {
      if (failed !== undefined) {
        answer({ ok: false, fault: failed });
        return;
      }
      answer({ ok: true, document: this.documents.shown(name), token: this.visibility.visible });
    });
  }

  /** Calls back once: when what is visible covers the token and is young enough, or when the wait is over. */
  whenReadable(options: ReadOptions, answer: (failed: Fault | undefined) => void): void {
    const { token, maxStalenessMs = Number.POSITIVE_INFINITY, waitMs } = options;
    this.reads.whenVisible(token, waitMs, (failed) => {
      if (failed !== undefined || maxStalenessMs === Number.POSITIVE_INFINITY) answer(failed);
      else this.freshness.whenFresh(maxStalenessMs, waitMs, answer);
    });
  }

  /** Calls back once: when a quorum has everything up to this vector, or when the wait is over. */
  whenHeld(
    vector: Vector,
    quorum: Quorum,
    waitMs: number,
    answer: (failed: Fault | undefined) => void,
  ): void {
    this.concerns.whenHeld(vector, quorum, waitMs, answer);
    this.poke();
  }

  /** Keys of a collection after `after`, at most `limit`, in the order of their UTF-8 bytes. */
  keys(collection: string, after: string | undefined, limit: number): string[] {
    const keys: string[] = [];
    for (let last = after; ; ) {
      const page = this.documents.keys(collection, last, limit);
      keys.push(...page.filter((key) => !this.conflicts.isDeleted({ collection, key })));
      last = page.at(-1);
      if (page.length < limit || keys.length >= limit) return keys.slice(0, limit);
    }
  }

  /** What resolutions have hidden, in one document or in all: the same on every node that shows the same. */
  conflictList(only?: DocumentName): readonly Conflict[] {
    return this.conflicts.list(only);
  }

  /** Names of all documents after this one, in the order of their bytes, at most so many. */
  namesAfter(after: DocumentName | undefined, limit: number): DocumentName[] {
    return this.documents.namesAfter(after, limit);
  }

  /** A document as it is visible now, made anew from the disk: for comparing with others. */
  documentFromDisk(name: DocumentName): Document | undefined {
    return this.documents.fromDisk(name);
  }

  /**
   * Takes everything anew from an upstream, in place of what is here: for a node that was found to differ from others, or
   * to be damaged. What it has beyond, and what comes meanwhile, stays. Undefined, or why it cannot.
   */
  repair(): Fault | undefined {
    const upstream = [...this.peers.all()].find((link) => link.dialed) ?? [...this.peers.all()][0];
    if (upstream === undefined)
      return fault("OVERLOADED", "no other node is connected that could provide it");
    if (!this.receiving.repair(upstream)) return fault("OVERLOADED", "a snapshot is being received already");
    this.poke();
    return undefined;
  }

  /** The vector that this node's readers see. */
  visibleVector(): Vector {
    return this.visibility.visible;
  }

  /** How far this node holds each stream. */
  heldVector(): Vector {
    return this.log.held;
  }

  /** How far it has each stream on its disk. */
  durableVector(): Vector {
    return this.log.durable;
  }

  /** Where a stream ends that is closed; undefined for an open one. */
  endOf(stream: StreamId): number | undefined {
    return this.retirements.knownEnd(stream);
  }

  /** Changes that it has cut off from closed streams, and keeps until they are safe elsewhere. */
  changesAside(): Iterable<Change> {
    return this.aside.changes();
  }

  /** Whether it keeps what stands at a place that it holds as a record. */
  keeps(stream: StreamId, position: number): boolean {
    return position === 1 || position > (this.log.stream(stream)?.truncated ?? 0);
  }

  /** What stands at a place that it keeps. Throws `DamagedStore`. */
  recordAt(stream: StreamId, position: number): StreamRecord {
    return this.log.record(stream, position);
  }

  status(): NodeStatus {
    const { name, role, url } = this.self;
    const { cluster } = this.config;
    const { log, peers, members, commits, lags, retention } = this;
    const receivers = this.sending.receivers();
    const now = this.ports.clock.monotonic();
    const stalenessMs = this.freshness.stalenessMs();
    return {
      cluster,
      node: name,
      role,
      topology: this.config.topology ?? "multi-master",
      writer: this.members.writer()?.name ?? null,
      state: this.stateName(),
      url,
      nodes: memberStatus({
        self: this.self,
        log,
        peers,
        members,
        commits,
        lags,
        retention,
        receivers,
        now,
      }),
      streams: streamStatus(this.log, this.retirements, this.following.providers()),
      closings: closingStatus(this.retirements, new Set([name, ...members.others().keys()])),
      stalenessMs: Number.isFinite(stalenessMs) ? stalenessMs : null,
      clients: this.clients.count,
      isDiskFull: this.journal.isFull,
      clockAheadMs: this.clocks.aheadMs() ?? null,
      unflushedBytes: this.journal.unflushedBytes,
      parkedRecords: this.following.parkedCount,
      retained: retention.retained(),
      degradedWrites: this.mastership.current?.writes.degraded ?? 0,
      documentsInMemory: this.documents.inMemory.documents,
      documentBytesInMemory: this.documents.inMemory.bytes,
    };
  }

  /** Whether all that it has heard of is held, on its disk and shown. Cheap enough to be asked all the time. */
  isAtRest(): boolean {
    if (this.following.parkedCount > 0 || this.journal.unflushedBytes > 0) return false;
    if (this.mastership.isRejoining || this.aside.isWaiting) return false;
    for (const { visible, held } of this.log.streams()) if (visible !== held) return false;
    return true;
  }

  /** Whether the node is of use to readers: started, and connected to an upstream if it has any. */
  isReady(): boolean {
    if (this.state !== "running") return false;
    if (this.self.role === "master" || this.self.follow.length === 0) return true;
    return [...this.peers.all()].some((link) => link.dialed);
  }

  /**
   * Stops: takes no more writes, brings what it has to the disk, answers everybody who waits, and ends all links.
   * `done` is called when the disk has everything. The caller bounds the wait and closes the store.
   */
  stop(done: () => void): void {
    if (this.state === "stopping" || this.state === "stopped") return;
    this.state = "stopping";
    this.upstreams.stop();
    this.settle();
    const finish = () => {
      this.settle();
      const why = fault("SHUTTING_DOWN", `${this.name} is stopping`, this.masters());
      this.refuseWaiting(why);
      this.links.end(why);
      this.stopTimer();
      this.bases.stop();
      this.receiving.stop();
      this.state = "stopped";
      // What came in meanwhile was promised to nobody, but it is here: nothing more can follow it now.
      this.afterDurable(this.journal.mark(), done);
    };
    this.afterDurable(this.journal.mark(), finish);
  }

  // ---- roles ----

  /**
   * Makes this follower a master, once nothing that was ever committed can be left behind (SPINE 19); `force` does not wait
   * for those who are not heard. Calls back once, within `waitMs` and a commit of the disk.
   */
  promote(how: ChangeOptions & { readonly rule: CommitRule }, answer: (answer: RoleAnswer) => void): void {
    this.roles.promote(how, answer);
  }

  /**
   * Makes this master a follower: it takes no more writes, and steps down once others have all that it has accepted and
   * another master is there; `force` does without both. Calls back once, within `waitMs` and a commit of the disk.
   */
  demote(how: ChangeOptions, answer: (answer: RoleAnswer) => void): void {
    this.roles.demote(how, answer);
  }

  /**
   * Gives this master's stream another commit rule: for what it accepts from now on, and for what waits, once the record
   * that says so is committed under it. Calls back when that record is on the disk. A start opens a new stream by the flags.
   */
  changeRule(rule: CommitRule, answer: (refused: Fault | undefined) => void): void {
    this.roles.changeRule(rule, answer);
  }

  /**
   * Takes a node out of the cluster that is gone for good: the others agree on where its streams end (SPINE 16). If it comes
   * back, it joins as a new one and hands in what it had beyond. `force` does without those who are not heard. Calls back
   * once, within `waitMs` and a commit of the disk.
   */
  retire(node: string, how: RetireOptions, answer: (answer: RetirementAnswer) => void): void {
    this.retirement.retire(node, how, answer);
  }

  /** Answers everybody who waits for something here: it will not come. */
  private refuseWaiting(why: Fault): void {
    this.roles.stop(why);
    this.retirement.stop(why);
    this.former.stop();
    this.mastership.current?.writes.stop();
    this.reads.stop(why);
    this.freshness.stop(why);
    this.concerns.stop(why);
  }

  /** Ids of the fences that this node has, and reports. */
  private fencesHere(): number[] {
    return this.retirements.fences((node) => this.peers.isContested(node));
  }

  /** Whether it is clear which stream is its present one, if it is to have one. */
  private isSteady(): boolean {
    if (this.state !== "running" || this.roles.isChanging) return false;
    return this.self.role === "follower" || this.mastership.current !== undefined;
  }

  private objectionToDeciding(): Fault | undefined {
    if (this.state !== "running") return fault("SHUTTING_DOWN", `${this.name} is not running`);
    if (this.mastership.current !== undefined) return undefined;
    return fault("READ_ONLY_FOLLOWER", `${this.name} is no master; masters retire nodes`, this.masters());
  }

  /** A master that is connected, or who provides the stream of one. */
  private towardsMaster(): NodeLink | undefined {
    const links = [...this.peers.all()];
    const providers = new Set(this.following.providers().values());
    return (
      links.find(({ peer }) => peer.peer === "master") ??
      links.find(({ dialed, peer }) => dialed && providers.has(peer.name))
    );
  }

  // ---- links ----

  /** A document has changed: one of the cluster's own, perhaps. */
  private reservedChanged(name: DocumentName): void {
    if (!isReserved(name)) return;
    if (isSchema(name)) {
      this.schema.changed();
      this.clients.schemaChanged();
    } else if (name.key === MEMBERS.key) this.members.changed();
    else if (name.key === CLOCKS.key) this.skews.changed();
    else if (name.key === TAKEOVERS.key) {
      this.takeovers.changed();
      this.conflicts.takenOver();
    }
  }

  private forget(link: NodeLink): void {
    this.retention.look(); // How far it was when it was last heard.
    this.peers.remove(link);
    this.members.changed();
    this.following.lost(link);
    this.sending.lost(link);
    this.receiving.lost(link);
    this.serving.lost(link);
    this.freshness.lost(link);
    this.gossiping.lost(link);
    this.presence.lost(link.channel);
    this.clocks.lost(link);
  }

  private receive(link: NodeLink, message: Message): void {
    switch (message.kind) {
      case "progress":
        for (const entry of message.streams) this.reports.receive(link, entry);
        break;
      case "follow":
        this.serving.follow(link, message.stream, message.after);
        break;
      case "unfollow":
        this.serving.unfollow(link, message.stream);
        break;
      case "retired":
        this.closed.learn(message.closings);
        break;
      case "handin":
        this.handins.receive(link, message);
        break;
      case "gossip":
        // Mostly it says how far somebody is.
        if (this.gossiping.receive(link, message)) this.members.changed();
        break;
      case "probe":
        this.freshness.probed(link, message.number);
        break;
      case "ages":
        this.freshness.told(link, message.number, message.ages);
        break;
      case "presence":
        this.presence.receive(link.channel, message);
        break;
      case "records":
        this.following.receive(link, message);
        break;
      case "truncated":
        this.following.truncated(link, message.stream, message.upTo);
        break;
      case "fetch":
        this.sending.fetch(link, message);
        break;
      case "grant":
        this.sending.granted(link, message.bytes);
        break;
      case "snapshot":
        this.receiving.begin(link, message);
        break;
      case "piece":
        this.receiving.piece(link, message);
        break;
      case "complete":
        this.receiving.complete(link, message);
        break;
      default:
        link.channel.end(fault("UNEXPECTED_MESSAGE", `a node sent ${message.kind}`));
    }
  }

  // ---- turns ----

  /** Something has changed: settle it at the end of this turn. */
  private poke(): void {
    if (this.settleDue || this.state === "stopped" || this.state === "error") return;
    this.settleDue = true;
    this.ports.scheduler.turn(() => {
      this.settleDue = false;
      this.settle();
    });
  }

  private settle(): void {
    if (this.state === "stopped" || this.state === "error" || this.state === "starting") return;
    this.turnEnds.during(this.settleAll);
  }

  private readonly settleAll = (): void => {
    this.closed.close();
    if (this.closed.isUntold) {
      this.fences.look();
      this.closed.tell();
    }
    if (!this.roles.isChanging) this.mastership.rejoin();
    this.roles.makeRoom();
    this.own.settle();
    for (let growing = true; growing; ) {
      this.following.unpark();
      do this.commits.evaluate();
      while (this.visibility.advance());
      growing = false;
      for (const offers of this.clients.offering) if (offers.admit()) growing = true;
    }
    if (this.reports.settle()) this.poke();
    this.safety.evaluate();
    // Where no other node is connected there is next to nothing to do for them, and clients do not wait for that.
    const { isEmpty: isAlone } = this.peers;
    if (!isAlone) this.replicate();
    // Receipts before cuts: a cut may say that a change is safe, and only its receipt says where it is.
    for (const offers of this.clients.offering) {
      offers.answer();
      if (!offers.isBusy) this.clients.offering.delete(offers);
    }
    this.feeds.pump();
    if (isAlone) {
      this.turnEnds.sent();
      this.replicate();
    }
    this.serving.report();
    this.gossiping.pump(this.gossipDue);
    this.gossipDue = false;
    // What is to be sent is, before the disk is given its work: that takes as long as all else together.
    this.turnEnds.sent();
    this.journal.flush();
    this.clients.watchHeldReceipts();
    this.mastership.current?.writes.settle();
    this.concerns.settle();
    this.roles.settle();
    this.retirement.settle();
    this.former.settle();
    this.freshness.settle();
    this.reads.settle();
    this.log.trim();
    this.documents.trim();
    this.bases.settle();
  };

  /** What other nodes have is asked for, and what they have asked for is sent to them. */
  private replicate(): void {
    this.following.choose();
    this.serving.pump();
    this.sending.pump();
  }

  /** A snapshot is here, whole: what it has of each stream is held and shown in one step. */
  private jump(vector: Vector, heads: ReadonlyMap<StreamId, readonly HeadRecord[]>): void {
    for (const [id, position] of vector) {
      const known = this.log.stream(id);
      // What may be damaged goes, and what the snapshot has takes its place.
      if (this.receiving.isRepairing && known !== undefined)
        this.log.truncate(known, Math.max(known.truncated, Math.min(known.visible, position)), known.bytes);
      const passed = this.log.jump(id, position, heads.get(id) ?? []);
      const stream = this.log.stream(id);
      if (stream !== undefined) this.visibility.jump(stream, passed);
    }
    this.bases.jumped(vector);
    this.sending.jumped();
    this.shownAnew();
    this.conflicts.takenOver();
  }

  /** What is shown is not what was shown and some more: whoever goes on from there looks again. */
  private shownAnew(): void {
    this.following.jumped();
    this.feeds.jumped();
    this.members.changed();
    this.schema.changed();
    this.skews.changed();
    this.takeovers.changed();
  }

  /** Dials the masters that were promoted, unless it follows them anyway. */
  private lookForMasters(): void {
    if (!this.mastersMoved.hasMoved()) return;
    const urls = new Set<string>();
    const dialed = new Set([...this.peers.all()].flatMap(({ peer, dialed }) => (dialed ? [peer.name] : [])));
    for (const [name, { role, url, promoted }] of this.members.others()) {
      if (role !== "master" || promoted !== true || url === "") continue;
      if (!dialed.has(name) || this.upstreams.dialsAlso(url)) urls.add(url);
    }
    this.upstreams.also(urls);
  }

  private scheduleTick(): void {
    this.stopTimer = this.ports.scheduler.after(this.config.limits.idleCutMs, () => {
      this.scheduleTick();
      this.lags.look();
      this.purges.look();
      this.aside.look();
      this.fences.look();
      this.former.look();
      if (this.bases.look()) this.poke();
      this.sending.look();
      this.receiving.look();
      this.clocks.look();
      if (this.clocks.wasSet()) this.links.greetAnew("the clock here was set");
      if (this.own.noteSkews()) this.poke();
      this.lookForMasters();
      this.feeds.cutIdle();
      this.presence.look();
      this.gossipDue = true;
      if (this.someWaitEnds()) this.settle();
      else this.gossiping.pump(true);
    });
  }

  /** Whether something waits that time alone may end; everything else is settled when it happens. */
  private someWaitEnds(): boolean {
    return this.following.isWaiting || this.clients.offering.size > 0;
  }

  /** Goes with the first commit of each start, and with those that find it changed. */
  private writeMeta(): void {
    const { documents, epoch } = this.meta;
    if (this.metaWritten?.documents === documents && this.metaWritten.epoch === epoch) return;
    this.metaWritten = { documents, epoch };
    this.journal.put(metaKey(), metaRow.encode(metaKey(), this.meta));
  }

  private durable(mark: number): void {
    if (this.isWaitingForRoom) {
      this.isWaitingForRoom = false;
      this.ports.log.info("storage-has-room");
    }
    this.log.reached(mark);
    this.counters.reached(mark);
    this.documents.reached(mark);
    this.conflicts.reached(mark);
    // A fence that is on the disk now is reported like a record.
    if (this.fencesHere().length > 0) this.log.revision.next();
    const reached = this.whenDurable.filter((entry) => entry.mark <= mark);
    this.whenDurable = this.whenDurable.filter((entry) => entry.mark > mark);
    for (const entry of reached) entry.then();
    if (this.state === "starting" || this.state === "stopped") this.journal.flush();
    this.poke();
  }

  private afterDurable(mark: number, then: () => void): void {
    if (mark <= this.journal.durableMark) {
      then();
      return;
    }
    this.whenDurable.push({ mark, then });
    this.journal.flush();
  }

  private isOverloaded(): boolean {
    return this.journal.isFull || this.journal.unflushedBytes > this.config.limits.unflushedBytesMax;
  }

  /** There is no room on the disk: nothing more is taken, what is here can be read, and it is tried again until it fits. */
  private waitForRoom(error: StoreFull, retry: () => void): void {
    if (!this.isWaitingForRoom) {
      this.isWaitingForRoom = true;
      this.ports.log.error("storage-full", { reason: error.message, remedy: CODES.STORAGE_FULL.remedy });
    }
    this.ports.scheduler.after(this.config.limits.fullRetryMs, () => {
      if (this.state !== "error") retry();
    });
    this.poke();
  }

  /** The disk has failed: nothing is promised any more, everybody who waits is told the truth. */
  private fail(error: Error): void {
    this.state = "error";
    this.ports.log.error("storage-failed", { reason: error.message });
    this.upstreams.stop();
    this.bases.stop();
    this.receiving.stop();
    this.stopTimer();
    const why = this.storageFailed();
    this.refuseWaiting(why);
    this.links.end(why);
    this.ports.failed(error);
  }

  private storageFailed(): Fault {
    return fault("STORAGE_FAILED", `${this.name} cannot write to its disk`);
  }

  private stateName(): NodeStatus["state"] {
    if (this.state === "stopping" || this.state === "stopped") return "stopping";
    if (this.state === "error") return "error";
    if (this.state === "starting") return "joining";
    if (this.self.role === "master") return "active";
    return this.isReady() ? "streaming" : "joining";
  }
}
