import type { Changes } from "./changes.js";
import type { JudgedRead, Knowledge, Past } from "./past.js";

/** What a guarantee is judged by. */
export interface Judged {
  readonly changes: Changes;
  readonly past: Past;
  readonly specification: Specification;
}

/** What a document must show that has exactly these changes. */
export type Specification = (document: string, changes: readonly string[]) => unknown;

/** A guarantee: what is wrong with a read, said so that it can stand after "shows boards/a". Undefined if nothing is. */
export type Rule = (read: JudgedRead, judged: Judged) => string | undefined;

/** A change that the session was shown and whose writer knew this before; for the message. */
export function culprit(
  { shown, known }: JudgedRead,
  { changes, past }: Judged,
  knew: (before: Knowledge) => boolean,
): string {
  for (const bits of [shown.whole, known.read]) {
    for (const index of bits) {
      const change = changes.at(index);
      if (knew(past.of(change))) return change.write.change;
    }
  }
  return "what its token stands for";
}
