import type { MutableVector, StreamId, Vector } from "@syncline/core";
import { positionIn } from "@syncline/core";
import { type CommitRule, ruleText } from "@syncline/protocol";
import { candidatesOf, neededOf } from "./commit.js";
import type { HeldStream, Log } from "./log.js";
import type { Member, Members } from "./members.js";
import type { Peers } from "./peers.js";
import type { Doubt } from "./promotion.js";
import type { Retirements } from "./retirements.js";
import { Watch } from "./revision.js";

/**
 * What stands against a retirement: something that was promised might lie beyond the ends that are found (SPINE 16).
 *
 * The master that retires a node hears, behind its fence, every other master, a majority of all members, and so many of
 * those whom each stream's rule counts that every quorum there can have been has one of them in it (n - k + 1 of n). And it
 * has, on its disk, the join of what all of them hold. So what was ever committed, and what was called safe, is within
 * the ends, and of two masters at most one can retire the other. Where all masters that are left were followers
 * once, followers counted for what is safe, and all voters are heard.
 */
export class Retiring {
  /** Whether other streams of this node may be known than when they were last looked for. */
  private readonly watch: Watch;
  private own: readonly StreamId[] = [];

  constructor(
    private readonly self: { readonly name: string } & Member,
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly members: Pick<Members, "others" | "voters">,
    private readonly retirements: Retirements,
  ) {
    this.watch = new Watch([log.revision, peers.revision, retirements.revision]);
  }

  /** What ends that are found at this moment could leave out. Nothing, if it is empty. */
  doubts(node: string, fence: number): Doubt[] {
    const isHeard = (name: string) =>
      name === this.self.name || this.peers.position(name, fence, "durable") > 0;
    const others = this.members.others();
    const rest = [...others].filter(([name]) => name !== node);
    const doubts: Doubt[] = [];
    const doubt = (unheard: readonly string[], reason: string) =>
      doubts.push({ node: "", stream: undefined, have: 0, known: 0, unheard, reason });
    const masters = rest.filter(([, { role }]) => role === "master");
    const silentMasters = masters.map(([name]) => name).filter((name) => !isHeard(name));
    if (silentMasters.length > 0)
      doubt(silentMasters, `${silentMasters.join(", ")} is a master and not heard`);
    const open = [...this.retirements.open(node)];
    const werePromoted = [this.self, ...masters.map(([, member]) => member)].every(
      ({ promoted }) => promoted === true,
    );
    const silentVoters = rest.filter(([name, { voter }]) => voter && !isHeard(name)).map(([name]) => name);
    if (open.length > 0 && werePromoted && silentVoters.length > 0)
      doubt(silentVoters, `${silentVoters.join(", ")} counted for what is safe, and is not heard`);
    const silent = [...others.keys()].filter((name) => !isHeard(name));
    const heard = others.size + 1 - silent.length;
    if (heard * 2 <= others.size + 1) {
      doubt(silent, `only ${heard} of ${others.size + 1} members are heard, and not ${silent.join(", ")}`);
    }
    return [...doubts, ...this.doubtsOf(node, open, this.goal(node), isHeard)];
  }

  /**
   * The same of a node that closes former streams of its own, behind its fence if there is one yet. It hears every single
   * member: that it lives is no need to hurry, and whoever counted for what was safe, once, is among them. `rule` is that
   * of its present stream, if it has one.
   */
  doubtsOfOwn(
    streams: ReadonlySet<StreamId>,
    fence: number | undefined,
    rule: CommitRule | undefined,
  ): Doubt[] {
    const { name: node } = this.self;
    const isHeard = (name: string) => {
      if (name === node) return true;
      if (fence === undefined) return this.peers.hasSpoken(name);
      return this.peers.position(name, fence, "durable") > 0;
    };
    const silent = [...this.members.others().keys()].filter((name) => !isHeard(name));
    const open = [...this.retirements.open(node)].filter(({ id }) => streams.has(id));
    const goal = new Map([...this.goal(node)].filter(([id]) => streams.has(id)));
    const doubts = [...this.doubtsOf(node, open, goal, isHeard), ...this.uncommitted(open, rule)];
    if (silent.length === 0) return doubts;
    const reason = `${silent.join(", ")} is a member and not heard`;
    return [{ node: "", stream: undefined, have: 0, known: 0, unheard: silent, reason }, ...doubts];
  }

  /**
   * An end counts as committed, so all of it has to be where the stream's rule says: at everybody whom that counts and who
   * was not retired, also where he has never joined. Or where the rule says that the node was started with since: as of a
   * rule that is changed in a stream, what came before it is committed by that as well (decision 0055).
   */
  private uncommitted(open: readonly HeldStream[], present: CommitRule | undefined): Doubt[] {
    return open.flatMap((stream) => {
      const { id, rule, opening, isLocal, committed, held: known } = stream;
      if (isLocal || rule.kind === "local" || committed >= known || present?.kind === "local") return [];
      const has = (name: string) => this.peers.position(name, id, "durable") >= known;
      if (present !== undefined) {
        const names = candidatesOf(present, opening.node, this.members);
        if (names.filter(has).length >= neededOf(present, names.length)) return [];
      }
      const others = this.members.others();
      const isGone = (name: string) => !others.has(name) && this.retirements.isRetired(name);
      const counted = candidatesOf(rule, opening.node, this.members).filter((name) => !isGone(name));
      const behind = counted.filter((name) => !has(name));
      const gone = this.retirements.all().filter(({ node }) => isGone(node)).length;
      if (behind.length === 0 && counted.length + gone >= neededOf(rule, counted.length)) return [];
      const where = behind.length > 0 ? `not at ${behind.join(", ")}` : `${ruleText(rule)} counts more nodes`;
      const reason = `a stream of ${opening.node} is here up to ${known}, and ${where}`;
      return [{ node: opening.node, stream: id, have: committed, known, unheard: [], reason }];
    });
  }

  /** What is not known of these streams: what a quorum may have that is not heard, and what others have. */
  private doubtsOf(
    node: string,
    open: readonly HeldStream[],
    goal: Vector,
    isHeard: (name: string) => boolean,
  ): Doubt[] {
    const doubts: Doubt[] = [];
    const others = this.members.others();
    // What came under an earlier rule was committed by that, if at all.
    const concerns = open.flatMap((stream) =>
      [stream.opening.rule, ...stream.rules.map(({ rule }) => rule)].map((rule) => ({ stream, rule })),
    );
    for (const { stream, rule } of concerns) {
      const { id, durable: have } = stream;
      const known = positionIn(goal, id);
      const whose = `the stream of ${node} (${ruleText(rule)}) is here up to ${have}`;
      const names = rule.kind === "local" ? [] : candidatesOf(rule, node, this.members);
      const unheard = names.filter((name) => !isHeard(name));
      // Who was retired himself was given up, with what he alone had.
      const missing = unheard.filter((name) => others.has(name) || !this.retirements.isRetired(name));
      const isEnough = rule.kind === "local" || unheard.length < neededOf(rule, names.length);
      if (!isEnough && missing.length > 0) {
        const reason = `${whose}, and ${missing.join(", ")} may have more`;
        doubts.push({ node, stream: id, have, known, unheard: missing, reason });
      }
    }
    for (const [id, known] of goal) {
      const have = this.log.stream(id)?.durable ?? 0;
      if (have >= known) continue;
      const reason = `a stream of ${node} is here up to ${have}, and known up to ${known}`;
      doubts.push({ node, stream: id, have, known, unheard: [], reason });
    }
    return doubts;
  }

  /** Whether everybody who is there has the fence: what he holds stays what it is. */
  isFenced(node: string, fence: number): boolean {
    const names = this.peers.heardNodes();
    names.delete(node);
    return [...names].every((name) => this.peers.position(name, fence, "durable") > 0);
  }

  /** Whether this node has, on its disk, all that those who are heard hold of the node's open streams. */
  hasCaughtUp(node: string): boolean {
    for (const [id, position] of this.goal(node))
      if ((this.log.stream(id)?.durable ?? 0) < position) return false;
    return true;
  }

  /** Where the node's open streams end, as far as is known: where they end on this node's disk. */
  ends(node: string): Map<StreamId, number> {
    return new Map(Array.from(this.retirements.open(node), ({ id, durable }) => [id, durable]));
  }

  /** Streams of this node other than its present one that are open, here or at those whom it hears. */
  former(present: StreamId | undefined): Set<StreamId> {
    if (this.watch.hasMoved()) this.own = [...this.goal(this.self.name).keys()];
    const former = new Set(this.own);
    if (present !== undefined) former.delete(present);
    return former;
  }

  /** The join of what is held of the node's open streams by those who are heard. */
  private goal(node: string): Vector {
    const goal: MutableVector = new Map();
    const raise = (id: StreamId, position: number) => goal.set(id, Math.max(position, positionIn(goal, id)));
    for (const { id, held } of this.retirements.open(node)) raise(id, held);
    const ends = this.retirements.of(node)?.ends;
    for (const link of this.peers.all()) {
      for (const words of [link.progress, ...Array.from(link.heard.values(), (word) => word.progress)]) {
        for (const { stream, node: origin, received } of words.values())
          if (origin === node && received > 0 && ends?.has(stream) !== true) raise(stream, received);
      }
    }
    return goal;
  }
}
