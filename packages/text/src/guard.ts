/**
 * What a master looks at before it accepts text: that every update is one which Yjs can read, and that all it builds on is
 * there.
 *
 * An update with a gap would wait in everybody's Y.Doc for what never comes, and with it all that its author types later.
 * For each document is known how far each Yjs client has come in it: from what was accepted here, and, when something
 * seems to be missing, from what has come from elsewhere since. No Y.Doc is needed for that.
 */
import { type Change, type Document, documentId, textLog } from "@syncline/core";
import { Arrived } from "./arrived.js";
import { readUpdate, type UpdateSummary } from "./update.js";

/** Documents whose clocks are kept. Those of others are found again. */
const DOCUMENTS_MAX = 1_000;

export class TextGuard {
  /** The least recently used first. */
  readonly #known = new Map<string, Arrived>();

  /**
   * Why this change must not be accepted: `malformed` for good, `missing` if what it builds on may yet come. Undefined if
   * it may be; then it counts as accepted.
   */
  objection(
    change: Change,
    document: () => Document | undefined,
  ): { readonly kind: "malformed" | "missing"; readonly reason: string } | undefined {
    const summaries: UpdateSummary[] = [];
    for (const { op } of change.ops) {
      if (op.act !== "text") continue;
      const read = readUpdate(op.update);
      if (!read.ok) return { kind: "malformed", reason: `an update of a text: ${read.fault.reason}` };
      summaries.push(read.value);
    }
    if (summaries.length === 0) return undefined;
    const known = this.#of(change);
    let after = known.after(summaries);
    if (after === undefined) {
      const now = document();
      if (now !== undefined) known.learn(now.all(textLog));
      after = known.after(summaries);
    }
    if (after === undefined) {
      return { kind: "missing", reason: "an update of a text builds on what is not there" };
    }
    known.add(after);
    return undefined;
  }

  #of({ document }: Change): Arrived {
    const id = documentId(document);
    const known = this.#known.get(id) ?? new Arrived();
    this.#known.delete(id);
    this.#known.set(id, known);
    for (const [oldest] of this.#known) {
      if (this.#known.size <= DOCUMENTS_MAX) break;
      this.#known.delete(oldest);
    }
    return known;
  }
}
