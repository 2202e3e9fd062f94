/** The cluster's schema, for apps whose users may see or change it. What an app says with `defineSchema` is its own. */
import {
  alterSchema,
  Catalog,
  type CatalogCollection,
  diffSchema,
  fieldNamed,
  fieldWithId,
  parseSchema,
  SCHEMA,
  SchemaRefused,
  type Statement,
  schemaText,
} from "@syncline/engine";
import type { Database } from "./database.js";
import { partsOf } from "./document.js";
import { invalid, SynclineError } from "./errors.js";
import type { Collections, Schema } from "./schema.js";
import type { Write } from "./write.js";

export type { Statement } from "@syncline/engine";

/** The schema that the whole cluster has, as this client sees it. */
export interface ClusterSchema {
  /** Resolves when a server has sent it, once. */
  readonly ready: Promise<void>;
  /** As a file would say it. */
  readonly text: string;
  /** The least version of an app that may write. */
  readonly version: number;
  /** Changes it: all statements or none. Throws `INVALID_VALUE` with the reason. A server refuses who has no right. */
  alter(...statements: readonly Statement[]): Write;
  /** Makes it what a text says; what the text does not name stays. Throws `INVALID_VALUE` with line and column. */
  apply(text: string): Write;
  /**
   * Holds what an app says with `defineSchema` against it. Throws `SCHEMA_CONFLICT`, whose message names each field that is
   * something else in the cluster, and what to do. Collections that the cluster's schema does not name are free.
   */
  check(schema: Schema): void;
  /** Calls back after each change of it. Returns what ends that. */
  subscribe(listener: () => void): () => void;
  /** Lets go of it: it changes no more. */
  close(): void;
}

/** Opens the cluster's schema. Close it when it is no longer needed. */
export function clusterSchema<C extends Collections>(db: Database<C>): ClusterSchema {
  const document = (db as unknown as Database).open(SCHEMA.collection, SCHEMA.key);
  const { open, transact } = partsOf(document);
  const catalog = () => new Catalog(open.document);
  const alter = (...statements: readonly Statement[]): Write =>
    translating(() => transact((draft) => alterSchema(draft, statements, { seen: open.session.vector() })));
  return {
    get ready() {
      return document.ready;
    },
    get text() {
      return schemaText(catalog());
    },
    get version() {
      return catalog().minimum;
    },
    alter,
    apply(text) {
      const { statements, faults } = translating(() => diffSchema(catalog(), parseSchema(text)));
      const [fault] = faults;
      if (fault !== undefined) throw invalid(`line ${fault.line}, column ${fault.column}: ${fault.reason}`);
      return alter(...statements);
    },
    check(schema) {
      const wrong = contradictions(catalog(), schema);
      if (wrong.length > 0) throw new SynclineError("SCHEMA_CONFLICT", wrong.join("; "));
    },
    subscribe: (listener) => document.subscribe(listener),
    close: () => document.close(),
  };
}

/** What an app writes goes by the names of its own schema: they must be the identities of what it means. */
function contradictions(catalog: Catalog, { collections }: Schema): string[] {
  return Object.entries(collections).flatMap(([name, fields]) => {
    const found = catalog.withId(name);
    const meant = catalog.named(name);
    if (meant !== undefined && meant.id !== name)
      return [`${name} is the collection ${meant.id} in documents: call it that in defineSchema`];
    if (found === undefined) return [];
    if (found.dropped) return [`collection ${name} was dropped: undrop it, or take it out of defineSchema`];
    return Object.entries(fields).flatMap(([field, { kind }]) => contradiction(found, field, kind) ?? []);
  });
}

function contradiction(collection: CatalogCollection, name: string, kind: string): string | undefined {
  const what = `${collection.key}.${name}`;
  const own = fieldWithId(collection, name, kind);
  if (own !== undefined)
    return own.dropped ? `${what} was dropped: undrop it, or take it out of defineSchema` : undefined;
  const meant = fieldNamed(collection, name);
  if (meant === undefined) return `${what} is not in the schema: add it with \`syncline schema apply\``;
  if (meant.kind !== kind)
    return `${what} is a ${meant.kind}, and a ${kind} in defineSchema: a kind never changes in place, so use that or another name`;
  return `${what} is called ${meant.id} in documents, because it was renamed: call it that in defineSchema`;
}

function translating<T>(task: () => T): T {
  try {
    return task();
  } catch (error) {
    if (error instanceof SchemaRefused) throw invalid(error.reason);
    if (error instanceof Error && "code" in error && error.code === "SCHEMA_TEXT")
      throw invalid(error.message);
    throw error;
  }
}
