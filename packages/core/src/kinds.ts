/**
 * The wire tags of all kinds, reserved once and for ever: never renumber, never reuse.
 *
 * A tag is reserved long before its type exists, so that every version agrees on what a stored tag means; ops of a
 * kind that a build does not know are stored and forwarded as they are.
 */

/** The tag of a kind on the wire. May be one that this build has never heard of. */
export type KindTag = number;

/** The tags, by the name of the kind. */
export const KINDS = {
  register: 1,
  counter: 2,
  set: 3,
  flag: 4,
  map: 5,
  list: 6,
  text: 7,
  record: 8,
  "grow-counter": 9,
  "remove-set": 10,
  "grow-set": 11,
  "disable-flag": 12,
  "bounded-counter": 13,
  "remove-map": 14,
  "keep-map": 15,
  schema: 32,
} as const;

/** The name of a kind for which a tag is reserved. */
export type KindName = keyof typeof KINDS;

/** The name of a tag, undefined if none is reserved. */
export function kindName(tag: KindTag): string | undefined {
  return NAMES.get(tag);
}

const NAMES: ReadonlyMap<KindTag, string> = new Map(Object.entries(KINDS).map(([name, tag]) => [tag, name]));
