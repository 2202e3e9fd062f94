/** The cluster's schema, for apps whose users may see or change it. What an app says with `defineSchema` is its own. */
import {
  alterSchema,
  Catalog,
  diffSchema,
  parseSchema,
  SCHEMA,
  SchemaRefused,
  type Statement,
  schemaText,
} from "@syncline/engine";
import type { Database } from "./database.js";
import { partsOf } from "./document.js";
import { SynclineError } from "./errors.js";
import type { Collections } from "./schema.js";
import type { Write } from "./write.js";

export type { Statement } from "@syncline/engine";

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
  subscribe(listener: () => void): () => void;
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
      if (fault !== undefined)
        throw new SynclineError(
          "INVALID_VALUE",
          `line ${fault.line}, column ${fault.column}: ${fault.reason}`,
        );
      return alter(...statements);
    },
    subscribe: (listener) => document.subscribe(listener),
    close: () => document.close(),
  };
}

function translating<T>(task: () => T): T {
  try {
    return task();
  } catch (error) {
    if (error instanceof SchemaRefused) throw new SynclineError("INVALID_VALUE", error.reason);
    if (error instanceof Error && "code" in error && error.code === "SCHEMA_TEXT")
      throw new SynclineError("INVALID_VALUE", error.message);
    throw error;
  }
}
