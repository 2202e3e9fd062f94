/** Changes that a client of a test's own makes, as bytes. */
import { type Change, createChange, type Dot, KINDS, readDocumentId } from "@syncline/core";

interface IncrementOptions {
  readonly id?: string;
  readonly by?: number;
  readonly ops?: number;
  readonly observed?: readonly Dot[];
}

/** A change of `author` that begins with its op `first`: `ops` steps of the counter "votes". */
export function incrementing(author: number, first: number, options: IncrementOptions = {}): Change {
  const { id = "boards/a", by = 1, ops = 1, observed = [] } = options;
  return createChange({
    document: readDocumentId(id),
    author,
    first,
    stamp: first,
    observed,
    paths: [[{ name: "votes", kind: KINDS.counter }]],
    ops: Array.from({ length: ops }, () => ({ path: 0, op: { act: "step" as const, by } })),
  });
}

export const increment = (author: number, first: number, options: IncrementOptions = {}): Uint8Array =>
  incrementing(author, first, options).bytes;
