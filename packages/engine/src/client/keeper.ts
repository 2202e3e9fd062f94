import { type Change, documentId, joinInto, type Vector } from "@syncline/core";
import { type Fault, type Feed, fault, OPTIONAL_LIMITS } from "@syncline/protocol";
import { Batch } from "./batch.js";
import type { OpenDocument } from "./documents.js";
import { Heir, type LeftSlot } from "./heir.js";
import type { Keeping, KeepingState, KeptClient, KeptDocument, MakeKeeping } from "./keeping.js";
import { KeptDocuments } from "./keptdocuments.js";
import { type Left, readLeft } from "./left.js";
import { type Kept, lookUp } from "./lookup.js";
import type { OwnChange } from "./outbox.js";
import type { SlotEntry, SlotStore, SlotWrite } from "./slots.js";
import {
  EXTENT,
  FRAME,
  MASTERS_MAX,
  OWN,
  SESSION,
  type SessionRow,
  serialNumbers,
  writeFrame,
  writeSession,
} from "./slottables.js";
import { Tidying } from "./tidying.js";

/**
 * Keeps a client over its end, in a slot of a store.
 *
 * What has changed in a turn is written at its end, in one commit, so that what is kept agrees with itself: no
 * document shows what the session does not know to have seen. One commit is under way at a time; what changes
 * meanwhile goes into the next. Nothing waits for it but the first offer to another master.
 */
export function keeping(store: SlotStore): MakeKeeping {
  return (client) => new Keeper(store, { ...client, limits: { ...OPTIONAL_LIMITS, ...client.limits } });
}

class Keeper implements Keeping {
  state: KeepingState = "opening";
  fault: Fault | undefined;
  /** Empty as long as there is none. */
  private slot = "";
  private life = 1;
  private serial = serialNumbers(1);
  private readonly own = new Map<OwnChange, { key: string; change: Change | undefined }>();
  private readonly frames = new Map<Feed, string>();
  private readonly documents: KeptDocuments;
  private readonly heir: Heir;
  private link = 0;
  private cutVector: Vector = new Map();
  private cutCount = 0;
  private masters: number[] = [];
  /** What the slot's tables are up to date with. */
  private written = { own: -1, frames: -1, session: "" };
  /** To be deleted elsewhere in the commit that brings it here, and what follows. */
  private moved: { readonly writes: readonly SlotWrite[]; readonly done: () => void }[] = [];
  private isCommitting = false;
  /** It was all thrown away since the commit under way began. */
  private lostMeanwhile: Fault | undefined;
  private isTurnSet = false;
  private isStopped = false;
  /** The client uses the network. */
  private isGoing = false;
  private tidying: Tidying | undefined;
  /** Wait for the end of the next commit. */
  private waiting: (() => void)[] = [];
  private cancelTimer: () => void = () => {};

  constructor(
    private readonly store: SlotStore,
    private readonly client: KeptClient,
  ) {
    this.documents = new KeptDocuments(client, () => this.serial());
    this.heir = new Heir(store, client, (left) => this.inherit(left));
    store.lost = (why) => this.lost(why);
  }

  start(): void {
    const { slotWaitMs } = this.client.limits;
    this.cancelTimer = this.client.scheduler.after(slotWaitMs, () =>
      this.goOnWithout(fault("OFFLINE_UNAVAILABLE", `the store did not answer within ${slotWaitMs} ms`)),
    );
    this.take();
  }

  load(document: OpenDocument): void {
    document.loading = true;
    if (!this.isGoing || this.documents.isLeaving(document.id)) {
      this.waiting.push(() => this.load(document));
    } else if (this.slot === "") {
      this.client.scheduler.turn(() => this.loaded(document, undefined));
    } else {
      lookUp(this.store, this.slot, document.name, this.session(), (kept) => this.loaded(document, kept));
    }
  }

  left(document: OpenDocument): void {
    this.documents.left(document, this.cutVector);
    this.changed();
  }

  attached(): void {
    this.link += 1;
    this.cutVector = new Map();
    this.cutCount += 1;
    this.documents.touchAll();
    this.changed();
  }

  detached(): void {
    this.documents.touchAll();
    this.changed();
  }

  received(document: OpenDocument, change: Uint8Array): void {
    this.documents.received(document, change);
  }

  joined(document: OpenDocument): void {
    this.documents.joined(document);
    this.changed();
  }

  cut(visible: Vector): void {
    this.cutVector = visible;
    this.cutCount += 1;
    this.changed();
  }

  extentChanged(document: OpenDocument): void {
    this.documents.touch(document);
    this.changed();
  }

  changed(): void {
    if (this.isTurnSet || this.isCommitting || this.isStopped || this.slot === "") return;
    this.isTurnSet = true;
    this.client.scheduler.turn(() => {
      this.isTurnSet = false;
      if (!this.isStopped) this.commit();
    });
  }

  beforeOffering(master: number, then: () => void): void {
    // Nobody here has anything that another master might have: this one is the first.
    if (this.client.outbox.all().length === 0) this.masters = [];
    const before = this.masters.length;
    this.mayHaveOfferedTo(master);
    if (this.state === "ready" && this.masters.length > before) {
      this.waiting.push(then);
      this.changed();
    } else then();
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.cancelTimer();
    this.heir.stop();
    if (!this.isCommitting) this.finish(this.state === "ready");
  }

  // ---- the beginning ----

  private take(): void {
    this.store.take(this.client.limits.slotsMax, (taken) => {
      if (!taken.ok) this.giveUp(taken.fault);
      else if (this.isStopped) this.store.close();
      else this.readSlot(taken.value);
    });
  }

  private readSlot(slot: string): void {
    this.store.read(slot, [SESSION, OWN, FRAME, EXTENT], (entries) => {
      if (entries.ok && !this.isStopped) {
        this.open(slot, entries.value);
        return;
      }
      this.store.release(slot);
      if (!entries.ok) this.giveUp(entries.fault);
    });
  }

  /** The slot is this client's: at its start, or later if the store did not work then. */
  private open(slot: string, entries: readonly SlotEntry[]): void {
    this.cancelTimer();
    this.slot = slot;
    this.state = "ready";
    this.fault = undefined;
    this.tidying = new Tidying(this.store, this.client, slot);
    const left = readLeft(entries);
    const { session } = left;
    this.life = left.life + 1;
    this.serial = serialNumbers(this.life);
    if (this.link === 0) this.cutVector = session?.cut ?? new Map();
    this.link += session?.link ?? 0;
    if (session !== undefined) {
      this.tidying.settle(entries, session);
      this.tidying.forgetSurplus(entries, this.client.limits.keptDocumentsMax);
    } else if (entries.length > 0) this.tidying.forgetAll();
    this.noteDamage(left.damaged.length);
    // Said once, that is enough.
    this.tidying.remove(left.damaged.filter((key) => key !== SESSION));
    const inherited = this.takeOver(left);
    for (const { own, key } of left.own) {
      if (!inherited.includes(own)) continue;
      this.own.set(own, { key, change: own.change });
      own.kept = true;
    }
    for (const { frame, key } of left.frames) this.frames.set(frame, key);
    this.documents.touchAll();
    this.heir.start(slot);
    this.handOut(inherited);
    this.goOn();
  }

  /** No slot, for now. */
  private giveUp(why: Fault): void {
    if (this.isStopped) return;
    this.goOnWithout(why);
    this.cancelTimer();
    this.cancelTimer = this.client.scheduler.after(this.client.limits.storeRetryMs, () => this.take());
  }

  private goOnWithout(why: Fault): void {
    this.state = "failed";
    this.fault = why;
    this.client.log.warn("nothing-is-kept", { code: why.code, reason: why.reason });
    for (const own of this.client.outbox.all()) own.tell();
    this.goOn();
  }

  private goOn(): void {
    this.client.on.statusChanged();
    this.changed();
    if (this.isGoing) return;
    this.isGoing = true;
    this.client.on.ready();
    const { waiting } = this;
    this.waiting = [];
    for (const then of waiting) then();
  }

  /** Before there is a network nothing is offered. Later the masters that may have been offered them are kept first. */
  private handOut(inherited: readonly OwnChange[]): void {
    if (this.isGoing) this.waiting.push(() => this.offer(inherited));
    else this.offer(inherited);
  }

  /** Its changes are sent from here, and their documents followed until they are safe. */
  private offer(inherited: readonly OwnChange[]): void {
    const { documents, on } = this.client;
    for (const own of inherited) {
      const { document: name } = own.change;
      const document = documents.get(documentId(name)) ?? on.follow(name);
      document.isBehindOwn = true;
      on.offer(own);
    }
    for (const document of documents.values()) if (!document.loading) on.showOwn(document);
    on.statusChanged();
  }

  /** What another life has left becomes this client's. Returns the changes that it did not have. */
  private takeOver(left: Left): OwnChange[] {
    const { client } = this;
    if (left.session !== undefined) {
      client.session.restore(left.session);
      client.stamps.observe(left.session.stamp);
      for (const master of left.session.masters) this.mayHaveOfferedTo(master);
    }
    for (const { frame } of left.frames) client.retained.keep(frame);
    return client.outbox.restore(left.own.map(({ own }) => own));
  }

  private mayHaveOfferedTo(master: number): void {
    if (this.masters.length < MASTERS_MAX && !this.masters.includes(master)) this.masters.push(master);
  }

  private noteDamage(count: number): void {
    if (count === 0) return;
    this.fault = fault("OFFLINE_DAMAGED", `${count} entries of what this device had kept cannot be read`);
    this.client.log.warn("kept-entries-damaged", { count });
    this.client.on.statusChanged();
  }

  // ---- documents ----

  private loaded(document: OpenDocument, kept: Kept | undefined): void {
    if (this.client.documents.get(document.id) !== document) return;
    document.loading = false;
    const { found, elsewhere } = kept ?? {};
    if (elsewhere?.session !== undefined) {
      // Who shows it has seen what that session had seen, and may have to hand it over. Its changes stay its own.
      this.takeOver({ ...elsewhere, own: [], session: { ...elsewhere.session, masters: [] } });
    }
    this.documents.add(document, elsewhere === undefined ? found : undefined);
    this.show(document, found?.kept);
    this.changed();
  }

  private show(document: OpenDocument, kept: KeptDocument | undefined): void {
    // One that is being rebuilt is had from the provider alone.
    const isWelcome = kept !== undefined && document.rebuilding === undefined;
    if (isWelcome) {
      if (document.document.isEmpty()) document.document = kept.document;
      else document.document.merge(kept.document);
      joinInto(document.base, kept.vector);
      document.loaded = true;
    }
    const isShown = this.client.on.showOwn(document);
    this.client.on.ask(document);
    if (isWelcome && !isShown) document.tell();
  }

  // ---- commits ----

  private session(): Pick<SessionRow, "link" | "cut"> {
    return { link: this.link, cut: this.cutVector };
  }

  private commit(): void {
    if (this.isCommitting) return;
    const batch = new Batch(this.slot);
    this.collectOwn(batch);
    this.collectFrames(batch);
    this.documents.collect(batch, this.link);
    this.collectSession(batch);
    const { moved, waiting } = this;
    this.moved = [];
    this.waiting = [];
    for (const { writes, done } of moved) {
      batch.writes.push(...writes);
      batch.whenCommitted(done);
    }
    if (batch.writes.length === 0) {
      for (const then of waiting) then();
      return;
    }
    this.isCommitting = true;
    this.store.commit(batch.writes, (outcome) => {
      this.isCommitting = false;
      const why = outcome.ok ? this.lostMeanwhile : outcome.fault;
      this.lostMeanwhile = undefined;
      if (why === undefined) this.committed(batch);
      else {
        this.moved.unshift(...moved);
        batch.failed();
        this.failed(why);
      }
      for (const then of waiting) then();
      if (this.isStopped) this.finish(why === undefined);
      else if (why === undefined) this.changed();
    });
  }

  /** Writes what came last, if the store works, and gives the slot back. */
  private finish(works: boolean): void {
    if (works && this.slot !== "") this.commit();
    if (!this.isCommitting) this.store.close();
  }

  private committed(batch: Batch): void {
    batch.committed();
    if (this.state === "ready") return;
    this.state = "ready";
    this.fault = undefined;
    this.client.on.statusChanged();
  }

  private collectOwn(batch: Batch): void {
    const { outbox } = this.client;
    if (this.written.own === outbox.version) return;
    const { version } = outbox;
    const live = new Set(outbox.all());
    for (const [own, { key }] of this.own) {
      if (live.has(own)) continue;
      batch.delete(key);
      batch.whenCommitted(() => this.own.delete(own));
    }
    for (const own of live) {
      const row = this.own.get(own);
      const { change } = own;
      if (row?.change === change) continue;
      const key = row?.key ?? OWN + this.serial();
      batch.put(key, change.bytes);
      batch.whenCommitted(() => {
        this.own.set(own, { key, change });
        own.kept = true;
        own.tell();
      });
    }
    batch.whenCommitted(() => {
      this.written.own = version;
    });
  }

  private collectFrames(batch: Batch): void {
    const { retained } = this.client;
    if (this.written.frames === retained.version) return;
    const { version } = retained;
    const live = new Set(retained.frames());
    for (const [frame, key] of this.frames) {
      if (live.has(frame)) continue;
      batch.delete(key);
      batch.whenCommitted(() => this.frames.delete(frame));
    }
    for (const frame of live) {
      if (this.frames.has(frame)) continue;
      const key = FRAME + this.serial();
      batch.put(key, writeFrame(frame));
      batch.whenCommitted(() => this.frames.set(frame, key));
    }
    batch.whenCommitted(() => {
      this.written.frames = version;
    });
  }

  private collectSession(batch: Batch): void {
    const { session, stamps } = this.client;
    const mark = [session.version, this.cutCount, ...this.masters].join();
    if (mark === this.written.session) return;
    const { life, masters, link, cutVector: cut } = this;
    batch.put(SESSION, writeSession({ ...session.parts, life, masters, link, cut, stamp: stamps.next() }));
    batch.whenCommitted(() => {
      this.written.session = mark;
    });
  }

  /** What was kept has been thrown away, and with it what is being written: that may still be said to have been done. */
  private lost(why: Fault): void {
    if (this.isStopped || this.slot === "") return;
    if (this.isCommitting) this.lostMeanwhile = why;
    this.failed(why);
  }

  private failed(why: Fault): void {
    const { client } = this;
    client.log.warn("nothing-is-kept", { code: why.code, reason: why.reason });
    const isNews = this.state !== "failed";
    this.state = "failed";
    this.fault = why;
    if (why.code !== "OFFLINE_FULL") this.doubtAll();
    else if (isNews) this.tidying?.makeRoom(() => this.changed());
    for (const own of client.outbox.all()) own.tell();
    this.cancelTimer();
    this.cancelTimer = client.scheduler.after(client.limits.storeRetryMs, () => this.changed());
    client.on.statusChanged();
  }

  /** Nothing that was written may be there any more: all of it is written again. */
  private doubtAll(): void {
    this.written = { own: -1, frames: -1, session: "" };
    this.frames.clear();
    for (const [own, row] of this.own) {
      row.change = undefined;
      own.kept = false;
    }
    this.documents.touchAll(true);
  }

  // ---- those that are gone ----

  private inherit({ slot, entries, done }: LeftSlot): void {
    const left = readLeft(entries);
    this.noteDamage(left.damaged.length);
    const inherited = this.takeOver(left);
    const writes = entries
      .filter(({ key }) => key.startsWith(OWN))
      .map(({ key }): SlotWrite => ({ slot, key, value: undefined }));
    this.moved.push({ writes, done });
    this.client.log.info("inherited", { changes: inherited.length });
    this.handOut(inherited);
    this.changed();
  }
}
