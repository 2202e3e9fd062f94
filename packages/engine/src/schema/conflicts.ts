import { type Conflict, conflictId, documentId, stampMs } from "@syncline/core";
import { type Catalog, SCHEMA } from "./catalog.js";
import { specText } from "./kinds.js";

/** Names that several collections, or several fields of one, have: all but the earliest are shown under longer ones. */
export function fieldConflicts(catalog: Catalog): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  const add = (name: string, owner: Thing, other: Thing): void => {
    const field = `${name}`;
    const dot = { author: other.made, counter: 1 };
    conflicts.push({
      id: conflictId("type_conflict", documentId(SCHEMA), `${field}\n${other.what}`, dot),
      type: "type_conflict",
      document: documentId(SCHEMA),
      field,
      winner: { kind: owner.what, dot: { author: owner.made, counter: 1 } },
      losers: [{ kind: other.what, dot }],
      dots: [{ author: owner.made, counter: 1 }, dot],
      at: stampMs(Math.max(owner.made, other.made)),
      path: [],
    });
  };
  const live = catalog.live.map((one) => ({ ...one, what: one.id }));
  for (const other of live) {
    const owner = live.find(({ key, name }) => key === name && name === other.name);
    if (owner !== undefined && owner.id !== other.id) add(other.name, owner, other);
    const fields = other.fields
      .filter(({ dropped }) => !dropped)
      .map((field) => ({ ...field, what: `${field.id}: ${specText(field)}` }));
    for (const field of fields) {
      const first = fields.find(({ key, name }) => key === name && name === field.name);
      if (first !== undefined && first.what !== field.what) add(`${other.key}.${field.name}`, first, field);
    }
  }
  return conflicts;
}

interface Thing {
  /** A stamp. */
  readonly made: number;
  readonly what: string;
}
