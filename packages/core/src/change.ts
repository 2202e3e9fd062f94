/**
 * The change format, writer and reader: docs/change-format.md says it in words.
 *
 * A change is one transaction of one author on one document, self-contained: whoever has its bytes knows where it
 * belongs, what it needs and, given the types, what it does. The bytes are stored, hashed and relayed as they are.
 * There is exactly one encoding of each change, and the reader refuses all others; hence a change that was decoded
 * and encoded again is the same bytes.
 *
 * `observed` names, for other authors, a counter that whoever applies this change must have reached: the document's
 * heads that this author saw, and everything that its ops remove or reset. An op that removed what a replica has yet
 * to see would leave replicas different for ever, so what ops mention is bounded by it, and one comparison with
 * author counters at admission is enough to keep it out.
 */
import { AuthorTable, readEntries, writeEntries } from "./author-table.js";
import { type ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import { type Dots, NO_DOTS } from "./dots.js";
import { BrokenInvariant, InvalidValue, LimitExceeded } from "./errors.js";
import { type Author, checkDocumentName, type DocumentName, type Dot, documentId, isAuthor } from "./ids.js";
import { CORE_LIMITS } from "./limits.js";
import { checkPath, type Path, pathKey, readPath, writePathSteps } from "./path.js";
import { attempt, type Result } from "./result.js";
import { openSealed, SEAL_BYTES, sealed } from "./sealed.js";
import { type Op, typeAt } from "./types.js";

/** What is known of a change without decoding its ops. */
export interface ChangeHead {
  readonly document: DocumentName;
  readonly author: Author;
  /** Counter of the first op. */
  readonly first: number;
  /** Counter of the last op. */
  readonly last: number;
  readonly stamp: Stamp;
  /** Of other authors: what must have been applied before. Ascending by author, one entry each. */
  readonly observed: readonly Dot[];
  /** Whether it deletes its document, brings it back or begins a new one in its place. Told by `readChangeHead`. */
  readonly isOfLife?: boolean;
}

export interface Change extends ChangeHead {
  readonly paths: readonly Path[];
  /** The op at index i has counter `first + i`. */
  readonly ops: readonly ChangeOp[];
  /** The change as it is stored and sent. Not to be changed. */
  readonly bytes: Uint8Array;
}

/** One op of a change, with where it goes. */
export interface ChangeOp {
  /** Index into `paths`. */
  readonly path: number;
  readonly op: Op | OpaqueOp;
}

/** An op of a kind, an opcode or a depth that this version does not understand: its payload as it came. */
export interface OpaqueOp {
  readonly act: "opaque";
  readonly bytes: Uint8Array;
}

/** What a change is made of. Paths are in the order in which the ops first use them. */
export interface ChangeDraft {
  readonly document: DocumentName;
  readonly author: Author;
  readonly first: number;
  readonly stamp: Stamp;
  /** What the author has observed. What the ops mention is added to it. */
  readonly observed: readonly Dot[];
  readonly paths: readonly Path[];
  readonly ops: readonly ChangeOp[];
}

/** `collection/key@author:first-last`: for logs and messages. */
export function changeId(head: Pick<ChangeHead, "document" | "author" | "first" | "last">): string {
  return `${documentId(head.document)}@${head.author}:${head.first}-${head.last}`;
}

/** The one encoding of a change. Throws `InvalidValue` and `LimitExceeded`. O(size). */
export function encodeChange(draft: ChangeDraft): Uint8Array {
  return createChange(draft).bytes;
}

/** The change of a draft, equal to what `decodeChange` makes of its bytes. Throws like `encodeChange`. */
export function createChange(draft: ChangeDraft): Change {
  checkDraft(draft);
  for (const path of draft.paths) checkPath(path);
  return recordedChange(draft);
}

/** The same of a draft of which names and paths are known to be right. */
export function recordedChange(draft: ChangeDraft): Change {
  const { document, author, first, stamp, paths, ops } = draft;
  checkOrigin(draft);
  const observed = withMentions(draft);
  const { authorsPerChangeMax, pathsPerChangeMax, opsPerChangeMax, changeBytesMax } = CORE_LIMITS;
  if (observed.length > authorsPerChangeMax) beyond("authorsPerChangeMax");
  if (paths.length > pathsPerChangeMax) beyond("pathsPerChangeMax");
  if (ops.length > opsPerChangeMax) beyond("opsPerChangeMax");

  const out = new ByteWriter();
  out.byte(CHANGE_VERSION);
  out.text(document.collection);
  out.text(document.key);
  out.uint(author);
  out.uint(first);
  out.uint(stamp);
  writeEntries(out, observed);
  out.uint(paths.length);
  for (const path of paths) writePathSteps(out, path);
  out.uint(ops.length);
  const authors = AuthorTable.ofChange(author, observed);
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i]!;
    authors.limitFirst(first + i - 1);
    out.uint(op.path);
    const start = out.open();
    writePayload(out, paths[op.path]!, op, authors);
    out.close(start);
    if (out.length + SEAL_BYTES > changeBytesMax) beyond("changeBytesMax");
  }
  const bytes = sealed(out);
  return { document, author, first, last: first + (ops.length - 1), stamp, observed, paths, ops, bytes };
}

/** Never throws; allocates at most a constant times the input. The change keeps `bytes`, it makes no copy. */
export function decodeChange(bytes: Uint8Array): Result<Change> {
  return attempt(() => {
    const input = openSealed(bytes, CORE_LIMITS.changeBytesMax);
    const head = readHead(input);
    const ops = readOps(input, head);
    const { document, author, first, last, stamp, observed, paths } = head;
    return { document, author, first, last, stamp, observed, paths, ops, bytes };
  });
}

/** The head alone: the ops are covered by the checksum, but not looked at. Never throws. O(size), for the checksum. */
export function readChangeHead(bytes: Uint8Array): Result<ChangeHead> {
  return attempt(() => headOfChange(readHead(openSealed(bytes, CORE_LIMITS.changeBytesMax))));
}

/** The same of a change that was decoded already. */
export function headOfChange(change: ChangeHead & Pick<Change, "paths">): ChangeHead {
  const { document, author, first, last, stamp, observed, paths } = change;
  const head = { document, author, first, last, stamp, observed };
  return paths.some((path) => path[0]!.name === "~deleted") ? { ...head, isOfLife: true } : head;
}

/** The table of paths alone. Never throws. O(size), for the checksum. */
export function readChangePaths(bytes: Uint8Array): Result<readonly Path[]> {
  return attempt(() => readHead(openSealed(bytes, CORE_LIMITS.changeBytesMax)).paths);
}

/** Passes over the head of a change that is known to be one, up to its table of paths. */
export function skipHead(input: ByteReader): void {
  input.skip(1);
  for (let texts = 2; texts > 0; texts--) input.skip(input.uint());
  for (let numbers = 3; numbers > 0; numbers--) input.uint();
  for (let numbers = 2 * input.uint(); numbers > 0; numbers--) input.uint();
}

// On disks and the wire for ever.
/** The version of a change's encoding. */
export const CHANGE_VERSION = 1;

type Head = ChangeHead & Pick<Change, "paths"> & { readonly opCount: number };

function checkOrigin({ author, first, stamp, ops }: ChangeDraft): void {
  if (!isAuthor(author)) throw new InvalidValue(`an author is an integer from 1 to 2^53 - 1, not ${author}`);
  if (!Number.isSafeInteger(stamp) || stamp < 0) throw new InvalidValue(`not a stamp: ${stamp}`);
  if (!(first >= 1) || !Number.isSafeInteger(first + (ops.length - 1)))
    throw new InvalidValue(`not a counter: ${first}`);
  if (ops.length === 0) throw new InvalidValue("a change has at least one op");
}

function checkDraft({ document, paths, ops }: ChangeDraft): void {
  const reason = checkDocumentName(document);
  if (reason !== undefined) throw new InvalidValue(reason);
  let used = 0;
  for (const { path } of ops) if (path === used) used++;
  const keys = new Set(paths.map(pathKey));
  if (used !== paths.length || keys.size !== paths.length || ops.some(({ path }) => path >= used)) {
    throw new BrokenInvariant("paths are numbered in the order in which ops first use them");
  }
}

/** The observed counters raised to whatever the ops mention of other authors. */
function withMentions({ author, observed, paths, ops }: ChangeDraft): Dots {
  let counters: Map<Author, number> | undefined;
  const raise = (other: Author, counter: number): void => {
    if (other === author) return;
    counters ??= new Map();
    counters.set(other, Math.max(counter, counters.get(other) ?? 0));
  };
  for (const dot of observed) raise(dot.author, dot.counter);
  for (const { path, op } of ops) {
    if (op.act !== "opaque") typeAt(paths[path]!)?.mentions(op, raise);
  }
  if (counters === undefined) return NO_DOTS;
  return [...counters].sort(([a], [b]) => a - b).map(([other, counter]) => ({ author: other, counter }));
}

function writePayload(out: ByteWriter, path: Path, { op }: ChangeOp, authors: AuthorTable): void {
  if (op.act === "opaque") {
    out.raw(op.bytes);
    return;
  }
  const type = typeAt(path);
  if (type === undefined) throw new BrokenInvariant(`"${op.act}" on a path without a type`);
  type.writeOp(out, op, authors);
}

function readHead(input: ByteReader): Head {
  const version = input.byte();
  if (version !== CHANGE_VERSION) input.fail(`change format ${version}, known is ${CHANGE_VERSION}`, 0);
  const document = readDocumentName(input);
  const author = readAuthor(input);
  const first = readCounter(input);
  const stamp = input.uint();
  const observedAt = input.offset;
  const observed = readEntries(input, CORE_LIMITS.authorsPerChangeMax);
  if (observed.some((dot) => dot.author === author)) input.fail("an author who observes himself", observedAt);
  const paths: Path[] = [];
  const pathsAt = input.offset;
  for (let left = input.count(CORE_LIMITS.pathsPerChangeMax, 4); left > 0; left--)
    paths.push(readPath(input));
  if (paths.length > 1 && new Set(paths.map(pathKey)).size < paths.length)
    input.fail("a path twice", pathsAt);
  const opsAt = input.offset;
  const opCount = input.count(CORE_LIMITS.opsPerChangeMax, 2);
  if (opCount === 0) input.fail("a change without ops", opsAt);
  const last = first + (opCount - 1);
  if (!Number.isSafeInteger(last)) input.fail("counters of 2^53 and more", opsAt);
  return { document, author, first, last, stamp, observed, paths, opCount };
}

/** Collection and key, checked. */
export function readDocumentName(input: ByteReader): DocumentName {
  const at = input.offset;
  const collection = input.text(CORE_LIMITS.collectionBytesMax);
  const document = { collection, key: input.text(CORE_LIMITS.keyBytesMax) };
  const reason = checkDocumentName(document);
  if (reason !== undefined) input.fail(reason, at);
  return document;
}

function readAuthor(input: ByteReader): Author {
  const at = input.offset;
  const author = input.uint();
  if (author === 0) input.fail("no author has number 0", at);
  return author;
}

function readCounter(input: ByteReader): number {
  const at = input.offset;
  const counter = input.uint();
  if (counter === 0) input.fail("an op 0: counters begin with 1", at);
  return counter;
}

function readOps(input: ByteReader, head: Head): ChangeOp[] {
  const authors = AuthorTable.ofChange(head.author, head.observed);
  const ops: ChangeOp[] = [];
  let used = 0;
  while (ops.length < head.opCount) {
    const at = input.offset;
    const path = input.uint();
    // A path not used before must be the next one of the table.
    if (path > used || path >= head.paths.length) input.fail("a path out of order", at);
    if (path === used) used++;
    authors.limitFirst(head.first + ops.length - 1);
    ops.push({ path, op: readPayload(input, head.paths[path]!, authors) });
  }
  if (used < head.paths.length) input.fail("a path that no op uses");
  input.end();
  return ops;
}

function readPayload(input: ByteReader, path: Path, authors: AuthorTable): Op | OpaqueOp {
  const payload = input.within(input.uint(CORE_LIMITS.changeBytesMax));
  const start = payload.offset;
  const type = typeAt(path);
  const op = type?.readOp(payload, authors);
  if (op !== undefined) {
    payload.end();
    return op;
  }
  return { act: "opaque", bytes: payload.rewind(start) };
}

function beyond(name: keyof typeof CORE_LIMITS): never {
  throw new LimitExceeded(`${name} is ${CORE_LIMITS[name]}`);
}
