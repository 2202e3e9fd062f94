import type { Change, StreamId, Vector } from "@syncline/core";
import { changeId, decodeChange, joinInto, positionIn, stampMs } from "@syncline/core";
import {
  type About,
  type Fault,
  fault,
  type Handover,
  type Limits,
  type Offer,
  type Receipt,
} from "@syncline/protocol";
import type { Inspector, Who } from "../access.js";
import type { Channel } from "../channel.js";
import type { Clock, Logger, Mac } from "../ports.js";
import { isSealed } from "../seal.js";
import type { Admission } from "./admission.js";
import type { Commits } from "./commit.js";
import type { Journal } from "./journal.js";
import type { Log } from "./log.js";

/**
 * Offers of one client link: changes wait here, in order, until they can be admitted, and are answered.
 *
 * The head of the queue waits for what it lacks, within a bound; then it is refused, with all that follows it,
 * and the client hands over what it has seen (SPINE 13) and starts again at that number. Answers are cumulative
 * and honest: received when it stands in the stream, durable when the disk has it, committed when the stream's
 * rule holds. A duplicate is answered like a write (SPINE 9).
 */
export interface OfferPorts {
  readonly admission: Admission;
  readonly journal: Journal;
  readonly log: Log;
  readonly commits: Commits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly mac: Mac | undefined;
  readonly nodeName: string;
  /** Why nothing is admitted at present, if so: shutting down, disk too far behind. */
  readonly closedFor: () => Fault | undefined;
  readonly mayWrite: (who: Who, change: Change) => boolean;
  /** Those of all links that have something to do, to which these belong from when something comes. */
  readonly busy: Set<Offers>;
  /** A receipt waits for the disk: a turn is due after a while, whether the disk has done something or not. */
  readonly holdReceipts: () => void;
  /** Why a change that is fit otherwise must not be admitted. */
  readonly objection: (change: Change) => ReturnType<Inspector["objection"]>;
}

/** A change that was admitted, or is held already, and whose levels are still to be told. */
interface Answered {
  readonly number: number;
  /** The journal's mark that makes it durable. */
  readonly mark: number;
  /** Position of the own stream that covers it. */
  readonly position: number;
  /** Of what was here already: everything that it may stand in. Undefined for what stands in the own stream alone. */
  readonly elsewhere: Vector | undefined;
}

interface Queued {
  readonly number: number;
  readonly change: Change;
  readonly isAgain: boolean;
}

export class Offers {
  private readonly queue: Queued[] = [];
  private queuedBytes = 0;
  private expected = 1;
  private session: Vector = new Map();
  /** Since when the head of the queue waits, and since when a hand-over does. */
  private readonly waitingSince: { queue: number | undefined; handover: number | undefined } = {
    queue: undefined,
    handover: undefined,
  };
  /** Since when there is something to tell that the disk does not have. */
  private heldSince: number | undefined;
  private readonly awaitingDisk: Answered[] = [];
  private readonly awaitingCommit: Answered[] = [];
  private told = { received: 0, durable: 0, committed: 0 };
  private received = 0;
  private durable = 0;
  private committed = 0;
  private tokenDue: Map<StreamId, number> = new Map();
  /** The client has handed over what it had seen: of that nothing is waited for beyond the ends of closed streams (SPINE 14). */
  private hasHandedOver = false;
  /** A hand-over was refused before its end: what follows of it is dropped. */
  private isDraining = false;
  private handingOver: { changes: Change[]; bytes: number; floor: Vector; complete: boolean } | undefined;

  constructor(
    private readonly channel: Channel,
    private readonly who: Who,
    private readonly ports: OfferPorts,
  ) {}

  /** Whether a turn has anything to look at here. */
  get isBusy(): boolean {
    return (
      this.queue.length > 0 ||
      this.awaitingDisk.length > 0 ||
      this.awaitingCommit.length > 0 ||
      this.handingOver?.complete === true
    );
  }

  offer(message: Offer): void {
    if (message.session !== undefined) this.session = message.session;
    if (message.first > this.expected) return; // Sent before the client heard of a refusal.
    if (message.first < this.expected) {
      this.channel.end(
        fault("UNEXPECTED_MESSAGE", `offer ${message.first} came where ${this.expected} was due`),
      );
      return;
    }
    for (const bytes of message.changes) {
      const refused = this.enqueue(bytes, message.isAgain === true);
      this.ports.busy.add(this);
      if (refused === undefined) continue;
      this.refuse({ what: "offer", number: this.expected }, refused, new Map());
      return;
    }
  }

  handover(message: Handover): void {
    if (this.isDraining) {
      this.isDraining = !message.last;
      return;
    }
    const refuse = (why: Fault): void => {
      this.isDraining = !message.last;
      this.refuseHandover(why);
    };
    this.handingOver ??= { changes: [], bytes: 0, floor: message.floor, complete: false };
    const { handingOver } = this;
    if (handingOver.complete) {
      this.channel.end(fault("UNEXPECTED_MESSAGE", "a hand-over follows before the last one was answered"));
      return;
    }
    for (const batch of message.batches) {
      if (!isSealed(batch, this.ports.mac)) {
        refuse(fault("FORBIDDEN", "changes of others without the seal of a node of this cluster"));
        return;
      }
      for (const bytes of batch.changes) {
        const change = decodeChange(bytes);
        if (!change.ok) {
          refuse(fault("MALFORMED_OP", change.fault.reason));
          return;
        }
        handingOver.changes.push(change.value);
        handingOver.bytes += bytes.length;
      }
    }
    const { limits } = this.ports;
    if (
      handingOver.changes.length > limits.handoverChangesMax ||
      handingOver.bytes > limits.retainedBytesMax * 2
    ) {
      refuse(fault("LIMIT_EXCEEDED", "the hand-over is larger than handoverChangesMax"));
      return;
    }
    handingOver.complete = message.last;
    this.ports.busy.add(this);
  }

  /** Admits what can be admitted. Returns whether the stream grew. */
  admit(): boolean {
    const grew = this.admitHandover();
    return this.admitQueue() || grew;
  }

  /** Tells the client what has become true since it was last told. */
  answer(): void {
    const { log, journal, admission, commits, nodeName } = this.ports;
    const own = log.stream(admission.stream);
    // What lies beyond the end of a stream that was closed goes elsewhere, and with it the rule that it came under.
    if (own === undefined || admission.isOver) return;
    const { isLocal } = own;
    let committedPosition = own.committed;
    let tokenPosition = 0;
    for (let next = this.awaitingDisk[0]; next !== undefined; next = this.awaitingDisk[0]) {
      if (next.mark > journal.durableMark) break;
      this.durable = next.number;
      this.awaitingDisk.shift();
    }
    for (let next = this.awaitingCommit[0]; next !== undefined; next = this.awaitingCommit[0]) {
      if (!isLocal && next.position > own.committed) break;
      // A change that was here already may stand in a stream that is shown before it is committed.
      if (next.elsewhere !== undefined) {
        if (!commits.isCommitted(next.elsewhere)) break;
        joinInto(this.tokenDue, next.elsewhere);
      }
      this.committed = next.number;
      committedPosition = tokenPosition = next.position;
      this.awaitingCommit.shift();
    }
    if (tokenPosition > positionIn(this.tokenDue, own.id)) this.tokenDue.set(own.id, tokenPosition);
    const { told, received, durable, committed } = this;
    if (told.received === received && told.durable === durable && told.committed === committed) return;
    if (told.durable === durable && this.isHeld()) return;
    this.heldSince = undefined;
    this.told = { received, durable, committed };
    const receipt: Receipt = {
      kind: "receipt",
      received,
      durable,
      committed,
      token: this.tokenDue,
      nodes: isLocal ? [nodeName] : commits.holders(own, committedPosition),
    };
    this.tokenDue = new Map();
    this.channel.send(receipt);
  }

  /**
   * Whether the disk is waited for a little, before the client hears what is in memory only: mostly one message says both.
   */
  private isHeld(): boolean {
    const { clock, limits, holdReceipts } = this.ports;
    if (this.awaitingDisk.length === 0 || this.received - this.told.received >= limits.receiptHoldChangesMax)
      return false;
    const now = clock.monotonic();
    this.heldSince ??= now;
    if (now - this.heldSince >= limits.receiptHoldMs) return false;
    holdReceipts();
    return true;
  }

  private enqueue(bytes: Uint8Array, isAgain: boolean): Fault | undefined {
    const { limits, closedFor, mayWrite } = this.ports;
    const closed = closedFor();
    if (closed !== undefined) return closed;
    const change = decodeChange(bytes);
    if (!change.ok) return fault("MALFORMED_OP", change.fault.reason);
    if (!mayWrite(this.who, change.value)) {
      const { collection, key } = change.value.document;
      return fault("FORBIDDEN", `no right to write ${collection}/${key}`);
    }
    if (
      this.queue.length >= limits.parkedChangesPerLinkMax ||
      this.queuedBytes + bytes.length > limits.parkedChangeBytesPerLinkMax
    ) {
      return fault("LIMIT_EXCEEDED", `more than ${limits.parkedChangesPerLinkMax} changes wait on this link`);
    }
    if (this.awaitingCommit.length >= limits.unansweredChangesPerLinkMax) {
      return fault(
        "OVERLOADED",
        `more than ${limits.unansweredChangesPerLinkMax} changes of this link await their commit`,
      );
    }
    this.queue.push({ number: this.expected, change: change.value, isAgain });
    this.queuedBytes += bytes.length;
    this.expected += 1;
    return undefined;
  }

  /** What another master may have admitted is not judged by its clock again. */
  private isAhead({ change, isAgain }: Queued): boolean {
    const { clock, limits } = this.ports;
    return !isAgain && stampMs(change.stamp) > clock.now() + limits.clockAheadMsMax;
  }

  private admitQueue(): boolean {
    let grew = false;
    const { admission } = this.ports;
    const session = this.hasHandedOver ? admission.clipped(this.session) : this.session;
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      let judgement = admission.judge(next.change, session);
      const objection = judgement.kind === "admit" ? this.ports.objection(next.change) : undefined;
      if (objection?.kind === "malformed") {
        this.waitingSince.queue = undefined;
        this.refuse(
          { what: "offer", number: next.number },
          fault("MALFORMED_OP", objection.reason),
          new Map(),
        );
        return grew;
      }
      if (objection !== undefined) judgement = { kind: "wait", lacks: "causes", reason: objection.reason };
      if (judgement.kind === "wait") {
        if (!this.waitedTooLong("queue")) return grew;
        const code = judgement.lacks === "session" ? "CAUSAL_WAIT_TIMEOUT" : "CAUSES_MISSING";
        this.refuse(
          { what: "offer", number: next.number },
          fault(code, judgement.reason),
          this.ports.admission.view(),
        );
        return grew;
      }
      this.waitingSince.queue = undefined;
      if (judgement.kind === "reused") {
        this.ports.logger.error("identity-reused", {
          change: changeId(next.change),
          reason: judgement.reason,
        });
        this.refuse(
          { what: "offer", number: next.number },
          fault("IDENTITY_REUSED", judgement.reason),
          new Map(),
        );
        return grew;
      }
      if (judgement.kind === "admit" && this.isAhead(next)) {
        const reason = `the clock that made it is more than ${this.ports.limits.clockAheadMsMax} ms ahead`;
        this.refuse({ what: "offer", number: next.number }, fault("CLOCK_AHEAD", reason), new Map());
        return grew;
      }
      this.queue.shift();
      this.queuedBytes -= next.change.bytes.length;
      if (judgement.kind === "admit") {
        this.ports.admission.admit(next.change);
        grew = true;
      }
      this.received = next.number;
      const answered = this.answerFor(next.number, judgement.kind === "duplicate");
      // One mark makes all durable that were put before it.
      if (this.awaitingDisk.at(-1)?.mark === answered.mark) this.awaitingDisk.pop();
      this.awaitingDisk.push(answered);
      this.awaitingCommit.push(answered);
    }
    return grew;
  }

  private answerFor(number: number, isDuplicate: boolean): Answered {
    const { admission, journal, log } = this.ports;
    const position = log.held.get(admission.stream) ?? 0;
    return {
      number,
      mark: journal.mark(),
      position,
      elsewhere: isDuplicate ? admission.view() : undefined,
    };
  }

  private admitHandover(): boolean {
    const { handingOver, ports } = this;
    if (handingOver === undefined || !handingOver.complete) return false;
    const closed = ports.closedFor();
    if (closed !== undefined) {
      this.refuseHandover(closed);
      return false;
    }
    if (!ports.admission.covers(ports.admission.clipped(handingOver.floor))) {
      if (this.waitedTooLong("handover")) {
        this.refuseHandover(fault("CAUSAL_WAIT_TIMEOUT", "this node lacks even what is safe"));
      }
      return false;
    }
    this.waitingSince.handover = undefined;
    let grew = false;
    for (const change of handingOver.changes) {
      const judgement = ports.admission.judge(change, undefined);
      if (judgement.kind === "duplicate") continue;
      if (judgement.kind !== "admit") {
        this.refuseHandover(
          fault(judgement.kind === "wait" ? "CAUSES_MISSING" : "IDENTITY_REUSED", judgement.reason),
        );
        return grew;
      }
      ports.admission.admit(change);
      ports.logger.info("rescued", { change: changeId(change) });
      grew = true;
    }
    this.handingOver = undefined;
    this.hasHandedOver = true;
    this.channel.send({ kind: "handed", have: ports.admission.view() });
    return grew;
  }

  private waitedTooLong(what: "queue" | "handover"): boolean {
    const now = this.ports.clock.monotonic();
    const since = (this.waitingSince[what] ??= now);
    if (now - since < this.ports.limits.admissionWaitMs) return false;
    this.waitingSince[what] = undefined;
    return true;
  }

  private refuseHandover(why: Fault): void {
    this.handingOver = undefined;
    this.waitingSince.handover = undefined;
    this.send({ what: "handover" }, why, this.ports.admission.view());
  }

  /** Refuses a change and forgets those behind it: the client starts again at its number. */
  private refuse(about: About & { what: "offer" }, why: Fault, have: Vector): void {
    while ((this.queue.at(-1)?.number ?? 0) >= about.number) {
      this.queuedBytes -= this.queue.pop()?.change.bytes.length ?? 0;
    }
    this.expected = about.number;
    this.send(about, why, have);
  }

  private send(about: About, why: Fault, have: Vector): void {
    this.channel.send({
      kind: "refusal",
      code: why.code,
      about,
      reason: why.reason,
      masters: why.masters ?? [],
      have,
    });
  }
}
