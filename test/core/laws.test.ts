/** The laws that every type obeys, alone: ops and states between replicas, at random and exhaustively. */
import { KINDS, orSet, pnCounter, Replica } from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CASES, type TypeCase } from "./cases.js";
import { LAWS, QUICK } from "./laws.js";
import { type Event, histories, record } from "./record.js";
import { draws, SHARE } from "./share.js";
import { Refused, type Subject, subjectOf } from "./subjects.js";
import { expectBytes, unwrap, withChecksum } from "./world.js";

describe.each(CASES)("$kind", (each) => {
  const make = (author: number): Subject => subjectOf(each, author);

  test("random histories obey every law", () => {
    const all = fc.property(histories(each), ([size, events]) => {
      const what = record(each, make, size, events);
      for (const law of Object.values(LAWS)) law.check(what);
    });
    fc.assert(all, { numRuns: draws(100) });
  });

  test("every history of four to six events on two replicas", () => {
    const events: Event[] = [0, 1].flatMap((at) => [
      ...each.alphabet.map((act): Event => ({ do: "act", at, act, stamp: at })),
      { do: "ops", to: at, from: 1 - at, pick: 0 },
    ]);
    const all = (length: number): Event[][] =>
      length === 0 ? [[]] : all(length - 1).flatMap((history) => events.map((event) => [...history, event]));
    const length = [6, 6, 5, 4, 4][each.alphabet.length]!;
    for (const history of all(SHARE < 1 ? length - 2 : length)) {
      const what = record(each, make, 2, history);
      for (const law of QUICK) law.check(what);
    }
  });
});

/** A short run as a rule; `SYNCLINE_FUZZ=1000000` makes a long one. */
const FUZZ_RUNS = Number(process.env.SYNCLINE_FUZZ ?? 2000);

test("random bytes behind the beginning of an op or a state of any type are a fault, or what is written of it", {
  timeout: 60_000 + FUZZ_RUNS * 10,
}, () => {
  const random = fc.tuple(fc.constantFrom(...CASES), fc.nat({ max: 2 }), fc.uint8Array({ maxLength: 40 }));
  const holds = fc.property(random, ([each, seen, bytes]) => {
    const kind = KINDS[each.kind];
    const context = [[0], [1, 1, 5], [2, 1, 3, 2, 4]][seen]!;
    const subject = subjectOf(each, 3);
    const before = subject.state();
    const state = withChecksum(Uint8Array.of(before[0]!, kind, ...context, ...bytes));
    if (isTaken(() => subject.merge(state))) expectBytes(subject.state(), state);
    else expectBytes(subject.state(), before);
    const [version] = subjectOf(each, 3).perform(each.alphabet[0]!, 0)[0] ?? [0];
    // By author 4, who has made nothing yet, under stamp 0; what it observed, and where it goes, is random.
    const op = withChecksum(Uint8Array.of(version!, kind, 4, 1, 0, ...bytes));
    if (!isTaken(() => void subjectOf(each, 3).apply(op))) return;
    const other = subjectOf(each, 3);
    other.apply(op);
    expectBytes(afterReload(each, other).state(), other.state());
  });
  fc.assert(holds, { numRuns: FUZZ_RUNS });
});

function isTaken(attempt: () => void): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

function afterReload(each: TypeCase, { state }: Subject): Subject {
  const subject = subjectOf(each, 6);
  subject.merge(state());
  return subject;
}

test("an op before one that it replaces, or before its author's last, is early and changes nothing", () => {
  const one = new Replica(orSet, 1);
  const two = new Replica(orSet, 2);
  const three = new Replica(orSet, 3);
  const add = one.edit(0, (set) => set.add("x"))[0]!;
  const again = one.edit(0, (set) => set.add("y"))[0]!;
  unwrap(two.apply(add));
  const remove = two.edit(0, (set) => set.remove("x"))[0]!;
  expect(unwrap(three.apply(again))).toBe("early");
  expect(unwrap(three.apply(remove))).toBe("early");
  expectBytes(three.state(), new Replica(orSet, 3).state());
  expect(unwrap(three.apply(add))).toBe("applied");
  expect(unwrap(three.apply(remove))).toBe("applied");
  expect(three.value).toEqual([]);
});

test("bytes of another type, of a later version or with a flipped bit are faults and change nothing", () => {
  const counter = new Replica(pnCounter, 1);
  const op = counter.edit(0, (sum) => sum.increment())[0]!;
  const set = new Replica(orSet, 2);
  expect(set.apply(op).ok).toBe(false);
  expect(set.merge(counter.state()).ok).toBe(false);
  const other = new Replica(pnCounter, 2);
  const before = other.state();
  for (const bytes of [op, counter.state()]) {
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(other.apply(flipped).ok).toBe(false);
      expect(other.merge(flipped).ok).toBe(false);
    }
  }
  expectBytes(other.state(), before);
});
