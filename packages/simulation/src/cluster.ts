import type { BareDocument, Change, Conflict, Document, Draft, StreamId, Vector } from "@syncline/core";
import { changeId, covers, decodeChange, readDocumentId, vectorsEqual } from "@syncline/core";
import {
  type Access,
  DamagedStore,
  type Dialer,
  keeping,
  type Link,
  type LinkHandler,
  type Logger,
  type Mac,
  type NodeStatus,
  type OpenDocument,
  type OwnChange,
  openAccess,
  presencePart,
  type ReadAnswer,
  type ReadOptions,
  type RetirementAnswer,
  type RoleAnswer,
  type Scheduler,
  type Statement,
  type Storage,
  SyncClient,
  SyncNode,
  type Topology,
  type WriteAnswer,
  type WritePolicy,
} from "@syncline/engine";
import { type CommitRule, type Fault, LIMITS, type Limits, LOCAL, type Opening } from "@syncline/protocol";
import { canonical, checkConflicts, checkDocument, Ledger, Violation } from "./checks.js";
import { Gathering } from "./gathering.js";
import { Hearsay } from "./hearsay.js";
import { LateWrites } from "./late.js";
import { Network, urlOf } from "./network.js";
import { SeededRandom } from "./random.js";
import { Recorder, spansOf } from "./sessions/recorder.js";
import type { Span } from "./sessions/recording.js";
import { Watching } from "./sessions/watching.js";
import type { SimSlots } from "./slots.js";
import { ProcessTime, VirtualTime } from "./time.js";

/**
 * A cluster in one process on virtual time: masters, followers and clients that run the production engine.
 *
 * Scenario tests are written against this: what happens, in which order, is theirs to say, and the seed decides
 * the rest. Nothing sleeps and nothing waits: `pass` lets virtual time go by, `settle` lets it go by until nothing
 * is left to be done, and then holds everything against the specification.
 */
export interface ClusterOptions {
  readonly seed: number;
  /** What the world draws from, if not from a generator of its own with that seed. */
  readonly random?: SeededRandom;
  /** A store that is empty, or that has what an earlier one of this node had made durable. */
  readonly disk: (scheduler: Scheduler) => CrashableStorage;
  readonly limits?: Partial<Limits>;
  /** Present if the cluster has a secret. */
  readonly mac?: Mac;
  /** Lines of what nodes log, for looking at a failure. */
  readonly log?: (line: string) => void;
}

/** A store whose process can be killed. */
export interface CrashableStorage extends Storage {
  /** What is found after a crash: every commit whose `done` was called, and no other. */
  restart(options: { readonly scheduler: Scheduler }): CrashableStorage;
}

export interface NodeOptions {
  /** Names of the upstreams. */
  readonly follow?: readonly string[];
  readonly rule?: CommitRule;
  readonly visibility?: Opening["visibility"];
  readonly voter?: boolean;
  readonly topology?: Topology;
  /** Present if this node knows a secret of its own. */
  readonly mac?: Mac;
  readonly access?: Access;
  /** What its operator says about callers' wishes. */
  readonly writes?: WritePolicy;
  /** Virtual milliseconds from a commit to its `done`. */
  readonly flushMs?: number;
  readonly limits?: Partial<Limits>;
  /** The name it gives itself, if not its own: a copy of another node's data folder. */
  readonly identity?: string;
}

export class Cluster {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly network: Network;
  readonly ledger = new Ledger();
  /** What clients do and see. */
  readonly recorder = new Recorder(() => this.time.now);
  readonly nodes = new Map<string, SimNode>();
  readonly clients = new Map<string, SimClient>();
  /** Who shows himself where. */
  readonly gathering = new Gathering(
    () => this.time.now,
    () => this.clients.values(),
  );
  /** Disks may be lost or put back to an earlier state: "durable" on one of them is then no promise for ever. */
  losesDisks = false;
  /** A disk has lost something, and not everybody has met since. */
  isShort = false;
  /** A retirement did without some who may have had more, or heard one whose disk had lost it. */
  hasForced = false;
  /** Who can have heard of the masters that were made by force. */
  readonly hearsay = new Hearsay();
  /** What was accepted without a takeover in doubt, and who can have heard of it. */
  readonly late = new LateWrites(
    () => this.nodes.values(),
    () => this.ledger.documents(),
  );
  /** Is told when a node has ended by itself, as its operator would be. */
  onFailure: ((node: SimNode) => void) | undefined;
  /** Is told whenever a client hears of a change that it has made. */
  onNews: ((own: OwnChange) => void) | undefined;

  constructor(readonly options: ClusterOptions) {
    this.random = options.random ?? new SeededRandom(options.seed);
    this.network = new Network(this.time, this.random.fork());
    // Clients tell no node of masters.
    this.network.follow = (from, to) => {
      if (!this.nodes.has(from) || !this.nodes.has(to)) return undefined;
      const [made, late] = [this.hearsay.sent(from, to), this.late.sent(from, to)];
      if (made === undefined || late === undefined) return made ?? late;
      return () => {
        made();
        late();
      };
    };
  }

  master(name: string, options: NodeOptions = {}): SimNode {
    return this.node(name, "master", options);
  }

  follower(name: string, options: NodeOptions = {}): SimNode {
    return this.node(name, "follower", options);
  }

  /** The node is no more, and does not come back. */
  remove(name: string): void {
    this.nodes.get(name)?.kill();
    this.nodes.delete(name);
  }

  /** A client that connects to these nodes, in this order, and keeps what it has in `slots`, if given. */
  client(name: string, nodes: readonly string[], limits: Partial<Limits> = {}, slots?: SimSlots): SimClient {
    const client = new SimClient(this, name, nodes, limits, slots);
    this.clients.set(name, client);
    return client;
  }

  /** This node has cut off what lies beyond ends that may leave something out: it keeps that, and nobody is owed it. */
  giveUp(node: string): void {
    for (const change of this.nodes.get(node)?.engine.changesAside() ?? [])
      this.recorder.givenUp(changeId(change));
  }

  /** Lets virtual time pass. */
  pass(ms: number): void {
    this.time.pass(ms);
  }

  /** Lets time pass until this holds; a `Violation` if it does not within `maxMs`. */
  passUntil(what: string, holds: () => boolean, maxMs = 60_000): void {
    const until = this.time.now + maxMs;
    while (!holds()) {
      if (this.time.now > until)
        throw new Violation(`I10: not within ${maxMs} ms: ${what}\n${this.describe()}`);
      this.pass(20);
    }
  }

  /**
   * Lets time pass until all living nodes and clients show the same and nothing waits, then checks that it is what
   * the specification says of all changes ever made.
   */
  settle(maxMs = 120_000): void {
    do this.passUntil("everything settles", () => this.isSettled(), maxMs);
    while (this.findsDamage());
    this.meet();
    this.check();
    const alive = [...this.nodes.values()].filter((node) => node.isUp);
    for (const id of this.ledger.documents()) {
      for (const node of alive) this.mustHoldAll(node.name, node.document(id), id);
    }
    for (const node of alive) checkConflicts(node, alive[0]!, this.ledger);
    for (const client of this.clients.values()) {
      if (client.isClosed) continue;
      for (const [id, open] of client.opened) this.mustHoldAll(client.name, open.document, id);
    }
  }

  /** Reads all that checks read: a disk that turns out to be damaged is replaced now, not while they are at it. */
  private findsDamage(): boolean {
    const up = [...this.nodes.values()].filter((node) => node.isUp);
    for (const node of up) {
      node.examine(() => {
        node.engine.conflictList();
        for (const id of this.ledger.documents()) node.engine.documentFromDisk(readDocumentId(id));
      });
    }
    const isAnyDown = () => up.some((node) => !node.isUp);
    if (!isAnyDown()) return false;
    if (this.onFailure !== undefined) this.passUntil("damaged disks are replaced", () => !isAnyDown());
    return true;
  }

  /** Lets time pass until everybody sees who is there, and nobody else. */
  private meet(): void {
    let flaw = this.gathering.flaw();
    for (
      const until = this.time.now + LIMITS.presenceTtlMs;
      flaw !== undefined;
      flaw = this.gathering.flaw()
    ) {
      if (this.time.now > until) throw new Violation(`I10: ${flaw}\n${this.describe()}`);
      this.pass(100);
    }
    this.gathering.count();
  }

  /** Checks every replica as it is now. */
  check(): void {
    this.gathering.checkGhosts();
    for (const node of this.nodes.values()) {
      if (!node.isUp) continue;
      for (const id of this.ledger.documents()) {
        const document = node.document(id);
        if (document !== undefined) checkDocument(node.name, document, this.ledger);
      }
    }
    for (const client of this.clients.values()) {
      for (const open of client.opened.values()) checkDocument(client.name, open.document, this.ledger);
    }
  }

  /** What every node and client says of itself, for the message of a failure. */
  describe(): string {
    const lines = [...this.nodes.values()].map((node) =>
      node.isUp
        ? `${node.name}: ${canonical(node.status())}`
        : `${node.name}: down ${node.failure?.message ?? ""}`.trimEnd(),
    );
    for (const client of this.clients.values())
      lines.push(`${client.name}: ${canonical(client.engine.status())}`);
    return lines.join("\n");
  }

  private node(name: string, role: "master" | "follower", options: NodeOptions): SimNode {
    const node = new SimNode(this, name, role, options);
    this.nodes.set(name, node);
    this.network.register(node);
    node.start();
    return node;
  }

  private isSettled(): boolean {
    if ([...this.nodes.values()].some((node) => node.isStarting)) return false;
    const alive = [...this.nodes.values()].filter((node) => node.isUp);
    const [first] = alive;
    if (first === undefined) return true;
    for (const node of alive) {
      if (!vectorsEqual(node.visible, first.visible)) return false;
      if (!node.engine.isAtRest()) return false;
    }
    for (const client of this.clients.values()) {
      if (client.isClosed) continue;
      if (client.engine.status().pending > 0 || client.engine.status().connection !== "connected")
        return false;
      for (const [id, open] of client.opened) {
        if (!open.loaded || open.rebuilding !== undefined) return false;
        const shown = first.document(id);
        // What a client alone has, of a master whose disk was lost, it is still to bring along.
        if (!holdsAsMuch(open.document, shown) || !holdsAsMuch(shown, open.document)) return false;
      }
    }
    return true;
  }

  private mustHoldAll(where: string, document: BareDocument | undefined, id: string): void {
    for (const change of this.ledger.of(id)) {
      if (this.ledger.isDoubtful(change)) continue;
      if ((document?.counter(change.author) ?? 0) < change.last) {
        throw new Violation(`I9: ${where} lost ${id}@${change.author}:${change.first}-${change.last}`);
      }
    }
  }
}

/** Whether one has every change that the other has. They may show the same before that. */
function holdsAsMuch(document: BareDocument | undefined, of: BareDocument | undefined): boolean {
  return [...(of?.seen() ?? [])].every(({ author, counter }) => (document?.counter(author) ?? 0) >= counter);
}

/** What became of a change of roles, and what the node held at that moment. */
export interface RoleResult {
  answer: RoleAnswer | undefined;
  held: Vector;
}

/** A node of a simulated cluster, over all its starts. */
export class SimNode {
  engine!: SyncNode;
  readonly url: string;
  private process!: ProcessTime;
  private stopping: ProcessTime | undefined;
  private storage: CrashableStorage | undefined;
  private readonly random: SeededRandom;
  isStarted = false;
  private skewMs = 0;
  private driftMsPerSecond = 0;
  /** Why the process ended by itself: its disk failed or is damaged. Cleared by the next start. */
  failure: Error | undefined;

  constructor(
    private readonly cluster: Cluster,
    readonly name: string,
    /** What its flags say: taken at each start. */
    public role: "master" | "follower",
    private readonly options: NodeOptions,
  ) {
    this.url = urlOf(options.identity ?? name);
    this.random = cluster.random.fork();
  }

  get isUp(): boolean {
    return this.process?.alive === true && this.isStarted;
  }

  get isStarting(): boolean {
    return this.process.alive && !this.isStarted;
  }

  /** How often its process has run. */
  get runs(): number {
    return this.process.runs;
  }

  get visible(): Vector {
    return this.engine.visibleVector();
  }

  start(): void {
    this.failure = undefined;
    this.isStarted = false;
    const process = new ProcessTime(this.cluster.time, (error) => this.crash(error));
    process.skewMs = this.skewMs;
    process.driftMsPerSecond = this.driftMsPerSecond;
    this.process = process;
    process.run(() => this.run(process));
  }

  /** Stands still for a while: nothing of it runs, and what reaches it waits. */
  pause(ms: number): void {
    this.process.pausedUntil = this.cluster.time.now + ms;
  }

  /** Sets the wall clock. */
  setClock(skewMs: number, driftMsPerSecond: number): void {
    this.skewMs = this.process.skewMs = skewMs;
    this.driftMsPerSecond = this.process.driftMsPerSecond = driftMsPerSecond;
  }

  private run(process: ProcessTime): void {
    const { cluster, options, name } = this;
    const slowly: Scheduler = {
      after: (delayMs, task) => process.after(delayMs, task),
      turn: (task) => {
        process.after(options.flushMs ?? 1, task);
      },
    };
    this.storage =
      this.storage === undefined ? cluster.options.disk(slowly) : this.storage.restart({ scheduler: slowly });
    this.engine = new SyncNode(
      {
        name: options.identity ?? name,
        cluster: "test",
        role: this.role,
        rule: options.rule ?? LOCAL,
        visibility: options.visibility ?? "committed",
        url: this.url,
        voter: options.voter ?? true,
        ...(options.topology && { topology: options.topology }),
        ...(options.writes && { writes: options.writes }),
        follow: (options.follow ?? []).map(urlOf),
        limits: { ...LIMITS, ...cluster.options.limits, ...options.limits },
      },
      {
        clock: process,
        scheduler: process,
        random: this.random,
        storage: this.storage,
        dialer: onBehalf(
          process,
          cluster.network.dialer(name, () => process.alive),
        ),
        mac: options.mac ?? cluster.options.mac,
        log: logger(cluster, name),
        access: options.access ?? openAccess,
        failed: (error) => {
          this.failure = error;
          process.turn(() => {
            this.kill();
            cluster.onFailure?.(this);
          });
        },
      },
    );
    this.engine.start(() => {
      this.isStarted = true;
      // What never ran has forgotten nothing; other masters would know; and where a commit takes others, a master asks them about its own past.
      const { role, streams } = this.engine.status();
      const own = streams.filter((stream) => stream.node === this.name);
      if (
        this.isSingle &&
        role === "master" &&
        this.visible.size > 0 &&
        own.every(({ rule }) => rule === "LOCAL")
      )
        cluster.late.beganAgain(this, cluster.time.now);
    });
  }

  accept(link: Link): LinkHandler {
    return onBehalfOf(this.process, this.engine.accept(link));
  }

  /** The process has thrown. A damaged disk is a reason to end; anything else is a defect of ours. */
  private crash(error: unknown): void {
    if (!(error instanceof DamagedStore)) throw error;
    this.failure = error;
    this.kill();
    this.cluster.onFailure?.(this);
  }

  /** SIGKILL and power loss in one: memory is gone, and so is what the disk had not made durable. */
  kill(): void {
    this.process.alive = false;
    this.cluster.network.died(this.name);
  }

  /** Whether it was told to end, and has not yet. */
  get isStopping(): boolean {
    return this.process.alive && this.stopping === this.process;
  }

  /** SIGTERM: it drains, and then its process ends. */
  stop(): void {
    const { process } = this;
    this.stopping = process;
    process.run(() =>
      this.engine.stop(() =>
        process.turn(() => {
          if (this.process === process) this.kill();
        }),
      ),
    );
  }

  restart(): void {
    if (this.process.alive) this.kill();
    this.start();
  }

  /** Its disk is gone too: it comes back under its name with nothing. */
  restartEmpty(): void {
    if (this.process.alive) this.kill();
    this.storage = undefined;
    this.start();
  }

  get isSingle(): boolean {
    return this.options.topology === "single-master";
  }

  spansOf(document: string): Span[] {
    const shown = this.document(document);
    return shown === undefined ? [] : spansOf(shown);
  }

  /** The document as readers of this node see it. */
  document(id: string): Document | undefined {
    let document: Document | undefined;
    this.examine(() =>
      this.engine.read(readDocumentId(id), { token: new Map(), waitMs: 0 }, (answer) => {
        if (answer.ok) document = answer.document;
      }),
    );
    return document;
  }

  /** Looks into the process: whoever finds that its disk is damaged ends it. */
  examine(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.crash(error);
    }
  }

  /** What it says of itself; undefined where its disk turns out to be damaged. */
  status(): NodeStatus | undefined {
    let status: NodeStatus | undefined;
    this.examine(() => {
      status = this.engine.status();
    });
    return status;
  }

  /** A read as an HTTP caller makes it. The answer arrives as time passes, if the node lives to give it. */
  ask(id: string, options: ReadOptions, answer: (answer: ReadAnswer) => void): void {
    this.process.run(() => this.engine.read(readDocumentId(id), options, answer));
  }

  json(id: string): unknown {
    return this.document(id)?.toJSON();
  }

  /** A schema change as an HTTP caller makes it. */
  alter(...statements: Statement[]): { answer: WriteAnswer | undefined } {
    const result: { answer: WriteAnswer | undefined } = { answer: undefined };
    const options = { level: "durable" as const, waitMs: 10_000, token: new Map() };
    this.process.run(() =>
      this.engine.alterSchema(statements, options, (answer) => {
        result.answer = answer;
      }),
    );
    return result;
  }

  /** Does something in this process by which it may write itself, and tells what it wrote at once. */
  making(act: () => void, made: (change: Change) => void): void {
    this.process.run(() => {
      const before = new Map(this.engine.heldVector());
      act();
      for (const [stream, held] of this.engine.heldVector())
        for (let position = (before.get(stream) ?? 0) + 1; position <= held; position++) {
          const { body } = this.engine.recordAt(stream, position);
          const change = body.kind === "change" ? decodeChange(body.change) : undefined;
          if (change?.ok === true) made(change.value);
        }
    });
  }

  /** Purges a deleted document, as an operator does. */
  purge(id: string): { answer: WriteAnswer | undefined } {
    const result: { answer: WriteAnswer | undefined } = { answer: undefined };
    const options = { level: "durable" as const, waitMs: 10_000, token: new Map() };
    this.process.run(() =>
      this.engine.purge(readDocumentId(id), options, (answer) => {
        result.answer = answer;
      }),
    );
    return result;
  }

  /** Makes it a master, as its operator does. */
  promote(given: { rule?: CommitRule; force?: boolean; waitMs?: number } = {}): RoleResult {
    const { rule = LOCAL, force = false, waitMs = 5_000 } = given;
    return this.changeRole((answer) => this.engine.promote({ rule, force, waitMs }, answer));
  }

  /** Makes it a follower. */
  demote({ force = false, waitMs = 5_000 }: { force?: boolean; waitMs?: number } = {}): RoleResult {
    return this.changeRole((answer) => this.engine.demote({ force, waitMs }, answer));
  }

  /** Takes another node out of the cluster, as an operator does. */
  retire(
    node: string,
    { force = false, waitMs = 5_000 }: { force?: boolean; waitMs?: number } = {},
  ): { answer: RetirementAnswer | undefined } {
    const result: { answer: RetirementAnswer | undefined } = { answer: undefined };
    this.process.run(() =>
      this.engine.retire(node, { force, waitMs }, (answer) => {
        result.answer = answer;
      }),
    );
    return result;
  }

  /** Purges all documents of a dropped collection, or a dropped field of them, as an HTTP caller does. */
  purgeDropped(
    collection: string,
    field?: { readonly id: string; readonly kind: string },
  ): { done: boolean } {
    const result = { done: false };
    const options = { level: "durable" as const, waitMs: 10_000 };
    this.process.run(() => {
      const keys = this.engine.allKeys(collection, undefined, 1_000);
      let left = keys.length;
      const last = (): void =>
        this.engine.dropAgain(collection, field, { ...options, token: this.engine.heldVector() }, () => {
          result.done = true;
        });
      if (left === 0) last();
      for (const key of keys) {
        this.engine.purgeDropped({ collection, key }, field, options, () => {
          left -= 1;
          if (left === 0) last();
        });
      }
    });
    return result;
  }

  /** An operator gives its stream another commit rule. */
  changeRule(rule: CommitRule): { answer: "changed" | Fault | undefined } {
    const result: { answer: "changed" | Fault | undefined } = { answer: undefined };
    this.process.run(() =>
      this.engine.changeRule(rule, (refused) => {
        result.answer = refused ?? "changed";
      }),
    );
    return result;
  }

  private changeRole(change: (answer: (answer: RoleAnswer) => void) => void): RoleResult {
    const result: RoleResult = { answer: undefined, held: new Map() };
    this.process.run(() =>
      change((answer) => {
        result.answer = answer;
        result.held = new Map(this.engine.heldVector());
      }),
    );
    return result;
  }

  /** Writes a conflict's loser again, as an HTTP caller does. */
  restoreLoser(conflict: Conflict): void {
    const options = { level: "durable" as const, waitMs: 10_000, token: new Map() };
    this.process.run(() => this.engine.restore(conflict, options, () => {}));
  }

  /** A write as an HTTP caller makes it. The answer arrives as time passes. */
  write(
    id: string,
    mutate: (draft: Draft) => void,
    options: { level?: "durable" | "committed"; waitMs?: number; token?: Vector } = {},
  ): { answer: WriteAnswer | undefined } {
    const result: { answer: WriteAnswer | undefined } = { answer: undefined };
    const { level = "durable", waitMs = 10_000, token = new Map() } = options;
    this.engine.transact(readDocumentId(id), mutate, { level, waitMs, token }, (answer) => {
      result.answer = answer;
    });
    return result;
  }

  /** Whether what this node shows covers a vector. */
  covers(vector: Vector): boolean {
    return covers(this.visible, vector);
  }
}

/** A client of a simulated cluster. */
export class SimClient {
  readonly engine: SyncClient;
  readonly opened = new Map<string, OpenDocument>();
  readonly process: ProcessTime;
  readonly watching: Watching;
  private readonly made: OwnChange[] = [];
  private closed = false;

  constructor(
    private readonly cluster: Cluster,
    readonly name: string,
    nodes: readonly string[],
    limits: Partial<Limits>,
    private readonly slots?: SimSlots,
  ) {
    this.process = new ProcessTime(cluster.time);
    this.engine = new SyncClient(
      {
        urls: nodes.map(urlOf),
        cluster: "test",
        name,
        limits: { ...LIMITS, ...cluster.options.limits, ...limits },
      },
      {
        clock: this.process,
        scheduler: this.process,
        random: cluster.random.fork(),
        dialer: onBehalf(
          this.process,
          cluster.network.dialer(name, () => this.process.alive),
        ),
        log: logger(cluster, name),
        token: () => "",
        keeping: slots && keeping(slots.of(this.process)),
        presence: presencePart,
      },
    );
    this.watching = new Watching(this.engine, cluster.recorder.session(name));
    this.engine.start();
  }

  get isClosed(): boolean {
    return this.closed;
  }

  get isPaused(): boolean {
    return this.process.pausedUntil >= this.cluster.time.now;
  }

  /** Shows others at this document that it is there, from now on or no more. Returns whether that is news. */
  show(id: string, isThere: boolean): boolean {
    const open = this.open(id);
    if (!isThere && open.presence === undefined) return false;
    this.engine.show(open, isThere ? this.cluster.gathering.word(this.name) : undefined);
    return true;
  }

  open(id: string): OpenDocument {
    const known = this.opened.get(id);
    if (known !== undefined) return known;
    const open = this.engine.open(readDocumentId(id));
    this.opened.set(id, open);
    this.watching.opened(open);
    return open;
  }

  /** Makes a change and enters it in the ledger. */
  write(id: string, mutate: (draft: Draft) => void): OwnChange {
    const own = this.makeChange(id, mutate);
    if (own === undefined) throw new Error("the mutation made no op");
    return own;
  }

  /** Like `write`; false if there was nothing to do. */
  tryWrite(id: string, mutate: (draft: Draft) => void, asIs = false): boolean {
    return this.makeChange(id, mutate, asIs) !== undefined;
  }

  /** Stands still for a while. */
  pause(ms: number): void {
    this.process.pausedUntil = this.cluster.time.now + ms;
  }

  /** Sets the wall clock. */
  setClock(skewMs: number, driftMsPerSecond: number): void {
    this.process.skewMs = skewMs;
    this.process.driftMsPerSecond = driftMsPerSecond;
  }

  private makeChange(id: string, mutate: (draft: Draft) => void, asIs = false): OwnChange | undefined {
    const open = this.open(id);
    const own = this.watching.write(() => this.engine.transact(open, mutate, asIs));
    if (own === undefined) return undefined;
    this.made.push(own);
    let entered: Change = own.change;
    this.cluster.ledger.add(entered);
    own.onNews(() => {
      // A change that is finally refused never was; one that followed it may have been made again.
      this.cluster.ledger.remove(entered);
      entered = own.change;
      if (own.rejected === undefined) this.cluster.ledger.add(entered);
      this.cluster.onNews?.(own);
    });
    return own;
  }

  json(id: string): unknown {
    return this.open(id).document.toJSON();
  }

  /** The client ends without a word: a closed tab, a dead battery. What it alone had is gone, unless it was kept. */
  kill(): void {
    this.cluster.gathering.vanishes(this);
    this.closed = true;
    this.process.alive = false;
    this.cluster.network.died(this.name);
    this.watching.ended();
    const doubtful = this.cluster.losesDisks
      ? this.engine.unsafeChanges()
      : this.made.filter((own) => !own.durable);
    for (const own of doubtful) {
      if (this.slots?.holdsChange(own.change) !== true) this.cluster.ledger.doubt(own.change);
    }
    this.opened.clear();
  }
}

/** What reaches a process waits while it is paused, and what it throws ends it. */
function onBehalfOf(process: ProcessTime, handler: LinkHandler): LinkHandler {
  return {
    frame: (bytes) => process.run(() => handler.frame(bytes)),
    drained: () => process.run(() => handler.drained()),
    closed: (reason) => process.run(() => handler.closed(reason)),
  };
}

function onBehalf(process: ProcessTime, dialer: Dialer): Dialer {
  return {
    dial: (url, on) =>
      dialer.dial(url, {
        opened: (link) => onBehalfOf(process, on.opened(link)),
        failed: (reason) => process.run(() => on.failed(reason)),
      }),
  };
}

function logger(cluster: Cluster, name: string): Logger {
  const line = (level: string) => (event: string, fields?: Record<string, unknown>) => {
    if (event === "rescued") cluster.recorder.rescued(String(fields?.change));
    if (event === "retired" && (Number(fields?.inDoubt) > 0 || cluster.isShort)) cluster.hasForced = true;
    if (event === "stream-cut" && cluster.hasForced) cluster.giveUp(name);
    if (event === "promoted-in-doubt") cluster.hearsay.forced(name);
    if (event === "role-changed" && fields?.role === "master") {
      cluster.hearsay.promoted(name);
      cluster.late.promoted(name);
    }
    if (event === "took-over" && Number(fields?.inDoubt) > 0) {
      const node = cluster.nodes.get(name);
      if (node?.isSingle) cluster.late.tookOver(node, new Map(fields?.had as [StreamId, number][]));
    }
    if (event === "node-connected" && fields?.role === "master")
      cluster.hearsay.greeted(name, String(fields.node));
    cluster.options.log?.(
      `${cluster.time.now.toFixed(1)} ${name} ${level} ${event} ${canonical(fields ?? {})}`,
    );
  };
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}
