/**
 * A database: documents by collection and key, and the state of the connection.
 *
 * A thin skin over the engine's client, which does all the work. It adds the schema's types and checks, turns
 * callbacks into promises, and keeps what an app's own functions throw away from the engine.
 */
import { type Draft as CoreDraft, changeId, type Presence } from "@syncline/core";
import type { OpenDocument, Scheduler, SyncClient } from "@syncline/engine";
import { CollectionClasses, type Doc, DocumentHandle } from "./document.js";
import { errorOf, invalid, SynclineError, translated } from "./errors.js";
import type { PresenceHandler, PresenceSupport } from "./presence.js";
import type { Collections, Fields, Schema } from "./schema.js";
import { Shape } from "./shape.js";
import { EMPTY_WRITE, OwnWrite, type Write } from "./write.js";

/** What `connect` gives. */
export interface Database<C extends Collections = Collections> {
  /**
   * Opens a document: at once, whether or not there is a connection and whether or not anybody has written to it.
   * Every call gives a handle of its own; close what you no longer need. Throws a `SynclineError`: `CLOSED`,
   * `UNKNOWN_COLLECTION` if there is a schema without it, `INVALID_VALUE` for a name that no document may have (a key
   * has up to 256 bytes).
   */
  open<N extends keyof C & string>(collection: N, key: string): Doc<C[N]>;
  /** The state of the connection: the same object until something changes. */
  readonly status: Status;
  /** Calls `listener` whenever `status` has changed; not now. Returns a function that ends this. */
  onStatus(listener: (status: Status) => void): () => void;
  /**
   * Calls `listener` for every change of this client that was refused for good, once it has been taken back: also for
   * one that an earlier life had made. Returns a function that ends this.
   */
  onRejected(listener: (rejection: Rejection) => void): () => void;
  /**
   * Calls `listener` for every change that is made here, in whichever document, before the `transact` that made it
   * returns. Returns a function that ends this.
   */
  onWrite(listener: (made: MadeWrite) => void): () => void;
  /**
   * Ends the connection and closes all documents. Changes that no master has answered stay unconfirmed. Where they are
   * kept, by `storage`, they are sent later; else they are forgotten: wait for `acknowledged` first. Idempotent.
   */
  close(): void;
}

/** A change that was refused for good, and is nowhere. */
export interface Rejection {
  readonly collection: string;
  readonly key: string;
  /** Identity of the change, as receipts have it. */
  readonly change: string;
  readonly error: SynclineError;
}

/** A change that was made here. */
export interface MadeWrite {
  readonly collection: string;
  readonly key: string;
  readonly write: Write;
}

/** The state of the connection. */
export interface Status {
  /** `connected` while documents are kept up to date; `disconnected` once the database is closed. */
  readonly connection: "connecting" | "connected" | "disconnected";
  /** Whether a master takes changes at present. Without one they wait here. */
  readonly writable: boolean;
  /** Own changes that no master has durably acknowledged yet. */
  readonly pending: number;
  /** Name of the node that is read from, while connected. */
  readonly provider: string | undefined;
  /** Name of the master that changes go to, while connected; the provider itself if that is a master. */
  readonly master: string | undefined;
  /** Why the last connection or attempt ended; undefined while all is well. */
  readonly error: SynclineError | undefined;
  /**
   * Whether documents and unsent changes are kept on this device: `none` if no `storage` was given, `failed` while
   * nothing can be kept. Before a connection is there, `opening` says that what was kept is still being read.
   */
  readonly storage: "none" | "opening" | "ready" | "failed";
  /** Why nothing is kept (`OFFLINE_UNAVAILABLE`, `OFFLINE_FULL`), or what could not be read (`OFFLINE_DAMAGED`). */
  readonly storageError: SynclineError | undefined;
}

/** What a database is made of. */
export interface DatabaseParts<C extends Collections> {
  readonly scheduler: Scheduler;
  readonly schema?: Schema<C>;
  readonly presence?: PresenceSupport;
  /** Takes what a listener of the app has thrown. */
  readonly report: (error: unknown) => void;
}

/** A database over a client that has been started. */
export function createDatabase<C extends Collections = Collections>(
  client: SyncClient,
  parts: DatabaseParts<C>,
): Database<C> {
  const database = new OpenDatabase(client, parts);
  return {
    // The classes of a collection have the fields of its schema as properties, which is what `Doc` says.
    open: (collection, key) => database.open(collection, key) as unknown as Doc<C[typeof collection]>,
    get status() {
      return database.status;
    },
    onStatus: (listener) => database.onStatus(listener),
    onRejected: (listener) => database.onRejected(listener),
    onWrite: (listener) => database.onWrite(listener),
    close: () => database.close(),
  };
}

class OpenDatabase {
  readonly #client: SyncClient;
  readonly #parts: DatabaseParts<Collections>;
  readonly #classes = new Map<string, CollectionClasses>();
  readonly #handles = new Set<DocumentHandle>();
  readonly #writeListeners = new Set<(made: MadeWrite) => void>();
  #inTransaction = false;
  #status: Status | undefined;
  /** Who is at each document, where nobody is shown. */
  #nobody: Presence | undefined;

  constructor(client: SyncClient, parts: DatabaseParts<Collections>) {
    this.#client = client;
    this.#parts = parts;
    client.onStatus(() => {
      this.#status = undefined;
    });
  }

  get status(): Status {
    this.#status ??= this.#readStatus();
    return this.#status;
  }

  open(collection: string, key: string): DocumentHandle {
    if (this.#client.isClosed) throw new SynclineError("CLOSED", "the database is closed");
    const classes = this.#classesOf(collection);
    const open = translated(() => this.#client.open({ collection, key }));
    const handle = classes.handle(this.#owner, open);
    this.#handles.add(handle);
    return handle;
  }

  onStatus(listener: (status: Status) => void): () => void {
    let isActive = true;
    const stop = this.#client.onStatus(() => {
      if (isActive) this.#guarded(() => listener(this.status));
    });
    return () => {
      isActive = false;
      stop();
    };
  }

  onRejected(listener: (rejection: Rejection) => void): () => void {
    return this.#client.onRejected(({ change, rejected }) => {
      if (rejected === undefined) return;
      const { collection, key } = change.document;
      const rejection = { collection, key, change: changeId(change), error: errorOf(rejected) };
      this.#guarded(() => listener(rejection));
    });
  }

  onWrite(listener: (made: MadeWrite) => void): () => void {
    // A function of its own: one listener may be given twice.
    const told = (made: MadeWrite): void => listener(made);
    this.#writeListeners.add(told);
    return () => this.#writeListeners.delete(told);
  }

  close(): void {
    if (this.#client.isClosed) return;
    // First the client: closing a document tells nobody anything any more.
    this.#client.stop();
    for (const handle of [...this.#handles]) handle.close();
  }

  readonly #owner = {
    transact: (open: OpenDocument, mutate: (draft: CoreDraft) => void, asIs = false): Write =>
      this.#transact(open, mutate, asIs),
    show: (open: OpenDocument, state: Uint8Array | undefined): void => this.#client.show(open, state),
    presenceAt: (open: OpenDocument, on: PresenceHandler): Presence =>
      this.#parts.presence?.at(open, on) ?? (this.#nobody ??= nobodyFor(on)),
    report: (error: unknown): void => this.#parts.report(error),
    closed: (handle: DocumentHandle): void => {
      this.#handles.delete(handle);
      this.#client.close(DocumentHandle.partsOf(handle).open);
    },
  };

  #transact(open: OpenDocument, mutate: (draft: CoreDraft) => void, asIs: boolean): Write {
    // Listeners are told at the end of a transaction: they must not find another one half done.
    if (this.#inTransaction) {
      throw new SynclineError("NESTED_TRANSACTION", `transact on ${open.id} within a transaction`);
    }
    const own = translated(() =>
      this.#client.transact(
        open,
        (draft) => {
          this.#inTransaction = true;
          try {
            return mutate(draft);
          } finally {
            this.#inTransaction = false;
          }
        },
        asIs,
      ),
    );
    if (own === undefined) return EMPTY_WRITE;
    const write = new OwnWrite(own, this.#writePorts);
    const made = { ...open.name, write };
    for (const listener of [...this.#writeListeners]) this.#guarded(() => listener(made));
    return write;
  }

  get #writePorts() {
    const client = this.#client;
    return {
      scheduler: this.#parts.scheduler,
      isClosed: () => client.isClosed,
      canKeep: () => !client.isClosed && ["opening", "ready"].includes(client.status().keeping),
      lastFault: () => client.status().lastFault,
      whenHeld: client.whenHeld.bind(client),
      guarded: (task: () => void) => this.#guarded(task),
    };
  }

  #classesOf(collection: string): CollectionClasses {
    const { schema } = this.#parts;
    // Without a schema all collections are alike. The cluster's own are in nobody's.
    const isFree = schema === undefined || collection === "_syncline";
    const name = isFree ? "" : collection;
    let classes = this.#classes.get(name);
    if (classes === undefined) {
      classes = new CollectionClasses(new Shape(name, isFree ? undefined : fieldsOf(schema, name)));
      this.#classes.set(name, classes);
    }
    return classes;
  }

  #readStatus(): Status {
    const { lastFault, keeping: storage, keepingFault, ...status } = this.#client.status();
    const error = lastFault && errorOf(lastFault);
    const storageError = keepingFault && errorOf(keepingFault);
    return Object.freeze({ ...status, error, storage, storageError });
  }

  #guarded(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#parts.report(error);
    }
  }
}

/**
 * What an app that did not give `connect` its `presence` sees of others. It is read while components render, and set in
 * their effects, so it throws nothing; that it was asked for at all is a mistake, which is reported once.
 */
function nobodyFor({ report }: PresenceHandler): Presence {
  const error = invalid("who is here is shown if connect is given `presence`");
  report(error);
  const nothing = (): void => {};
  return { mine: undefined, others: [], error, set: nothing, clear: nothing, subscribe: () => nothing };
}

function fieldsOf({ collections }: Schema, collection: string): Fields {
  const fields = Object.hasOwn(collections, collection) ? collections[collection] : undefined;
  if (fields !== undefined) return fields;
  throw new SynclineError(
    "UNKNOWN_COLLECTION",
    `collection ${JSON.stringify(collection)} is not in the schema`,
  );
}
