import type { Change, Dot, Draft } from "@syncline/core";

/**
 * Makes the same mutations again, on another state of the document and under another author.
 *
 * For changes that were made after one that was finally refused: their dots follow dots that do not exist, so they
 * cannot stand as they are. What they remove or replace is judged anew, by what is there now. `made` goes from one
 * change to the next: a later one may move what an earlier one has inserted.
 */
export function replay(change: Change, draft: Draft, made: Map<string, Dot>): void {
  draft.repeat(change, made);
}
