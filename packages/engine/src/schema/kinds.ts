import type { Value } from "@syncline/core";

/**
 * What a schema says of one field: its kind, and which values it may hold.
 *
 * The kind decides how concurrent writes are joined, so it never changes in place. The values may be *widened*: what
 * was allowed stays allowed, so nothing that was written before, or is written by those who know the old schema,
 * becomes wrong. Narrowing has no such form, and is not offered.
 */
export interface FieldSpec {
  readonly kind: string;
  /** Sorted, without doubles. Of registers, sets and lists types of values; of maps the kind inside, as text. */
  readonly types: readonly string[];
}

export const ANY = "any";

/** Types of values, by name. */
export const VALUE_TYPES = ["string", "number", "boolean", "null", "bytes", "list", "object", ANY] as const;

/** What is between the angle brackets of a kind: types of values, a kind, or nothing. */
export const KIND_PARAMETERS: Readonly<Record<string, "values" | "kind" | undefined>> = {
  register: "values",
  counter: undefined,
  set: "values",
  flag: undefined,
  map: "kind",
  list: "values",
  record: undefined,
  text: undefined,
  "grow-counter": undefined,
  "remove-set": "values",
  "grow-set": "values",
  "disable-flag": undefined,
  "remove-map": "kind",
  "keep-map": "kind",
};

/** `register<string | number>`. */
export function specText({ kind, types }: FieldSpec): string {
  const said = types.filter((type) => type !== ANY);
  return types.includes(ANY) || said.length === 0 ? kind : `${kind}<${said.join(" | ")}>`;
}

export function typeNameOf(value: Value): string {
  if (value === null) return "null";
  if (value instanceof Uint8Array) return "bytes";
  if (Array.isArray(value)) return "list";
  return typeof value;
}

/** Whether a field of this spec may be given the value. */
export function allows({ types }: Pick<FieldSpec, "types">, value: Value): boolean {
  return types.length === 0 || types.includes(ANY) || types.includes(typeNameOf(value));
}

/** What `wide` allows beyond `narrow`, or why it is no widening. */
export function widening(narrow: FieldSpec, wide: FieldSpec): readonly string[] | string {
  if (narrow.kind !== wide.kind) {
    return `is a ${narrow.kind}, and a kind never changes in place: add a field of another name, or drop it and add it anew (the old values stay with what was dropped)`;
  }
  const has = new Set(narrow.types.length === 0 ? [ANY] : narrow.types);
  const wants = new Set(wide.types.length === 0 ? [ANY] : wide.types);
  const lost = [...has].filter((type) => !wants.has(type) && !wants.has(ANY));
  if (lost.length > 0) {
    return `holds ${specText(narrow)}, and ${specText(wide)} is narrower: values that are there would be wrong. Keep ${lost.join(" | ")}, or add a field of another name`;
  }
  return [...wants].filter((type) => !has.has(type) && !has.has(ANY));
}
