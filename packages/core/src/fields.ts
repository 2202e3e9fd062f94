/**
 * The fields of a document: one CRDT for each pair of name and kind.
 *
 * In JSON a name stands for one value, so of several kinds under a name the one that was used first has the bare
 * name, and the others are shown as `name@kind`. "First" is the smallest (stamp, author, counter) of any op, which
 * every replica that holds the same ops finds alike. Kinds that this version does not know take part in that, so
 * that versions agree on names, but are not shown.
 *
 * Registers with one write, which are many in some documents, are kept in rows; what says so below is about them.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import { readCells, writeCells, writeColumnsOf } from "./cell-blocks.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Crdt, Undo } from "./crdt.js";
import { applyBelow, cellBelow, type Play, visitUpwards } from "./descent.js";
import { compareDots, hasSeen, type Seen } from "./dots.js";
import { BrokenInvariant, CounterOverflow } from "./errors.js";
import { checkFieldName, type Dot } from "./ids.js";
import { KINDS, type KindTag, kindName } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { isOwnField } from "./own-fields.js";
import { type Path, pathKey } from "./path.js";
import { lwwRegister, type Sibling, writeSiblings } from "./register.js";
import { RegisterRows, type Use } from "./register-rows.js";
import {
  readDotColumns,
  readSteps,
  readTexts,
  writeDotColumns,
  writeSteps,
  writeTexts,
} from "./state-columns.js";
import { Cell, typeOf } from "./types.js";
import { compareUtf8 } from "./utf8.js";
import { setOwn, type Value } from "./value.js";

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

export class Fields {
  /** By name: the first of its kinds. */
  readonly #fields = new Map<string, Field>();
  #rows: RegisterRows | undefined;

  /** The path of a field, undefined if there was no op on it. */
  pathOf(name: string, kind: KindTag): Path | undefined {
    return this.#rowOf(name, kind) < 0 ? this.#get(name, kind)?.path : [{ name, kind }];
  }

  /** Plays an op on a field, which is made if it is the first. */
  apply(path: Path, play: Play): void {
    const step = path[0]!;
    if (path.length === 1 && step.kind === KINDS.register && this.#applyToRow(step.name, play)) return;
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
    const row = this.#rowOf(name, kind);
    return cellBelow(row < 0 ? this.#get(name, kind)?.cell : registerWith(this.#rows!.writeOf(row)), path);
  }

  /** What is shown at a path, undefined for nothing, and for a sum that is no exact number. */
  shownAt(path: Path): Value | undefined {
    const cell = isOwnField(path[0]!.name) ? undefined : this.cell(path);
    if (cell === undefined || (cell.isVacant() && (path.length > 1 || cell.children !== undefined)))
      return undefined;
    try {
      return cell.json();
    } catch (error) {
      if (error instanceof CounterOverflow) return undefined;
      throw error;
    }
  }

  /** Calls `visit` for every place of which something is kept, the innermost first. */
  visit(visit: (path: Path) => void): void {
    for (const { path, cell } of this.#each()) {
      if (cell !== undefined && !isOwnField(path[0]!.name))
        visitUpwards(cell, path, (_cell, at) => visit(at));
    }
  }

  /** The fields that do not have the bare name, because another kind of it was used before. O(fields). */
  later(): Path[] {
    const later: Path[] = [];
    for (const field of this.#each()) if (!this.#isEarliest(field)) later.push(field.path);
    return later;
  }

  /** Calls `visit` for all that an op on a container takes away at once. */
  emptied(path: Path, op: AnyOp, visit: (path: Path) => void): void {
    const cell = this.cell(path);
    cell?.rules.emptied?.(cell.state, op, path, visit);
  }

  merge(seen: Seen, from: Fields, fromSeen: Seen): void {
    for (const theirs of from.#kept()) {
      const { name, kind } = theirs.path[0]!;
      const mine = this.#leaveRow(name, kind) ?? this.#get(name, kind);
      if (mine === undefined) {
        // A field is never forgotten: where it is missing, nothing of it was ever seen, so there is nothing to join.
        this.#add(copyOf(theirs));
        continue;
      }
      if (compareUses(theirs.first, mine.first) < 0) mine.first = theirs.first;
      if (theirs.cell !== undefined) mine.cell?.merge(seen, theirs.cell, fromSeen);
    }
    const rows = from.#rows;
    for (const row of rows?.each() ?? []) {
      const name = rows!.nameOf(row);
      this.#mergeRow(seen, name, rows!.writeOf(row), rows!.firstOf(row), fromSeen);
    }
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
    const json: Record<string, Value> = {};
    const rows = this.#rows;
    if (rows !== undefined && this.#fields.size === 0) {
      for (const name of rows.sortedNames())
        if (!isOwnField(name)) setOwn(json, name, rows.valueOf(rows.find(name)));
      return json;
    }
    for (const [shown, , value] of this.#shown()) setOwn(json, shown, value);
    return json;
  }

  /** The kinds' names under the keys of `json`. */
  kinds(): Record<string, string> {
    const kinds: Record<string, string> = {};
    for (const [shown, kind] of this.#shown()) setOwn(kinds, shown, kind);
    return kinds;
  }

  /** In the order of first use, in which numbers grow evenly. */
  writeState(out: ByteWriter, authors: AuthorTable): void {
    if (this.#fields.size === 0 && this.#rows !== undefined) {
      writeRows(out, this.#rows, authors);
      return;
    }
    const fields = [...this.#each()].sort((a, b) => compareDots(a.first, b.first));
    out.uint(fields.length);
    writeTexts(
      out,
      fields.map(({ path }) => path[0]!.name),
    );
    const firsts = fields.map(({ first }) => first);
    writeDotColumns(out, firsts, authors);
    writeSteps(
      out,
      firsts.map(({ stamp }) => stamp),
    );
    const cells = fields.map(({ path, cell }) => ({ kind: path[0]!.kind, cell }));
    writeCells(out, cells, authors);
  }

  /** With `skipped`, what is of kinds that this build does not know is passed over, and `skipped` is told. */
  static readState(input: ByteReader, authors: AuthorTable, skipped?: () => void): Fields {
    const fields = new Fields();
    const at = input.offset;
    const count = input.count(Number.MAX_SAFE_INTEGER, 1);
    const names = readTexts(input, count, CORE_LIMITS.fieldBytesMax);
    const firsts = readDotColumns(input, count, authors);
    const stamps = readSteps(input, count);
    const cells = readCells(input, count, CORE_LIMITS.kindTagMax, authors, 1, skipped);
    if (count > 0)
      fields.#rows = new RegisterRows(cells.filter(({ kind }) => kind === KINDS.register).length);
    for (let i = 0; i < count; i++) {
      const { kind, cell } = cells[i]!;
      const name = names[i]!;
      const reason = checkFieldName(name);
      if (reason !== undefined) input.fail(reason, at);
      if (i > 0 && compareDots(firsts[i - 1]!, firsts[i]!) >= 0) input.fail("fields out of order", at);
      if (fields.pathOf(name, kind) !== undefined) input.fail("a field twice", at);
      const first = { stamp: stamps[i]!, ...firsts[i]! };
      const write = onlyWriteIn(cell);
      if (write === undefined) fields.#add({ path: [{ name, kind }], first, cell, next: undefined });
      else fields.#addRow(name, write, first);
    }
    return fields;
  }

  *#shown(): Generator<[shown: string, kind: string, value: Value]> {
    for (const field of this.#sorted()) {
      const value = isShown(field) ? this.#value(field) : undefined;
      const step = field.path[0]!;
      const kind = kindName(step.kind);
      if (value === undefined || kind === undefined) continue;
      yield [this.#isEarliest(field) ? step.name : `${step.name}@${kind}`, kind, value];
    }
  }

  #value({ path, cell }: Field): Value | undefined {
    const jsonAmong = cell?.jsonAmong;
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
  #isEarliest(field: Field): boolean {
    const { name, kind } = field.path[0]!;
    let other = this.#fields.get(name);
    for (; other !== undefined; other = other.next) {
      if (other !== field && compareUses(other.first, field.first) < 0) return false;
    }
    const row = kind === KINDS.register ? -1 : this.#rowOf(name, KINDS.register);
    return row < 0 || compareUses(field.first, this.#rows!.firstOf(row)) < 0;
  }

  /** All fields, those in rows as copies. */
  *#each(): Generator<Field> {
    yield* this.#kept();
    for (const row of this.#rows?.each() ?? []) yield this.#fieldOf(row);
  }

  /** All fields that are not in rows. */
  *#kept(): Generator<Field> {
    for (const named of this.#fields.values()) {
      for (let field: Field | undefined = named; field !== undefined; field = field.next) yield field;
    }
  }

  #rowOf(name: string, kind: KindTag): number {
    return kind === KINDS.register && this.#rows !== undefined ? this.#rows.find(name) : -1;
  }

  #fieldOf(row: number): Field {
    const [rows, path] = [this.#rows!, [{ name: this.#rows!.nameOf(row), kind: KINDS.register }]];
    return { path, first: rows.firstOf(row), cell: registerWith(rows.writeOf(row)), next: undefined };
  }

  #addRow(name: string, write: Sibling, first: Use): number {
    this.#rows ??= new RegisterRows();
    return this.#rows.add(name, write, compareUses(first, write) === 0 ? write : first);
  }

  /** What is in a row as a field of its own, undefined if it is in none. */
  #leaveRow(name: string, kind: KindTag, undo?: Undo): Field | undefined {
    const row = this.#rowOf(name, kind);
    if (row < 0) return undefined;
    const [rows, field] = [this.#rows!, this.#fieldOf(row)];
    const [write, first] = [rows.writeOf(row), rows.firstOf(row)];
    rows.drop(row);
    this.#add(field);
    undo?.push(() => {
      this.#drop(field);
      rows.add(name, write, first);
    });
    return field;
  }

  /** False if the register does not stay in a row, or does not come into one. */
  #applyToRow(name: string, { op, dot, stamp, undo }: Play): boolean {
    if (!lwwRegister.isOp(op) || op.act !== "set" || !RegisterRows.fits(dot)) return false;
    const write = { author: dot.author, counter: dot.counter, stamp, value: op.value };
    const row = this.#rowOf(name, KINDS.register);
    if (row < 0) {
      if (op.replaces.length > 0 || this.#get(name, KINDS.register) !== undefined) return false;
      const added = this.#addRow(name, write, write);
      undo?.push(() => this.#rows!.drop(added));
      return true;
    }
    const rows = this.#rows!;
    if (op.replaces.length !== 1 || !rows.isWriteOf(row, op.replaces[0]!)) return false;
    if (undo !== undefined) {
      const before = rows.writeOf(row);
      undo.push(() => rows.set(row, before));
    }
    rows.set(row, write);
    this.#beforeFirst(row, write, undo);
    return true;
  }

  #mergeRow(seen: Seen, name: string, theirs: Sibling, first: Use, fromSeen: Seen): void {
    const row = this.#rowOf(name, KINDS.register);
    if (row >= 0 && this.#joinRow(seen, row, theirs, fromSeen)) {
      this.#beforeFirst(row, first);
      return;
    }
    const mine = this.#leaveRow(name, KINDS.register) ?? this.#get(name, KINDS.register);
    if (mine === undefined) {
      this.#addRow(name, theirs, first);
      return;
    }
    if (compareUses(first, mine.first) < 0) mine.first = first;
    mine.cell?.merge(seen, registerWith(theirs), fromSeen);
  }

  /** False if not exactly one of the two writes is left. */
  #joinRow(seen: Seen, row: number, theirs: Sibling, fromSeen: Seen): boolean {
    const rows = this.#rows!;
    if (rows.isWriteOf(row, theirs)) return true;
    const isGone = hasSeen(fromSeen, rows.writeOf(row));
    const isNew = !hasSeen(seen, theirs);
    if (isGone && isNew) rows.set(row, theirs);
    return isGone === isNew;
  }

  #beforeFirst(row: number, use: Use, undo?: Undo): void {
    const rows = this.#rows!;
    if (rows.isFirstBefore(row, use.stamp)) return;
    const before = rows.firstOf(row);
    if (compareUses(use, before) >= 0) return;
    rows.setFirst(row, use);
    undo?.push(() => rows.setFirst(row, before));
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

/** The state of fields that are all in rows, without making them. */
function writeRows(out: ByteWriter, rows: RegisterRows, authors: AuthorTable): void {
  const uses: { row: number; first: Use }[] = [];
  for (const row of rows.each()) uses.push({ row, first: rows.firstOf(row) });
  uses.sort((a, b) => compareDots(a.first, b.first));
  out.uint(uses.length);
  writeTexts(
    out,
    uses.map(({ row }) => rows.nameOf(row)),
  );
  writeDotColumns(
    out,
    uses.map(({ first }) => first),
    authors,
  );
  writeSteps(
    out,
    uses.map(({ first }) => first.stamp),
  );
  writeColumnsOf(out, KINDS.register, uses.length, () => {
    const one = uses.map(() => 1);
    const writes = uses.map(({ row }) => rows.writeOf(row));
    writeSiblings(out, one, writes, authors);
  });
}

function registerWith(write: Sibling): Cell {
  const state = lwwRegister.empty();
  state.siblings = [write];
  return new Cell(lwwRegister, state);
}

/** The write of a register that can be in a row. */
function onlyWriteIn(cell: Cell | undefined): Sibling | undefined {
  if (cell === undefined || !lwwRegister.isState(cell.state)) return undefined;
  const { siblings } = cell.state;
  return siblings.length === 1 && RegisterRows.fits(siblings[0]!) ? siblings[0] : undefined;
}

function compareUses(a: Use, b: Use): number {
  return a.stamp - b.stamp || compareDots(a, b);
}

function compareFields(a: Field, b: Field): number {
  const [mine, theirs] = [a.path[0]!, b.path[0]!];
  return compareUtf8(mine.name, theirs.name) || mine.kind - theirs.kind;
}

function copyOf({ path, first, cell }: Field): Field {
  return { path, first, cell: cell?.clone(), next: undefined };
}
