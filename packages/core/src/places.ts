/** The places of a document, looked at from outside: for events, digests and conflicts, which not every program has. */
import { visitUpwards } from "./descent.js";
import { BareDocument } from "./document.js";
import { CounterOverflow } from "./errors.js";
import { isOwnField } from "./own-fields.js";
import type { Path } from "./path.js";
import type { Value } from "./value.js";

/** Every cell there is, with what it keeps: to be looked at, not changed. */
export function cellsOf(document: BareDocument): readonly { readonly path: Path; readonly state: unknown }[] {
  const cells: { path: Path; state: unknown }[] = [];
  for (const { path, cell } of fieldsOf(document).all())
    if (cell !== undefined)
      visitUpwards(cell, path, (inner, at) => cells.push({ path: at, state: inner.state }));
  return cells;
}

/** What is shown at a path, undefined for nothing, and for a sum that is no exact number. O(its size). */
export function shownAt(document: BareDocument, path: Path): Value | undefined {
  const cell = document.isDeleted || isOwnField(path[0]!.name) ? undefined : document.cell(path);
  if (cell === undefined || (cell.isVacant() && (path.length > 1 || cell.children !== undefined)))
    return undefined;
  try {
    return cell.json();
  } catch (error) {
    if (error instanceof CounterOverflow) return undefined;
    throw error;
  }
}

/** True if there are others inside of what is at a path. */
export function isContainerAt(document: BareDocument, path: Path): boolean {
  return document.cell(path)?.children !== undefined;
}

/** Calls `visit` for every place of which something is kept, the innermost first. */
export function visitPlaces(document: BareDocument, visit: (path: Path) => void): void {
  for (const { path, cell } of fieldsOf(document).all()) {
    if (cell !== undefined && !isOwnField(path[0]!.name)) visitUpwards(cell, path, (_cell, at) => visit(at));
  }
}

/** The fields that do not have the bare name, because another kind of it was used before. O(fields). */
export function laterKinds(document: BareDocument): Path[] {
  const fields = fieldsOf(document);
  const later: Path[] = [];
  for (const field of fields.all()) if (!fields.isEarliest(field)) later.push(field.path);
  return later;
}

const fieldsOf = (document: BareDocument) => BareDocument.partsOf(document).fields;
