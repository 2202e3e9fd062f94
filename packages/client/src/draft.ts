/**
 * A draft: what the function given to `transact` writes to. Its reads see its writes, and it ends with the function.
 */
import type { Draft as CoreDraft, Value } from "@syncline/core";
import type { OpenDocument } from "@syncline/engine";
import type { DocJson } from "./document.js";
import type {
  CounterDraft,
  DraftOf,
  HeldBy,
  IsOpen,
  Member,
  NamesOf,
  RegisterDraft,
  SetDraft,
} from "./fields.js";
import { counter, draftOf, type Field, type Fields, register, set } from "./schema.js";
import type { Shape } from "./shape.js";

/** A document while a transaction writes to it: the fields of the schema as properties, and every field by kind and name. */
export type Draft<F extends Fields = Fields> = DraftMethods<F> & FieldDrafts<F>;

/** What every draft has. After the end of its transaction everything throws `DRAFT_CLOSED`. */
export interface DraftMethods<F extends Fields = Fields> {
  /** The register of this name. */
  register<N extends NamesOf<F, "register">>(name: N): RegisterDraft<HeldBy<F, N>>;
  /** The counter of this name. */
  counter<N extends NamesOf<F, "counter">>(name: N): CounterDraft;
  /** The set of this name. */
  set<N extends NamesOf<F, "set">>(name: N): SetDraft<HeldBy<F, N>>;
  /** The field of this name and kind: `field("done", flag())`. */
  field<K extends Field>(name: NamesOf<F, K["kind"]>, field: K): DraftOf<K>;
  /** The document as it is by now, with what the transaction has written. */
  toJSON(): DocJson<F>;
}

/** The fields of a schema as properties. */
export type FieldDrafts<F extends Fields> =
  IsOpen<F> extends true ? unknown : { readonly [N in Exclude<keyof F, Member>]: DraftOf<F[N]> };

/** A draft of core's, under the names of a schema. */
export class DraftHandle {
  readonly #draft: CoreDraft;
  readonly #open: OpenDocument;
  readonly #shape: Shape;

  constructor(draft: CoreDraft, open: OpenDocument, shape: Shape) {
    this.#draft = draft;
    this.#open = open;
    this.#shape = shape;
  }

  register(name: string): RegisterDraft {
    return this.field(name, register());
  }

  counter(name: string): CounterDraft {
    return this.field(name, counter());
  }

  set(name: string): SetDraft {
    return this.field(name, set());
  }

  field<K extends Field>(name: string, field: K): DraftOf<K> {
    return draftOf(this.#draft, this.#shape.checked(name, field.kind), field, this.#open);
  }

  toJSON(): Record<string, Value> {
    // The document itself is what a draft writes to, so its kinds are those of the draft.
    return this.#shape.arranged(this.#draft.toJSON(), this.#open.document.kinds());
  }
}

/** The class of a collection's drafts: with the fields of its schema as properties. */
export function draftClass(shape: Shape): typeof DraftHandle {
  const Fielded = class extends DraftHandle {};
  shape.addProperties(Fielded.prototype);
  return Fielded;
}
