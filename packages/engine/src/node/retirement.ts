import type { Vector } from "@syncline/core";
import { type Fault, fault } from "@syncline/protocol";
import type { Logger, Scheduler } from "../ports.js";
import type { Fences } from "./fences.js";
import type { Journal } from "./journal.js";
import type { Members } from "./members.js";
import type { Peers } from "./peers.js";
import type { Doubt } from "./promotion.js";
import type { Retirements } from "./retirements.js";
import type { Retiring } from "./retiring.js";

/**
 * A retirement that this master decides: it sets a fence, waits until nothing stands against the ends that it finds behind
 * it, and says them; or gives up, and lifts the fence (SPINE 16).
 *
 * It gives up, too, as soon as it is no master any more: who turns out to be retired himself has the streams taken out of
 * what it holds that told it who the others are, and would find that nobody objects.
 *
 * One at a time. A fence of another master that is later than its own takes its place: then that one decides.
 */
export interface RetireOptions {
  /** Does without those who are not heard. */
  readonly force: boolean;
  readonly waitMs: number;
}

/** What became of a retirement: where the node's streams end, and what could not be known. */
export type RetirementAnswer =
  | { readonly ok: true; readonly ends: Vector; readonly doubts: readonly Doubt[] }
  | { readonly ok: false; readonly fault: Fault; readonly doubts: readonly Doubt[] };

export class Retirement {
  private underWay: { settle(): void; stop(why: Fault): void } | undefined;

  constructor(
    private readonly self: string,
    private readonly peers: Peers,
    private readonly members: Members,
    private readonly retirements: Retirements,
    private readonly retiring: Retiring,
    private readonly fences: Fences,
    private readonly journal: Journal,
    private readonly ports: { readonly scheduler: Scheduler; readonly log: Logger },
    private readonly on: {
      /** Why it decides nothing at present; undefined if it may. Asked all the while. */
      objection(): Fault | undefined;
      /** Something is known that was not. */
      news(): void;
      afterDurable(mark: number, then: () => void): void;
    },
  ) {}

  /** Calls back once, within `waitMs` and a commit of the disk. */
  retire(node: string, { force, waitMs }: RetireOptions, answer: (answer: RetirementAnswer) => void): void {
    const refuse = (why: Fault, doubts: readonly Doubt[] = []) => answer({ ok: false, fault: why, doubts });
    const objection = this.objectionTo(node);
    if (objection !== undefined) {
      refuse(objection);
      return;
    }
    if (!this.members.others().has(node) && [...this.retirements.open(node)].length === 0) {
      const ends = this.retirements.of(node)?.ends;
      if (ends === undefined)
        refuse(fault("NOT_FOUND", `no node named ${node} was ever a member: a status names those that are`));
      else answer({ ok: true, ends, doubts: [] });
      return;
    }
    const fence = this.fences.set(node);
    const finish = () => {
      cancel();
      this.fences.leave(fence);
      this.underWay = undefined;
    };
    const decide = (doubts: readonly Doubt[]) => {
      finish();
      const ends = this.retiring.ends(node);
      const generation = this.retirements.generationOf(node) + 1;
      // The fence is lifted by the same word: what is open from now on was opened with knowledge of it.
      this.retirements.learn({ node, generation, ends, fence: this.fences.lifting(node) });
      this.ports.log.warn("retired", { node, ends: [...ends.values()], inDoubt: doubts.length });
      this.members.changed();
      this.on.news();
      this.on.afterDurable(this.journal.mark(), () => answer({ ok: true, ends, doubts }));
    };
    const giveUp = (why: Fault, doubts: readonly Doubt[]) => {
      finish();
      this.fences.lift(node);
      refuse(why, doubts);
    };
    const cancel = this.ports.scheduler.after(waitMs, () => {
      const doubts = this.retiring.doubts(node, fence);
      if (doubts.length === 0 || (force && this.retiring.hasCaughtUp(node))) decide(doubts);
      else giveUp(fault("RETIREMENT_WOULD_LOSE", doubts.map(({ reason }) => reason).join("; ")), doubts);
    });
    this.underWay = {
      settle: () => {
        const objection = this.on.objection();
        if (objection !== undefined) giveUp(objection, []);
        else if (!this.fences.holds(node, fence)) {
          finish();
          refuse(fault("OVERLOADED", `another master decides on ${node}, or has decided`));
        } else if (this.retiring.isFenced(node, fence) && this.retiring.doubts(node, fence).length === 0)
          decide([]);
      },
      stop: (why) => giveUp(why, []),
    };
  }

  settle(): void {
    this.underWay?.settle();
  }

  /** The node stops, or its disk has failed: nothing is decided. */
  stop(why: Fault): void {
    this.underWay?.stop(why);
  }

  private objectionTo(node: string): Fault | undefined {
    if (node === this.self)
      return fault(
        "RETIREMENT_WOULD_LOSE",
        "a node does not retire itself: ask another master, by its --url",
      );
    const objection = this.on.objection();
    if (objection !== undefined) return objection;
    if (this.underWay !== undefined) return fault("OVERLOADED", "a retirement is under way");
    if (this.peers.isHeard(node))
      return fault("RETIREMENT_WOULD_LOSE", `${node} is there: stop it first, it may still take writes`);
    return undefined;
  }
}
