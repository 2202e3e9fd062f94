/**
 * Deltas of whole documents: what a document has that somebody with another version has not, for all of its fields at once.
 *
 * As with one replica (`delta.ts`) whoever has the version makes the other's document of it and of his own, as far as it
 * makes a difference, and joins that. A field of which nothing is new is not in it, but for the dots of what is left there.
 */
import { AuthorTable } from "./author-table.js";
import { type ByteReader, ByteWriter } from "./bytes.js";
import { readDocumentName } from "./change.js";
import { arrivalOf, fromVersion, readInterval, seenOf, type Version, writeInterval } from "./delta.js";
import { BareDocument, readHeads, STATE_VERSION } from "./document.js";
import { type Dots, hasSeen, type Seen } from "./dots.js";
import { writeFields, writeSeen } from "./encode-state.js";
import { BrokenInvariant } from "./errors.js";
import { type Field, Fields, type Use } from "./fields.js";
import type { Arrival } from "./forms.js";
import { checkFieldName, type Dot, documentId } from "./ids.js";
import type { KindTag } from "./kinds.js";
import { Left } from "./left.js";
import { CORE_LIMITS } from "./limits.js";
import { cellOf, type News, newsOf, readNews, type Test, writeNews } from "./news.js";
import { type OpaqueStore, readOpaque, writeOpaque } from "./opaque.js";
import { fieldKey } from "./path.js";
import { lwwRegister } from "./register.js";
import { attempt, type Result } from "./result.js";
import { openSealed, sealed } from "./sealed.js";
import { writeSteps } from "./state-columns.js";
import type { Cell } from "./types.js";
import { compareUtf8 } from "./utf8.js";

/** What a document has: of each author the greatest counter. */
export function documentVersion(document: BareDocument): Version {
  return [...document.seen()].sort((a, b) => a.author - b.author);
}

/**
 * What has changed in a document since a version, which may be anybody's. Throws `InvalidValue` for what is no version, and
 * `BrokenInvariant` for a document of which this build does not know everything. O(size).
 */
export function documentDeltaSince(document: BareDocument, version: Iterable<Dot>): Uint8Array {
  const { seen, heads, fields, opaque } = open(document);
  const from = fromVersion(seen, version);
  const since = seenOf(from);
  const isNew = (dot: Dot): boolean => !hasSeen(since, dot);
  const left: Dot[] = [];
  const changed: FieldNews[] = [];
  for (const { path, first, cell } of fields.all()) {
    const [{ name, kind }] = path as [{ name: string; kind: KindTag }];
    const look = { isNew, left: (dot: Dot) => left.push(dot), isWhole: false };
    const news = cell && newsOf(cell, kind, look);
    if (news !== undefined || isNew(first)) changed.push({ name, kind, first, news });
  }
  // Not as they came: who has the same says the same.
  changed.sort((a, b) => compareUtf8(a.name, b.name) || a.kind - b.kind);
  const authors = new AuthorTable(seen);
  const out = new ByteWriter();
  out.byte(DELTA_VERSION);
  out.text(document.name.collection);
  out.text(document.name.key);
  writeInterval(out, seen, from);
  writeHeads(out, heads, authors);
  Left.of(left).write(out, seen);
  out.uint(changed.length);
  for (const field of changed) writeField(out, field, authors);
  writeOpaque(
    out,
    new Map([...opaque].filter(([, { author, ops }]) => isNew({ author, counter: ops[0]!.counter }))),
    authors,
  );
  return sealed(out);
}

/**
 * Joins a delta: the same as merging the whole document that it was made of. Bad bytes, and another document's, are a
 * fault. `early`, and nothing is changed, if something from before it is missing here; `duplicate` if all of it is here.
 * O(size).
 */
export function mergeDocumentDelta(document: BareDocument, delta: Uint8Array): Result<Arrival> {
  const mine = open(document);
  const read = attempt(() => {
    const input = openSealed(delta, CORE_LIMITS.stateBytesMax);
    const version = input.byte();
    if (version !== DELTA_VERSION) input.fail(`delta format ${version}, known is ${DELTA_VERSION}`, 0);
    const name = readDocumentName(input);
    if (documentId(name) !== documentId(document.name)) input.fail(`a delta of ${documentId(name)}`);
    const { seen, from } = readInterval(input);
    const authors = new AuthorTable(seen);
    const heads = readHeads(input, authors);
    const left = Left.read(input, seen);
    const changed: FieldNews[] = [];
    for (let count = input.count(Number.MAX_SAFE_INTEGER, 6); count > 0; count--)
      changed.push(readField(input, authors));
    const opaque = readOpaque(input, authors);
    input.end();
    const arrival = arrivalOf(mine.seen, seen, from);
    if (arrival !== "applied") return arrival;
    const fields = fieldsOf(mine.fields, changed, left, seenOf(seen));
    return write(document, { seen, heads, fields, opaque });
  });
  if (!read.ok || typeof read.value === "string") return read as Result<Arrival>;
  const theirs = BareDocument.decodeState(read.value);
  if (!theirs.ok) return theirs;
  document.merge(theirs.value);
  return { ok: true, value: "applied" };
}

// On disks and wires of those who use deltas, for ever.
const DELTA_VERSION = 1;

/** What a document holds. */
interface Opened {
  readonly seen: Dots;
  readonly heads: Dots;
  readonly fields: Fields;
  readonly opaque: OpaqueStore;
}

interface FieldNews {
  readonly name: string;
  readonly kind: KindTag;
  readonly first: Use;
  readonly news: News | undefined;
}

/** To be looked at, not changed. */
function open(document: BareDocument): Opened {
  document.mustBeIdle();
  if (document.isPartial)
    throw new BrokenInvariant(`${documentId(document.name)} has fields of unknown kinds`);
  const { fields, opaque, heads: last } = BareDocument.partsOf(document);
  const heads = [...last].sort(([a], [b]) => a - b).map(([author, counter]) => ({ author, counter }));
  return { seen: documentVersion(document), heads, fields, opaque: opaque ?? new Map() };
}

function write({ name }: BareDocument, { seen, heads, fields, opaque }: Opened): Uint8Array {
  const authors = new AuthorTable(seen);
  const out = new ByteWriter();
  out.byte(STATE_VERSION);
  out.text(name.collection);
  out.text(name.key);
  writeSeen(out, seen);
  writeHeads(out, heads, authors);
  writeFields(out, fields, authors);
  writeOpaque(out, opaque, authors);
  return sealed(out);
}

function writeHeads(out: ByteWriter, heads: Dots, authors: AuthorTable): void {
  out.uint(heads.length);
  writeSteps(
    out,
    heads.map((head) => authors.slotOf(head)),
  );
}

function writeField(out: ByteWriter, { name, kind, first, news }: FieldNews, authors: AuthorTable): void {
  out.text(name);
  out.uint(kind);
  authors.writeDot(out, first);
  out.uint(first.stamp);
  out.byte(news === undefined ? 0 : 1);
  if (news !== undefined) writeNews(out, news, authors);
}

function readField(input: ByteReader, authors: AuthorTable): FieldNews {
  const at = input.offset;
  const name = input.text(CORE_LIMITS.fieldBytesMax);
  const reason = checkFieldName(name);
  if (reason !== undefined) input.fail(reason, at);
  const kind = input.uint(CORE_LIMITS.kindTagMax);
  const first = { ...authors.readDot(input), stamp: input.uint() };
  return { name, kind, first, news: input.byte() === 1 ? readNews(input, kind, authors, 1) : undefined };
}

/** The other one's fields, as far as they make a difference here. */
function fieldsOf(mine: Fields, changed: readonly FieldNews[], left: Left, have: Seen): Fields {
  const theirs = new Fields();
  const isLeft = (dot: Dot): boolean => left.has(dot);
  const put = ({ name, kind, first }: FieldNews, cell: Cell | undefined): void => {
    const field = theirs.use([{ name, kind }], first, first.stamp);
    if (cell !== undefined) field.cell?.merge(NOTHING, cell, NOTHING);
  };
  const here = new Map<string, Field>();
  for (const field of mine.all()) here.set(fieldKey(field.path[0]!.name, field.path[0]!.kind), field);
  for (const field of changed) {
    const key = fieldKey(field.name, field.kind);
    const cell = here.get(key)?.cell;
    put(
      field,
      field.news === undefined && cell === undefined
        ? undefined
        : cellOf(cell, field.kind, field.news, isLeft, have),
    );
    here.delete(key);
  }
  for (const { path, first: known, cell } of here.values()) {
    const [{ name, kind }] = path as [{ name: string; kind: KindTag }];
    // Of which all is left and nothing is new, joining it makes no difference: what is not there is not joined.
    if (isAllLeft(cell, isLeft)) continue;
    const first = firstOf(known, cell, kind, have);
    // Also where nothing is left of a field it must be there, and be empty.
    if (first !== undefined)
      put({ name, kind, first, news: undefined }, cell && cellOf(cell, kind, undefined, isLeft, have));
  }
  return theirs;
}

/** Only of registers: most fields of large documents are. */
function isAllLeft(cell: Cell | undefined, isLeft: Test): boolean {
  if (cell === undefined || !lwwRegister.isState(cell.state)) return false;
  const { siblings } = cell.state;
  return siblings.length > 0 && siblings.every(isLeft);
}

const NOTHING: Seen = new Map();

/**
 * A first use of a field of which nothing is new, undefined if nothing here was seen there. Where the one that is known here
 * was not seen there, theirs is a later one, which nobody has to know: any op on the field that was seen will do, at the
 * end of all times.
 */
function firstOf(mine: Use, cell: Cell | undefined, kind: KindTag, have: Seen): Use | undefined {
  if (hasSeen(have, mine)) return mine;
  const dots: Dot[] = [];
  const left = (dot: Dot): void => {
    if (hasSeen(have, dot)) dots.push(dot);
  };
  if (cell !== undefined) newsOf(cell, kind, { isNew: () => false, left, isWhole: false });
  const [dot] = dots;
  return dot && { ...dot, stamp: Number.MAX_SAFE_INTEGER };
}
