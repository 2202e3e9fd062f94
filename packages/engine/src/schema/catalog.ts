import {
  type DocumentName,
  type Draft,
  gSet,
  lwwRegister,
  type MapView,
  orMap,
  toUtf8,
  type Value,
} from "@syncline/core";
import type { FieldSpec } from "./kinds.js";

/**
 * The cluster's schema: which collections there are, which fields their documents have, and of what kind.
 *
 * It is a document, `_syncline/schema`, so it replicates as data does: any master changes it, in the same streams, under
 * the same commit rule, in the same causal order. Everything in it is a register, a set that only grows, or a map of
 * those, and what it means is read from their values alone: replicas that hold the same changes read the same schema
 * (I11). Nobody's definition is ever dropped by a merge, because collections and fields have identities of their own:
 *
 * - A collection is a name and a generation, `boards`, `boards.2` …: concurrent creations of one name are one
 *   collection with the fields of both, and a re-creation after a drop is the next one, where no old data shows.
 * - A field is a name, a generation and a kind, `title@register`, `title~2@register` …: people who use one name for
 *   different kinds have two fields.
 *
 * These identities are what ops and documents carry, for ever. The *names* are registers: renaming is a write to one.
 */
export const SCHEMA: DocumentName = { collection: "_syncline", key: "schema" };

export interface CatalogField extends FieldSpec {
  /** What ops call it. */
  readonly id: string;
  /** As people call it. */
  readonly name: string;
  /** The stamp of the first who made it. */
  readonly made: number;
  readonly dropped: boolean;
  /** The name in JSON: bare for the earliest field that has it, `name@kind` for others. */
  readonly key: string;
  /** Up to where the dropper had seen each stream; empty if it is not known. */
  readonly droppedAt: CatalogCollection["droppedAt"];
}

export interface CatalogCollection {
  /** What documents are called with. */
  readonly id: string;
  readonly name: string;
  /** The stamp of the first who made it. */
  readonly made: number;
  readonly dropped: boolean;
  /** The name for callers: bare for the earliest collection that has it, `name@id` for others. */
  readonly key: string;
  /** Up to where the dropper had seen each stream; empty if it is not known. */
  readonly droppedAt: readonly (readonly [stream: number, position: number])[];
  /** In the order of their ids. */
  readonly fields: readonly CatalogField[];
}

/** Reads the schema out of its document, or out of a draft of it. */
export class Catalog {
  /** In the order of their ids, dropped ones too. */
  readonly collections: readonly CatalogCollection[];
  readonly live: readonly CatalogCollection[];
  /** The least version of an app whose clients may write; 0 if none is asked for. */
  readonly minimum: number;
  readonly #byKey: ReadonlyMap<string, CatalogCollection>;
  readonly #byId: ReadonlyMap<string, CatalogCollection>;

  constructor(source?: SchemaSource) {
    this.minimum = source === undefined ? 0 : minimumOf(source);
    this.collections = source === undefined ? [] : collectionsOf(source);
    this.live = this.collections.filter(({ dropped }) => !dropped);
    this.#byKey = new Map(this.live.map((collection) => [collection.key, collection]));
    this.#byId = new Map(this.collections.map((collection) => [collection.id, collection]));
  }

  /** The collection that callers mean by this name. */
  named(key: string): CatalogCollection | undefined {
    return this.#byKey.get(key);
  }

  withId(id: string): CatalogCollection | undefined {
    return this.#byId.get(id);
  }

  /** Whether this name stands for something that was dropped, and for nothing else. */
  isDropped(key: string): boolean {
    return !this.#byKey.has(key) && this.collections.some(({ dropped, name }) => dropped && name === key);
  }
}

export type SchemaSource = {
  at(name: string, type: typeof orMap): MapView;
  at(name: string, type: typeof lwwRegister): { readonly values: readonly Value[] };
};

/** The field that callers mean by this name, with or without its kind. */
export function fieldNamed(
  { fields }: CatalogCollection,
  key: string,
  kind?: string,
): CatalogField | undefined {
  const live = fields.filter(({ dropped }) => !dropped);
  const exact = live.find((field) => field.key === key);
  if (kind === undefined || exact?.kind === kind) return exact;
  return live.find((field) => field.name === key && field.kind === kind);
}

export const fieldWithId = (
  { fields }: CatalogCollection,
  id: string,
  kind: string,
): CatalogField | undefined => fields.find((field) => field.id === id && field.kind === kind);

/** Why the schema cannot have a collection of this name. */
export function checkCollection(name: string): string | undefined {
  if (name.startsWith("_syncline")) return "names that begin with _syncline are the cluster's own";
  if (/\.\d+$/.test(name)) return "a dot and a number at the end stand for the generation of a collection";
  return name.length > 56 ? "a collection's name in a schema has up to 56 bytes" : undefined;
}

/** Why the schema cannot have a field of this name. */
export function checkField(name: string): string | undefined {
  if (name.includes("~")) return "a field's name in a schema has no ~ (it parts name and generation)";
  if (name.includes("/")) return "a field's name in a schema has no /";
  return toUtf8(name).length > 120 ? "a field's name in a schema has up to 120 bytes" : undefined;
}

// ---- how it is laid out, for ever ----

export const COLLECTIONS = "collections";
export const FIELDS = "fields";
export const MINIMUM = "minimum";

export const fieldEntity = (collection: string, id: string, kind: string): string =>
  `${collection}/${id}@${kind}`;

/** `boards` of `boards.2`, `title` of `title~2`; and the number of the generation, which is 1 without one. */
export function generationOf(id: string): { base: string; generation: number } {
  const match = /^(.*)[.~]([2-9]|[1-9]\d+)$/s.exec(id);
  return match === null ? { base: id, generation: 1 } : { base: match[1]!, generation: Number(match[2]) };
}

interface Entity {
  readonly made: number;
  readonly name: string | undefined;
  readonly dropped: boolean;
  readonly droppedAt: CatalogCollection["droppedAt"];
}

function collectionsOf(source: SchemaSource): CatalogCollection[] {
  const all = source.at(COLLECTIONS, orMap);
  const fields = fieldsOf(source);
  const entities = all.keys.map((id) => ({ id, ...entityOf(all.at(id, orMap)) }));
  const owners = ownersOf(entities.filter(({ dropped }) => !dropped));
  return entities.map((entity) => {
    const name = entity.name ?? entity.id;
    return {
      id: entity.id,
      name,
      made: entity.made,
      dropped: entity.dropped,
      droppedAt: entity.droppedAt,
      key: owners.get(name) === entity.id || entity.dropped ? name : `${name}@${entity.id}`,
      fields: fields.get(entity.id) ?? [],
    };
  });
}

function fieldsOf(source: SchemaSource): Map<string, CatalogField[]> {
  const all = source.at(FIELDS, orMap);
  const entities = new Map<
    string,
    (Entity & { id: string; fieldId: string; kind: string; types: string[] })[]
  >();
  for (const key of all.keys) {
    const match = /^([^/]+)\/(.+)@([^@]+)$/s.exec(key);
    if (match === null) continue;
    const [, collection = "", fieldId = "", kind = ""] = match;
    const inside = all.at(key, orMap);
    const types = inside.at("types", gSet).values.filter((type) => typeof type === "string");
    const list = entities.get(collection) ?? [];
    entities.set(collection, list);
    list.push({ id: `${fieldId}@${kind}`, fieldId, kind, types: types.sort(), ...entityOf(inside) });
  }
  const fields = new Map<string, CatalogField[]>();
  for (const [collection, list] of entities) {
    const live = list.filter(({ dropped }) => !dropped);
    const owners = ownersOf(live.map((field) => ({ ...field, name: field.name ?? field.fieldId })));
    const keys = new Set<string>();
    const read = list.map(({ id, fieldId, kind, types, made, dropped, droppedAt, name = fieldId }) => {
      const short = owners.get(name) === id || dropped ? name : `${name}@${kind}`;
      const key = keys.has(short) && !dropped ? `${name}@${kind}@${fieldId}` : short;
      if (!dropped) keys.add(key);
      return { id: fieldId, name, made, kind, types, dropped, key, droppedAt };
    });
    fields.set(collection, read);
  }
  return fields;
}

/** For each name the earliest that has it. */
function ownersOf(entities: readonly { id: string; name: string | undefined; made: number }[]) {
  const owners = new Map<string, { id: string; made: number }>();
  for (const { id, name = id, made } of entities) {
    const owner = owners.get(name);
    if (owner === undefined || made < owner.made || (made === owner.made && id < owner.id))
      owners.set(name, { id, made });
  }
  return new Map([...owners].map(([name, { id }]) => [name, id]));
}

/** Anything may stand in the document: what is no schema says nothing. */
function entityOf(inside: MapView): Entity {
  const made = inside.at("made", lwwRegister).values.filter((value) => typeof value === "number");
  const name = inside.at("name", lwwRegister).value;
  const drops = inside.at("dropped", lwwRegister).values;
  return {
    made: made.length === 0 ? Number.MAX_SAFE_INTEGER : Math.min(...made),
    name: typeof name === "string" ? name : undefined,
    // Who brings it back takes away the drops that he has seen: another one, made at the same time, stands.
    dropped: drops.length > 0,
    droppedAt: placesOf(drops),
  };
}

function placesOf(drops: readonly Value[]): [number, number][] {
  const places = new Map<number, number>();
  for (const drop of drops) {
    for (const entry of Array.isArray(drop) ? drop : []) {
      const [stream, position] = Array.isArray(entry) ? entry : [];
      if (typeof stream === "number" && typeof position === "number")
        places.set(stream, Math.max(position, places.get(stream) ?? 0));
    }
  }
  return [...places].sort(([a], [b]) => a - b);
}

function minimumOf(source: SchemaSource): number {
  const numbers = source.at(MINIMUM, lwwRegister).values.filter((value) => typeof value === "number");
  return Math.max(0, ...numbers);
}

/** Drafts read what they have written. */
export const sourceOf = (draft: Pick<Draft, "at">): SchemaSource => draft as SchemaSource;
