import { type Catalog, type CatalogCollection, type CatalogField, fieldNamed } from "./catalog.js";
import { specText, widening } from "./kinds.js";
import type { Statement } from "./statements.js";
import type { FileCollection, SchemaFile } from "./text.js";
import type { TextFault } from "./tokens.js";

/** What a file would change, and what of it cannot be. */
export interface SchemaDiff {
  readonly statements: readonly Statement[];
  /** What the schema has and the file does not name; dropped only if that is asked for. */
  readonly drops: readonly Statement[];
  readonly faults: readonly TextFault[];
}

/** The statements that make the schema what a file says. */
export function diffSchema(catalog: Catalog, file: SchemaFile): SchemaDiff {
  const statements: Statement[] = [];
  const drops: Statement[] = [];
  const faults: TextFault[] = [];
  const kept = new Set<CatalogCollection>();
  for (const wanted of file.collections) {
    const { name, was } = wanted;
    const there = catalog.named(name) ?? (was === undefined ? undefined : catalog.named(was));
    if (there === undefined) statements.push({ do: "create", collection: name });
    else if (there.key !== name) statements.push({ do: "rename", collection: there.key, to: name });
    if (there !== undefined) kept.add(there);
    diffFields(wanted, there, statements, drops, faults);
  }
  for (const { key } of catalog.live.filter((one) => !kept.has(one)))
    drops.push({ do: "drop", collection: key });
  const { version, versionAt } = file;
  if (version !== undefined && versionAt !== undefined && version < catalog.minimum)
    faults.push({
      line: versionAt.line,
      column: versionAt.column,
      reason: `the minimum is ${catalog.minimum}, and only rises: write version ${catalog.minimum}, or more`,
    });
  else if (version !== undefined && version !== catalog.minimum) statements.push({ do: "minimum", version });
  return { statements, drops, faults };
}

function diffFields(
  { name: collection, fields }: FileCollection,
  there: CatalogCollection | undefined,
  statements: Statement[],
  drops: Statement[],
  faults: TextFault[],
): void {
  const kept = new Set<CatalogField>();
  for (const { name, was, spec, at } of fields) {
    const field =
      there && (fieldNamed(there, name) ?? (was === undefined ? undefined : fieldNamed(there, was)));
    if (field === undefined) {
      statements.push({ do: "add", collection, field: name, is: spec });
      continue;
    }
    kept.add(field);
    const news = widening(field, spec);
    if (typeof news === "string") {
      faults.push({ line: at.line, column: at.column, reason: `${collection}.${name} ${news}` });
      continue;
    }
    if (field.key !== name) statements.push({ do: "rename", collection, field: field.key, to: name });
    if (news.length > 0) statements.push({ do: "widen", collection, field: name, to: spec });
  }
  for (const field of there?.fields ?? [])
    if (!field.dropped && !kept.has(field)) drops.push({ do: "drop", collection, field: field.key });
}

/** A statement on one line, for people. */
export function statementText(statement: Statement): string {
  switch (statement.do) {
    case "add":
      return `add ${statement.collection}.${statement.field}: ${specText(statement.is)}`;
    case "widen":
      return `widen ${statement.collection}.${statement.field} to ${specText(statement.to)}`;
    case "minimum":
      return `minimum version ${statement.version}`;
    case "create":
      return `create ${statement.collection}`;
    default: {
      const what = `${statement.collection}${statement.field === undefined ? "" : `.${statement.field}`}`;
      const to = statement.do === "rename" ? ` to ${statement.to}` : "";
      const as = statement.do === "undrop" && statement.as !== undefined ? ` as ${statement.as}` : "";
      return `${statement.do} ${what}${to}${as}`;
    }
  }
}
