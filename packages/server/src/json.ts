/**
 * Values as JSON, without loss: bytes, which JSON lacks, are `{"$bytes": "<base64>"}`.
 *
 * An object of the user's own that looks like that is told apart by one more dollar sign (`{"$$bytes": …}`, and so
 * on), so every value comes back as it went, and every JSON document means exactly one value.
 */
import { CORE_LIMITS, type Value } from "@syncline/core";

/** What `JSON.stringify` is given for a value. */
export function toJson(value: Value): unknown {
  if (value instanceof Uint8Array)
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64") };
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(toJson);
  const entries = Object.entries(value).map(([key, inner]) => [key, toJson(inner)] as const);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && BYTES_KEY.test(only[0]))
    return { [`$${only[0]}`]: only[1] };
  return objectOf(entries);
}

/** What a caller sent in JSON cannot be a value. */
export class NoValue extends Error {
  override readonly name = "NoValue";
}

/** The value that parsed JSON means. Throws `NoValue`. Depth is bounded; sizes are checked where the value is stored. */
export function fromJson(json: unknown, depth = 0): Value {
  if (json === null || typeof json === "boolean" || typeof json === "number" || typeof json === "string")
    return json;
  if (typeof json !== "object") throw new NoValue(`${typeof json} is no JSON`);
  if (depth >= CORE_LIMITS.valueDepthMax) throw new NoValue(`deeper than ${CORE_LIMITS.valueDepthMax}`);
  if (Array.isArray(json)) return json.map((inner: unknown) => fromJson(inner, depth + 1));
  const entries = Object.entries(json);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && BYTES_KEY.test(only[0])) {
    if (only[0] === "$bytes") return bytesOf(only[1]);
    return { [only[0].slice(1)]: fromJson(only[1], depth + 1) };
  }
  return objectOf(entries.map(([key, inner]) => [key, fromJson(inner, depth + 1)] as const));
}

const BYTES_KEY = /^\$+bytes$/;

/** Own properties only, also for a key such as `__proto__`. */
function objectOf<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(entries);
}

function bytesOf(text: unknown): Uint8Array {
  const bytes = typeof text === "string" ? new Uint8Array(Buffer.from(text, "base64")) : undefined;
  if (bytes === undefined || Buffer.from(bytes).toString("base64") !== text) {
    throw new NoValue('"$bytes" holds bytes in base64, with its padding');
  }
  return bytes;
}

const isList = (value: readonly Value[] | { readonly [key: string]: Value }): value is readonly Value[] =>
  Array.isArray(value);
