/**
 * Changes on a link: a few bytes each where both ends know from earlier ones what most of a change says.
 *
 * Frames pass in order, each once. What comes out is the change as it was stored, byte for byte, with its checksum:
 * nothing of a change's identity or of its text depends on the links that it has passed. A frame carries one byte of
 * the checksums of all changes so far, so ends that do not know the same are found out, at the latest a few frames on;
 * then, as after any other fault, the link is of no more use.
 *
 * What is said in few bytes may be long: a frame makes at most `changeBytesMax` bytes, and a constant times its own.
 */

import { writeEntries } from "./author-table.js";
import { ByteReader, ByteWriter } from "./bytes.js";
import { CHANGE_VERSION, type Change, type ChangeHead, decodeChange, skipHead } from "./change.js";
import { Malformed } from "./errors.js";
import { CORE_LIMITS } from "./limits.js";
import {
  DotLimits,
  layoutIn,
  OpColumns,
  readArguments,
  readOpColumns,
  writeArguments,
} from "./link-batch.js";
import type { LinkPath } from "./link-dictionary.js";
import { FORM, type LinkHead, LinkListener, LinkSpeaker } from "./link-frame.js";
import { type Path, readPath } from "./path.js";
import { LAYOUT } from "./payload-layout.js";
import { attempt, type Result } from "./result.js";
import { SEAL_BYTES, sealed, sealOf } from "./sealed.js";

/** What a link needs of a change: its head and its bytes. */
export interface StoredChange extends ChangeHead {
  readonly bytes: Uint8Array;
}

/** Writes changes into frames for one link. One for each direction, for as long as the link lives. */
export class LinkEncoder {
  readonly #known = new LinkSpeaker();

  /** The frame of the next change, which must be a valid one. O(size). */
  encode(change: StoredChange): Uint8Array {
    const { bytes } = change;
    const out = new ByteWriter();
    out.byte(this.#known.check(sealOf(bytes)));
    if (bytes[0] === CHANGE_VERSION) this.#write(out, change);
    else {
      // Of a later version: it passes as it is.
      out.uint(FORM.plain);
      out.raw(bytes);
    }
    return out.finish();
  }

  #write(out: ByteWriter, change: StoredChange): void {
    const { bytes, first, observed } = change;
    const input = new ByteReader(bytes, 0, bytes.length - SEAL_BYTES);
    skipHead(input);
    const pathsAt: number[] = [];
    const paths: Path[] = [];
    for (let left = input.uint(); left > 0; left--) {
      pathsAt[paths.length] = input.offset;
      paths.push(readPath(input));
    }
    pathsAt.push(input.offset);
    const bytesOfPath = (i: number) => bytes.subarray(pathsAt[i], pathsAt[i + 1]);
    const count = input.uint();
    const limits = new DotLimits(first - 1, observed);
    if (count === 1) {
      input.skip(1);
      this.#writeOne(out, change, paths[0]!, bytesOfPath(0), input.within(input.uint()), limits);
    } else {
      this.#writeHead(out, change);
      out.uint(paths.length);
      for (let i = 0; i < paths.length; i++) {
        this.#known.writePath(out, paths[i]!, bytesOfPath(i), isKept(paths.length));
      }
      this.#writeBatch(out, input, count, paths, limits);
    }
  }

  #writeHead(out: ByteWriter, { document, author, first, last, stamp, observed }: StoredChange): void {
    out.uint(FORM.batch);
    const writer = this.#known.writeWriter(out, document, author);
    this.#known.writeHead(out, { writer, first, stamp, observed });
    writer.next = last + 1;
  }

  #writeOne(
    out: ByteWriter,
    change: StoredChange,
    path: Path,
    pathBytes: Uint8Array,
    payload: ByteReader,
    limits: DotLimits,
  ): void {
    const { document, author, first, stamp, observed } = change;
    const known = this.#known;
    const layout = layoutIn(payload, path, limits);
    const opcode = layout === LAYOUT.raw ? 0 : payload.byte();
    let writer = known.writerOf(document, author);
    const shape = writer && known.shapeOf(writer, path, layout, opcode);
    if (writer !== undefined && shape !== undefined && first === writer.next && observed.length === 0) {
      out.uint(FORM.shape + shape.number);
      known.writeStamp(out, stamp);
    } else {
      out.uint(FORM.one);
      if (writer !== undefined && shape !== undefined) out.uint(shape.number + 1);
      else {
        out.uint(0);
        writer = known.writeWriter(out, document, author);
        known.writeShape(out, { writer, layout, opcode }, path, pathBytes);
      }
      known.writeHead(out, { writer, first, stamp, observed });
    }
    writer.next = first + 1;
    writeArguments(out, layout, payload, limits);
  }

  #writeBatch(
    out: ByteWriter,
    input: ByteReader,
    count: number,
    paths: readonly Path[],
    limits: DotLimits,
  ): void {
    out.uint(count);
    const columns = new OpColumns();
    for (let left = count; left > 0; left--) {
      const path = input.uint();
      const payload = input.within(input.uint());
      columns.add(path, layoutIn(payload, paths[path]!, limits), payload, limits);
      limits.own++;
    }
    columns.write(out);
  }
}

/** Reads the frames of one link back into changes. Of no more use once `decode` has failed. */
export class LinkDecoder {
  readonly #known = new LinkListener();
  #isBroken = false;

  /** The change of the next frame. Any bytes give a change or a fault; after a fault every frame is one. */
  decode(frame: Uint8Array): Result<Change> {
    const change = attempt(() => {
      if (this.#isBroken) throw new Malformed("a frame after one that was at fault");
      const input = new ByteReader(frame);
      if (frame.length > FRAME_BYTES_MAX)
        input.fail(`${frame.length} bytes, at most ${FRAME_BYTES_MAX} are allowed`);
      const check = input.byte();
      const bytes = this.#read(input);
      if (bytes.length < SEAL_BYTES || check !== this.#known.check(sealOf(bytes))) {
        input.fail("the ends of the link do not know the same", 0);
      }
      return bytes;
    });
    const result = change.ok ? decodeChange(change.value) : change;
    this.#isBroken = !result.ok;
    return result;
  }

  /** The bytes of the change. */
  #read(input: ByteReader): Uint8Array {
    const form = input.uint();
    if (form === FORM.plain) return input.rewind(input.offset).slice();
    const out = new ByteWriter();
    if (form === FORM.batch) this.#readBatch(out, input);
    else this.#readOne(out, input, form);
    return sealed(out);
  }

  #readOne(out: ByteWriter, input: ByteReader, form: number): void {
    const known = this.#known;
    const isImplied = form >= FORM.shape;
    const shape = isImplied ? known.shapes.read(form - FORM.shape, input) : known.readShape(input);
    const { writer, path, layout, opcode } = shape;
    const head = isImplied
      ? { writer, first: writer.next, stamp: known.readStamp(input), observed: [] }
      : known.readHead(input, writer);
    writer.next = head.first + 1;
    if (!Number.isSafeInteger(head.first)) input.fail("counters of 2^53 and more");
    writeChangeHead(out, head, [path]);
    out.uint(1);
    out.uint(0);
    const payload = new ByteWriter();
    if (layout !== LAYOUT.raw) payload.byte(opcode);
    readArguments(payload, layout, input, new DotLimits(head.first - 1, head.observed));
    out.nested(payload);
    payload.end();
  }

  #readBatch(out: ByteWriter, input: ByteReader): void {
    const known = this.#known;
    const head = known.readHead(input, known.readWriter(input));
    const pathCount = input.count(CORE_LIMITS.pathsPerChangeMax, 1);
    const paths: LinkPath[] = [];
    while (paths.length < pathCount) paths.push(known.readPath(input, isKept(pathCount)));
    const count = input.uint(CORE_LIMITS.opsPerChangeMax);
    head.writer.next = head.first + count;
    if (!Number.isSafeInteger(head.writer.next)) input.fail("counters of 2^53 and more");
    writeChangeHead(out, head, paths);
    out.uint(count);
    readOpColumns(input, out, count, paths.length, new DotLimits(head.first - 1, head.observed));
    input.end();
  }
}

/** A frame is at most about as long as its change: lengths of columns can be longer than what they replace. */
const FRAME_BYTES_MAX = 2 * CORE_LIMITS.changeBytesMax;

/** A batch of more paths would push out what small changes use. */
const BATCH_PATHS_KEPT_MAX = 32;

function isKept(pathCount: number): boolean {
  return pathCount <= BATCH_PATHS_KEPT_MAX;
}

function writeChangeHead(
  out: ByteWriter,
  { writer, first, stamp, observed }: LinkHead,
  paths: readonly LinkPath[],
): void {
  const { document, author } = writer;
  out.byte(CHANGE_VERSION);
  out.text(document.name.collection);
  out.text(document.name.key);
  out.uint(author);
  out.uint(first);
  out.uint(stamp);
  writeEntries(out, observed);
  out.uint(paths.length);
  for (const { bytes } of paths) out.raw(bytes);
}
