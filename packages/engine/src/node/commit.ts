import type { StreamId, Vector } from "@syncline/core";
import { type CommitRule, type Level, levelOf, type Quorum } from "@syncline/protocol";
import type { HeldStream, Log } from "./log.js";
import type { Members } from "./members.js";
import type { Peers } from "./peers.js";
import { Watch } from "./revision.js";
import type { SyncState } from "./status.js";

/**
 * Commit positions: how far each stream with a quorum rule is committed.
 *
 * Any node that hears the named nodes may move a commit position, so a commit does not die with its master
 * (SPINE 6). Evidence is k named nodes that have the position durably, and the origin or one further node: the
 * rule promises the origin *and* k others. A commit position, once true, stays true: what others report is joined
 * by max, it is written to disk, and after a restart it is what was written or is heard again, never what is held
 * (SPINE 7, 8).
 */
export class Commits {
  private readonly watch: Watch;
  /** This master's own stream when evidence was last looked at. */
  private own: StreamId | undefined;

  constructor(
    private readonly self: string,
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly members: Pick<Members, "voters" | "revision">,
    /** This master's own current stream. */
    private readonly ownStream: () => StreamId | undefined,
  ) {
    this.watch = new Watch([log.revision, peers.revision, members.revision]);
  }

  /** How far readers may see this stream as far as its opening is concerned. */
  static limit({ opening, isLocal, held, committed }: HeldStream): number {
    return isLocal || opening.visibility === "immediate" ? held : committed;
  }

  /** Whether all of this is committed, each stream by its own rule. */
  isCommitted(vector: Vector): boolean {
    for (const [id, position] of vector) {
      const stream = this.log.stream(id);
      if (stream === undefined) return false;
      if (!stream.isLocal && position > stream.committed) return false;
    }
    return true;
  }

  /** Another node says that this stream is committed up to here. Returns whether that is news. */
  learn(stream: HeldStream, position: number): boolean {
    if (stream.isLocal || position <= stream.committed) return false;
    stream.committed = position;
    this.log.touch(stream);
    return true;
  }

  /** Looks at what the nodes have said and moves commit positions. Returns whether one moved. */
  evaluate(): boolean {
    const own = this.ownStream();
    // Whose stream it is decides how many copies are needed, and a master that steps down has none of its own.
    if (!this.watch.hasMoved() && own === this.own) return false;
    this.own = own;
    let moved = false;
    for (const stream of this.log.streams()) {
      const position = this.evidence(stream);
      if (position > stream.committed) moved = this.learn(stream, position) || moved;
    }
    return moved;
  }

  /** Names of the nodes, the origin and the quorum's, known to have this position of the stream durably. */
  holders(stream: HeldStream, position: number): string[] {
    const { node } = stream.opening;
    const { rule } = stream;
    const names = new Set([node, this.self, ...(rule.kind === "local" ? [] : this.candidates(rule, node))]);
    return [...names].filter((name) => this.position(name, stream, "durable") >= position);
  }

  /** Whether this quorum has all of this, and every origin too or one node more. */
  holds(vector: Vector, quorum: Quorum): boolean {
    for (const [id, position] of vector) {
      const stream = this.log.stream(id);
      if (stream === undefined || this.reached(stream, quorum) < position) return false;
    }
    return true;
  }

  /** Names of the nodes that are heard and have all of this at the level, this one and the origins among them. */
  whoHas(vector: Vector, level: Level): string[] {
    const streams = [...vector].flatMap(([id, position]) => {
      const stream = this.log.stream(id);
      return stream === undefined ? [] : [{ stream, position }];
    });
    return [this.self, ...this.peers.heardNodes()].filter((name) =>
      streams.every(({ stream, position }) => this.position(name, stream, level) >= position),
    );
  }

  /** The nodes that are heard and have all of this, each with the surest level at which it does. */
  levels(vector: Vector): { readonly node: string; readonly level: Level }[] {
    const [applied, durable] = [
      new Set(this.whoHas(vector, "applied")),
      new Set(this.whoHas(vector, "durable")),
    ];
    return this.whoHas(vector, "received").map((node) => ({
      node,
      level: applied.has(node) ? "applied" : durable.has(node) ? "durable" : "received",
    }));
  }

  /** What the rule of this master's own stream makes of a node; null where there is no such stream. */
  syncState(name: string): SyncState | null {
    const own = this.log.stream(this.ownStream() ?? 0);
    if (own === undefined) return null;
    const { node } = own.opening;
    const { rule } = own;
    if (rule.kind === "local") return "async";
    const isNamed = "names" in rule ? rule.names.includes(name) : this.members.voters().includes(name);
    if (!isNamed) return "async";
    if (rule.kind === "all") return "sync";
    if (rule.kind !== "first") return "quorum";
    return this.candidates(rule, node).slice(0, rule.needed).includes(name) ? "sync" : "potential";
  }

  /** Whether as many nodes as this quorum needs are there to be heard at present. */
  isSatisfiable(origin: string, quorum: Quorum): boolean {
    const names = this.candidates(quorum, origin);
    const there = names.filter((name) => name === this.self || this.peers.isHeard(name));
    return there.length >= neededOf(quorum, names.length);
  }

  /**
   * Whether so many of the rule's nodes are heard that whatever was ever committed by it is among what they have: one at
   * least of any quorum. What this node has forgotten cannot be told otherwise.
   */
  hearsOfPast(origin: string, rule: CommitRule): boolean {
    if (rule.kind === "local") return true;
    const names = candidatesOf(rule, origin, this.members);
    if (names.length === 0) return true;
    const heard = names.filter((name) => this.peers.isHeard(name)).length;
    return heard > names.length - neededOf(rule, names.length);
  }

  /**
   * The rule that a position came under decides on it, and a later one on all before it, once its own record is committed
   * under it: so the last rule is looked at first. LOCAL counts nobody but whoever has that record on his disk: as long as
   * it can be lost with a process, what came before it is under the earlier rule.
   */
  private evidence(stream: HeldStream): number {
    const { rules, opening, committed, held, durable } = stream;
    if (stream.isLocal || committed === held) return 0;
    let last = held;
    for (const { from, rule } of [...rules].reverse()) {
      const ofLocal = durable >= from ? last : 0;
      const position = Math.min(last, rule.kind === "local" ? ofLocal : this.reached(stream, rule));
      if (position >= from) return position;
      last = from - 1;
    }
    return Math.min(last, opening.rule.kind === "local" ? last : this.reached(stream, opening.rule));
  }

  /** The last position of which this node knows that the quorum has it, and the origin or one node more. */
  private reached(stream: HeldStream, rule: Quorum): number {
    const { node } = stream.opening;
    const isOwn = stream.id === this.ownStream();
    // Which of its spares it needs is the origin's to say, as long as it can be heard.
    if (rule.kind === "first" && !isOwn && this.peers.isHeard(node)) return 0;
    const level = levelOf(rule);
    const at = (name: string) => this.position(name, stream, level);
    const names = this.candidates(rule, node);
    const needed = neededOf(rule, names.length);
    const quorum = atLeast((rule.kind === "first" ? names.slice(0, needed) : names).map(at), needed);
    // Somebody else's stream: one copy more than the quorum, whoever has it.
    const everybody = [...new Set([this.self, ...this.peers.heardNodes()])];
    const copies = isOwn ? at(this.self) : atLeast(everybody.map(at), needed + 1);
    const position = Math.min(quorum, copies, stream.held);
    // Who the voters are is known for what is ready to be shown, and no further.
    return isOfVoters(rule) ? Math.min(position, stream.ready) : position;
  }

  /** The nodes that may count for this rule: never the origin, also where its rule names it. */
  private candidates(rule: Quorum, origin: string): string[] {
    const others = candidatesOf(rule, origin, this.members);
    if (rule.kind !== "first") return others;
    return others.filter((name) => name === this.self || this.peers.isHeard(name));
  }

  private position(name: string, stream: HeldStream, level: Level): number {
    if (name !== this.self) return this.peers.position(name, stream.id, level);
    // What a master shows of its own stream waits for the others; it has checked it before it wrote it.
    if (level === "applied" && stream.id !== this.ownStream()) return Math.min(stream.durable, stream.ready);
    return level === "received" ? stream.held : stream.durable;
  }
}

/** Whom the rule counts, heard or not: never the origin, also where the rule names it. */
export function candidatesOf(rule: Quorum, origin: string, members: Pick<Members, "voters">): string[] {
  const names = isOfVoters(rule) ? members.voters() : rule.names;
  return names.filter((name) => name !== origin);
}

/** How many of the candidates. Of a majority the origin is one. */
export function neededOf(rule: Quorum, candidates: number): number {
  if ("needed" in rule) return rule.needed;
  return rule.kind === "all" ? candidates : Math.floor((candidates + 1) / 2);
}

/** Whether the rule counts the cluster's voters, not nodes that it names. */
const isOfVoters = (rule: Quorum): rule is Exclude<Quorum, { names: readonly string[] }> =>
  !("names" in rule);

/** The greatest position that at least `count` of these have reached; 0 if there are fewer, any if none is needed. */
export function atLeast(positions: readonly number[], count: number): number {
  if (count === 0) return Number.POSITIVE_INFINITY;
  return [...positions].sort((a, b) => b - a)[count - 1] ?? 0;
}
