/**
 * A document: named CRDTs that change together.
 *
 * It is a function of the set of changes it holds, whatever their order and whether they came as changes (`apply`,
 * in causal order, each once) or as another replica's state (`merge`). It is a unit: a change is applied whole or
 * not at all, and a transaction that throws leaves nothing behind.
 */
import { AuthorTable } from "./author-table.js";
import type { ByteReader } from "./bytes.js";
import { type Change, changeId, readDocumentName } from "./change.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Crdt, Undo } from "./crdt.js";
import { hasSeen, type Seen } from "./dots.js";
import { type Draft, fieldPath, Recording, type RecordingWatch } from "./draft.js";
import { BrokenInvariant, InvalidValue } from "./errors.js";
import type { FieldType } from "./field-type.js";
import { Fields } from "./fields.js";
import { advance, type Frontier, joinHeads, newestHeads } from "./frontier.js";
import { type Author, checkDocumentName, type DocumentName, type Dot, documentId, isAuthor } from "./ids.js";
import { CORE_LIMITS } from "./limits.js";
import { keepOpaque, type OpaqueStore, readOpaque, takeUnderstood } from "./opaque.js";
import { DELETED_PATH } from "./own-fields.js";
import type { Path } from "./path.js";
import { lwwRegister, type RegisterView } from "./register.js";
import { attempt, type Result } from "./result.js";
import { openSealed } from "./sealed.js";
import { orSet, type SetView } from "./set.js";
import { readColumn, readSteps } from "./state-columns.js";
import { type Cell, typeAt } from "./types.js";
import type { Value } from "./value.js";

/** Who makes a change, and when. */
export interface TransactionOrigin {
  readonly author: Author;
  readonly stamp: Stamp;
  /** Counter of the first op: by default the next of what is held here. */
  readonly first?: number;
  /** Leaves a deleted document as it is, instead of beginning a new one with what is written. */
  readonly asIs?: boolean;
}

/** What a document is made of, to be looked at. */
export interface DocumentParts {
  readonly fields: Fields;
  readonly opaque: OpaqueStore | undefined;
  readonly heads: Frontier;
}

/** What a document tells while somebody watches it: see `watching.ts`. */
export interface DocumentWatch {
  /** Undefined: anything may change. */
  before(path: Path | undefined): void;
  /** A change is about to be played on these fields. */
  applying(change: Change, fields: Fields): void;
  /** A transaction begins. */
  recording(): RecordingWatch;
  /** Undefined: nothing has changed after all. `author` is undefined for a merge. */
  after(origin: { readonly local: boolean; readonly author: Author | undefined } | undefined): void;
}

/**
 * One document: fields of any type, changed by whole transactions. Its state can be read, and joined; `encodeState` writes it,
 * and a `Document` can do so itself.
 */
export class BareDocument {
  readonly name: DocumentName;
  #fields = new Fields();
  /** Undefined as long as there are none. */
  #opaque: OpaqueStore | undefined;
  readonly #seen = new Map<Author, number>();
  readonly #heads: Frontier = new Map();
  /** Undefined as long as nobody has watched it. */
  #watch: DocumentWatch | undefined;
  #inTransaction = false;
  /** Fields of kinds that are not known here were passed over when it was read. */
  #isPartial = false;

  /** Throws `InvalidValue` if no document may have this name. */
  constructor(name: DocumentName) {
    const reason = checkDocumentName(name);
    if (reason !== undefined) throw new InvalidValue(reason);
    this.name = { collection: name.collection, key: name.key };
  }

  /** The greatest counter held of this author, 0 if none. */
  counter(author: Author): number {
    return this.#seen.get(author) ?? 0;
  }

  /** The greatest counter held of each author. */
  *seen(): Iterable<Dot> {
    for (const [author, counter] of this.#seen) yield { author, counter };
  }

  /**
   * True if fields are missing because this build does not know their kinds: see `decodeState`. Such a document is good for
   * reading and for writing to its other fields; nobody may be given its state.
   */
  get isPartial(): boolean {
    return this.#isPartial;
  }

  /** False within a transaction, when it shows what may be taken back. */
  get isIdle(): boolean {
    return !this.#inTransaction;
  }

  /** True if no change was ever applied. */
  isEmpty(): boolean {
    return this.#seen.size === 0;
  }

  /**
   * Plays a change, whole or not at all. Throws `BrokenInvariant` unless it is this document's, its author's next
   * and everything that it observed is held. O(ops + observed), whatever the number of authors.
   */
  apply(change: Change): void {
    this.mustBeIdle();
    this.#mustBeNext(change);
    this.#watch?.applying(change, this.#fields);
    this.#play(change);
    this.#note(change);
    this.#watch?.after({ local: false, author: change.author });
  }

  /**
   * Runs `mutate` against this document, with reads that see its writes. After a throw nothing of it is left; nor is without
   * `keep`: then the document is as it was. Undefined when there was no op. Throws what `mutate` throws, `InvalidValue` and
   * `LimitExceeded`.
   */
  transact(by: TransactionOrigin, mutate: (draft: Draft) => void, keep = true): Change | undefined {
    this.mustBeIdle();
    const { author, stamp } = by;
    if (!isAuthor(author))
      throw new InvalidValue(`an author is an integer from 1 to 2^53 - 1, not ${author}`);
    const next = this.counter(author) + 1;
    const first = by.first ?? next;
    if (first < next || (keep && first > next)) {
      throw new BrokenInvariant(`op ${next} of author ${author} is the next, not ${first}`);
    }
    const observed = newestHeads(this.#heads, author, CORE_LIMITS.headsPerChangeMax);
    const undo: Undo = [];
    const recording = new Recording(
      { document: this.name, author, first, stamp, observed, seen: () => this.seen() },
      this.#fields,
      undo,
      this.#watch?.recording() ?? NOBODY,
    );
    let kept = false;
    this.#inTransaction = true;
    try {
      if (this.isDeleted && by.asIs !== true) recording.renew();
      mustBeSynchronous(mutate(recording));
      const change = recording.change();
      kept = keep && change !== undefined;
      if (kept && change !== undefined) this.#note(change);
      return change;
    } finally {
      recording.close();
      if (!kept) for (const step of undo.reverse()) step();
      this.#inTransaction = false;
      this.#watch?.after(kept ? { local: true, author } : undefined);
    }
  }

  /** Reads the field of this name and type: always what the document holds at that moment. */
  at<State, Op extends AnyOp, View, Editor extends View>(
    name: string,
    type: FieldType<State, Op, unknown, View, Editor>,
  ): View {
    const path = this.#fields.pathOf(name, type.kind) ?? fieldPath(name, type.kind);
    return type.view(() => (this.isDeleted ? type.empty() : this.#fields.state(path, type)));
  }

  /** Whether somebody has deleted it, and nobody who saw that has written to it since: then it shows nothing. */
  get isDeleted(): boolean {
    const cell = this.#fields.cell(DELETED_PATH);
    return cell !== undefined && !cell.isVacant();
  }

  /** Reads the register of this name, without a value if there is none. */
  register(name: string): RegisterView {
    return this.at(name, lwwRegister);
  }

  /** Reads the set of this name, empty if there is none. */
  set(name: string): SetView {
    return this.at(name, orSet);
  }

  /** The states of all fields of a type, by name: what is held at that moment. */
  all<State, Op extends AnyOp>(type: Crdt<State, Op, unknown>): [name: string, state: State][] {
    return this.#fields
      .alike(type.kind)
      .flatMap(([name, state]) => (type.isState(state) ? [[name, state] as [string, State]] : []));
  }

  /** The document for people: names to values, `name@kind` for later kinds of a name. May throw `CounterOverflow`. */
  toJSON(): Record<string, Value> {
    return this.isDeleted ? {} : this.#fields.json();
  }

  /** The kinds' names, under the keys of `toJSON`. */
  kinds(): Record<string, string> {
    return this.isDeleted ? {} : this.#fields.kinds();
  }

  /**
   * Never throws; allocates at most a constant times the input. A field of a kind that this build does not know is a fault,
   * or, for who only shows the document, left out of it.
   */
  static decodeState<D extends BareDocument>(
    this: new (
      name: DocumentName,
    ) => D,
    bytes: Uint8Array,
    unknown: "refused" | "left out" = "refused",
  ): Result<D> {
    return attempt(() => {
      const input = openSealed(bytes, CORE_LIMITS.stateBytesMax);
      const version = input.byte();
      if (version !== STATE_VERSION) input.fail(`state format ${version}, known is ${STATE_VERSION}`, 0);
      const document = new this(readDocumentName(input));
      const seen = readSeen(input);
      for (const { author, counter } of seen) document.#seen.set(author, counter);
      const authors = new AuthorTable(seen);
      for (const { author, counter } of readHeads(input, authors)) document.#heads.set(author, counter);
      const skipped = () => {
        document.#isPartial = true;
      };
      document.#fields = Fields.readState(input, authors, unknown === "left out" ? skipped : undefined);
      const opaque = readOpaque(input, authors);
      input.end();
      for (const { path, ...play } of takeUnderstood(opaque)) {
        document.#fields.apply(path, play);
      }
      if (opaque.size > 0) document.#opaque = opaque;
      return document;
    });
  }

  /** Joins another replica's state, which is left as it was: what either holds is held. O(size of both). */
  merge(other: BareDocument): void {
    this.mustBeIdle();
    other.mustBeIdle();
    this.#mustBeNamed(other.name);
    if (other === this) return;
    this.#watch?.before(undefined);
    const [seen, otherSeen] = inCommon(this.#seen, other.#seen);
    this.#fields.merge(seen, other.#fields, otherSeen);
    this.#isPartial ||= other.#isPartial;
    if (other.#opaque !== undefined) this.#opaque = new Map([...(this.#opaque ?? []), ...other.#opaque]);
    joinHeads(this.#heads, this.#seen, other.#heads, other.#seen);
    for (const dot of other.seen()) if (!hasSeen(this.#seen, dot)) this.#seen.set(dot.author, dot.counter);
    this.#watch?.after({ local: false, author: undefined });
  }

  /** For `watching.ts`: what watches it, made by the first who asks. */
  static watchOf(document: BareDocument, make: () => DocumentWatch): DocumentWatch {
    document.#watch ??= make();
    return document.#watch;
  }

  /** What is kept at a path, undefined if there is nothing. For `UndoHistory`. */
  cell(path: Path): Cell | undefined {
    return this.#fields.cell(path);
  }

  /** For `encodeState` and for what is looked at in `places.ts`. */
  static partsOf(document: BareDocument): DocumentParts {
    return { fields: document.#fields, opaque: document.#opaque, heads: document.#heads };
  }

  /** Throws `BrokenInvariant` in the middle of a transaction. */
  mustBeIdle(): void {
    if (this.#inTransaction)
      throw new BrokenInvariant(`${documentId(this.name)} is in the middle of a transaction`);
  }

  /** An independent copy. O(size). */
  clone(): this {
    this.mustBeIdle();
    const copy = new (this.constructor as new (name: DocumentName) => this)(this.name);
    copy.#fields = this.#fields.clone();
    copy.#opaque = this.#opaque && new Map(this.#opaque);
    copy.#isPartial = this.#isPartial;
    for (const [author, counter] of this.#seen) copy.#seen.set(author, counter);
    for (const [author, counter] of this.#heads) copy.#heads.set(author, counter);
    return copy;
  }

  #play(change: Change): void {
    const { author, first, stamp, paths } = change;
    let opaque = false;
    for (let i = 0; i < change.ops.length; i++) {
      const { path, op } = change.ops[i]!;
      const dot = { author, counter: first + i };
      if (op.act === "opaque") {
        this.#fields.use(paths[path]!, dot, stamp);
        opaque = true;
      } else {
        this.#fields.apply(paths[path]!, { op, dot, stamp });
      }
    }
    if (opaque) keepOpaque((this.#opaque ??= new Map()), change);
  }

  #note(change: Change): void {
    this.#seen.set(change.author, change.last);
    advance(this.#heads, change);
  }

  /** Everything that could make `#play` fail, looked at before anything is changed. */
  #mustBeNext(change: Change): void {
    this.#mustBeNamed(change.document);
    const next = this.counter(change.author) + 1;
    if (change.first !== next) throw new BrokenInvariant(`${changeId(change)}, but op ${next} is the next`);
    for (const { author, counter } of change.observed) {
      if (this.counter(author) < counter) {
        throw new BrokenInvariant(
          `${changeId(change)} before op ${counter} of author ${author}, which it observed`,
        );
      }
    }
    for (const { path, op } of change.ops) {
      const steps = change.paths[path];
      const type = steps && typeAt(steps);
      if (steps === undefined || (op.act !== "opaque" && type?.isOp(op) !== true)) {
        throw new BrokenInvariant(`${changeId(change)}: "${op.act}" has no such path`);
      }
    }
  }

  #mustBeNamed(name: DocumentName): void {
    if (name.key !== this.name.key || name.collection !== this.name.collection) {
      throw new BrokenInvariant(`${documentId(name)} is not ${documentId(this.name)}`);
    }
  }
}

const NOBODY: RecordingWatch = {};

// On disks and the wire for ever.
/** The version of a document's state. */
export const STATE_VERSION = 2;

/**
 * What each side has seen of the authors that both know. Fields hold dots that were seen, so whether the other side has
 * seen them too is a question about these authors only: mostly few, and often none.
 */
function inCommon(mine: Seen, theirs: Seen): [Seen, Seen] {
  const [fewer, more] = mine.size < theirs.size ? [mine, theirs] : [theirs, mine];
  const common: [Map<Author, number>, Map<Author, number>] = [new Map(), new Map()];
  for (const [author, counter] of fewer) {
    const other = more.get(author);
    if (other === undefined) continue;
    common[0].set(author, counter);
    common[1].set(author, other);
  }
  return fewer === mine ? common : [common[1], common[0]];
}

/** Reads what `writeSeen` has written. */
export function readSeen(input: ByteReader): Dot[] {
  const at = input.offset;
  const authors: Author[] = [];
  let before = 0;
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 1); left > 0; left--) {
    const author = before + input.uint();
    if (author === before || author > Number.MAX_SAFE_INTEGER) input.fail("authors out of order", at);
    authors.push(author);
    before = author;
  }
  const counters = readColumn(input, authors.length, false, 1);
  const seen = authors.map((author, i) => ({ author, counter: counters[i]! }));
  // More ops than anybody can have made, and with them sums that two words do not hold.
  const ops = seen.reduce((sum, { counter }) => sum + counter, 0);
  if (ops > Number.MAX_SAFE_INTEGER) input.fail("2^53 ops and more", at);
  return seen;
}

/** Reads the last changes of a state: places of authors. */
export function readHeads(input: ByteReader, authors: AuthorTable): Dot[] {
  const at = input.offset;
  const count = input.uint(authors.size);
  const slots = readSteps(input, count);
  return slots.map((slot, i) => {
    if (i > 0 && slot <= slots[i - 1]!) input.fail("heads out of order", at);
    return authors.lastOf(slot) ?? input.fail("a head of nobody", at);
  });
}

/** An async function would go on writing after its transaction has ended. */
function mustBeSynchronous(returned: unknown): void {
  if (typeof returned === "object" && returned !== null && "then" in returned) {
    // What it does from here on fails, because its draft is closed: that is said here, and once.
    if (returned instanceof Promise) returned.catch(() => {});
    throw new InvalidValue("a transaction's function returns before it is awaited: it cannot be async");
  }
}
