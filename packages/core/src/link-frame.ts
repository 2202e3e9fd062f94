/**
 * The words that frames of links are made of: how both ends say who wrote, when, on what path and after what.
 * docs/encoding.md says it in a grammar.
 */
import type { ByteReader, ByteWriter } from "./bytes.js";
import { readDocumentName } from "./change.js";
import type { Stamp } from "./clock.js";
import { type Author, type DocumentName, type Dot, documentId } from "./ids.js";
import {
  FORGOTTEN,
  LinkDictionary,
  type LinkPath,
  type LinkShape,
  type LinkWriter,
} from "./link-dictionary.js";
import { type Path, pathKey, readPath } from "./path.js";
import { LAYOUT, type Layout, readLayout } from "./payload-layout.js";

// On the wire for ever. Numbers of shapes follow.
export const FORM = {
  /** A change as it is stored. */
  plain: 0,
  /** Several ops, in columns. */
  batch: 1,
  /** One op, with a shape or a head that is not implied. */
  one: 2,
  /** One op of the shape with number 0, and so on. */
  shape: 3,
} as const;

/** Everything of a change's head that a frame does not imply. */
export interface LinkHead {
  readonly writer: LinkWriter;
  readonly first: number;
  readonly stamp: Stamp;
  readonly observed: readonly Dot[];
}

/** What is known at the end that encodes. */
export class LinkSpeaker extends LinkDictionary {
  readonly #documents = new Map<string, NonNullable<LinkWriter["document"]>>();
  readonly #paths = new Map<string, LinkPath>();

  writerOf(name: DocumentName, author: Author): LinkWriter | undefined {
    return this.#documents.get(documentId(name))?.writers?.get(author);
  }

  writeWriter(out: ByteWriter, name: DocumentName, author: Author): LinkWriter {
    const known = this.writerOf(name, author);
    if (known !== undefined) {
      out.uint(known.number + 1);
      return known;
    }
    out.uint(0);
    const id = documentId(name);
    let document = this.#documents.get(id);
    if (document === undefined) {
      out.uint(0);
      out.text(name.collection);
      out.text(name.key);
      document = { number: FORGOTTEN, name };
      const before = this.documents.add(document);
      if (before !== undefined) this.#documents.delete(documentId(before.name));
      this.#documents.set(id, document);
    } else {
      out.uint(document.number + 1);
    }
    out.uint(author);
    const writer: LinkWriter = { number: FORGOTTEN, document, author, next: 1 };
    const before = this.writers.add(writer);
    before?.document.writers?.delete(before.author);
    document.writers ??= new Map();
    document.writers.set(author, writer);
    return writer;
  }

  pathOf(path: Path): LinkPath | undefined {
    return this.#paths.get(pathKey(path));
  }

  /** @param bytes how the path stands in a change. @param keep whether it takes a number. */
  writePath(out: ByteWriter, path: Path, bytes: Uint8Array, keep: boolean): LinkPath {
    const known = this.pathOf(path);
    if (known !== undefined) {
      out.uint(known.number + 1);
      return known;
    }
    out.uint(0);
    out.raw(bytes);
    const fresh: LinkPath = { number: FORGOTTEN, path, bytes: bytes.slice() };
    if (keep) {
      const before = this.paths.add(fresh);
      if (before !== undefined) this.#paths.delete(pathKey(before.path));
      this.#paths.set(pathKey(path), fresh);
    }
    return fresh;
  }

  shapeOf(writer: LinkWriter, path: Path, layout: Layout, opcode: number): LinkShape | undefined {
    return writer.shapes?.get(shapeKey(path, layout, opcode));
  }

  writeShape(
    out: ByteWriter,
    shape: Omit<LinkShape, "number" | "path">,
    path: Path,
    bytes: Uint8Array,
  ): void {
    const { writer, layout, opcode } = shape;
    const fresh: LinkShape = {
      number: FORGOTTEN,
      writer,
      layout,
      opcode,
      path: this.writePath(out, path, bytes, true),
    };
    out.byte(layout);
    if (layout !== LAYOUT.raw) out.byte(opcode);
    const before = this.shapes.add(fresh);
    before?.writer.shapes?.delete(shapeKey(before.path.path, before.layout, before.opcode));
    writer.shapes ??= new Map();
    writer.shapes.set(shapeKey(path, layout, opcode), fresh);
  }

  /** First op, stamp and what was observed. */
  writeHead(out: ByteWriter, { writer, first, stamp, observed }: LinkHead): void {
    out.int(first - writer.next);
    this.writeStamp(out, stamp);
    out.uint(observed.length);
    for (const { author, counter } of observed) {
      const other = this.writeWriter(out, writer.document.name, author);
      out.int(counter + 1 - other.next);
      other.next = counter + 1;
    }
  }

  /**
   * The difference from the stamp before: of the stamps themselves, or of their milliseconds where the other part is
   * zero, which it is when somebody writes now and then.
   */
  writeStamp(out: ByteWriter, stamp: Stamp): void {
    const difference = stamp - this.stamp;
    const ms = stamp % PER_MS === 0 ? stamp / PER_MS - Math.floor(this.stamp / PER_MS) : 0;
    this.stamp = stamp;
    if (ms !== 0) out.uint(2 * folded(ms) + 1);
    else if (Math.abs(difference) < DIFFERENCE_MAX) out.uint(2 * folded(difference));
    else {
      out.uint(1);
      out.uint(stamp);
    }
  }
}

/** What is known at the end that decodes. */
export class LinkListener extends LinkDictionary {
  readWriter(input: ByteReader): LinkWriter {
    const number = input.uint();
    if (number > 0) return this.writers.read(number - 1, input);
    const known = input.uint();
    const document =
      known > 0
        ? this.documents.read(known - 1, input)
        : { number: FORGOTTEN, name: readDocumentName(input) };
    if (known === 0) this.documents.add(document);
    const at = input.offset;
    const author = input.uint();
    if (author === 0) input.fail("no author has number 0", at);
    const writer: LinkWriter = { number: FORGOTTEN, document, author, next: 1 };
    this.writers.add(writer);
    return writer;
  }

  readPath(input: ByteReader, keep: boolean): LinkPath {
    const number = input.uint();
    if (number > 0) return this.paths.read(number - 1, input);
    const start = input.offset;
    const path = readPath(input);
    const fresh: LinkPath = { number: FORGOTTEN, path, bytes: input.since(start).slice() };
    if (keep) this.paths.add(fresh);
    return fresh;
  }

  readShape(input: ByteReader): LinkShape {
    const number = input.uint();
    if (number > 0) return this.shapes.read(number - 1, input);
    const writer = this.readWriter(input);
    const path = this.readPath(input, true);
    const layout = readLayout(input);
    const opcode = layout === LAYOUT.raw ? 0 : input.byte();
    const shape: LinkShape = { number: FORGOTTEN, writer, path, layout, opcode };
    this.shapes.add(shape);
    return shape;
  }

  readHead(input: ByteReader, writer: LinkWriter): LinkHead {
    const first = this.#readCounter(input, writer.next);
    const stamp = this.readStamp(input);
    const observed: Dot[] = [];
    for (let left = input.count(Number.MAX_SAFE_INTEGER, 2); left > 0; left--) {
      const other = this.readWriter(input);
      const counter = this.#readCounter(input, other.next - 1);
      other.next = counter + 1;
      observed.push({ author: other.author, counter });
    }
    return { writer, first, stamp, observed };
  }

  readStamp(input: ByteReader): Stamp {
    const at = input.offset;
    const code = input.uint();
    const difference = unfolded(Math.floor(code / 2));
    let stamp = this.stamp + difference;
    if (code === 1) stamp = input.uint();
    else if (code % 2 === 1) stamp = (Math.floor(this.stamp / PER_MS) + difference) * PER_MS;
    if (!Number.isSafeInteger(stamp) || stamp < 0) input.fail("not a stamp", at);
    this.stamp = stamp;
    return stamp;
  }

  #readCounter(input: ByteReader, from: number): number {
    const at = input.offset;
    const counter = from + input.int();
    if (!Number.isSafeInteger(counter) || counter < 1) input.fail("not a counter", at);
    return counter;
  }
}

const PER_MS = 4096;
const DIFFERENCE_MAX = 2 ** 50;

/** Integers as natural numbers, small ones as small ones. */
function folded(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unfolded(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

function shapeKey(path: Path, layout: Layout, opcode: number): string {
  return `${layout}.${opcode} ${pathKey(path)}`;
}
