import type { Conflict, DocumentName, Draft, Vector } from "@syncline/core";
import { purgeDocument, purgeField, readDocumentId } from "@syncline/core";
import { type Fault, fault } from "@syncline/protocol";
import { fieldWithId, SCHEMA } from "../schema/catalog.js";
import { alterSchema, dropAgain, type Statement } from "../schema/statements.js";
import type { Documents } from "./documents.js";
import type { Mastership } from "./mastership.js";
import { isReserved } from "./members.js";
import { type FieldIdentity, type PurgeState, type Purges, stepOf } from "./purges.js";
import type { Reads } from "./reads.js";
import { restoration } from "./restoring.js";
import type { NodeSchema } from "./schema.js";
import type { WriteAnswer, WriteOptions } from "./writes.js";

/**
 * What is written here for callers over HTTP: documents, schema changes, restorations, purges. Each waits until what the
 * caller has seen is visible, is looked at, and is one change that this master makes itself.
 */
export type CallOptions = WriteOptions & {
  /** What the caller has seen. */
  readonly token: Vector;
};

type Answer = (answer: WriteAnswer) => void;

export class Callers {
  constructor(
    private readonly mastership: Mastership,
    private readonly documents: Documents,
    private readonly schema: NodeSchema,
    private readonly purges: Purges,
    private readonly reads: Reads,
    private readonly visible: Vector,
    private readonly readWaitMs: number,
    private readonly on: {
      refusesWrites(): Fault | undefined;
      written(): void;
    },
  ) {}

  transact(
    document: DocumentName,
    mutate: (draft: Draft) => void,
    options: CallOptions,
    answer: Answer,
  ): void {
    if (isReserved(document)) answer({ ok: false, fault: reserved(document) });
    else this.write(document, mutate, options, answer);
  }

  alterSchema(statements: readonly Statement[], options: CallOptions, answer: Answer): void {
    const alter = (draft: Draft): void => alterSchema(draft, statements, { seen: this.visible });
    this.write(SCHEMA, alter, options, answer);
  }

  restore(conflict: Conflict, options: CallOptions, answer: Answer): void {
    const again = restoration(conflict);
    if (again === undefined) {
      const reason =
        conflict.type === "late_merge"
          ? "a late_merge has hidden nothing: what came late is shown with all else"
          : `a ${conflict.type} of this kind is resolved in the schema: undrop, rename or drop there`;
      answer({ ok: false, fault: fault("SCHEMA_CONFLICT", reason) });
      return;
    }
    this.write(readDocumentId(conflict.document), again.play, { ...options, asIs: again.asIs }, answer);
  }

  purge(name: DocumentName, options: CallOptions, answer: Answer): void {
    this.reads.whenVisible(options.token, options.waitMs, (failed) => {
      const entry = this.documents.find(name);
      const isDeleted = entry !== undefined && this.documents.read(entry).isDeleted;
      const refused = isReserved(name)
        ? reserved(name)
        : fault("MALFORMED_OP", "only what is deleted can be purged: delete it first");
      if (failed === undefined && isDeleted)
        this.write(name, purgeDocument, { ...options, token: new Map() }, answer);
      else answer({ ok: false, fault: failed ?? refused });
    });
  }

  purgeDropped(
    name: DocumentName,
    field: FieldIdentity | undefined,
    options: WriteOptions,
    answer: (answer: WriteAnswer | undefined) => void,
  ): void {
    const collection = this.schema.catalog().withId(name.collection);
    const dropped =
      field === undefined
        ? collection?.dropped
        : collection && fieldWithId(collection, field.id, field.kind)?.dropped;
    if (dropped !== true) {
      const why = fault("MALFORMED_OP", "only what is dropped can be purged: drop it first");
      answer({ ok: false, fault: why });
      return;
    }
    if (this.purgeState(name, field).state !== "present") {
      answer(undefined);
      return;
    }
    const mutate = field === undefined ? purgeDocument : (draft: Draft) => purgeField(draft, stepOf(field));
    this.write(name, mutate, { ...options, asIs: field !== undefined, token: new Map() }, answer);
  }

  dropAgain(
    collection: string,
    field: FieldIdentity | undefined,
    options: CallOptions,
    answer: Answer,
  ): void {
    const drop = (draft: Draft): void => dropAgain(draft, collection, field, this.visible);
    this.write(SCHEMA, drop, options, answer);
  }

  purgeState(name: DocumentName, field?: FieldIdentity): PurgeState {
    return field === undefined ? this.purges.stateOf(name) : this.purges.stateOfField(name, field);
  }

  private write(
    document: DocumentName,
    mutate: (draft: Draft) => void,
    options: CallOptions,
    answer: Answer,
  ): void {
    this.reads.whenVisible(options.token, Math.min(options.waitMs, this.readWaitMs), (failed) => {
      const { current } = this.mastership;
      const refused = failed ?? this.on.refusesWrites();
      if (refused !== undefined || current === undefined) {
        answer({ ok: false, fault: refused ?? fault("SHUTTING_DOWN", "the node is stopping") });
        return;
      }
      current.writes.transact(document, mutate, options, answer);
      this.on.written();
    });
  }
}

const reserved = ({ collection }: DocumentName): Fault =>
  fault("FORBIDDEN", `${collection} is the cluster's own; nobody else writes there`);
