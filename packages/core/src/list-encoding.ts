/**
 * The state of a list as bytes: its positions in their order, then what stands on them.
 *
 * Positions that were made one after the other, each to the right of the one before, are one run of up to sixteen; so a
 * list that was written from left to right takes little more than its values, and what was deleted nearly nothing. The
 * bound keeps what a reader makes of bytes within a constant times their number. What stands where comes as lengths of
 * stretches: nothing, elements where they were inserted, elements that were moved there.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import { compareDots } from "./dots.js";
import type { Dot } from "./ids.js";
import { ListState, type Standing, standingFirst } from "./list-state.js";
import { formOf, PLACE_FORMS, type Place, readPlace, writePlace } from "./place.js";
import { NONE, type Position } from "./positions.js";
import { readValue, writeValue } from "./value.js";

/** A list without positions takes no bytes, as for those who do not know lists. */
export function writeListState(out: ByteWriter, state: ListState, authors: AuthorTable): void {
  if (state.positions.count === 0) return;
  const order = [...state.positions.order];
  const runs = runsOf(state, order);
  out.uint(runs.length);
  for (const { dot, place, last, length } of runs) {
    const form = formOf(place, last);
    out.uint((length - 1) * PLACE_FORMS + form);
    authors.writeDot(out, dot);
    writePlace(out, place, form, authors);
  }
  for (const { mark, length } of stretchesOf(order.map((position) => markOf(state, position)))) {
    out.uint((length - 1) * MARKS + mark);
  }
  for (const position of order) {
    const element = state.elementOn(position);
    if (element === NONE) continue;
    if (element !== position) writeStandings(out, state, element, authors);
    writeValue(out, state.valueOf(element));
  }
}

/** Refuses what `writeListState` would not have written. */
export function readListState(input: ByteReader, authors: AuthorTable): ListState {
  const state = new ListState();
  if (input.remaining === 0) return state;
  const at = input.offset;
  const made = readPositions(input, authors);
  if (made.length === 0) input.fail("a list without positions", at);
  makePositions(state, made, input, at);
  const order = [...state.positions.order];
  made.forEach(({ dot }, i) => {
    if (compareDots(state.positions.dotOf(order[i]!), dot) !== 0) input.fail("positions out of order", at);
  });
  const marks = readMarks(input, order.length);
  order.forEach((position, i) => {
    if (marks[i] === MARK.inserted) putInserted(state, position, input);
    else if (marks[i] === MARK.moved) putMoved(state, position, input, authors);
  });
  return state;
}

const RUN_MAX = 16;

// In states for ever.
const MARK = { nothing: 0, inserted: 1, moved: 2 } as const;
const MARKS = 3;

interface Run {
  readonly dot: Dot;
  readonly place: Place;
  /** The position before it in the order. */
  readonly last: Dot | undefined;
  length: number;
}

function runsOf({ positions }: ListState, order: readonly Position[]): Run[] {
  const runs: Run[] = [];
  let last: Dot | undefined;
  for (const position of order) {
    const dot = positions.dotOf(position);
    const place = positions.placeOf(position);
    const run = runs.at(-1);
    if (run !== undefined && run.length < RUN_MAX && follows(dot, place, last)) run.length++;
    else runs.push({ dot, place, last, length: 1 });
    last = dot;
  }
  return runs;
}

/** True if a position is its author's next after the last one, directly to the right of that. */
function follows(dot: Dot, place: Place, last: Dot | undefined): boolean {
  return last?.author === dot.author && last.counter + 1 === dot.counter && formOf(place, last) === 0;
}

interface Made {
  readonly dot: Dot;
  readonly place: Place;
}

function readPositions(input: ByteReader, authors: AuthorTable): Made[] {
  const made: Made[] = [];
  let run = 0;
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 3); left > 0; left--) {
    const at = input.offset;
    const word = input.uint(RUN_MAX * PLACE_FORMS - 1);
    const last = made.at(-1)?.dot;
    const dot = authors.readDot(input);
    const place = readPlace(input, word % PLACE_FORMS, last, authors);
    if (run > 0 && run < RUN_MAX && follows(dot, place, last)) input.fail("a run in pieces", at);
    run = Math.floor(word / PLACE_FORMS) + 1;
    if (dot.counter + run - 1 > authors.counterMaxOf(dot.author))
      input.fail("a run beyond what was seen", at);
    made.push({ dot, place });
    for (let i = 1; i < run; i++) {
      const parent = { author: dot.author, counter: dot.counter + i - 1 };
      const next = { author: dot.author, counter: dot.counter + i };
      made.push({ dot: next, place: { parent, side: "right", origin: "same" } });
    }
  }
  return made;
}

/** Makes each after its parent and its origin, wherever those stand. */
function makePositions(state: ListState, made: readonly Made[], input: ByteReader, at: number): void {
  const { positions } = state;
  const waiting = new Map(made.map((each) => [keyOf(each.dot), each]));
  if (waiting.size < made.length) input.fail("a position twice", at);
  const need = (dot: Place["parent"] | Place["origin"]): Made | undefined => {
    if (typeof dot !== "object" || positions.find(dot) !== NONE) return undefined;
    return waiting.get(keyOf(dot)) ?? input.fail("a position beside one that is not there", at);
  };
  for (const each of made) {
    // What waits for the next one on the stack. Longer than all there are, somebody waits for himself.
    const stack = [each];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const first = need(top.place.parent) ?? need(top.place.origin);
      if (first === undefined) {
        stack.pop();
        if (positions.find(top.dot) === NONE) make(state, top, input, at);
      } else if (stack.push(first) > made.length) input.fail("positions in a circle", at);
    }
  }
}

function make(state: ListState, { dot, place }: Made, input: ByteReader, at: number): void {
  const position = state.addPosition(dot, place);
  const written = state.positions.placeOf(position);
  if (written.origin === "same" && place.origin !== "same") input.fail("a place longer than it needs", at);
}

function markOf(state: ListState, position: Position): number {
  const element = state.elementOn(position);
  if (element === NONE) return MARK.nothing;
  return element === position ? MARK.inserted : MARK.moved;
}

function stretchesOf(marks: readonly number[]): { mark: number; length: number }[] {
  const stretches: { mark: number; length: number }[] = [];
  for (const mark of marks) {
    const stretch = stretches.at(-1);
    if (stretch?.mark === mark) stretch.length++;
    else stretches.push({ mark, length: 1 });
  }
  return stretches;
}

function readMarks(input: ByteReader, count: number): number[] {
  const marks: number[] = [];
  while (marks.length < count) {
    const at = input.offset;
    const word = input.uint((count - marks.length) * MARKS - 1);
    const mark = word % MARKS;
    if (marks.at(-1) === mark) input.fail("a stretch in pieces", at);
    for (let left = Math.floor(word / MARKS) + 1; left > 0; left--) marks.push(mark);
  }
  return marks;
}

function writeStandings(out: ByteWriter, state: ListState, element: Position, authors: AuthorTable): void {
  authors.writeDot(out, state.positions.dotOf(element));
  const [first, ...others] = state.standings(element);
  out.uint(first!.stamp);
  out.uint(others.length);
  for (const { dot, stamp } of others) {
    authors.writeDot(out, dot);
    out.uint(stamp);
  }
}

function putInserted(state: ListState, position: Position, input: ByteReader): void {
  if (state.isElement(position)) input.fail("an element that stands twice");
  state.put(position, readValue(input), []);
}

function putMoved(state: ListState, position: Position, input: ByteReader, authors: AuthorTable): void {
  const at = input.offset;
  const element = state.positions.find(authors.readDot(input));
  if (element === NONE || element === position) input.fail("a move of what is not there", at);
  if (state.isElement(element)) input.fail("an element that stands twice", at);
  const standings: Standing[] = [{ dot: state.positions.dotOf(position), stamp: input.uint() }];
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 3); left > 0; left--) {
    const next = { dot: authors.readDot(input), stamp: input.uint() };
    if (standingFirst(standings.at(-1)!, next) >= 0) input.fail("moves out of order", at);
    if (state.positions.find(next.dot) === NONE) input.fail("a move to no position", at);
    standings.push(next);
  }
  state.put(element, readValue(input), standings);
}

function keyOf({ author, counter }: Dot): string {
  return `${author}:${counter}`;
}
