/** A document in state form: what is held, with its context. Replicas that hold the same changes have the same bytes. */
import { AuthorTable } from "./author-table.js";
import { ByteWriter } from "./bytes.js";
import type { Change } from "./change.js";
import { type CounterView, pnCounter } from "./counter.js";
import { BareDocument, STATE_VERSION, type TransactionOrigin } from "./document.js";
import { compareDots } from "./dots.js";
import type { Draft } from "./draft.js";
import { BrokenInvariant } from "./errors.js";
import type { Fields } from "./fields.js";
import { type Dot, documentId } from "./ids.js";
import { writeOpaque } from "./opaque.js";
import { sealed } from "./sealed.js";
import { writeColumn, writeDotColumns, writeSteps, writeTexts } from "./state-columns.js";
import { writeCells } from "./state-writing.js";

/** The state of a document, canonical. Throws `BrokenInvariant` for a partial one, and within a transaction. O(size). */
export function encodeState(document: BareDocument): Uint8Array {
  document.mustBeIdle();
  if (document.isPartial)
    throw new BrokenInvariant(`${documentId(document.name)} has fields of unknown kinds`);
  const { fields, opaque } = BareDocument.partsOf(document);
  const out = new ByteWriter();
  out.byte(STATE_VERSION);
  out.text(document.name.collection);
  out.text(document.name.key);
  const seen = [...document.seen()].sort((a, b) => a.author - b.author);
  writeSeen(out, seen);
  const authors = new AuthorTable(seen);
  const heads = headsOf(document);
  out.uint(heads.length);
  writeSteps(
    out,
    heads.map((head) => authors.slotOf(head)),
  );
  writeFields(out, fields, authors);
  writeOpaque(out, opaque ?? new Map(), authors);
  return sealed(out);
}

/** A document that can write its state itself, and try what a change would be. */
export class Document extends BareDocument {
  /** The last changes that no change held here has observed: the dots of their last ops, ascending by author. */
  frontier(): readonly Dot[] {
    return headsOf(this);
  }

  /** Like `transact`, and takes everything back: the document is as it was. */
  prepare(by: TransactionOrigin, mutate: (draft: Draft) => void): Change | undefined {
    return this.transact(by, mutate, false);
  }

  /** Reads the counter of this name, 0 if there is none. */
  counterField(name: string): CounterView {
    return this.at(name, pnCounter);
  }

  /** State form: what is held, with its context. Replicas that hold the same changes have the same bytes. O(size). */
  encodeState(): Uint8Array {
    return encodeState(this);
  }
}

function headsOf(document: BareDocument): Dot[] {
  const heads = [...BareDocument.partsOf(document).heads].sort(([a], [b]) => a - b);
  return heads.map(([author, counter]) => ({ author, counter }));
}

/** Authors ascending, each as the difference from the one before; then their counters. */
export function writeSeen(out: ByteWriter, seen: readonly Dot[]): void {
  out.uint(seen.length);
  let before = 0;
  for (const { author } of seen) {
    out.uint(author - before);
    before = author;
  }
  writeColumn(
    out,
    seen.map(({ counter }) => counter),
  );
}

/** In the order of first use, in which numbers grow evenly. */
export function writeFields(out: ByteWriter, fields: Fields, authors: AuthorTable): void {
  if (fields.onlyRows !== undefined) {
    fields.onlyRows.writeState(out, authors);
    return;
  }
  const all = [...fields.all()].sort((a, b) => compareDots(a.first, b.first));
  out.uint(all.length);
  writeTexts(
    out,
    all.map(({ path }) => path[0]!.name),
  );
  const firsts = all.map(({ first }) => first);
  writeDotColumns(out, firsts, authors);
  writeSteps(
    out,
    firsts.map(({ stamp }) => stamp),
  );
  const cells = all.map(({ path, cell }) => ({ kind: path[0]!.kind, cell }));
  writeCells(out, cells, authors);
}
