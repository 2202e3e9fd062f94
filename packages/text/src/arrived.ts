/**
 * How far each Yjs client has come in a document: what an update builds on is there, or is missing. No Y.Doc is needed to
 * know that.
 */
import type { TextFields, TextMark } from "@syncline/core";
import { readUpdate, type UpdateSummary } from "./update.js";

export class Arrived {
  /** For each Yjs client, the clock after its last struct. */
  readonly #clocks = new Map<number, number>();
  readonly #marks = new Map<string, TextMark>();

  /** Whether all that was learnt of these fields is in them still. */
  holdsFor(fields: TextFields): boolean {
    return fields.every(([name, state]) => {
      const mark = this.#marks.get(name);
      return mark === undefined || state.since(mark) !== undefined;
    });
  }

  /** Takes in what is new in these fields. */
  learn(fields: TextFields): void {
    for (const [name, state] of fields) {
      for (const update of state.since(this.#marks.get(name)) ?? state.updates()) {
        const read = readUpdate(update, "allowed");
        for (const { client, to } of read.ok ? read.value.runs : []) this.#reach(client, to);
      }
      this.#marks.set(name, state.mark());
    }
  }

  /** How far clients are after these updates, in this order; undefined if something is missing. */
  after(updates: readonly UpdateSummary[]): ReadonlyMap<number, number> | undefined {
    const after = new Map<number, number>();
    const clockOf = (client: number): number => after.get(client) ?? this.#clocks.get(client) ?? 0;
    for (const { runs, needs } of updates) {
      for (const { client, from } of runs) if (from > clockOf(client)) return undefined;
      for (const { client, to } of runs) after.set(client, Math.max(to, clockOf(client)));
      for (const [client, clock] of needs) if (clock > clockOf(client)) return undefined;
    }
    return after;
  }

  /** They were accepted. */
  add(after: ReadonlyMap<number, number>): void {
    for (const [client, clock] of after) this.#clocks.set(client, clock);
  }

  #reach(client: number, clock: number): void {
    this.#clocks.set(client, Math.max(clock, this.#clocks.get(client) ?? 0));
  }
}
