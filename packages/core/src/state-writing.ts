/**
 * How states are written: those of registers, counters, sets, maps and records, and cells of any kind.
 *
 * Other types write their states where they are defined. The first four are part of every program that has documents, and most
 * clients never write a state: they send changes. So this stands apart from the types, and a client ships it only if it keeps
 * documents on the device. Reading stands with the types, and is the specification of what is written here.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteWriter } from "./bytes.js";
import { FORM, type Kinded, kindsIn } from "./cell-blocks.js";
import type { Children } from "./children.js";
import type { CounterState } from "./counter.js";
import { compareDots } from "./dots.js";
import { BrokenInvariant } from "./errors.js";
import { KINDS, type KindTag } from "./kinds.js";
import type { MapState } from "./map.js";
import { writeTotal } from "./prefix.js";
import type { RegisterState, Sibling } from "./register.js";
import type { SetState } from "./set.js";
import {
  ValueWriter,
  writeColumn,
  writeDotColumns,
  writeSame,
  writeSteps,
  writeTexts,
} from "./state-columns.js";
import type { Cell } from "./types.js";
import { valueOfKey, writeValue } from "./value.js";

type Write<State> = (out: ByteWriter, state: State, authors: AuthorTable) => void;

/** In a function, so that who writes none of them does not ship them. */
const WRITING: ReadonlyMap<KindTag, Writing> = /* @__PURE__ */ writingOfKinds();

/** Cells are given states of their own kind only. */
function writingOfKinds(): Map<KindTag, Writing> {
  return new Map<KindTag, Writing>([
    [
      KINDS.register,
      { one: writeRegister as Write<unknown>, many: writeRegisters as Write<readonly unknown[]> },
    ],
    [KINDS.counter, { one: writeCounter as Write<unknown> }],
    [KINDS.set, { one: writeSet as Write<unknown> }],
    [KINDS.map, { one: writeMap as Write<unknown> }],
    [KINDS.record, { one: writeMap as Write<unknown> }],
  ]);
}

interface Writing {
  readonly one: Write<unknown>;
  readonly many?: Write<readonly unknown[]>;
}

/** Writes the canonical bytes of what is in a cell. O(size). */
export function writeCell(out: ByteWriter, cell: Cell, authors: AuthorTable): void {
  const write = WRITING.get(cell.kind)?.one ?? cell.rules.writeState;
  if (write === undefined) throw new BrokenInvariant(`states of kind ${cell.kind} cannot be written`);
  write(out, cell.state, authors);
}

/** The kinds of all cells, then the cells kind by kind, each kind's in the order given. */
export function writeCells(out: ByteWriter, cells: readonly Kinded[], authors: AuthorTable): void {
  writeColumn(
    out,
    cells.map(({ kind }) => kind),
  );
  for (const kind of kindsIn(cells.map((each) => each.kind))) {
    const start = out.open();
    writeBlock(
      out,
      kind,
      cells.filter((each) => each.kind === kind).map(({ cell }) => cell),
      authors,
    );
    out.close(start);
  }
}

/** The same for cells that are all of one kind, that are not all empty, and of which `write` writes the columns. */
export function writeColumnsOf(out: ByteWriter, kind: KindTag, count: number, write: () => void): void {
  writeSame(out, count, kind);
  if (count === 0) return;
  const start = out.open();
  out.byte(FORM.columns);
  write();
  out.close(start);
}

/** What is in a container: names, and cells of any kind. */
export function writeChildren(out: ByteWriter, children: Children, authors: AuthorTable): void {
  const all = children.steps().map((step) => ({ ...step, cell: children.get(step) }));
  out.uint(all.length);
  writeTexts(
    out,
    all.map(({ name }) => name),
  );
  writeCells(out, all, authors);
}

export function writeRegister(out: ByteWriter, { siblings }: RegisterState, authors: AuthorTable): void {
  out.uint(siblings.length);
  for (let i = siblings.length - 1; i >= 0; i--) {
    const sibling = siblings[i]!;
    authors.writeDot(out, sibling);
    out.uint(sibling.stamp);
    writeValue(out, sibling.value);
  }
}

/** How many siblings each has, their dots, stamps and values: the last write of each first. */
function writeRegisters(out: ByteWriter, states: readonly RegisterState[], authors: AuthorTable): void {
  const all: Sibling[] = [];
  for (const { siblings } of states) for (let i = siblings.length - 1; i >= 0; i--) all.push(siblings[i]!);
  const counts = states.map(({ siblings }) => siblings.length);
  writeSiblings(out, counts, all, authors);
}

/** @param counts how many of the writes belong to each register, one after the other. */
function writeSiblings(
  out: ByteWriter,
  counts: readonly number[],
  all: readonly Sibling[],
  authors: AuthorTable,
): void {
  const values = new ValueWriter();
  for (const { value } of all) values.add(value);
  const isFull = all.length > counts.length;
  writeColumn(out, counts);
  writeDotColumns(out, all, authors);
  writeSteps(
    out,
    all.map(({ stamp }) => stamp),
  );
  values.write(out, isFull);
}

export function writeCounter(out: ByteWriter, state: CounterState, authors: AuthorTable): void {
  const entries = [...state.entries].sort(([a], [b]) => a - b);
  out.uint(entries.length);
  for (const [author, { steps, floor }] of entries) {
    authors.writeAuthor(out, author);
    for (const prefix of [steps, floor]) {
      out.uint(prefix.seq);
      if (prefix.seq > 0) writeTotal(out, prefix.total);
    }
  }
}

/** In the order of the dots that added them, in which numbers grow evenly. */
export function writeSet(out: ByteWriter, state: SetState, authors: AuthorTable): void {
  const entries = [...state.elements].sort(([, a], [, b]) => compareDots(a[0]!, b[0]!));
  const dots = entries.flatMap(([, each]) => each);
  out.uint(entries.length);
  writeColumn(
    out,
    entries.map(([, each]) => each.length),
  );
  writeDotColumns(out, dots, authors, dots.length > entries.length);
  const values = new ValueWriter();
  for (const [key] of entries) values.add(valueOfKey(key));
  values.write(out);
}

export function writeMap(out: ByteWriter, state: MapState, authors: AuthorTable): void {
  authors.writeCountedDots(out, state.created);
  writeChildren(out, state.children, authors);
}

function writeBlock(
  out: ByteWriter,
  kind: KindTag,
  cells: readonly (Cell | undefined)[],
  authors: AuthorTable,
): void {
  const known = cells.filter((cell) => cell !== undefined);
  const many = WRITING.get(kind)?.many;
  if (many !== undefined && known.length > 0 && !known.every((cell) => cell.isBlank())) {
    out.byte(FORM.columns);
    many(
      out,
      known.map(({ state }) => state),
      authors,
    );
    return;
  }
  out.byte(FORM.rows);
  for (const cell of cells) {
    const start = out.open();
    if (cell !== undefined && !cell.isBlank()) writeCell(out, cell, authors);
    out.close(start);
  }
}
