/**
 * The fields of a document as an app reads and writes them, and which of them there are by name and kind.
 *
 * Reads are live: a view shows what the document holds when it is asked, and keeps nothing. Values are shared with
 * the document: treat what you read as immutable (lists and objects are frozen).
 */
import type {
  RegisterView as CoreRegisterView,
  SetView as CoreSetView,
  CustomField,
  shows,
  Value,
} from "@syncline/core";
import { translated } from "./errors.js";
import type {
  DisableWinsFlagField,
  FlagField,
  GrowCounterField,
  GrowSetField,
  KeepWholeMapField,
  MapField,
  RemoveWinsMapField,
  RemoveWinsSetField,
} from "./kinds.js";
import type { ListDraft, ListField, ListView } from "./lists.js";
import type { MapDraft, MapView } from "./maps.js";
import type { RecordDraft, RecordField, RecordJson, RecordView } from "./records.js";
import type { CounterField, Field, Fields, Kind, RegisterField, SetField } from "./schema.js";

/** Reads a register. */
export interface RegisterView<T = Value> {
  /** The last write, undefined if there is none. Others may have written what your schema does not expect. */
  readonly value: T | undefined;
  /** All concurrent writes, the last one first: more than one when people wrote at the same time. */
  readonly values: readonly T[];
  /**
   * One value made of all concurrent writes, undefined if there is none: `merge` joins two of them at a time. Everybody
   * who reads with the same function reads the same, if it is pure.
   */
  merged(merge: (a: T, b: T) => T): T | undefined;
}

/** Reads and writes a register within a transaction. */
export interface RegisterDraft<T = Value> extends RegisterView<T> {
  /** Writes a copy of the value. Throws `INVALID_VALUE` for what is not JSON with bytes. */
  set(value: T): void;
  /** Removes the value. */
  clear(): void;
}

/** Reads a counter. */
export interface CounterView {
  /** The sum of everybody's steps. Throws `COUNTER_OVERFLOW` outside ±(2^53 - 1). */
  readonly value: number;
}

/** Reads and writes a counter within a transaction. */
export interface CounterDraft extends CounterView {
  /** Adds `by`, 1 if not given. Throws `INVALID_VALUE` unless it is an integer of magnitude up to 2^31. */
  increment(by?: number): void;
  /** Takes `by` away, 1 if not given. Throws like `increment`. */
  decrement(by?: number): void;
  /** Takes away all steps seen so far; concurrent ones stay. */
  reset(): void;
}

/** Reads a set. */
export interface SetView<T = Value> {
  /** Values are compared by what they contain. Throws `INVALID_VALUE` for what no set can hold. O(size of the value). */
  has(element: T): boolean;
  /** How many there are. */
  readonly size: number;
  /** All of them, in an order that is the same everywhere. O(n log n). */
  readonly values: readonly T[];
}

/** Reads and writes a set within a transaction. */
export interface SetDraft<T = Value> extends SetView<T> {
  /** Adds a copy of the value. Throws `INVALID_VALUE` for what is not JSON with bytes. */
  add(element: T): void;
  /** Removes the value if it is there; somebody who adds it at the same time wins. Throws like `has`. */
  remove(element: T): void;
  /** Removes all that are there. */
  clear(): void;
}

/** Reads a flag. */
export interface FlagView {
  /** True while it is on. */
  readonly value: boolean;
}

/** Reads and writes a flag within a transaction. */
export interface FlagDraft extends FlagView {
  /** Turns it on. */
  enable(): void;
  /** Turns it off. */
  disable(): void;
}

/** Reads and writes a counter that only grows, within a transaction. */
export interface GrowCounterDraft extends CounterView {
  /** Adds `by`, 1 if not given. Throws `INVALID_VALUE` unless it is an integer from 1 to 2^31. */
  increment(by?: number): void;
}

/** Reads and writes a set that only grows, within a transaction. */
export interface GrowSetDraft<T = Value> extends SetView<T> {
  /** Adds a copy of the value. Throws `INVALID_VALUE` for what is not JSON with bytes. */
  add(element: T): void;
}

/** How a field is read. */
export type ViewOf<F> = F extends Shown ? F[typeof shows]["view"] : OwnViewOf<F>;

/** A map, whoever wins in it. */
type AnyMapField<F extends Field> = MapField<F> | RemoveWinsMapField<F> | KeepWholeMapField<F>;

type OwnViewOf<F> =
  F extends RegisterField<infer T>
    ? RegisterView<T>
    : F extends SetField<infer T> | RemoveWinsSetField<infer T> | GrowSetField<infer T>
      ? SetView<T>
      : F extends CounterField | GrowCounterField
        ? CounterView
        : F extends FlagField | DisableWinsFlagField
          ? FlagView
          : F extends AnyMapField<infer Of>
            ? MapView<Of>
            : F extends ListField<infer T>
              ? ListView<T>
              : F extends RecordField<infer Of>
                ? RecordView<Of>
                : never;

/** How a field is written. */
export type DraftOf<F> = F extends Shown ? F[typeof shows]["draft"] : OwnDraftOf<F>;

type OwnDraftOf<F> =
  F extends RegisterField<infer T>
    ? RegisterDraft<T>
    : F extends SetField<infer T> | RemoveWinsSetField<infer T>
      ? SetDraft<T>
      : F extends GrowSetField<infer T>
        ? GrowSetDraft<T>
        : F extends CounterField
          ? CounterDraft
          : F extends GrowCounterField
            ? GrowCounterDraft
            : F extends FlagField | DisableWinsFlagField
              ? FlagDraft
              : F extends AnyMapField<infer Of>
                ? MapDraft<Of>
                : F extends ListField<infer T>
                  ? ListDraft<T>
                  : F extends RecordField<infer Of>
                    ? RecordDraft<Of>
                    : never;

/** What a field shows in JSON. */
export type JsonOf<F> = F extends Shown ? F[typeof shows]["json"] : OwnJsonOf<F>;

/** A field that another package has made says itself what it shows. */
type Shown = CustomField<string, object, object, unknown>;

type OwnJsonOf<F> =
  F extends RegisterField<infer T>
    ? T
    : F extends SetField<infer T> | RemoveWinsSetField<infer T> | GrowSetField<infer T> | ListField<infer T>
      ? readonly T[]
      : F extends CounterField | GrowCounterField
        ? number
        : F extends FlagField | DisableWinsFlagField
          ? boolean
          : F extends AnyMapField<infer Of>
            ? { readonly [key: string]: JsonOf<Of> }
            : F extends RecordField<infer Of>
              ? RecordJson<Of>
              : never;

/** True for the fields of documents without a schema: any name, any kind. */
export type IsOpen<F extends Fields> = string extends keyof F ? true : false;

/** Names of the fields of a kind. Without a schema any name. */
export type NamesOf<F extends Fields, K extends Kind> =
  IsOpen<F> extends true
    ? string
    : { [N in keyof F & string]: F[N]["kind"] extends K ? N : never }[keyof F & string];

/** The type of the values of a register or set. */
export type HeldBy<F extends Fields, N extends string> =
  IsOpen<F> extends true ? Value : F[N] extends RegisterField<infer T> | SetField<infer T> ? T : never;

/** Members of documents and drafts: a field of such a name is reached by kind and name instead. */
export const MEMBERS = [
  "ready",
  "isReady",
  "transact",
  "subscribe",
  "saveState",
  "onSaveState",
  "toJSON",
  "kinds",
  "presence",
  "close",
  "register",
  "counter",
  "set",
  "field",
] as const;

/** The name of a member of documents or drafts. */
export type Member = (typeof MEMBERS)[number];

export class LiveRegister implements RegisterView {
  readonly #core: () => CoreRegisterView;

  /** @param core the view of the document that is there now: it may be replaced. */
  constructor(core: () => CoreRegisterView) {
    this.#core = core;
  }

  get value(): Value | undefined {
    return this.#core().value;
  }

  get values(): readonly Value[] {
    return this.#core().values;
  }

  merged(merge: (a: Value, b: Value) => Value): Value | undefined {
    return this.#core().merged(merge);
  }
}

export class LiveCounter implements CounterView {
  readonly #core: () => CounterView;

  constructor(core: () => CounterView) {
    this.#core = core;
  }

  get value(): number {
    return translated(() => this.#core().value);
  }
}

export class LiveSet implements SetView {
  readonly #core: () => CoreSetView;

  constructor(core: () => CoreSetView) {
    this.#core = core;
  }

  has(element: Value): boolean {
    return translated(() => this.#core().has(element));
  }

  get size(): number {
    return this.#core().size;
  }

  get values(): readonly Value[] {
    return this.#core().values;
  }
}

export class LiveFlag implements FlagView {
  readonly #core: () => FlagView;

  constructor(core: () => FlagView) {
    this.#core = core;
  }

  get value(): boolean {
    return this.#core().value;
  }
}
