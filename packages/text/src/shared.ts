/**
 * The Y.Doc of an open document, which editors are bound to.
 *
 * It follows the document: what arrives is applied to it in one transaction once the whole change is there, so its
 * observers never see half a change. What an editor does to it becomes a change of its own at once. Which updates are
 * missing is known from the document's ops and never asked of Yjs, whose state vectors say nothing of deletions.
 *
 * Yjs takes nothing back. When something that it shows is gone, because a change was refused for good, another Y.Doc
 * takes its place, and whoever is bound to the old one is told, and given it: what was refused stands only there. An
 * editor that stays at the old one types to nobody, so that is reported.
 */
import {
  type BareDocument,
  CORE_LIMITS,
  type Draft,
  type Home,
  InvalidValue,
  type TextMark,
  textLog,
} from "@syncline/core";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { awarenessOf } from "./awareness.js";
import { applyAll } from "./reading.js";
import { NOTHING, touchedRoots } from "./roots.js";

/** The one of an open document. */
export function sharedDoc(home: Home): SharedDoc {
  let shared = all.get(home.key);
  if (shared === undefined) all.set(home.key, (shared = new SharedDoc(home)));
  else shared.use(home);
  return shared;
}

const all = new WeakMap<object, SharedDoc>();

/** The wait before changes that found no room are tried again. */
const RETRY_MS = 500;

export class SharedDoc {
  doc: Y.Doc;
  /** The handles on the document, as far as somebody has read a text through them. */
  readonly #homes = new Set<Home>();
  #document: BareDocument;
  #marks = new Map<string, TextMark>();
  /** Edits that no transaction could take yet. */
  #held: { update: Uint8Array; roots: readonly string[] } | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<(was: Y.Doc) => void>();
  #awareness: Awareness | undefined;

  constructor(home: Home) {
    this.#homes.add(home);
    this.#document = home.document();
    this.doc = this.#fresh();
    home.onChange(() => this.#follow());
  }

  /** Another handle on the same document. */
  use(home: Home): void {
    this.#homes.add(home);
    // It may have been made in the middle of a change of which nobody has been told yet.
    this.#follow();
  }

  /** One that is open, if one is: edits go through it. */
  get #home(): Home {
    const [first, ...others] = this.#homes;
    if (first === undefined || others.length === 0 || !first.isClosed) return first!;
    this.#homes.delete(first);
    return this.#home;
  }

  /** Who is at the document, for editors. */
  get awareness(): Awareness {
    this.#awareness ??= awarenessOf(() => this.#home, this.doc);
    return this.#awareness;
  }

  /** Calls `listener` with the Y.Doc that was here when another one has taken its place. Returns a function that ends this. */
  onReplaced(listener: (was: Y.Doc) => void): () => void {
    // A function of its own: one listener may be given twice.
    const told = (was: Y.Doc): void => listener(was);
    this.#listeners.add(told);
    return () => this.#listeners.delete(told);
  }

  #follow(): void {
    this.#flush();
    const document = this.#home.document();
    if (!document.isIdle) return; // What is shown now may be taken back.
    if (document !== this.#document) {
      const had = this.#document.all(textLog);
      this.#document = document;
      this.#marks.clear();
      const has = new Map(document.all(textLog));
      if (had.some(([name, state]) => has.get(name)?.covers(state) !== true && !state.isEmpty)) {
        this.#replace();
        return;
      }
    }
    const news: Uint8Array[] = [];
    for (const [name, state] of document.all(textLog)) {
      news.push(...(state.since(this.#marks.get(name)) ?? state.updates()));
      this.#marks.set(name, state.mark());
    }
    try {
      applyAll(this.doc, news, this);
    } catch (error) {
      // No master lets in what Yjs cannot read; an observer of the app may throw.
      this.#home.report(error);
    }
  }

  /** What is in the document, and nothing else. */
  #fresh(): Y.Doc {
    const doc = new Y.Doc();
    this.#marks.clear();
    const updates: Uint8Array[] = [];
    for (const [name, state] of this.#document.isIdle ? this.#document.all(textLog) : []) {
      state.tidy();
      updates.push(...state.updates());
      this.#marks.set(name, state.mark());
    }
    applyAll(doc, updates, this);
    doc.on("update", (update: Uint8Array, origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
      if (origin !== this && doc === this.doc) this.#edited(update, touchedRoots(transaction));
    });
    return doc;
  }

  #replace(): void {
    const old = this.doc;
    // What waits here builds on what is gone.
    this.#held = undefined;
    this.doc = this.#fresh();
    this.#awareness = undefined;
    for (const listener of [...this.#listeners]) {
      try {
        listener(old);
      } catch (error) {
        this.#home.report(error);
      }
    }
    old.destroy();
    old.once("update", () =>
      this.#home.report(
        new InvalidValue(
          "an edit of a text that another one has replaced: bind the editor anew, in `onReplaced`",
        ),
      ),
    );
  }

  #edited(update: Uint8Array, roots: readonly string[]): void {
    this.#held =
      this.#held === undefined
        ? { update, roots }
        : {
            update: Y.mergeUpdates([this.#held.update, update]),
            roots: [...new Set([...this.#held.roots, ...roots])],
          };
    this.#flush();
  }

  /** Makes a change of what was edited. */
  #flush(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    try {
      this.#home.transact((draft) => bring(draft, held.update, held.roots));
    } catch (error) {
      const isLarge = held.update.length > CORE_LIMITS.changeBytesMax / 2;
      if (!isLarge && isPassing(error)) this.#wait(held);
      else {
        this.#home.report(error);
        this.#replace();
      }
    }
  }

  /** Another transaction is being written, or too much waits for a connection: what was typed waits as well. */
  #wait(held: { update: Uint8Array; roots: readonly string[] }): void {
    this.#held = held;
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_MS);
  }
}

/** Brings an update to the fields that it touches. */
export function bring(draft: Draft, update: Uint8Array, roots: readonly string[]): void {
  const [first = "text", ...others] = roots;
  draft.at(first, textLog).bring(update);
  for (const other of others) draft.at(other, textLog).bring(NOTHING);
}

function isPassing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "NESTED_TRANSACTION" || code === "LIMIT_EXCEEDED";
}
