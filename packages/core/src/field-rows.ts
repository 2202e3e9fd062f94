/**
 * The registers of a document that have one write each, in rows instead of as fields with a cell: see 0022.
 *
 * A register that becomes anything else (cleared, or written at the same time by others) leaves its row and is kept as
 * a field, like those of all other kinds.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import { FORM } from "./cell-blocks.js";
import type { Undo } from "./crdt.js";
import type { Play } from "./descent.js";
import { compareDots, hasSeen, type Seen } from "./dots.js";
import { compareUses, type Field, type Rows, type Use } from "./fields.js";
import { checkFieldName, type Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { FEW_MAX } from "./name-table.js";
import { isOwnField } from "./own-fields.js";
import { lwwRegister, type Sibling } from "./register.js";
import { RegisterRows } from "./register-rows.js";
import {
  readColumn,
  readSteps,
  readTexts,
  readValues,
  writeDotColumns,
  writeSteps,
  writeTexts,
} from "./state-columns.js";
import { writeColumnsOf, writeSiblings } from "./state-writing.js";
import { Cell } from "./types.js";
import { setOwn, type Value } from "./value.js";

export class FieldRows implements Rows {
  readonly #rows: RegisterRows;

  constructor(rows: RegisterRows) {
    this.#rows = rows;
  }

  get size(): number {
    return this.#rows.size;
  }

  has(name: string): boolean {
    return this.#rows.find(name) >= 0;
  }

  apply(name: string, { op, dot, stamp, undo }: Play): boolean {
    if (!lwwRegister.isOp(op) || op.act !== "set" || !RegisterRows.fits(dot.counter)) return false;
    const write = { author: dot.author, counter: dot.counter, stamp, value: op.value };
    const rows = this.#rows;
    const row = rows.find(name);
    if (row < 0) {
      if (op.replaces.length > 0) return false;
      const added = rows.add(name, write);
      undo?.push(() => rows.drop(added));
      return true;
    }
    if (op.replaces.length !== 1 || !rows.isWriteOf(row, op.replaces[0]!)) return false;
    if (undo !== undefined) {
      const before = rows.writeOf(row);
      undo.push(() => rows.set(row, before));
    }
    rows.set(row, write);
    this.#beforeFirst(row, write, undo);
    return true;
  }

  enter({ path, cell, first }: Field): boolean {
    const write = onlyWriteIn(cell);
    if (write !== undefined) this.#add(path[0]!.name, write, first);
    return write !== undefined;
  }

  leave(name: string): Field | undefined {
    const row = this.#rows.find(name);
    if (row < 0) return undefined;
    const field = this.#fieldOf(row);
    this.#rows.drop(row);
    return field;
  }

  merge(
    seen: Seen,
    from: Rows,
    fromSeen: Seen,
    isField: (name: string) => boolean,
    other: (field: Field) => void,
  ): void {
    if (!(from instanceof FieldRows)) {
      for (const field of from.each()) other(field);
      return;
    }
    const [mine, theirs] = [this.#rows, from.#rows];
    for (const each of theirs.each()) {
      const name = theirs.nameOf(each);
      const row = mine.find(name);
      const [write, first] = [theirs.writeOf(each), theirs.firstOf(each)];
      if (row >= 0 && this.#joinRow(seen, row, write, fromSeen)) this.#beforeFirst(row, first);
      else if (row < 0 && !isField(name)) this.#add(name, write, first);
      else other(from.#fieldOf(each));
    }
  }

  cell(name: string): Cell | undefined {
    const row = this.#rows.find(name);
    return row < 0 ? undefined : registerWith(this.#rows.writeOf(row));
  }

  firstOf(name: string): Use | undefined {
    const row = this.#rows.find(name);
    return row < 0 ? undefined : this.#rows.firstOf(row);
  }

  *each(): Generator<Field> {
    for (const row of this.#rows.each()) yield this.#fieldOf(row);
  }

  clone(): FieldRows {
    return new FieldRows(this.#rows.clone());
  }

  json(): Record<string, Value> {
    const json: Record<string, Value> = {};
    const rows = this.#rows;
    for (const name of rows.sortedNames())
      if (!isOwnField(name)) setOwn(json, name, rows.valueOf(rows.find(name)));
    return json;
  }

  /** Without making fields of them. */
  writeState(out: ByteWriter, authors: AuthorTable): void {
    const rows = this.#rows;
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

  /**
   * Reads what `writeState` has written, without making fields of it: half of the time that reading a document of many
   * registers takes. False, and nothing is read and these rows are of no use, if there is anything else among it, or something is
   * wrong with it: who reads field by field finds out what.
   */
  read(input: ByteReader, count: number, authors: AuthorTable): boolean {
    // Few are mostly of several kinds, and would be read twice.
    if (count <= FEW_MAX) return false;
    const at = input.offset;
    const names = readTexts(input, count, CORE_LIMITS.fieldBytesMax);
    const firsts = readUses(input, count);
    const kinds = readColumn(input, count, false, 1, CORE_LIMITS.kindTagMax);
    if (kinds.every((kind) => kind === KINDS.register)) {
      const block = input.within(input.uint());
      if (block.byte() === FORM.columns && readColumn(block, count).every((siblings) => siblings === 1)) {
        const writes = readUses(block, count);
        if (writes.counters.every((counter) => RegisterRows.fits(counter))) {
          const values = readValues(block, count);
          block.end();
          if (this.#fill(names, firsts, writes, values, authors)) return true;
        }
      }
    }
    input.back(at);
    return false;
  }

  /** False as soon as something is wrong. */
  #fill(
    names: readonly string[],
    firsts: Uses,
    writes: Uses,
    values: readonly Value[],
    authors: AuthorTable,
  ): boolean {
    let before: Dot | undefined;
    for (let i = 0; i < names.length; i++) {
      const used = authors.dotAt(firsts.slots[i]!, firsts.counters[i]!);
      const dot = authors.dotAt(writes.slots[i]!, writes.counters[i]!);
      if (used === undefined || dot === undefined || checkFieldName(names[i]!) !== undefined) return false;
      if (before !== undefined && compareDots(before, used) >= 0) return false;
      before = used;
      const write = { author: dot.author, counter: dot.counter, stamp: writes.stamps[i]!, value: values[i]! };
      const first = { author: used.author, counter: used.counter, stamp: firsts.stamps[i]! };
      // A name that is there twice has its row already.
      if (this.#rows.add(names[i]!, write, compareUses(first, write) === 0 ? write : first) < i) return false;
    }
    return true;
  }

  #fieldOf(row: number): Field {
    const [rows, path] = [this.#rows, [{ name: this.#rows.nameOf(row), kind: KINDS.register }]];
    return { path, first: rows.firstOf(row), cell: registerWith(rows.writeOf(row)), next: undefined };
  }

  #add(name: string, write: Sibling, first: Use): void {
    this.#rows.add(name, write, compareUses(first, write) === 0 ? write : first);
  }

  /** False if not exactly one of the two writes is left. */
  #joinRow(seen: Seen, row: number, theirs: Sibling, fromSeen: Seen): boolean {
    const rows = this.#rows;
    if (rows.isWriteOf(row, theirs)) return true;
    const isGone = hasSeen(fromSeen, rows.writeOf(row));
    const isNew = !hasSeen(seen, theirs);
    if (isGone && isNew) rows.set(row, theirs);
    return isGone === isNew;
  }

  #beforeFirst(row: number, use: Use, undo?: Undo): void {
    const rows = this.#rows;
    if (rows.isFirstBefore(row, use.stamp)) return;
    const before = rows.firstOf(row);
    if (compareUses(use, before) >= 0) return;
    rows.setFirst(row, use);
    undo?.push(() => rows.setFirst(row, before));
  }
}

/** Dots and stamps, in columns. */
interface Uses {
  /** Places of authors. */
  readonly slots: readonly number[];
  readonly counters: readonly number[];
  readonly stamps: readonly number[];
}

function readUses(input: ByteReader, count: number): Uses {
  const slots = readSteps(input, count);
  const counters = readSteps(input, count);
  return { slots, counters, stamps: readSteps(input, count) };
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
  return siblings.length === 1 && RegisterRows.fits(siblings[0]!.counter) ? siblings[0] : undefined;
}
