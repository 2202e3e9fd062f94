/**
 * The laws that every type obeys, each by its name: what must be true of any record of what happened (`record.ts`).
 *
 * What only wrong bytes or wrong replicas could do is looked at as well: each law is broken by three variants in
 * `wrong.ts`, and would be a law in name only if it did not notice them.
 */
import { isDeepStrictEqual } from "node:util";
import { type Dot, openSealed } from "@syncline/core";
import { isWithin, type Made, type Recording, type Sight } from "./record.js";
import { Refused, type Subject } from "./subjects.js";
import { withChecksum } from "./world.js";

export interface Law {
  readonly name: string;
  /** Throws `LawBroken` if the record breaks it. */
  readonly check: (record: Recording) => void;
}

/** What a law found, and which law. Anything else that is thrown is no finding. */
export class LawBroken extends Error {
  readonly law: string;

  constructor(law: string, finding: string) {
    super(`${law}: ${finding}`);
    this.law = law;
  }
}

/** Says what is wrong. */
type Report = (finding: string) => never;

/** Not the author of any act. */
const NOBODY = 9;

export const LAWS = {
  commutative: law("joining is commutative", (record, wrong) => {
    for (const [a, b] of pairs(record.apart)) same(joined(record, a, b), joined(record, b, a), wrong);
  }),

  associative: law("joining is associative", (record, wrong) => {
    const { apart } = record;
    for (const i of apart.keys()) {
      const next = apart[(i + 1) % apart.length]!;
      for (const [a, b, c] of [
        [apart[i]!, next, apart[(i + 2) % apart.length]!],
        [apart[i]!, apart[i]!, next],
      ] as const) {
        const left = joined(record, { bytes: joined(record, a, b) }, c);
        same(left, joined(record, a, { bytes: joined(record, b, c) }), wrong);
      }
    }
  }),

  idempotent: law("joining twice is joining once", (record, wrong) => {
    for (const each of record.apart) same(joined(record, each, each), joined(record, each), wrong);
  }),

  identity: law(
    "joining nothing changes nothing, and nothing joined with a state is that state",
    (record, wrong) => {
      const nothing = { bytes: record.make(NOBODY).state() };
      same(joined(record, nothing), nothing.bytes, wrong);
      for (const each of record.apart) {
        same(joined(record, each), each.bytes, wrong);
        same(joined(record, nothing, each), each.bytes, wrong);
        same(joined(record, each, nothing), each.bytes, wrong);
      }
    },
  ),

  inflation: law(
    "what somebody does goes on from what was: the state before adds nothing to the one after",
    (record, wrong) => {
      for (const { before, after } of record.doings) same(joined(record, after, before), after.bytes, wrong);
    },
  ),

  bound: law("a join holds both: either one adds nothing to it", (record, wrong) => {
    for (const { before, after, other } of record.joinings) {
      same(joined(record, after, before), after.bytes, wrong);
      same(joined(record, after, other), after.bytes, wrong);
    }
  }),

  context: law("what has been seen never gets less, and is what was heard", (record, wrong) => {
    for (const { before, after, made } of record.doings) {
      equal(contextOf(after), plusOps(contextOf(before), made), wrong);
    }
    for (const { before, after, made } of record.hearings) {
      const was = contextOf(before);
      equal(contextOf(after), before.held.has(made) ? was : plusOps(was, made), wrong);
    }
    for (const { before, after, other } of record.joinings) {
      equal(contextOf(after), greater(contextOf(before), contextOf(other)), wrong);
    }
  }),

  dots: law("no two ops have the same dot, and an author's have the numbers 1, 2, 3 …", (record, wrong) => {
    const last = new Map<number, number>();
    for (const { deed, ops } of record.made) {
      for (const op of ops) {
        const { author, counter } = headOf(op);
        equal({ author, counter }, { author: deed.author, counter: (last.get(author) ?? 0) + 1 }, wrong);
        last.set(author, counter);
      }
    }
  }),

  seen: law("what stands in a state has been seen: every state can be written and read", (record, wrong) => {
    if (record.failure !== undefined) wrong(`it went no further: ${record.failure}`);
    for (const each of sightsOf(record)) {
      try {
        joined(record, each);
      } catch (error) {
        wrong(`a state was refused: ${error}`);
      }
    }
  }),

  observed: law("an op names only what its maker had seen", (record, wrong) => {
    for (const { before, made } of record.doings) {
      const context = new Map(contextOf(before));
      for (const op of made.ops) {
        for (const { author, counter } of headOf(op).observed) {
          if ((context.get(author) ?? 0) < counter) wrong(`op ${counter} of author ${author} was not seen`);
        }
      }
    }
  }),

  forms: law(
    "an op does elsewhere what it did here, and what joining its maker's state does",
    (record, wrong) => {
      const makers = new Map<Made, Sight>();
      for (const { before, after, made } of record.doings) {
        makers.set(made, after);
        const other = holder(record, before);
        for (const op of made.ops) other.apply(op);
        same(other.state(), after.bytes, wrong);
      }
      for (const { before, after, made } of record.hearings) {
        if (!before.held.has(made)) same(after.bytes, joined(record, before, makers.get(made)!), wrong);
      }
      if (record.settled[0]) same(joined(record, ...record.apart), record.settled[0].bytes, wrong);
    },
  ),

  commuting: law(
    "ops that have not seen each other commute: every causal order leads to the same bytes",
    (record, wrong) => {
      const { made } = record;
      const inOrder = played(record, made);
      same(
        played(
          record,
          causally(made, (a, b) => a.deed.author - b.deed.author),
        ),
        inOrder,
        wrong,
      );
      same(
        played(
          record,
          causally(made, (a, b) => b.deed.author - a.deed.author),
        ),
        inOrder,
        wrong,
      );
      same(
        played(
          record,
          causally([...made].reverse(), () => 0),
        ),
        inOrder,
        wrong,
      );
    },
  ),

  twice: law("an op that comes twice is told to be a duplicate, and changes nothing", (record, wrong) => {
    for (const { before, after, made, arrivals } of record.hearings) {
      if (!before.held.has(made)) continue;
      for (const arrival of arrivals) equal(arrival, "duplicate", wrong);
      same(after.bytes, before.bytes, wrong);
    }
  }),

  early: law("an op before its author's last is told to be early, and changes nothing", (record, wrong) => {
    for (const { made } of record.doings) {
      const { author } = made.deed;
      if (!isOf(author, made.seen)) continue;
      // Somebody who has heard of all that does not need the author.
      const others = record.made.filter(({ deed, seen }) => deed.author !== author && !isOf(author, seen));
      const subject = record.make(NOBODY);
      for (const { ops } of others) for (const op of ops) subject.apply(op);
      const was = subject.state();
      equal(subject.apply(made.ops[0]!), "early", wrong);
      same(subject.state(), was, wrong);
    }
  }),

  gone: law(
    "nothing that is gone comes back: an older state adds nothing to a newer one",
    (record, wrong) => {
      const [everything] = record.settled;
      if (everything === undefined) return;
      for (const older of sightsOf(record)) {
        same(joined(record, everything, older), everything.bytes, wrong);
        same(joined(record, older, everything), everything.bytes, wrong);
        equal(holder(record, older, everything).read(), everything.shown, wrong);
      }
    },
  ),

  own: law("one sees at once what one has done", (record, wrong) => {
    for (const { after } of record.doings) equal(after.shown, wanted(record, after), wrong);
  }),

  shown: law("everybody shows what was done, as far as he has heard of it", (record, wrong) => {
    for (const { after } of record.hearings) equal(after.shown, wanted(record, after), wrong);
    for (const { after } of record.joinings) equal(after.shown, wanted(record, after), wrong);
  }),

  stored: law("a state comes back from its bytes as it was", (record, wrong) => {
    for (const each of sightsOf(record)) {
      const back = holder(record, each);
      same(back.state(), each.bytes, wrong);
      equal(back.read(), each.shown, wrong);
    }
  }),

  convergence: law("who has heard of the same has the same bytes, whichever way it came", (record, wrong) => {
    const known = new Map<string, Uint8Array>();
    const names = new Map(record.made.map((made, i) => [made, i]));
    for (const { held, bytes } of sightsOf(record)) {
      const name = [...held]
        .map((made) => names.get(made)!)
        .sort((a, b) => a - b)
        .join();
      const other = known.get(name);
      if (other === undefined) known.set(name, bytes);
      else same(bytes, other, wrong);
    }
  }),

  encoding: law(
    "there is one encoding: bytes that are read as a state are what is written of it",
    (record, wrong) => {
      for (const { bytes } of record.settled.slice(0, 1)) {
        const body = bytes.subarray(0, -4);
        for (let i = 0; i < body.length; i++) {
          for (const altered of [
            changed(body, i, 1),
            swapped(body, i, 1),
            swapped(body, i, 2),
            doubled(body, i),
          ]) {
            const other = withChecksum(altered);
            const subject = record.make(NOBODY);
            if (answerTo(() => subject.merge(other)) === "taken") same(subject.state(), other, wrong);
          }
        }
      }
    },
  ),

  refused: law(
    "bytes with a flipped bit or an end missing are a fault, and change nothing",
    (record, wrong) => {
      const [sight] = record.settled;
      if (sight === undefined) return;
      const subject = holder(record, record.apart[0]!);
      const was = subject.state();
      const ops = record.made.slice(0, 2).flatMap((made) => made.ops.slice(0, 1));
      const tries = [
        ...variantsOf(sight.bytes).map((bytes) => () => subject.merge(bytes)),
        ...ops.flatMap(variantsOf).map((bytes) => () => void subject.apply(bytes)),
      ];
      for (const attempt of tries) {
        const answer = answerTo(attempt);
        if (answer !== "refused") wrong(answer);
      }
      same(subject.state(), was, wrong);
    },
  ),

  delta: law(
    "a delta since what somebody has, or had at some time, does what joining its maker's state does",
    (record, wrong) => {
      const check = (maker: Sight, taker: Sight, version: Context): void => {
        const subject = holder(record, taker);
        const arrival = subject.take(holder(record, maker).delta(dotsOf(version)));
        const isNew = !isCovered(contextOf(maker), contextOf(taker));
        equal(arrival, isNew ? "applied" : "duplicate", wrong);
        same(subject.state(), joined(record, taker, maker), wrong);
      };
      for (const { before, after } of record.doings) check(after, before, contextOf(before));
      for (const { before, other } of record.joinings) check(other, before, contextOf(before));
      for (const [a, b] of pairs(record.apart)) {
        check(a, b, lesser(contextOf(a), contextOf(b)));
        check(b, a, contextOf(a));
        check(b, a, []);
      }
    },
  ),

  late: law(
    "a delta of what is here, however late it comes, is told to be a duplicate, and changes nothing",
    (record, wrong) => {
      const [everything] = record.settled;
      if (everything === undefined) return;
      const subject = holder(record, everything);
      for (const { before, after } of record.doings) {
        const delta = holder(record, after).delta(dotsOf(contextOf(before)));
        for (let time = 0; time < 2; time++) {
          equal(subject.take(delta), "duplicate", wrong);
          same(subject.state(), everything.bytes, wrong);
        }
      }
    },
  ),

  gap: law(
    "a delta that begins after what is here is told to be early, and changes nothing",
    (record, wrong) => {
      for (const { before, after } of record.doings) {
        const since = contextOf(before);
        const delta = holder(record, after).delta(dotsOf(since));
        for (const each of [{ bytes: record.make(NOBODY).state() }, ...record.apart]) {
          if (isCovered(since, contextOf(each))) continue;
          const subject = holder(record, each);
          equal(subject.take(delta), "early", wrong);
          same(subject.state(), each.bytes, wrong);
        }
      }
    },
  ),

  undone: law(
    "an edit that fails changes nothing, neither what is shown nor what comes next",
    (record, wrong) => {
      record.apart.forEach((each, i) => {
        for (const act of record.each.alphabet) {
          const [failed, other] = [record.make(i + 1), record.make(i + 1)];
          failed.merge(each.bytes);
          other.merge(each.bytes);
          failed.fail([...record.each.alphabet, act, act], 9);
          equal(failed.read(), each.shown, wrong);
          same(failed.state(), each.bytes, wrong);
          const [made, wanted] = [failed.perform(act, 9), other.perform(act, 9)];
          equal(made.length, wanted.length, wrong);
          for (const [j, op] of made.entries()) same(op, wanted[j]!, wrong);
        }
      });
    },
  ),
} as const;

/** Those that ask little of many records. */
export const QUICK: readonly Law[] = [LAWS.seen, LAWS.own, LAWS.shown, LAWS.convergence];

function law(name: string, check: (record: Recording, wrong: Report) => void): Law {
  const wrong: Report = (finding) => {
    throw new LawBroken(name, finding);
  };
  return { name, check: (record) => check(record, wrong) };
}

function same(actual: Uint8Array, wanted: Uint8Array, wrong: Report): void {
  if (Buffer.compare(actual, wanted) !== 0) wrong(`${hex(actual)} is not ${hex(wanted)}`);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function equal(actual: unknown, wanted: unknown, wrong: Report): void {
  if (!isDeepStrictEqual(actual, wanted)) wrong(`${JSON.stringify(actual)} is not ${JSON.stringify(wanted)}`);
}

type Bytes = Pick<Sight, "bytes">;

/** Somebody who has done nothing, and joins these. */
function holder(record: Recording, ...sights: readonly Bytes[]): Subject {
  const subject = record.make(NOBODY);
  for (const { bytes } of sights) subject.merge(bytes);
  return subject;
}

function joined(record: Recording, ...sights: readonly Bytes[]): Uint8Array {
  return holder(record, ...sights).state();
}

function played(record: Recording, order: readonly Made[]): Uint8Array {
  const subject = record.make(NOBODY);
  for (const { ops } of order) for (const op of ops) subject.apply(op);
  return subject.state();
}

/** An order in which each act comes after what it had seen, of those that are ready the first one always. */
function causally(made: readonly Made[], by: (a: Made, b: Made) => number): Made[] {
  const waiting = [...made].sort(by);
  const done = new Set<Made>();
  while (waiting.length > 0) {
    const at = waiting.findIndex(({ seen }) => isWithin(seen, done));
    for (const each of waiting.splice(at, 1)) done.add(each);
  }
  return [...done];
}

function pairs(sights: readonly Sight[]): [Sight, Sight][] {
  return sights.flatMap((a, i) => sights.slice(i + 1).map((b): [Sight, Sight] => [a, b]));
}

function sightsOf({ doings, hearings, joinings, apart }: Recording): readonly Sight[] {
  return [...apart, ...[...doings, ...hearings, ...joinings].map(({ after }) => after)];
}

function wanted({ each }: Recording, { held }: Sight): unknown {
  const shown = each.oracle([...held].map(({ deed }) => deed));
  return shown === undefined ? each.nothing : shown;
}

function isOf(author: number, acts: ReadonlySet<Made>): boolean {
  return [...acts].some(({ deed }) => deed.author === author);
}

const dotsOf = (context: Context): Dot[] => context.map(([author, counter]) => ({ author, counter }));

function isCovered(part: Context, whole: Context): boolean {
  const of = new Map(whole);
  return part.every(([author, counter]) => (of.get(author) ?? 0) >= counter);
}

function lesser(a: Context, b: Context): Context {
  const of = new Map(b);
  const both = a.map(([author, counter]) => [author, Math.min(counter, of.get(author) ?? 0)] as const);
  return both.filter(([, counter]) => counter > 0);
}

type Context = readonly (readonly [author: number, counter: number])[];

/** What a state says that its holder has seen: after its version and its kind. */
export function contextOf({ bytes }: Bytes): Context {
  const input = openSealed(bytes, Number.MAX_SAFE_INTEGER);
  input.byte();
  input.uint();
  return readEntries(input);
}

function readEntries(input: ReturnType<typeof openSealed>): Context {
  return Array.from({ length: input.uint() }, () => [input.uint(), input.uint()] as const);
}

/** Of an op: who made it as which of his, and of whom it speaks, after its version and its kind. */
export function headOf(op: Uint8Array) {
  const input = openSealed(op, Number.MAX_SAFE_INTEGER);
  input.byte();
  input.uint();
  const author = input.uint();
  const counter = input.uint();
  input.uint();
  const observed = readEntries(input).map(([author, counter]) => ({ author, counter }));
  return { author, counter, observed };
}

function plusOps(context: Context, { deed, ops }: Made): Context {
  const of = new Map(context);
  of.set(deed.author, (of.get(deed.author) ?? 0) + ops.length);
  return [...of].sort(([a], [b]) => a - b);
}

function greater(a: Context, b: Context): Context {
  const of = new Map(a);
  for (const [author, counter] of b) of.set(author, Math.max(counter, of.get(author) ?? 0));
  return [...of].sort(([a], [b]) => a - b);
}

/** Each byte once with another bit flipped, and cut at each place. */
function variantsOf(bytes: Uint8Array): Uint8Array[] {
  return [...bytes.keys()].flatMap((i) => [changed(bytes, i, 1 << (i & 7)), bytes.subarray(0, i)]);
}

function changed(bytes: Uint8Array, at: number, by: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ by : byte));
}

/** What stands beside each other, the other way round. */
function swapped(bytes: Uint8Array, at: number, width: number): Uint8Array {
  const [left, right] = [bytes.subarray(at, at + width), bytes.subarray(at + width, at + 2 * width)];
  return Uint8Array.of(...bytes.subarray(0, at), ...right, ...left, ...bytes.subarray(at + 2 * width));
}

function doubled(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.of(...bytes.subarray(0, at + 1), ...bytes.subarray(at));
}

function answerTo(attempt: () => void): string {
  try {
    attempt();
    return "taken";
  } catch (error) {
    return error instanceof Refused ? "refused" : `thrown: ${error}`;
  }
}
