/**
 * What a schema says of one collection, as it is used at run time: which names may be used, which are properties, and
 * how JSON is laid out. Without a schema every name may be used, and none is a property.
 */
import { checkFieldName } from "@syncline/core";
import { invalid, SynclineError } from "./errors.js";
import { MEMBERS } from "./fields.js";
import type { Field, Fields, Kind } from "./schema.js";

export class Shape {
  readonly #collection: string;
  /** Undefined without a schema. */
  readonly #fields: ReadonlyMap<string, Field> | undefined;

  constructor(collection: string, fields: Fields | undefined) {
    this.#collection = collection;
    this.#fields = fields && new Map(Object.entries(fields));
  }

  /** The name, if a field of this kind may be used. Throws `INVALID_VALUE` or `UNKNOWN_FIELD`. */
  checked(name: string, kind: Kind): string {
    const known = this.#fields?.get(name)?.kind;
    if (known === kind) return name;
    const reason = checkFieldName(name);
    if (reason !== undefined) {
      throw invalid(`field ${JSON.stringify(name)}: ${reason}`);
    }
    if (this.#fields === undefined) return name;
    const what = `field "${name}" of ${this.#collection}`;
    throw new SynclineError(
      "UNKNOWN_FIELD",
      known === undefined ? `${what} is not in the schema` : `${what} is a ${known}, not a ${kind}`,
    );
  }

  /** Makes every field of the schema a property of `prototype`, unless a member has its name. */
  addProperties(prototype: ByKind): void {
    for (const [name, field] of this.#fields ?? []) {
      if (MEMBERS.some((member) => member === name)) continue;
      const get = function (this: ByKind): unknown {
        return this.field(name, field);
      };
      Object.defineProperty(prototype, name, { get, enumerable: true, configurable: true });
    }
  }

  /**
   * Moves what a document shows to the names of the schema: the bare name is the field of the schema's kind, and what
   * others keep under that name in another kind is `name@kind`. Without a schema nothing moves.
   */
  arranged<T>(shown: Record<string, T>, kinds: Record<string, string>): Record<string, T> {
    if (this.#fields === undefined) return shown;
    const arranged: Record<string, T> = {};
    for (const [key, value] of Object.entries(shown)) {
      const [name = key] = key.split("@");
      const expected = this.#fields.get(name)?.kind;
      const kind = kinds[key] ?? "";
      arranged[expected === undefined ? key : expected === kind ? name : `${name}@${kind}`] = value;
    }
    return arranged;
  }
}

/** Whatever has its fields by name and kind. */
export interface ByKind {
  field(name: string, field: Field): unknown;
}
