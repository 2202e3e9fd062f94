/**
 * The fields of a document: one CRDT for each pair of name and kind.
 *
 * In JSON a name stands for one value, so of several kinds under a name the one that was used first has the bare
 * name, and the others are shown as `name@kind`. "First" is the smallest (stamp, author, counter) of any op, which
 * every replica that holds the same ops finds alike. Kinds that this version does not know take part in that, so
 * that versions agree on names, but are not shown.
 *
 * Registers with one write, which are many in some documents, are kept in rows where a program has said so (`packed.ts`);
 * what says so below is about them.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import { readCells } from "./cell-blocks.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Crdt, Undo } from "./crdt.js";
import { applyBelow, cellBelow, type Play } from "./descent.js";
import { compareDots, type Seen } from "./dots.js";
import { BrokenInvariant } from "./errors.js";
import { checkFieldName, type Dot } from "./ids.js";
import { KINDS, type KindTag, kindName } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { isOwnField } from "./own-fields.js";
import { type Path, pathKey } from "./path.js";
import { readDotColumns, readSteps, readTexts } from "./state-columns.js";
import { type Cell, typeOf } from "./types.js";
import { compareUtf8 } from "./utf8.js";
import { setOwn, type Value } from "./value.js";

/** One op's place in the order of first use. */
export interface Use extends Dot {
  readonly stamp: Stamp;
}

export interface Field {
  /** Of one step. Always the same one, by which drafts know it again. */
  readonly path: Path;
  /** The earliest op on it. */
  first: Use;
  /** Undefined for kinds that this version does not know. */
  readonly cell: Cell | undefined;
  /** Another kind under this name. */
  next: Field | undefined;
}

/** The registers of a document that are no fields: names that have none. What it hands out are copies. */
export interface Rows {
  readonly size: number;
  has(name: string): boolean;
  /** False if the register does not stay in a row, or does not come into one. */
  apply(name: string, play: Play): boolean;
  /** Takes a field in, of a name that has no row; false if it is none that could be in a row. */
  enter(field: Field): boolean;
  /** Lets go of a row, and gives what was in it. Undefined if there is none. */
  leave(name: string): Field | undefined;
  /** Joins what can stay in rows, or come into them because `isField` says no; `others` are told all else. */
  merge(
    seen: Seen,
    from: Rows,
    fromSeen: Seen,
    isField: (name: string) => boolean,
    other: (field: Field) => void,
  ): void;
  cell(name: string): Cell | undefined;
  firstOf(name: string): Use | undefined;
  each(): Iterable<Field>;
  clone(): Rows;
  /** All of them, in the order of their names. */
  json(): Record<string, Value>;
  /** As `writeFields` does, of a document that has no other fields. */
  writeState(out: ByteWriter, authors: AuthorTable): void;
}

/** With an input, rows of what is read from it; undefined if there is anything that rows do not read, and nothing was read. */
let newRows: (expected: number, input?: ByteReader, authors?: AuthorTable) => Rows | undefined = () =>
  undefined;

/** Has rows made for documents from now on. Called by `packed.ts`. */
export function makeRowsBy(make: typeof newRows): void {
  newRows = make;
}

export class Fields {
  /** By name: the first of its kinds. */
  readonly #fields = new Map<string, Field>();
  /** Undefined as long as there is no need for any. */
  #rows: Rows | undefined;

  /** The path of a field, undefined if there was no op on it. */
  pathOf(name: string, kind: KindTag): Path | undefined {
    return this.#rowsOf(kind)?.has(name) ? [{ name, kind }] : this.#get(name, kind)?.path;
  }

  /** Plays an op on a field, which is made if it is the first. */
  apply(path: Path, play: Play): void {
    const step = path[0]!;
    if (path.length === 1 && step.kind === KINDS.register && this.#get(step.name, step.kind) === undefined) {
      this.#rows ??= newRows(0);
      if (this.#rows?.apply(step.name, play)) return;
    }
    const { cell } = this.use(path, play.dot, play.stamp, play.undo);
    if (cell !== undefined) applyBelow(cell, path, play);
  }

  /** The field of a name and kind, undefined if there was no op on it or it is a row. */
  #get(name: string, kind: KindTag): Field | undefined {
    let field = this.#fields.get(name);
    while (field !== undefined && field.path[0]!.kind !== kind) field = field.next;
    return field;
  }

  /** The field that an op goes to, made if it is the first. O(kinds of the name). */
  use(path: Path, dot: Dot, stamp: Stamp, undo?: Undo): Field {
    const step = path[0]!;
    const field = this.#leaveRow(step.name, step.kind, undo) ?? this.#get(step.name, step.kind);
    if (field === undefined) {
      const own = path.length === 1 ? path : [step];
      const fresh = {
        path: own,
        first: { stamp, ...dot },
        cell: typeOf(step.kind)?.empty(),
        next: undefined,
      };
      this.#add(fresh);
      undo?.push(() => this.#drop(fresh));
      return fresh;
    }
    const before = field.first;
    if ((stamp - before.stamp || compareDots(dot, before)) < 0) {
      field.first = { stamp, ...dot };
      undo?.push(() => {
        field.first = before;
      });
    }
    return field;
  }

  /** The state of a field, an empty one that is not kept if there is none. */
  state<State, Op extends AnyOp>(path: Path, type: Crdt<State, Op, unknown>): State {
    const cell = this.cell(path);
    if (cell === undefined) return type.empty();
    if (!type.isState(cell.state)) throw new BrokenInvariant(`${pathKey(path)} has a state of another kind`);
    return cell.state;
  }

  /** What is at a path, undefined if there is nothing. To be read only: of a row it is a copy. */
  cell(path: Path): Cell | undefined {
    const { name, kind } = path[0]!;
    return cellBelow(this.#rowsOf(kind)?.cell(name) ?? this.#get(name, kind)?.cell, path);
  }

  /** The field at the beginning of a path, undefined for what is in a row: nothing is inside of that. */
  root(path: Path): Cell | undefined {
    return this.#get(path[0]!.name, path[0]!.kind)?.cell;
  }

  merge(seen: Seen, from: Fields, fromSeen: Seen): void {
    const join = (theirs: Field): void => this.#join(seen, theirs, fromSeen);
    for (const theirs of from.#kept()) join(theirs);
    if (from.#rows === undefined) return;
    this.#rows ??= newRows(from.#rows.size);
    if (this.#rows === undefined) for (const theirs of from.#rows.each()) join(theirs);
    else {
      const isField = (name: string): boolean => this.#get(name, KINDS.register) !== undefined;
      this.#rows.merge(seen, from.#rows, fromSeen, isField, join);
    }
  }

  #join(seen: Seen, theirs: Field, fromSeen: Seen): void {
    const { name, kind } = theirs.path[0]!;
    const mine = this.#leaveRow(name, kind) ?? this.#get(name, kind);
    if (mine === undefined) {
      // A field is never forgotten: where it is missing, nothing of it was ever seen, so there is nothing to join.
      this.#add(copyOf(theirs));
      return;
    }
    if (compareUses(theirs.first, mine.first) < 0) mine.first = theirs.first;
    if (theirs.cell !== undefined) mine.cell?.merge(seen, theirs.cell, fromSeen);
  }

  /** Rows, if there are no other fields. */
  get onlyRows(): Rows | undefined {
    return this.#fields.size === 0 ? this.#rows : undefined;
  }

  /** All of them, a document's own ones too. */
  all(): Iterable<Field> {
    return this.#each();
  }

  clone(): Fields {
    const copy = new Fields();
    for (const field of this.#kept()) copy.#add(copyOf(field));
    copy.#rows = this.#rows?.clone();
    return copy;
  }

  /** O(size), in the order of names. */
  json(): Record<string, Value> {
    if (this.#rows !== undefined && this.#fields.size === 0) return this.#rows.json();
    const json: Record<string, Value> = {};
    for (const [shown, , value] of this.#shown()) setOwn(json, shown, value);
    return json;
  }

  /** The kinds' names under the keys of `json`. */
  kinds(): Record<string, string> {
    const kinds: Record<string, string> = {};
    for (const [shown, kind] of this.#shown()) setOwn(kinds, shown, kind);
    return kinds;
  }

  /** With `skipped`, what is of kinds that this build does not know is passed over, and `skipped` is told. */
  static readState(input: ByteReader, authors: AuthorTable, skipped?: () => void): Fields {
    const at = input.offset;
    const count = input.count(Number.MAX_SAFE_INTEGER, 1);
    const fields = new Fields();
    fields.#rows = newRows(count, input, authors);
    if (fields.#rows) return fields;
    const names = readTexts(input, count, CORE_LIMITS.fieldBytesMax);
    const firsts = readDotColumns(input, count, authors);
    const stamps = readSteps(input, count);
    const cells = readCells(input, count, CORE_LIMITS.kindTagMax, authors, 1, skipped);
    const registers = cells.filter(({ kind }) => kind === KINDS.register).length;
    if (registers) fields.#rows = newRows(registers);
    for (let i = 0; i < count; i++) {
      const { kind, cell } = cells[i]!;
      const name = names[i]!;
      const reason = checkFieldName(name);
      if (reason !== undefined) input.fail(reason, at);
      if (i > 0 && compareDots(firsts[i - 1]!, firsts[i]!) >= 0) input.fail("fields out of order", at);
      if (fields.pathOf(name, kind) !== undefined) input.fail("a field twice", at);
      const field = {
        path: [{ name, kind }],
        first: { stamp: stamps[i]!, ...firsts[i]! },
        cell,
        next: undefined,
      };
      if (!fields.#rowsOf(kind)?.enter(field)) fields.#add(field);
    }
    return fields;
  }

  *#shown(): Generator<[shown: string, kind: string, value: Value]> {
    for (const field of this.#sorted()) {
      const value = isShown(field) ? this.#value(field) : undefined;
      const step = field.path[0]!;
      const kind = kindName(step.kind);
      if (value === undefined || kind === undefined) continue;
      yield [this.isEarliest(field) ? step.name : `${step.name}@${kind}`, kind, value];
    }
  }

  #value({ path, cell }: Field): Value | undefined {
    const jsonAmong = cell?.rules.jsonAmong;
    if (jsonAmong === undefined) return cell?.json();
    return jsonAmong(this, path[0]!.name, this.alike(path[0]!.kind));
  }

  /** The states of all fields of a kind, by name. */
  alike(kind: KindTag): [name: string, state: unknown][] {
    return this.#sorted().flatMap(({ path, cell }) =>
      cell !== undefined && path[0]!.kind === kind ? [[path[0]!.name, cell.state] as [string, unknown]] : [],
    );
  }

  /** True if no other kind of its name was used before. */
  isEarliest(field: Field): boolean {
    const { name, kind } = field.path[0]!;
    let other = this.#fields.get(name);
    for (; other !== undefined; other = other.next) {
      if (other !== field && compareUses(other.first, field.first) < 0) return false;
    }
    const row = kind === KINDS.register ? undefined : this.#rows?.firstOf(name);
    return row === undefined || compareUses(field.first, row) < 0;
  }

  /** All fields, those in rows as copies. */
  *#each(): Generator<Field> {
    yield* this.#kept();
    if (this.#rows !== undefined) yield* this.#rows.each();
  }

  /** All fields that are not in rows. */
  *#kept(): Generator<Field> {
    for (const named of this.#fields.values()) {
      for (let field: Field | undefined = named; field !== undefined; field = field.next) yield field;
    }
  }

  /** Undefined for kinds that are in no rows. */
  #rowsOf(kind: KindTag): Rows | undefined {
    return kind === KINDS.register ? this.#rows : undefined;
  }

  /** What is in a row as a field of its own, undefined if it is in none. */
  #leaveRow(name: string, kind: KindTag, undo?: Undo): Field | undefined {
    const rows = this.#rowsOf(kind);
    const field = rows?.leave(name);
    if (rows === undefined || field === undefined) return undefined;
    this.#add(field);
    // What was done to the field since then is taken back before this is.
    undo?.push(() => {
      this.#drop(field);
      rows.enter(field);
    });
    return field;
  }

  #add(field: Field): void {
    const { name } = field.path[0]!;
    const other = this.#fields.get(name);
    if (other === undefined) {
      this.#fields.set(name, field);
    } else {
      field.next = other.next;
      other.next = field;
    }
  }

  /** Lets go of the field that was added last of its name. */
  #drop(field: Field): void {
    const { name } = field.path[0]!;
    const other = this.#fields.get(name);
    if (other === field) this.#fields.delete(name);
    else if (other !== undefined) other.next = field.next;
  }

  #sorted(): Field[] {
    const sorted = [...this.#each()];
    return sorted.length > 1 ? sorted.sort(compareFields) : sorted;
  }
}

/** A container is shown as long as something in it is. */
function isShown({ path, cell }: Field): boolean {
  return !isOwnField(path[0]!.name) && (cell?.children === undefined || !cell.isVacant());
}

export function compareUses(a: Use, b: Use): number {
  return a.stamp - b.stamp || compareDots(a, b);
}

function compareFields(a: Field, b: Field): number {
  const [mine, theirs] = [a.path[0]!, b.path[0]!];
  return compareUtf8(mine.name, theirs.name) || mine.kind - theirs.kind;
}

function copyOf({ path, first, cell }: Field): Field {
  return { path, first, cell: cell?.clone(), next: undefined };
}
