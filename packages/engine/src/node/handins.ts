import type { Change } from "@syncline/core";
import { changeId, Malformed } from "@syncline/core";
import { type Fault, fault, type Handin } from "@syncline/protocol";
import type { Logger } from "../ports.js";
import { type Aside, changeIn } from "./aside.js";
import type { Mastership } from "./mastership.js";
import type { NodeLink } from "./peers.js";

/**
 * What others hand in of closed streams, or this node itself: a master takes it into its stream, by its identity, and a
 * follower hands it on (SPINE 18).
 */
export class Handins {
  constructor(
    private readonly mastership: Mastership,
    private readonly aside: Pick<Aside, "adopt">,
    private readonly logger: Logger,
    private readonly on: {
      refusesWrites(): Fault | undefined;
      /** A change was admitted. */
      admitted(): void;
    },
  ) {}

  receive(link: NodeLink, { records }: Handin): void {
    try {
      for (const { stream, position, record } of records) {
        const change = changeIn(stream, position, record);
        if (change !== undefined && !this.admit(change)) {
          this.aside.adopt(records);
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      link.channel.end(fault("MALFORMED_MESSAGE", `what was handed in: ${error.message}`));
    }
  }

  /** Returns false if this node is no master. */
  admit(change: Change): boolean {
    const admission = this.mastership.current?.admission;
    if (admission === undefined) return false;
    if (this.on.refusesWrites() !== undefined) return true; // Later.
    const judgement = admission.judge(change, undefined);
    if (judgement.kind === "reused")
      this.logger.error("identity-reused", { change: changeId(change), reason: judgement.reason });
    if (judgement.kind !== "admit") return true;
    admission.admit(change);
    this.logger.info("rescued", { change: changeId(change) });
    this.on.admitted();
    return true;
  }
}
