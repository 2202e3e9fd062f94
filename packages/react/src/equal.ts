/** Whether two values of documents are the same data: lists and objects are compared by what they contain. */
export function isSameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const prototype = Object.getPrototypeOf(a);
  const isData = prototype === Object.prototype || Array.isArray(a) || a instanceof Uint8Array;
  if (!isData || Object.getPrototypeOf(b) !== prototype) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isSameData(Reflect.get(a, key), Reflect.get(b, key)));
}
