/**
 * Every type, as the law suite and the histories of documents see it: what people can do with it, and what must then
 * be shown.
 *
 * The specifications in the simulation package read the dots that ops carry. The oracles here do not: they know what
 * people did and what each of them had seen, so they also notice an op that was prepared with the wrong dots.
 */
import {
  type ChangeOp,
  dwFlag,
  ewFlag,
  type FieldType,
  gCounter,
  gSet,
  type KindName,
  kwMap,
  type ListDraft,
  list,
  lwwRegister,
  type MapDraft,
  type Op,
  orMap,
  orSet,
  pnCounter,
  record,
  rwMap,
  rwSet,
  type Value,
  valueKey,
} from "@syncline/core";
import { indexIn, listOracle } from "./list-oracle.js";

/** What somebody did with one field. */
export interface Act {
  readonly kind: KindName;
  readonly act: string;
  /** In a map. */
  readonly key?: string;
  readonly value?: Value;
  readonly by?: number;
  /** In a list: counted round and round from its beginning, so that it is always there. */
  readonly at?: number;
  readonly to?: number;
}

/** An act with its place among all others. */
export interface Deed {
  readonly act: Act;
  readonly author: number;
  readonly counter: number;
  readonly stamp: number;
  /** True if whoever did this had seen `other`. */
  saw(other: Deed): boolean;
}

export interface TypeCase {
  readonly kind: KindName;
  /** For the exhaustive tests: few, and every one of them. */
  readonly alphabet: readonly Act[];
  /** More for the random ones. */
  readonly more: readonly Act[];
  /** Every act of its ops: the generators must reach each. */
  readonly ops: readonly Op["act"][];
  /** What a replica of the type alone shows when a document would show nothing. */
  readonly nothing?: Value;
  /** What must be shown. */
  readonly oracle: (deeds: readonly Deed[]) => Value | undefined;
  /** Gives it to whoever can do something with a type that he does not know. */
  readonly withType: <R>(use: UseOfType<R>) => R;
}

export type UseOfType<R> = <State, TypeOp extends Op, View extends object, Editor extends View>(
  type: FieldType<State, TypeOp, unknown, View, Editor>,
  perform: (editor: Editor, act: Act) => void,
) => R;

interface Doings<Editor> {
  readonly [act: string]: (editor: Editor, act: Act) => void;
}

/** Ties a type to how each act is done with its editor. */
function typed<State, TypeOp extends Op, View extends object, Editor extends View>(
  type: FieldType<State, TypeOp, unknown, View, Editor>,
  doings: Doings<Editor>,
): TypeCase["withType"] {
  return (use) => use(type, (editor, act) => doings[act.act]!(editor, act));
}

const valueIn = (act: Act): Value => act.value ?? null;
const keyIn = (act: Act): string => act.key ?? "";
const byIn = (act: Act): number => act.by ?? 1;

const values: readonly Value[] = [
  1,
  2,
  "x",
  "ü",
  null,
  true,
  0.5,
  -7,
  [1, [2]],
  { b: 1, a: ["y"] },
  "__proto__",
  "",
];

const MAP_DOINGS: Doings<MapDraft> = {
  set: (editor, act) => editor.at(keyIn(act), lwwRegister).set(valueIn(act)),
  count: (editor, act) => editor.at(keyIn(act), pnCounter).increment(byIn(act)),
  create: (editor, act) => editor.at(keyIn(act), orMap).create(),
  tag: (editor, act) => editor.at(keyIn(act), orMap).at("tags", rwSet).add(valueIn(act)),
  fill(editor, act) {
    const map = editor.at(keyIn(act), orMap);
    map.create();
    map.at("on", dwFlag).enable();
    map.at("tags", rwSet).add(valueIn(act));
  },
  delete: (editor, act) => editor.delete(keyIn(act)),
  clear: (editor) => editor.clear(),
};

export const CASES: readonly TypeCase[] = [
  {
    kind: "register",
    alphabet: [
      { kind: "register", act: "set", value: "x" },
      { kind: "register", act: "clear" },
    ],
    more: values.map((value) => ({ kind: "register", act: "set", value })),
    ops: ["set", "clear"],
    oracle: (deeds) => siblings(deeds)[0],
    withType: typed(lwwRegister, {
      set: (editor, act) => editor.set(valueIn(act)),
      clear: (editor) => editor.clear(),
    }),
  },
  {
    kind: "counter",
    alphabet: [
      { kind: "counter", act: "step", by: 1 },
      { kind: "counter", act: "reset" },
    ],
    more: [3, -3, 0, -1, 2 ** 31, -(2 ** 31)].map((by) => ({ kind: "counter", act: "step", by })),
    ops: ["step", "reset"],
    oracle(deeds) {
      const resets = deeds.filter((deed) => deed.act.act === "reset");
      const standing = deeds.filter((deed) => !resets.some((reset) => reset.saw(deed)));
      return sumOf(standing.filter(({ act }) => act.act === "step"));
    },
    withType: typed(pnCounter, {
      step: (editor, act) => (byIn(act) < 0 ? editor.decrement(-byIn(act)) : editor.increment(byIn(act))),
      reset: (editor) => editor.reset(),
    }),
  },
  {
    kind: "grow-counter",
    alphabet: [{ kind: "grow-counter", act: "step", by: 1 }],
    more: [2, 7, 2 ** 31].map((by) => ({ kind: "grow-counter", act: "step", by })),
    ops: ["grow"],
    oracle: sumOf,
    withType: typed(gCounter, { step: (editor, act) => editor.increment(byIn(act)) }),
  },
  {
    kind: "set",
    alphabet: [
      { kind: "set", act: "add", value: "x" },
      { kind: "set", act: "remove", value: "x" },
      { kind: "set", act: "clear" },
    ],
    more: onElements("set", ["add", "remove"]),
    ops: ["add", "remove", "removeAll"],
    oracle: (deeds) =>
      elementsWhere(deeds, (adds, removes) => adds.some((add) => !removes.some((remove) => remove.saw(add)))),
    withType: typed(orSet, {
      add: (editor, act) => editor.add(valueIn(act)),
      remove: (editor, act) => editor.remove(valueIn(act)),
      clear: (editor) => editor.clear(),
    }),
  },
  {
    kind: "remove-set",
    alphabet: [
      { kind: "remove-set", act: "add", value: "x" },
      { kind: "remove-set", act: "remove", value: "x" },
    ],
    more: [...onElements("remove-set", ["add", "remove"]), { kind: "remove-set", act: "clear" }],
    ops: ["include", "exclude"],
    oracle: (deeds) =>
      elementsWhere(deeds, (adds, removes) => {
        const last = unseen([...adds, ...removes]);
        return last.length > 0 && last.every((deed) => adds.includes(deed));
      }),
    withType: typed(rwSet, {
      add: (editor, act) => editor.add(valueIn(act)),
      remove: (editor, act) => editor.remove(valueIn(act)),
      clear: (editor) => editor.clear(),
    }),
  },
  {
    kind: "grow-set",
    alphabet: [
      { kind: "grow-set", act: "add", value: "x" },
      { kind: "grow-set", act: "add", value: 1 },
    ],
    more: onElements("grow-set", ["add"]),
    ops: ["gather"],
    oracle: (deeds) => elementsWhere(deeds, (adds) => adds.length > 0),
    withType: typed(gSet, { add: (editor, act) => editor.add(valueIn(act)) }),
  },
  {
    kind: "flag",
    alphabet: [
      { kind: "flag", act: "enable" },
      { kind: "flag", act: "disable" },
    ],
    more: [],
    ops: ["enable", "disable"],
    oracle(deeds) {
      const disablings = deeds.filter(({ act }) => act.act === "disable");
      return deeds.some((deed) => deed.act.act === "enable" && !disablings.some((each) => each.saw(deed)));
    },
    withType: typed(ewFlag, {
      enable: (editor) => editor.enable(),
      disable: (editor) => editor.disable(),
    }),
  },
  {
    kind: "disable-flag",
    alphabet: [
      { kind: "disable-flag", act: "enable" },
      { kind: "disable-flag", act: "disable" },
    ],
    more: [],
    ops: ["allow", "forbid"],
    oracle(deeds) {
      const last = unseen(deeds);
      return last.length > 0 && last.every(({ act }) => act.act === "enable");
    },
    withType: typed(dwFlag, {
      enable: (editor) => editor.enable(),
      disable: (editor) => editor.disable(),
    }),
  },
  {
    kind: "map",
    alphabet: [
      { kind: "map", act: "set", key: "k", value: "x" },
      { kind: "map", act: "fill", key: "k", value: "x" },
      { kind: "map", act: "delete", key: "k" },
    ],
    more: [
      { kind: "map", act: "set", key: "l", value: "y" },
      { kind: "map", act: "count", key: "k", by: 2 },
      { kind: "map", act: "tag", key: "k", value: "y" },
      { kind: "map", act: "create", key: "k" },
      { kind: "map", act: "clear" },
    ],
    ops: ["create", "vanish", "withdraw", "forget"],
    nothing: {},
    oracle: mapOracle,
    withType: typed(orMap, MAP_DOINGS),
  },
  {
    kind: "remove-map",
    alphabet: [
      { kind: "remove-map", act: "set", key: "m", value: "x" },
      { kind: "remove-map", act: "count", key: "m", by: 1 },
      { kind: "remove-map", act: "delete", key: "m" },
    ],
    more: [
      { kind: "remove-map", act: "set", key: "n", value: "y" },
      { kind: "remove-map", act: "fill", key: "m", value: "x" },
      { kind: "remove-map", act: "tag", key: "m", value: "y" },
      { kind: "remove-map", act: "create", key: "m" },
      { kind: "remove-map", act: "count", key: "n", by: 2 },
      { kind: "remove-map", act: "delete", key: "n" },
      { kind: "remove-map", act: "clear" },
    ],
    ops: ["drop", "accept", "settle"],
    nothing: {},
    oracle: removeWinsMapOracle,
    withType: typed(rwMap, MAP_DOINGS),
  },
  {
    kind: "keep-map",
    alphabet: [
      { kind: "keep-map", act: "set", key: "k", value: "x" },
      { kind: "keep-map", act: "count", key: "k", by: 1 },
      { kind: "keep-map", act: "delete", key: "k" },
    ],
    more: [
      { kind: "keep-map", act: "set", key: "l", value: "y" },
      { kind: "keep-map", act: "fill", key: "k", value: "x" },
      { kind: "keep-map", act: "tag", key: "k", value: "y" },
      { kind: "keep-map", act: "create", key: "k" },
      { kind: "keep-map", act: "count", key: "l", by: 2 },
      { kind: "keep-map", act: "delete", key: "l" },
      { kind: "keep-map", act: "clear" },
    ],
    ops: ["hide", "show"],
    nothing: {},
    oracle: keepWholeMapOracle,
    withType: typed(kwMap, MAP_DOINGS),
  },
  {
    kind: "record",
    alphabet: [
      { kind: "record", act: "set", value: "x" },
      { kind: "record", act: "count", by: 1 },
      { kind: "record", act: "clear" },
    ],
    more: [
      { kind: "record", act: "create" },
      { kind: "record", act: "set", value: "y" },
    ],
    ops: ["create", "vanish"],
    nothing: {},
    oracle: recordOracle,
    withType: typed(record, {
      set: (editor, act) => editor.at("title", lwwRegister).set(valueIn(act)),
      count: (editor, act) => editor.at("votes", pnCounter).increment(byIn(act)),
      create: (editor) => editor.create(),
      clear: (editor) => editor.clear(),
    }),
  },
  {
    kind: "list",
    alphabet: [
      { kind: "list", act: "insert", at: 0, value: "x" },
      { kind: "list", act: "insert", at: -1, value: "y" },
      { kind: "list", act: "delete", at: 0 },
      { kind: "list", act: "move", at: 0, to: -1 },
    ],
    more: [
      { kind: "list", act: "insert", at: 1, value: ["z"] },
      { kind: "list", act: "insert", at: 1, value: 1 },
      { kind: "list", act: "insert", at: 2, value: 2 },
      { kind: "list", act: "insert", at: -2, value: null },
      { kind: "list", act: "delete", at: 1 },
      { kind: "list", act: "move", at: -1, to: 0 },
      { kind: "list", act: "move", at: 0, to: 1 },
      { kind: "list", act: "move", at: 1, to: 2 },
      // Twice: it is drawn that often.
      { kind: "list", act: "clear" },
      { kind: "list", act: "clear" },
    ],
    ops: ["insert", "move", "delete", "empty"],
    nothing: [],
    oracle: listOracle,
    withType: typed(list, {
      insert: (editor, act) => editor.insert(indexIn(act.at, editor.length + 1), valueIn(act)),
      delete: onElement((editor, at) => editor.delete(at)),
      move: onElement((editor, at, act) => editor.move(at, indexIn(act.to, editor.length))),
      clear: (editor) => editor.clear(),
    }),
  },
];

function onElement(doIt: (editor: ListDraft, at: number, act: Act) => void) {
  return (editor: ListDraft, act: Act): void => {
    if (editor.length > 0) doIt(editor, indexIn(act.at, editor.length), act);
  };
}

/** In each field what was done there, clearing being a removal of everything. */
function recordOracle(deeds: readonly Deed[]): Value | undefined {
  const clears = deeds.filter(({ act }) => act.act === "clear");
  const standing = (kind: string): readonly Deed[] =>
    deeds.filter((deed) => deed.act.act === kind && !clears.some((clear) => clear.saw(deed)));
  const shown: Record<string, Value> = {};
  const [title] = siblings(deeds.filter(({ act }) => act.act !== "count" && act.act !== "create"));
  if (title !== undefined) shown.title = title;
  if (standing("count").length > 0) shown.votes = sumOf(standing("count"));
  return Object.keys(shown).length > 0 || standing("create").length > 0 ? shown : undefined;
}

/** Under each key what was done there, a removal being one of everything in it. */
function mapOracle(deeds: readonly Deed[]): Value | undefined {
  const shown: Record<string, Value> = {};
  for (const key of ["k", "l", "m", "n"]) {
    const of = deeds.filter(({ act }) => act.key === key || act.act === "clear");
    const removals = of.filter(({ act }) => act.act === "delete" || act.act === "clear");
    const standing = of.filter(
      (deed) => !removals.includes(deed) && !removals.some((each) => each.saw(deed)),
    );
    const doing = (...acts: string[]) => standing.filter(({ act }) => acts.includes(act.act));
    const register = siblings([...of.filter(({ act }) => act.act === "set"), ...removals])[0];
    const inner: Record<string, Value> = {};
    if (doing("fill").length > 0) inner.on = true;
    if (doing("fill", "tag").length > 0) inner.tags = elementsIn(doing("fill", "tag"));
    const byKind: [kind: string, value: Value | undefined][] = [
      ["register", register],
      ["counter", doing("count").length > 0 ? sumOf(doing("count")) : undefined],
      ["map", doing("fill", "create").length > 0 || Object.keys(inner).length > 0 ? inner : undefined],
    ];
    for (const [kind, value] of byKind) {
      if (value !== undefined) shown[Object.hasOwn(shown, key) ? `${key}@${kind}` : key] = value;
    }
  }
  return Object.keys(shown).length > 0 ? shown : undefined;
}

/** Under each key what was done there by those who had seen every removal of it. */
function removeWinsMapOracle(deeds: readonly Deed[]): Value | undefined {
  const removals = deeds.filter(({ act }) => act.act === "delete");
  return mapOracle(
    deeds.filter(
      (deed) =>
        !removals.includes(deed) &&
        removals.every((removal) => removal.act.key !== deed.act.key || deed.saw(removal)),
    ),
  );
}

/**
 * Under each key all that was done there, unless somebody who had seen all of it removed it. Who uses a key that he sees
 * removed takes away what he sees of it.
 */
function keepWholeMapOracle(deeds: readonly Deed[]): Value | undefined {
  const isRemoval = ({ act }: Deed): boolean => act.act === "delete" || act.act === "clear";
  const standing = ["k", "l"].flatMap((key) => {
    const uses = deeds.filter((deed) => deed.act.key === key && !isRemoval(deed));
    const removals = deeds.filter(
      (deed) => isRemoval(deed) && (deed.act.key === key || deed.act.act === "clear"),
    );
    const isRemoved = (of: readonly Deed[], by: readonly Deed[]): boolean =>
      by.some((removal) => of.every((use) => removal.saw(use)));
    const seenBy = (use: Deed, all: readonly Deed[]) => all.filter((other) => use.saw(other));
    const renewals = uses.filter((use) => isRemoved(seenBy(use, uses), seenBy(use, removals)));
    const takenAway = renewals.map((use) => ({ ...use, act: { ...use.act, act: "delete" } }));
    return isRemoved(uses, removals) ? [] : [...uses, ...takenAway];
  });
  return mapOracle(standing);
}

/** All concurrent values of a register, the winner first. */
export function siblings(deeds: readonly Deed[]): Value[] {
  return deeds
    .filter(({ act }) => act.act === "set")
    .filter((write) => !deeds.some((deed) => deed.saw(write)))
    .sort((a, b) => b.stamp - a.stamp || b.author - a.author || b.counter - a.counter)
    .map(({ act }) => valueIn(act));
}

/**
 * What each op of an act did. An act that makes several ops did several things: emptying a set in which removing wins
 * removes each of its elements, and emptying a map in which it wins each of its keys.
 */
export function actOf(act: Act, op: ChangeOp["op"]): Act {
  if (act.kind === "remove-map") {
    if (op.act === "drop") return { kind: act.kind, act: "delete", key: op.name };
    // What only prepares for what is done, and what is taken away before its key is.
    if (op.act === "accept" || op.act === "settle" || act.act === "delete" || act.act === "clear")
      return { kind: act.kind, act: "nothing" };
  }
  // What only prepares for what is done under a removed key.
  if (act.kind === "keep-map" && !["hide", "set", "step", "create", "allow", "include"].includes(op.act))
    return { ...act, act: "renew" };
  if (op.act !== "exclude" || act.act !== "clear") return act;
  return { kind: act.kind, act: "remove", value: op.element };
}

function onElements(kind: KindName, acts: readonly string[]): Act[] {
  // Few, so that people meet.
  return acts.flatMap((act) => ["x", 1, ["x"]].map((value) => ({ kind, act, value })));
}

function elementsIn(adds: readonly Deed[]): Value[] {
  const elements = new Map(adds.map(({ act }) => [valueKey(valueIn(act)), valueIn(act)]));
  return [...elements].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, element]) => element);
}

function sumOf(steps: readonly Deed[]): number {
  return Number(steps.reduce((sum, { act }) => sum + BigInt(byIn(act)), 0n));
}

/** Those that no other one has seen. */
function unseen(deeds: readonly Deed[]): Deed[] {
  return deeds.filter((deed) => !deeds.some((other) => other.saw(deed)));
}

/** The elements, in order, for which `holds` says yes to their adds and removals. */
function elementsWhere(
  deeds: readonly Deed[],
  holds: (adds: readonly Deed[], removes: readonly Deed[]) => boolean,
): Value[] {
  const elements = new Map<string, Value>();
  for (const { act } of deeds) if (act.act === "add") elements.set(valueKey(valueIn(act)), valueIn(act));
  const present = [...elements].filter(([key]) => {
    const of = deeds.filter(({ act }) => act.act === "clear" || valueKey(valueIn(act)) === key);
    return holds(
      of.filter(({ act }) => act.act === "add"),
      of.filter(({ act }) => act.act !== "add"),
    );
  });
  return present.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, element]) => element);
}
