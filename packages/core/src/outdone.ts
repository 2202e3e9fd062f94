/**
 * What removals of keys have outdone: what was written under removed keys by people who did not know of the removal, kept
 * beside the map so that it can be told as a conflict until somebody lets go of it.
 *
 * For each place it is a register of the entries there that do not count, whatever the type of the place is: the values of a
 * register, the elements of a set or a list, an enabling, a creation. What ops name takes them out again, counted or not;
 * so it is the same whether ops come one by one or what they have made is moved here by the removal. Steps of counters
 * and pieces of text have no dots of their own to be named, so of each author the last one stands for all of his: those
 * of one author that do not count come before those that do. Elements of sets that only grow belong to nobody, and are
 * not kept.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Children } from "./children.js";
import { childrenUnder } from "./children-moves.js";
import type { CounterState } from "./counter.js";
import type { Undo } from "./crdt.js";
import type { Play } from "./descent.js";
import type { DisableWinsFlagState } from "./disable-wins-flag.js";
import { compareDots, type Dots, hasDot, NO_DOTS, type Seen } from "./dots.js";
import type { FlagState } from "./flag.js";
import type { GrowCounterState } from "./grow-counter.js";
import type { Author, Dot } from "./ids.js";
import { KINDS, type KindTag } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import type { ListState } from "./list-state.js";
import type { MapState } from "./map.js";
import { type Path, type PathStep, readPathSteps, writePathSteps } from "./path.js";
import { lwwRegister, type RegisterOp, type RegisterState, type Sibling } from "./register.js";
import type { RemoveWinsSetState } from "./remove-wins-set.js";
import type { SetState } from "./set.js";
import { writeRegister } from "./state-writing.js";
import type { TextState } from "./text.js";
import type { Op } from "./types.js";
import { type Value, valueOfKey } from "./value.js";

/** What was written at a place and does not count. */
export interface Outdone {
  /** From the key on. */
  readonly path: Path;
  /** Under the stamp 0 what has none of its own; with the value null what is none. */
  readonly register: RegisterState;
}

/** By `placeKey`: at least one entry each. */
export type OutdonePlaces = Map<string, Outdone>;

/** Whether what is outdone in places of a kind are values, which could be written again. */
export function hasValues(kind: KindTag): boolean {
  return VALUED.has(kind);
}

const VALUED: ReadonlySet<KindTag> = /* @__PURE__ */ new Set<KindTag>([
  KINDS.register,
  KINDS.set,
  KINDS["remove-set"],
  KINDS.flag,
  KINDS["disable-flag"],
  KINDS.list,
]);

/** Whether the last entry of each author stands for all of his. */
export function hasSteps(kind: KindTag): boolean {
  return STEPWISE.has(kind);
}

const STEPWISE: ReadonlySet<KindTag> = /* @__PURE__ */ new Set<KindTag>([
  KINDS.counter,
  KINDS["grow-counter"],
  KINDS.text,
]);

/** A string that is equal for equal paths only. */
export function placeKey(path: Path): string {
  return path.map(({ name, kind }) => `${kind}:${name.length}:${name}`).join("/");
}

/**
 * Takes in an op at a place: what it writes if it does not count, and what it takes away in either case, because
 * an op that takes away everything up to some counter means what is outdone, too.
 */
export function outdo(
  places: OutdonePlaces,
  path: Path,
  { op, dot, stamp, undo }: Play,
  counts: boolean,
): void {
  const known = places.get(placeKey(path))?.register;
  const write = writeOf(op as Op, dot, known?.siblings ?? NOTHING_WRITTEN);
  if (write === undefined || (write.act === "set" ? counts : known === undefined)) return;
  const { register } = outdoneAt(places, path, undo);
  lwwRegister.apply(register, write, dot, op.act === "set" ? stamp : 0, undo);
  if (register.siblings.length === 0) letGo(places, path, undo);
}

/** Keeps more entries, none of which is kept already. */
export function keepOutdone(
  places: OutdonePlaces,
  path: Path,
  siblings: readonly Sibling[],
  undo?: Undo,
): void {
  if (siblings.length === 0) return;
  const { register } = outdoneAt(places, path, undo);
  const before = register.siblings;
  undo?.push(() => {
    register.siblings = before;
  });
  register.siblings = before.slice();
  const more = lwwRegister.empty();
  more.siblings = siblings.slice();
  lwwRegister.merge(register, NOBODY, more, NOBODY);
  if (STEPWISE.has(path.at(-1)!.kind)) register.siblings = lastOfEach(register.siblings);
}

/** Joins what both sides keep. `theirs` is left as it was. */
export function joinOutdone(
  into: OutdonePlaces,
  intoSeen: Seen,
  theirs: OutdonePlaces,
  theirsSeen: Seen,
): void {
  for (const [key, { path }] of new Map([...into, ...theirs])) {
    const register = into.get(key)?.register ?? lwwRegister.empty();
    lwwRegister.merge(register, intoSeen, theirs.get(key)?.register ?? lwwRegister.empty(), theirsSeen);
    if (register.siblings.length > 0) into.set(key, { path, register });
    else into.delete(key);
  }
}

/** Lets go of entries under a key, at a path `below` the map. */
export function settle(
  places: OutdonePlaces,
  below: Path,
  { name, of }: { readonly name: string; readonly of: Dots },
  undo?: Undo,
): void {
  const isMeant = (path: Path): boolean =>
    path[below.length]?.name === name && placeKey(path.slice(0, below.length)) === placeKey(below);
  for (const { path, register } of [...places.values()]) {
    const before = register.siblings;
    const left = isMeant(path) ? before.filter((sibling) => !hasDot(of, sibling)) : before;
    if (left.length === before.length) continue;
    register.siblings = left;
    undo?.push(() => {
      register.siblings = before;
    });
    if (left.length === 0) letGo(places, path, undo);
  }
}

/** Calls `visit` for all entries under a key, shown or not, and for what was outdone in maps there. */
export function visitWritten(
  children: Children,
  name: string,
  visit: (path: Path, entries: readonly Sibling[]) => void,
): void {
  const visitAll = (of: Children, steps: readonly PathStep[], path: Path): void => {
    for (const step of steps) {
      const [{ state, children: inside }, at] = [of.get(step)!, [...path, step]];
      visit(at, entriesIn(state, step.kind));
      if (inside === undefined) continue;
      visitAll(inside, inside.steps(), at);
      // What maps of other kinds keep beside.
      const { hidden, outdone } = state as { hidden?: Children; outdone?: OutdonePlaces };
      if (hidden !== undefined) visitAll(hidden, hidden.steps(), at);
      for (const { path: deeper, register } of outdone?.values() ?? [])
        visit([...at, ...deeper], register.siblings);
    }
  };
  visitAll(children, childrenUnder(children, name), []);
}

/** Writes all of it. O(size). */
export function writeOutdone(out: ByteWriter, places: OutdonePlaces, authors: AuthorTable): void {
  out.uint(places.size);
  for (const [, { path, register }] of [...places].sort(([a], [b]) => (a < b ? -1 : 1))) {
    writePathSteps(out, path);
    writeRegister(out, register, authors);
  }
}

export function readOutdone(input: ByteReader, authors: AuthorTable, depth: number): OutdonePlaces {
  const places: OutdonePlaces = new Map();
  const at = input.offset;
  let before: string | undefined;
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 4); left > 0; left--) {
    const path = readPathSteps(input);
    const key = placeKey(path);
    if (before !== undefined && before >= key) input.fail("what was outdone out of order", at);
    before = key;
    if (path.length === 0 || path.length + depth > CORE_LIMITS.pathDepthMax)
      input.fail("something outdone nowhere", at);
    const register = lwwRegister.readState(input, authors, depth);
    if (register.siblings.length === 0) input.fail("nothing that was outdone", at);
    if (!areEntries(register.siblings, path.at(-1)!.kind)) input.fail("what no removal outdoes", at);
    places.set(key, { path, register });
  }
  if (before === undefined) input.fail("nothing that was outdone", at);
  return places;
}

function outdoneAt(places: OutdonePlaces, path: Path, undo?: Undo): Outdone {
  const key = placeKey(path);
  const known = places.get(key);
  if (known !== undefined) return known;
  const fresh = { path, register: lwwRegister.empty() };
  places.set(key, fresh);
  undo?.push(() => places.delete(key));
  return fresh;
}

function letGo(places: OutdonePlaces, path: Path, undo?: Undo): void {
  const key = placeKey(path);
  const known = places.get(key);
  if (known === undefined) return;
  places.delete(key);
  undo?.push(() => places.set(key, known));
}

/** What an op does to the entries of its place, as a write to a register of them; undefined for what has none. */
function writeOf(op: Op, { author }: Dot, entries: readonly Sibling[]): RegisterOp | undefined {
  switch (op.act) {
    case "set":
    case "clear":
      return op;
    case "add":
    case "include":
      return { act: "set", value: op.element, replaces: op.replaces };
    case "insert":
      return { act: "set", value: op.value, replaces: NO_DOTS };
    case "enable":
    case "allow":
      return { act: "set", value: true, replaces: op.replaces };
    case "create":
      return { act: "set", value: null, replaces: op.replaces };
    case "step":
    case "grow":
    case "text":
      return { act: "set", value: null, replaces: dotsIn(entries, (each) => each.author === author) };
    case "exclude":
    case "forbid":
    case "withdraw":
      return { act: "clear", replaces: op.replaces };
    case "remove":
    case "disable":
    case "vanish":
    case "hide":
      return { act: "clear", replaces: op.removes };
    case "delete":
      return { act: "clear", replaces: [op.element] };
    case "removeAll":
    case "forget":
    case "empty":
      return { act: "clear", replaces: dotsIn(entries, (each) => isWithin(each, op.upTo)) };
    case "reset": {
      const upTo = op.floors.map(({ author: of, seq }) => ({ author: of, counter: seq }));
      return { act: "clear", replaces: dotsIn(entries, (each) => isWithin(each, upTo)) };
    }
    default:
      return undefined;
  }
}

/** The entries that stand in a state and that nobody has taken away. */
export function entriesIn(state: unknown, kind: KindTag): readonly Sibling[] {
  switch (kind) {
    case KINDS.register:
      return (state as RegisterState).siblings;
    case KINDS.set:
      return Array.from((state as SetState).elements).flatMap(([key, dots]) =>
        entries(dots, valueOfKey(key)),
      );
    case KINDS["remove-set"]:
      return Array.from((state as RemoveWinsSetState).ballots).flatMap(([key, { yes }]) =>
        entries(yes, valueOfKey(key)),
      );
    case KINDS.flag:
      return entries((state as FlagState).dots, true);
    case KINDS["disable-flag"]:
      return entries((state as DisableWinsFlagState).ballot.yes, true);
    case KINDS.list: {
      const list = state as ListState;
      return list
        .inOrder()
        .flatMap((element) => entries([list.positions.dotOf(element)], list.valueOf(element)));
    }
    case KINDS.counter:
      return Array.from((state as CounterState).entries).flatMap(([author, { steps, floor }]) =>
        steps.seq > floor.seq ? entries([{ author, counter: steps.seq }], null) : [],
      );
    case KINDS["grow-counter"]:
      return Array.from((state as GrowCounterState).steps).flatMap(([author, { seq }]) =>
        entries([{ author, counter: seq }], null),
      );
    case KINDS.text:
      return (state as TextState)
        .byAuthor()
        .flatMap(([author, pieces]) => entries([{ author, counter: pieces.at(-1)!.counter }], null));
    default:
      return entries((state as Partial<MapState>).created ?? NO_DOTS, null);
  }
}

/** Whether these could be the entries of a place of this kind. */
function areEntries(siblings: readonly Sibling[], kind: KindTag): boolean {
  if (kind === KINDS.register) return true;
  if (kind === KINDS["grow-set"] || siblings.some(({ stamp }) => stamp !== 0)) return false;
  if (STEPWISE.has(kind) && lastOfEach(siblings).length < siblings.length) return false;
  const only = hasValues(kind)
    ? kind === KINDS.flag || kind === KINDS["disable-flag"]
      ? true
      : undefined
    : null;
  return only === undefined || siblings.every(({ value }) => value === only);
}

function entries(dots: Dots, value: Value): Sibling[] {
  return dots.map(({ author, counter }) => ({ author, counter, stamp: 0, value }));
}

function dotsIn(of: readonly Sibling[], isMeant: (each: Sibling) => boolean): Dots {
  return of
    .filter(isMeant)
    .map(({ author, counter }) => ({ author, counter }))
    .sort(compareDots);
}

function isWithin({ author, counter }: Dot, upTo: Dots): boolean {
  return upTo.some((each) => each.author === author && counter <= each.counter);
}

function lastOfEach(siblings: readonly Sibling[]): Sibling[] {
  if (siblings.length < 2) return siblings.slice();
  const last = new Map<Author, number>();
  for (const { author, counter } of siblings) last.set(author, Math.max(counter, last.get(author) ?? 0));
  return siblings.filter(({ author, counter }) => last.get(author) === counter);
}

const NOBODY: Seen = new Map();
const NOTHING_WRITTEN: readonly Sibling[] = Object.freeze([]);
