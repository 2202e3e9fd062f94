import type { StreamId } from "@syncline/core";
import type { Storage } from "../ports.js";
import { LAYOUT_VERSION, metaKey, metaRow } from "./tables.js";

/** What a store says of itself: whose it is, how it is laid out, and the last stream that its node has opened. */
export interface Meta {
  layout: number;
  cluster: string;
  documents: number;
  epoch: StreamId | undefined;
}

/** The store belongs to another cluster, or to a newer version. */
export class ForeignStore extends Error {
  readonly code = "FOREIGN_STORE";
}

/** Throws `ForeignStore`. */
export function readMeta(storage: Storage, cluster: string): Meta {
  const value = storage.get(metaKey());
  if (value === undefined) return { layout: LAYOUT_VERSION, cluster, documents: 0, epoch: undefined };
  const row = metaRow.decode(metaKey(), value);
  if (row.layout > LAYOUT_VERSION)
    throw new ForeignStore(`the data is of layout ${row.layout}, this version reads up to ${LAYOUT_VERSION}`);
  if (row.cluster !== cluster)
    throw new ForeignStore(`the data belongs to cluster "${row.cluster}", not to "${cluster}"`);
  return { ...row, layout: LAYOUT_VERSION };
}
