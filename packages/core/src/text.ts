/**
 * Text: a log of updates of an editor's library, which this package does not understand and does not have to.
 *
 * Every op brings one update, as bytes. What they mean together is known to whoever reads them (`readTextWith`), and
 * servers that only store and pass on need nobody who does. Updates are idempotent and commute, and the document gives
 * each op an identity and its causes, so a state is all that was ever brought: of two states the one that holds more of
 * an author holds all of his that the other one has, because an author's ops have no gaps.
 *
 * To keep a long log small, an author's updates are put together into one by whoever understands them. All text
 * fields of a document are one thing to that library, so they are read together.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import type { Seen } from "./dots.js";
import { InvalidValue } from "./errors.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { know } from "./types.js";
import type { Value } from "./value.js";

/** Brings an update. */
export interface TextOp {
  readonly act: "text";
  readonly update: Uint8Array;
}

/** What the updates mean. */
export interface TextReading {
  /** One update that does what all of these do, made of one author's, in their order. The same for the same in any grouping. */
  merge(updates: readonly Uint8Array[]): Uint8Array;
  /**
   * What is shown of the field of this name.
   * @param owner stays the same for as long as it is the same document: for caches.
   */
  json(owner: object, name: string, fields: TextFields): Value | undefined;
  /** Whether all that updates build on is in these fields, or in those before them. */
  fits(fields: TextFields, updates: readonly Uint8Array[]): boolean;
}

/** All text fields of a document, by name. */
export type TextFields = readonly (readonly [name: string, state: TextState])[];

/** Tells how text is read, for the whole program. Without it text is kept and passed on, and not shown. */
export function readTextWith(how: TextReading): void {
  reading = how;
}

let reading: TextReading | undefined;

/** One op's update, or several of one author put together. */
interface Piece {
  readonly author: Author;
  /** Of the last op in it. */
  readonly counter: number;
  readonly update: Uint8Array;
}

/** How much of a state somebody has read. */
export interface TextMark {
  readonly state: TextState;
  readonly losses: number;
  readonly arrived: number;
}

/** What is kept of a text: its updates, old ones of one author put together. */
export class TextState {
  /** First those that were put together, then the others as they arrived, which is a causal order. */
  #pieces: Piece[] = [];
  #last = new Map<Author, number>();
  /** How many of the pieces were put together, how many bytes those have, and how many the others. */
  #folded = 0;
  #foldedBytes = 0;
  #looseBytes = 0;
  /** How many pieces have ever arrived; and had when some were last put together. */
  #arrived = 0;
  #arrivedFolded = 0;
  /** How often something was taken back. */
  #losses = 0;

  /** Whether no update has arrived. */
  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Bytes of all updates. */
  get bytes(): number {
    return this.#foldedBytes + this.#looseBytes;
  }

  /** Everything, so that it can be read in this order. */
  updates(): Uint8Array[] {
    return this.#pieces.map(({ update }) => update);
  }

  /** What has arrived since, and perhaps more; undefined if something of what was there then is not here any more. */
  since(mark: TextMark | undefined): Uint8Array[] | undefined {
    if (mark === undefined || mark.state !== this || mark.losses !== this.#losses) return undefined;
    if (mark.arrived < this.#arrivedFolded) return this.updates();
    return this.#pieces
      .slice(this.#folded + (mark.arrived - this.#arrivedFolded))
      .map(({ update }) => update);
  }

  /** True if all that `other` holds is here. */
  covers(other: TextState): boolean {
    for (const [author, counter] of other.#last) if ((this.#last.get(author) ?? 0) < counter) return false;
    return true;
  }

  /** Where the log is now, for `since`. It stands for this state object only. */
  mark(): TextMark {
    return { state: this, losses: this.#losses, arrived: this.#arrived };
  }

  /** Takes in the update of one op, identified by its author and counter. The bytes belong to the state from then on. Amortised O(1). */
  add(author: Author, counter: number, update: Uint8Array, undo?: Undo): void {
    const before = this.#last.get(author);
    const piece = { author, counter, update };
    this.#push(piece);
    undo?.push(() => {
      this.#pieces.splice(this.#pieces.lastIndexOf(piece), 1);
      this.#looseBytes -= update.length;
      this.#arrived -= 1;
      this.#losses += 1;
      if (before === undefined) this.#last.delete(author);
      else this.#last.set(author, before);
    });
  }

  /** Takes in what `from` has and this has not. */
  join(from: TextState): void {
    // Judged by what is here before: a state may have several pieces of one author.
    const news = from.#pieces.filter(({ author, counter }) => counter > (this.#last.get(author) ?? 0));
    for (const piece of news) this.#push(piece);
  }

  /**
   * Puts together what has become much, so that each byte is touched a few times in all. Not within a transaction:
   * what was put together cannot be taken back.
   */
  tidy(): void {
    if (this.#pieces.length - this.#folded < LOOSE_MIN || this.#looseBytes < this.#foldedBytes) return;
    this.fold();
  }

  /** Puts each author's updates together, if somebody knows how. */
  fold(): void {
    if (reading === undefined || this.#pieces.length === this.#last.size) return;
    const { merge } = reading;
    this.#pieces = this.byAuthor().map(([author, pieces]) => ({
      author,
      counter: pieces[pieces.length - 1]!.counter,
      update: pieces.length === 1 ? pieces[0]!.update : merge(pieces.map(({ update }) => update)),
    }));
    this.#foldedBytes = this.#pieces.reduce((sum, { update }) => sum + update.length, 0);
    this.#looseBytes = 0;
    this.settle();
  }

  /** What is here counts as put together, as it was when it was written down: it is not done again for a few changes more. */
  settle(): void {
    this.#folded = this.#pieces.length;
    this.#foldedBytes += this.#looseBytes;
    this.#looseBytes = 0;
    this.#arrivedFolded = this.#arrived;
  }

  /** Ascending, and so are the counters. */
  byAuthor(): [Author, Piece[]][] {
    const authors = new Map<Author, Piece[]>();
    for (const piece of this.#pieces) {
      const pieces = authors.get(piece.author);
      if (pieces === undefined) authors.set(piece.author, [piece]);
      else pieces.push(piece);
    }
    for (const pieces of authors.values()) pieces.sort((a, b) => a.counter - b.counter);
    return [...authors].sort(([a], [b]) => a - b);
  }

  #push(piece: Piece): void {
    this.#pieces.push(piece);
    this.#looseBytes += piece.update.length;
    this.#arrived += 1;
    this.#last.set(piece.author, Math.max(piece.counter, this.#last.get(piece.author) ?? 0));
  }
}

/** Fewer pieces are left alone. */
const LOOSE_MIN = 256;

/** Reads a text's updates. */
export interface TextView {
  /** The log itself: for what reads it. */
  readonly state: TextState;
}

/** Writes a text within a transaction. */
export interface TextDraft extends TextView {
  /** Brings an update. It belongs to the document from now on. */
  bring(update: Uint8Array): void;
}

/** Text as a log of updates: what an editor's library made, kept and passed on, and never looked into here. */
export const textLog: FieldType<TextState, TextOp, TextState, TextView, TextDraft> = {
  kind: KINDS.text,

  empty: () => new TextState(),
  isState: (state): state is TextState => state instanceof TextState,
  isOp: (op: AnyOp): op is TextOp => op.act === "text",

  apply(state: TextState, op: TextOp, dot: Dot, _stamp: Stamp, undo?: Undo): void {
    if (undo === undefined) state.tidy();
    // A copy: what was decoded is a window on all that came with it.
    state.add(dot.author, dot.counter, op.update.slice(), undo);
  },

  merge(into: TextState, _intoSeen: Seen, from: TextState, _fromSeen: Seen): void {
    into.join(from);
  },

  clone(state: TextState): TextState {
    const copy = new TextState();
    copy.join(state);
    return copy;
  },

  value: (state) => state,
  json: () => undefined,
  jsonAmong: (owner, name, fields) => reading?.json(owner, name, fields),

  /** What was written stays: characters are deleted by updates. */
  reset: () => undefined,
  isVacant: (state) => state.isEmpty,
  isBlank: (state) => state.isEmpty,

  again: (_state, op) => op,

  lacks(change, among) {
    const updates = change.ops.flatMap(({ op }) => (op.act === "text" ? [op.update] : []));
    // Of this kind, so their states are of this type.
    return reading?.fits(among.alike(KINDS.text) as TextFields, updates) === false;
  },

  mentions(): void {},

  writeOp(out: ByteWriter, op: TextOp, _authors: AuthorTable): void {
    out.byte(OPCODE.text);
    out.raw(op.update);
  },

  readOp(input: ByteReader): TextOp | undefined {
    if (input.byte() !== OPCODE.text) return undefined;
    return { act: "text", update: input.raw(input.remaining) };
  },

  /** A text without updates takes no bytes, as for those who do not know text. */
  writeState(out: ByteWriter, state: TextState, authors: AuthorTable): void {
    if (state.isEmpty) return;
    state.fold();
    const all = state.byAuthor();
    out.uint(all.length);
    for (const [author, pieces] of all) {
      authors.writeAuthor(out, author);
      out.uint(pieces.length);
      for (const { counter, update } of pieces) {
        out.uint(counter);
        out.bytes(update);
      }
    }
  },

  readState(input: ByteReader, authors: AuthorTable): TextState {
    const state = new TextState();
    if (input.remaining === 0) return state;
    let authorBefore = 0;
    const start = input.offset;
    const count = input.count(Number.MAX_SAFE_INTEGER, 3);
    if (count === 0) input.fail("a text without updates", start);
    for (let left = count; left > 0; left--) {
      const at = input.offset;
      const author = authors.readAuthor(input);
      const pieces = input.count(Number.MAX_SAFE_INTEGER, 2);
      if (author <= authorBefore || pieces === 0) input.fail("authors out of order", at);
      authorBefore = author;
      let counterBefore = 0;
      for (let piece = pieces; piece > 0; piece--) {
        const pieceAt = input.offset;
        const counter = input.uint(authors.counterMaxOf(author));
        if (counter <= counterBefore) input.fail("updates out of order", pieceAt);
        counterBefore = counter;
        state.add(author, counter, input.bytes(Number.MAX_SAFE_INTEGER).slice());
      }
    }
    state.settle();
    return state;
  },

  view: (source) => new LiveText(source),
  edit: (site) => new TextEditor(site),
};

know(textLog);

// On the wire for ever.
const OPCODE = { text: 1 } as const;

class LiveText implements TextView {
  readonly #source: Source<TextState>;

  constructor(source: Source<TextState>) {
    this.#source = source;
  }

  get state(): TextState {
    return this.#source();
  }
}

class TextEditor extends LiveText implements TextDraft {
  readonly #site: Site<TextState, TextOp>;

  constructor(site: Site<TextState, TextOp>) {
    super(site.state);
    this.#site = site;
  }

  bring(update: Uint8Array): void {
    if (update.length === 0) throw new InvalidValue("an update of no bytes");
    this.#site.record(() => ({ act: "text", update }));
  }
}
