/**
 * A map in which removing a key wins: what is done under it by somebody who does not know of the removal is lost.
 *
 * A removal empties its key and leaves a mark there. An op under the key counts only if its maker knew of every mark:
 * whoever is about to write under a removed key says first, once, that he does. Ops come after everything that their
 * maker had seen, so a removal finds nothing under its key but what it outdoes, and takes all of it; what only grows,
 * too. A mark takes the place of those that its maker knew, so mostly there is one; the last one stays for ever,
 * because a write that does not know of it may always be on its way. Where that is too much, use `orMap`.
 *
 * What a removal outdoes is hidden for good, and told as a conflict: what does not count, and what nobody has taken away, is
 * kept beside (`outdone.ts`) until somebody removes the key again who has seen it, or writes it anew.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Children } from "./children.js";
import { childrenUnder, childrenWithout } from "./children-moves.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import { visitUpwards } from "./descent.js";
import { compareDots, type Dots, hasDot, hasSeen, joinDots, NO_DOTS, plusDot, type Seen } from "./dots.js";
import type { Site } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { ofMap } from "./inverses.js";
import { KINDS } from "./kinds.js";
import { COMMON_OF_MAPS, MapEditor, type MapOp, MapState, type MapTypeOf, orMap } from "./map.js";
import {
  joinOutdone,
  keepOutdone,
  type OutdonePlaces,
  outdo,
  readOutdone,
  settle,
  visitWritten,
  writeOutdone,
} from "./outdone.js";
import { readStepName } from "./path.js";
import { writeMap } from "./state-writing.js";
import { know } from "./types.js";
import { compareUtf8 } from "./utf8.js";

/** What is said of a key as a whole; what is under it has its own ops. */
export type RemoveWinsMapOp =
  | MapOp
  /** Removes a key, in place of the removals of it that were observed. */
  | { readonly act: "drop"; readonly name: string; readonly replaces: Dots }
  /** Says that its author knows of these removals of a key: at least one. */
  | { readonly act: "accept"; readonly name: string; readonly of: Dots }
  /** Lets go of what was written under a removed key by these ops: at least one. */
  | { readonly act: "settle"; readonly name: string; readonly of: Dots };

/** A removal that no later one has replaced. Never changed. */
export interface Mark {
  readonly dot: Dot;
  /** By whom it is known, beside its maker: the dot of each one's saying so. */
  readonly known: Dots;
}

/** What is kept of such a map: its cells, the removals of its keys, and what they have outdone. */
export class RemoveWinsMapState extends MapState {
  /** Of each key that was ever removed: ascending, at least one. The arrays are never changed. */
  readonly marks = new Map<string, readonly Mark[]>();
  outdone: OutdonePlaces = new Map();
}

/** The map as a type. */
export type RemoveWinsMapType = MapTypeOf<RemoveWinsMapState, RemoveWinsMapOp>;

/** A map in which the removal of a key wins over everything that is done under it at the same time. */
export const rwMap: RemoveWinsMapType = {
  ...COMMON_OF_MAPS,
  kind: KINDS["remove-map"],

  empty: () => new RemoveWinsMapState(),
  isState: (state): state is RemoveWinsMapState => state instanceof RemoveWinsMapState,
  isOp: (op: AnyOp): op is RemoveWinsMapOp => ["drop", "accept", "settle"].includes(op.act) || orMap.isOp(op),
  isBlank: (state) => state.marks.size + state.outdone.size === 0 && orMap.isBlank(state),

  enter(state, path, depth, play): boolean {
    const counts = marksOf(state, path[depth]!.name).every((mark) => isKnown(mark, play.dot));
    if (counts && state.outdone.size === 0) return true;
    const below = path.slice(depth);
    const { op } = play;
    if (!counts && rwMap.isOp(op) && op.act === "settle") settle(state.outdone, below, op, play.undo);
    else outdo(state.outdone, below, play, counts);
    return counts;
  },

  opening(state, name, author, path, say): void {
    const of = marksOf(state, name)
      .filter(({ dot, known }) => dot.author !== author && !hasAuthor(known, author))
      .map(({ dot }) => dot);
    if (of.length > 0) say(path, { act: "accept", name, of });
  },

  shifted({ children }, what, path, visit): void {
    if (typeof what === "string" || !rwMap.isOp(what) || what.act !== "drop") return;
    for (const step of childrenUnder(children, what.name))
      visitUpwards(children.get(step)!, [...path, step], (_cell, at) => visit(at));
  },

  apply(state: RemoveWinsMapState, op: RemoveWinsMapOp, dot: Dot, stamp: Stamp, undo?: Undo): void {
    if (op.act === "create" || op.act === "vanish") {
      orMap.apply(state, op, dot, stamp, undo);
      return;
    }
    const { name } = op;
    if (op.act === "settle") {
      settle(state.outdone, [], op, undo);
      return;
    }
    const before = state.marks.get(name);
    if (op.act === "drop") {
      visitWritten(state.children, name, (path, all) => keepOutdone(state.outdone, path, all, undo));
      empty(state.children, name, undo);
      const left = marksOf(state, name).filter((mark) => !hasDot(op.replaces, mark.dot));
      state.marks.set(name, [...left, { dot, known: NO_DOTS }].sort(compareMarks));
    } else if (before !== undefined) {
      const of = (mark: Mark): boolean => hasDot(op.of, mark.dot) && !hasAuthor(mark.known, dot.author);
      state.marks.set(
        name,
        before.map((mark) => (of(mark) ? { dot: mark.dot, known: plusDot(mark.known, dot) } : mark)),
      );
    }
    undo?.push(() => {
      if (before === undefined) state.marks.delete(name);
      else state.marks.set(name, before);
    });
  },

  /** What is under a key on one side does not know of the removals that this side has not seen. */
  merge(into: RemoveWinsMapState, intoSeen: Seen, from: RemoveWinsMapState, fromSeen: Seen): void {
    const lost = new Set<string>();
    const theirs: OutdonePlaces = new Map();
    for (const { path, register } of from.outdone.values()) keepOutdone(theirs, path, register.siblings);
    for (const name of new Set([...into.marks.keys(), ...from.marks.keys()])) {
      const [ours, others] = [marksOf(into, name), marksOf(from, name)];
      if (ours.some(({ dot }) => !hasSeen(fromSeen, dot))) {
        lost.add(name);
        visitWritten(from.children, name, (path, all) => keepOutdone(theirs, path, all));
      }
      if (others.some(({ dot }) => !hasSeen(intoSeen, dot))) {
        visitWritten(into.children, name, (path, all) => keepOutdone(into.outdone, path, all));
        empty(into.children, name);
      }
      into.marks.set(name, joinMarks(ours, intoSeen, others, fromSeen));
    }
    into.created = joinDots(into.created, intoSeen, from.created, fromSeen);
    into.children.merge(
      intoSeen,
      lost.size === 0 ? from.children : childrenWithout(from.children, lost),
      fromSeen,
    );
    joinOutdone(into.outdone, intoSeen, theirs, fromSeen);
  },

  clone(state: RemoveWinsMapState): RemoveWinsMapState {
    const copy = new RemoveWinsMapState();
    copy.created = state.created;
    copy.children = state.children.clone();
    for (const [name, marks] of state.marks) copy.marks.set(name, marks);
    for (const { path, register } of state.outdone.values())
      keepOutdone(copy.outdone, path, register.siblings);
    return copy;
  },

  again(state, op, now): RemoveWinsMapOp | undefined {
    // Who writes under a removed key says that he knows of it when he does.
    if (op.act === "accept") return undefined;
    if (op.act === "settle") return settlingOf(state, op.name, (dot) => hasDot(op.of, dot));
    return op.act === "drop" ? dropOf(state, op.name) : orMap.again(state, op, now);
  },

  /** What was under a removed key is put back where it was taken away, one by one. */
  inverse: (before, op) => (op.act === "create" || op.act === "vanish" ? ofMap(before, op) : undefined),

  uncover(state, path, say): void {
    for (const name of new Set([...state.outdone.values()].map((each) => each.path[0]!.name)))
      say(path, settlingOf(state, name));
  },

  mentions(op: RemoveWinsMapOp, visit: (author: Author, counter: number) => void): void {
    if (op.act === "create" || op.act === "vanish") orMap.mentions(op, visit);
    else for (const { author, counter } of namedBy(op)) visit(author, counter);
  },

  writeOp(out: ByteWriter, op: RemoveWinsMapOp, authors: AuthorTable): void {
    if (op.act === "create" || op.act === "vanish") {
      orMap.writeOp(out, op, authors);
      return;
    }
    out.byte(OPCODE[op.act]);
    out.text(op.name);
    authors.writeDots(out, namedBy(op));
  },

  readOp(input: ByteReader, authors: AuthorTable): RemoveWinsMapOp | undefined {
    const at = input.offset;
    const opcode = input.byte();
    if (opcode < OPCODE.drop || opcode > OPCODE.settle) {
      input.back(at);
      return orMap.readOp(input, authors);
    }
    const name = readStepName(input);
    const dots = authors.readDotsToEnd(input);
    if (opcode === OPCODE.drop) return { act: "drop", name, replaces: dots };
    if (dots.length === 0) input.fail("nothing that is known", at);
    return { act: opcode === OPCODE.accept ? "accept" : "settle", name, of: dots };
  },

  writeState(out: ByteWriter, state: RemoveWinsMapState, authors: AuthorTable): void {
    writeMap(out, state, authors);
    out.uint(state.marks.size);
    for (const [name, marks] of [...state.marks].sort(([a], [b]) => compareUtf8(a, b))) {
      out.text(name);
      out.uint(marks.length);
      for (const { dot, known } of marks) {
        authors.writeDot(out, dot);
        authors.writeCountedDots(out, known);
      }
    }
    // At the end, and nothing where there is nothing: so it was before any of this was kept.
    if (state.outdone.size === 0) return;
    writeOutdone(out, state.outdone, authors);
  },

  readState(input: ByteReader, authors: AuthorTable, depth: number): RemoveWinsMapState {
    const state = new RemoveWinsMapState();
    const { created, children } = orMap.readState(input, authors, depth);
    state.created = created;
    state.children = children;
    let before: string | undefined;
    for (let left = input.count(Number.MAX_SAFE_INTEGER, 6); left > 0; left--) {
      const at = input.offset;
      const name = readStepName(input);
      if (before !== undefined && compareUtf8(before, name) >= 0) input.fail("removals out of order", at);
      state.marks.set(name, readMarks(input, authors));
      before = name;
    }
    if (input.remaining > 0) state.outdone = readOutdone(input, authors, depth);
    return state;
  },

  edit: (site) => new RemoveWinsMapEditor(site),
};

know(rwMap);

// On the wire for ever; 1 and 2 are those of every map.
const OPCODE = { drop: 3, accept: 4, settle: 5 } as const;

function dropOf(state: RemoveWinsMapState, name: string): RemoveWinsMapOp {
  return { act: "drop", name, replaces: marksOf(state, name).map(({ dot }) => dot) };
}

function marksOf(state: RemoveWinsMapState, name: string): readonly Mark[] {
  return state.marks.get(name) ?? NO_MARKS;
}

const NO_MARKS: readonly Mark[] = Object.freeze([]);

function namedBy(op: Exclude<RemoveWinsMapOp, MapOp>): Dots {
  return op.act === "drop" ? op.replaces : op.of;
}

/** Prepares to let go of what was outdone under a key; undefined if there is nothing. */
export function settlingOf(
  { outdone }: RemoveWinsMapState,
  name: string,
  isMeant: (dot: Dot) => boolean = () => true,
): RemoveWinsMapOp | undefined {
  const under = [...outdone.values()].filter(({ path }) => path[0]!.name === name);
  const of = under.flatMap(({ register }) =>
    register.siblings.filter(isMeant).map(({ author, counter }) => ({ author, counter })),
  );
  return of.length === 0 ? undefined : { act: "settle", name, of: of.sort(compareDots) };
}

/** Whether the maker of an op knew of a removal. */
function isKnown({ dot, known }: Mark, { author, counter }: Dot): boolean {
  if (dot.author === author) return dot.counter < counter;
  return known.some((each) => each.author === author && each.counter < counter);
}

function hasAuthor(dots: Dots, author: Author): boolean {
  return dots.some((dot) => dot.author === author);
}

function compareMarks(a: Mark, b: Mark): number {
  return compareDots(a.dot, b.dot);
}

/** Lets go of all that is under a name. */
function empty(children: Children, name: string, undo?: Undo): void {
  for (const step of childrenUnder(children, name)) children.drop(step, undo);
}

function joinMarks(
  mine: readonly Mark[],
  mineSeen: Seen,
  theirs: readonly Mark[],
  theirsSeen: Seen,
): readonly Mark[] {
  const other = ({ dot }: Mark): Mark | undefined => theirs.find((each) => compareDots(each.dot, dot) === 0);
  const kept = mine
    .filter((mark) => !hasSeen(theirsSeen, mark.dot) || other(mark) !== undefined)
    .map((mark) => ({ dot: mark.dot, known: joinKnown(mark.known, other(mark)?.known ?? NO_DOTS) }));
  const fresh = theirs.filter(({ dot }) => !hasSeen(mineSeen, dot));
  return [...kept, ...fresh].sort(compareMarks);
}

/** Who has said it on both sides has said it once: the same. */
function joinKnown(mine: Dots, theirs: Dots): Dots {
  return [...mine, ...theirs.filter(({ author }) => !hasAuthor(mine, author))].sort(compareDots);
}

function readMarks(input: ByteReader, authors: AuthorTable): readonly Mark[] {
  const marks: Mark[] = [];
  const at = input.offset;
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 3); left > 0; left--) {
    const mark = { dot: authors.readDot(input), known: authors.readCountedDots(input) };
    const before = marks.at(-1);
    if (before !== undefined && compareMarks(before, mark) >= 0) input.fail("removals out of order", at);
    if (
      mark.known.some(({ author }, i) => author === mark.dot.author || author === mark.known[i - 1]?.author)
    )
      input.fail("somebody who knows twice", at);
    marks.push(mark);
  }
  if (marks.length === 0) input.fail("a key without removals", at);
  return marks;
}

class RemoveWinsMapEditor extends MapEditor {
  readonly #site: Site<RemoveWinsMapState, RemoveWinsMapOp>;

  constructor(site: Site<RemoveWinsMapState, RemoveWinsMapOp>) {
    super(site);
    this.#site = site;
  }

  /** What is there is taken away one by one before, so that it can be told, and taken back, one by one. */
  override delete(name: string): void {
    const { children } = this.#site.state();
    const there = childrenUnder(children, name);
    if (there.every((step) => children.get(step)!.isVacant())) return;
    for (const step of there) this.#site.reset(step);
    this.#site.record((state) => dropOf(state, name));
    // He has seen what was outdone before, and what cannot be taken away otherwise.
    this.#site.record((state) => settlingOf(state, name));
  }

  /** One removal for each key, so that each can win for itself. */
  override clear(): void {
    for (const name of this.keys) this.delete(name);
  }
}
