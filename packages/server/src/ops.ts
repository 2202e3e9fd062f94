/**
 * The ops of a POST: read from JSON as a whole first, then played on a draft.
 *
 * Whatever is wrong is told with the op's place in the list, the field and the reason, and nothing is applied.
 */
import {
  CORE_LIMITS,
  checkFieldName,
  checkStepName,
  type Draft,
  dwFlag,
  ewFlag,
  type FlagDraft,
  gCounter,
  gSet,
  InvalidValue,
  KINDS,
  kwMap,
  list,
  lwwRegister,
  type MapDraft,
  orMap,
  orSet,
  pnCounter,
  record,
  rwMap,
  rwSet,
  type SetDraft,
  type Value,
} from "@syncline/core";
import { OpFault } from "@syncline/engine";
import { Refused } from "./errors.js";
import { fromJson, NoValue } from "./json.js";

export interface Op {
  readonly field: string;
  /** Throws `InvalidValue` or `LimitExceeded`. */
  play(draft: Draft): void;
}

/** The ops in a parsed body. Throws `Refused` with `MALFORMED_OP`. */
export function readOps(body: unknown): readonly Op[] {
  const hint = 'Send a list of ops: [{"field":"title","op":"set","value":"Roadmap"}].';
  if (!Array.isArray(body))
    throw new Refused("MALFORMED_OP", "the body is not a list of ops", { remedy: hint });
  if (body.length === 0) throw new Refused("MALFORMED_OP", "the list of ops is empty", { remedy: hint });
  if (body.length > CORE_LIMITS.opsPerChangeMax) {
    throw new Refused(
      "LIMIT_EXCEEDED",
      `${body.length} ops; opsPerChangeMax is ${CORE_LIMITS.opsPerChangeMax}`,
    );
  }
  return body.map((op: unknown, index) => readOp(op, index));
}

/** Plays the ops on a draft, in order. Throws `OpFault` for the first that cannot be played. */
export function playOps(ops: readonly Op[], draft: Draft): void {
  for (const [index, op] of ops.entries()) {
    try {
      op.play(draft);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      const prefix = `field ${JSON.stringify(op.field)}: `;
      const reason = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
      throw new OpFault(index, op.field, reason);
    }
  }
}

export function refusedOp(index: number, field: string | undefined, reason: string): Refused {
  const where = field === undefined ? `op ${index}` : `op ${index}, field ${JSON.stringify(field)}`;
  return new Refused("MALFORMED_OP", `${where}: ${reason}`, {
    op: index,
    ...(field === undefined ? {} : { field }),
    reason,
  });
}

/** Where an op's field or key is: the document, or a map in it. */
type Place = Pick<Draft, "at"> & Partial<Pick<MapDraft, "delete">>;

/** What an op may bring. */
interface Arguments {
  readonly value: Value;
  readonly by: number;
  readonly at: number;
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

type Argument = keyof Arguments;

/** What is meant by those that are absent; there is no such for the others, which must be there. */
const WITHOUT: Partial<Readonly<Record<Argument, number>>> = { by: 1, count: 1 };

interface Verb {
  readonly takes: readonly Argument[];
  readonly play: (place: Place, name: string, given: Arguments) => void;
}

/**
 * Every kind of field that there is by now, with its ops. A verb without `kind` means the first kind that has it and
 * takes what is given.
 */
const VERBS: Readonly<Record<string, Readonly<Record<string, Verb>>>> = {
  register: {
    set: { takes: ["value"], play: (place, name, { value }) => place.at(name, lwwRegister).set(value) },
    clear: { takes: [], play: (place, name) => place.at(name, lwwRegister).clear() },
  },
  counter: {
    increment: { takes: ["by"], play: (place, name, { by }) => place.at(name, pnCounter).increment(by) },
    decrement: { takes: ["by"], play: (place, name, { by }) => place.at(name, pnCounter).decrement(by) },
    reset: { takes: [], play: (place, name) => place.at(name, pnCounter).reset() },
  },
  set: setVerbs((place, name) => place.at(name, orSet)),
  flag: flagVerbs((place, name) => place.at(name, ewFlag)),
  "grow-counter": {
    increment: { takes: ["by"], play: (place, name, { by }) => place.at(name, gCounter).increment(by) },
  },
  "remove-set": setVerbs((place, name) => place.at(name, rwSet)),
  "grow-set": {
    add: { takes: ["value"], play: (place, name, { value }) => place.at(name, gSet).add(value) },
  },
  "disable-flag": flagVerbs((place, name) => place.at(name, dwFlag)),
  map: mapVerbs((place, name) => place.at(name, orMap)),
  record: {
    create: { takes: [], play: (place, name) => place.at(name, record).create() },
    clear: { takes: [], play: (place, name) => place.at(name, record).clear() },
  },
  list: {
    insert: {
      takes: ["at", "value"],
      play: (place, name, { at, value }) => place.at(name, list).insert(at, value),
    },
    push: { takes: ["value"], play: (place, name, { value }) => place.at(name, list).push(value) },
    delete: {
      takes: ["at", "count"],
      play: (place, name, { at, count }) => place.at(name, list).delete(at, count),
    },
    move: { takes: ["from", "to"], play: (place, name, { from, to }) => place.at(name, list).move(from, to) },
    clear: { takes: [], play: (place, name) => place.at(name, list).clear() },
  },
  "remove-map": mapVerbs((place, name) => place.at(name, rwMap)),
  "keep-map": mapVerbs((place, name) => place.at(name, kwMap)),
};

/** What a path can lead through, by kind: in the order in which they are looked for where nobody says which it is. */
const CONTAINERS: Readonly<Record<string, (place: Place, name: string) => Container>> = {
  map: (place, name) => mapAt(place.at(name, orMap)),
  record(place, name) {
    const inner = place.at(name, record);
    return { place: inner, isThere: inner.exists };
  },
  "remove-map": (place, name) => mapAt(place.at(name, rwMap)),
  "keep-map": (place, name) => mapAt(place.at(name, kwMap)),
};

/** Whether a path can lead through what is of this kind. */
export const isContainer = (kind: string): boolean => own(CONTAINERS, kind) !== undefined;

interface Container {
  readonly place: Place;
  readonly isThere: boolean;
}

const mapAt = (place: MapDraft): Container => ({ place, isThere: place.keys.length > 0 });

function mapVerbs(at: (place: Place, name: string) => MapDraft): Readonly<Record<string, Verb>> {
  return {
    create: { takes: [], play: (place, name) => at(place, name).create() },
    delete: { takes: [], play: deleteKey },
    clear: { takes: [], play: (place, name) => at(place, name).clear() },
  };
}

/** Takes away whatever is under the last name of a path. */
function deleteKey(place: Place, name: string): void {
  if (place.delete === undefined) throw new InvalidValue('a field stays; "path" must lead to a key of a map');
  place.delete(name);
}

function setVerbs(at: (place: Place, name: string) => SetDraft): Readonly<Record<string, Verb>> {
  return {
    add: { takes: ["value"], play: (place, name, { value }) => at(place, name).add(value) },
    remove: { takes: ["value"], play: (place, name, { value }) => at(place, name).remove(value) },
    clear: { takes: [], play: (place, name) => at(place, name).clear() },
  };
}

function flagVerbs(at: (place: Place, name: string) => FlagDraft): Readonly<Record<string, Verb>> {
  return {
    enable: { takes: [], play: (place, name) => at(place, name).enable() },
    disable: { takes: [], play: (place, name) => at(place, name).disable() },
  };
}

const ARGUMENTS: readonly Argument[] = ["value", "by", "at", "count", "from", "to"];
const KEYS: readonly string[] = ["field", "path", "kinds", "op", "kind", ...ARGUMENTS];

function readOp(op: unknown, index: number): Op {
  if (typeof op !== "object" || op === null || Array.isArray(op))
    throw refusedOp(index, undefined, "an op is an object");
  const given = new Map<string, unknown>(Object.entries(op));
  const [field, ...keys] = readPath(given, index);
  const refuse = (reason: string): never => {
    throw refusedOp(index, field, reason);
  };
  for (const key of given.keys()) {
    if (!KEYS.includes(key))
      refuse(`${JSON.stringify(key)} has no meaning in an op; there are ${KEYS.join(", ")}`);
  }
  const verb = readVerb(given, refuse);
  const brought = readArguments(verb, given, refuse);
  const kinds = readKinds(given.get("kinds"), keys.length, refuse);
  return { field, play: (draft) => verb.play(...placed(draft, [field, ...keys], kinds), brought) };
}

/** The map in which the last name of a path is, or the document. @param kinds of what it leads through, if said. */
function placed(
  draft: Draft,
  path: readonly [string, ...string[]],
  kinds: readonly string[],
): [place: Place, name: string] {
  const through = path.slice(0, -1);
  const place = through.reduce<Place>((outer, name, i) => within(outer, name, kinds[i]), draft);
  return [place, path.at(-1)!];
}

/** What is under a name: what the caller says, else the first kind of which there is something, else a map. */
function within(place: Place, name: string, kind: string | undefined): Place {
  if (kind !== undefined) return CONTAINERS[kind]!(place, name).place;
  const all = Object.values(CONTAINERS).map((look) => look(place, name));
  return (all.find(({ isThere }) => isThere) ?? all[0]!).place;
}

/** The kinds of what a path leads through, from its field on; those that are not said are found out. */
function readKinds(kinds: unknown, depth: number, refuse: (reason: string) => never): readonly string[] {
  if (kinds === undefined) return [];
  const isKind = (kind: unknown): kind is string =>
    typeof kind === "string" && own(CONTAINERS, kind) !== undefined;
  if (!Array.isArray(kinds) || !kinds.every(isKind))
    return refuse(`"kinds" is a list of what the path leads through: ${Object.keys(CONTAINERS).join(", ")}`);
  return kinds.length <= depth ? kinds : refuse(`"kinds" has more than the path leads through`);
}

/** A field, and the keys that lead from it to what is to be changed. */
function readPath(given: ReadonlyMap<string, unknown>, index: number): [field: string, ...keys: string[]] {
  const path = given.get("path");
  if (path !== undefined && given.has("field"))
    throw refusedOp(index, undefined, 'an op has "field" or "path", not both');
  const [field, ...keys] = path === undefined ? [given.get("field")] : namesOf(path, index);
  if (field === undefined)
    throw refusedOp(index, undefined, '"field" is missing: the name of the field to change');
  if (typeof field !== "string") throw refusedOp(index, undefined, '"field" is not text');
  const wrong = checkFieldName(field) ?? keys.map(checkStepName).find((reason) => reason !== undefined);
  if (wrong !== undefined) throw refusedOp(index, field.slice(0, CORE_LIMITS.fieldBytesMax), wrong);
  return [field, ...keys];
}

function namesOf(path: unknown, index: number): [unknown, ...string[]] {
  if (!Array.isArray(path) || path.length === 0 || !path.every((step) => typeof step === "string")) {
    throw refusedOp(index, undefined, '"path" is a list of names');
  }
  if (path.length > CORE_LIMITS.pathDepthMax) {
    throw refusedOp(index, path[0], `pathDepthMax is ${CORE_LIMITS.pathDepthMax}`);
  }
  const [field, ...keys]: string[] = path;
  return [field, ...keys];
}

function readVerb(given: ReadonlyMap<string, unknown>, refuse: (reason: string) => never): Verb {
  const [name, kind] = [given.get("op"), given.get("kind")];
  if (typeof name !== "string") return refuse(`"op" is missing; ${opsText()}`);
  if (kind === undefined) {
    const verbs = Object.values(VERBS).flatMap((each) => own(each, name) ?? []);
    const meant = verbs.find((verb) => isMeant(verb, given)) ?? verbs.find((verb) => takesSome(verb, given));
    return meant ?? verbs[0] ?? refuse(`${JSON.stringify(name)} is no op of this version; ${opsText()}`);
  }
  const verbs = typeof kind === "string" ? own(VERBS, kind) : undefined;
  if (verbs === undefined) {
    const isReserved = typeof kind === "string" && Object.hasOwn(KINDS, kind);
    return refuse(
      `${isReserved ? `the kind ${kind} comes with a later version` : `${JSON.stringify(kind)} is no kind`}; there are ${kindsText()}`,
    );
  }
  return (
    own(verbs, name) ??
    refuse(`a ${kind} has no op ${JSON.stringify(name)}; it has ${Object.keys(verbs).join(", ")}`)
  );
}

/** True if what is given is what the verb takes. */
function isMeant({ takes }: Verb, given: ReadonlyMap<string, unknown>): boolean {
  return ARGUMENTS.every((key) =>
    given.has(key) ? takes.includes(key) : WITHOUT[key] !== undefined || !takes.includes(key),
  );
}

function takesSome({ takes }: Verb, given: ReadonlyMap<string, unknown>): boolean {
  return takes.some((key) => given.has(key));
}

function readArguments(
  { takes }: Verb,
  given: ReadonlyMap<string, unknown>,
  refuse: (reason: string) => never,
): Arguments {
  for (const key of ARGUMENTS) {
    if (!given.has(key) || takes.includes(key)) continue;
    const taken = takes.map((each) => `"${each}"`).join(" and ");
    refuse(taken === "" ? `this op takes no "${key}"` : `this op takes ${taken}, not "${key}"`);
  }
  const number = (key: Exclude<Argument, "value">): number => {
    const argument = given.has(key) ? given.get(key) : WITHOUT[key];
    if (!takes.includes(key)) return 0;
    if (argument === undefined) return refuse(`"${key}" is missing`);
    return typeof argument === "number" ? argument : refuse(`"${key}" is not a number`);
  };
  const numbers = { by: number("by"), at: number("at"), count: number("count") };
  return { value: readValueOf(takes, given, refuse), ...numbers, from: number("from"), to: number("to") };
}

function readValueOf(
  takes: readonly Argument[],
  given: ReadonlyMap<string, unknown>,
  refuse: (reason: string) => never,
): Value {
  if (!takes.includes("value")) return null;
  if (!given.has("value")) refuse('"value" is missing');
  try {
    return fromJson(given.get("value"));
  } catch (error) {
    if (error instanceof NoValue) return refuse(error.message);
    throw error;
  }
}

const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

const kindsText = (): string => Object.keys(VERBS).join(", ");

const opsText = (): string =>
  `there are ${Object.entries(VERBS)
    .map(([kind, verbs]) => `${Object.keys(verbs).join(", ")} (${kind})`)
    .join("; ")}`;
