/**
 * A list of values: inserting, deleting and moving, at indexes, by many people at once.
 *
 * An *element* is the op that inserted it; a *position* is where something may stand, and there is one for every insert
 * and every move (`Positions`). An element stands at the position of its last move, if it was never moved at that of its
 * insert: a last-writer register per element (Kleppmann, "Moving Elements in List CRDTs", PaPoC 2020), so that people
 * who move one element at the same time leave it once. Deleting takes the element away whatever is done to it at the
 * same time, moves among it. Runs that people insert into one place at the same time do not mix.
 *
 * A deleted element is forgotten, its value with it: whoever has seen its insert and has no element knows that it was
 * deleted. Positions stay, also of a list that was removed from its map; `Positions` says why.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Inverse, Undo } from "./crdt.js";
import { compareDots, type Dots, greatestPerAuthor, hasSeen, type Seen } from "./dots.js";
import { InvalidValue } from "./errors.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { readListState, writeListState } from "./list-encoding.js";
import { ListState, type Standing, standingFirst } from "./list-state.js";
import { formOf, mentionsOf, PLACE_FORMS, type Place, readPlace, writePlace } from "./place.js";
import { NONE, type Position } from "./positions.js";
import { know } from "./types.js";
import { readValue, type Value, valueKey, writeValue } from "./value.js";

export { ListState } from "./list-state.js";

/** What is done to a list. */
export type ListOp =
  /** Makes a position and an element there. */
  | { readonly act: "insert"; readonly place: Place; readonly value: Value }
  /** Makes a position for an element, in place of the moves observed. */
  | { readonly act: "move"; readonly place: Place; readonly element: Dot; readonly replaces: Dots }
  | { readonly act: "delete"; readonly element: Dot }
  /** Deletes every element up to one counter per author: the greatest observed. */
  | { readonly act: "empty"; readonly upTo: Dots };

/** Reads a list. */
export interface ListView {
  readonly length: number;
  /** Undefined where there is none. O(log n). */
  at(index: number): Value | undefined;
  /** In order. O(n). */
  readonly values: readonly Value[];
  /** Where the first element with this value is, -1 if there is none. O(n). */
  indexOf(value: Value): number;
  /** Of each element, in order: a name that it keeps wherever it is moved, and that no other one has. O(n). */
  readonly ids: readonly string[];
  /** Undefined where there is none. O(log n). */
  idAt(index: number): string | undefined;
  /** Where the element with an id is, -1 if it is not there. O(log n). */
  indexOfId(id: string): number;
}

/** Writes a list within a transaction. */
export interface ListDraft extends ListView {
  /** Inserts copies of values, the first of which gets this index. Throws `InvalidValue`. */
  insert(index: number, ...values: Value[]): void;
  /** Inserts at the end. Throws `InvalidValue`. */
  push(...values: Value[]): void;
  /** Deletes elements, one if `count` is not given. Throws `InvalidValue` unless all of them are there. */
  delete(index: number, count?: number): void;
  /** Moves an element so that it has another index. Throws `InvalidValue` unless both are there. */
  move(from: number, to: number): void;
  /** Deletes all of them. */
  clear(): void;
}

/** The list's own prepare functions, beside those of every type. */
export interface ListType extends FieldType<ListState, ListOp, readonly Value[], ListView, ListDraft> {
  /** Prepares an insert of a value that belongs to the list from now on. Throws `InvalidValue`. */
  insert(state: ListState, index: number, value: Value): ListOp;
  /** Prepares a deletion. Throws `InvalidValue`. */
  delete(state: ListState, index: number): ListOp;
  /** Prepares a move, undefined if the element is there already. Throws `InvalidValue`. */
  move(state: ListState, from: number, to: number): ListOp | undefined;
}

/** A list with insert, delete and move, in which concurrent runs do not interleave. */
export const list: ListType = {
  kind: KINDS.list,

  insert(state: ListState, index: number, value: Value): ListOp {
    mustBeWithin(index, state.size + 1, state);
    return { act: "insert", place: state.positions.after(positionBefore(state, index)), value };
  },

  delete(state: ListState, index: number): ListOp {
    mustBeWithin(index, state.size, state);
    return { act: "delete", element: state.positions.dotOf(state.elementAt(index)) };
  },

  move(state: ListState, from: number, to: number): ListOp | undefined {
    mustBeWithin(from, state.size, state);
    mustBeWithin(to, state.size, state);
    if (from === to) return undefined;
    const element = state.elementAt(from);
    const place = state.positions.after(positionBefore(state, to < from ? to : to + 1));
    return moveTo(state, element, place);
  },

  reset(state: ListState): ListOp | undefined {
    const upTo = greatestPerAuthor(state.elements());
    return upTo.length === 0 ? undefined : { act: "empty", upTo };
  },

  value: (state) => state.shown(),
  json: (state) => state.shown(),

  empty: () => new ListState(),
  isState: (state): state is ListState => state instanceof ListState,
  isOp: (op: AnyOp): op is ListOp =>
    op.act === "insert" || op.act === "move" || op.act === "delete" || op.act === "empty",
  isVacant: (state) => state.size === 0,
  isBlank: (state) => state.positions.count === 0,

  apply(state: ListState, op: ListOp, dot: Dot, stamp: Stamp, undo?: Undo): void {
    switch (op.act) {
      case "insert":
        state.insert(dot, op.place, op.value, undo);
        break;
      case "move":
        state.move({ dot, stamp }, op.place, op.element, op.replaces, undo);
        break;
      case "delete":
        state.delete(state.positions.find(op.element), undo);
        break;
      case "empty":
        state.deleteUpTo(op.upTo, undo);
    }
  },

  merge: (into, intoSeen, from, fromSeen) => join(into, intoSeen, from, fromSeen),
  clone: (state) => state.clone(),

  again(state: ListState, op: ListOp, now: (dot: Dot) => Dot): ListOp | undefined {
    if (op.act === "empty") return list.reset(state);
    if (op.act === "insert") return { act: "insert", place: placeNow(state, op.place, now), value: op.value };
    const element = state.positions.find(now(op.element));
    if (!state.isElement(element)) return undefined;
    if (op.act === "delete") return { act: "delete", element: state.positions.dotOf(element) };
    return moveTo(state, element, placeNow(state, op.place, now));
  },

  inverse(before, op) {
    if (op.act === "insert") {
      return (state, dot, now) => {
        const element = now(dot);
        return state.isElement(state.positions.find(element)) ? [{ op: { act: "delete", element } }] : [];
      };
    }
    if (op.act === "move") return movedBack(before, op.element);
    return restored(before, op.act === "empty" ? before.inOrder() : [before.positions.find(op.element)]);
  },

  mentions(op: ListOp, visit: (author: Author, counter: number) => void): void {
    if (op.act === "insert" || op.act === "move") mentionsOf(op.place, visit);
    if (op.act === "move" || op.act === "delete") visit(op.element.author, op.element.counter);
    for (const dot of removedBy(op)) visit(dot.author, dot.counter);
  },

  writeOp(out: ByteWriter, op: ListOp, authors: AuthorTable): void {
    if (op.act === "insert" || op.act === "move") {
      const form = formOf(op.place, authors.previous);
      out.byte((op.act === "insert" ? OPCODE.insert : OPCODE.move) + form);
      writePlace(out, op.place, form, authors);
      if (op.act === "insert") writeValue(out, op.value);
    } else {
      out.byte(OPCODE[op.act]);
    }
    if (op.act === "move" || op.act === "delete") authors.writeDot(out, op.element);
    authors.writeDots(out, removedBy(op));
  },

  readOp(input: ByteReader, authors: AuthorTable): ListOp | undefined {
    const opcode = input.byte();
    if (opcode === OPCODE.delete) return { act: "delete", element: authors.readDot(input) };
    if (opcode === OPCODE.empty) return { act: "empty", upTo: authors.readUpToEnd(input) };
    if (opcode >= OPCODE.insert && opcode < OPCODE.insert + PLACE_FORMS) {
      const place = readPlace(input, opcode - OPCODE.insert, authors.previous, authors);
      return { act: "insert", place, value: readValue(input) };
    }
    if (opcode >= OPCODE.move && opcode < OPCODE.move + PLACE_FORMS) {
      const place = readPlace(input, opcode - OPCODE.move, authors.previous, authors);
      return { act: "move", place, element: authors.readDot(input), replaces: authors.readDotsToEnd(input) };
    }
    return undefined;
  },

  writeState: writeListState,
  readState: readListState,

  view: (source) => new LiveList(source),
  edit: (site) => new ListEditor(site),
};

know(list);

// On the wire for ever. An insert and a move have as many opcodes as a place has forms.
const OPCODE = { insert: 1, move: 17, delete: 33, empty: 34 } as const;

function removedBy(op: ListOp): Dots {
  return op.act === "move" ? op.replaces : op.act === "empty" ? op.upTo : [];
}

function moveTo(state: ListState, element: Position, place: Place): ListOp {
  const replaces = state.standings(element).map(({ dot }) => dot);
  return {
    act: "move",
    place,
    element: state.positions.dotOf(element),
    replaces: replaces.sort(compareDots),
  };
}

/** Moves an element back to where it stood before, unless somebody else has moved it since. */
function movedBack(before: ListState, of: Dot): Inverse<ListState, ListOp> | undefined {
  const element = before.positions.find(of);
  if (!before.isElement(element)) return undefined;
  const there = before.positions.dotOf(before.positionOf(element));
  return (state, dot, now) => {
    const moved = state.positions.find(now(of));
    if (!state.isElement(moved) || state.positions.dotOf(state.positionOf(moved)).author !== dot.author)
      return [];
    return [{ op: moveTo(state, moved, state.positions.after(state.positions.find(there))) }];
  };
}

/** Puts deleted elements where they stood, as new ones that take the old ones' place. */
function restored(before: ListState, elements: readonly Position[]): Inverse<ListState, ListOp> {
  const { positions } = before;
  const were = elements
    .filter((element) => before.isElement(element))
    .map((element) => ({
      of: positions.dotOf(element),
      there: positions.dotOf(before.positionOf(element)),
      value: before.valueOf(element),
    }));
  return (state, _dot, now) =>
    were
      .filter(({ of }) => !state.isElement(state.positions.find(now(of))))
      .map(({ of, there, value }) => ({
        op: { act: "insert", place: state.positions.after(state.positions.find(there)), value },
        of,
      }));
}

/** What is shown before an index, NONE for the beginning. */
function positionBefore(state: ListState, index: number): Position {
  return index === 0 ? NONE : state.positions.order.at(index - 1);
}

/** A place next to the same position as another one's, at the end if that is not there. */
function placeNow({ positions }: ListState, { parent, side }: Place, now: (dot: Dot) => Dot): Place {
  if (parent === undefined) return positions.after(NONE);
  const beside = positions.find(now(parent));
  if (beside === NONE) return positions.after(positions.order.last());
  return positions.after(side === "right" ? beside : positions.order.previous(beside));
}

/**
 * An element of both stands where both know it to, or one has moved it without the other's having heard; one that is
 * missing on a side which has seen its insert was deleted there.
 */
function join(into: ListState, intoSeen: Seen, from: ListState, fromSeen: Seen): void {
  const here = into.adopt(from);
  const there = new Map<Position, Position>();
  here.forEach((position, theirs) => {
    if (from.isElement(theirs)) there.set(position, theirs);
  });
  for (let element = 0; element < into.positions.count; element++) {
    if (!into.isElement(element)) continue;
    const theirs = there.get(element);
    if (theirs !== undefined) {
      const joined = joinStandings(into.standings(element), intoSeen, from.standings(theirs), fromSeen);
      into.stand(element, joined);
    } else if (hasSeen(fromSeen, into.positions.dotOf(element))) into.delete(element);
  }
  for (const [element, theirs] of there) {
    if (into.isElement(element) || hasSeen(intoSeen, into.positions.dotOf(element))) continue;
    into.put(element, from.valueOf(theirs), from.standings(theirs));
  }
}

function joinStandings(
  mine: readonly Standing[],
  mineSeen: Seen,
  theirs: readonly Standing[],
  theirsSeen: Seen,
): readonly Standing[] {
  const kept = mine.filter(
    ({ dot }) => !hasSeen(theirsSeen, dot) || theirs.some((other) => compareDots(other.dot, dot) === 0),
  );
  for (const standing of theirs) if (!hasSeen(mineSeen, standing.dot)) kept.push(standing);
  return kept.sort(standingFirst);
}

function mustBeWithin(index: number, end: number, { size }: ListState): void {
  if (!Number.isInteger(index) || index < 0 || index >= end) {
    throw new InvalidValue(`index ${index} is not in a list of ${size}`);
  }
}

/** Names an element by its insert. */
function idOf({ author, counter }: Dot): string {
  return `${counter}@${author}`;
}

class LiveList implements ListView {
  readonly #source: Source<ListState>;

  constructor(source: Source<ListState>) {
    this.#source = source;
  }

  get length(): number {
    return this.#source().size;
  }

  at(index: number): Value | undefined {
    const state = this.#source();
    return isWithin(state, index) ? state.valueOf(state.elementAt(index)) : undefined;
  }

  get values(): readonly Value[] {
    return this.#source().shown();
  }

  indexOf(value: Value): number {
    const key = valueKey(value);
    return this.values.findIndex((each) => each === value || valueKey(each) === key);
  }

  get ids(): readonly string[] {
    const state = this.#source();
    return state.inOrder().map((element) => idOf(state.positions.dotOf(element)));
  }

  idAt(index: number): string | undefined {
    const state = this.#source();
    return isWithin(state, index) ? idOf(state.positions.dotOf(state.elementAt(index))) : undefined;
  }

  indexOfId(id: string): number {
    const state = this.#source();
    const [counter = 0, author = 0] = id.split("@").map(Number);
    const element = state.positions.find({ author, counter });
    if (!state.isElement(element) || idOf({ author, counter }) !== id) return -1;
    return state.positions.order.indexOf(state.positionOf(element));
  }
}

function isWithin({ size }: ListState, index: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < size;
}

class ListEditor extends LiveList implements ListDraft {
  readonly #site: Site<ListState, ListOp>;

  constructor(site: Site<ListState, ListOp>) {
    super(site.state);
    this.#site = site;
  }

  insert(index: number, ...values: Value[]): void {
    // The index is refused before anything else is, also where there is nothing to insert.
    const state = this.#site.state();
    if (values.length === 0) this.#site.record(() => void mustBeWithin(index, state.size + 1, state));
    values.forEach((value, i) => {
      this.#site.record((state) => list.insert(state, index + i, this.#site.own(value)));
    });
  }

  push(...values: Value[]): void {
    this.insert(this.length, ...values);
  }

  delete(index: number, count = 1): void {
    this.#site.record((state) => {
      if (!Number.isInteger(count) || count < 0)
        throw new InvalidValue(`${count} is not a number of elements`);
      if (count > 0) mustBeWithin(index + count - 1, state.size, state);
      mustBeWithin(index, state.size + 1, state);
      return undefined;
    });
    for (let left = count; left > 0; left--) this.#site.record((state) => list.delete(state, index));
  }

  move(from: number, to: number): void {
    this.#site.record((state) => list.move(state, from, to));
  }

  clear(): void {
    this.#site.record(list.reset);
  }
}
