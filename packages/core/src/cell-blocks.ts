/**
 * Cells of one kind in a saved state: in columns where the type has them, else one after the other. Here they are read,
 * in `state-writing.ts` written.
 *
 * A cell of which nothing is left takes no bytes: so it is the same for those who know the kind and for those who do
 * not, and whoever learns a kind later reads what he has saved before.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader } from "./bytes.js";
import type { KindTag } from "./kinds.js";
import { readColumn } from "./state-columns.js";
import { type Cell, typeOf } from "./types.js";

/** What a container or a document holds of some kind, undefined where the kind is not known. */
export interface Kinded {
  readonly kind: KindTag;
  readonly cell: Cell | undefined;
}

/**
 * @param count at most as many as there are bytes. @param depth of the cells in their field.
 * @param skipped is told of cells of a kind that is not known, which are then passed over. Without it they are refused.
 */
export function readCells(
  input: ByteReader,
  count: number,
  kindMax: number,
  authors: AuthorTable,
  depth: number,
  skipped?: () => void,
): Kinded[] {
  const kinds = readColumn(input, count, false, 1, kindMax);
  const blocks = new Map<KindTag, Iterator<Cell | undefined>>();
  for (const kind of kindsIn(kinds)) {
    const block = input.within(input.uint());
    const ofKind = kinds.filter((each) => each === kind).length;
    const cells =
      skipped !== undefined && typeOf(kind) === undefined
        ? skipBlock(block, ofKind, skipped)
        : readBlock(block, kind, ofKind, authors, depth);
    block.end();
    blocks.set(kind, cells[Symbol.iterator]());
  }
  return kinds.map((kind) => ({ kind, cell: blocks.get(kind)!.next().value }));
}

// On disks for ever.
export const FORM = { rows: 0, columns: 1 } as const;

export function kindsIn(kinds: readonly KindTag[]): KindTag[] {
  return [...new Set(kinds)].sort((a, b) => a - b);
}

function skipBlock(input: ByteReader, count: number, skipped: () => void): undefined[] {
  // The form, and no byte for any cell, is what those write who do not know the kind either.
  if (input.rewind(input.offset).some((byte) => byte !== 0)) skipped();
  return new Array<undefined>(count).fill(undefined);
}

function readBlock(
  input: ByteReader,
  kind: KindTag,
  count: number,
  authors: AuthorTable,
  depth: number,
): (Cell | undefined)[] {
  const type = typeOf(kind);
  const at = input.offset;
  const form = input.byte();
  if (form === FORM.columns && type?.many !== undefined) {
    const cells = type.many.read(input, count, authors);
    if (cells.every((cell) => cell.isBlank())) input.fail("columns of nothing", at);
    return cells;
  }
  if (form !== FORM.rows) input.fail("cells in an unknown form", at);
  const cells: (Cell | undefined)[] = [];
  for (let left = count; left > 0; left--) {
    const row = input.within(input.uint());
    if (row.remaining === 0) {
      cells.push(type?.empty());
      continue;
    }
    if (type === undefined || type.many !== undefined) return row.fail("a cell that is not in columns");
    const cell = type.readState(row, authors, depth);
    row.end();
    if (cell.isBlank()) row.fail("a cell of which nothing is left", at);
    cells.push(cell);
  }
  return cells;
}
