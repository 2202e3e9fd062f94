/**
 * What changes in a document, told after the whole change: where, what was there before and what is there now.
 *
 * Nothing is looked at while nobody listens, and of a change only the places that its ops go to: a place is a field, or
 * what is under a key of a map. What is written and not shown (an older write, a renewed element) is no news.
 */

import type { BareDocument } from "./document.js";
import { Hash } from "./hash.js";
import type { Author } from "./ids.js";
import { kindName } from "./kinds.js";
import { isOwnField } from "./own-fields.js";
import { type Path, pathKey } from "./path.js";
import { isContainerAt, shownAt, visitPlaces } from "./places.js";
import { typeOf } from "./types.js";
import type { Value } from "./value.js";
import { watch } from "./watching.js";

/** One place whose content has changed. */
export interface PlaceChange {
  /** The field, and the keys below it. */
  readonly path: readonly string[];
  /** The kind of what is there: two kinds under one name are two places. */
  readonly kind: string;
  /** The kinds of all steps of the path, of which `kind` is the last: a map and a record of one name are two places too. */
  readonly kinds: readonly string[];
  /** Undefined for nothing, and for a sum that is no exact number. Of a set or list all of it, before and after. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

/** What one transaction has changed; or a state that was merged in, or that took the document's place. */
export interface DocumentEvent {
  /** True for a transaction that was made on this very document. */
  readonly local: boolean;
  /** Who made the change, undefined where it is not one change. */
  readonly author: Author | undefined;
  /** At least one, in the order in which they were written to. */
  readonly changes: readonly PlaceChange[];
}

/**
 * Calls `listener` after every change that shows: never in the middle of one, and in their order, also for changes that a
 * listener makes. What it throws goes to whoever made the change, which stands, and of which all others hear. Returns a function that ends this.
 */
export function observe(document: BareDocument, listener: (event: DocumentEvent) => void): () => void {
  let before = new Map<string, Place>();
  /** Whether the document may come or go as a whole. */
  let isWhole = false;
  const waiting: DocumentEvent[] = [];
  let isTelling = false;
  const tell = (): void => {
    if (isTelling) return;
    isTelling = true;
    try {
      for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) listener(event);
    } finally {
      isTelling = false;
    }
  };
  return watch(document, {
    before(path) {
      if (path === undefined) before = placesOf(document);
      else if (isOwnField(path[0]!.name)) {
        isWhole = true;
        before = new Map([...placesOf(document), ...before]);
      } else
        for (const place of touchedBy(path))
          if (!before.has(pathKey(place))) before.set(pathKey(place), placeAt(document, place));
    },
    after(origin) {
      const [then, wasWhole] = [before, isWhole];
      before = new Map();
      isWhole = false;
      if (origin === undefined) return;
      const isMerged = origin.author === undefined;
      const now = isMerged
        ? placesOf(document)
        : new Map([...then].map(([key, { path }]) => [key, placeAt(document, path)]));
      if (wasWhole) for (const [key, place] of placesOf(document)) now.set(key, place);
      const changes = changesBetween(then, now);
      if (changes.length === 0) return;
      waiting.push({ local: origin.local, author: origin.author, changes });
      tell();
    },
  });
}

/** What is shown elsewhere in another document than in this one. O(size of both). */
export function differences(from: BareDocument, to: BareDocument): PlaceChange[] {
  return changesBetween(placesOf(from), placesOf(to));
}

/** The place that an op goes to, and a field that is made by an op of a later version on something inside of it. */
function touchedBy(path: Path): Path[] {
  const field = path.slice(0, 1);
  return path.length > 1 && typeOf(path[0]!.kind)?.isContainer === false ? [path, field] : [path];
}

interface Place {
  readonly path: Path;
  readonly value: Value | undefined;
}

function placeAt(document: BareDocument, path: Path): Place {
  return { path, value: shownAt(document, path) };
}

/** Everything that is shown by itself: of maps those in which nothing is. */
function placesOf(document: BareDocument): Map<string, Place> {
  const places = new Map<string, Place>();
  visitPlaces(document, (path) => {
    const place = placeAt(document, path);
    const isFull = isContainerAt(document, path) && Object.keys(place.value ?? {}).length > 0;
    if (place.value !== undefined && !isFull) places.set(pathKey(path), place);
  });
  return places;
}

function changesBetween(
  before: ReadonlyMap<string, Place>,
  after: ReadonlyMap<string, Place>,
): PlaceChange[] {
  const changes: PlaceChange[] = [];
  const compare = (path: Path, was: Value | undefined, is: Value | undefined): void => {
    if (isSame(was, is)) return;
    const kinds = path.map(({ kind }) => kindName(kind) ?? String(kind));
    changes.push({
      path: path.map(({ name }) => name),
      kind: kinds.at(-1)!,
      kinds,
      before: was,
      after: is,
    });
  };
  for (const [key, { path, value }] of before) compare(path, value, after.get(key)?.value);
  for (const [key, { path, value }] of after) if (!before.has(key)) compare(path, undefined, value);
  return changes;
}

function isSame(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || typeof a !== "object" || typeof b !== "object") return false;
  const [x, y] = [new Hash().value(a).end(), new Hash().value(b).end()];
  return x.high === y.high && x.low === y.low;
}
