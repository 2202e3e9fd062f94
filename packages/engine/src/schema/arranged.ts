import { type CatalogCollection, fieldWithId } from "./catalog.js";

/**
 * What a document shows, under the names of the schema: the schema's field has the bare name, what was dropped is left
 * out, and what the schema does not know is shown as it is, so that nothing is lost by a schema that lags behind. If
 * it uses a name that the schema has given to another field, it is `name@kind`.
 */
export function arranged<T>(
  collection: CatalogCollection | undefined,
  shown: Readonly<Record<string, T>>,
  kinds: Readonly<Record<string, string>>,
): Record<string, T> {
  if (collection === undefined) return shown;
  const taken = new Set(collection.fields.filter(({ dropped }) => !dropped).map(({ key }) => key));
  const result: [string, T][] = [];
  for (const [key, value] of Object.entries(shown)) {
    const kind = kinds[key] ?? "";
    const id = key.endsWith(`@${kind}`) ? key.slice(0, -kind.length - 1) : key;
    const field = fieldWithId(collection, id, kind);
    if (field?.dropped === true) continue;
    result.push([field?.key ?? (taken.has(key) ? `${id}@${kind}` : key), value]);
  }
  return Object.fromEntries(result);
}
