export { arranged } from "./arranged.js";
export {
  Catalog,
  type CatalogCollection,
  type CatalogField,
  fieldNamed,
  fieldWithId,
  SCHEMA,
  type SchemaSource,
  sourceOf,
} from "./catalog.js";
export { diffSchema, type SchemaDiff, statementText } from "./diff.js";
export { readStatements, statementJson } from "./json.js";
export { allows, type FieldSpec, KIND_PARAMETERS, specText, typeNameOf } from "./kinds.js";
export { type Alteration, alterSchema, SchemaRefused, type Statement } from "./statements.js";
export { parseSchema, parseSpec, type SchemaFile, schemaText, TextRefused } from "./text.js";
export type { TextFault } from "./tokens.js";
