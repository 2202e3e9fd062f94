/**
 * The systems of the core benchmark, by name. Each is loaded only when it is asked for, because a peer may not be
 * installed, and because nothing but the system itself should be in the memory of a process that measures it.
 *
 * A system makes replicas: `replica(author)`, or `load(author, bytes)` from what `save` gave. A replica has
 *
 *   set(key, value), write([[key, value | undefined]]), registers()     registers by key; undefined deletes
 *   increment(), incrementMany(n), count()                              a counter
 *   add(element), addMany(elements), remove(element), members()         a set
 *   apply(op)                              another replica's op
 *   contribution(), merge(contributions)   what is handed over to merge, however the system does that best
 *   save()                                 the whole state
 *
 * Whatever writes is one transaction and returns the bytes that other replicas would be sent. `lacks` names what a
 * system cannot do; `workaround` what it can do only by other means, with weaker semantics.
 */
const LOADERS = {
  syncline: async () => (await import("./syncline.mjs")).syncline,
  floor: async () => (await import("./floor.mjs")).floor,
  yjs: async () => (await import("./yjs.mjs")).yjs,
  automerge: async () => (await import("./automerge.mjs")).automerge,
  loro: async () => (await import("./loro.mjs")).loro,
  tinybase: async () => (await import("./tinybase.mjs")).tinybase,
  collabs: async () => (await import("./collabs.mjs")).collabs,
  "json-joy": async () => (await import("./json-joy.mjs")).jsonJoy,
};

export const SYSTEM_NAMES = Object.keys(LOADERS);

/** Those that need nothing installed. */
export const OWN_SYSTEMS = ["syncline", "floor"];

export const loadSystem = (name) => LOADERS[name]();
