/** Which root types of a Y.Doc a transaction has touched: each is a field of its document. */
import type * as Y from "yjs";

export function touchedRoots(transaction: Y.Transaction): string[] {
  const roots = new Set<unknown>();
  for (const type of transaction.changed.keys()) {
    let at: unknown = type;
    while (hasParent(at)) at = at._item.parent;
    roots.add(at);
  }
  const names: string[] = [];
  for (const [name, root] of transaction.doc.share) if (roots.has(root)) names.push(name);
  return names;
}

function hasParent(type: unknown): type is { _item: { parent: unknown } } {
  return typeof type === "object" && type !== null && "_item" in type && type._item !== null;
}

/** An update that brings nothing: for a field that an update of another one has touched, too. */
export const NOTHING = new Uint8Array([0, 0]);
