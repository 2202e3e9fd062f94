/** Maps as an app reads and writes them: what is under a key is read and written like a field of its kind. */
import {
  type MapDraft as CoreMapDraft,
  type MapView as CoreMapView,
  checkStepName,
  type Value,
} from "@syncline/core";
import { invalid, translated } from "./errors.js";
import type { DraftOf, JsonOf, ViewOf } from "./fields.js";
import { accessOf, type Field } from "./schema.js";

/** Reads a map. */
export interface MapView<F extends Field = Field> {
  /** What is under a key, or would be. Throws `INVALID_VALUE` for a key that no map may have. */
  at(key: string): ViewOf<F>;
  /** True if something is under the key. */
  has(key: string): boolean;
  /** In an order that is the same everywhere. O(n log n). */
  readonly keys: readonly string[];
  /** The map as plain values. Throws `COUNTER_OVERFLOW`. O(size). */
  toJSON(): MapJson<F>;
}

/** What a map shows in JSON. */
export type MapJson<F extends Field = Field> = {
  readonly [key: string]: Field extends F ? Value : JsonOf<F>;
};

/** Reads and writes a map within a transaction. */
export interface MapDraft<F extends Field = Field> extends Omit<MapView<F>, "at"> {
  /** What is under a key: writing to it makes the key. Throws `INVALID_VALUE` for a key that no map may have. */
  at(key: string): DraftOf<F>;
  /** Makes the map be there even if nothing is in it: for maps in maps. */
  create(): void;
  /** Takes away what is under the key; what others do to it at the same time stays, and so does what only grows. */
  delete(key: string): void;
  /** Deletes every key. A map that was created stays, with nothing in it. */
  clear(): void;
}

export class LiveMap {
  readonly #core: () => CoreMapView;
  readonly #of: Field;

  /** @param core the view of the document that is there now: it may be replaced. */
  constructor(core: () => CoreMapView, of: Field) {
    this.#core = core;
    this.#of = of;
  }

  at(key: string): object {
    return accessOf(this.#of).view(this.#core, checkedKey(key));
  }

  has(key: string): boolean {
    return this.#core().has(key);
  }

  get keys(): readonly string[] {
    return this.#core().keys;
  }

  toJSON(): Record<string, Value> {
    return translated(() => this.#core().toJSON());
  }
}

export class MapEditor extends LiveMap {
  readonly #core: CoreMapDraft;
  readonly #of: Field;

  constructor(core: CoreMapDraft, of: Field) {
    super(() => core, of);
    this.#core = core;
    this.#of = of;
  }

  override at(key: string): object {
    return accessOf(this.#of).draft(this.#core, checkedKey(key));
  }

  create(): void {
    this.#core.create();
  }

  delete(key: string): void {
    this.#core.delete(key);
  }

  clear(): void {
    this.#core.clear();
  }
}

function checkedKey(key: string): string {
  const reason = checkStepName(key);
  if (reason !== undefined) throw invalid(`key ${JSON.stringify(key)}: ${reason}`);
  return key;
}
