/** Deltas: a state and what has changed since a version are the same as the two states, for all types. */
import { readFileSync } from "node:fs";
import {
  deltaSince,
  kwMap,
  lwwRegister,
  type MapDraft,
  mergeDelta,
  orMap,
  orSet,
  pnCounter,
  Replica,
  rwMap,
  type StateForm,
  textLog,
  type Version,
  versionOf,
} from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Act, CASES, type TypeCase } from "./cases.js";
import { draws, often } from "./share.js";
import { expectBytes, unwrap, withChecksum } from "./world.js";

interface Holder {
  readonly replica: StateForm;
  act(act: Act, stamp: number): void;
}

const holderOf = (each: TypeCase, author: number): Holder =>
  each.withType((type, perform) => {
    const replica = new Replica(type, author);
    return { replica, act: (act, stamp) => void replica.edit(stamp, (editor) => perform(editor, act)) };
  });

type Event =
  | { readonly do: "act"; readonly at: number; readonly act: Act; readonly stamp: number }
  /** Makes a delta since what one of them has, or had some time ago, for whoever takes it. */
  | {
      readonly do: "make";
      readonly from: number;
      readonly since: number;
      readonly ago: number;
      readonly to: number;
    }
  /** One of all that were ever made, once more or for the first time. */
  | { readonly do: "take"; readonly to: number; readonly pick: number }
  | { readonly do: "exchange"; readonly to: number; readonly from: number };

function play(each: TypeCase, events: readonly Event[], tally: Map<string, number>): void {
  const holders = [1, 2, 3].map((author) => holderOf(each, author));
  const had: Version[][] = holders.map(() => [[]]);
  const made: { readonly delta: Uint8Array; readonly whole: Uint8Array; readonly since: Version }[] = [];
  const make = (from: number, since: Version): (typeof made)[number] => {
    const { replica } = holders[from]!;
    const one = { delta: deltaSince(replica, since), whole: replica.state(), since };
    made.push(one);
    return one;
  };
  const take = (to: number, { delta, whole, since }: (typeof made)[number]): void => {
    const { replica } = holders[to]!;
    const before = replica.state();
    const joined = holderOf(each, 9).replica;
    for (const state of [before, whole]) unwrap(joined.merge(state));
    const arrival = unwrap(mergeDelta(replica, delta));
    tally.set(arrival, (tally.get(arrival) ?? 0) + 1);
    expectBytes(replica.state(), arrival === "early" ? before : joined.state());
    if (arrival === "duplicate") expectBytes(replica.state(), before);
    // Early is what lacks something: never what has all that the delta begins with.
    const have = new Map(versionOf(holders[to]!.replica).map(({ author, counter }) => [author, counter]));
    if (since.every(({ author, counter }) => (have.get(author) ?? 0) >= counter))
      expect(arrival).not.toBe("early");
    had[to]!.push(versionOf(replica));
  };
  for (const event of events) {
    if (event.do === "act") {
      holders[event.at]!.act(event.act, event.stamp);
      had[event.at]!.push(versionOf(holders[event.at]!.replica));
    } else if (event.do === "make") {
      const versions = had[event.since]!;
      take(event.to, make(event.from, versions[Math.max(0, versions.length - 1 - event.ago)]!));
    } else if (event.do === "take") {
      if (made.length > 0) take(event.to, made[event.pick % made.length]!);
    } else {
      take(event.to, make(event.from, versionOf(holders[event.to]!.replica)));
    }
  }
  for (const to of [1, 2, 0, 1, 2])
    for (const from of [0, 1, 2]) take(to, make(from, versionOf(holders[to]!.replica)));
  for (const { replica } of holders) expectBytes(replica.state(), holders[0]!.replica.state());
}

const at = fc.nat({ max: 2 });

describe.each(CASES)("$kind", (each) => {
  test("a state and a delta since what it has are the two states, whatever comes twice, late or too early", () => {
    const event: fc.Arbitrary<Event> = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant("act"),
          at,
          act: fc.oneof(fc.constantFrom(...each.alphabet), fc.constantFrom(...each.alphabet, ...each.more)),
          stamp: fc.nat({ max: 3 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant("make"),
          from: at,
          since: at,
          ago: fc.nat({ max: 2 }),
          to: at,
        }),
      },
      { weight: 5, arbitrary: fc.record({ do: fc.constant("take"), to: at, pick: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("exchange"), to: at, from: at }) },
    );
    const tally = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 24, size: "max" }), (events) =>
        play(each, events, tally),
      ),
      { numRuns: draws(100) },
    );
    for (const arrival of ["applied", "duplicate", "early"])
      expect(tally.get(arrival) ?? 0, arrival).toBeGreaterThan(often(1));
  });
});

interface Golden {
  readonly deltas: readonly {
    readonly kind: string;
    readonly before: string;
    readonly delta: string;
    readonly after: string;
  }[];
}

const { deltas: goldens } = JSON.parse(
  readFileSync(new URL("./golden-deltas/types.golden.json", import.meta.url), "utf8"),
) as Golden;

test.each(goldens)("a delta of a $kind is read for ever, means the same, and is written alike", (golden) => {
  const [before, delta, after] = [golden.before, golden.delta, golden.after].map((hex) =>
    Uint8Array.from(Buffer.from(hex, "hex")),
  ) as [Uint8Array, Uint8Array, Uint8Array];
  const each = CASES.find(({ kind }) => kind === golden.kind)!;
  const [taker, maker] = [holderOf(each, 1).replica, holderOf(each, 2).replica];
  unwrap(taker.merge(before));
  unwrap(maker.merge(after));
  expectBytes(deltaSince(maker, versionOf(taker)), delta);
  expect(unwrap(mergeDelta(taker, delta))).toBe("applied");
  expectBytes(taker.state(), after);
});

test("what was removed since is told by what was not, in a few bytes", () => {
  const [ann, bob] = [new Replica(orSet, 1), new Replica(orSet, 2)];
  ann.edit(1, (set) => {
    for (let i = 0; i < 1_000; i++) set.add(`element ${i}`);
  });
  unwrap(bob.merge(ann.state()));
  const version = versionOf(bob);
  ann.edit(2, (set) => {
    set.remove("element 500");
    set.add("one more");
  });
  const delta = deltaSince(ann, version);
  expect(delta.length).toBeLessThan(50);
  expect(unwrap(mergeDelta(bob, delta))).toBe("applied");
  expectBytes(bob.state(), ann.state());
  expect(unwrap(mergeDelta(bob, delta))).toBe("duplicate");
  expect(unwrap(mergeDelta(new Replica(orSet, 3), delta))).toBe("early");
});

test("text has the updates of those who have written since", () => {
  const [ann, bob] = [new Replica(textLog, 1), new Replica(textLog, 2)];
  ann.edit(1, (text) => text.bring(Uint8Array.of(1)));
  bob.edit(1, (text) => text.bring(Uint8Array.of(2)));
  unwrap(mergeDelta(bob, deltaSince(ann, versionOf(bob))));
  unwrap(mergeDelta(ann, deltaSince(bob, versionOf(ann))));
  expectBytes(ann.state(), bob.state());
});

test("what is no version is refused, and what others have that is not here does not matter", () => {
  const ann = new Replica(pnCounter, 1);
  ann.edit(1, (counter) => counter.increment());
  for (const wrong of [
    { author: 0, counter: 1 },
    { author: 1, counter: -1 },
    { author: 1, counter: 0.5 },
  ])
    expect(() => deltaSince(ann, [wrong])).toThrow(/no version/);
  const delta = deltaSince(ann, [{ author: 7, counter: 3 }]);
  const bob = new Replica(pnCounter, 2);
  expect(unwrap(mergeDelta(bob, delta))).toBe("applied");
  expect(bob.value).toBe(1);
});

test("bad bytes are faults and change nothing: cut, flipped, of another type, or flipped under a right checksum", () => {
  for (const each of CASES) {
    const [one, two] = [holderOf(each, 1), holderOf(each, 2)];
    for (const act of [...each.alphabet, ...each.more]) one.act(act, 1);
    unwrap(two.replica.merge(one.replica.state()));
    const version = versionOf(two.replica);
    for (const act of [...each.more, ...each.alphabet]) one.act(act, 2);
    const delta = deltaSince(one.replica, version);
    const before = two.replica.state();
    const other = CASES.find(({ kind }) => kind !== each.kind)!;
    expect(mergeDelta(holderOf(other, 3).replica, delta).ok).toBe(false);
    for (let bit = 0; bit < 8 * delta.length; bit += 3) {
      const flipped = delta.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(mergeDelta(two.replica, flipped).ok).toBe(false);
      expectBytes(two.replica.state(), before);
      // It may mean something: then it is taken, else it is a fault. It is never a throw.
      const forged = withChecksum(flipped.subarray(0, -4));
      const taker = holderOf(each, 2).replica;
      unwrap(taker.merge(before));
      if (!mergeDelta(taker, forged).ok) expectBytes(taker.state(), before);
    }
    expect(mergeDelta(two.replica, delta.subarray(0, -1)).ok).toBe(false);
    // Adding again to a set that only grows is nothing.
    expect(unwrap(mergeDelta(two.replica, delta))).toBe(each.kind === "grow-set" ? "duplicate" : "applied");
    expectBytes(two.replica.state(), one.replica.state());
  }
});

test("removals of several keys, who knows of them and what they have outdone come with a delta as with the whole state", () => {
  const title = (cards: MapDraft, key: string) => cards.at(key, orMap).at("title", lwwRegister);
  const keys = ["k1", "k2", "k3"];
  const people = [1, 2, 3].map((author) => new Replica(rwMap, author));
  const [ann, bob, cleo] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
  ann.edit(1, (cards) => {
    for (const key of keys) {
      title(cards, key).set(`${key} of ann`);
      cards.at(key, orMap).at("votes", pnCounter).increment();
    }
  });
  for (const other of [bob, cleo]) unwrap(other.merge(ann.state()));
  const version = versionOf(bob);
  ann.edit(2, (cards) => {
    for (const key of keys) cards.delete(key);
    // Somebody knows of one of the removals.
    title(cards, "k3").set("anew");
  });
  cleo.edit(2, (cards) => {
    for (const key of keys) title(cards, key).set(`${key} of cleo`);
    cards.at("k1", orMap).at("note", lwwRegister).set("cleo's note");
    cards.at("k1", orMap).at("votes", pnCounter).increment();
  });
  unwrap(ann.merge(cleo.state()));
  cleo.edit(3, (cards) => cards.delete("k2"));
  unwrap(cleo.merge(ann.state()));
  cleo.edit(4, (cards) => title(cards, "k3").set("by one who knows"));
  unwrap(ann.merge(cleo.state()));
  // One who has done nothing meanwhile, and one who has written under the removed keys.
  for (const isBusy of [false, true]) {
    const [byDelta, byState] = [new Replica(rwMap, 2), new Replica(rwMap, 2)];
    for (const one of [byDelta, byState]) {
      unwrap(one.merge(bob.state()));
      if (isBusy)
        one.edit(5, (cards) => {
          title(cards, "k1").set("k1 of bob");
          cards.at("k2", orMap).at("note", lwwRegister).set("bob's note");
        });
    }
    const delta = deltaSince(ann, version);
    expect(unwrap(mergeDelta(byDelta, delta))).toBe("applied");
    unwrap(byState.merge(ann.state()));
    expectBytes(byDelta.state(), byState.state());
    expect(byDelta.value).toEqual({ k3: { title: "by one who knows" } });
    expect(unwrap(mergeDelta(byDelta, delta))).toBe("duplicate");
  }
});

test("a hidden key stays hidden of which nothing is left that has dots", () => {
  const [ann, bob] = [new Replica(kwMap, 1), new Replica(kwMap, 2)];
  ann.edit(1, (cards) => cards.at("c1", pnCounter).increment());
  unwrap(bob.merge(ann.state()));
  const version = versionOf(bob);
  ann.edit(2, (cards) => cards.delete("c1"));
  unwrap(mergeDelta(bob, deltaSince(ann, version)));
  expect(bob.value).toEqual({});
  expectBytes(bob.state(), ann.state());
});

test("steps that are outdone here and not there stay told when a delta comes from there", () => {
  const [ann, bob] = [new Replica(rwMap, 1), new Replica(rwMap, 2)];
  ann.edit(1, (cards) => cards.at("c1", pnCounter).increment());
  bob.edit(1, (cards) => cards.at("c1", lwwRegister).set("x"));
  bob.edit(2, (cards) => cards.delete("c1"));
  unwrap(bob.merge(ann.state()));
  const before = bob.state();
  ann.edit(3, (cards) => cards.at("c2", pnCounter).increment());
  unwrap(mergeDelta(bob, deltaSince(ann, versionOf(bob))));
  const joined = new Replica(rwMap, 3);
  for (const state of [before, ann.state()]) unwrap(joined.merge(state));
  expectBytes(bob.state(), joined.state());
});
