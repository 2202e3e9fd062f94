/**
 * The CRDT types that this build knows, by wire tag.
 *
 * A type makes itself known where it is defined, so a program knows what it imports, and a bundle holds no other.
 * Documents and changes hold fields of any kind and must not know their types one by one; a `Cell` is one field's
 * state together with its type, so that what belongs together cannot be mixed up. Ops of kinds or opcodes that are
 * not in this table are opaque: they are stored and forwarded, and say nothing here.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Children } from "./children.js";
import type { Stamp } from "./clock.js";
import type { CounterOp } from "./counter.js";
import type { AnyOp, Crdt, Undo } from "./crdt.js";
import type { DisableWinsFlagOp } from "./disable-wins-flag.js";
import type { Seen } from "./dots.js";
import { BrokenInvariant } from "./errors.js";
import type { FlagOp } from "./flag.js";
import type { GrowCounterOp } from "./grow-counter.js";
import type { GrowSetOp } from "./grow-set.js";
import type { Author, Dot } from "./ids.js";
import type { KeepWholeMapOp } from "./keep-whole-map.js";
import type { KindTag } from "./kinds.js";
import type { ListOp } from "./list.js";
import type { Path } from "./path.js";
import type { RegisterOp } from "./register.js";
import type { RemoveWinsMapOp } from "./remove-wins-map.js";
import type { RemoveWinsSetOp } from "./remove-wins-set.js";
import type { SetOp } from "./set.js";
import type { TextOp } from "./text.js";
import type { Value } from "./value.js";

/** An op that this build understands. */
export type Op =
  | RegisterOp
  | CounterOp
  | SetOp
  | FlagOp
  | GrowCounterOp
  | RemoveWinsSetOp
  | GrowSetOp
  | DisableWinsFlagOp
  | RemoveWinsMapOp
  | KeepWholeMapOp
  | ListOp
  | TextOp;

/** Makes a type known: called once, where the type is defined. */
export function know<State, TypeOp extends Op>(type: Crdt<State, TypeOp, unknown>): void {
  TYPES.set(type.kind, cellType(type));
}

/** The type of a kind, undefined for kinds that this build does not know. */
export function typeOf(kind: KindTag): CellType | undefined {
  return TYPES.get(kind);
}

/** The type of what is at a path, undefined if it or a way to it is not known. */
export function typeAt(path: Path): CellType | undefined {
  for (let i = 0; i < path.length - 1; i++) if (typeOf(path[i]!.kind)?.isContainer !== true) return undefined;
  return typeOf(path[path.length - 1]!.kind);
}

/** A CRDT type whose states and ops are checked when they are used, not when they are compiled. */
export interface CellType {
  readonly kind: KindTag;
  readonly isContainer: boolean;
  empty(): Cell;
  isOp(op: AnyOp): boolean;
  again(cell: Cell, op: AnyOp, now: (dot: Dot) => Dot): Op | undefined;
  readonly lacks: AnyType["lacks"];
  mentions(op: AnyOp, visit: (author: Author, counter: number) => void): void;
  writeOp(out: ByteWriter, op: AnyOp, authors: AuthorTable): void;
  readOp(input: ByteReader, authors: AuthorTable): Op | undefined;
  readState(input: ByteReader, authors: AuthorTable, depth: number): Cell;
  /** Of types that have it. */
  readonly many:
    | {
        read(input: ByteReader, count: number, authors: AuthorTable): Cell[];
      }
    | undefined;
}

/** One field's state and its type. Ops and cells of another type throw `BrokenInvariant`. */
export class Cell {
  /** For narrowing with a type's `isState`. */
  readonly state: unknown;
  readonly #type: AnyType;

  constructor(type: AnyType, state: unknown) {
    this.#type = type;
    this.state = state;
  }

  /** Of containers. */
  get children(): Children | undefined {
    return this.#type.children?.(this.state);
  }

  /** What its type says that only some types do: how it judges what is done inside, is taken back, written and shown. */
  get rules(): Pick<
    AnyType,
    "enter" | "opening" | "shifted" | "uncover" | "inverse" | "writeState" | "jsonAmong"
  > {
    return this.#type;
  }

  apply(op: AnyOp, dot: Dot, stamp: Stamp, undo?: Undo): void {
    this.#type.apply(this.state, own(this.#type, op), dot, stamp, undo);
  }

  merge(seen: Seen, from: Cell, fromSeen: Seen): void {
    if (from.#type !== this.#type) isForeign(this.#type.kind);
    this.#type.merge(this.state, seen, from.state, fromSeen);
  }

  clone(): Cell {
    return new Cell(this.#type, this.#type.clone(this.state));
  }

  reset(): Op | undefined {
    return this.#type.reset(this.state);
  }

  isVacant(): boolean {
    return this.#type.isVacant(this.state);
  }

  isBlank(): boolean {
    return this.#type.isBlank(this.state);
  }

  json(): Value | undefined {
    return this.#type.json(this.state);
  }

  get kind(): KindTag {
    return this.#type.kind;
  }
}

const TYPES = new Map<KindTag, CellType>();

/** A type that is only ever given states and ops of its own: a cell sees to the states, `own` to the ops. */
// biome-ignore lint/suspicious/noExplicitAny: of its kind, which is not known here.
type AnyType = Crdt<any, any, unknown> & { reset(state: unknown): Op | undefined };

function cellType<State, TypeOp extends Op>(type: Crdt<State, TypeOp, unknown>): CellType {
  return {
    kind: type.kind,
    isContainer: type.children !== undefined,
    empty: () => new Cell(type, type.empty()),
    isOp: type.isOp,
    again: (cell, op, now) => type.again(stateIn(type, cell), own(type, op), now),
    lacks: type.lacks,
    mentions: (op, visit) => type.mentions(own(type, op), visit),
    writeOp: (out, op, authors) => type.writeOp(out, own(type, op), authors),
    readOp: type.readOp,
    readState: (input, authors, depth) => new Cell(type, type.readState(input, authors, depth)),
    many: manyOf(type),
  };
}

function manyOf<State, TypeOp extends Op>(type: Crdt<State, TypeOp, unknown>): CellType["many"] {
  const { many } = type;
  if (many === undefined) return undefined;
  return {
    read: (input, count, authors) => many.read(input, count, authors).map((state) => new Cell(type, state)),
  };
}

/** The state in a cell of this type. */
export function stateIn<State, TypeOp extends AnyOp>(
  type: Crdt<State, TypeOp, unknown>,
  { state }: Cell,
): State {
  return type.isState(state) ? state : isForeign(type.kind);
}

function own<State, TypeOp extends AnyOp>(type: Crdt<State, TypeOp, unknown>, op: AnyOp): TypeOp {
  return type.isOp(op) ? op : isForeign(type.kind);
}

function isForeign(kind: KindTag): never {
  throw new BrokenInvariant(`not of kind ${kind}`);
}
