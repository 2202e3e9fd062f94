import {
  type ClientLimits,
  type Fault,
  fault,
  type Handed,
  type Message,
  type Receipt,
  type Refusal,
  retryOf,
  type SealedBatch,
} from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { Logger, Scheduler } from "../ports.js";
import type { Outbox, OwnChange } from "./outbox.js";
import type { Retained } from "./retained.js";
import type { HandedOver, Session } from "./session.js";

/** What becomes of it, told to the client. */
export interface WriterEvents {
  /** The master has finally refused a change that no other master was ever offered. */
  rejected(change: OwnChange, why: Fault): void;
  /** Its stamp is too far ahead; returns whether it is made again, still in its place here. */
  ahead(change: OwnChange): boolean;
  /** This master cannot help; another one may. */
  elsewhere(why: Fault): void;
  progressed(): void;
}

/**
 * The writing half of a client: offers its changes to one master, in order, and makes sense of the answers.
 *
 * To every master it turns to it offers everything of its own that is not safe yet, before anything newer; what
 * the master has already is answered like a write. When the master lacks what the session has seen, everything
 * unsafe that was seen is handed over first (SPINE 13), and only when the master has taken it all does the
 * session's vector change (SPINE 14).
 */
export class Writer {
  #channel: Channel | undefined;
  #master = { name: "", incarnation: 0 };
  /** Changes offered on this link and not yet known to be committed and durable; the first has number `base`. */
  #offered: OwnChange[] = [];
  #base = 1;
  /** Changes still to be offered on this link, in order. */
  #queue: OwnChange[] = [];
  #received = 0;
  #sessionVersion = -1;
  #handingOver: HandedOver | undefined;
  /** Set while nothing is offered: after a refusal that asks for patience, or while a document is rebuilt. */
  #pausedBy = new Set<string>();
  #cancelPause: () => void = () => {};

  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #retained: Retained;
  readonly #scheduler: Scheduler;
  readonly #logger: Logger;
  readonly #limits: ClientLimits;
  readonly #on: WriterEvents;

  constructor(
    session: Session,
    outbox: Outbox,
    retained: Retained,
    scheduler: Scheduler,
    logger: Logger,
    limits: ClientLimits,
    on: WriterEvents,
  ) {
    this.#session = session;
    this.#outbox = outbox;
    this.#retained = retained;
    this.#scheduler = scheduler;
    this.#logger = logger;
    this.#limits = limits;
    this.#on = on;
  }

  get isAttached(): boolean {
    return this.#channel !== undefined;
  }

  attach(channel: Channel, master: { name: string; incarnation: number }): void {
    this.#channel = channel;
    this.#master = master;
    this.#offered = [];
    this.#base = 1;
    this.#queue = [...this.#outbox.all()];
    this.#received = 0;
    this.#sessionVersion = -1;
    this.#handingOver = undefined;
    this.#pausedBy.delete("patience");
    this.pump();
  }

  detach(): void {
    this.#channel = undefined;
    this.#queue = [];
    this.#offered = [];
    this.#cancelPause();
  }

  /** Nothing is offered until `resume` is called with the same reason. */
  pause(reason: string): void {
    this.#pausedBy.add(reason);
  }

  resume(reason: string): void {
    if (this.#pausedBy.delete(reason)) this.pump();
  }

  /** Hands everything unsafe over to this master, which lacks something of it. */
  handOver(): void {
    const channel = this.#channel;
    if (channel === undefined || this.#handingOver !== undefined) return;
    const floor = this.#session.floor();
    this.#handingOver = { seen: this.#session.seenNow(), floor, isNothing: this.#retained.isEmpty };
    this.#logger.info("hand-over", { master: this.#master.name });
    let batches: SealedBatch[] = [];
    let bytes = 0;
    for (const { batch, bytes: size } of this.#retained.sealed()) {
      batches.push(batch);
      bytes += size;
      if (bytes < this.#limits.batchBytes) continue;
      channel.send({ kind: "handover", floor, batches, last: false });
      batches = [];
      bytes = 0;
    }
    channel.send({ kind: "handover", floor, batches, last: true });
  }

  /** A new change stands in the outbox. */
  add(change: OwnChange): void {
    if (this.#channel === undefined) return;
    this.#queue.push(change);
    this.pump();
  }

  /** A change that waits to be offered is no more. */
  forget(change: OwnChange): void {
    this.#queue = this.#queue.filter((entry) => entry !== change);
  }

  /** Offers what there is, as far as the link and the window have room. */
  pump(): void {
    const channel = this.#channel;
    if (channel === undefined || this.#handingOver !== undefined || this.#pausedBy.size > 0) return;
    let changes: Uint8Array[] = [];
    let bytes = 0;
    let isAgain = false;
    let first = this.#base + this.#offered.length;
    const send = () => {
      if (changes.length === 0) return;
      const isNews = this.#sessionVersion !== this.#session.version;
      this.#sessionVersion = this.#session.version;
      const session = isNews ? this.#session.vector() : undefined;
      channel.send({ kind: "offer", first, session, changes, ...(isAgain && { isAgain }) });
      first += changes.length;
      changes = [];
      bytes = 0;
    };
    let taken = 0;
    for (const entry of this.#queue) {
      const inFlight = this.#base + this.#offered.length - 1 - this.#received;
      if (inFlight >= this.#limits.offersInFlightMax || !channel.writable) break;
      taken += 1;
      this.#offered.push(entry);
      if (entry.firstOffered === undefined) entry.firstOffered = this.#master.incarnation;
      else if (entry.firstOffered !== this.#master.incarnation) entry.offeredElsewhere = true;
      if (entry.offeredElsewhere !== isAgain) send();
      isAgain = entry.offeredElsewhere;
      changes.push(entry.change.bytes);
      bytes += entry.change.bytes.length;
      if (bytes >= this.#limits.batchBytes || changes.length >= this.#limits.batchEntriesMax) send();
    }
    this.#queue.splice(0, taken);
    send();
  }

  /** Returns false if the message is none of the writer's. */
  receive(message: Message): boolean {
    if (message.kind === "receipt") this.#receiveReceipt(message);
    else if (message.kind === "handed") this.#receiveHanded(message);
    else if (message.kind === "refusal" && message.about.what === "offer") {
      this.#receiveRefusal(message, message.about.number);
    } else if (message.kind === "refusal" && message.about.what === "handover")
      this.#receiveNoHandover(message);
    else return false;
    return true;
  }

  #receiveReceipt(receipt: Receipt): void {
    this.#received = Math.max(this.#received, receipt.received);
    for (const [index, entry] of this.#offered.entries()) this.#take(entry, this.#base + index, receipt);
    const done = Math.min(receipt.durable, receipt.committed) - this.#base + 1;
    if (done > 0) {
      this.#offered.splice(0, done);
      this.#base += done;
    }
    this.#on.progressed();
    this.pump();
  }

  /** Notes what a receipt says of the change with this number. */
  #take(entry: OwnChange, number: number, receipt: Receipt): void {
    const isReceived = number <= receipt.received && !entry.received;
    const isDurable = number <= receipt.durable && !entry.durable;
    const isCommitted = number <= receipt.committed && !entry.committed;
    const isKept = number <= Math.min(receipt.durable, receipt.committed);
    // It may be known as safe already, from the feed; where it is kept only a receipt tells.
    const isLocated = isKept && entry.nodes.length === 0;
    const isConfirmed = isKept && !entry.confirmed;
    if (!isReceived && !isDurable && !isCommitted && !isConfirmed && !isLocated) return;
    entry.received ||= isReceived;
    if (isDurable) this.#outbox.markDurable(entry);
    entry.committed ||= isCommitted;
    entry.confirmed ||= isConfirmed;
    if (number <= receipt.committed) entry.token ??= receipt.token;
    if (isKept) entry.nodes = receipt.nodes;
    entry.tell();
  }

  #receiveRefusal(refusal: Refusal, number: number): void {
    const entry = this.#offered[number - this.#base];
    if (entry === undefined) return;
    // The master forgets what it was offered after this one: it is offered again.
    this.#queue = [...this.#offered.splice(number - this.#base), ...this.#queue];
    const why = fault(refusal.code, refusal.reason, refusal.masters);
    this.#logger.info("offer-refused", {
      code: refusal.code,
      reason: refusal.reason,
      master: this.#master.name,
    });
    // A master looks at the clock of a change when it has taken those before; its receipt for them may come later.
    if (refusal.code === "CLOCK_AHEAD") for (const each of this.#offered) each.received = true;
    if (refusal.code === "CAUSAL_WAIT_TIMEOUT" || refusal.code === "CAUSES_MISSING") {
      this.handOver();
    } else if (retryOf(refusal.code) === "later") {
      this.#bePatient();
    } else if (refusal.code === "CLOCK_AHEAD" && entry.madeAgainFor === this.#channel) {
      // Made again by what this master said of its clock, and wrong still: its clock was set since. It is greeted anew.
      this.#bePatient();
      this.#on.elsewhere(why);
    } else if (refusal.code === "CLOCK_AHEAD" && !entry.offeredElsewhere && this.#on.ahead(entry)) {
      entry.madeAgainFor = this.#channel;
    } else if (retryOf(refusal.code) === "never" && !entry.offeredElsewhere) {
      this.#queue.shift();
      entry.rejected = why;
      this.#on.rejected(entry, why);
    } else {
      // Refused here, but perhaps accepted elsewhere before: it stays unconfirmed, and others are asked.
      this.#bePatient();
      this.#on.elsewhere(why);
    }
  }

  #receiveHanded(handed: Handed): void {
    if (this.#handingOver === undefined) return;
    this.#session.handed(handed.have, this.#handingOver);
    this.#handingOver = undefined;
    this.#on.progressed();
    this.pump();
  }

  #receiveNoHandover(refusal: Refusal): void {
    this.#handingOver = undefined;
    this.#logger.warn("hand-over-refused", {
      code: refusal.code,
      reason: refusal.reason,
      master: this.#master.name,
    });
    this.#bePatient();
    if (retryOf(refusal.code) !== "later")
      this.#on.elsewhere(fault(refusal.code, refusal.reason, refusal.masters));
  }

  /** Tries again after a while. */
  #bePatient(): void {
    this.pause("patience");
    this.#cancelPause();
    this.#cancelPause = this.#scheduler.after(this.#limits.redialMsMin * 5, () => this.resume("patience"));
  }
}
