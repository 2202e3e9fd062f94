import type { StreamId } from "@syncline/core";
import type { CommitRule, Opening } from "@syncline/protocol";
import type { Revision } from "./revision.js";

/** How far a node has one stream. Each position that moves, moves the log's revision too. */
export class HeldStream {
  #held = 0;
  #durable = 0;
  #visible = 0;
  #ready = 0;
  #committed = 0;
  #safe = 0;
  /** Records up to this one are gone, except the first: bases have what they brought. */
  truncated = 0;
  /** Of the records that are kept. */
  bytes = 0;
  #rules: readonly LaterRule[] = [];
  #isLocal: boolean;
  /** The log's revision at which one of the positions moved last. */
  private changedAt: number;

  constructor(
    readonly id: StreamId,
    /** What its first record says. */
    readonly opening: Opening,
    /** That record, which stays when those after it go. */
    readonly first: Uint8Array,
    private readonly revision: Revision,
  ) {
    this.changedAt = revision.next();
    this.#isLocal = opening.rule.kind === "local";
  }

  /** The rules that operators have given it since, in the order of their positions; of those records none is let go. */
  get rules(): readonly LaterRule[] {
    return this.#rules;
  }

  set rules(rules: readonly LaterRule[]) {
    this.#rules = rules;
    this.#isLocal = this.opening.rule.kind === "local" && rules.every(({ rule }) => rule.kind === "local");
  }

  /** The commit rule of what comes next. */
  get rule(): CommitRule {
    return this.rules.at(-1)?.rule ?? this.opening.rule;
  }

  /** Nothing in it ever waits for others: no rule of it counts any. Of all other streams the commit position says what is committed. */
  get isLocal(): boolean {
    return this.#isLocal;
  }

  /** The commit rule that this position came under. */
  ruleAt(position: number): CommitRule {
    if (this.#rules.length === 0) return this.opening.rule;
    return this.#rules.filter(({ from }) => from <= position).at(-1)?.rule ?? this.opening.rule;
  }

  changeRule(later: LaterRule): void {
    if (this.rules.some(({ from }) => from >= later.from)) return;
    this.rules = [...this.rules, later];
    this.changedAt = this.revision.next();
  }

  get held(): number {
    return this.#held;
  }

  set held(position: number) {
    if (position !== this.#held) this.changedAt = this.revision.next();
    this.#held = position;
  }

  get durable(): number {
    return this.#durable;
  }

  set durable(position: number) {
    if (position !== this.#durable) this.changedAt = this.revision.next();
    this.#durable = position;
  }

  get visible(): number {
    return this.#visible;
  }

  set visible(position: number) {
    if (position !== this.#visible) this.changedAt = this.revision.next();
    this.#visible = position;
  }

  /** Up to here everything may be shown as soon as it is known to be committed. Not before `visible`. */
  get ready(): number {
    return this.#ready;
  }

  set ready(position: number) {
    if (position !== this.#ready) this.changedAt = this.revision.next();
    this.#ready = position;
  }

  get committed(): number {
    return this.#committed;
  }

  set committed(position: number) {
    if (position !== this.#committed) this.changedAt = this.revision.next();
    this.#committed = position;
  }

  get safe(): number {
    return this.#safe;
  }

  set safe(position: number) {
    if (position !== this.#safe) this.changedAt = this.revision.next();
    this.#safe = position;
  }

  /** Whether a position has moved since the log was at this revision. */
  hasMoved(since: number | undefined): boolean {
    return since === undefined || this.changedAt > since;
  }
}

/** A commit rule that holds from the position of its record on. */
export interface LaterRule {
  readonly from: number;
  readonly rule: CommitRule;
  /** That record. */
  readonly record: Uint8Array;
}
