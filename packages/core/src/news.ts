/**
 * What has come into a cell since some version, and what of it is left of before: the contents of a delta.
 *
 * States keep nothing of what is gone, so what was removed since can only be told by saying what was not. So a delta has
 * the *news*, which are the entries whose dots are after the version, and the dots of the entries that are *left* from
 * before, without what they hold: whoever has the version has that too. From both and his own state he makes the
 * other's state, as far as it makes a difference when the two are joined: entries that he has removed himself are
 * not in it, which is what he would find of them anyway.
 *
 * What only grows has no dots of its own to be left: of prefix sums those that may be newer are news, of a set that only
 * grows all of it.
 */

import type { AuthorTable } from "./author-table.js";
import { type Ballot, isCarried } from "./ballot.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import { childrenOfBoth, moveChildren, putChild } from "./children-moves.js";
import type { CounterState } from "./counter.js";
import type { DisableWinsFlagState } from "./disable-wins-flag.js";
import { compareDots, type Dots, hasSeen, type Seen } from "./dots.js";
import { BrokenInvariant, Malformed } from "./errors.js";
import type { FlagState } from "./flag.js";
import type { GrowCounterState } from "./grow-counter.js";
import type { Dot } from "./ids.js";
import type { KeepWholeMapState } from "./keep-whole-map.js";
import { KINDS, type KindTag } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import type { ListState, Standing } from "./list-state.js";
import { standingFirst } from "./list-state.js";
import type { MapState } from "./map.js";
import { entriesIn, hasSteps, type Outdone, placeKey, visitWritten } from "./outdone.js";
import type { PathStep } from "./path.js";
import { type Path, readPathSteps, readStepName, stepKey, writePathSteps } from "./path.js";
import { formOf, PLACE_FORMS, type Place, readPlace, writePlace } from "./place.js";
import { NONE } from "./positions.js";
import { lwwRegister, type RegisterState, type Sibling } from "./register.js";
import type { Mark, RemoveWinsMapState } from "./remove-wins-map.js";
import type { RemoveWinsSetState } from "./remove-wins-set.js";
import type { SetState } from "./set.js";
import { writeCell, writeRegister } from "./state-writing.js";
import type { TextState } from "./text.js";
import { type Cell, type CellType, typeOf } from "./types.js";
import { compareUtf8 } from "./utf8.js";
import { readValue, type Value, writeValue } from "./value.js";

/** What is new in a cell. */
export interface News {
  /** Of what is no container and no list: a state with what is new only. */
  readonly cell?: Cell;
  readonly list?: ListNews;
  readonly inside?: InnerNews;
}

interface InnerNews {
  readonly created: Dots;
  readonly children: readonly ChildNews[];
  /** Removals of keys, of maps in which removing wins. */
  readonly marks: readonly (readonly [name: string, mark: Mark])[];
  /** Writes that removals have outdone, of maps in which removing wins. */
  readonly outdone: readonly Outdone[];
  /** Uses of keys, of maps in which using keeps; and which of these keys are hidden. */
  readonly uses: readonly (readonly [name: string, uses: Dots, isHidden: boolean])[];
}

interface ChildNews extends PathStep {
  readonly news: News;
}

interface ListNews {
  /** Each after its parent and its origin. */
  readonly positions: readonly { readonly dot: Dot; readonly place: Place }[];
  readonly elements: readonly { readonly dot: Dot; readonly value: Value }[];
  readonly moves: readonly { readonly element: Dot; readonly standing: Standing }[];
}

/** A question about a dot. */
export type Test = (dot: Dot) => boolean;

/** How a cell is looked through. */
export interface Since {
  /** Whether an op came after the version. */
  readonly isNew: Test;
  /** Told of each dot that is left from before. */
  readonly left: (dot: Dot) => void;
  /** Takes all of what has no dots to be left, whether it is new or not. */
  readonly isWhole: boolean;
  /** Tells of steps and pieces of text, too: under keys of which a removal may outdo them. */
  readonly tellsSteps?: boolean;
}

/** What is new in a cell, undefined for nothing. O(size). */
export function newsOf(cell: Cell, kind: KindTag, since: Since): News | undefined {
  const isKept: Test = (dot) => {
    if (since.isNew(dot)) return true;
    since.left(dot);
    return false;
  };
  if (kind === KINDS.list) return listNews(cell.state as ListState, since, isKept);
  if (cell.children !== undefined) return innerNews(cell.state as MapState, since, isKept);
  if (since.tellsSteps && hasSteps(kind)) for (const entry of entriesIn(cell.state, kind)) isKept(entry);
  const part = partOf(cell, kind, isKept, { isNew: since.isNew, isWhole: since.isWhole });
  return part.isBlank() ? undefined : { cell: part };
}

/**
 * The other's cell, as far as it makes a difference to whoever has `mine`; undefined if nothing is left of it.
 * @param isLeft whether the other one has it still. @param have what the other one has seen.
 */
export function cellOf(
  mine: Cell | undefined,
  kind: KindTag,
  news: News | undefined,
  isLeft: Test,
  have: Seen,
): Cell | undefined {
  const type = knownType(kind);
  const base = mine ?? type.empty();
  let cell: Cell;
  if (kind === KINDS.list) {
    cell = type.empty();
    fillList(cell.state as ListState, base.state as ListState, news?.list, isLeft, have);
  } else if (base.children !== undefined) {
    cell = type.empty();
    fillMap(cell.state as MapState, base.state as MapState, news?.inside, isLeft, have);
  } else {
    cell = partOf(base, kind, isLeft, undefined);
    if (news?.cell !== undefined) cell.merge(NOTHING, news.cell, NOTHING);
  }
  return cell.isBlank() ? undefined : cell;
}

const NOTHING: Seen = new Map();

function knownType(kind: KindTag): CellType {
  const type = typeOf(kind);
  if (type === undefined) throw new BrokenInvariant(`kind ${kind} is not known`);
  return type;
}

/**
 * The entries of a cell whose dots are kept. @param growing which prefix sums are, and whether all of what only grows is;
 * undefined for none of it.
 */
function partOf(
  cell: Cell,
  kind: KindTag,
  isKept: Test,
  growing: Pick<Since, "isNew" | "isWhole"> | undefined,
): Cell {
  const { state } = cell;
  const part = knownType(kind).empty();
  const grows = (author: number, counter: number): boolean =>
    growing !== undefined && (growing.isWhole || growing.isNew({ author, counter }));
  switch (kind) {
    case KINDS.register:
      (part.state as RegisterState).siblings = (state as RegisterState).siblings.filter(isKept);
      break;
    case KINDS.flag:
      (part.state as FlagState).dots = (state as FlagState).dots.filter(isKept);
      break;
    case KINDS["disable-flag"]:
      (part.state as DisableWinsFlagState).ballot = ballotOf((state as DisableWinsFlagState).ballot, isKept);
      break;
    case KINDS.set:
      for (const [key, all] of (state as SetState).elements) {
        const dots = all.filter(isKept);
        if (dots.length > 0) (part.state as SetState).elements.set(key, dots);
      }
      break;
    case KINDS["remove-set"]:
      for (const [key, all] of (state as RemoveWinsSetState).ballots) {
        const ballot = ballotOf(all, isKept);
        if (ballot.yes.length + ballot.no.length === 0) continue;
        (part.state as RemoveWinsSetState).ballots.set(key, ballot);
        (part.state as RemoveWinsSetState).size += Number(isCarried(ballot));
      }
      break;
    case KINDS.counter:
      // Since when a floor stands where it does nobody knows.
      for (const [author, entry] of (state as CounterState).entries)
        if (growing !== undefined && (entry.floor.seq > 0 || grows(author, entry.steps.seq)))
          (part.state as CounterState).entries.set(author, entry);
      break;
    case KINDS["grow-counter"]:
      for (const [author, steps] of (state as GrowCounterState).steps)
        if (grows(author, steps.seq)) (part.state as GrowCounterState).steps.set(author, steps);
      break;
    case KINDS.text:
      for (const [, pieces] of (state as TextState).byAuthor())
        for (const { author, counter, update } of pieces)
          if (grows(author, counter)) (part.state as TextState).add(author, counter, update);
      break;
    default:
      // Elements without dots.
      if (growing !== undefined) part.merge(NOTHING, cell, NOTHING);
  }
  return part;
}

function ballotOf({ yes, no }: Ballot, isKept: Test): Ballot {
  return { yes: yes.filter(isKept), no: no.filter(isKept) };
}

/** The parts of maps of all kinds: those that a kind does not have are empty. */
interface AnyMap extends MapState {
  readonly marks?: RemoveWinsMapState["marks"];
  readonly outdone?: RemoveWinsMapState["outdone"];
  readonly uses?: KeepWholeMapState["uses"];
  hidden?: KeepWholeMapState["hidden"];
}

function innerNews(state: AnyMap, since: Since, isKept: Test): News | undefined {
  const { hidden, marks: removals } = state;
  const inside = removals === undefined ? since : { ...since, tellsSteps: true };
  const created = state.created.filter(isKept);
  const children: ChildNews[] = [];
  for (const [from, within] of [
    [state.children, inside],
    // What is hidden must be there to be hidden, also where nothing of it has dots.
    [hidden, { ...inside, isWhole: true }],
  ] as const) {
    for (const step of from?.steps() ?? []) {
      const news = newsOf(from!.get(step)!, step.kind, within);
      if (news !== undefined) children.push({ ...step, news });
    }
  }
  const marks = [...(removals ?? [])].flatMap(([name, all]) =>
    all
      // Not `isKept` of each: a removal is left as a whole, with those who know of it, or is news as a whole.
      .filter(({ dot, known }) => known.some(since.isNew) || isKept(dot))
      .map((mark) => [name, mark] as const),
  );
  const outdone = [...(state.outdone ?? [])].flatMap(([key, { path, register }]) => {
    const siblings = register.siblings.filter(isKept);
    return siblings.length > 0 ? [{ key, path, register: registerOf(siblings) }] : [];
  });
  const hides = new Set(hidden?.steps().map(({ name }) => name));
  const uses = [...(state.uses ?? [])]
    .filter(([name, dots]) => hides.has(name) || dots.some(since.isNew))
    .map(([name, dots]) => [name, dots, hides.has(name)] as const);
  const count = created.length + children.length + marks.length + outdone.length + uses.length;
  if (count === 0) return undefined;
  children.sort((a, b) => compareUtf8(a.name, b.name) || a.kind - b.kind);
  marks.sort(([a, mine], [b, theirs]) => compareUtf8(a, b) || compareDots(mine.dot, theirs.dot));
  outdone.sort((a, b) => (a.key < b.key ? -1 : 1));
  uses.sort(([a], [b]) => compareUtf8(a, b));
  return { inside: { created, children, marks, outdone, uses } };
}

function fillMap(to: AnyMap, mine: AnyMap, news: InnerNews | undefined, isLeft: Test, have: Seen): void {
  to.created = [...mine.created.filter(isLeft), ...(news?.created ?? [])].sort(compareDots);
  const there = mine.hidden === undefined ? mine.children : childrenOfBoth(mine.children, mine.hidden);
  const inside = new Map<string, ChildNews>(news?.children.map((child) => [stepKey(child), child]));
  for (const step of there.steps()) {
    const key = stepKey(step);
    if (!inside.has(key)) inside.set(key, { ...step, news: NO_NEWS });
  }
  for (const { news: ofChild, ...step } of inside.values()) {
    const child = cellOf(there.get(step), step.kind, ofChild, isLeft, have);
    if (child !== undefined) putChild(to.children, step, child);
  }
  for (const [name, marks] of mine.marks ?? [])
    for (const { dot, known } of marks)
      if (isLeft(dot)) addMark(to, name, { dot, known: known.filter((each) => hasSeen(have, each)) });
  for (const [name, mark] of news?.marks ?? []) addMark(to, name, mark);
  // What is here under a key that was removed there is outdone there, as far as it is left.
  const unknown = news?.marks.filter(
    ([name, { dot }]) => !mine.marks?.get(name)?.some((mark) => compareDots(mark.dot, dot) === 0),
  );
  for (const name of new Set(unknown?.map(([key]) => key)))
    visitWritten(there, name, (path, entries) => addOutdone(to, path, entries.filter(isLeft)));
  for (const { path, register } of mine.outdone?.values() ?? [])
    addOutdone(to, path, register.siblings.filter(isLeft));
  for (const { path, register } of news?.outdone ?? []) addOutdone(to, path, register.siblings);
  for (const [name, uses] of mine.uses ?? []) {
    // Nobody is told of the others' earlier uses. They were seen here, so only that there were some matters.
    const theirs = uses.flatMap(({ author, counter }) => {
      const upTo = Math.min(counter, have.get(author) ?? 0);
      return upTo > 0 ? [{ author, counter: upTo }] : [];
    });
    if (theirs.length > 0) to.uses?.set(name, theirs);
  }
  for (const [name, uses, isHidden] of news?.uses ?? []) {
    to.uses?.set(name, uses);
    if (isHidden && to.hidden !== undefined) moveChildren(to.children, to.hidden, name);
  }
}

const NO_NEWS: News = Object.freeze({});

function registerOf(siblings: RegisterState["siblings"]): RegisterState {
  const { state } = knownType(KINDS.register).empty();
  (state as RegisterState).siblings = siblings;
  return state as RegisterState;
}

function addOutdone({ outdone }: AnyMap, path: Path, siblings: readonly Sibling[]): void {
  if (outdone === undefined || siblings.length === 0) return;
  const key = placeKey(path);
  const all = [...(outdone.get(key)?.register.siblings ?? []), ...siblings];
  outdone.set(key, {
    path,
    register: registerOf(all.sort((a, b) => a.stamp - b.stamp || compareDots(a, b))),
  });
}

function addMark({ marks }: AnyMap, name: string, mark: Mark): void {
  marks?.set(
    name,
    [...(marks.get(name) ?? []), mark].sort((a, b) => compareDots(a.dot, b.dot)),
  );
}

function listNews(state: ListState, { isNew }: Since, isKept: Test): News | undefined {
  const positions: { dot: Dot; place: Place }[] = [];
  const elements: { dot: Dot; value: Value }[] = [];
  const moves: { element: Dot; standing: Standing }[] = [];
  for (let position = 0; position < state.positions.count; position++) {
    const dot = state.positions.dotOf(position);
    if (isNew(dot)) positions.push({ dot, place: state.positions.placeOf(position) });
    if (!state.isElement(position)) continue;
    if (isKept(dot)) elements.push({ dot, value: state.valueOf(position) });
    for (const standing of state.standings(position))
      if (isKept(standing.dot)) moves.push({ element: dot, standing });
  }
  return positions.length === 0 ? undefined : { list: { positions, elements, moves } };
}

/** The positions that the other one has are those here that he has seen, and the new ones. */
function fillList(
  to: ListState,
  mine: ListState,
  news: ListNews | undefined,
  isLeft: Test,
  have: Seen,
): void {
  for (let position = 0; position < mine.positions.count; position++) {
    const dot = mine.positions.dotOf(position);
    if (hasSeen(have, dot)) to.addPosition(dot, mine.positions.placeOf(position));
  }
  for (const { dot, place } of news?.positions ?? [])
    if (to.positions.find(dot) === NONE && to.addPosition(dot, place) === NONE)
      throw new Malformed("a position beside one that is not there");
  for (let position = 0; position < mine.positions.count; position++) {
    const dot = mine.positions.dotOf(position);
    if (!mine.isElement(position) || !isLeft(dot)) continue;
    const standings = mine.standings(position).filter((standing) => isLeft(standing.dot));
    // Only who lies has seen an op without those that it follows.
    if ([dot, ...standings.map((standing) => standing.dot)].some((each) => to.positions.find(each) === NONE))
      throw new Malformed("an element without a position");
    to.put(to.positions.find(dot), mine.valueOf(position), standings);
  }
  for (const { dot, value } of news?.elements ?? []) {
    const element = to.positions.find(dot);
    if (element === NONE || to.isElement(element)) throw new Malformed("an element without a position");
    to.put(element, value, []);
  }
  for (const { element: dot, standing } of news?.moves ?? []) {
    const [element, position] = [to.positions.find(dot), to.positions.find(standing.dot)];
    // Who has deleted an element has it no more.
    if (!to.isElement(element)) continue;
    if (position === NONE || position === element) throw new Malformed("a move to no position");
    const others = to.standings(element).filter((other) => compareDots(other.dot, standing.dot) !== 0);
    to.stand(element, [...others, standing].sort(standingFirst));
  }
}

/** Writes the news of what is of this kind. O(size). */
export function writeNews(out: ByteWriter, news: News, authors: AuthorTable): void {
  if (news.list !== undefined) writeListNews(out, news.list, authors);
  else if (news.inside !== undefined) writeInnerNews(out, news.inside, authors);
  else {
    const start = out.open();
    if (news.cell !== undefined) writeCell(out, news.cell, authors);
    out.close(start);
  }
}

/** Fails the reader on what nobody writes; what does not fit what is here is found out by `cellOf`. */
export function readNews(input: ByteReader, kind: KindTag, authors: AuthorTable, depth: number): News {
  const type = typeOf(kind);
  if (type === undefined) return input.fail(`a kind ${kind}, which is not known`);
  if (kind === KINDS.list) return { list: readListNews(input, authors) };
  if (type.isContainer) return { inside: readInnerNews(input, kind, authors, depth) };
  const own = input.within(input.uint(CORE_LIMITS.stateBytesMax));
  const cell = type.readState(own, authors, depth);
  own.end();
  return { cell };
}

function writeInnerNews(
  out: ByteWriter,
  { created, children, marks, outdone, uses }: InnerNews,
  authors: AuthorTable,
): void {
  authors.writeCountedDots(out, created);
  out.uint(children.length);
  for (const { name, kind, news } of children) {
    out.text(name);
    out.uint(kind);
    writeNews(out, news, authors);
  }
  out.uint(marks.length);
  for (const [name, { dot, known }] of marks) {
    out.text(name);
    authors.writeDot(out, dot);
    authors.writeCountedDots(out, known);
  }
  // No map has both.
  out.uint(outdone.length + uses.length);
  for (const { path, register } of outdone) {
    writePathSteps(out, path);
    writeRegister(out, register, authors);
  }
  for (const [name, dots, isHidden] of uses) {
    out.text(name);
    authors.writeCountedDots(out, dots);
    out.byte(isHidden ? 1 : 0);
  }
}

function readInnerNews(input: ByteReader, kind: KindTag, authors: AuthorTable, depth: number): InnerNews {
  if (depth >= CORE_LIMITS.pathDepthMax) input.fail("a path of more than pathDepthMax steps");
  const created = authors.readCountedDots(input);
  const children: ChildNews[] = [];
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 3); left > 0; left--) {
    const step = { name: readStepName(input), kind: input.uint(CORE_LIMITS.kindTagMax) };
    children.push({ ...step, news: readNews(input, step.kind, authors, depth + 1) });
  }
  const marks: [string, Mark][] = [];
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 5); left > 0; left--)
    marks.push([readStepName(input), { dot: authors.readDot(input), known: authors.readCountedDots(input) }]);
  const outdone: Outdone[] = [];
  const uses: [string, Dots, boolean][] = [];
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 4); left > 0; left--)
    if (kind === KINDS["remove-map"])
      outdone.push({ path: readPathSteps(input), register: lwwRegister.readState(input, authors, depth) });
    else uses.push([readStepName(input), authors.readCountedDots(input), input.byte() === 1]);
  return { created, children, marks, outdone, uses };
}

function writeListNews(
  out: ByteWriter,
  { positions, elements, moves }: ListNews,
  authors: AuthorTable,
): void {
  out.uint(positions.length);
  let last: Dot | undefined;
  for (const { dot, place } of positions) {
    const form = formOf(place, last);
    out.byte(form);
    authors.writeDot(out, dot);
    writePlace(out, place, form, authors);
    last = dot;
  }
  out.uint(elements.length);
  for (const { dot, value } of elements) {
    authors.writeDot(out, dot);
    writeValue(out, value);
  }
  out.uint(moves.length);
  for (const { element, standing } of moves) {
    authors.writeDot(out, element);
    authors.writeDot(out, standing.dot);
    out.uint(standing.stamp);
  }
}

function readListNews(input: ByteReader, authors: AuthorTable): ListNews {
  const positions: { dot: Dot; place: Place }[] = [];
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 3); left > 0; left--) {
    const at = input.offset;
    const form = input.byte();
    if (form >= PLACE_FORMS) input.fail(`a place of form ${form}`, at);
    const last = positions.at(-1)?.dot;
    const dot = authors.readDot(input);
    positions.push({ dot, place: readPlace(input, form, last, authors) });
  }
  const elements: { dot: Dot; value: Value }[] = [];
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 3); left > 0; left--)
    elements.push({ dot: authors.readDot(input), value: readValue(input) });
  const moves: { element: Dot; standing: Standing }[] = [];
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 5); left > 0; left--) {
    const element = authors.readDot(input);
    moves.push({ element, standing: { dot: authors.readDot(input), stamp: input.uint() } });
  }
  return { positions, elements, moves };
}
