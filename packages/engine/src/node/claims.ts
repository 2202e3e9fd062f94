import type { Claim } from "@syncline/protocol";
import type { Clock, Storage } from "../ports.js";
import type { Journal } from "./journal.js";
import type { Members } from "./members.js";
import type { Role } from "./role.js";
import { claimKey, claimRow } from "./tables.js";

/**
 * Which master is the one that is written to, where the cluster has `topology: single-master`.
 *
 * A master claims to be the one when it opens its first stream, and a promoted one with a greater term than any it has
 * heard of. Claims have one order everywhere and stand in greetings and in the member list, so whoever hears of a greater
 * one than its own knows that it has been replaced, from whomever it hears it, and makes room. Between the promotion and
 * that moment both take writes: a master that nobody can reach cannot be stopped, and what it takes is merged.
 */
export class Claims {
  /** The greatest term that it has heard of since it was started. */
  private heard = -1;

  constructor(
    private readonly self: Role,
    private readonly isSingle: boolean,
    storage: Storage,
    private readonly journal: Journal,
    private readonly members: Pick<Members, "writer" | "greatestTerm">,
    private readonly clock: Clock,
  ) {
    const value = storage.get(claimKey());
    if (value !== undefined) self.claimed = claimRow.decode(claimKey(), value);
    if (!isSingle) self.claimed = undefined;
  }

  /** A stream is about to be opened by a master that its flags have made one. */
  begin(): void {
    if (this.isSingle && this.self.claimed === undefined) this.claim(0);
  }

  /** It has been promoted. */
  renew(): void {
    if (!this.isSingle) return;
    this.claim(1 + Math.max(this.members.greatestTerm(), this.heard, this.self.claimed?.term ?? -1));
  }

  /** Called in each turn: what it has heard counts also when who said it is gone before it is listed. */
  hear(): void {
    // Where several are written to, nobody is ever promoted with a term.
    if (!this.isSingle) return;
    this.heard = Math.max(this.heard, this.members.writer()?.claim.term ?? -1);
  }

  /** Who has replaced this master; undefined if nobody has. */
  rival(): string | undefined {
    if (this.self.claim === undefined) return undefined;
    const writer = this.members.writer();
    return writer === undefined || writer.name === this.self.name ? undefined : writer.name;
  }

  /** On the disk with the journal's next commit, which is before the stream's. */
  private claim(term: number): void {
    const claimed = { term, since: Math.max(0, Math.floor(this.clock.now())) };
    this.self.claimed = claimed;
    this.journal.put(claimKey(), claimRow.encode(claimKey(), claimed));
  }
}

interface Claimant {
  readonly name: string;
  readonly claim: Claim;
}

/** The greater term wins; of two that did not know of each other the earlier one. */
export function greatestClaim(claimants: Iterable<readonly [string, { claim?: Claim | undefined }]>) {
  let greatest: Claimant | undefined;
  for (const [name, { claim }] of claimants) {
    if (claim === undefined) continue;
    if (greatest === undefined || order({ name, claim }, greatest) < 0) greatest = { name, claim };
  }
  return greatest;
}

const order = (a: Claimant, b: Claimant): number =>
  b.claim.term - a.claim.term || a.claim.since - b.claim.since || (a.name < b.name ? -1 : 1);
