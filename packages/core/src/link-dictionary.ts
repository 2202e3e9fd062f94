/**
 * What both ends of a link have come to know: documents, authors, paths and shapes of changes, by number.
 *
 * Each thing takes the next number when a frame first names it, at both ends in the same order, and after the last
 * number the first is taken again: whatever had it is forgotten. So both ends agree, without a word, on what is known,
 * and neither remembers more than its limits say.
 */
import type { ByteReader } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { Author, DocumentName } from "./ids.js";
import { LINK_LIMITS } from "./limits.js";
import type { Path } from "./path.js";
import type { Layout } from "./payload-layout.js";

/** Something with a number, as long as it is known. */
export interface Numbered {
  number: number;
}

export interface LinkDocument extends Numbered {
  readonly name: DocumentName;
  /** Those who are known, at the end that encodes. */
  writers?: Map<Author, LinkWriter>;
}

/** An author in a document. */
export interface LinkWriter extends Numbered {
  readonly document: LinkDocument;
  readonly author: Author;
  /** The counter that his next change will begin with, as far as this link has heard. */
  next: number;
  /** Those that are known, at the end that encodes. */
  shapes?: Map<string, LinkShape>;
}

export interface LinkPath extends Numbered {
  readonly path: Path;
  /** As it stands in a change. */
  readonly bytes: Uint8Array;
}

/** A change of one op: everything but its stamp and its arguments. */
export interface LinkShape extends Numbered {
  readonly writer: LinkWriter;
  readonly path: LinkPath;
  readonly layout: Layout;
  /** Of layouts that have one. */
  readonly opcode: number;
}

export const FORGOTTEN = -1;

/** Things by number, the oldest making room for the newest. */
export class Ring<T extends Numbered> {
  readonly #items: T[] = [];
  readonly #max: number;
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Gives the next number, and returns what had it before. */
  add(item: T): T | undefined {
    const before = this.#items[this.#next];
    if (before !== undefined) before.number = FORGOTTEN;
    item.number = this.#next;
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#max;
    return before;
  }

  /** What a frame calls by number. */
  read(number: number, input: ByteReader): T {
    return this.#items[number] ?? input.fail(`nothing on this link has number ${number}`);
  }
}

export class LinkDictionary {
  readonly documents = new Ring<LinkDocument>(LINK_LIMITS.linkDocumentsMax);
  readonly writers = new Ring<LinkWriter>(LINK_LIMITS.linkWritersMax);
  readonly paths = new Ring<LinkPath>(LINK_LIMITS.linkPathsMax);
  readonly shapes = new Ring<LinkShape>(LINK_LIMITS.linkShapesMax);
  /** The stamp of the last change. */
  stamp: Stamp = 0;
  #sum = 0;

  /**
   * Takes note of the checksum of a change that has passed, and gives a byte that depends on all so far: a dictionary
   * that came to differ would make another change, under a right checksum, and this is how that is found.
   */
  check(checksum: number): number {
    this.#sum = Math.imul(this.#sum ^ checksum, 0x9e3779b1);
    return this.#sum >>> 24;
  }
}
