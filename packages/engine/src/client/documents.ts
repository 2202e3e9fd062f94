import type { Change, DocumentName, MutableVector } from "@syncline/core";
import { BareDocument, documentId, joinInto } from "@syncline/core";
import type { Fault, Present } from "@syncline/protocol";
import type { OwnChange } from "./outbox.js";
import type { Session } from "./session.js";

/**
 * What has become of the changes made here: all are committed and on a master's disk; some are on their way to one; some
 * wait for a connection; one was finally refused and taken back, and none was made since.
 */
export type SaveState = "saved" | "saving" | "offline" | "rejected";

/**
 * The documents that a client has open: one state each, with the client's own changes applied at once.
 *
 * Own changes and those of the feed meet in one state, because they commute; a change that is there already is
 * skipped by its counter. For each document is remembered up to which vector it is complete, so that another
 * provider sends only what is missing.
 */
export class OpenDocument {
  document: BareDocument;
  /** The provider has sent everything it had, at least once: in this life, or in one that kept it. */
  loaded = false;
  /** What was kept of it is being looked for; the provider is asked when that is known. */
  loading = false;
  /** Own changes of another life are not in it yet. */
  isBehindOwn = false;
  /** The provider refuses it. */
  refused: Fault | undefined;
  /** Handles on it; at none it is left as soon as no own change of it waits. */
  handles = 0;
  /** The number it has on the provider's link, 0 for none. */
  number = 0;
  /** Complete up to this vector, without what the present link has added since. */
  readonly base: MutableVector = new Map();
  /** A cut of the present link covers it. */
  covered = false;
  /** A change of it was finally refused: this state replaces the document once it is complete. */
  rebuilding: BareDocument | undefined;
  /** A state of it that is on its way, in pieces. */
  arriving: { readonly parts: Uint8Array[]; length: number } | undefined;
  /** Own changes that were finally refused and are in the old state still. */
  readonly takingBack: OwnChange[] = [];
  /** What own changes were before they are made again, because their stamps were refused. */
  readonly makingAgain: Change[] = [];
  /** Why a change of it was finally refused, until the next one is made. */
  rejection: Fault | undefined;
  /** What was said last of its own changes. */
  #shownSaveState: SaveState = "saved";
  readonly #saveStateListeners = new Set<() => void>();
  /** Providers have sent two changes of one identity. */
  #conflicted = false;
  readonly #listeners = new Set<() => void>();
  /** What is shown here of this client, if anything. */
  presence: Uint8Array | undefined;
  /** Who else is here; another map whenever that has changed. */
  others: ReadonlyMap<number, Present> = new Map();
  /** Who hears of it when one of the two has changed. */
  readonly presenceListeners = new Set<() => void>();

  constructor(
    readonly name: DocumentName,
    /** What its client has seen. */
    readonly session: Session,
  ) {
    this.document = new BareDocument(name);
  }

  get id(): string {
    return documentId(this.name);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls back whenever `saveState` has changed. Returns a function that ends that. */
  onSaveState(listener: () => void): () => void {
    this.#saveStateListeners.add(listener);
    return () => this.#saveStateListeners.delete(listener);
  }

  /** What has become of the changes made here, as it was told last. */
  get saveState(): SaveState {
    return this.#shownSaveState;
  }

  showSaveState(state: SaveState): void {
    if (state === this.#shownSaveState) return;
    this.#shownSaveState = state;
    for (const listener of [...this.#saveStateListeners]) listener();
  }

  /**
   * Plays a change of the feed. `applied` when it brought something, `known` when it was there, `unready` when
   * something that it builds on is missing, which a provider that works never causes. Unless somebody gave one identity
   * to two changes, and another provider has the other one: what does not fit is left out then, as nodes do.
   */
  play(change: Change): "applied" | "known" | "unready" {
    const target = this.rebuilding ?? this.document;
    const counter = target.counter(change.author);
    if (counter >= change.last) return "known";
    if (counter >= change.first) this.#conflicted = true;
    const ready =
      target.counter(change.author) === change.first - 1 &&
      change.observed.every((dot) => target.counter(dot.author) >= dot.counter);
    if (!ready) return this.rebuilding === undefined && !this.#conflicted ? "unready" : "known";
    target.apply(change);
    return "applied";
  }

  /** Joins what the provider has sent as a state. Own changes that it does not have stay, on top of it. */
  join(state: BareDocument): void {
    if (this.rebuilding !== undefined) this.rebuilding = joined(this.rebuilding, state);
    else this.document = joined(this.document, state);
  }

  /** The link to the provider has ended: what its cuts covered stays complete. */
  detached(cut: ReadonlyMap<number, number>): void {
    if (this.covered) joinInto(this.base, cut);
    this.covered = false;
    this.number = 0;
    this.arriving = undefined;
  }

  /** Shows an own change of another life. False while it builds on what is not here yet. */
  showOwn(change: Change): boolean {
    const { document } = this;
    if (document.counter(change.author) >= change.last) return true;
    const isNext = document.counter(change.author) === change.first - 1;
    if (!isNext || !change.observed.every((dot) => document.counter(dot.author) >= dot.counter)) return false;
    document.apply(change);
    return true;
  }

  /** Starts the state anew from the provider: a change that it contains does not exist. */
  rebuild(): void {
    this.rebuilding = new BareDocument(this.name);
    this.base.clear();
    this.covered = false;
  }
}

function joined(document: BareDocument, state: BareDocument): BareDocument {
  if (document.isEmpty()) return state;
  document.merge(state);
  return document;
}
