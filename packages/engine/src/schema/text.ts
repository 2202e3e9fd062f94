import { checkDocumentName, checkFieldName } from "@syncline/core";
import { type Catalog, checkCollection, checkField } from "./catalog.js";
import { ANY, type FieldSpec, KIND_PARAMETERS, specText, VALUE_TYPES } from "./kinds.js";
import { refuse, TextRefused, type Token, Tokens } from "./tokens.js";

/**
 * The schema as people write it:
 *
 * ```
 * version 2
 *
 * collection boards {
 *   title: register<string>
 *   votes: counter
 *   heading: register<string | null> was headline
 * }
 * ```
 *
 * `was` renames: the field or collection of that name gets the new one, and keeps what it holds.
 */
export interface SchemaFile {
  /** The least version of an app that may write; absent if nothing is said. */
  readonly version: number | undefined;
  /** Where that stands. */
  readonly versionAt: Token | undefined;
  readonly collections: readonly FileCollection[];
}

export interface FileCollection {
  readonly name: string;
  readonly was: string | undefined;
  readonly fields: readonly FileField[];
  readonly at: Token;
}

export interface FileField {
  readonly name: string;
  readonly was: string | undefined;
  readonly spec: FieldSpec;
  readonly at: Token;
}

/** Throws `TextRefused` with the first thing that is wrong. */
export function parseSchema(text: string): SchemaFile {
  const tokens = new Tokens(text);
  const collections: FileCollection[] = [];
  let version: number | undefined;
  let versionAt: Token | undefined;
  for (let token = tokens.peek(); token.text !== ""; token = tokens.peek()) {
    if (tokens.takes("version")) {
      const number = tokens.word("a number");
      if (version !== undefined) refuse(token, "the version is said twice");
      if (!/^[1-9]\d{0,8}$/.test(number.text)) refuse(number, "a version is a whole number from 1");
      version = Number(number.text);
      versionAt = number;
    } else if (tokens.takes("collection")) {
      const collection = readCollection(tokens);
      if (collections.some(({ name }) => name === collection.name))
        refuse(collection.at, `collection ${collection.name} is there twice`);
      collections.push(collection);
    } else {
      refuse(token, `expected "collection" or "version", not ${JSON.stringify(token.text)}`);
    }
  }
  return { version, versionAt, collections };
}

/** A kind with what it holds, such as `register<string>`. Throws `TextRefused`. */
export function parseSpec(text: string): FieldSpec {
  const tokens = new Tokens(text);
  const spec = readSpec(tokens);
  const rest = tokens.peek();
  if (rest.text !== "") refuse(rest, `nothing may follow the kind, not ${JSON.stringify(rest.text)}`);
  return spec;
}

/** The schema as a file would say it; what was dropped is left out. */
export function schemaText(catalog: Catalog): string {
  const lines = catalog.minimum > 0 ? [`version ${catalog.minimum}`, ""] : [];
  for (const { key, fields } of catalog.live) {
    lines.push(`collection ${key} {`);
    for (const field of fields) if (!field.dropped) lines.push(`  ${field.key}: ${specText(field)}`);
    lines.push("}", "");
  }
  return lines.join("\n");
}

function readCollection(tokens: Tokens): FileCollection {
  const at = tokens.word("the name of a collection");
  const name = at.text;
  const wrong = checkDocumentName({ collection: name, key: "k" }) ?? checkCollection(name);
  if (wrong !== undefined) refuse(at, wrong);
  const was = tokens.takes("was") ? tokens.word("the former name").text : undefined;
  tokens.expect("{", `after collection ${name}`);
  const fields: FileField[] = [];
  while (!tokens.takes("}")) {
    const field = readField(tokens);
    if (fields.some((other) => other.name === field.name))
      refuse(field.at, `field ${field.name} is there twice`);
    fields.push(field);
    while (tokens.takes(";") || tokens.takes(","));
  }
  return { name, was, fields, at };
}

function readField(tokens: Tokens): FileField {
  const at = tokens.word('the name of a field, or "}"');
  const wrong = checkFieldName(at.text) ?? checkField(at.text);
  if (wrong !== undefined) refuse(at, wrong);
  tokens.expect(":", `after field ${at.text}`);
  const spec = readSpec(tokens);
  const was = tokens.takes("was") ? tokens.word("the former name").text : undefined;
  return { name: at.text, was, spec, at };
}

function readSpec(tokens: Tokens): FieldSpec {
  const at = tokens.word("a kind");
  const kind = at.text;
  if (!Object.hasOwn(KIND_PARAMETERS, kind)) {
    refuse(at, `${kind} is no kind; there are ${Object.keys(KIND_PARAMETERS).join(", ")}`);
  }
  const parameter = KIND_PARAMETERS[kind];
  const open = tokens.peek();
  if (!tokens.takes("<")) return { kind, types: parameter === undefined ? [] : [ANY] };
  if (parameter === undefined) refuse(open, `a ${kind} has nothing in angle brackets`);
  const types = new Set<string>();
  do {
    types.add(parameter === "kind" ? specText(readSpec(tokens)) : readType(tokens));
  } while (tokens.takes("|"));
  tokens.expect(">", `after what a ${kind} holds`);
  return { kind, types: [...types].sort() };
}

function readType(tokens: Tokens): string {
  const at = tokens.word("a type of values");
  if (!VALUE_TYPES.some((type) => type === at.text))
    refuse(at, `${at.text} is no type of values; there are ${VALUE_TYPES.join(", ")}`);
  return at.text;
}

export { TextRefused };
