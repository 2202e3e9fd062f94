/**
 * A digest of what a document shows: 64 bits that are equal for equal contents, whatever the history.
 *
 * It is the sum over all that is shown of a hash of its path and its value. So a value that changes is taken out of the sum
 * and put in again, and the others are not looked at; and unlike an exclusive or a sum does not lose what is there twice.
 * A map that shows nothing but that it is there counts by its path alone.
 */

import type { BareDocument } from "./document.js";
import { type Digest, digestBits, Hash, minusDigest, NO_DIGEST, plusDigest } from "./hash.js";
import { isOwnField } from "./own-fields.js";
import { type Path, pathKey } from "./path.js";
import { isContainerAt, laterKinds, shownAt, visitPlaces } from "./places.js";
import { watch } from "./watching.js";

/**
 * The digest of what a document shows now. O(size) the first time it is asked; from then on O(fields) and of what was
 * written to since, and nothing if that is nothing. Throws `BrokenInvariant` in the middle of a transaction.
 */
export function digestOf(document: BareDocument): bigint {
  let digests = known.get(document);
  if (digests === undefined) {
    digests = new Digests(document);
    known.set(document, digests);
  }
  return digestBits(digests.now());
}

const known = new WeakMap<BareDocument, Digests>();

class Digests {
  readonly #document: BareDocument;
  readonly #parts = new Map<string, Digest>();
  /** Paths that were written to since. */
  readonly #changed = new Map<string, Path>();
  #isAnythingChanged = true;
  #sum = NO_DIGEST;
  /** The sum, and what the names of the fields add to it. */
  #whole = NO_DIGEST;

  constructor(document: BareDocument) {
    this.#document = document;
    watch(document, {
      before: (path) => {
        if (path === undefined || isOwnField(path[0]!.name)) this.#isAnythingChanged = true;
        else this.#note(path);
      },
      after: () => {},
    });
  }

  now(): Digest {
    this.#document.mustBeIdle();
    if (!this.#isAnythingChanged && this.#changed.size === 0) return this.#whole;
    if (this.#isAnythingChanged) {
      this.#parts.clear();
      this.#sum = NO_DIGEST;
      visitPlaces(this.#document, (path) => this.#changed.set(pathKey(path), path));
    }
    for (const [key, path] of this.#changed) this.#look(key, path);
    this.#changed.clear();
    this.#isAnythingChanged = false;
    this.#whole = plusDigest(this.#sum, this.#names());
    return this.#whole;
  }

  /** A map may become empty, or not, by what is written inside of it. */
  #note(path: Path): void {
    for (let steps = path; steps.length > 0; steps = steps.slice(0, -1))
      this.#changed.set(pathKey(steps), steps);
  }

  #look(key: string, path: Path): void {
    const before = this.#parts.get(key);
    if (before !== undefined) this.#sum = minusDigest(this.#sum, before);
    const now = partOf(this.#document, path);
    if (now === undefined) this.#parts.delete(key);
    else {
      this.#parts.set(key, now);
      this.#sum = plusDigest(this.#sum, now);
    }
  }

  /** Who of several kinds has the bare name depends on which was first, and is shown. */
  #names(): Digest {
    let sum = NO_DIGEST;
    for (const path of laterKinds(this.#document)) {
      if (shownAt(this.#document, path) === undefined) continue;
      sum = plusDigest(sum, hashOf(path).word(LATER).end());
    }
    return sum;
  }
}

function partOf(document: BareDocument, path: Path): Digest | undefined {
  const value = shownAt(document, path);
  if (value === undefined) return undefined;
  // Of a container only that it is there counts, and only where nothing in it says so.
  if (isContainerAt(document, path))
    return Object.keys(value ?? {}).length > 0 ? undefined : hashOf(path).end();
  return hashOf(path).word(SHOWN).value(value).end();
}

const SHOWN = 1;
const LATER = 2;

function hashOf(path: Path): Hash {
  const hash = new Hash();
  for (const { name, kind } of path) hash.word(kind).text(name);
  return hash;
}
