/**
 * The kinds of fields beside registers, counters and sets. An app ships those whose functions it calls.
 *
 * Who wins when people do opposite things at the same time is part of the kind, and not an option, because everybody
 * must answer it alike.
 */
import {
  type Access,
  dwFlag,
  ewFlag,
  type FieldType,
  gCounter,
  gSet,
  kwMap,
  type MapDraft,
  type MapView,
  type Op,
  rwMap,
  rwSet,
  type Value,
} from "@syncline/core";
import { orMap } from "@syncline/core/base";
import { LiveCounter, LiveFlag, LiveSet } from "./fields.js";
import { LiveMap, MapEditor } from "./maps.js";
import { type Accessible, access, accessOf, type Field, type holds, type Storable } from "./schema.js";

/** On or off; enabling wins over disabling at the same time. Made by `flag()`. */
export interface FlagField extends Accessible {
  readonly kind: "flag";
}

/** On or off; disabling wins over enabling at the same time. Made by `disableWinsFlag()`. */
export interface DisableWinsFlagField extends Accessible {
  readonly kind: "disable-flag";
}

/** Counts up only. Made by `growCounter()`. */
export interface GrowCounterField extends Accessible {
  readonly kind: "grow-counter";
}

/** Holds different values; removing wins over adding at the same time. Made by `removeWinsSet()`. */
export interface RemoveWinsSetField<T = Value> extends Accessible {
  readonly kind: "remove-set";
  readonly [holds]?: T;
}

/** Holds different values for ever. Made by `growSet()`. */
export interface GrowSetField<T = Value> extends Accessible {
  readonly kind: "grow-set";
  readonly [holds]?: T;
}

/** Holds other fields, all of one kind, under keys. Made by `map()`. */
export interface MapField<F extends Field = Field> extends Accessible {
  readonly kind: "map";
  readonly [holds]?: F;
}

/** Holds other fields, all of one kind, under keys; removing a key wins over what others do there. Made by `removeWinsMap()`. */
export interface RemoveWinsMapField<F extends Field = Field> extends Accessible {
  readonly kind: "remove-map";
  readonly [holds]?: F;
}

/** Holds other fields, all of one kind, under keys; using a key while it is removed keeps all of it. Made by `keepWholeMap()`. */
export interface KeepWholeMapField<F extends Field = Field> extends Accessible {
  readonly kind: "keep-map";
  readonly [holds]?: F;
}

/** A field that is on or off; enabling wins. */
export function flag(): FlagField {
  return {
    kind: "flag",
    [access]: {
      view: (place, name) => new LiveFlag(() => place().at(name, ewFlag)),
      draft: (place, name) => place.at(name, ewFlag),
    },
  };
}

/** A field that is on or off; disabling wins. */
export function disableWinsFlag(): DisableWinsFlagField {
  return {
    kind: "disable-flag",
    [access]: {
      view: (place, name) => new LiveFlag(() => place().at(name, dwFlag)),
      draft: (place, name) => place.at(name, dwFlag),
    },
  };
}

/** A field that counts up only, in half the space of a counter. */
export function growCounter(): GrowCounterField {
  return {
    kind: "grow-counter",
    [access]: {
      view: (place, name) => new LiveCounter(() => place().at(name, gCounter)),
      draft: (place, name) => place.at(name, gCounter),
    },
  };
}

/** A field that holds different values, of type `T` or of any; removing wins. It remembers what was removed. */
export function removeWinsSet(): RemoveWinsSetField;
export function removeWinsSet<T extends Storable<T>>(): RemoveWinsSetField<T>;
export function removeWinsSet(): RemoveWinsSetField<unknown> {
  return {
    kind: "remove-set",
    [access]: {
      view: (place, name) => new LiveSet(() => place().at(name, rwSet)),
      draft: (place, name) => place.at(name, rwSet),
    },
  };
}

/** A field that holds different values for ever, of type `T` or of any. An element takes no more than its bytes. */
export function growSet(): GrowSetField;
export function growSet<T extends Storable<T>>(): GrowSetField<T>;
export function growSet(): GrowSetField<unknown> {
  return {
    kind: "grow-set",
    [access]: {
      view: (place, name) => new LiveSet(() => place().at(name, gSet)),
      draft: (place, name) => place.at(name, gSet),
    },
  };
}

/**
 * A field that holds fields of one kind under keys: `map(counter())`, or `map(map(register<string>()))`. A key is there
 * while something is under it. Removing one takes away what the remover saw; what others do to it meanwhile stays.
 */
export function map<F extends Field>(of: F): MapField<F> {
  return { kind: "map", [access]: mapAccess(orMap, of) };
}

/**
 * Like `map`, but what is done under a key by somebody who does not know yet that it was removed is lost. It remembers which
 * keys were removed.
 */
export function removeWinsMap<F extends Field>(of: F): RemoveWinsMapField<F> {
  return { kind: "remove-map", [access]: mapAccess(rwMap, of) };
}

/**
 * Like `map`, but a key on which somebody does something while it is removed keeps all that is under it. What was removed is
 * kept until somebody uses its key again.
 */
export function keepWholeMap<F extends Field>(of: F): KeepWholeMapField<F> {
  return { kind: "keep-map", [access]: mapAccess(kwMap, of) };
}

/** Maps of every kind are read and written alike. */
function mapAccess<State, MapOp extends Op>(
  type: FieldType<State, MapOp, unknown, MapView, MapDraft>,
  of: Field,
): Access {
  accessOf(of);
  return {
    view: (place, name) => new LiveMap(() => place().at(name, type), of),
    draft: (place, name) => new MapEditor(place.at(name, type), of),
  };
}
