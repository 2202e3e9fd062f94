/**
 * What a master looks at before it accepts text: that every update is one which Yjs can read, and that all it builds on is
 * there.
 *
 * An update with a gap would wait in everybody's Y.Doc for what never comes, and with it all that its author types later.
 * For each document is known how far each Yjs client has come in it: from what was accepted here, and, when something
 * seems to be missing, from what has come from elsewhere since. No Y.Doc is needed for that.
 */
import {
  type Change,
  type Document,
  documentId,
  type TextMark,
  type TextState,
  textLog,
} from "@syncline/core";
import { readUpdate, type UpdateSummary } from "./update.js";

interface Known {
  /** For each Yjs client, the clock after its last struct. */
  readonly clocks: Map<number, number>;
  readonly marks: Map<string, TextMark>;
}

/** Documents whose clocks are kept. Those of others are found again. */
const DOCUMENTS_MAX = 1_000;

export class TextGuard {
  /** The least recently used first. */
  readonly #known = new Map<string, Known>();

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
    let after = accepted(known.clocks, summaries);
    if (after === undefined) {
      const now = document();
      if (now !== undefined) learn(known, now.all(textLog));
      after = accepted(known.clocks, summaries);
    }
    if (after === undefined) {
      return { kind: "missing", reason: "an update of a text builds on what is not there" };
    }
    for (const [client, clock] of after) known.clocks.set(client, clock);
    return undefined;
  }

  #of({ document }: Change): Known {
    const id = documentId(document);
    const known = this.#known.get(id) ?? {
      clocks: new Map<number, number>(),
      marks: new Map<string, TextMark>(),
    };
    this.#known.delete(id);
    this.#known.set(id, known);
    for (const [oldest] of this.#known) {
      if (this.#known.size <= DOCUMENTS_MAX) break;
      this.#known.delete(oldest);
    }
    return known;
  }
}

/** How far clients are after these updates, in this order; undefined if something is missing. */
function accepted(
  clocks: ReadonlyMap<number, number>,
  summaries: readonly UpdateSummary[],
): Map<number, number> | undefined {
  const after = new Map<number, number>();
  const clockOf = (client: number): number => after.get(client) ?? clocks.get(client) ?? 0;
  for (const { runs, needs } of summaries) {
    for (const { client, from } of runs) if (from > clockOf(client)) return undefined;
    for (const { client, to } of runs) after.set(client, Math.max(to, clockOf(client)));
    for (const [client, clock] of needs) if (clock > clockOf(client)) return undefined;
  }
  return after;
}

function learn({ clocks, marks }: Known, fields: readonly (readonly [string, TextState])[]): void {
  for (const [name, state] of fields) {
    for (const update of state.since(marks.get(name)) ?? state.updates()) {
      const read = readUpdate(update, "allowed");
      for (const { client, to } of read.ok ? read.value.runs : []) {
        clocks.set(client, Math.max(to, clocks.get(client) ?? 0));
      }
    }
    marks.set(name, state.mark());
  }
}
