import { type Claim, type CommitRule, parseRule, ruleText } from "@syncline/protocol";
import type { Logger, Storage } from "../ports.js";
import type { Journal } from "./journal.js";
import { DamagedStore, roleKey, roleRow } from "./tables.js";

/** In the row, in place of a rule: the flags have said the same since, and rule again. */
const FLAGS_RULE = "";

/**
 * The role of a node: the one that it was started with, or the one that it was given since by a promotion or demotion.
 *
 * What it was given stands in its data and outlives a restart with the old flags: a process manager that starts a
 * promoted node again must not take it back silently. Once the flags say the same, they rule again;
 * that it was promoted is still remembered.
 */
export class Role {
  readonly name: string;
  readonly url: string;
  readonly voter: boolean;
  readonly follow: readonly string[];
  role: "master" | "follower";
  /** The commit rule of the streams that it opens. */
  rule: CommitRule;
  /** It was made a master while it ran: others, who were not told of it when they were started, look for it. */
  promoted = false;
  /** What it claimed last, if there is to be one master: see `Claims`. */
  claimed: Claim | undefined;

  constructor(
    given: Pick<Role, "name" | "url" | "voter" | "follow" | "role" | "rule">,
    storage: Storage,
    private readonly journal: Journal,
    log: Logger,
  ) {
    this.name = given.name;
    this.url = given.url;
    this.voter = given.voter;
    this.follow = given.follow;
    this.role = given.role;
    this.rule = given.rule;
    const value = storage.get(roleKey());
    if (value === undefined) return;
    const row = roleRow.decode(roleKey(), value);
    if (row.role === given.role || row.rule === FLAGS_RULE) {
      this.promoted = row.role === "master" && given.role === "master";
      // Others may have been started before it was promoted: they still have to look for it.
      const remembered = this.promoted
        ? roleRow.encode(roleKey(), { role: "master", rule: FLAGS_RULE })
        : undefined;
      this.journal.put(roleKey(), remembered);
      return;
    }
    const rule = parseRule(row.rule);
    if (typeof rule === "string")
      throw new DamagedStore(`the commit rule "${row.rule}" in the data: ${rule}`);
    this.take(row.role, rule);
    log.warn("role-from-data", {
      role: row.role,
      reason: `this node was ${row.role === "master" ? "promoted" : "demoted"}; its flags say ${given.role}`,
    });
  }

  /** What it claims as a master. */
  get claim(): Claim | undefined {
    return this.role === "master" ? this.claimed : undefined;
  }

  /** Takes another role from now on. It is on the disk with the journal's next commit. */
  change(role: "master" | "follower", rule: CommitRule): void {
    this.take(role, rule);
    this.journal.put(roleKey(), roleRow.encode(roleKey(), { role, rule: ruleText(rule) }));
  }

  private take(role: "master" | "follower", rule: CommitRule): void {
    this.role = role;
    this.rule = rule;
    this.promoted = role === "master";
  }
}
