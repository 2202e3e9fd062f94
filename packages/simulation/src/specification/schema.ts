/**
 * What the schema must be, given the schema changes that were made: in any order, and any number of times.
 *
 * Each change knows which others its maker had seen; nothing else is used. Things have identities: a collection is a
 * name and the number of its generation, a field is a name, a generation and a kind. What a statement means is decided
 * by what its maker saw. Quadratic and worse, and meant to be read rather than run fast.
 */
export interface SchemaChange {
  readonly id: string;
  /** Ids of all that its maker had seen, its causes with their causes. */
  readonly seen: ReadonlySet<string>;
  readonly stamp: number;
  /** Decides between equal stamps. */
  readonly author: number;
  readonly effects: readonly SchemaEffect[];
}

/** `what` is an identity: "boards", "boards.2", "boards/title@register". */
export type SchemaEffect =
  | { readonly act: "make"; readonly what: string }
  | { readonly act: "name"; readonly what: string; readonly name: string }
  | { readonly act: "allow"; readonly what: string; readonly types: readonly string[] }
  | { readonly act: "drop" | "undrop"; readonly what: string };

export interface SpecifiedThing {
  readonly what: string;
  readonly name: string;
  /** The stamp of the first who made it. */
  readonly made: number;
  readonly dropped: boolean;
  readonly types: readonly string[];
  /** Whether it has its name for itself, or first. */
  readonly owns: boolean;
}

/** Every collection and field that was ever made, by identity. */
export function specifiedSchema(changes: readonly SchemaChange[]): ReadonlyMap<string, SpecifiedThing> {
  const once = [...new Map(changes.map((change) => [change.id, change])).values()];
  const about = (what: string, act: SchemaEffect["act"]) =>
    once.filter(({ effects }) => effects.some((effect) => effect.act === act && effect.what === what));
  const things = new Set(
    once.flatMap(({ effects }) => effects.flatMap(({ act, what }) => (act === "make" ? [what] : []))),
  );

  const nameOf = (what: string): string => {
    const namings = about(what, "name");
    const [last] = namings
      .filter((naming) => !namings.some(({ seen }) => seen.has(naming.id)))
      .sort((a, b) => b.stamp - a.stamp || b.author - a.author);
    const effect = [...(last?.effects ?? [])]
      .reverse()
      .find((one) => one.act === "name" && one.what === what);
    return effect?.act === "name" ? effect.name : shortName(what);
  };
  const isDropped = (what: string): boolean =>
    about(what, "drop").some((drop) => !about(what, "undrop").some(({ seen }) => seen.has(drop.id)));
  const madeAt = (what: string): number => Math.min(...about(what, "make").map(({ stamp }) => stamp));

  const result = new Map<string, SpecifiedThing>();
  for (const what of things) {
    const rivals = [...things].filter(
      (other) =>
        other !== what && home(other) === home(what) && !isDropped(other) && nameOf(other) === nameOf(what),
    );
    const isFirst = rivals.every(
      (other) =>
        madeAt(what) < madeAt(other) || (madeAt(what) === madeAt(other) && within(what) < within(other)),
    );
    const types = once.flatMap(({ effects }) =>
      effects.flatMap((effect) => (effect.act === "allow" && effect.what === what ? effect.types : [])),
    );
    result.set(what, {
      what,
      name: nameOf(what),
      made: madeAt(what),
      dropped: isDropped(what),
      types: [...new Set(types)].sort(),
      owns: !isDropped(what) && isFirst,
    });
  }
  return result;
}

/** The collection of a field; nothing for collections, which share one home. */
const home = (what: string): string => (what.includes("/") ? what.slice(0, what.indexOf("/")) : "");

const within = (what: string): string => what.slice(what.indexOf("/") + 1);

/** The identity's own name, for things that nobody has named. */
const shortName = (what: string): string =>
  what.includes("/") ? what.slice(what.indexOf("/") + 1, what.lastIndexOf("@")) : what;

/** A statement, in the words of whoever makes it. */
export interface SaidOfSchema {
  readonly do: string;
  readonly collection: string;
  readonly field?: string | undefined;
  readonly to?: string | undefined;
  readonly as?: string | undefined;
  readonly kind?: string | undefined;
  readonly types?: readonly string[] | undefined;
}

/** What a statement does where this is the schema; undefined if it is refused there. */
export function meaningOf(
  said: SaidOfSchema,
  schema: ReadonlyMap<string, SpecifiedThing>,
): readonly SchemaEffect[] | undefined {
  const all = [...schema.values()];
  const collections = all.filter(({ what }) => !what.includes("/"));
  const called = (things: readonly SpecifiedThing[], word: string): SpecifiedThing | undefined =>
    things.find(
      ({ what, name, dropped, owns }) =>
        !dropped && word === (owns ? name : `${name}@${what.includes("/") ? kindOf(what) : what}`),
    );
  const collection = called(collections, said.collection);
  if (said.do === "create") {
    if (collection !== undefined) return [];
    const what = next(
      said.collection,
      ".",
      collections.map((one) => one.what),
    );
    const naming = what === said.collection ? [] : [{ act: "name" as const, what, name: said.collection }];
    return [{ act: "make", what }, ...naming];
  }
  if (said.do === "undrop" && said.field === undefined) {
    const gone = collections.filter(
      ({ name, what, dropped }) => dropped && (name === said.collection || what === said.collection),
    );
    return broughtBack(gone, collections, said.as, called);
  }
  if (collection === undefined) return undefined;
  const fields = all.filter(({ what }) => what.startsWith(`${collection.what}/`));
  const word = said.field;
  if (word === undefined) {
    const { what } = collection;
    if (said.do === "drop") return [{ act: "drop", what }];
    return called(collections, said.to!) === undefined ? [{ act: "name", what, name: said.to! }] : undefined;
  }
  const field = called(fields, word);
  switch (said.do) {
    case "add": {
      if (field !== undefined) {
        const same = kindOf(field.what) === said.kind && `${field.types}` === `${[...said.types!].sort()}`;
        return same ? [] : undefined;
      }
      const others = fields
        .filter(({ what }) => kindOf(what) === said.kind)
        .map(({ what }) => shortName(what));
      const id = next(word, "~", others);
      const what = `${collection.what}/${id}@${said.kind}`;
      const naming = id === word ? [] : [{ act: "name" as const, what, name: word }];
      return [{ act: "make", what }, ...naming, { act: "allow", what, types: said.types! }];
    }
    case "undrop":
      return broughtBack(
        fields.filter(
          ({ what, name, dropped }) => dropped && (name === word || `${name}@${kindOf(what)}` === word),
        ),
        fields,
        said.as,
        called,
      );
    default:
      if (field === undefined) return undefined;
      if (said.do === "drop") return [{ act: "drop", what: field.what }];
      if (said.do === "widen") {
        const fits =
          kindOf(field.what) === said.kind && field.types.every((type) => said.types!.includes(type));
        return fits ? [{ act: "allow", what: field.what, types: said.types! }] : undefined;
      }
      return called(fields, said.to!) === undefined
        ? [{ act: "name", what: field.what, name: said.to! }]
        : undefined;
  }
}

/**
 * The latest generation of what was dropped under a name, if the name is free. Things of one generation (fields of
 * two kinds, a collection and one renamed to its name) are told apart by who was made last, then by identity.
 */
function broughtBack(
  gone: readonly SpecifiedThing[],
  all: readonly SpecifiedThing[],
  as: string | undefined,
  called: (things: readonly SpecifiedThing[], word: string) => SpecifiedThing | undefined,
): readonly SchemaEffect[] | undefined {
  const [last] = [...gone].sort(
    (a, b) =>
      generation(b.what) - generation(a.what) ||
      b.made - a.made ||
      (within(b.what) < within(a.what) ? -1 : 1),
  );
  if (last === undefined || called(all, as ?? last.name) !== undefined) return undefined;
  const naming = as === undefined ? [] : [{ act: "name" as const, what: last.what, name: as }];
  return [{ act: "undrop", what: last.what }, ...naming];
}

function next(name: string, sign: string, used: readonly string[]): string {
  const numbers = used.flatMap((id) =>
    id === name ? [1] : id.startsWith(name + sign) ? [Number(id.slice(name.length + 1))] : [],
  );
  return numbers.length === 0 ? name : `${name}${sign}${Math.max(...numbers) + 1}`;
}

const kindOf = (what: string): string => what.slice(what.lastIndexOf("@") + 1);

const generation = (what: string): number => Number(/[.~](\d+)(?:@.*)?$/.exec(what)?.[1] ?? 1);
