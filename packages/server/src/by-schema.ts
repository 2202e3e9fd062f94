/**
 * What callers say over HTTP, held against the cluster's schema before anything is promised.
 *
 * A collection that the schema names has the fields that it names, and no others; one that it does not name is as free
 * as without any schema. Names that callers use are turned into those that documents carry.
 */

import type { Value } from "@syncline/core";
import {
  allows,
  type Catalog,
  type CatalogCollection,
  type CatalogField,
  fieldNamed,
  specText,
  typeNameOf,
} from "@syncline/engine";
import { Refused } from "./errors.js";
import { fromJson, NoValue } from "./json.js";
import { isContainer } from "./ops.js";

export interface NamedCollection {
  /** As documents are called. */
  readonly id: string;
  /** What the schema says of it, if it says anything. */
  readonly schema: CatalogCollection | undefined;
}

/** The collection that a caller names. Throws `Refused`: `SCHEMA_CONFLICT` for writes, `NOT_FOUND` for reads. */
export function namedCollection(catalog: Catalog, word: string, wants: "read" | "write"): NamedCollection {
  const schema = catalog.named(word);
  if (schema !== undefined) return { id: schema.id, schema };
  const code = wants === "read" ? "NOT_FOUND" : "SCHEMA_CONFLICT";
  if (catalog.isDropped(word)) {
    const remedy = `Bring it back with {"do":"undrop","collection":"${word}"}, or create it anew.`;
    throw new Refused(code, `collection ${word} was dropped`, { remedy });
  }
  const renamed = catalog.withId(word);
  if (renamed !== undefined) {
    const said = renamed.dropped ? "was dropped" : `is called ${renamed.key} now`;
    throw new Refused(code, `collection ${word} ${said}`, { remedy: "Use the name that it has now." });
  }
  return { id: word, schema: undefined };
}

/** The ops of a body, with the names and kinds of the schema. What is no op is left for those who read ops. */
export function opsBySchema(collection: CatalogCollection | undefined, body: unknown): unknown {
  if (collection === undefined || !Array.isArray(body)) return body;
  return body.map((op: unknown, index) => (isObject(op) ? opBySchema(collection, op, index) : op));
}

function opBySchema(collection: CatalogCollection, op: Record<string, unknown>, index: number): unknown {
  const path = Array.isArray(op.path) ? op.path : undefined;
  const word: unknown = path === undefined ? op.field : path[0];
  if (typeof word !== "string") return op;
  const isNested = path !== undefined && path.length > 1;
  const refuse = (reason: string): never => {
    throw new Refused("SCHEMA_CONFLICT", `op ${index}, field ${JSON.stringify(word)}: ${reason}`, {
      op: index,
      field: word,
      reason,
    });
  };
  // What the path leads through first, or ends at.
  const kind: unknown = isNested ? (Array.isArray(op.kinds) ? op.kinds[0] : undefined) : op.kind;
  const field = fieldNamed(collection, word, typeof kind === "string" ? kind : undefined);
  if (field === undefined) return refuse(whyNot(collection, word));
  const placed = path === undefined ? { field: field.id } : { path: [field.id, ...path.slice(1)] };
  if (isNested) {
    if (!isContainer(field.kind)) refuse(`is a ${field.kind}, and nothing is inside of one`);
    return { ...op, ...placed, kinds: op.kinds ?? kindsThrough(field, path.length - 1) };
  }
  if ("value" in op) {
    const value = readValue(op.value);
    if (value !== undefined && !allows(field, value))
      refuse(`holds ${specText(field)}, not a ${typeNameOf(value)}: widen it if that is meant`);
  }
  return { ...op, ...placed, kind: field.kind };
}

function whyNot(collection: CatalogCollection, word: string): string {
  const { key, fields } = collection;
  const [name = word] = word.split("@");
  const dropped = fields.find((field) => field.dropped && field.name === name);
  if (dropped !== undefined) return `was dropped from ${key}: undrop it, or add it anew`;
  const others = fields.filter((field) => !field.dropped && field.name === name);
  if (others.length > 0) return `${key} has ${others.map(said).join(" and ")}; a kind never changes in place`;
  return `${key} has no such field in the schema: add it first`;
}

const said = (field: CatalogField): string => `${field.key}: ${specText(field)}`;

function readValue(json: unknown): Value | undefined {
  try {
    return fromJson(json);
  } catch (error) {
    if (error instanceof NoValue) return undefined;
    throw error;
  }
}

/** What the schema says of what a path leads through: `map<record>` is a map, and then a record. */
function kindsThrough(field: CatalogField, depth: number): string[] {
  const kinds = specText(field).split(/[<>]/).slice(0, depth);
  const end = kinds.findIndex((kind) => !isContainer(kind));
  return end < 0 ? kinds : kinds.slice(0, end);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
