/**
 * How text is read: by a Y.Doc made of all updates of a document, where nobody has one at hand.
 *
 * It is made when somebody asks and kept for the next time, when it only takes what has arrived since.
 */
import { readTextWith, type TextFields, type TextMark, type Value } from "@syncline/core";
import * as Y from "yjs";
import { Arrived } from "./arrived.js";
import { NOTHING } from "./roots.js";
import { readUpdate } from "./update.js";

/** A Y.Doc of what some text fields hold. */
export class Reading {
  doc = new Y.Doc();
  #marks = new Map<string, TextMark>();

  /** Takes what has arrived. */
  update(fields: TextFields): void {
    const news = fields.map(([name, state]) => state.since(this.#marks.get(name)));
    const known = this.#marks.size;
    const isRenewed = fields.filter(([name]) => this.#marks.has(name)).length < known;
    const isBroken = fields.some(([name], i) => this.#marks.has(name) && news[i] === undefined);
    if (isBroken || isRenewed) {
      // Yjs takes nothing back.
      this.doc = new Y.Doc();
      this.#marks = new Map();
      this.update(fields);
      return;
    }
    applyAll(
      this.doc,
      fields.flatMap(([, state], i) => news[i] ?? state.updates()),
    );
    for (const [name, state] of fields) this.#marks.set(name, state.mark());
  }
}

/**
 * Applies updates in one transaction, whose origin is given to those who listen. What is no update is left out: no
 * master lets it in, but whoever has made it has it until he hears that.
 */
export function applyAll(doc: Y.Doc, updates: readonly Uint8Array[], origin?: unknown): void {
  if (updates.length > 0) Y.applyUpdate(doc, merged(updates), origin);
}

/** Many one by one cost much more than all in one. */
function merged(updates: readonly Uint8Array[]): Uint8Array {
  let left: readonly Uint8Array[] = updates.filter((update) => readUpdate(update, "allowed").ok);
  // For each struct Yjs sorts all that it merges anew: of a hundred thousand at once that is hours.
  while (left.length > 1) {
    const next: Uint8Array[] = [];
    for (let at = 0; at < left.length; at += MERGED_AT_ONCE) {
      next.push(Y.mergeUpdates(left.slice(at, at + MERGED_AT_ONCE)));
    }
    left = next;
  }
  return left[0] ?? NOTHING;
}

const MERGED_AT_ONCE = 32;

/** What a root shows: the string of a text, the markup of an XML fragment. */
export function shownText(doc: Y.Doc, name: string): string {
  return isXml(doc, name) ? doc.getXmlFragment(name).toString() : doc.getText(name).toString();
}

/** The elements of a fragment are types, and those of a text are characters. */
export function isXml(doc: Y.Doc, name: string): boolean {
  const root = doc.share.get(name);
  if (root instanceof Y.XmlFragment) return true;
  for (let item = root?._start ?? null; item !== null; item = item.right) {
    if (item.content instanceof Y.ContentType) return true;
    if (!item.deleted && item.content.isCountable()) return false;
  }
  return false;
}

const readings = new WeakMap<object, Reading>();

const arrivals = new WeakMap<object, Arrived>();

readTextWith({
  merge: merged,

  fits(fields, updates) {
    // One that cannot be read is refused for that.
    const summaries = updates.flatMap((update) => {
      const read = readUpdate(update);
      return read.ok ? [read.value] : [];
    });
    // The document is not known here; a text of it is.
    const owner = fields[0]?.[1] ?? fields;
    let known = arrivals.get(owner);
    if (known?.holdsFor(fields) !== true) arrivals.set(owner, (known = new Arrived()));
    known.learn(fields);
    return known.after(summaries) !== undefined;
  },

  json(owner: object, name: string, fields: TextFields): Value | undefined {
    let reading = readings.get(owner);
    if (reading === undefined) readings.set(owner, (reading = new Reading()));
    try {
      reading.update(fields);
      return shownText(reading.doc, name);
    } catch {
      // What was let in before anybody looked at it, or nested deeper than the stack.
      readings.delete(owner);
      return undefined;
    }
  },
});
