import type { Change, DocumentName, Draft, HybridClock, Vector } from "@syncline/core";
import { changeId, Document, InvalidValue, LimitExceeded } from "@syncline/core";
import {
  type CommitRule,
  type Fault,
  fault,
  type Level,
  levelOf,
  type Quorum,
  ruleText,
} from "@syncline/protocol";
import type { Scheduler } from "../ports.js";
import { SchemaRefused } from "../schema/statements.js";
import type { Admission } from "./admission.js";
import type { Commits } from "./commit.js";
import type { Documents } from "./documents.js";
import type { Journal } from "./journal.js";
import type { HeldStream, Log } from "./log.js";

/**
 * Writes that a master makes itself, for callers over HTTP.
 *
 * The change is made against what is visible, under the author that this start of the node has for such writes,
 * and appended at once; the caller is answered when the level that he waits for is reached, or honestly told that
 * it was not reached in time. What was appended is never taken back.
 */
export interface WriteOptions {
  /** `committed` includes durable. */
  readonly level: "received" | "durable" | "committed";
  /** Who must have it besides, before the caller is answered `committed`. It never moves the commit position. */
  readonly concern?: Quorum;
  /** Store nothing unless as many nodes as it takes are there. */
  readonly failFast?: boolean;
  readonly waitMs: number;
  /** Leaves a deleted document as it is, instead of beginning a new one with what is written. */
  readonly asIs?: boolean;
}

/** What is waited for at least. */
export type WriteFloor = Pick<WriteOptions, "level" | "concern">;

/** What the operator has to say about what callers wait for. */
export interface WritePolicy {
  /** Whoever asks for less waits for this. */
  readonly floor?: WriteFloor;
  /** The same for the documents of some collections, in place of it. */
  readonly floorsOf?: ReadonlyMap<string, WriteFloor>;
  /**
   * Whose wish for a quorum is not met in time is answered `committed` all the same, and told that it was degraded, if
   * the commit rule holds and this one does. Nothing is ever degraded without it, and the commit rule never.
   */
  readonly degradeTo?: CommitRule;
}

/** What is known of a write. */
export interface WriteReceipt {
  readonly outcome: "committed" | "unconfirmed";
  /** Identity of the change; undefined when there was nothing to do. */
  readonly change: string | undefined;
  /** A reader who presents this sees the write. */
  readonly token: Vector;
  /** Names of the nodes known to have it durably. */
  readonly nodes: readonly string[];
  /** The wish was not met in time, and a lesser one was, as the operator allows. */
  readonly degraded?: true;
  /** Of what is unconfirmed: what was waited for, and who has it by now, how surely. */
  readonly lacking?: {
    readonly wanted: string;
    readonly receipts: readonly { readonly node: string; readonly level: Level }[];
  };
}

export type WriteAnswer = { ok: true; receipt: WriteReceipt } | { ok: false; fault: Fault };

/** A mistake in an op of the caller's, with the op's place in the list. */
export class OpFault extends Error {
  readonly code = "MALFORMED_OP";
  constructor(
    readonly index: number,
    readonly field: string,
    readonly reason: string,
  ) {
    super(`op ${index}, field "${field}": ${reason}`);
  }
}

interface Waiting {
  readonly change: Change;
  readonly mark: number;
  readonly position: number;
  readonly options: WriteOptions;
  readonly floor: WriteFloor | undefined;
  answer(outcome: WriteReceipt["outcome"], degraded?: true): void;
}

const LEVELS: readonly WriteOptions["level"][] = ["received", "durable", "committed"];

export class Writes {
  private readonly waiting = new Set<Waiting>();
  /** How often a wish was degraded. */
  degraded = 0;

  constructor(
    private readonly nodeName: string,
    private readonly author: number,
    private readonly stamps: HybridClock,
    private readonly admission: Admission,
    private readonly documents: Documents,
    private readonly journal: Journal,
    private readonly log: Log,
    private readonly commits: Commits,
    private readonly scheduler: Scheduler,
    private readonly waitingMax: number,
    private readonly policy: WritePolicy = {},
  ) {}

  /** Makes and appends one change. `mutate` may throw `OpFault`; then nothing has happened. */
  transact(
    name: DocumentName,
    mutate: (draft: Draft) => void,
    asked: WriteOptions,
    answer: (answer: WriteAnswer) => void,
  ): void {
    const { floor: usual, floorsOf } = this.policy;
    const floor = floorsOf?.get(name.collection) ?? usual;
    const options = raised(asked, floor);
    if (this.waiting.size >= this.waitingMax) {
      answer({ ok: false, fault: fault("OVERLOADED", `more than ${this.waitingMax} writes wait`) });
      return;
    }
    const lacking = options.failFast === true ? this.lacking(options) : undefined;
    if (lacking !== undefined) {
      answer({ ok: false, fault: lacking });
      return;
    }
    const entry = this.documents.find(name);
    const document = entry === undefined ? new Document(name) : this.documents.read(entry);
    let change: Change | undefined;
    try {
      const first = this.admission.counter(name, this.author).counter + 1;
      const { asIs = false } = options;
      change = document.prepare({ author: this.author, stamp: this.stamps.next(), first, asIs }, mutate);
    } catch (error) {
      if (error instanceof LimitExceeded) {
        answer({ ok: false, fault: fault("LIMIT_EXCEEDED", error.message) });
        return;
      }
      if (error instanceof OpFault || error instanceof InvalidValue) {
        answer({ ok: false, fault: fault("MALFORMED_OP", error.message) });
        return;
      }
      if (error instanceof SchemaRefused) {
        answer({ ok: false, fault: fault("SCHEMA_CONFLICT", error.message) });
        return;
      }
      throw error;
    }
    if (change === undefined) {
      const receipt: WriteReceipt = {
        outcome: "committed",
        change: undefined,
        token: this.admission.shown(),
        nodes: [this.nodeName],
      };
      answer({ ok: true, receipt });
      return;
    }
    const record = this.admission.admit(change);
    this.wait(change, record.position, options, floor, answer);
  }

  /** Answers those whose level is reached. */
  settle(): void {
    const own = this.log.stream(this.admission.stream);
    if (own === undefined) return;
    const { isLocal } = own;
    for (const waiting of this.waiting) {
      const { level, concern } = waiting.options;
      const durable = waiting.mark <= this.journal.durableMark || level === "received";
      const committed = isLocal || waiting.position <= own.committed;
      const wanted = this.holds(waiting, concern) && this.holds(waiting, waiting.floor?.concern);
      if (!durable || !wanted) continue;
      if (committed) waiting.answer("committed");
      else if (level !== "committed" && concern === undefined) waiting.answer("unconfirmed");
    }
  }

  private holds({ position }: Waiting, quorum: Quorum | undefined): boolean {
    return quorum === undefined || this.commits.holds(this.token(position), quorum);
  }

  /** The wait is over: what was wished for did not come, but what the operator lets stand for it may have. */
  private timedOut(waiting: Waiting): void {
    const own = this.log.stream(this.admission.stream);
    const { degradeTo } = this.policy;
    const committed = own !== undefined && (own.isLocal || waiting.position <= own.committed);
    const isDegradable =
      degradeTo !== undefined &&
      waiting.options.concern !== undefined &&
      committed &&
      waiting.mark <= this.journal.durableMark &&
      (degradeTo.kind === "local" || this.holds(waiting, degradeTo));
    if (!isDegradable) {
      waiting.answer("unconfirmed");
      return;
    }
    this.degraded += 1;
    waiting.answer("committed", true);
  }

  /** The node stops, or its disk has failed: everybody is told the truth. */
  stop(): void {
    for (const waiting of this.waiting) waiting.answer("unconfirmed");
  }

  private wait(
    change: Change,
    position: number,
    options: WriteOptions,
    floor: WriteFloor | undefined,
    answer: (answer: WriteAnswer) => void,
  ): void {
    const waiting: Waiting = {
      change,
      mark: this.journal.mark(),
      position,
      options,
      floor,
      answer: (outcome, degraded) => {
        this.waiting.delete(waiting);
        cancel();
        const own = this.log.stream(this.admission.stream);
        answer({
          ok: true,
          receipt: {
            outcome,
            change: changeId(change),
            token: this.token(position),
            nodes: own === undefined ? [] : this.nodes(own, position, options),
            ...(degraded && { degraded }),
            ...(outcome === "unconfirmed" && {
              lacking: {
                wanted: wantedText(options, floor),
                receipts: this.commits.levels(this.token(position)),
              },
            }),
          },
        });
      },
    };
    const cancel = this.scheduler.after(options.waitMs, () => this.timedOut(waiting));
    this.waiting.add(waiting);
  }

  /** Who is known to have it: those who were asked for. */
  private nodes(own: HeldStream, position: number, { concern }: WriteOptions): string[] {
    return concern === undefined
      ? this.commits.holders(own, position)
      : this.commits.whoHas(this.token(position), levelOf(concern));
  }

  private token(position: number): Vector {
    return new Map([[this.admission.stream, position]]);
  }

  /** Why a write would wait in vain at present. */
  private lacking({ concern }: WriteOptions): Fault | undefined {
    const rule = this.log.stream(this.admission.stream)?.rule;
    for (const quorum of [rule, concern]) {
      if (quorum === undefined || quorum.kind === "local") continue;
      if (this.commits.isSatisfiable(this.nodeName, quorum)) continue;
      return fault("WRITE_CONCERN_UNSATISFIABLE", `too few nodes are connected for ${ruleText(quorum)}`);
    }
    return undefined;
  }
}

/** Whoever asks for less than the floor asks for that. */
function raised(asked: WriteOptions, floor: WriteFloor | undefined): WriteOptions {
  if (floor === undefined) return asked;
  const level = LEVELS[Math.max(LEVELS.indexOf(asked.level), LEVELS.indexOf(floor.level))] ?? asked.level;
  return { ...asked, level };
}

function wantedText({ level, concern }: WriteOptions, floor: WriteFloor | undefined): string {
  const quorums = [concern, floor?.concern].flatMap((quorum) =>
    quorum === undefined ? [] : [ruleText(quorum)],
  );
  return [level, ...quorums].join(", ");
}
