/**
 * The documents that components of one database have open: each once, however many components read it.
 *
 * React may render a component and throw the result away, or mount it twice. So rendering opens a document and only
 * subscribing holds it: one that nobody holds is closed a little later, unless somebody has come back by then.
 */
import type { Database, Doc, Draft, SynclineError, Value, Write } from "@syncline/client";

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

/** How long a document that no component holds stays open: from a render to its commit, from one page to the next. */
export const LINGER_MS = 5_000;

/** The shared documents of one database. */
export class Documents {
  private readonly open = new Map<string, SharedDocument>();

  constructor(private readonly database: Database) {}

  /** Undefined when the database is closed: a component that is still shown then has nothing to show. */
  get(collection: string, key: string): SharedDocument | undefined {
    const id = `${collection}/${key}`;
    const known = this.open.get(id);
    if (known !== undefined) return known;
    if (this.database.status.connection === "disconnected") return undefined;
    const document = new SharedDocument(this.database.open(collection, key), () => this.open.delete(id));
    this.open.set(id, document);
    return document;
  }
}

const documentsOf = new WeakMap<object, Documents>();

/** The same for the same database, whichever provider hands it on. */
export function sharedDocuments(database: Database): Documents {
  let documents = documentsOf.get(database);
  if (documents === undefined) documentsOf.set(database, (documents = new Documents(database)));
  return documents;
}
