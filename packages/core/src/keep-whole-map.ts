/**
 * A map in which using a key wins over removing it, and keeps all of it: who removes a card while somebody else writes on
 * it has not removed it at all.
 *
 * So a removal takes nothing away. It says which uses of the key its maker had seen, the last one of each author; and a key
 * is hidden as long as there is a removal that has seen all uses of it that there are. That is a question about two sets,
 * so it has one answer wherever the same ops are, in whatever order they came: a use that a removal has not seen brings
 * the whole key back, and no later one of that author makes it vanish again. A removal that has once missed a use
 * says nothing for ever, so of removals nothing is kept but that a key is hidden.
 *
 * Whoever uses a key that he sees removed begins a new one: he shows it, and takes away what he finds there, in the
 * same change. What is hidden is kept until then, because a use that brings it back may always be on its way, and so is
 * the last use of each key by each author. Where that is too much, use `orMap`.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import { Children } from "./children.js";
import { childrenOfBoth, childrenUnder, moveChildren } from "./children-moves.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import { resetBelow, visitUpwards } from "./descent.js";
import { compareDots, type Dots, greatestPerAuthor, joinDots, NO_DOTS, type Seen } from "./dots.js";
import type { Site } from "./field-type.js";
import { type Author, checkStepName, type Dot } from "./ids.js";
import { ofMap } from "./inverses.js";
import { KINDS } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import { COMMON_OF_MAPS, MapEditor, type MapOp, MapState, type MapTypeOf, orMap } from "./map.js";
import { type Path, readStepName } from "./path.js";
import {
  readColumn,
  readDotColumns,
  readTexts,
  writeColumn,
  writeDotColumns,
  writeTexts,
} from "./state-columns.js";
import { writeChildren, writeMap } from "./state-writing.js";
import { type Cell, know } from "./types.js";
import { compareUtf8 } from "./utf8.js";

/** What is said of keys as a whole; what is under them has its own ops. */
export type KeepWholeMapOp =
  | MapOp
  /** Hides keys, as long as there is no use of them but those that its author had seen. Removes creations, too. */
  | { readonly act: "hide"; readonly keys: readonly HiddenKey[]; readonly removes: Dots }
  /** Uses a key, and does nothing else: it comes back if it was hidden. */
  | { readonly act: "show"; readonly name: string };

/** A key to be hidden. */
export interface HiddenKey {
  readonly name: string;
  /** The last use of it by each author: at least one. */
  readonly saw: Dots;
}

/** What is kept of such a map: `children` are the keys that are not hidden. */
export class KeepWholeMapState extends MapState {
  /** What is under keys that are hidden. */
  hidden = new Children();
  /** Of each key that was ever used the last use by each author. The arrays are never changed. */
  readonly uses = new Map<string, Dots>();
}

/** The map as a type. */
export type KeepWholeMapType = MapTypeOf<KeepWholeMapState, KeepWholeMapOp>;

/** A map in which whoever uses a key while somebody else removes it keeps all of it. */
export const kwMap: KeepWholeMapType = {
  ...COMMON_OF_MAPS,
  kind: KINDS["keep-map"],

  empty: () => new KeepWholeMapState(),
  isState: (state): state is KeepWholeMapState => state instanceof KeepWholeMapState,
  isOp: (op: AnyOp): op is KeepWholeMapOp => op.act === "hide" || op.act === "show" || orMap.isOp(op),
  isBlank: (state) => state.uses.size === 0 && orMap.isBlank(state),

  reset({ children, created, uses }): KeepWholeMapOp | undefined {
    const names = children.names();
    return names.length === 0 && created.length === 0 ? undefined : hiding(uses, names, created);
  },

  enter(state, path, depth, { dot, undo }): boolean {
    use(state, path[depth]!.name, dot, undo);
    return true;
  },

  opening(state, name, _author, path, say): void {
    if (!isHidden(state, name)) return;
    say(path, { act: "show", name });
    for (const step of childrenUnder(state.children, name))
      resetBelow(state.children.get(step)!, [...path, step], say);
  },

  uncover({ hidden }, path, say): void {
    for (const name of new Set(hidden.steps().map((step) => step.name))) say(path, { act: "show", name });
  },

  shifted(state, what, path, visit): void {
    const names = typeof what === "string" ? [what] : kwMap.isOp(what) ? namedBy(what) : [];
    for (const name of names) {
      visitUnder(state.hidden, name, path, visit);
      if (typeof what !== "string") visitUnder(state.children, name, path, visit);
    }
  },

  apply(state: KeepWholeMapState, op: KeepWholeMapOp, dot: Dot, stamp: Stamp, undo?: Undo): void {
    if (op.act === "show") use(state, op.name, dot, undo);
    else if (op.act !== "hide") orMap.apply(state, op, dot, stamp, undo);
    else {
      if (op.removes.length > 0) orMap.apply(state, { act: "vanish", removes: op.removes }, dot, stamp, undo);
      for (const { name, saw } of op.keys)
        if (isSame(saw, usesOf(state, name))) moveChildren(state.children, state.hidden, name, undo);
    }
  },

  /** A key is hidden if the removal that hides it on one side has seen what was used on the other. */
  merge(into: KeepWholeMapState, intoSeen: Seen, from: KeepWholeMapState, fromSeen: Seen): void {
    const hidden: string[] = [];
    for (const name of new Set([...into.uses.keys(), ...from.uses.keys()])) {
      const uses = greatestPerAuthor([...usesOf(into, name), ...usesOf(from, name)]);
      const isOutdone = (side: KeepWholeMapState): boolean => !isSame(usesOf(side, name), uses);
      if ([into, from].some((side) => isHidden(side, name) && !isOutdone(side))) hidden.push(name);
      into.uses.set(name, uses);
    }
    into.created = joinDots(into.created, intoSeen, from.created, fromSeen);
    into.children = childrenOfBoth(into.children, into.hidden);
    into.hidden = new Children();
    into.children.merge(intoSeen, childrenOfBoth(from.children, from.hidden), fromSeen);
    for (const name of hidden) moveChildren(into.children, into.hidden, name);
  },

  clone(state: KeepWholeMapState): KeepWholeMapState {
    const copy = new KeepWholeMapState();
    copy.created = state.created;
    copy.children = state.children.clone();
    copy.hidden = state.hidden.clone();
    for (const [name, uses] of state.uses) copy.uses.set(name, uses);
    return copy;
  },

  again(state, op, now): KeepWholeMapOp | undefined {
    if (op.act === "show") return isHidden(state, op.name) ? op : undefined;
    if (op.act !== "hide") return orMap.again(state, op, now);
    const names = op.keys.map(({ name }) => name).filter((name) => isShown(state, name));
    const removes = op.removes.length > 0 ? state.created : NO_DOTS;
    return names.length === 0 && removes.length === 0 ? undefined : hiding(state.uses, names, removes);
  },

  inverse(before, op) {
    if (op.act === "show") {
      const [{ name }, others] = [op, usesOf(before, op.name)];
      // It is hidden again unless somebody else has used it since.
      return (state, { author }) =>
        isShown(state, name) && isSame(without(author, usesOf(state, name)), without(author, others))
          ? [{ op: hiding(state.uses, [name], NO_DOTS) }]
          : [];
    }
    if (op.act !== "hide") return ofMap(before, op);
    const created = op.removes.length > 0 ? ofMap(before, { act: "vanish", removes: op.removes }) : undefined;
    const names = op.keys.map(({ name }) => name);
    return (state, dot, now) => [
      ...(created?.(state, dot, now) ?? []),
      ...names
        .filter((name) => isHidden(state, name))
        .map((name) => ({ op: { act: "show", name } as const })),
    ];
  },

  mentions(op: KeepWholeMapOp, visit: (author: Author, counter: number) => void): void {
    if (op.act === "show") return;
    if (op.act !== "hide") {
      orMap.mentions(op, visit);
      return;
    }
    for (const dots of [op.removes, ...op.keys.map(({ saw }) => saw)])
      for (const { author, counter } of dots) visit(author, counter);
  },

  writeOp(out: ByteWriter, op: KeepWholeMapOp, authors: AuthorTable): void {
    if (op.act === "create" || op.act === "vanish") {
      orMap.writeOp(out, op, authors);
      return;
    }
    out.byte(OPCODE[op.act]);
    if (op.act === "show") {
      out.text(op.name);
      return;
    }
    authors.writeCountedDots(out, op.removes);
    out.uint(op.keys.length);
    for (const { name, saw } of op.keys) {
      out.text(name);
      authors.writeCountedDots(out, saw);
    }
  },

  readOp(input: ByteReader, authors: AuthorTable): KeepWholeMapOp | undefined {
    const at = input.offset;
    const opcode = input.byte();
    if (opcode === OPCODE.show) return { act: "show", name: readStepName(input) };
    if (opcode !== OPCODE.hide) {
      input.back(at);
      return orMap.readOp(input, authors);
    }
    const removes = authors.readCountedDots(input);
    const keys: HiddenKey[] = [];
    for (let left = input.count(CORE_LIMITS.changeBytesMax, 5); left > 0; left--) {
      const key = { name: readStepName(input), saw: checkedUses(input, authors.readCountedDots(input)) };
      const before = keys.at(-1);
      if (before !== undefined && compareUtf8(before.name, key.name) >= 0)
        input.fail("keys out of order", at);
      keys.push(key);
    }
    if (keys.length === 0) input.fail("no key to hide", at);
    return { act: "hide", keys, removes };
  },

  writeState(out: ByteWriter, state: KeepWholeMapState, authors: AuthorTable): void {
    writeMap(out, state, authors);
    writeChildren(out, state.hidden, authors);
    const uses = [...state.uses].sort(([a], [b]) => compareUtf8(a, b));
    out.uint(uses.length);
    writeTexts(
      out,
      uses.map(([name]) => name),
    );
    writeColumn(
      out,
      uses.map(([, dots]) => dots.length),
    );
    writeDotColumns(
      out,
      uses.flatMap(([, dots]) => dots),
      authors,
      true,
    );
  },

  readState(input: ByteReader, authors: AuthorTable, depth: number): KeepWholeMapState {
    const state = new KeepWholeMapState();
    const { created, children } = orMap.readState(input, authors, depth);
    state.created = created;
    state.children = children;
    state.hidden = Children.readState(input, authors, depth);
    const at = input.offset;
    readUses(input, authors, state.uses);
    for (const { name } of [...children.steps(), ...state.hidden.steps()])
      if (!state.uses.has(name)) input.fail("a key that nobody has used", at);
    for (const { name } of state.hidden.steps())
      if (childrenUnder(children, name).length > 0) input.fail("a key that is hidden and is not", at);
    return state;
  },

  edit: (site) => new KeepWholeMapEditor(site),
};

know(kwMap);

// On the wire for ever; 1 and 2 are those of every map.
const OPCODE = { hide: 3, show: 4 } as const;

function usesOf({ uses }: KeepWholeMapState, name: string): Dots {
  return uses.get(name) ?? NO_DOTS;
}

/** Whether there is something under a name that is not shown. */
function isHidden({ hidden }: KeepWholeMapState, name: string): boolean {
  return !hidden.isEmpty && childrenUnder(hidden, name).length > 0;
}

function isShown({ children }: KeepWholeMapState, name: string): boolean {
  return childrenUnder(children, name).some((step) => !children.get(step)!.isVacant());
}

/** Takes down a use, which brings a hidden key back. */
function use(state: KeepWholeMapState, name: string, dot: Dot, undo?: Undo): void {
  const before = state.uses.get(name);
  state.uses.set(name, greatestPerAuthor([...(before ?? NO_DOTS), dot]));
  undo?.push(() => {
    if (before === undefined) state.uses.delete(name);
    else state.uses.set(name, before);
  });
  if (!state.hidden.isEmpty) moveChildren(state.hidden, state.children, name, undo);
}

function hiding(uses: ReadonlyMap<string, Dots>, names: readonly string[], removes: Dots): KeepWholeMapOp {
  if (names.length === 0) return { act: "vanish", removes };
  return { act: "hide", keys: names.map((name) => ({ name, saw: uses.get(name) ?? NO_DOTS })), removes };
}

function namedBy(op: KeepWholeMapOp): readonly string[] {
  if (op.act === "show") return [op.name];
  return op.act === "hide" ? op.keys.map(({ name }) => name) : [];
}

function without(author: Author, dots: Dots): Dots {
  return dots.filter((dot) => dot.author !== author);
}

function isSame(a: Dots, b: Dots): boolean {
  return a.length === b.length && a.every((dot, i) => compareDots(dot, b[i]!) === 0);
}

/** All that is under a name, what is hidden in other such maps inside of it too. */
function visitUnder(children: Children, name: string, path: Path, visit: (path: Path) => void): void {
  const visitAll = (cell: Cell, at: Path): void =>
    visitUpwards(cell, at, ({ state }, inner) => {
      visit(inner);
      if (!(state instanceof KeepWholeMapState)) return;
      for (const step of state.hidden.steps()) visitAll(state.hidden.get(step)!, [...inner, step]);
    });
  for (const step of childrenUnder(children, name)) visitAll(children.get(step)!, [...path, step]);
}

/** Each author's last use: one at least. */
function checkedUses(input: ByteReader, dots: Dots): Dots {
  if (dots.length === 0) input.fail("a key that nobody has used");
  if (dots.some(({ author }, i) => i > 0 && author <= dots[i - 1]!.author))
    input.fail("authors out of order");
  return dots;
}

function readUses(input: ByteReader, authors: AuthorTable, uses: Map<string, Dots>): void {
  const at = input.offset;
  const count = input.count(Number.MAX_SAFE_INTEGER, 2);
  const names = readTexts(input, count, CORE_LIMITS.keyBytesMax);
  const counts = readColumn(input, count, false, 1);
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total > input.remaining) input.fail(`${total} uses declared, too few bytes`, at);
  const dots = readDotColumns(input, total, authors, true);
  let next = 0;
  names.forEach((name, i) => {
    const reason = checkStepName(name);
    if (reason !== undefined) input.fail(reason, at);
    if (i > 0 && compareUtf8(names[i - 1]!, name) >= 0) input.fail("keys out of order", at);
    uses.set(name, checkedUses(input, dots.slice(next, next + counts[i]!)));
    next += counts[i]!;
  });
}

class KeepWholeMapEditor extends MapEditor {
  readonly #site: Site<KeepWholeMapState, KeepWholeMapOp>;

  constructor(site: Site<KeepWholeMapState, KeepWholeMapOp>) {
    super(site);
    this.#site = site;
  }

  override delete(name: string): void {
    this.#site.record((state) => (isShown(state, name) ? hiding(state.uses, [name], NO_DOTS) : undefined));
  }

  override clear(): void {
    const names = this.keys;
    if (names.length > 0) this.#site.record(({ uses }) => hiding(uses, names, NO_DOTS));
  }
}
