import type { BareDocument, Change, Document } from "@syncline/core";
import { changeId, conflictsOf, documentId } from "@syncline/core";
import type { SyncNode } from "@syncline/engine";
import { specifiedConflicts } from "./specification/conflicts.js";
import { documentContents } from "./specification/document.js";

/**
 * Checks of what a replica shows against what it must show.
 *
 * A document says by its author counters which changes it holds; the specification says what those changes amount
 * to. Agreement between replicas is never taken as proof.
 */
export class Violation extends Error {}

/** Every change that was ever made in a simulated world, by document. */
export class Ledger {
  private readonly byDocument = new Map<string, Map<string, Change>>();
  private readonly doubtful = new Set<string>();
  private readonly amounts = new Map<string, Map<string, Amount>>();
  private readonly conflicts = new Map<string, { readonly seen: string; readonly must: readonly string[] }>();

  add(change: Change): void {
    const id = documentId(change.document);
    let changes = this.byDocument.get(id);
    if (changes === undefined) this.byDocument.set(id, (changes = new Map()));
    const isNext = ![...changes.values()].some(
      ({ author, last }) => author === change.author && last >= change.first,
    );
    if (!isNext) this.forget(id);
    changes.set(changeId(change), change);
  }

  remove(change: Change): void {
    const id = documentId(change.document);
    this.byDocument.get(id)?.delete(changeId(change));
    this.forget(id);
  }

  /** Its maker died before anybody said that it was stored: it may have got through, or not. */
  doubt(change: Change): void {
    this.doubtful.add(changeId(change));
  }

  isDoubtful(change: Change): boolean {
    return this.doubtful.has(changeId(change));
  }

  of(document: string): Change[] {
    return [...(this.byDocument.get(document)?.values() ?? [])];
  }

  documents(): string[] {
    return [...this.byDocument.keys()];
  }

  /**
   * What these author counters of a document amount to. Computed once for each set of counters, since many replicas
   * pass through the same one: a later change of the ledger that could alter it makes it forgotten.
   */
  amount(document: string, seen: string, compute: () => Amount): Amount {
    let amounts = this.amounts.get(document);
    if (amounts === undefined) this.amounts.set(document, (amounts = new Map()));
    let amount = amounts.get(seen);
    if (amount === undefined) amounts.set(seen, (amount = compute()));
    return amount;
  }

  /** The conflicts that these author counters of a document amount to. Nodes are asked one after the other, with the same. */
  conflictsOf(document: string, seen: string, compute: () => readonly string[]): readonly string[] {
    const known = this.conflicts.get(document);
    if (known?.seen === seen) return known.must;
    const must = compute();
    this.conflicts.set(document, { seen, must });
    return must;
  }

  private forget(document: string): void {
    this.amounts.delete(document);
    this.conflicts.delete(document);
  }
}

/** What a set of changes must show. */
export interface Amount {
  readonly json: unknown;
  readonly kinds: unknown;
}

/** Throws `Violation` unless the document holds whole changes (I4), causally closed (I3), and shows what they amount to. */
export function checkDocument(where: string, document: BareDocument, ledger: Ledger): void {
  const id = documentId(document.name);
  const must = ledger.amount(id, seenBy(document), () =>
    documentContents(heldChanges(where, id, document, ledger)),
  );
  mustEqual(`${where}, ${id}`, document.toJSON(), must.json);
  mustEqual(`${where}, kinds of ${id}`, document.kinds(), must.kinds);
}

const seenBy = (document: BareDocument): string =>
  Array.from(document.seen(), ({ author, counter }) => `${author}:${counter}`)
    .sort()
    .join(" ");

/** The changes that a document holds by its counters. */
function heldChanges(where: string, id: string, document: BareDocument, ledger: Ledger): Change[] {
  const held: Change[] = [];
  for (const change of ledger.of(id)) {
    const counter = document.counter(change.author);
    if (counter >= change.last) held.push(change);
    else if (counter >= change.first) {
      throw new Violation(`I4: ${where} shows a part of ${changeId(change)}, up to ${counter}`);
    }
  }
  for (const change of held) {
    for (const dot of change.observed) {
      if (document.counter(dot.author) < dot.counter) {
        throw new Violation(`I3: ${where} shows ${changeId(change)} without what it observed`);
      }
    }
  }
  for (const dot of document.seen()) {
    if (!held.some((change) => change.author === dot.author && change.last === dot.counter)) {
      throw new Violation(`I1: ${where} shows dot ${dot.author}:${dot.counter} of ${id}, which nobody made`);
    }
  }
  return held;
}

/** Throws `Violation` unless both are the same JSON. */
export function mustEqual(what: string, is: unknown, must: unknown): void {
  if (isSame(is, must)) return;
  const [shown, wanted] = [canonical(is), canonical(must)];
  if (shown !== wanted) throw new Violation(`I5: ${what} is ${shown} and must be ${wanted}`);
}

/** Whether both are certainly the same JSON: nearly always they are, and nothing has to be written out to see it. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(b, key) || !isSame(Reflect.get(a, key), Reflect.get(b, key))) return false;
  }
  return true;
}

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Throws `Violation` unless a node tells of the conflicts that were specified, and as another one does (I5). */
export function checkConflicts(node: ConflictTeller, other: ConflictTeller, ledger: Ledger): void {
  mustEqual(`what ${node.name} tells of conflicts`, node.engine.conflictList(), other.engine.conflictList());
  mustEqual(
    `the schema of ${node.name}`,
    node.engine.catalog().collections,
    other.engine.catalog().collections,
  );
  for (const id of ledger.documents()) {
    const document = node.document(id);
    if (document === undefined) continue;
    const told = conflictsOf(document)
      .filter(({ type }) => type !== "update_delete")
      .map(
        ({ type, field, losers: [loser] }) => `${type} ${field} ${loser?.dot.author}:${loser?.dot.counter}`,
      );
    const must = ledger.conflictsOf(id, seenBy(document), () =>
      specifiedConflicts(heldChanges(node.name, id, document, ledger)),
    );
    mustEqual(`what ${node.name} tells of conflicts in ${id}`, told.sort(), must);
  }
}

interface ConflictTeller {
  readonly name: string;
  readonly engine: Pick<SyncNode, "conflictList" | "catalog">;
  document(id: string): Document | undefined;
}
