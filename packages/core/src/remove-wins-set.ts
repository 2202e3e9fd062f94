/**
 * A set in which removing wins over concurrent adding.
 *
 * For each element it keeps a ballot: adds are votes for it, removals votes against. A removed element is remembered
 * until somebody who knows of the removal adds it again. Where that is too much, adding should win (`orSet`).
 */
import type { AuthorTable } from "./author-table.js";
import {
  type Ballot,
  forgotten,
  hasVotes,
  hasVotesOfOthers,
  isCarried,
  joinBallots,
  NO_VOTES,
  readBallot,
  voted,
  votes,
  writeBallot,
} from "./ballot.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import { type Dots, dotsBy, greatestPerAuthor, type Seen } from "./dots.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import type { SetDraft, SetView } from "./set.js";
import { know } from "./types.js";
import { bytesOfKey, readValue, type Value, valueKey, valueOfKey, writeValue } from "./value.js";

/** What can be done to such a set. Each op names the dots whose place it takes. */
export type RemoveWinsSetOp =
  /** Votes for or against an element, in place of the votes on it that were observed. */
  | { readonly act: "include" | "exclude"; readonly element: Value; readonly replaces: Dots }
  /** Removes every vote up to one counter per author, the greatest observed: as if nobody had voted. */
  | { readonly act: "forget"; readonly upTo: Dots };

/** What is kept of a set: for each element the adds and removals that no later one has replaced. */
export class RemoveWinsSetState {
  /** Element, as `valueKey`, to the votes on it: at least one. */
  readonly ballots = new Map<string, Ballot>();
  /** How many of them are carried. */
  size = 0;
}

export interface RemoveWinsSetType
  extends FieldType<RemoveWinsSetState, RemoveWinsSetOp, readonly Value[], SetView, SetDraft> {
  /** Prepares an add of a value that belongs to the set from now on. Throws `InvalidValue`. */
  add(state: RemoveWinsSetState, element: Value): RemoveWinsSetOp;
  /** Prepares a removal, undefined if the element is not there. Throws `InvalidValue`. */
  remove(state: RemoveWinsSetState, element: Value): RemoveWinsSetOp | undefined;
  /** Whether the element is in the set. O(size of the element). */
  has(state: RemoveWinsSetState, element: Value): boolean;
}

/** A set in which a removal wins over the adds that are concurrent with it. */
export const rwSet: RemoveWinsSetType = {
  kind: KINDS["remove-set"],

  add: (state, element) => ({ act: "include", element, replaces: votes(ballotOf(state, valueKey(element))) }),

  remove(state: RemoveWinsSetState, element: Value): RemoveWinsSetOp | undefined {
    const ballot = ballotOf(state, valueKey(element));
    return isCarried(ballot) ? { act: "exclude", element, replaces: votes(ballot) } : undefined;
  },

  reset(state: RemoveWinsSetState): RemoveWinsSetOp | undefined {
    const upTo = greatestPerAuthor([...state.ballots.values()].flatMap(votes));
    return upTo.length === 0 ? undefined : { act: "forget", upTo };
  },

  isVacant: (state) => state.size === 0,
  isBlank: (state) => state.ballots.size === 0,

  has: (state, element) => isCarried(ballotOf(state, valueKey(element))),

  /** The elements in the order of their canonical bytes. O(n log n). */
  value: (state) =>
    sortedKeys(state)
      .filter((key) => isCarried(ballotOf(state, key)))
      .map(valueOfKey),
  json: (state) => rwSet.value(state),

  empty: () => new RemoveWinsSetState(),
  isState: (state): state is RemoveWinsSetState => state instanceof RemoveWinsSetState,
  isOp: (op: AnyOp): op is RemoveWinsSetOp =>
    op.act === "include" || op.act === "exclude" || op.act === "forget",

  apply(state: RemoveWinsSetState, op: RemoveWinsSetOp, dot: Dot, _stamp: Stamp, undo?: Undo): void {
    if (op.act === "forget") {
      for (const [key, ballot] of state.ballots) put(state, key, forgotten(ballot, op.upTo), undo);
      return;
    }
    const key = valueKey(op.element);
    const side = op.act === "include" ? "yes" : "no";
    put(state, key, voted(ballotOf(state, key), side, dot, op.replaces), undo);
  },

  merge(into: RemoveWinsSetState, intoSeen: Seen, from: RemoveWinsSetState, fromSeen: Seen): void {
    for (const key of new Set([...into.ballots.keys(), ...from.ballots.keys()])) {
      put(into, key, joinBallots(ballotOf(into, key), intoSeen, ballotOf(from, key), fromSeen));
    }
  },

  clone(state: RemoveWinsSetState): RemoveWinsSetState {
    const copy = new RemoveWinsSetState();
    for (const [key, ballot] of state.ballots) copy.ballots.set(key, ballot);
    copy.size = state.size;
    return copy;
  },

  again(state: RemoveWinsSetState, op: RemoveWinsSetOp): RemoveWinsSetOp | undefined {
    if (op.act === "forget") return rwSet.reset(state);
    return op.act === "include" ? rwSet.add(state, op.element) : rwSet.remove(state, op.element);
  },

  inverse(before, op) {
    if (op.act === "include") {
      if (rwSet.has(before, op.element)) return undefined;
      return (state, { author }) => {
        const ballot = ballotOf(state, valueKey(op.element));
        const back = hasVotesOfOthers(ballot, author) ? undefined : rwSet.remove(state, op.element);
        return back === undefined ? [] : [{ op: back }];
      };
    }
    const were = op.act === "exclude" ? [op.element] : rwSet.value(before);
    return (state, { author }) =>
      were
        .filter((element) => !rwSet.has(state, element))
        .map((element) => {
          const replaces = dotsBy(author, votes(ballotOf(state, valueKey(element))));
          return { op: { act: "include", element, replaces } };
        });
  },

  mentions(op: RemoveWinsSetOp, visit: (author: Author, counter: number) => void): void {
    for (const dot of op.act === "forget" ? op.upTo : op.replaces) visit(dot.author, dot.counter);
  },

  writeOp(out: ByteWriter, op: RemoveWinsSetOp, authors: AuthorTable): void {
    out.byte(OPCODE[op.act]);
    if (op.act !== "forget") writeValue(out, op.element);
    authors.writeDots(out, op.act === "forget" ? op.upTo : op.replaces);
  },

  readOp(input: ByteReader, authors: AuthorTable): RemoveWinsSetOp | undefined {
    const at = input.offset;
    const opcode = input.byte();
    if (opcode === OPCODE.forget) return { act: "forget", upTo: authors.readUpToEnd(input) };
    if (opcode !== OPCODE.include && opcode !== OPCODE.exclude) return undefined;
    const element = readValue(input);
    const replaces = authors.readDotsToEnd(input);
    if (opcode === OPCODE.include) return { act: "include", element, replaces };
    if (replaces.length === 0) input.fail("a removal of nothing", at);
    return { act: "exclude", element, replaces };
  },

  writeState(out: ByteWriter, state: RemoveWinsSetState, authors: AuthorTable): void {
    out.uint(state.ballots.size);
    for (const key of sortedKeys(state)) {
      out.raw(bytesOfKey(key));
      writeBallot(out, ballotOf(state, key), authors);
    }
  },

  readState(input: ByteReader, authors: AuthorTable): RemoveWinsSetState {
    const state = new RemoveWinsSetState();
    let before: string | undefined;
    for (let left = input.count(Number.MAX_SAFE_INTEGER, 5); left > 0; left--) {
      const at = input.offset;
      const key = valueKey(readValue(input));
      if (before !== undefined && key <= before) input.fail("elements out of order", at);
      const ballot = readBallot(input, authors);
      if (!hasVotes(ballot)) input.fail("an element without votes", at);
      put(state, key, ballot);
      before = key;
    }
    return state;
  },

  view: (source) => new LiveRemoveWinsSet(source),
  edit: (site) => new RemoveWinsSetEditor(site),
};

know(rwSet);

// On the wire for ever.
const OPCODE = { include: 1, exclude: 2, forget: 3 } as const;

function ballotOf(state: RemoveWinsSetState, key: string): Ballot {
  return state.ballots.get(key) ?? NO_VOTES;
}

function put(state: RemoveWinsSetState, key: string, ballot: Ballot, undo?: Undo): void {
  const before = ballotOf(state, key);
  keep(state, key, ballot);
  undo?.push(() => keep(state, key, before));
}

function keep(state: RemoveWinsSetState, key: string, ballot: Ballot): void {
  state.size += Number(isCarried(ballot)) - Number(isCarried(ballotOf(state, key)));
  if (hasVotes(ballot)) state.ballots.set(key, ballot);
  else state.ballots.delete(key);
}

/** Keys have one character per byte, so JavaScript's order of strings is the order of bytes. */
function sortedKeys(state: RemoveWinsSetState): string[] {
  return [...state.ballots.keys()].sort();
}

class LiveRemoveWinsSet implements SetView {
  readonly #source: Source<RemoveWinsSetState>;

  constructor(source: Source<RemoveWinsSetState>) {
    this.#source = source;
  }

  has(element: Value): boolean {
    return rwSet.has(this.#source(), element);
  }

  get size(): number {
    return this.#source().size;
  }

  get values(): readonly Value[] {
    return rwSet.value(this.#source());
  }
}

class RemoveWinsSetEditor extends LiveRemoveWinsSet implements SetDraft {
  readonly #site: Site<RemoveWinsSetState, RemoveWinsSetOp>;

  constructor(site: Site<RemoveWinsSetState, RemoveWinsSetOp>) {
    super(site.state);
    this.#site = site;
  }

  add(element: Value): void {
    this.#site.record((state) => rwSet.add(state, this.#site.own(element)));
  }

  remove(element: Value): void {
    this.#site.record((state) => rwSet.remove(state, this.#site.own(element)));
  }

  /** One op for each element, so that each removal can win for itself. */
  clear(): void {
    for (const element of this.values) this.remove(element);
  }
}
