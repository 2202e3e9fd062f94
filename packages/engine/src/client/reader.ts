import type { Change, MutableVector } from "@syncline/core";
import { BareDocument, covers, decodeChange, documentId, type HybridClock, joinInto } from "@syncline/core";
import type { ClientLimits, Cut, Feed, Message, Refusal, State } from "@syncline/protocol";
import { fault } from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { OpenDocument } from "./documents.js";
import type { Keeping } from "./keeping.js";
import type { Outbox } from "./outbox.js";
import type { Retained } from "./retained.js";
import type { Session } from "./session.js";

/** A change of the feed, or a state, and the document that it belongs to. */
type Arrived = { readonly document: OpenDocument } & (
  | { readonly change: Change }
  | { readonly state: BareDocument }
);

/** What becomes of it, told to the client. */
export interface ReaderEvents {
  /** Documents are complete, or places and safe positions are known. */
  progressed(): void;
  rebuilt(documents: readonly OpenDocument[]): void;
  /** The provider was asked for it. */
  opened(document: OpenDocument): void;
}

/**
 * The reading half of a client: its documents, kept up to date by one provider's feed.
 *
 * The provider sends what it integrates and cuts it where it is complete, so the client checks no dependencies across
 * documents: what it shows goes from cut to cut. It takes nothing on trust that could break a document, though: a change that is not ready ends the link.
 */
export class Reader {
  #channel: Channel | undefined;
  #nextNumber = 1;
  readonly #byNumber = new Map<number, OpenDocument>();
  /** What the cuts of the present link have said so far, added up. */
  #cut: MutableVector = new Map();
  /** The same, as far as it is shown: what has arrived since is lost with the link. */
  #shown: MutableVector = new Map();
  /** A cut has said that all of them is there; not shown yet. */
  readonly #complete = new Set<OpenDocument>();
  /** Something has come since the last cut: what is here may lack what it builds on. */
  #isUncut = false;
  /** What has arrived since the last cut and is not shown yet. */
  #arrived: Arrived[] = [];
  #arrivedBytes = 0;

  readonly #documents: ReadonlyMap<string, OpenDocument>;
  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #retained: Retained;
  readonly #stamps: HybridClock;
  readonly #keeping: Keeping | undefined;
  readonly #limits: ClientLimits;
  readonly #on: ReaderEvents;

  constructor(
    documents: ReadonlyMap<string, OpenDocument>,
    session: Session,
    outbox: Outbox,
    retained: Retained,
    stamps: HybridClock,
    keeping: Keeping | undefined,
    limits: ClientLimits,
    on: ReaderEvents,
  ) {
    this.#documents = documents;
    this.#session = session;
    this.#outbox = outbox;
    this.#retained = retained;
    this.#stamps = stamps;
    this.#keeping = keeping;
    this.#limits = limits;
    this.#on = on;
  }

  get isAttached(): boolean {
    return this.#channel !== undefined;
  }

  /** Whether the provider shows everything that the session has seen. */
  get coversSession(): boolean {
    return this.#channel !== undefined && covers(this.#cut, this.#session.vector());
  }

  attach(channel: Channel): void {
    this.#channel = channel;
    this.#nextNumber = 1;
    this.#cut = new Map();
    this.#shown = new Map();
    this.#keeping?.attached();
    for (const document of this.#documents.values()) this.ask(document);
  }

  detach(): void {
    this.#channel = undefined;
    // What no cut has completed comes again, from the next provider.
    this.#arrived = [];
    this.#arrivedBytes = 0;
    for (const document of this.#documents.values()) document.detached(this.#shown);
    this.#keeping?.detached();
    this.#byNumber.clear();
    this.#complete.clear();
  }

  /** A document was opened, or must be had anew. */
  ask(document: OpenDocument): void {
    if (this.#channel === undefined || document.loading) return;
    this.leave(document);
    document.refused = undefined; // That was another provider, or another time.
    document.number = this.#nextNumber++;
    this.#byNumber.set(document.number, document);
    this.#channel.send({
      kind: "open",
      number: document.number,
      document: document.name,
      since: document.base,
    });
    this.#on.opened(document);
  }

  leave(document: OpenDocument): void {
    this.#complete.delete(document);
    if (this.#channel === undefined || document.number === 0) return;
    this.#byNumber.delete(document.number);
    this.#channel.send({ kind: "leave", number: document.number });
    document.number = 0;
  }

  /** Returns false if the message is none of the reader's. */
  receive(message: Message): boolean {
    if (message.kind === "feed") this.#receiveFeed(message);
    else if (message.kind === "state") this.#receiveState(message);
    else if (message.kind === "cut") this.#receiveCut(message);
    else if (message.kind === "refusal" && message.about.what === "document") this.#receiveRefusal(message);
    else return false;
    return true;
  }

  #receiveFeed(feed: Feed): void {
    const now: Arrived[] = [];
    for (const { stream, position, change: bytes } of feed.entries) {
      const change = decodeChange(bytes);
      if (!change.ok) {
        this.#channel?.end(
          fault("MALFORMED_MESSAGE", `a feed brings a malformed change: ${change.fault.reason}`),
        );
        return;
      }
      const { collection, key } = change.value.document;
      const document = this.#documents.get(`${collection}/${key}`);
      if (document === undefined) continue;
      const isShown = document.loaded && document.rebuilding === undefined;
      (isShown ? this.#arrived : now).push({ document, change: change.value });
      if (isShown) this.#arrivedBytes += bytes.length;
      this.#stamps.observe(change.value.stamp);
      this.#session.sawPlace(stream, position);
      const own = this.#outbox.find(change.value);
      if (own !== undefined) own.place = { stream, position };
    }
    this.#retained.keep(feed);
    this.#play(now);
    if (this.#arrivedBytes > this.#limits.uncutFeedBytesMax) this.#playArrived();
  }

  /** A piece of a document's state. Complete, it is joined into what is here: own changes stay on top. */
  #receiveState({ number, vector, offset, total, bytes }: State): void {
    const document = this.#byNumber.get(number);
    if (document === undefined) return; // It was left meanwhile.
    if (offset === 0) document.arriving = { parts: [], length: 0 };
    const { arriving } = document;
    if (arriving?.length !== offset || offset + bytes.length > total || bytes.length === 0) {
      this.#channel?.end(
        fault("MALFORMED_MESSAGE", `a piece of the state of ${document.id} is out of order`),
      );
      return;
    }
    arriving.parts.push(bytes);
    arriving.length += bytes.length;
    if (arriving.length < total) return;
    document.arriving = undefined;
    const whole = new Uint8Array(total);
    let at = 0;
    for (const part of arriving.parts) {
      whole.set(part, at);
      at += part.length;
    }
    const state = BareDocument.decodeState(whole, "left out");
    if (!state.ok || documentId(state.value.name) !== document.id) {
      const reason = state.ok ? "it is another document's" : state.fault.reason;
      this.#channel?.end(fault("MALFORMED_MESSAGE", `the state of ${document.id}: ${reason}`));
      return;
    }
    for (const [stream, position] of vector) this.#session.sawPlace(stream, position);
    this.#outbox.foundIn(state.value);
    const arrived = { document, state: state.value };
    this.#isUncut = true;
    if (document.loaded && document.rebuilding === undefined) this.#arrived.push(arrived);
    else this.#play([arrived]);
    this.#arrivedBytes += total;
    if (this.#arrivedBytes > this.#limits.uncutFeedBytesMax) this.#playArrived();
  }

  /** Plays what has arrived before its cut: there is more of it than may wait. */
  #playArrived(): void {
    this.#play(this.#takeArrived());
  }

  #takeArrived(): readonly Arrived[] {
    const arrived = this.#arrived;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    return arrived;
  }

  #play(arrived: readonly Arrived[]): void {
    this.#isUncut = true;
    for (const document of this.#apply(arrived)) document.tell();
  }

  /** Returns the documents that show something new by it. */
  #apply(arrived: readonly Arrived[]): Set<OpenDocument> {
    const changed = new Set<OpenDocument>();
    for (const each of arrived) {
      const { document } = each;
      if ("state" in each) {
        document.join(each.state);
        this.#keeping?.joined(document);
        if (document.rebuilding === undefined) changed.add(document);
        continue;
      }
      const { change } = each;
      const outcome = document.play(change);
      if (outcome === "unready") {
        this.#channel?.end(fault("MALFORMED_MESSAGE", `a feed of ${document.id} is out of order`));
        return changed;
      }
      if (outcome === "applied" && document.rebuilding === undefined) changed.add(document);
      this.#keeping?.received(document, change.bytes);
    }
    return changed;
  }

  #receiveCut(cut: Cut): void {
    joinInto(this.#cut, cut.visible);
    this.#session.sawCut(cut.visible, cut.safe);
    for (const number of cut.loaded) {
      const document = this.#byNumber.get(number);
      if (document === undefined) continue;
      document.covered = true;
      this.#complete.add(document);
    }
    if (!this.#isRebuilding()) this.#showCut();
    this.#retained.prune();
    this.#on.progressed();
  }

  /** Whether a document is being had anew that would take something back from sight if it were shown now. */
  #isRebuilding(): boolean {
    for (const document of this.#documents.values()) {
      if (document.rebuilding === undefined || document.number === 0) continue;
      if (!document.covered || !this.coversSession) return true;
    }
    return false;
  }

  /**
   * A cut is there. Until then documents that are shown stay as they are, because what has arrived for one may build on
   * what is yet to arrive for another; and all of them are shown at once, before anybody is told.
   */
  #showCut(): void {
    const changed = this.#apply(this.#takeArrived());
    this.#isUncut = false;
    // A document that is not shown yet must not come to be without what the session has seen elsewhere (I8).
    const isCovered = this.coversSession;
    const complete = [...this.#complete].filter(({ loaded }) => loaded || isCovered);
    for (const document of complete) {
      this.#complete.delete(document);
      if (!document.loaded || document.rebuilding !== undefined) changed.add(document);
      document.loaded = true;
    }
    this.#replace(complete);
    for (const document of complete) this.#keeping?.extentChanged(document);
    joinInto(this.#shown, this.#cut);
    this.#keeping?.cut(this.#cut);
    for (const document of changed) document.tell();
  }

  /** Shows what waited for more than a cut: what is due to the session has become less. */
  showWaiting(): void {
    if (this.#complete.size > 0 && !this.#isUncut && !this.#isRebuilding()) this.#showCut();
  }

  /** What was had anew takes the place of the states that have refused changes in them. */
  #replace(documents: readonly OpenDocument[]): void {
    const replaced = documents.filter((document) => document.rebuilding !== undefined);
    for (const document of replaced) {
      document.document = document.rebuilding ?? document.document;
      document.rebuilding = undefined;
    }
    if (replaced.length > 0) this.#on.rebuilt(replaced);
  }

  #receiveRefusal(refusal: Refusal): void {
    if (refusal.about.what !== "document") return;
    const document = this.#byNumber.get(refusal.about.number);
    if (document === undefined) return;
    document.refused = fault(refusal.code, refusal.reason, refusal.masters);
    this.#replace([document]); // Nothing will come. What waits for it must not wait for ever.
    document.tell();
  }
}
