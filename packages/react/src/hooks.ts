"use client";
/**
 * Hooks for the documents of one schema.
 *
 * Each reads through `useSyncExternalStore`, so what is on the screen is one moment of the document, also when React
 * renders in pieces. A component renders again only when what it selects is different data. On a server, and while a
 * page is hydrated, nothing is known yet.
 */
import type {
  Collections,
  Database,
  Doc,
  DocJson,
  Draft,
  Other,
  SaveState,
  Schema,
  Status,
  SynclineError,
  Value,
  Write,
} from "@syncline/client";
import {
  createContext,
  createElement,
  type FunctionComponent,
  type ReactNode,
  useCallback,
  useContext,
  useRef,
  useSyncExternalStore,
} from "react";
import { type NoDocument, type SharedDocument, sharedDocuments } from "./documents.js";
import { isSameData } from "./equal.js";
import { type ChangeReceipt, sharedReceipts } from "./receipts.js";

export interface ProviderProps<C extends Collections> {
  /** What `connect` gave. Without it, as on a server, nothing is known. Whoever made it closes it. */
  readonly database: Database<C> | undefined;
  readonly children?: ReactNode;
}

/** Changes the document; always the same function for the same document. Throws what `transact` of the client throws. */
export type Transact<F extends Collections[string]> = (mutate: (draft: Draft<F>) => void) => Write;

/** A provider and the hooks that read from it. */
export interface Hooks<C extends Collections> {
  readonly SynclineProvider: FunctionComponent<ProviderProps<C>>;
  /** The database of the nearest provider; undefined if that has none. */
  useDatabase(): Database<C> | undefined;
  /**
   * What `select` gives for a document, or all of it as JSON; undefined until anything is known of the document. Then
   * the function that changes it. Then why it cannot be loaded, if a server has refused it, or its key is none.
   *
   * `isEqual` decides whether a component renders again; by default different data does.
   */
  useDocument<N extends keyof C & string>(
    collection: N,
    key: string,
  ): readonly [DocJson<C[N]> | undefined, Transact<C[N]>, SynclineError | undefined];
  useDocument<N extends keyof C & string, T>(
    collection: N,
    key: string,
    select: (document: Doc<C[N]>) => T,
    isEqual?: (a: T, b: T) => boolean,
  ): readonly [T | undefined, Transact<C[N]>, SynclineError | undefined];
  /**
   * What the others show of themselves at a document, and the function by which this client shows itself; with `undefined`
   * it shows nothing any more. It throws what `set` of the client's presence throws. What it shows ends with the last
   * component that reads the document. Then why nobody is shown, if `connect` was not given `presence`.
   */
  usePresence<T = Value>(
    collection: keyof C & string,
    key: string,
  ): readonly [
    others: readonly Other<T>[],
    show: (state: T | undefined) => void,
    error: SynclineError | undefined,
  ];
  /** What has become of the changes made here to a document; undefined without a database, or where the key is none. */
  useSaveState(collection: keyof C & string, key: string): SaveState | undefined;
  /**
   * The last changes made here, the newest first, and how far each has got; of all documents, and from when a component
   * asked first. It renders again whenever one gets further.
   */
  useReceipts(): readonly ChangeReceipt[];
  /** What `select` gives for the state of the connection, or all of it. */
  useStatus(): Status;
  useStatus<T>(select: (status: Status) => T, isEqual?: (a: T, b: T) => boolean): T;
}

/** Makes the hooks of an app, typed by its schema. Called once, outside of components. */
export function createHooks<C extends Collections = Collections>(_schema?: Schema<C>): Hooks<C> {
  const Context = createContext<Database<C> | undefined>(undefined);

  const useDatabase = () => useContext(Context);

  /** The document as components share it. What the schema says is a matter of types only. */
  const useShared = (collection: string, key: string): SharedDocument | NoDocument | undefined => {
    const database = useDatabase() as Database | undefined;
    return database && sharedDocuments(database).get(collection, key);
  };

  function useDocument(
    collection: string,
    key: string,
    select: (document: Doc) => unknown = allOf,
    isEqual: (a: unknown, b: unknown) => boolean = isSameData,
  ) {
    const shared = useShared(collection, key);
    const value = useSelected(
      shared?.subscribe ?? never,
      () => (shared?.isKnown ? select(shared.document) : undefined),
      () => undefined,
      isEqual,
    );
    const error = useSyncExternalStore(
      shared?.subscribe ?? never,
      () => shared?.error,
      () => undefined,
    );
    return [value, shared?.transact ?? refuse, error] as const;
  }

  function usePresence(collection: string, key: string) {
    const shared = useShared(collection, key);
    const others = useSyncExternalStore(
      shared?.subscribePresence ?? never,
      () => shared?.document?.presence.others ?? NOBODY,
      () => NOBODY,
    );
    const error = useSyncExternalStore(
      never,
      () => (shared?.document === undefined ? shared?.error : shared.document.presence.error),
      () => undefined,
    );
    return [others, shared?.show ?? ignore, error] as const;
  }

  function useSaveState(collection: string, key: string): SaveState | undefined {
    const shared = useShared(collection, key);
    return useSyncExternalStore(
      shared?.subscribe ?? never,
      () => shared?.document?.saveState,
      () => undefined,
    );
  }

  function useReceipts(): readonly ChangeReceipt[] {
    const database = useDatabase() as Database | undefined;
    const receipts = database && sharedReceipts(database);
    return useSyncExternalStore(
      receipts?.subscribe ?? never,
      () => receipts?.list ?? NONE,
      () => NONE,
    );
  }

  function useStatus(
    select: (status: Status) => unknown = (status) => status,
    isEqual: (a: unknown, b: unknown) => boolean = isSameData,
  ) {
    const database = useDatabase();
    const subscribe = useCallback(
      (listener: () => void) => database?.onStatus(listener) ?? never(),
      [database],
    );
    return useSelected(
      subscribe,
      () => select(database?.status ?? UNKNOWN),
      () => select(UNKNOWN),
      isEqual,
    );
  }

  return {
    SynclineProvider: ({ database, children }) =>
      createElement(Context.Provider, { value: database }, children),
    useDatabase,
    useDocument: useDocument as unknown as Hooks<C>["useDocument"],
    usePresence: usePresence as unknown as Hooks<C>["usePresence"],
    useSaveState,
    useReceipts,
    useStatus: useStatus as Hooks<C>["useStatus"],
  };
}

/** What a store gives, the same object as long as it is the same data. */
function useSelected<T>(
  subscribe: SharedDocument["subscribe"],
  read: () => T,
  readOnServer: () => T,
  isEqual: (a: T, b: T) => boolean,
): T {
  const last = useRef<{ readonly value: T } | undefined>(undefined);
  const remembered = (value: T): T => {
    if (last.current === undefined || !isEqual(last.current.value, value)) last.current = { value };
    return last.current.value;
  };
  return useSyncExternalStore(
    subscribe,
    () => remembered(read()),
    () => remembered(readOnServer()),
  );
}

const allOf = (document: Doc): unknown => document.toJSON();

const NOBODY: readonly Other[] = [];

/** Where there is no database there is nobody to see it. */
const ignore = (): void => {};

const never = (): (() => void) => () => {};

const refuse = (): never => {
  throw new Error(
    "there is no open database: give SynclineProvider one, and do not write while rendering on a server",
  );
};

const NONE: readonly ChangeReceipt[] = [];

/** What there is to say without a database. */
const UNKNOWN: Status = Object.freeze({
  connection: "connecting",
  writable: false,
  pending: 0,
  provider: undefined,
  master: undefined,
  error: undefined,
  storage: "none",
  storageError: undefined,
});
