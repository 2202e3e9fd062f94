/**
 * Who and what: authors, dots, documents and fields, and which names they may have.
 *
 * Names are refused at the door and never repaired: two spellings of one document would be two documents.
 */
import { CORE_LIMITS } from "./limits.js";
import { hasControl, hasLoneSurrogate, utf8Length } from "./utf8.js";

/** One session that makes ops: a random integer from 1 to 2^53 - 1, never used again by another session. */
export type Author = number;

/** The identity of an op within its document: the `counter`-th op of `author`, counted from 1 without gaps. */
export interface Dot {
  readonly author: Author;
  readonly counter: number;
}

/** What a document is called: a collection, and a key in it. */
export interface DocumentName {
  readonly collection: string;
  readonly key: string;
}

/** `collection/key`: different documents have different ids, because a collection's name has no slash. */
export function documentId(name: DocumentName): string {
  return `${name.collection}/${name.key}`;
}

/** Reads what `documentId` writes. Without a slash the whole is a key: `checkDocumentName` refuses its empty collection. */
export function readDocumentId(id: string): DocumentName {
  const slash = id.indexOf("/");
  return { collection: id.slice(0, Math.max(0, slash)), key: id.slice(slash + 1) };
}

/** Why this cannot be a document's name, or undefined if it can. */
export function checkDocumentName(name: DocumentName): string | undefined {
  const { collection, key } = name;
  if (!COLLECTION.test(collection)) {
    return `a collection has 1 to ${CORE_LIMITS.collectionBytesMax} of A-Z a-z 0-9 _ . - and does not begin with a dot`;
  }
  return checkText("a key", key, CORE_LIMITS.keyBytesMax);
}

/** Why this cannot be a field's name, or undefined if it can. */
export function checkFieldName(name: string): string | undefined {
  const reason = checkText("a field's name", name, CORE_LIMITS.fieldBytesMax);
  if (reason !== undefined) return reason;
  if (name.includes("@")) return "a field's name has no @ (it parts name and kind)";
  return checkProperty(name);
}

/** Why this cannot be a path's step below the first (a key of a map, for instance), or undefined if it can. */
export function checkStepName(name: string): string | undefined {
  return checkLength("a path step", name, CORE_LIMITS.keyBytesMax) ?? checkProperty(name);
}

/** True for integers from 1 to 2^53 - 1. */
export function isAuthor(author: number): boolean {
  return Number.isSafeInteger(author) && author >= 1;
}

const COLLECTION = new RegExp(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,${CORE_LIMITS.collectionBytesMax - 1}}$`);

function checkText(what: string, text: string, bytesMax: number): string | undefined {
  return (
    checkLength(what, text, bytesMax) ?? (hasControl(text) ? `${what} has no control characters` : undefined)
  );
}

function checkLength(what: string, text: string, bytesMax: number): string | undefined {
  // A number would be a key of its own here, and its digits at everybody else's.
  if (
    typeof text !== "string" ||
    text.length === 0 ||
    text.length > bytesMax ||
    utf8Length(text) > bytesMax
  ) {
    return `${what} has 1 to ${bytesMax} bytes`;
  }
  if (hasLoneSurrogate(text)) return `${what} is well-formed text`;
  return undefined;
}

/** A JSON object must never gain a prototype from outside. */
function checkProperty(name: string): string | undefined {
  return name === "__proto__" ? "__proto__ is not a name" : undefined;
}
