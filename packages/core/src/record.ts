/**
 * A record: fields of different kinds under one roof, which come and go together.
 *
 * It is a map whose names the app has fixed in its schema. It keeps, says on the wire and merges the same, under a kind of
 * its own, so that somebody who uses one name for a map and somebody who uses it for a record lose nothing to each
 * other. What differs is how it is used: by its fields, and as a whole.
 */
import type { FieldType, Site, Source } from "./field-type.js";
import { KINDS } from "./kinds.js";
import { LiveMap, MapEditor, type MapOp, type MapState, orMap } from "./map.js";
import { know, type Op } from "./types.js";
import type { Value } from "./value.js";

/** Reads a record. */
export interface RecordView {
  /** The field of this name and type. Throws `InvalidValue` for a name that no field may have. */
  at<State, ChildOp extends Op, View, Editor extends View>(
    name: string,
    type: FieldType<State, ChildOp, unknown, View, Editor>,
  ): View;
  /** True if it was created, or something in it is shown. */
  readonly exists: boolean;
  /** A plain copy of all fields that are there, by name. O(size). */
  toJSON(): Record<string, Value>;
}

/** Writes a record within a transaction. */
export interface RecordDraft extends RecordView {
  at<State, ChildOp extends Op, View, Editor extends View>(
    name: string,
    type: FieldType<State, ChildOp, unknown, View, Editor>,
  ): Editor;
  /** Makes it be there even if nothing is in it. */
  create(): void;
  /** Takes it away as a whole: all that is in it, and that it was created. What only grows stays. O(what is there). */
  clear(): void;
}

/** The record as a type: a map's state, with fields in place of keys. */
export type RecordType = FieldType<MapState, MapOp, Record<string, Value>, RecordView, RecordDraft>;

/** Fields that belong together: created and taken away as one. */
export const record: RecordType = {
  ...orMap,
  kind: KINDS.record,
  view: (source) => new LiveRecord(source),
  edit: (site) => new RecordEditor(site),
};

know(record);

class LiveRecord extends LiveMap implements RecordView {
  readonly #source: Source<MapState>;

  constructor(source: Source<MapState>) {
    super(source);
    this.#source = source;
  }

  get exists(): boolean {
    return !record.isVacant(this.#source());
  }
}

class RecordEditor extends MapEditor implements RecordDraft {
  readonly #site: Site<MapState, MapOp>;

  constructor(site: Site<MapState, MapOp>) {
    super(site);
    this.#site = site;
  }

  get exists(): boolean {
    return !record.isVacant(this.#site.state());
  }

  override clear(): void {
    super.clear();
    this.#site.record(orMap.reset);
  }
}
