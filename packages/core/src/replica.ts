/**
 * One CRDT used alone, without documents or servers.
 *
 * The replica supplies what a type needs around it: its author's dots, what it has seen, and bytes. How bytes get to
 * other replicas is the caller's affair. Ops must arrive in causal order; an op that is early or comes twice is
 * noticed, not applied, and told to the caller. States may be merged at any time, in any order and number.
 */
import { AuthorTable, readEntries, writeEntries } from "./author-table.js";
import { type ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { Crdt, Say, Undo } from "./crdt.js";
import { applyBelow, cellBelow, open, resetBelow } from "./descent.js";
import { type Dots, greatestPerAuthor, hasSeen } from "./dots.js";
import { BrokenInvariant, InvalidValue } from "./errors.js";
import type { FieldType, Site } from "./field-type.js";
import type { Arrival, OpForm, StateForm } from "./forms.js";
import { type Author, type Dot, isAuthor } from "./ids.js";
import type { KindTag } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { type Path, readPathSteps, writePathSteps } from "./path.js";
import { attempt, type Result } from "./result.js";
import { openSealed, sealed } from "./sealed.js";
import { type Cell, type CellType, type Op as KnownOp, stateIn, typeAt, typeOf } from "./types.js";
import { ownValue } from "./value.js";

/** What a replica is made of. */
export interface ReplicaParts {
  readonly kind: KindTag;
  /** Ascending by author. */
  readonly seen: Dots;
  readonly cell: Cell;
}

/** A CRDT alone, with its author and what it has seen. Bytes in, bytes out. */
export class Replica<State, Op extends KnownOp, Read, View, Editor extends View>
  implements OpForm<Editor>, StateForm
{
  readonly author: Author;
  /** Reads what the replica holds at that moment. */
  readonly view: View;
  readonly #type: FieldType<State, Op, Read, View, Editor>;
  readonly #cell: Cell;
  readonly #seen = new Map<Author, number>();

  /** @param author a random integer from 1 to 2^53 - 1, never used by another replica. */
  constructor(type: FieldType<State, Op, Read, View, Editor>, author: Author) {
    if (!isAuthor(author))
      throw new InvalidValue(`an author is an integer from 1 to 2^53 - 1, not ${author}`);
    this.#type = type;
    this.author = author;
    this.#cell = cellTypeOf(type.kind).empty();
    this.view = type.view(() => stateIn(type, this.#cell));
  }

  /** What is shown at this moment. */
  get value(): Read {
    return this.#type.value(stateIn(this.#type, this.#cell));
  }

  /** Writes, and gives the bytes of each op. What `write` throws is rethrown, and nothing has happened. */
  edit(stamp: Stamp, write: (editor: Editor) => void): Uint8Array[] {
    const first = (this.#seen.get(this.author) ?? 0) + 1;
    const ops: Uint8Array[] = [];
    const undo: Undo = [];
    const take = (path: Path, op: KnownOp | undefined): void => {
      if (op === undefined) return;
      open(this.#cell, path, this.author, take);
      const dot = { author: this.author, counter: first + ops.length };
      ops.push(this.#encodeOp(path, op, dot, stamp));
      applyBelow(this.#cell, path, { op, dot, stamp, undo });
    };
    try {
      write(this.#type.edit(siteOf(this.#cell, [{ name: ROOT, kind: this.#type.kind }], this.#type, take)));
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
    if (ops.length > 0) this.#seen.set(this.author, first + ops.length - 1);
    return ops;
  }

  /** Plays another replica's op. Bad bytes are a fault, and change nothing. */
  apply(bytes: Uint8Array): Result<Arrival> {
    return attempt(() => {
      const input = openSealed(bytes, CORE_LIMITS.changeBytesMax);
      this.#readPreamble(input, VERSION.op);
      const dot = { author: readNatural(input), counter: readNatural(input) };
      const stamp = input.uint();
      const observed = readEntries(input, CORE_LIMITS.authorsPerChangeMax);
      const own = { author: dot.author, counter: dot.counter - 1 };
      const path = [{ name: ROOT, kind: this.#type.kind }, ...readPathSteps(input)];
      const op = typeAt(path)?.readOp(input, new AuthorTable([own, ...observed]));
      if (op === undefined) return input.fail("an op of a later version");
      input.end();
      const held = this.#seen.get(dot.author) ?? 0;
      if (held >= dot.counter) return "duplicate";
      if (held + 1 < dot.counter || !observed.every((seen) => hasSeen(this.#seen, seen))) return "early";
      applyBelow(this.#cell, path, { op, dot, stamp });
      this.#seen.set(dot.author, dot.counter);
      return "applied";
    });
  }

  /** For `delta.ts`: what a replica is made of, to be looked at and not kept. Undefined for what is none of these. */
  static partsOf(replica: StateForm): ReplicaParts | undefined {
    if (!(replica instanceof Replica)) return undefined;
    return { kind: replica.#type.kind, seen: replica.#sortedSeen(), cell: replica.#cell };
  }

  /** The state with its context, canonical. O(size). */
  state(): Uint8Array {
    const out = new ByteWriter();
    out.byte(VERSION.state);
    out.uint(this.#type.kind);
    const seen = this.#sortedSeen();
    writeEntries(out, seen);
    if (!this.#cell.isBlank()) this.#writeState(out, new AuthorTable(seen));
    return sealed(out);
  }

  #sortedSeen(): Dot[] {
    const seen = [...this.#seen].map(([author, counter]) => ({ author, counter }));
    return seen.sort((a, b) => a.author - b.author);
  }

  #writeState(out: ByteWriter, authors: AuthorTable): void {
    const { writeState, kind } = this.#type;
    if (writeState === undefined) throw new BrokenInvariant(`states of kind ${kind} cannot be written`);
    writeState(out, stateIn(this.#type, this.#cell), authors);
  }

  /** Joins another replica's state. Bad bytes are a fault, and change nothing. O(size of both). */
  merge(bytes: Uint8Array): Result<void> {
    return attempt(() => {
      const input = openSealed(bytes, CORE_LIMITS.stateBytesMax);
      this.#readPreamble(input, VERSION.state);
      const seen = readEntries(input, Number.MAX_SAFE_INTEGER);
      const type = cellTypeOf(this.#type.kind);
      const isBlank = input.remaining === 0;
      const from = isBlank ? type.empty() : type.readState(input, new AuthorTable(seen), 1);
      if (from.isBlank() !== isBlank) input.fail("nothing is left");
      input.end();
      this.#cell.merge(this.#seen, from, new Map(seen.map((dot) => [dot.author, dot.counter])));
      for (const dot of seen) if (!hasSeen(this.#seen, dot)) this.#seen.set(dot.author, dot.counter);
    });
  }

  #encodeOp(path: Path, op: KnownOp, dot: Dot, stamp: Stamp): Uint8Array {
    const type = cellTypeOf(path[path.length - 1]!.kind);
    const mentioned: Dot[] = [];
    type.mentions(op, (author, counter) => {
      if (author !== this.author) mentioned.push({ author, counter });
    });
    const observed = greatestPerAuthor(mentioned);
    const out = new ByteWriter();
    out.byte(VERSION.op);
    out.uint(this.#type.kind);
    out.uint(dot.author);
    out.uint(dot.counter);
    out.uint(stamp);
    writeEntries(out, observed);
    writePathSteps(out, path.slice(1));
    type.writeOp(out, op, new AuthorTable([{ author: dot.author, counter: dot.counter - 1 }, ...observed]));
    return sealed(out);
  }

  #readPreamble(input: ByteReader, version: number): void {
    if (input.byte() !== version) input.fail("a format of a later version", 0);
    if (input.uint() !== this.#type.kind) input.fail("another type", 1);
  }
}

// On disks and wires of those who use replicas, for ever.
const VERSION = { op: 2, state: 3 } as const;
/** The version of a replica's state. */
export const STATE_VERSION = VERSION.state;

/** Stands for the name that a type alone does not have. */
const ROOT = "root";

function readNatural(input: ByteReader): number {
  const at = input.offset;
  const value = input.uint();
  return value === 0 ? input.fail("authors and counters begin with 1", at) : value;
}

/** A place in the replica's cell, for editors. */
function siteOf<State, Op extends KnownOp>(
  root: Cell,
  path: Path,
  type: Crdt<State, Op, unknown>,
  take: Say,
): Site<State, Op> {
  const state = (): State => {
    const cell = cellBelow(root, path);
    return cell === undefined ? type.empty() : stateIn(type, cell);
  };
  return {
    state,
    record: (prepare) => take(path, prepare(state())),
    child: (step, childType) => siteOf(root, [...path, step], childType, take),
    reset(step) {
      const cell = cellBelow(root, [...path, step]);
      if (cell !== undefined) resetBelow(cell, [...path, step], take);
    },
    own: (value) => ownValue(value).value,
  };
}

function cellTypeOf(kind: KindTag): CellType {
  const type = typeOf(kind);
  if (type === undefined) throw new BrokenInvariant(`kind ${kind} is not known`);
  return type;
}
