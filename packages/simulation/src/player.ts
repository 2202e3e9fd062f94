import { type Draft, documentId, list, vectorsEqual } from "@syncline/core";
import {
  alterSchema,
  DamagedStore,
  SCHEMA,
  type Scheduler,
  SchemaRefused,
  type Statement,
  type Storage,
} from "@syncline/engine";
import { LIMITS, type Limits, LOCAL } from "@syncline/protocol";
import { Violation } from "./checks.js";
import { Cluster, type CrashableStorage, type RoleResult } from "./cluster.js";
import { type CrashMoment, type PlainStorage, SimDisk } from "./disk.js";
import { type Action, describeAction, type History, type Mutation, mutateAs } from "./history.js";
import { Inspection } from "./inspection.js";
import { NarrowRandom } from "./narrow-random.js";
import { Purging } from "./purging.js";
import { SeededRandom } from "./random.js";
import { Callers } from "./sessions/callers.js";
import { judgeSessions } from "./sessions/judge.js";
import { speaking, type Versions } from "./skew.js";
import { TRACED, Trace } from "./trace.js";

/**
 * Plays a history and holds it against the specification: along the way what every replica shows, at the end that
 * everything settles within a bounded time and that nothing is lost that must not be.
 *
 * How much may be lost is counted, too: one disk loses something, and no other one until all is calm and everybody has
 * met. Within that, nothing that was called safe is ever lost.
 */
export interface PlayOptions {
  /** An empty store for a disk. */
  readonly plain: () => PlainStorage;
  /** Lines of a readable trace. */
  readonly trace?: (line: string) => void;
}

export interface Played {
  /** A number that stands for everything that happened, in its order. */
  readonly hash: number;
  /** How often each kind of thing really happened. */
  readonly counts: Readonly<Record<string, number>>;
  readonly virtualMs: number;
}

/** A history that went wrong. */
export class Failed extends Error {
  constructor(
    readonly history: History,
    message: string,
    options: { cause: unknown },
  ) {
    super(message, options);
  }
}

/** Actions from one check of everything to the next; what is cheap is checked after each. */
const CHECK_EVERY = 8;

/** What the player draws for, of the history's seed; the cluster draws for nothing in particular. */
const CUTS = 101;

/** Virtual time within which everything must settle once all is healed. */
const SETTLE_MS_MAX = 300_000;

/** Throws `Failed`. */
export function play(history: History, options: PlayOptions): Played {
  const player = new Player(history, options);
  try {
    return player.play();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const name = error instanceof Violation ? "" : `${error instanceof Error ? error.name : "error"}: `;
    throw new Failed(history, `seed ${history.seed}: ${name}${reason}`, { cause: error });
  }
}

class Player {
  private readonly cluster: Cluster;
  private readonly callers: Callers;
  private readonly disks = new Map<string, SimDisk>();
  private readonly trace: Trace;
  private readonly counts: Record<string, number> = {};
  private readonly inspection: Inspection;
  private readonly purging: Purging;
  /** A disk has lost something at some time. */
  private hasLost = false;
  /** Decides which snapshots break off. */
  private readonly cuts: SeededRandom;
  /** What a process speaks that is not of this version. */
  private readonly versions = new Map<string, Versions>();
  /** The node whose disk has lost something, until everybody has met again. */
  private loser: string | undefined;
  /** Whose disk has a flipped bit that nobody has read. */
  private flipped: string | undefined;
  /** All nodes were there at once and had the same: from then on one disk may be lost, and nothing else is. */
  private haveMet = false;
  /** The disk of the next node to be made, if it is not a new one. */
  private nextDisk: SimDisk | undefined;

  constructor(
    private readonly history: History,
    options: PlayOptions,
  ) {
    this.trace = new Trace(options.trace);
    const { seed, generator } = history;
    this.cuts = generator === "mulberry32" ? new NarrowRandom(seed + 1) : new SeededRandom(seed, CUTS);
    this.cluster = new Cluster({
      seed,
      ...(generator === "mulberry32" && { random: new NarrowRandom(seed) }),
      limits: history.retention === undefined ? {} : smallRetention(history.retention),
      disk: (scheduler) => {
        this.nextDisk ??= new SimDisk(this.cluster.random.fork(), options.plain);
        return crashable(this.nextDisk, scheduler, (key, value) => this.inspection.stored(key, value));
      },
      log: (line) => {
        this.trace.note(line);
        if (line.includes("snapshot-receiving") && this.cuts.chance(0.5))
          this.breakOff(line.split(" ")[1] ?? "");
      },
    });
    this.inspection = new Inspection(this.cluster);
    this.purging = new Purging(
      this.cluster,
      this.inspection,
      () => this.hasLost || this.cluster.hasForced,
      (what) => this.count(what, 1),
    );
    this.cluster.losesDisks = true;
    this.callers = new Callers(this.cluster);
    this.cluster.network.tap = (from, to, frame) => this.trace.frame(this.cluster.time.now, from, to, frame);
    this.cluster.network.rewrite = (from, frame) => {
      const versions = this.versions.get(from);
      return versions === undefined ? frame : speaking(versions, frame);
    };
    this.cluster.onNews = (own) => {
      // What a lost disk had was said to be there, and was.
      if (this.loser === undefined) this.inspection.heard(own);
    };
    for (const { name, late } of [...history.masters, ...history.followers]) {
      if (late !== true) this.join(name);
    }
    for (const { name, nodes } of history.clients) this.openTab(name, nodes);
  }

  play(): Played {
    this.history.actions.forEach((action, index) => {
      this.trace.note(`${this.cluster.time.now.toFixed(1)} # ${describeAction(action)}`);
      if (this.act(action)) this.counts[action.kind] = (this.counts[action.kind] ?? 0) + 1;
      if (this.history.retention !== undefined && this.cuts.chance(0.01)) this.repair();
      this.inspection.look();
      if (index % CHECK_EVERY === 0) this.check();
    });
    this.heal();
    this.settle();
    this.purging.check();
    judgeSessions(this.cluster);
    for (const [what, count] of Object.entries(this.cluster.network.counts))
      this.count(`network ${what}`, count);
    for (const disk of this.disks.values()) {
      for (const [what, count] of Object.entries(disk.counts)) this.count(`disk ${what}`, count);
    }
    for (const [what, count] of Object.entries(this.cluster.gathering.counts))
      this.count(`presence ${what}`, count);
    for (const word of TRACED) this.count(word, this.trace.seen(word));
    this.count("changes in two streams", this.inspection.changesTwice);
    this.count("committed by a later rule", this.inspection.committedByLaterRule);
    return { hash: this.trace.hash, counts: this.counts, virtualMs: this.cluster.time.now };
  }

  /** A node of the history comes to be. */
  private join(name: string): boolean {
    if (this.disks.has(name)) return false;
    this.make(name, name);
    return true;
  }

  private make(name: string, identity: string, disk?: SimDisk): void {
    const { cluster, history } = this;
    const master = history.masters.find((other) => other.name === identity);
    const follower = history.followers.find((other) => other.name === identity);
    this.nextDisk = disk;
    const topology = history.single === true ? "single-master" : "multi-master";
    if (master !== undefined) {
      const names = history.followers.map((other) => other.name);
      const rule = master.quorum === 0 ? LOCAL : ({ kind: "any", needed: master.quorum, names } as const);
      const visibility = master.immediate === true ? "immediate" : "committed";
      cluster.master(name, { follow: master.follow, rule, visibility, identity, topology });
    } else if (follower !== undefined)
      cluster.follower(name, { follow: follower.follow, identity, topology });
    if (this.nextDisk !== undefined) this.disks.set(name, this.nextDisk);
    this.nextDisk = undefined;
  }

  private check(): void {
    this.haveMet ||= this.isTogether();
    this.cluster.check();
    this.inspection.checkContents();
  }

  private isTogether(): boolean {
    const { masters, followers } = this.history;
    const nodes = [...this.cluster.nodes.values()];
    const [first] = nodes;
    if (first === undefined || nodes.length < masters.length + followers.length) return false;
    return nodes.every(
      (node) => node.isUp && node.engine.isAtRest() && vectorsEqual(node.visible, first.visible),
    );
  }

  /** Everything has met within a bounded time, and nothing is lost. */
  private settle(): void {
    this.cluster.settle(SETTLE_MS_MAX);
    this.inspection.checkContents();
    this.inspection.checkRules();
    if (this.history.single === true) this.checkWriter();
    if (this.trace.seen("identity-reused") > 0) throw new Violation("I1: one identity has two contents");
    const { queuedBytesMax } = this.cluster.network;
    if (queuedBytesMax > LIMITS.sendQueueBytesMax + LIMITS.frameBytesMax)
      throw new Violation(`I10: ${queuedBytesMax} bytes waited for one peer`);
  }

  /** One node takes writes, and all know which: soon, if not at once. A disk that was just replaced has its node start anew. */
  private checkWriter(): void {
    const isClear = (): boolean => {
      const statuses = [...this.cluster.nodes.values()].map((node) => node.status());
      const masters = statuses.filter((status) => status?.role === "master").map((status) => status?.node);
      return masters.length === 1 && statuses.every((status) => status?.writer === masters[0]);
    };
    this.cluster.passUntil("there is one master, and all know which", isClear);
    this.count("histories with one master", 1);
  }

  private count(what: string, by: number): void {
    if (by > 0) this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** Returns whether anything happened. */
  private act(action: Action): boolean {
    const { cluster } = this;
    switch (action.kind) {
      case "pass":
        cluster.pass(action.ms);
        return true;
      case "write":
        return this.write(action.client, action.document, action.mutations);
      case "life":
        return this.changeLife(action.client, action.document, action.what);
      case "alter":
        return this.alter(action.client, action.statement);
      case "ask":
        return this.callers.ask(action.caller, action);
      case "pause":
        cluster.nodes.get(action.process)?.pause(action.ms);
        cluster.clients.get(action.process)?.pause(action.ms);
        return true;
      case "calm":
        this.heal();
        this.settle();
        this.haveMet = true;
        this.lose(undefined);
        return true;
      case "version":
        this.versions.set(action.process, action);
        cluster.network.died(action.process);
        return true;
      case "offline":
        return this.goOffline(action.client, action.ms);
      case "stall":
        cluster.network.stall(action.a, action.b, action.ms);
        return action.a !== action.b;
      case "narrow":
        cluster.network.narrow(action.a, action.b, action.bytesPerMs);
        return action.a !== action.b;
      case "garbage":
        return action.a !== action.b && cluster.network.disturb(action.a, action.b);
      case "join":
        return this.join(action.node);
      case "clone":
        return this.clone(action.node);
      case "crash-at-flush":
        return this.crashAtFlush(action.node, action.moment);
      case "cut":
      case "black-hole":
      case "one-way":
      case "heal":
        return this.wire(action.kind, action.a, action.b);
      case "weather":
        Object.assign(cluster.network.faults, {
          loss: action.loss,
          duplication: action.duplication,
          delayMsMax: action.delayMsMax,
        });
        return true;
      case "clock":
        cluster.nodes.get(action.process)?.setClock(action.skewMs, action.driftMsPerSecond);
        cluster.clients.get(action.process)?.setClock(action.skewMs, action.driftMsPerSecond);
        return true;
      case "promote":
        return this.promote(action.node, action.force, action.needed);
      case "demote":
        return this.demote(action.node, action.force);
      case "sync":
        return this.changeRule(action);
      case "purge":
      case "purge-dropped":
        return this.purge(action);
      case "show":
        return this.show(action.client, action.document, action.isThere);
      case "open":
        return this.open(action.client, action.document);
      case "crash-master":
      case "lose-master":
        return this.loseMaster(action.kind, action.client);
      case "retire":
        return this.retire(action.node, action.by, action.force);
      case "isolate":
        return this.isolate(action.node);
      case "move":
        cluster.network.died(action.client);
        return true;
      case "close-tab":
        return this.closeTab(action.client);
      default:
        return this.actOnNode(action.kind, action.node, "flushMsMax" in action ? action.flushMsMax : 0);
    }
  }

  private actOnNode(kind: Action["kind"], name: string, flushMsMax: number): boolean {
    const node = this.cluster.nodes.get(name);
    const disk = this.disks.get(name);
    if (node === undefined || disk === undefined) return false;
    switch (kind) {
      case "crash":
        if (!node.isUp) return false;
        node.kill();
        return true;
      case "stop":
        if (!node.isUp) return false;
        node.stop();
        return true;
      case "restart":
        if (node.isUp || node.isStarting) return false;
        this.start(name);
        return true;
      case "disk-slow":
        disk.faults.flushMsMax = flushMsMax;
        return true;
      case "disk-full":
        disk.faults.full = true;
        return true;
      case "flush-fails":
        disk.failNextFlush();
        return true;
      case "back-up":
        disk.backUp();
        return true;
      default:
        return this.damage(kind, name);
    }
  }

  /**
   * Whether this node's disk may lose something: others have what it had. The only master may not: what was safe on its
   * disk alone is gone, and it asks nobody before it answers again. Nor may any but the one with a flipped bit that nobody
   * has read yet: that one is lost whenever it is read.
   */
  private mayLose(name: string): boolean {
    if (this.loser !== undefined || !this.haveMet) return false;
    if (this.flipped !== undefined && this.flipped !== name) return false;
    return this.history.masters.some((master) => master.name !== name);
  }

  private lose(name: string | undefined): void {
    if (name !== undefined) this.inspection.diskGoes();
    this.loser = name;
    this.cluster.isShort = name !== undefined;
    this.hasLost ||= name !== undefined;
  }

  /** A disk loses something: at most one until all have met again. */
  private damage(kind: Action["kind"], name: string): boolean {
    const node = this.cluster.nodes.get(name);
    const disk = this.disks.get(name);
    if (node === undefined || disk === undefined || !this.mayLose(name)) return false;
    this.lose(name);
    node.kill();
    if (kind === "tear") {
      disk.crash();
      return disk.tear();
    }
    if (kind === "flip-bit") {
      this.flipped = name;
      return disk.flipBit({ from: Uint8Array.of(0), to: Uint8Array.of(255) });
    }
    disk.crash();
    if (kind === "lose-disk") disk.wipe();
    else disk.restore();
    return true;
  }

  /** An operator lets a node take everything anew. */
  private repair(): void {
    const up = [...this.cluster.nodes.values()].filter((node) => node.isUp);
    if (up.length === 0) return;
    const node = this.cuts.pick(up);
    node.examine(() => {
      if (node.engine.repair() === undefined) this.count("repairs", 1);
    });
  }

  /** The links of a node that receives a snapshot break in the middle of it. */
  private breakOff(name: string): void {
    const { cluster } = this;
    cluster.time.after(5 + this.cuts.integer(30), () => {
      this.count("snapshots broken off", 1);
      cluster.network.died(name);
    });
  }

  private start(name: string): void {
    const node = this.cluster.nodes.get(name);
    const disk = this.disks.get(name);
    if (node === undefined || disk === undefined) return;
    disk.mend();
    const damaged = (error: Error | undefined) => error instanceof DamagedStore;
    if (!damaged(node.failure)) node.restart();
    // A damaged store says so when it is opened or read; its operator takes an empty disk, and the others fill it.
    if (!damaged(node.failure)) return;
    this.trace.note(`damaged: ${node.failure?.message}`);
    // Disks damage values. What is not there was not written, or was deleted too early.
    if (node.failure?.message.includes("is missing") === true)
      throw new Violation(`I2: ${name}: ${node.failure.message}`);
    this.inspection.diskGoes();
    if (this.flipped === name) this.flipped = undefined;
    disk.wipe();
    node.restart();
  }

  private crashAtFlush(name: string, moment: CrashMoment): boolean {
    const node = this.cluster.nodes.get(name);
    const disk = this.disks.get(name);
    if (node === undefined || disk === undefined || !node.isUp) return false;
    disk.dieAtFlush(moment, () => node.kill());
    return true;
  }

  /**
   * A copy of a node's data folder is started as well: two processes with one name. What the copy alone has is lost when
   * its operator has noticed, so this counts as the loss of a disk.
   */
  private clone(name: string): boolean {
    const disk = this.disks.get(name);
    if (disk === undefined || !this.mayLose(name)) return false;
    this.lose(name);
    this.make(`${name}+`, name, disk.copy());
    return true;
  }

  private promote(name: string, force: boolean, needed: number): boolean {
    const node = this.cluster.nodes.get(name);
    if (node?.isUp !== true || node.status()?.role !== "follower") return false;
    const names = [...this.history.masters, ...this.history.followers].map((other) => other.name);
    const rule =
      needed === 0
        ? LOCAL
        : ({ kind: "any", needed, names: names.filter((other) => other !== name) } as const);
    this.watchRole(node.promote({ rule, force, waitMs: 10_000 }), name);
    return true;
  }

  private demote(name: string, force: boolean): boolean {
    const node = this.cluster.nodes.get(name);
    if (node?.isUp !== true || node.status()?.role !== "master") return false;
    this.watchRole(node.demote({ force, waitMs: 10_000 }), name);
    return true;
  }

  private retire(name: string, by: string, force: boolean): boolean {
    const node = this.cluster.nodes.get(by);
    if (node?.isUp !== true || name === by) return false;
    const result = node.retire(name, { force, waitMs: 10_000 });
    this.cluster.time.after(15_000, () => {
      const { answer } = result;
      if (answer === undefined) return; // It died meanwhile.
      const word = answer.ok ? `${answer.doubts.length > 0 ? "in doubt " : ""}retired` : answer.fault.code;
      this.trace.note(`${name}, by ${by}: ${word}`);
      this.count(`retirements: ${word}`, 1);
    });
    return true;
  }

  private changeRule({
    node: name,
    rule: kind,
    needed,
    of: names,
  }: Extract<Action, { kind: "sync" }>): boolean {
    const node = this.cluster.nodes.get(name);
    if (node?.isUp !== true) return false;
    const result = node.changeRule(needed === 0 ? LOCAL : { kind, needed, names });
    this.cluster.time.after(15_000, () => {
      const { answer } = result;
      if (answer === undefined) return; // It died meanwhile.
      this.count(`rules: ${answer === "changed" ? answer : answer.code}`, 1);
    });
    return true;
  }

  private purge(action: Extract<Action, { kind: "purge" | "purge-dropped" }>): boolean {
    const node = this.cluster.nodes.get(action.node);
    if (node?.isUp !== true) return false;
    if (action.kind === "purge-dropped")
      return this.purging.purgeDropped(node, action.collection, action.field);
    this.purging.purge(node, action.document);
    return true;
  }

  private isolate(name: string): boolean {
    const { network, nodes } = this.cluster;
    if (!nodes.has(name)) return false;
    for (const other of nodes.keys()) if (other !== name) network.cut(name, other);
    return true;
  }

  /** What became of it, for the trace and the counts: it may take until later. */
  private watchRole(result: RoleResult, name: string): void {
    this.cluster.time.after(15_000, () => {
      const { answer } = result;
      if (answer === undefined) return; // It died meanwhile.
      const word = answer.ok
        ? `${answer.doubts.length > 0 ? "in doubt " : ""}${answer.role}`
        : answer.fault.code;
      this.trace.note(`${name}: ${word}`);
      this.count(`roles: ${word}`, 1);
    });
  }

  private goOffline(client: string, ms: number): boolean {
    const { network, time, nodes } = this.cluster;
    const names = [...nodes.keys()];
    for (const name of names) network.cut(client, name);
    time.after(ms, () => {
      for (const name of names) network.heal(client, name);
    });
    return true;
  }

  private wire(kind: "cut" | "black-hole" | "one-way" | "heal", a: string, b: string): boolean {
    if (a === b) return false;
    const { network } = this.cluster;
    if (kind === "cut") network.cut(a, b);
    else if (kind === "black-hole") network.blackHole(a, b);
    else if (kind === "one-way") network.blackHoleOneWay(a, b);
    else network.heal(a, b);
    return true;
  }

  private write(client: string, document: string, mutations: readonly Mutation[]): boolean {
    const writer = this.cluster.clients.get(client);
    if (writer === undefined || writer.isClosed || writer.engine.status().pending > 200) return false;
    return writer.tryWrite(document, (draft) => mutateAs(draft, draft.at("items", list), mutations));
  }

  private changeLife(client: string, document: string, what: "delete" | "undelete"): boolean {
    const writer = this.cluster.clients.get(client);
    if (writer === undefined || writer.isClosed || writer.engine.status().pending > 200) return false;
    const change = (draft: Draft): void =>
      what === "delete" ? draft.deleteDocument() : draft.restoreDocument();
    return writer.tryWrite(document, change, true);
  }

  private alter(client: string, statement: Statement): boolean {
    const writer = this.cluster.clients.get(client);
    if (writer === undefined || writer.isClosed || writer.engine.status().pending > 200) return false;
    try {
      const seen = writer.opened.get(documentId(SCHEMA))?.session.vector() ?? [];
      return writer.tryWrite(documentId(SCHEMA), (draft) => alterSchema(draft, [statement], { seen }));
    } catch (error) {
      if (error instanceof SchemaRefused) return false;
      throw error;
    }
  }

  private show(name: string, document: string, isThere: boolean): boolean {
    const client = this.cluster.clients.get(name);
    return client !== undefined && !client.isClosed && client.show(document, isThere);
  }

  /** Somebody opens a document. It counts when those who had accepted what was written to it last are gone by then. */
  private open(name: string, document: string): boolean {
    const client = this.cluster.clients.get(name);
    if (client === undefined || client.isClosed || client.opened.has(document)) return false;
    const last = this.cluster.ledger
      .of(document)
      .map((change) => this.inspection.mastersOf(change))
      .filter((masters) => masters.length > 0)
      .at(-1);
    if (last?.every((master) => this.cluster.nodes.get(master)?.isUp !== true) === true)
      this.count("opened after a master's loss", 1);
    client.open(document);
    return true;
  }

  private loseMaster(kind: "crash-master" | "lose-master", name: string): boolean {
    const master = this.cluster.clients.get(name)?.engine.status().master;
    if (master === undefined) return false;
    return this.actOnNode(kind === "crash-master" ? "crash" : "lose-disk", master, 0);
  }

  /** A tab closes in the middle of things, and a new one opens in its place: a new client. */
  private closeTab(name: string): boolean {
    const client = this.cluster.clients.get(name);
    if (client === undefined || client.isClosed) return false;
    client.kill();
    this.versions.delete(name);
    this.openTab(name, this.history.clients.find((other) => other.name === name)?.nodes ?? []);
    return true;
  }

  private openTab(name: string, nodes: readonly string[]): void {
    const client = this.cluster.client(name, nodes);
    // All from the beginning: what a session has not followed it cannot hand over (SPINE 14).
    for (const document of ["boards/a", "boards/b", "notes/c", documentId(SCHEMA)]) client.open(document);
  }

  private heal(): void {
    const { cluster } = this;
    cluster.network.healAll();
    cluster.network.faults.delayMsMax = 5;
    for (const disk of this.disks.values()) {
      disk.mend();
      disk.faults.flushMsMax = 10;
    }
    for (const name of [...cluster.nodes.keys()].filter((name) => name.endsWith("+"))) {
      cluster.remove(name);
      this.disks.delete(name);
    }
    for (const name of this.versions.keys()) cluster.network.died(name);
    this.versions.clear();
    for (const { name } of [...this.history.masters, ...this.history.followers]) this.join(name);
    for (const process of [...cluster.nodes.values(), ...cluster.clients.values()]) process.setClock(0, 0);
    // A disk that turns out to be damaged only from now on is replaced as well.
    cluster.onFailure = ({ name }) => cluster.time.after(100, () => this.start(name));
    for (const [name, node] of cluster.nodes) if (!node.isUp || node.isStopping) this.start(name);
    cluster.passUntil("all nodes are up", () => [...cluster.nodes.values()].every((node) => node.isUp));
    // Somebody has to take what clients still have.
    cluster.pass(15_000);
    // The one of several may have been demoted, and others step down once they learn that it was the one.
    if (this.history.single === true) cluster.pass(30_000);
    const nodes = [...cluster.nodes.values()];
    if (nodes.some((node) => node.status()?.role === "master")) return;
    this.count("roles: no master was left", 1);
    const promoted = nodes[0]?.promote();
    cluster.passUntil("there is a master again", () => promoted?.answer?.ok === true);
  }
}

/** A disk as the cluster wants it: one store per life of the process. */
function crashable(
  disk: SimDisk,
  scheduler: Scheduler,
  stored: (key: Uint8Array, value: Uint8Array) => void,
): CrashableStorage {
  const storage: Storage = disk.mount(scheduler);
  return {
    ...storage,
    commit: (writes, done) => {
      for (const { key, value } of writes) if (value !== undefined) stored(key, value);
      storage.commit(writes, done);
    },
    restart: ({ scheduler: next }) => {
      disk.crash();
      return crashable(disk, next, stored);
    },
  };
}

/** Everything is folded, let go and sent in the smallest pieces, so that it happens in short histories, and breaks off. */
const smallRetention = (records: number): Partial<Limits> => ({
  retentionRecordsMax: records,
  truncationRecordsMin: 2,
  foldTailChanges: 3,
  foldQuietChanges: 2,
  foldChangesMax: 4,
  snapshotWindowBytes: 300,
  batchBytes: 400,
  snapshotPatienceMs: 5_000,
});
