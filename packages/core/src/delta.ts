/**
 * Deltas: what has changed in a state since a version, as a small state of its own.
 *
 * `deltaSince` makes one from a state and what somebody says he has; `mergeDelta` joins one into a replica that has at least
 * that, and gives the same as merging the whole state would. A delta may come twice, and late, and after others that
 * cover the same; one that begins after what is here is *early*: nothing is changed, and whoever sent it is asked for
 * one since what is here (or it is kept and tried again when the one before has come).
 *
 * What it has of removals is which entries are left of before, as ranges of dots: states keep nothing of what is gone. So it
 * takes bytes for what is new, and a few for each gap in what is left. Making and merging one are O(size of the state);
 * to tell others of single changes as they are made, ops are cheaper.
 */
import { AuthorTable, readEntries, writeEntries } from "./author-table.js";
import { type ByteReader, ByteWriter } from "./bytes.js";
import { type Dots, hasSeen, type Seen } from "./dots.js";
import { InvalidValue } from "./errors.js";
import type { Arrival, StateForm } from "./forms.js";
import type { Dot } from "./ids.js";
import { Left } from "./left.js";
import { CORE_LIMITS } from "./limits.js";
import { cellOf, type News, newsOf, readNews, writeNews } from "./news.js";
import { Replica, type ReplicaParts, STATE_VERSION } from "./replica.js";
import { attempt, type Result } from "./result.js";
import { openSealed, sealed } from "./sealed.js";
import { writeCell } from "./state-writing.js";
import { typeOf } from "./types.js";

/** What somebody has: of each author the greatest counter. Ascending by author. */
export type Version = Dots;

/** What a replica has. O(authors), and O(size) for other implementations of `StateForm`. */
export function versionOf(replica: StateForm): Version {
  return open(replica).seen;
}

/**
 * What has changed in a replica since a version, which may be anybody's: what it has that is not here does not matter.
 * Throws `InvalidValue` for what is no version. O(size).
 */
export function deltaSince(replica: StateForm, version: Iterable<Dot>): Uint8Array {
  const { kind, seen, cell } = open(replica);
  const from = fromVersion(seen, version);
  const since = new Map(from.map(({ author, counter }) => [author, counter]));
  const left: Dot[] = [];
  const isNew = (dot: Dot): boolean => !hasSeen(since, dot);
  const news = newsOf(cell, kind, { isNew, left: (dot) => left.push(dot), isWhole: false });
  const out = new ByteWriter();
  out.byte(DELTA_VERSION);
  out.uint(kind);
  writeInterval(out, seen, from);
  Left.of(left).write(out, seen);
  if (news !== undefined) writeNews(out, news, new AuthorTable(seen));
  return sealed(out);
}

/**
 * Joins a delta. Bad bytes, and one that cannot be of this replica, are a fault. `early`, and nothing is changed, if
 * something from before it is missing here; `duplicate` if all of it is here. O(size).
 */
export function mergeDelta(replica: StateForm, delta: Uint8Array): Result<Arrival> {
  const mine = open(replica);
  const read = attempt(() => {
    const input = openSealed(delta, CORE_LIMITS.stateBytesMax);
    const version = input.byte();
    if (version !== DELTA_VERSION) input.fail(`delta format ${version}, known is ${DELTA_VERSION}`, 0);
    if (input.uint() !== mine.kind) input.fail("another type", 1);
    const { seen, from } = readInterval(input);
    const left = Left.read(input, seen);
    const news = input.remaining > 0 ? readNews(input, mine.kind, new AuthorTable(seen), 1) : undefined;
    input.end();
    const arrival = arrivalOf(mine.seen, seen, from);
    return arrival === "applied" ? theirsOf(mine, seen, news, left) : arrival;
  });
  if (!read.ok || typeof read.value === "string") return read as Result<Arrival>;
  const merged = replica.merge(read.value);
  return merged.ok ? { ok: true, value: "applied" } : merged;
}

/** How a delta from one version to another comes to whoever has seen `mine`. */
export function arrivalOf(mine: Dots, seen: Dots, from: Dots): Arrival {
  const have = seenOf(mine);
  if (!from.every((dot) => hasSeen(have, dot))) return "early";
  return seen.every((dot) => hasSeen(have, dot)) ? "duplicate" : "applied";
}

/** What a version has of what was seen. Throws `InvalidValue` for what is no version. */
export function fromVersion(seen: Dots, version: Iterable<Dot>): Dots {
  const have = new Map<number, number>();
  for (const { author, counter } of version) {
    if (!Number.isSafeInteger(author) || !Number.isSafeInteger(counter) || author < 1 || counter < 0)
      throw new InvalidValue(`no version: ${counter} of ${author}`);
    have.set(author, counter);
  }
  return seen
    .map(({ author, counter }) => ({ author, counter: Math.min(counter, have.get(author) ?? 0) }))
    .filter(({ counter }) => counter > 0);
}

/** What was seen, and of each author how much of it is since the beginning. */
export function writeInterval(out: ByteWriter, seen: Dots, from: Dots): void {
  const begin = seenOf(from);
  writeEntries(out, seen);
  for (const { author, counter } of seen) out.uint(counter - (begin.get(author) ?? 0));
}

export function readInterval(input: ByteReader): { readonly seen: Dots; readonly from: Dots } {
  const seen = readEntries(input, Number.MAX_SAFE_INTEGER);
  const from = seen.map(({ author, counter }) => ({ author, counter: counter - input.uint(counter) }));
  return { seen, from: from.filter(({ counter }) => counter > 0) };
}

export function seenOf(dots: Dots): Seen {
  return new Map(dots.map(({ author, counter }) => [author, counter]));
}

// On disks and wires of those who use deltas, for ever.
const DELTA_VERSION = 4;

/** To be looked at while nobody changes it: a replica's own parts, or those of a copy made of its bytes. */
function open(replica: StateForm): ReplicaParts {
  return Replica.partsOf(replica) ?? openState(replica.state());
}

/** A replica's own state is what it says it is. */
function openState(state: Uint8Array): ReplicaParts {
  const opened = attempt(() => {
    const input = openSealed(state, CORE_LIMITS.stateBytesMax);
    if (input.byte() !== STATE_VERSION) input.fail("a format of a later version", 0);
    const kind = input.uint();
    const seen = readEntries(input, Number.MAX_SAFE_INTEGER);
    const type = typeOf(kind) ?? input.fail(`kind ${kind} is not known`);
    const cell = input.remaining === 0 ? type.empty() : type.readState(input, new AuthorTable(seen), 1);
    input.end();
    return { kind, seen, cell };
  });
  if (!opened.ok) throw new InvalidValue(`this is no replica's state: ${opened.fault.reason}`);
  return opened.value;
}

/** The state of the replica that made a delta, as far as it makes a difference here. */
function theirsOf(mine: ReplicaParts, seen: Dots, news: News | undefined, left: Left): Uint8Array {
  const cell = cellOf(mine.cell, mine.kind, news, (dot) => left.has(dot), seenOf(seen));
  const out = new ByteWriter();
  out.byte(STATE_VERSION);
  out.uint(mine.kind);
  writeEntries(out, seen);
  if (cell !== undefined) writeCell(out, cell, new AuthorTable(seen));
  return sealed(out);
}
