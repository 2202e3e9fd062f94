/** The laws that every type obeys, alone: ops and states between replicas, at random and exhaustively. */
import { orSet, pnCounter, Replica } from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Act, CASES, type Deed, type TypeCase } from "./cases.js";
import { subjectOf } from "./subjects.js";
import { expectBytes, expectEqual, unwrap } from "./world.js";

type Event =
  | { readonly do: "act"; readonly at: number; readonly act: Act; readonly stamp: number }
  /** Every op that is ready there, beginning with one that is picked, and those that are there already. */
  | { readonly do: "ops"; readonly to: number; readonly from: number; readonly pick: number }
  | { readonly do: "state"; readonly to: number; readonly from: number };

/** Plays events on fresh replicas; after each one, the replica concerned must show what the oracle says. */
function play(each: TypeCase, size: number, events: readonly Event[]): void {
  const subjects = Array.from({ length: size }, (_, i) => subjectOf(each, i + 1));
  const held = subjects.map(() => new Map<string, { deed: Deed; ops: readonly Uint8Array[] }>());
  const counters = subjects.map(() => 0);

  const check = (at: number): void => {
    const shown = each.oracle([...held[at]!.values()].map(({ deed }) => deed));
    expectEqual(subjects[at]!.read(), shown === undefined ? each.nothing : shown);
  };
  const deliver = (to: number, from: number, pick: number): void => {
    const all = [...held[from]!];
    for (const [id, made] of [...all.slice(pick % (all.length || 1)), ...all]) {
      const ready = [...held[from]!].every(
        ([other, { deed }]) => !made.deed.saw(deed) || held[to]!.has(other),
      );
      const duplicate = held[to]!.has(id);
      // Causal delivery is the caller's duty: a replica notices most of what is early, not all.
      if (!ready && !duplicate) continue;
      // An act is a transaction: one that makes several ops is told of when all of them are there.
      for (const op of made.ops) expectEqual(subjects[to]!.apply(op), duplicate ? "duplicate" : "applied");
      if (duplicate) continue;
      held[to]!.set(id, made);
      check(to);
    }
  };

  for (const event of events) {
    if (event.do === "act") {
      const at = event.at % size;
      const ops = subjects[at]!.perform(event.act, event.stamp);
      if (ops.length === 0) continue;
      const seen = new Set(held[at]!.keys());
      const counter = counters[at]! + 1;
      counters[at]! += ops.length;
      const saw = (other: Deed): boolean => seen.has(`${other.author}:${other.counter}`);
      const deed = { act: event.act, author: at + 1, counter, stamp: event.stamp, saw };
      held[at]!.set(`${at + 1}:${counter}`, { deed, ops });
      check(at);
    } else if (event.do === "ops") {
      deliver(event.to % size, event.from % size, event.pick);
    } else {
      const [to, from] = [event.to % size, event.from % size];
      subjects[to]!.merge(subjects[from]!.state());
      for (const [id, made] of held[from]!) held[to]!.set(id, made);
      check(to);
    }
  }
  // In the end half of them by ops and half by states: all the same, to the byte.
  for (let from = 0; from < size; from++) for (let to = 0; to < size; to++) deliver(to, from, 0);
  for (let to = 0; to < size; to++) deliver(to, size - 1, 0);
  const joined = subjectOf(each, size + 1);
  for (const subject of subjects) joined.merge(subject.state());
  for (const subject of subjects) expectBytes(subject.state(), joined.state());
}

describe.each(CASES)("$kind", (each) => {
  test("random histories of ops and states", () => {
    const at = fc.nat({ max: 3 });
    const acts = fc.constantFrom(
      ...each.alphabet,
      ...each.more.filter(({ kind, act }) => !kind.startsWith("remove-") || act !== "clear"),
    );
    const event: fc.Arbitrary<Event> = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant("act"), at, act: acts, stamp: fc.nat({ max: 3 }) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("ops"), to: at, from: at, pick: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("state"), to: at, from: at }) },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 4 }),
        fc.array(event, { minLength: 1, maxLength: 20, size: "max" }),
        (size, events) => play(each, size, events),
      ),
      { numRuns: 200 },
    );
  });

  test("every history of four to six events on two replicas", () => {
    const events: Event[] = [0, 1].flatMap((at) => [
      ...each.alphabet.map((act): Event => ({ do: "act", at, act, stamp: at })),
      { do: "ops", to: at, from: 1 - at, pick: 0 },
    ]);
    const histories = (length: number): Event[][] =>
      length === 0
        ? [[]]
        : histories(length - 1).flatMap((history) => events.map((event) => [...history, event]));
    for (const history of histories([6, 6, 5, 4, 4][each.alphabet.length]!)) play(each, 2, history);
  });
});

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
