import type { HybridClock, StreamId } from "@syncline/core";
import { BrokenInvariant } from "@syncline/core";
import { CODES, type Limits, type Opening } from "@syncline/protocol";
import type { Logger, Random, Scheduler } from "../ports.js";
import { Admission } from "./admission.js";
import type { Claims } from "./claims.js";
import type { Commits } from "./commit.js";
import type { AuthorCounters, PendingCounters } from "./counters.js";
import type { Documents } from "./documents.js";
import type { Journal } from "./journal.js";
import type { HeldStream, Log } from "./log.js";
import type { Members } from "./members.js";
import type { Meta } from "./meta.js";
import type { Peers } from "./peers.js";
import type { Retirements } from "./retirements.js";
import type { Role } from "./role.js";
import type { Visibility } from "./visibility.js";
import { type WritePolicy, Writes } from "./writes.js";

/**
 * What a master has beyond a follower: a stream of its own, into which it admits and writes.
 *
 * It opens one at every start, and when it is promoted; it has none any more when it is demoted, and when others have closed
 * the one it had. Then it joins again: it opens the next one when it hears a majority, one of which knows whatever was
 * decided while it was away (SPINE 19).
 */
export interface Master {
  readonly admission: Admission;
  readonly writes: Writes;
}

export class Mastership {
  /** Undefined in a follower. */
  current: Master | undefined;
  /** Streams that this process has opened. */
  readonly opened = new Set<StreamId>();
  /** Its stream was closed by others: it opens another one when it hears a majority. */
  isRejoining = false;
  /** The stream that will be its present one once the disk has it, unless it is demoted before. */
  private opening: StreamId | undefined;

  constructor(
    private readonly self: Role,
    private readonly meta: Meta,
    private readonly claims: Claims,
    private readonly peers: Peers,
    private readonly members: Members,
    private readonly retirements: Retirements,
    private readonly stamps: HybridClock,
    private readonly log: Log,
    private readonly journal: Journal,
    private readonly counters: AuthorCounters,
    private readonly pending: PendingCounters,
    private readonly documents: Documents,
    private readonly visibility: Visibility,
    private readonly commits: Commits,
    private readonly config: {
      readonly visibility?: Opening["visibility"];
      readonly writes?: WritePolicy;
      readonly limits: Limits;
    },
    private readonly ports: { readonly random: Random; readonly scheduler: Scheduler; readonly log: Logger },
    private readonly on: {
      /** Calls back once the disk has everything up to this mark. */
      afterDurable(mark: number, then: () => void): void;
      /** It takes writes again. */
      rejoined(): void;
    },
  ) {}

  /** Its present stream. */
  get stream(): HeldStream | undefined {
    return this.current && this.log.stream(this.current.admission.stream);
  }

  /** Opens this start's stream: a new random identity, on the disk before its first change (SPINE 2). */
  open(then: () => void): void {
    const { random, scheduler } = this.ports;
    const { name } = this.self;
    const stream: StreamId = 1 + random.integer(2 ** 53 - 1);
    if (this.log.stream(stream) !== undefined) throw new BrokenInvariant("a random epoch was drawn twice");
    const previous = this.meta.epoch;
    this.claims.begin();
    const admission = new Admission(
      stream,
      this.log,
      this.visibility.visible,
      this.counters,
      this.pending,
      this.documents,
      (id) => this.retirements.knownEnd(id),
    );
    const author = 1 + random.integer(2 ** 53 - 1);
    const writes = new Writes(
      name,
      author,
      this.stamps,
      admission,
      this.documents,
      this.journal,
      this.log,
      this.commits,
      scheduler,
      this.config.limits.waitingWritesMax,
      this.config.writes,
    );
    this.meta.epoch = stream;
    this.opened.add(stream);
    this.opening = stream;
    const { visibility = "committed" } = this.config;
    const { rule } = this.self;
    const generation = this.retirements.generationOf(name);
    admission.open({ node: name, rule, previous, visibility, ...(generation > 0 && { generation }) });
    this.on.afterDurable(this.journal.mark(), () => {
      if (this.opening !== stream) return;
      // The others had closed it before they had heard of it: the next one is opened with knowledge of that.
      if (this.log.stream(stream) === undefined) {
        this.open(then);
        return;
      }
      this.opening = undefined;
      this.current = { admission, writes };
      then();
    });
  }

  /**
   * It is demoted: what waits in its stream to be shown is in no stream of its own any more (SPINE 4), and nothing more comes
   * into it: not of what clients have offered either, who are told of this only when the disk has it. A stream that is being
   * opened stays as it is, and is nobody's present one.
   */
  end(): void {
    if (this.current !== undefined) this.current.admission.isOver = true;
    this.current?.writes.stop();
    this.current = this.opening = undefined;
    this.pending.clear();
  }

  /** Its stream was closed: it takes no more writes, and joins again as if it were new. */
  stepBack(): void {
    const { name } = this.self;
    if (this.current === undefined) return;
    const isRetired = this.retirements.isRetired(name, this.stream?.opening.generation);
    this.current.admission.isOver = true;
    this.current.writes.settle();
    this.end();
    this.isRejoining = true;
    if (isRetired) {
      this.ports.log.error("node-retired", { remedy: CODES.NODE_RETIRED.remedy });
      return;
    }
    // Only who bears its name closes its streams and does not retire it.
    this.peers.contest(name);
    this.ports.log.error("name-taken-twice", { node: name, remedy: CODES.SUPERSEDED.remedy });
  }

  /** Opens a stream again, once a majority is heard: what was decided meanwhile is known to one of them. */
  rejoin(): void {
    if (!this.isRejoining || this.journal.isFull) return;
    const others = [...this.members.others().keys()];
    const heard = 1 + others.filter((name) => this.peers.hasSpoken(name)).length;
    if (this.self.role === "master" && heard * 2 <= others.length + 1) return;
    this.isRejoining = false;
    if (this.self.role === "master") this.open(() => this.on.rejoined());
  }
}
