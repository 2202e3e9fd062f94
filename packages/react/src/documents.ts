/**
 * The documents that components of one database have open: each once, however many components read it.
 *
 * React may render a component and throw the result away, or mount it twice. So rendering opens a document and only
 * subscribing holds it: one that nobody holds is closed a little later, unless somebody has come back by then.
 */
import { type Database, type Doc, type Draft, SynclineError, type Value, type Write } from "@syncline/client";

/** A document that components read. */
export class SharedDocument {
  readonly document: Doc;
  /** Counts what can be seen to have changed. */
  version = 0;
  /** Something is known of it: it was loaded, or written to here. */
  isKnown: boolean;
  /** Why it will not be loaded. */
  error: SynclineError | undefined;
  private readonly listeners = new Set<() => void>();
  private closing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    document: Doc,
    private readonly closed: () => void,
  ) {
    this.document = document;
    this.isKnown = document.isReady;
    document.subscribe(() => {
      this.isKnown = true;
      this.changed();
    });
    document.onSaveState(() => this.changed());
    document.ready.catch((error: SynclineError) => {
      if (error.code === "CLOSED") return;
      this.error = error;
      this.changed();
    });
    this.closeUnlessHeld();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    clearTimeout(this.closing);
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      this.closeUnlessHeld();
    };
  };

  /** Like `subscribe`, for who is there. */
  readonly subscribePresence = (listener: () => void): (() => void) => {
    const leave = this.subscribe(() => {});
    const stop = this.document.presence.subscribe(listener);
    return () => {
      stop();
      leave();
    };
  };

  readonly show = (state: Value | undefined): void => {
    if (state === undefined) this.document.presence.clear();
    else this.document.presence.set(state);
  };

  readonly transact = (mutate: (draft: Draft) => void): Write => this.document.transact(mutate);

  private closeUnlessHeld(): void {
    clearTimeout(this.closing);
    if (this.listeners.size > 0) return;
    this.closing = setTimeout(() => {
      this.document.close();
      this.closed();
    }, LINGER_MS);
  }

  private changed(): void {
    this.version += 1;
    for (const listener of [...this.listeners]) listener();
  }
}

/**
 * What stands for a document whose key is none, as one from an address may be: that is said, and nothing of it is thrown into
 * a render.
 */
export class NoDocument {
  readonly document = undefined;
  readonly isKnown = false;
  readonly subscribe = (): (() => void) => () => {};
  readonly subscribePresence = this.subscribe;

  constructor(readonly error: SynclineError) {}

  readonly show = (): void => {};

  readonly transact = (): never => {
    throw this.error;
  };
}

/** So many keys that are none are remembered, for components to be given the same error again. */
const NONE_MAX = 100;

/** How long a document that no component holds stays open: from a render to its commit, from one page to the next. */
export const LINGER_MS = 5_000;

/** The shared documents of one database. */
export class Documents {
  private readonly open = new Map<string, SharedDocument>();
  private readonly none = new Map<string, NoDocument>();

  constructor(private readonly database: Database) {}

  /** Undefined when the database is closed: a component that is still shown then has nothing to show. */
  get(collection: string, key: string): SharedDocument | NoDocument | undefined {
    const id = `${collection}/${key}`;
    const known = this.open.get(id) ?? this.none.get(id);
    if (known !== undefined) return known;
    if (this.database.status.connection === "disconnected") return undefined;
    try {
      const document = new SharedDocument(this.database.open(collection, key), () => this.open.delete(id));
      this.open.set(id, document);
      return document;
    } catch (error) {
      // A collection that the schema does not have is a mistake in the app, and looks like one.
      if (!(error instanceof SynclineError) || error.code !== "INVALID_VALUE") throw error;
      if (this.none.size >= NONE_MAX) this.none.clear();
      const none = new NoDocument(error);
      this.none.set(id, none);
      return none;
    }
  }
}

const documentsOf = new WeakMap<object, Documents>();

/** The same for the same database, whichever provider hands it on. */
export function sharedDocuments(database: Database): Documents {
  let documents = documentsOf.get(database);
  if (documents === undefined) documentsOf.set(database, (documents = new Documents(database)));
  return documents;
}
