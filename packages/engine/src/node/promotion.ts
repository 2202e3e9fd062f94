import type { MutableVector, StreamId, Vector } from "@syncline/core";
import { positionIn } from "@syncline/core";
import { type CommitRule, ruleText } from "@syncline/protocol";
import { candidatesOf, neededOf } from "./commit.js";
import type { Log } from "./log.js";
import type { Members } from "./members.js";
import type { Peers } from "./peers.js";
import type { Retirements } from "./retirements.js";

/**
 * What stands against making a follower a master: something committed might be left behind (SPINE 19, I7).
 *
 * Whoever is promoted must know all that was ever committed. It does when it hears so many of those whom a stream's rule
 * counts that every quorum there can have been has one of them in it (n - k + 1 of n), and has caught up with the join of
 * what they hold. The origin's own word does not stand in for them: it may have come back without its disk, or with an old
 * one. What a stream with the rule LOCAL committed is its master's alone to tell. And it hears a majority of all members,
 * because what else was decided is known to one of any majority.
 */
export interface Doubt {
  /** Whose stream; empty if it is about the members. */
  readonly node: string;
  readonly stream: StreamId | undefined;
  /** How far this node has it. */
  readonly have: number;
  /** How far those who are heard have it. */
  readonly known: number;
  /** Who is not heard, and may have more. */
  readonly unheard: readonly string[];
  /** In words, for whoever asked. */
  readonly reason: string;
}

export class Promotion {
  constructor(
    private readonly self: string,
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly members: Pick<Members, "others" | "voters" | "isAlone">,
    private readonly retirements: Pick<Retirements, "limitOf" | "endOf" | "isRetired">,
  ) {}

  /** What a promotion at this moment could lose. Nothing, if it is empty. */
  doubts(): Doubt[] {
    const doubts: Doubt[] = [];
    const goal = this.goal();
    for (const { id, opening, rule } of this.log.streams()) {
      const have = this.log.stream(id)?.durable ?? 0;
      const known = positionIn(goal, id);
      const { node } = opening;
      // What was committed in a closed stream is within its end, and the end is known to any majority.
      const isClosed = this.retirements.endOf(id, opening) !== undefined;
      const unheard = isClosed ? [] : this.unheard(id, node, rule);
      if (unheard.length === 0 && have >= known) continue;
      const whose = `the stream of ${node} (${ruleText(rule)}) is here up to ${have}`;
      const reason =
        have < known
          ? `${whose}, and known up to ${known}`
          : `${whose}, and ${unheard.join(", ")} may have more`;
      doubts.push({ node, stream: id, have, known, unheard, reason });
    }
    const others = [...this.members.others().keys()];
    const silent = others.filter((name) => !this.peers.hasSpoken(name));
    // Who has no list of members knows nothing of the cluster, not that it is alone.
    if (others.length === 0 && !this.members.isAlone()) {
      const reason = `${this.self} has not heard yet who the other members are`;
      doubts.push({ node: "", stream: undefined, have: 0, known: 0, unheard: [], reason });
    }
    if (silent.length * 2 >= others.length + 1) {
      const reason = `only ${others.length + 1 - silent.length} of ${others.length + 1} members are heard, and not ${silent.join(", ")}`;
      doubts.push({ node: "", stream: undefined, have: 0, known: 0, unheard: silent, reason });
    }
    return doubts;
  }

  /** How far this node has the streams of those whom it does not hear; with `all`, of all others. */
  unheardOf(all: boolean): Vector {
    const had: MutableVector = new Map();
    for (const { id, held, opening } of this.log.streams())
      if (opening.node !== this.self && (all || !this.peers.hasSpoken(opening.node))) had.set(id, held);
    return had;
  }

  /** Whether this node has, on its disk, all that those who are heard hold. */
  hasCaughtUp(): boolean {
    for (const [id, position] of this.goal())
      if ((this.log.stream(id)?.durable ?? 0) < position) return false;
    return true;
  }

  /** The join of what is held by those who are heard. */
  private goal(): Vector {
    const goal: MutableVector = new Map();
    const raise = (id: StreamId, node: string, position: number) => {
      const limit = this.retirements.limitOf(id, node, this.log.stream(id)?.opening);
      goal.set(id, Math.max(Math.min(position, limit), positionIn(goal, id)));
    };
    for (const { id, held, opening } of this.log.streams()) raise(id, opening.node, held);
    for (const { progress, heard } of this.peers.all()) {
      for (const { stream, node, received } of progress.values()) raise(stream, node, received);
      for (const word of heard.values())
        for (const { stream, node, received } of word.progress.values()) raise(stream, node, received);
    }
    return goal;
  }

  /** Those without whom something committed in this stream may be unknown; none if so many are heard that nothing is. */
  private unheard(stream: StreamId, origin: string, rule: CommitRule): string[] {
    const isHeard = (name: string) => name === this.self || this.peers.hasSpoken(name);
    if (origin === this.self) return [];
    if (rule.kind === "local") {
      // A node that came back without its disk answers to the name, and knows nothing.
      const have = this.log.stream(stream)?.held ?? 0;
      return this.peers.position(origin, stream, "received") >= have ? [] : [origin];
    }
    const names = candidatesOf(rule, origin, this.members);
    const silent = names.filter((name) => !isHeard(name));
    if (silent.length < neededOf(rule, names.length)) return [];
    // Who was retired was given up, with what he alone had.
    const missing = silent.filter((name) => !this.retirements.isRetired(name));
    if (missing.length === 0) return [];
    return isHeard(origin) ? missing : [origin, ...missing];
  }
}
