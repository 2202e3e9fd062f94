import type { DocumentName } from "@syncline/core";
import { Catalog, SCHEMA } from "../schema/catalog.js";
import type { Documents } from "./documents.js";

/** Whether this document is the cluster's schema. Who may write it is another right than that to write documents. */
export const isSchema = ({ collection, key }: DocumentName): boolean =>
  collection === SCHEMA.collection && key === SCHEMA.key;

/** The schema as a node's readers see it: read out of its document when that has changed. */
export class NodeSchema {
  private read: Catalog | undefined;

  constructor(private readonly documents: Documents) {}

  changed(): void {
    this.read = undefined;
  }

  catalog(): Catalog {
    this.read ??= new Catalog(this.documents.shown(SCHEMA));
    return this.read;
  }
}
