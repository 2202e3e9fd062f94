/**
 * An open document: live reads, transactions, and word of every change.
 *
 * It is a handle: several may be open on one document, each is closed for itself, and the document is followed until
 * the last one is closed and nothing of its own waits. What is read is what is here now, own changes included, whether
 * or not there is a connection.
 */
import type { Draft as CoreDraft, Home, Presence, Value } from "@syncline/core";
import type { OpenDocument, SaveState } from "@syncline/engine";
import { type Draft, type DraftHandle, draftClass } from "./draft.js";
import { errorOf, invalid, SynclineError, translated } from "./errors.js";
import type {
  CounterView,
  HeldBy,
  IsOpen,
  JsonOf,
  Member,
  NamesOf,
  RegisterView,
  SetView,
  ViewOf,
} from "./fields.js";
import type { PresenceHandler } from "./presence.js";
import { counter, type Field, type Fields, register, set, viewOf } from "./schema.js";
import type { Shape } from "./shape.js";
import type { Write } from "./write.js";

/** An open document: the fields of the schema as properties to read, and every field by kind and name. */
export type Doc<F extends Fields = Fields> = DocMethods<F> & FieldViews<F>;

/** What every open document has. */
export interface DocMethods<F extends Fields = Fields> {
  /**
   * Resolves when a server has sent everything it had, once; a document that nobody has written to is then an empty
   * one. Waits as long as there is no connection. Rejects with a `SynclineError`: `FORBIDDEN` or another code of a
   * server that refuses the document, `CLOSED` when it is closed before.
   */
  readonly ready: Promise<void>;
  /** Whether a server has sent everything it had, once. */
  readonly isReady: boolean;
  /**
   * Changes the document: all that `mutate` does or nothing. The result shows here at once and is sent as soon as
   * there is a connection; `acknowledged` of the returned write says how far it got. `mutate` cannot be async.
   *
   * What `mutate` throws is rethrown, and nothing has happened. Throws a `SynclineError`: `CLOSED`, `INVALID_VALUE`,
   * `LIMIT_EXCEEDED` (a change too large, or too many changes that wait for a connection), `NESTED_TRANSACTION`.
   */
  transact(mutate: (draft: Draft<F>) => void): Write;
  /**
   * Calls `listener` after every change of the document, by whomever, and once when it has been loaded; not now, and
   * never in the middle of a change. Changes that arrive together are told of together. What it throws is reported as
   * uncaught and disturbs nobody else. Returns a function that ends this. Throws `CLOSED`.
   */
  subscribe(listener: (document: Doc<F>) => void): () => void;
  /**
   * What has become of the changes made here. `saved`: a master has all of them on its disk, committed. `saving`: some
   * are on their way to one. `offline`: some wait for a connection. `rejected`: one was refused for good and has been
   * taken back, or is about to be, and none was made since.
   */
  readonly saveState: SaveState;
  /** Calls `listener` whenever `saveState` has changed; not now. Returns a function that ends this. Throws `CLOSED`. */
  onSaveState(listener: (state: SaveState) => void): () => void;
  /**
   * Who is here at present, and what they show of themselves: names, colours, cursors. Nothing of it is stored. Where
   * `connect` was not given `presence` there is nobody, `error` says so, and so does an uncaught error, once.
   */
  readonly presence: Presence;
  /** The register of this name. */
  register<N extends NamesOf<F, "register">>(name: N): RegisterView<HeldBy<F, N>>;
  /** The counter of this name. */
  counter<N extends NamesOf<F, "counter">>(name: N): CounterView;
  /** The set of this name. */
  set<N extends NamesOf<F, "set">>(name: N): SetView<HeldBy<F, N>>;
  /** The field of this name and kind: `field("done", flag())`. */
  field<K extends Field>(name: NamesOf<F, K["kind"]>, field: K): ViewOf<K>;
  /**
   * The whole document as plain values. A field that nobody has written to is absent. What is kept under the name of a
   * field of the schema, but in another kind, is shown as `name@kind`. Throws `COUNTER_OVERFLOW`. O(size).
   */
  toJSON(): DocJson<F>;
  /** The names of the kinds, under the keys of `toJSON`. */
  kinds(): Record<string, string>;
  /** Gives the handle back. Reads keep showing what was there; what was changed is still sent. Idempotent. */
  close(): void;
}

/** The fields of a schema as properties. */
export type FieldViews<F extends Fields> =
  IsOpen<F> extends true ? unknown : { readonly [N in Exclude<keyof F, Member>]: ViewOf<F[N]> };

/** A document as plain values. */
export type DocJson<F extends Fields = Fields> =
  IsOpen<F> extends true ? Record<string, Value> : { [N in keyof F]?: JsonOf<F[N]> };

/** What a handle needs of the database that opened it. */
export interface HandleOwner {
  transact(open: OpenDocument, mutate: (draft: CoreDraft) => void, asIs?: boolean): Write;
  /** Shows others what `state` says, or nothing. */
  show(open: OpenDocument, state: Uint8Array | undefined): void;
  presenceAt(open: OpenDocument, on: PresenceHandler): Presence;
  /** A listener has thrown. */
  report(error: unknown): void;
  closed(handle: DocumentHandle): void;
}

/** The classes of a collection: made once, so that the fields of a schema are properties of a prototype. */
export class CollectionClasses {
  readonly #Handle: typeof DocumentHandle;
  readonly #Draft: typeof DraftHandle;
  readonly #shape: Shape;

  constructor(shape: Shape) {
    this.#shape = shape;
    this.#Draft = draftClass(shape);
    this.#Handle = class extends DocumentHandle {};
    shape.addProperties(this.#Handle.prototype);
  }

  handle(owner: HandleOwner, open: OpenDocument): DocumentHandle {
    return new this.#Handle(owner, open, this.#shape, this.#Draft);
  }
}

/** What this package's functions need of a handle. */
export interface HandleParts {
  readonly open: OpenDocument;
  /** `asIs` leaves a deleted document deleted. */
  transact(mutate: (draft: CoreDraft) => void, asIs?: boolean): Write;
  /** `begin` is given what tells, and gives what ends it: when that is called, or the handle is closed. */
  listen(begin: (told: () => void) => () => void, listener: () => void): () => void;
}

/** Throws `INVALID_VALUE` for what is no open document of ours. */
export function partsOf(document: object): HandleParts {
  if (!(document instanceof DocumentHandle)) throw invalid("this is no open document");
  return DocumentHandle.partsOf(document);
}

export class DocumentHandle {
  readonly #owner: HandleOwner;
  readonly #open: OpenDocument;
  readonly #shape: Shape;
  readonly #Draft: typeof DraftHandle;
  readonly #home: Home;
  /** What ends each subscription. */
  readonly #subscriptions = new Set<() => void>();
  #ready: Promise<void> | undefined;
  #isClosed = false;
  /** Ends the waiting for `ready`. */
  #giveUp: () => void = () => {};

  /** Not a member, because a field of the schema may have any name. */
  static partsOf(handle: DocumentHandle): HandleParts {
    return {
      open: handle.#open,
      transact: (mutate, asIs) => handle.#transact(mutate, asIs),
      listen: (begin, listener) => handle.#listen(begin, listener),
    };
  }

  constructor(owner: HandleOwner, open: OpenDocument, shape: Shape, DraftClass: typeof DraftHandle) {
    this.#owner = owner;
    this.#open = open;
    this.#shape = shape;
    this.#Draft = DraftClass;
    this.#home = homeOf(this, owner, open);
  }

  get ready(): Promise<void> {
    if (this.#ready === undefined) {
      this.#ready = this.#untilReady();
      // Who does not ask need not hear of it.
      this.#ready.catch(() => {});
    }
    return this.#ready;
  }

  get isReady(): boolean {
    return this.#open.loaded;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get presence(): Presence {
    return this.#home.presence;
  }

  transact(mutate: (draft: DraftHandle) => void): Write {
    return this.#transact((draft) => mutate(new this.#Draft(draft, this.#open, this.#shape)));
  }

  #transact(mutate: (draft: CoreDraft) => void, asIs = false): Write {
    this.#mustBeOpen();
    return this.#owner.transact(this.#open, mutate, asIs);
  }

  subscribe(listener: (document: DocumentHandle) => void): () => void {
    return this.#listen(
      (told) => this.#open.onChange(told),
      () => listener(this),
    );
  }

  get saveState(): SaveState {
    return this.#open.saveState;
  }

  onSaveState(listener: (state: SaveState) => void): () => void {
    return this.#listen(
      (told) => this.#open.onSaveState(told),
      () => listener(this.saveState),
    );
  }

  #listen(begin: (told: () => void) => () => void, listener: () => void): () => void {
    this.#mustBeOpen();
    const stop = begin(() => {
      // Others that are told of the same thing may have ended it.
      if (!this.#subscriptions.has(end)) return;
      try {
        listener();
      } catch (error) {
        this.#owner.report(error);
      }
    });
    const end = (): void => {
      stop();
      this.#subscriptions.delete(end);
    };
    this.#subscriptions.add(end);
    return end;
  }

  register(name: string): RegisterView {
    return this.field(name, register());
  }

  counter(name: string): CounterView {
    return this.field(name, counter());
  }

  set(name: string): SetView {
    return this.field(name, set());
  }

  field<K extends Field>(name: string, field: K): ViewOf<K> {
    return viewOf(this.#open, this.#shape.checked(name, field.kind), field, this.#home);
  }

  toJSON(): Record<string, Value> {
    const { document } = this.#open;
    return this.#shape.arranged(
      translated(() => document.toJSON()),
      document.kinds(),
    );
  }

  kinds(): Record<string, string> {
    const kinds = this.#open.document.kinds();
    return this.#shape.arranged(kinds, kinds);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const end of [...this.#subscriptions]) end();
    this.#giveUp();
    if (this.#open.handles === 1 && this.#open.presence !== undefined) this.presence.clear();
    this.#owner.closed(this);
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new SynclineError("CLOSED", `${this.#open.id} is closed`);
  }

  #untilReady(): Promise<void> {
    const open = this.#open;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (open.loaded) resolve();
        else if (open.refused !== undefined) reject(errorOf(open.refused));
        else if (this.#isClosed)
          reject(new SynclineError("CLOSED", `${open.id} was closed before it was loaded`));
        else return;
        stop();
      };
      const stop = open.onChange(look);
      this.#giveUp = look;
      look();
    });
  }
}

/** The open document for what lives with it. */
function homeOf(handle: DocumentHandle, owner: HandleOwner, open: OpenDocument): Home {
  let shown: Presence | undefined;
  const report = (error: unknown): void => owner.report(error);
  return {
    key: open,
    get isClosed() {
      return handle.isClosed;
    },
    document: () => open.document,
    onChange: (listener) => open.onChange(listener),
    transact(mutate) {
      if (handle.isClosed) throw new SynclineError("CLOSED", `${open.id} is closed`);
      owner.transact(open, mutate);
    },
    report,
    get presence() {
      shown ??= owner.presenceAt(open, {
        show(state) {
          if (handle.isClosed && state !== undefined)
            throw new SynclineError("CLOSED", `${open.id} is closed`);
          owner.show(open, state);
        },
        report,
      });
      return shown;
    },
  };
}
