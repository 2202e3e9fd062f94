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
import { hasSeen, type Seen } from "./dots.js";
import { compareUses, type Field, type Rows, type Use } from "./fields.js";
import { checkFieldName } from "./ids.js";
import { isRunOf } from "./int-column.js";
import { KINDS } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { FEW_MAX, NameTable } from "./name-table.js";
import { isOwnField } from "./own-fields.js";
import { joinSiblings, lwwRegister, type RegisterState, type Sibling } from "./register.js";
import { RegisterRows, type Uses } from "./register-rows.js";
import { readColumn, readSteps, readValues, ValueWriter, writeSame, writeSteps } from "./state-columns.js";
import { writeColumnsOf } from "./state-writing.js";
import { Cell } from "./types.js";
import { setOwn, type Value } from "./value.js";

export class FieldRows implements Rows {
  readonly #rows: RegisterRows;
  /** What has left its row, by the place of its name: so that joining many states finds it without its name. */
  #left: Map<number, { readonly field: Field; readonly state: RegisterState }> | undefined;

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
    if (lwwRegister.isState(field.cell?.state)) {
      this.#left ??= new Map();
      this.#left.set(row, { field, state: field.cell.state });
    }
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
    for (let each = 0; each < theirs.places; each++) {
      if (!theirs.isRow(each)) continue;
      const place = mine.placeOf(theirs, each);
      const write = theirs.writeOf(each);
      const left = this.#left?.get(place);
      if (left !== undefined) {
        joinSiblings(left.state, seen, [write], fromSeen);
        // It was used first when it was in its row, or before.
        if (theirs.firstStampOf(each) > mine.firstStampOf(place)) continue;
        left.field.first = earlier(left.field.first, theirs.firstOf(each));
      } else if (place >= 0 && mine.isRow(place)) {
        if (this.#joinRow(seen, place, write, fromSeen)) this.#beforeFirst(place, theirs.firstOf(each));
        else other(from.#fieldOf(each));
      } else if (isField(theirs.nameOf(each))) {
        other(from.#fieldOf(each));
      } else {
        this.#add(theirs.nameOf(each), write, theirs.firstOf(each));
      }
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
    for (const [name, value] of this.#rows.sorted()) if (!isOwnField(name)) setOwn(json, name, value);
    return json;
  }

  /** Column by column, without making fields of them. */
  writeState(out: ByteWriter, authors: AuthorTable): void {
    const rows = this.#rows;
    const order = rows.inOrder();
    const { writes, firsts } = rows.usesOf(order, authors);
    out.uint(order.length);
    rows.writeNames(out, order);
    writeUses(out, firsts);
    writeColumnsOf(out, KINDS.register, order.length, () => {
      const values = new ValueWriter();
      for (const row of order) values.add(rows.valueOf(row));
      writeSame(out, order.length, 1);
      writeUses(out, writes);
      values.write(out);
    });
  }

  /**
   * Reads what `writeState` has written, without making fields of it. Undefined, and nothing is read, if there is anything else
   * among it, or something is wrong with it: who reads field by field finds out what.
   */
  static read(input: ByteReader, count: number, authors: AuthorTable): FieldRows | undefined {
    // Few are mostly of several kinds, and would be read twice.
    if (count <= FEW_MAX) return undefined;
    const at = input.offset;
    const rows = readRows(input, count, authors);
    if (rows === undefined) input.back(at);
    return rows && new FieldRows(rows);
  }

  #fieldOf(row: number): Field {
    const [rows, path] = [this.#rows, [{ name: this.#rows.nameOf(row), kind: KINDS.register }]];
    return { path, first: rows.firstOf(row), cell: registerWith(rows.writeOf(row)), next: undefined };
  }

  #add(name: string, write: Sibling, first: Use): void {
    const row = this.#rows.add(name, write, compareUses(first, write) === 0 ? write : first);
    this.#left?.delete(row);
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
    if (rows.firstStampOf(row) < use.stamp) return;
    const before = rows.firstOf(row);
    if (compareUses(use, before) >= 0) return;
    rows.setFirst(row, use);
    undo?.push(() => rows.setFirst(row, before));
  }
}

function readRows(input: ByteReader, count: number, authors: AuthorTable): RegisterRows | undefined {
  const names = readNames(input, count);
  if (names === undefined) return undefined;
  const start = input.offset;
  const firsts = readUses(input, count);
  const bytes = input.since(start);
  if (!isAscending(firsts) || !areAllowed(firsts, authors)) return undefined;
  if (!isRunOf(input, count, KINDS.register)) return undefined;
  const block = input.within(input.uint());
  if (block.byte() !== FORM.columns || !isRunOf(block, count, 1)) return undefined;
  // Registers that were written once were first used by that.
  const writes = goesOnWith(block, bytes) ? firsts : readUses(block, count);
  if (!writes.counters.every(RegisterRows.fits)) return undefined;
  if (writes !== firsts && !areAllowed(writes, authors)) return undefined;
  const values = readValues(block, count);
  block.end();
  return RegisterRows.of(names, writes, firsts, values, authors);
}

/** Undefined if one of them is no name, or is there twice. */
function readNames(input: ByteReader, count: number): NameTable | undefined {
  // As integers: those of a column may be doubles, and all that is computed with them with it, which is compiled anew for that.
  const lengths = new Uint32Array(readColumn(input, count, false, 0, CORE_LIMITS.fieldBytesMax));
  const start = input.offset;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total > input.remaining) return undefined;
  const bytes = input.raw(total);
  let from = 0;
  for (const length of lengths) {
    if (!isPlainName(bytes, from, from + length)) {
      input.back(start + from);
      if (checkFieldName(input.textOnly(length)) !== undefined) return undefined;
    }
    from += length;
  }
  input.back(start + total);
  return NameTable.of(bytes, lengths);
}

/** True for names that are not worth being made a string to be looked at: letters, digits and what stands between those. */
function isPlainName(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte < 0x20 || byte > 0x7e || byte === AT) return false;
  }
  // Names of the language's own begin like this.
  return from < to && bytes[from] !== UNDERSCORE;
}

const AT = 0x40;
const UNDERSCORE = 0x5f;

function readUses(input: ByteReader, count: number): Uses {
  const slots = readSteps(input, count);
  const counters = readSteps(input, count);
  return { slots, counters, stamps: readSteps(input, count) };
}

/** Whether these bytes are the next: then they have been read. */
function goesOnWith(input: ByteReader, bytes: Uint8Array): boolean {
  if (bytes.length > input.remaining) return false;
  const at = input.offset;
  const next = input.raw(bytes.length);
  if (next.every((byte, i) => byte === bytes[i])) return true;
  input.back(at);
  return false;
}

function writeUses(out: ByteWriter, { slots, counters, stamps }: Uses): void {
  writeSteps(out, slots);
  writeSteps(out, counters);
  writeSteps(out, stamps);
}

/** In a state's table authors are ascending, so that their places are. */
function isAscending({ slots, counters }: Uses): boolean {
  for (let i = 1; i < slots.length; i++) {
    if ((slots[i]! - slots[i - 1]! || counters[i]! - counters[i - 1]!) <= 0) return false;
  }
  return true;
}

function areAllowed({ slots, counters }: Uses, authors: AuthorTable): boolean {
  let [slot, counterMax] = [-1, 0];
  for (let i = 0; i < slots.length; i++) {
    if (slots[i] !== slot) {
      slot = slots[i]!;
      counterMax = authors.lastOf(slot)?.counter ?? 0;
    }
    if (counters[i]! < 1 || counters[i]! > counterMax) return false;
  }
  return true;
}

function registerWith(write: Sibling): Cell {
  const state = lwwRegister.empty();
  state.siblings = [write];
  return new Cell(lwwRegister, state);
}

function earlier(a: Use, b: Use): Use {
  return compareUses(a, b) <= 0 ? a : b;
}

/** The write of a register that can be in a row. */
function onlyWriteIn(cell: Cell | undefined): Sibling | undefined {
  if (cell === undefined || !lwwRegister.isState(cell.state)) return undefined;
  const { siblings } = cell.state;
  return siblings.length === 1 && RegisterRows.fits(siblings[0]!.counter) ? siblings[0] : undefined;
}
