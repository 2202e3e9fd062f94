/** Records as an app reads and writes them: the fields are properties, as those of a document are. */
import {
  type RecordDraft as CoreRecordDraft,
  type RecordView as CoreRecordView,
  checkStepName,
  type Value,
} from "@syncline/core";
import { record as coreRecord } from "@syncline/core/base";
import { invalid, translated } from "./errors.js";
import type { DraftOf, JsonOf, ViewOf } from "./fields.js";
import { type Accessible, access, accessOf, type Fields, type holds } from "./schema.js";

/** Holds fields of different kinds, which come and go together. Made by `record()`. */
export interface RecordField<F extends Fields = Fields> extends Accessible {
  readonly kind: "record";
  readonly [holds]?: F;
}

/** Reads a record: each field by its name. */
export type RecordView<F extends Fields = Fields> = { readonly [N in keyof F]: ViewOf<F[N]> } & {
  /** Whether it was created, or something in it is shown. */
  readonly exists: boolean;
  /** The record as plain values. Throws `COUNTER_OVERFLOW`. O(size). */
  toJSON(): RecordJson<F>;
};

/** Reads and writes a record within a transaction: each field by its name. */
export type RecordDraft<F extends Fields = Fields> = { readonly [N in keyof F]: DraftOf<F[N]> } & Pick<
  RecordView<F>,
  "exists" | "toJSON"
> & {
    /** Makes it be there even if nothing is in it. */
    create(): void;
    /** Takes it away as a whole; what others do to it at the same time stays, and so does what only grows. */
    clear(): void;
  };

/** A record as plain values. */
export type RecordJson<F extends Fields> = { readonly [N in keyof F]?: JsonOf<F[N]> };

/**
 * A field that holds fields of different kinds: `map(record({ title: register<string>(), votes: counter() }))`.
 * Throws `INVALID_VALUE` for a name that no field may have, or that records have for themselves.
 */
export function record<F extends Fields>(fields: F): RecordField<F> {
  const [View, Draft] = [viewClass(fields), draftClass(fields)];
  return {
    kind: "record",
    [access]: {
      view: (place, name) => new View(() => place().at(name, coreRecord)),
      draft: (place, name) => new Draft(place.at(name, coreRecord)),
    },
  };
}

class LiveRecord {
  readonly core: () => CoreRecordView;

  /** @param core the view of the document that is there now: it may be replaced. */
  constructor(core: () => CoreRecordView) {
    this.core = core;
    // Of its fields only those of the schema are seen.
    Object.defineProperty(this, "core", { enumerable: false });
  }

  get exists(): boolean {
    return this.core().exists;
  }

  toJSON(): Record<string, Value> {
    return translated(() => this.core().toJSON());
  }
}

class RecordEditor {
  readonly core: CoreRecordDraft;

  constructor(core: CoreRecordDraft) {
    this.core = core;
    Object.defineProperty(this, "core", { enumerable: false });
  }

  get exists(): boolean {
    return this.core.exists;
  }

  toJSON(): Record<string, Value> {
    return translated(() => this.core.toJSON());
  }

  create(): void {
    this.core.create();
  }

  clear(): void {
    this.core.clear();
  }
}

const MEMBERS = ["core", "exists", "toJSON", "create", "clear", "constructor"];

function viewClass(fields: Fields): typeof LiveRecord {
  const Fielded = class extends LiveRecord {};
  for (const [name, field] of checked(fields)) {
    const get = function (this: LiveRecord): unknown {
      return accessOf(field).view(this.core, name);
    };
    Object.defineProperty(Fielded.prototype, name, { get, enumerable: true });
  }
  return Fielded;
}

function draftClass(fields: Fields): typeof RecordEditor {
  const Fielded = class extends RecordEditor {};
  for (const [name, field] of checked(fields)) {
    const get = function (this: RecordEditor): unknown {
      return accessOf(field).draft(this.core, name);
    };
    Object.defineProperty(Fielded.prototype, name, { get, enumerable: true });
  }
  return Fielded;
}

function checked(fields: Fields): [name: string, field: Fields[string]][] {
  const entries = Object.entries(fields);
  for (const [name, field] of entries) {
    const reason = MEMBERS.includes(name) ? "records have this for themselves" : checkStepName(name);
    if (reason !== undefined) {
      throw invalid(`field ${JSON.stringify(name)} of a record: ${reason}`);
    }
    accessOf(field);
  }
  return entries;
}
