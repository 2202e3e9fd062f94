import type { StreamId, Vector } from "@syncline/core";
import { covers, positionIn } from "@syncline/core";
import { type Fault, fault, type Limits } from "@syncline/protocol";
import type { Scheduler } from "../ports.js";

/**
 * Reads that wait: who presents a token sees at least what it names, or is told that it cannot (I8).
 */
export class Reads {
  private readonly waiting = new Set<{ token: Vector; answer: (failed: Fault | undefined) => void }>();

  constructor(
    private readonly visible: Vector,
    private readonly scheduler: Scheduler,
    private readonly limits: Limits,
    /** This node's present stream, and its end: nobody else can have seen more of it. */
    private readonly own: () => { readonly id: StreamId; readonly held: number } | undefined = () =>
      undefined,
    /** Why what the token names will never be shown here; undefined if it may be. */
    private readonly objection: (token: Vector) => string | undefined = () => undefined,
  ) {}

  /** Calls back once: when what is visible covers the token, or when the wait is over. */
  whenVisible(token: Vector, waitMs: number, answer: (failed: Fault | undefined) => void): void {
    if (covers(this.visible, token)) {
      answer(undefined);
      return;
    }
    const own = this.own();
    if (own !== undefined && positionIn(token, own.id) > own.held) {
      const reason = `it names position ${positionIn(token, own.id)} of this node's stream, which ends at ${own.held}`;
      answer(fault("INVALID_TOKEN", reason));
      return;
    }
    const never = this.objection(token);
    if (never !== undefined) {
      answer(fault("INVALID_TOKEN", never));
      return;
    }
    if (this.waiting.size >= this.limits.waitingReadsMax) {
      answer(fault("OVERLOADED", `more than ${this.limits.waitingReadsMax} reads wait`));
      return;
    }
    const entry = {
      token,
      answer: (failed: Fault | undefined) => {
        this.waiting.delete(entry);
        cancel();
        answer(failed);
      },
    };
    const cancel = this.scheduler.after(waitMs, () => {
      entry.answer(fault("CAUSAL_WAIT_TIMEOUT", `the token was not covered within ${waitMs} ms`));
    });
    this.waiting.add(entry);
  }

  /** Something has become visible. */
  settle(): void {
    for (const entry of this.waiting) if (covers(this.visible, entry.token)) entry.answer(undefined);
  }

  /** A stream was closed: who waits for more of it waits in vain. */
  closed(): void {
    for (const entry of this.waiting) {
      const never = covers(this.visible, entry.token) ? undefined : this.objection(entry.token);
      if (never !== undefined) entry.answer(fault("INVALID_TOKEN", never));
    }
  }

  /** The node stops, or its disk has failed: nobody waits any longer. */
  stop(why: Fault): void {
    for (const entry of this.waiting) entry.answer(why);
  }
}
