/**
 * A schema: which fields the documents of a collection have, and of what kind.
 *
 * It is types for the compiler and a check against typing errors, never DDL: no server hears of it, and two versions
 * of an app may have different ones. The type of a value is the app's own promise; what others write is not checked.
 */
import {
  type Access,
  access,
  type CustomField,
  checkDocumentName,
  checkFieldName,
  type Draft,
  type Home,
  type Value,
} from "@syncline/core";
import { lwwRegister, orSet, pnCounter } from "@syncline/core/base";
import type { OpenDocument } from "@syncline/engine";
import { invalid } from "./errors.js";
import { type DraftOf, LiveCounter, LiveRegister, LiveSet, type ViewOf } from "./fields.js";
import type {
  DisableWinsFlagField,
  FlagField,
  GrowCounterField,
  GrowSetField,
  KeepWholeMapField,
  MapField,
  RemoveWinsMapField,
  RemoveWinsSetField,
} from "./kinds.js";
import type { ListField } from "./lists.js";
import type { RecordField } from "./records.js";

export { access };

/** For the types of values only: nothing has this property. */
export declare const holds: unique symbol;

export interface Accessible {
  /** Of every field that one of our functions has made. */
  readonly [access]?: Access;
}

/** Holds one value; the last write wins, and all concurrent ones can be read. Made by `register()`. */
export interface RegisterField<T = Value> extends Accessible {
  readonly kind: "register";
  readonly [holds]?: T;
}

/** Holds a sum that is exact however many people count at once. Made by `counter()`. */
export interface CounterField extends Accessible {
  readonly kind: "counter";
}

/** Holds different values; adding wins over removing at the same time. Made by `set()`. */
export interface SetField<T = Value> extends Accessible {
  readonly kind: "set";
  readonly [holds]?: T;
}

/** A field of a document, of any kind. */
export type Field =
  | RegisterField<unknown>
  | CounterField
  | SetField<unknown>
  | FlagField
  | DisableWinsFlagField
  | GrowCounterField
  | RemoveWinsSetField<unknown>
  | GrowSetField<unknown>
  | MapField<Field>
  | RemoveWinsMapField<Field>
  | KeepWholeMapField<Field>
  | ListField<unknown>
  | RecordField<Fields>
  | CustomField<"text", object, object, unknown>;

/** The name of a kind. */
export type Kind = Field["kind"];

/** Fields by name. */
export interface Fields {
  readonly [field: string]: Field;
}

/** Collections by name, each with the fields of its documents. */
export interface Collections {
  readonly [collection: string]: Fields;
}

/** What `defineSchema` has checked. */
export interface Schema<C extends Collections = Collections> {
  readonly collections: C;
  /** Of the cluster's schema that it was written for. A server whose schema asks for a later one refuses the app. */
  readonly version?: number | undefined;
}

/**
 * What registers and sets can hold: JSON with bytes, by its value's type or an interface of your own. It refuses dates,
 * maps, functions and the like where they are declared. Numbers are finite, and a key that is there has a value.
 */
export type Storable<T> = Value | (object & NoFunction & { [Key in keyof T]: StorablePart<T[Key]> });

/** All functions have this. */
interface NoFunction {
  readonly [Symbol.hasInstance]?: never;
}

/** A part of a value: itself if it can be stored, else `never`. */
export type StorablePart<T> = T extends Value
  ? T
  : T extends (...args: never[]) => unknown
    ? never
    : T extends object
      ? { [Key in keyof T]: StorablePart<T[Key]> }
      : never;

/** A field that holds one value, of type `T` or of any. */
export function register(): RegisterField;
export function register<T extends Storable<T>>(): RegisterField<T>;
export function register(): RegisterField<unknown> {
  return {
    kind: "register",
    [access]: {
      view: (place, name) => new LiveRegister(() => place().at(name, lwwRegister)),
      draft: (place, name) => place.at(name, lwwRegister),
    },
  };
}

/** A field that holds a sum. */
export function counter(): CounterField {
  return {
    kind: "counter",
    [access]: {
      view: (place, name) => new LiveCounter(() => place().at(name, pnCounter)),
      draft: (place, name) => place.at(name, pnCounter),
    },
  };
}

/** A field that holds different values, of type `T` or of any. */
export function set(): SetField;
export function set<T extends Storable<T>>(): SetField<T>;
export function set(): SetField<unknown> {
  return {
    kind: "set",
    [access]: {
      view: (place, name) => new LiveSet(() => place().at(name, orSet)),
      draft: (place, name) => place.at(name, orSet),
    },
  };
}

/**
 * Declares collections and the fields of their documents. Throws a `SynclineError` (`INVALID_VALUE`) for a name that
 * no collection or field may have, and for a kind that does not exist.
 *
 * `version` is that of the cluster's schema that the app was written for: once the cluster asks for a later one, the app is
 * refused with `SCHEMA_VERSION`, and keeps what it has not sent. Without it the app is let in whatever its age.
 *
 * A field may have the name of a method (`close`, `set` …). It is then not a property of documents and drafts, but
 * is reached like every other one by kind and name: `board.register("close")`.
 */
export function defineSchema<C extends Collections>(
  collections: C,
  { version }: { readonly version?: number } = {},
): Schema<C> {
  for (const [collection, fields] of Object.entries(collections)) {
    // Any key will do: it is the collection that is checked.
    refuseIf(`collection ${JSON.stringify(collection)}`, checkDocumentName({ collection, key: "k" }));
    for (const [name, field] of Object.entries(fields)) {
      const what = `field ${JSON.stringify(name)} of ${collection}`;
      refuseIf(what, checkFieldName(name));
      refuseIf(what, field?.[access] === undefined ? NO_KIND : undefined);
    }
  }
  return { collections, version };
}

/** Reads a field. */
export function viewOf<F extends Field>(open: OpenDocument, name: string, field: F, home: Home): ViewOf<F>;
export function viewOf(open: OpenDocument, name: string, field: Field, home: Home): object {
  return accessOf(field).view(() => open.document, name, home);
}

/** Writes a field. */
export function draftOf<F extends Field>(
  draft: Draft,
  name: string,
  field: F,
  open: OpenDocument,
): DraftOf<F>;
export function draftOf(draft: Draft, name: string, field: Field, open: OpenDocument): object {
  return accessOf(field).draft(draft, name, open);
}

/** Throws `INVALID_VALUE` for what none of our functions has made. */
export function accessOf(field: Field): Access {
  const how = field[access];
  if (how === undefined) throw invalid(NO_KIND);
  return how;
}

const NO_KIND = "has no kind: use register(), counter() or set(), or another function of this library";

function refuseIf(what: string, reason: string | undefined): void {
  if (reason !== undefined) throw invalid(`${what}: ${reason}`);
}
