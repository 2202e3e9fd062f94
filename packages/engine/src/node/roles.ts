import {
  CODES,
  type CommitRule,
  type Fault,
  fault,
  RULES_PER_STREAM_MAX,
  ruleText,
} from "@syncline/protocol";
import type { Logger, Scheduler } from "../ports.js";
import type { Claims } from "./claims.js";
import type { Journal } from "./journal.js";
import type { Mastership } from "./mastership.js";
import type { Members } from "./members.js";
import type { OwnDocuments } from "./own-documents.js";
import type { Peers } from "./peers.js";
import type { Doubt, Promotion } from "./promotion.js";
import type { Role } from "./role.js";

/**
 * Changes of role while the node runs: a promotion, a demotion, and the step down of a master that was replaced.
 *
 * Each waits until it may be done, is done in one commit of the disk, and has everybody greet the node anew, because a role
 * is part of the greeting. One at a time; meanwhile the node takes no writes.
 */
export interface ChangeOptions {
  /** Does without what it would wait for. */
  readonly force: boolean;
  readonly waitMs: number;
}

/** What became of a promotion or demotion; `doubts` is what could not be known to be here. */
export type RoleAnswer =
  | { readonly ok: true; readonly role: "master" | "follower"; readonly doubts: readonly Doubt[] }
  | { readonly ok: false; readonly fault: Fault; readonly doubts: readonly Doubt[] };

export class Roles {
  private underWay: { settle(): void; stop(why: Fault): void } | undefined;

  constructor(
    private readonly self: Role,
    private readonly claims: Claims,
    private readonly promotion: Promotion,
    private readonly mastership: Mastership,
    private readonly own: OwnDocuments,
    private readonly peers: Peers,
    private readonly members: Members,
    private readonly journal: Journal,
    private readonly config: {
      readonly isSingle: boolean;
      /** The role by its flags. */
      readonly role: "master" | "follower";
      readonly writeWaitMs: number;
    },
    private readonly ports: { readonly scheduler: Scheduler; readonly log: Logger },
    private readonly on: {
      isRunning(): boolean;
      refusesWrites(): Fault | undefined;
      afterDurable(mark: number, then: () => void): void;
      /** It has another role from now on. */
      changed(reason: string): void;
      /** Something may follow from what has happened here. */
      news(): void;
    },
  ) {}

  /** A promotion or demotion is under way. */
  get isChanging(): boolean {
    return this.underWay !== undefined;
  }

  settle(): void {
    this.underWay?.settle();
  }

  /** The node stops, or its disk has failed. */
  stop(why: Fault): void {
    this.underWay?.stop(why);
  }

  promote(
    { rule, force, waitMs }: ChangeOptions & { readonly rule: CommitRule },
    answer: (answer: RoleAnswer) => void,
  ): void {
    const isReady = () => (force ? this.promotion.hasCaughtUp() : this.promotion.doubts().length === 0);
    this.change("master", waitMs, isReady, answer, {
      late: () => {
        const doubts = this.promotion.doubts();
        if (force) return { doubts };
        const reason = doubts.map((doubt) => doubt.reason).join("; ");
        return { doubts, fault: fault("PROMOTION_WOULD_LOSE", reason) };
      },
      take: (doubts, done) => {
        this.self.change("master", rule);
        this.claims.renew();
        for (const { reason } of doubts) this.ports.log.warn("promoted-in-doubt", { reason });
        const had = this.promotion.unheardOf(this.config.isSingle);
        this.mastership.open(() => {
          if (had.size > 0) this.own.tookOver(had);
          this.ports.log.info("took-over", { had: [...had], inDoubt: doubts.length });
          done();
        });
      },
    });
  }

  demote({ force, waitMs }: ChangeOptions, answer: (answer: RoleAnswer) => void): void {
    const isSafe = () => {
      const { stream } = this.mastership;
      return stream === undefined || stream.safe >= stream.held;
    };
    this.change("follower", waitMs, () => force || (this.hearsMaster() && isSafe()), answer, {
      late: () => {
        const { name } = this.self;
        if (!this.hearsMaster())
          return { doubts: [], fault: fault("LAST_MASTER", `no other master is connected with ${name}`) };
        const { stream } = this.mastership;
        const reason = `of what ${name} has accepted, ${stream?.safe ?? 0} of ${stream?.held ?? 0} records are safe at others`;
        return { doubts: [], fault: fault("QUORUM_WAIT_TIMEOUT", reason) };
      },
      take: (_doubts, done) => {
        this.mastership.end();
        this.self.change("follower", this.self.rule);
        this.on.afterDurable(this.journal.mark(), done);
      },
    });
  }

  /** The one master of the cluster steps down when another one has been promoted in its place. */
  makeRoom(): void {
    this.claims.hear();
    if (!this.on.isRunning() || this.isChanging) return;
    const rival = this.claims.rival();
    if (rival === undefined) return;
    this.ports.log.warn("stepped-down", { for: rival, remedy: CODES.READ_ONLY_FOLLOWER.remedy });
    this.demote({ force: true, waitMs: this.config.writeWaitMs }, () => {});
  }

  /** Gives this master's stream another commit rule. Calls back when the record that says so is on the disk. */
  changeRule(rule: CommitRule, answer: (refused: Fault | undefined) => void): void {
    const { stream, current } = this.mastership;
    const refused = this.on.refusesWrites();
    if (refused !== undefined || current === undefined || stream === undefined) {
      answer(refused ?? fault("SHUTTING_DOWN", "the node is stopping"));
      return;
    }
    if (ruleText(stream.rule) === ruleText(rule)) {
      answer(undefined);
      return;
    }
    if (stream.rules.length >= RULES_PER_STREAM_MAX) {
      const reason = `the rule of a stream is changed up to ${RULES_PER_STREAM_MAX} times; start ${this.self.name} again with the new one`;
      answer(fault("LIMIT_EXCEEDED", reason));
      return;
    }
    this.ports.log.warn("rule-changed", { from: ruleText(stream.rule), to: ruleText(rule) });
    current.admission.changeRule(rule);
    this.self.rule = rule;
    // A promoted node has its rule from its data, and no flag says it.
    if (this.config.role === "follower") this.self.change("master", rule);
    this.on.afterDurable(this.journal.mark(), () => answer(undefined));
    this.on.news();
  }

  private hearsMaster(): boolean {
    for (const { peer } of this.peers.all()) if (peer.peer === "master") return true;
    return false;
  }

  /** Waits until it may take the role, takes it, and has everybody greet it anew. */
  private change(
    to: "master" | "follower",
    waitMs: number,
    isReady: () => boolean,
    answer: (answer: RoleAnswer) => void,
    how: {
      /** The wait is over: what was in doubt, and why it is not done, unless it is. */
      late(): { readonly doubts: readonly Doubt[]; readonly fault?: Fault };
      take(doubts: readonly Doubt[], done: () => void): void;
    },
  ): void {
    const { name } = this.self;
    const refuse = (why: Fault, doubts: readonly Doubt[] = []) => answer({ ok: false, fault: why, doubts });
    if (!this.on.isRunning()) {
      refuse(fault("SHUTTING_DOWN", `${name} is not running`));
      return;
    }
    if (this.isChanging) {
      refuse(fault("OVERLOADED", "a change of role is under way"));
      return;
    }
    if (this.self.role === to) {
      answer({ ok: true, role: to, doubts: [] });
      return;
    }
    const stop = (why: Fault) => {
      cancel();
      this.underWay = undefined;
      refuse(why);
    };
    const take = (doubts: readonly Doubt[]) => {
      cancel();
      this.underWay = { settle: () => {}, stop };
      how.take(doubts, () => {
        if (!this.isChanging) return; // It was stopped, and the caller was told so.
        this.underWay = undefined;
        this.ports.log.info("role-changed", { role: to });
        this.members.changed();
        this.on.changed(`${name} is a ${to} from now on`);
        this.on.news();
        answer({ ok: true, role: to, doubts });
      });
      // It is another one from this moment, though the disk has yet to know.
      this.members.changed();
    };
    const cancel = this.ports.scheduler.after(waitMs, () => {
      this.underWay = undefined;
      const { doubts, fault: refused } = how.late();
      if (refused === undefined) take(doubts);
      else refuse(refused, doubts);
      this.on.news();
    });
    this.underWay = {
      settle: () => {
        if (isReady()) take(to === "master" ? this.promotion.doubts() : []);
      },
      stop,
    };
    this.on.news();
  }
}
