import { type Ask, type Fault, fault, type Limits, levelOf, parseRule } from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { Commits } from "./commit.js";
import type { Concerns } from "./concerns.js";

/** The questions of one client link: each is answered once a quorum has what it names, or refused if that is none. */
export class Questions {
  /** What ends the waiting, by the client's number. */
  private readonly waiting = new Map<number, () => void>();

  constructor(
    private readonly channel: Channel,
    private readonly concerns: Concerns,
    private readonly commits: Commits,
    private readonly limits: Limits,
  ) {}

  ask({ number, vector, quorum: text }: Ask): void {
    const { waitingConcernsMax } = this.limits;
    const rule = parseRule(text);
    if (typeof rule === "string") this.refuse(number, fault("MALFORMED_OP", `"${text}": ${rule}`));
    else if (rule.kind === "local") this.channel.send({ kind: "told", number, nodes: [] });
    else if (this.waiting.size >= waitingConcernsMax) {
      this.refuse(number, fault("OVERLOADED", `more than ${waitingConcernsMax} questions wait on this link`));
    } else {
      this.waiting.get(number)?.();
      const stop = this.concerns.wait(vector, rule, (failed) => {
        this.waiting.delete(number);
        if (failed?.code === "INVALID_TOKEN") this.refuse(number, failed);
        if (failed !== undefined) return; // Otherwise the link ends, too, and says why.
        const nodes = this.commits.whoHas(vector, levelOf(rule)).slice(0, this.limits.membersMax);
        this.channel.send({ kind: "told", number, nodes });
      });
      this.waiting.set(number, stop);
    }
  }

  unask(number: number): void {
    this.waiting.get(number)?.();
    this.waiting.delete(number);
  }

  /** The link has ended. */
  end(): void {
    for (const stop of this.waiting.values()) stop();
    this.waiting.clear();
  }

  private refuse(number: number, why: Fault): void {
    this.channel.send({
      kind: "refusal",
      code: why.code,
      about: { what: "ask", number },
      reason: why.reason,
      masters: [],
      have: new Map(),
    });
  }
}
