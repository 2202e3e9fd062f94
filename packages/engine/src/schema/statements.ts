import {
  checkDocumentName,
  checkFieldName,
  type Draft,
  gSet,
  lwwRegister,
  type MapDraft,
  orMap,
} from "@syncline/core";
import { LIMITS } from "@syncline/protocol";
import {
  Catalog,
  type CatalogCollection,
  type CatalogField,
  COLLECTIONS,
  checkCollection,
  checkField,
  FIELDS,
  fieldEntity,
  fieldNamed,
  generationOf,
  MINIMUM,
  sourceOf,
} from "./catalog.js";
import { type FieldSpec, specText, widening } from "./kinds.js";

/** One change of the schema. Names are those that callers use. */
export type Statement =
  | { readonly do: "create"; readonly collection: string }
  | { readonly do: "drop"; readonly collection: string; readonly field?: string | undefined }
  | {
      readonly do: "undrop";
      readonly collection: string;
      readonly field?: string | undefined;
      readonly as?: string | undefined;
    }
  | {
      readonly do: "rename";
      readonly collection: string;
      readonly field?: string | undefined;
      readonly to: string;
    }
  | { readonly do: "add"; readonly collection: string; readonly field: string; readonly is: FieldSpec }
  | { readonly do: "widen"; readonly collection: string; readonly field: string; readonly to: FieldSpec }
  | { readonly do: "minimum"; readonly version: number };

/** What stands against a statement; nothing of the list was done. */
export class SchemaRefused extends Error {
  readonly code = "SCHEMA_CONFLICT";
  constructor(
    readonly index: number,
    readonly reason: string,
  ) {
    super(`statement ${index}: ${reason}`);
  }
}

export interface Alteration {
  /** What its maker shows of each stream. */
  readonly seen: Iterable<readonly [stream: number, position: number]>;
}

/** Plays statements on a draft of the schema's document, each after those before it. Throws `SchemaRefused`. */
export function alterSchema(draft: Draft, statements: readonly Statement[], by: Alteration): void {
  statements.forEach((statement, index) => {
    const no = (reason: string): never => {
      throw new SchemaRefused(index, reason);
    };
    new Alterer(draft, new Catalog(sourceOf(draft)), by, no).play(statement);
  });
}

/** What is dropped is so by somebody who has seen more: for who has purged it. Nothing happens to what is not dropped. */
export function dropAgain(
  draft: Draft,
  collection: string,
  field: { readonly id: string; readonly kind: string } | undefined,
  seen: Alteration["seen"],
): void {
  const entity =
    field === undefined
      ? draft.at(COLLECTIONS, orMap).at(collection, orMap)
      : draft.at(FIELDS, orMap).at(fieldEntity(collection, field.id, field.kind), orMap);
  const dropped = entity.at("dropped", lwwRegister);
  if (dropped.values.length > 0) dropped.set([...seen].map(([stream, position]) => [stream, position]));
}

class Alterer {
  constructor(
    private readonly draft: Draft,
    private readonly catalog: Catalog,
    private readonly by: Alteration,
    private readonly no: (reason: string) => never,
  ) {}

  play(statement: Statement): void {
    switch (statement.do) {
      case "create":
        this.create(statement.collection);
        break;
      case "add":
        this.add(this.collection(statement.collection), statement.field, statement.is);
        break;
      case "drop":
        this.drop(statement.collection, statement.field);
        break;
      case "undrop":
        this.undrop(statement.collection, statement.field, statement.as);
        break;
      case "rename":
        this.rename(statement.collection, statement.field, statement.to);
        break;
      case "widen":
        this.widen(this.collection(statement.collection), statement.field, statement.to);
        break;
      case "minimum":
        this.minimum(statement.version);
        break;
    }
  }

  /** Nothing happens if it is there: creating one collection twice is creating it once. */
  private create(name: string): void {
    this.mustFit(checkDocumentName({ collection: name, key: "k" }) ?? checkCollection(name));
    if (this.catalog.named(name) !== undefined) return;
    const used = this.catalog.collections
      .map(({ id }) => generationOf(id))
      .filter(({ base }) => base === name);
    this.mustHaveRoom();
    const id = nextId(name, used, ".");
    const entity = this.entity(COLLECTIONS, id);
    entity.at("made", lwwRegister).set(this.draft.stamp);
    if (id !== name) entity.at("name", lwwRegister).set(name);
  }

  private add(collection: CatalogCollection, name: string, is: FieldSpec): void {
    this.mustFit(checkFieldName(name) ?? checkField(name));
    const there = fieldNamed(collection, name);
    if (there !== undefined) {
      const news = widening(there, is);
      if (typeof news === "string") this.no(`${collection.key}.${name} ${news}`);
      if (news.length > 0) {
        this.no(`${collection.key}.${name} is there as ${specText(there)}: widen it if that is meant`);
      }
      return;
    }
    this.mustHaveRoom();
    const used = collection.fields.filter(({ kind }) => kind === is.kind).map(({ id }) => generationOf(id));
    const id = nextId(
      name,
      used.filter(({ base }) => base === name),
      "~",
    );
    const entity = this.entity(FIELDS, fieldEntity(collection.id, id, is.kind));
    entity.at("made", lwwRegister).set(this.draft.stamp);
    if (id !== name) entity.at("name", lwwRegister).set(name);
    for (const type of is.types) entity.at("types", gSet).add(type);
  }

  private drop(name: string, field: string | undefined): void {
    const collection = this.collection(name);
    const entity =
      field === undefined
        ? this.entity(COLLECTIONS, collection.id)
        : this.fieldEntity(collection, this.field(collection, field));
    entity.at("dropped", lwwRegister).set([...this.by.seen].map(([stream, position]) => [stream, position]));
  }

  private undrop(name: string, field: string | undefined, as: string | undefined): void {
    if (field === undefined) {
      const dropped = this.catalog.collections.filter(
        (one) => one.dropped && (one.name === name || one.id === name),
      );
      const last = latest(dropped) ?? this.no(`no collection ${name} was dropped`);
      const shown = as ?? last.name;
      if (this.catalog.named(shown) !== undefined)
        this.no(`there is a collection ${shown} by now: bring it back under another name, with "as"`);
      const entity = this.entity(COLLECTIONS, last.id);
      entity.at("dropped", lwwRegister).clear();
      if (as !== undefined) this.name(entity, as, checkCollection(as));
      return;
    }
    const collection = this.collection(name);
    const [bare = field, kind] = field.split("@");
    const dropped = collection.fields.filter(
      (one) => one.dropped && one.name === bare && (kind === undefined || one.kind === kind),
    );
    const last = latest(dropped) ?? this.no(`no field ${field} of ${name} was dropped`);
    const shown = as ?? last.name;
    if (fieldNamed(collection, shown) !== undefined)
      this.no(`${name} has a field ${shown} by now: bring it back under another name, with "as"`);
    const entity = this.fieldEntity(collection, last);
    entity.at("dropped", lwwRegister).clear();
    if (as !== undefined) this.name(entity, as, checkFieldName(as) ?? checkField(as));
  }

  private rename(name: string, field: string | undefined, to: string): void {
    const collection = this.collection(name);
    if (field === undefined) {
      if (this.catalog.named(to) !== undefined) this.no(`there is a collection ${to} already`);
      const wrong = checkDocumentName({ collection: to, key: "k" }) ?? checkCollection(to);
      this.name(this.entity(COLLECTIONS, collection.id), to, wrong);
      return;
    }
    if (fieldNamed(collection, to) !== undefined) this.no(`${name} has a field ${to} already`);
    const found = this.field(collection, field);
    this.name(this.fieldEntity(collection, found), to, checkFieldName(to) ?? checkField(to));
  }

  private widen(collection: CatalogCollection, name: string, to: FieldSpec): void {
    const field = this.field(collection, name);
    const news = widening(field, to);
    if (typeof news === "string") this.no(`${collection.key}.${name} ${news}`);
    for (const type of news) this.fieldEntity(collection, field).at("types", gSet).add(type);
  }

  private minimum(version: number): void {
    if (!Number.isSafeInteger(version) || version < 1) this.no("a version is a whole number from 1");
    if (version < this.catalog.minimum)
      this.no(`the minimum is ${this.catalog.minimum}, and only rises: newer clients rely on it`);
    if (version > this.catalog.minimum) this.draft.at(MINIMUM, lwwRegister).set(version);
  }

  private mustHaveRoom(): void {
    const things = this.catalog.collections.reduce((sum, { fields }) => sum + 1 + fields.length, 0);
    if (things >= LIMITS.schemaThingsMax)
      this.no(`a schema has up to ${LIMITS.schemaThingsMax} collections and fields, dropped ones too`);
  }

  private name(entity: MapDraft, to: string, wrong: string | undefined): void {
    this.mustFit(wrong);
    entity.at("name", lwwRegister).set(to);
  }

  private collection(name: string): CatalogCollection {
    const found = this.catalog.named(name);
    if (found !== undefined) return found;
    return this.no(
      this.catalog.isDropped(name)
        ? `collection ${name} was dropped: undrop it, or create it anew`
        : `there is no collection ${name} in the schema: create it first`,
    );
  }

  private field(collection: CatalogCollection, name: string): CatalogField {
    return fieldNamed(collection, name) ?? this.no(`${collection.key} has no field ${name} in the schema`);
  }

  private entity(map: string, id: string): MapDraft {
    return this.draft.at(map, orMap).at(id, orMap);
  }

  private fieldEntity(collection: CatalogCollection, { id, kind }: CatalogField): MapDraft {
    return this.entity(FIELDS, fieldEntity(collection.id, id, kind));
  }

  private mustFit(wrong: string | undefined): void {
    if (wrong !== undefined) this.no(wrong);
  }
}

/** The name itself, or its next generation: one that nobody has used, as far as is seen here. */
function nextId(name: string, used: readonly { generation: number }[], sign: "." | "~"): string {
  const last = Math.max(0, ...used.map(({ generation }) => generation));
  return last === 0 ? name : `${name}${sign}${last + 1}`;
}

/** What `undrop` means by a name: its last generation; of different things with one name, the one made last. */
const latest = <T extends { readonly id: string; readonly made: number; readonly kind?: string }>(
  dropped: readonly T[],
): T | undefined =>
  [...dropped]
    .sort(
      (a, b) =>
        generationOf(a.id).generation - generationOf(b.id).generation ||
        a.made - b.made ||
        (within(a) < within(b) ? -1 : 1),
    )
    .at(-1);

const within = ({ id, kind }: { readonly id: string; readonly kind?: string }): string =>
  `${id}@${kind ?? ""}`;
