/**
 * What happened at a few replicas of one type, written down: who did, heard and joined what, and the bytes and the value
 * before and after. Laws (`laws.ts`) are questions to such a record, so a law that is broken is told by its name.
 *
 * Replicas are made by whoever asks: right ones, or ones that are wrong on purpose (`wrong.ts`). What one of them throws
 * where nothing may be thrown ends the record and stands in it.
 */
import fc from "fast-check";
import type { Act, Deed, TypeCase } from "./cases.js";
import type { Subject } from "./subjects.js";

export type Event =
  | { readonly do: "act"; readonly at: number; readonly act: Act; readonly stamp: number }
  /** Every op that is ready there, beginning with one that is picked, and those that are there already. */
  | { readonly do: "ops"; readonly to: number; readonly from: number; readonly pick: number }
  | { readonly do: "state"; readonly to: number; readonly from: number };

/** An act, with the ops that it was made of. */
export interface Made {
  readonly deed: Deed;
  readonly ops: readonly Uint8Array[];
  readonly seen: ReadonlySet<Made>;
}

/** A replica at one moment. */
export interface Sight {
  readonly bytes: Uint8Array;
  readonly shown: unknown;
  readonly held: ReadonlySet<Made>;
}

interface Change {
  readonly at: number;
  readonly before: Sight;
  readonly after: Sight;
}
export type Doing = Change & { readonly made: Made };
export type Hearing = Change & { readonly made: Made; readonly arrivals: readonly string[] };
export type Joining = Change & { readonly other: Sight };

export interface Recording {
  readonly each: TypeCase;
  readonly make: (author: number) => Subject;
  readonly made: readonly Made[];
  readonly doings: readonly Doing[];
  /** Of what was held already, too. */
  readonly hearings: readonly Hearing[];
  readonly joinings: readonly Joining[];
  /** All replicas after the events, each with what it has heard of. */
  readonly apart: readonly Sight[];
  /** And when everybody has heard of everything, by ops. */
  readonly settled: readonly Sight[];
  readonly failure: unknown;
}

/** Plays events on fresh replicas, and then tells everybody everything. */
export function record(
  each: TypeCase,
  make: (author: number) => Subject,
  size: number,
  events: readonly Event[],
): Recording {
  const recorder = new Recorder(each, make, size);
  try {
    recorder.begin();
    for (const event of events) recorder.step(event);
    recorder.settle();
  } catch (failure) {
    recorder.fail(failure);
  }
  return recorder;
}

class Recorder implements Recording {
  readonly each: TypeCase;
  readonly make: (author: number) => Subject;
  readonly made: Made[] = [];
  readonly doings: Doing[] = [];
  readonly hearings: Hearing[] = [];
  readonly joinings: Joining[] = [];
  apart: readonly Sight[] = [];
  settled: readonly Sight[] = [];
  failure: unknown;
  readonly #subjects: readonly Subject[];
  readonly #counters: number[];
  #now: Sight[] = [];

  constructor(each: TypeCase, make: (author: number) => Subject, size: number) {
    this.each = each;
    this.make = make;
    this.#subjects = Array.from({ length: size }, (_, i) => make(i + 1));
    this.#counters = this.#subjects.map(() => 0);
  }

  begin(): void {
    const held: ReadonlySet<Made> = new Set();
    this.#now = this.#subjects.map((subject) => ({ bytes: subject.state(), shown: subject.read(), held }));
  }

  step(event: Event): void {
    const size = this.#subjects.length;
    if (event.do === "act") this.#act(event.at % size, event.act, event.stamp);
    else if (event.do === "ops") this.#deliver(event.to % size, event.from % size, event.pick);
    else this.#join(event.to % size, event.from % size);
  }

  settle(): void {
    const { length } = this.#subjects;
    this.apart = [...this.#now];
    for (let from = 0; from < length; from++) for (let to = 0; to < length; to++) this.#deliver(to, from, 0);
    for (let to = 0; to < length; to++) this.#deliver(to, length - 1, 0);
    this.settled = [...this.#now];
  }

  fail(failure: unknown): void {
    this.failure = failure;
    if (this.apart.length === 0) this.apart = [...this.#now];
  }

  #act(at: number, act: Act, stamp: number): void {
    const ops = this.#subjects[at]!.perform(act, stamp);
    if (ops.length === 0) return;
    const before = this.#now[at]!;
    const seen = before.held;
    const counter = this.#counters[at]! + 1;
    this.#counters[at]! += ops.length;
    const deeds = new Set([...seen].map(({ deed }) => deed));
    const deed: Deed = { act, author: at + 1, counter, stamp, saw: (other) => deeds.has(other) };
    const made: Made = { deed, ops, seen };
    this.made.push(made);
    const after = this.#look(at, [made]);
    this.doings.push({ at, before, after, made });
  }

  #deliver(to: number, from: number, pick: number): void {
    const all = [...this.#now[from]!.held];
    for (const made of [...all.slice(pick % (all.length || 1)), ...all]) {
      const before = this.#now[to]!;
      // Causal delivery is the caller's duty: a replica notices most of what is early, not all.
      if (!before.held.has(made) && !isWithin(made.seen, before.held)) continue;
      // An act is a transaction: one that makes several ops is told of when all of them are there.
      const arrivals = made.ops.map((op) => this.#subjects[to]!.apply(op));
      const after = this.#look(to, [made]);
      this.hearings.push({ at: to, before, after, made, arrivals });
    }
  }

  #join(to: number, from: number): void {
    const before = this.#now[to]!;
    const other = this.#now[from]!;
    this.#subjects[to]!.merge(other.bytes);
    const after = this.#look(to, other.held);
    this.joinings.push({ at: to, before, after, other });
  }

  #look(at: number, heard: Iterable<Made>): Sight {
    const subject = this.#subjects[at]!;
    const held = new Set([...this.#now[at]!.held, ...heard]);
    const sight = { bytes: subject.state(), shown: subject.read(), held };
    this.#now[at] = sight;
    return sight;
  }
}

export function isWithin<T>(part: ReadonlySet<T>, whole: ReadonlySet<T>): boolean {
  for (const each of part) if (!whole.has(each)) return false;
  return true;
}

/** Two to four replicas, and what happens to them. */
export function histories(each: TypeCase): fc.Arbitrary<[size: number, events: Event[]]> {
  const at = fc.nat({ max: 3 });
  const act = fc.constantFrom(
    ...each.alphabet,
    // Emptying a container in which removing wins is many acts.
    ...each.more.filter(({ kind, act }) => !kind.startsWith("remove-") || act !== "clear"),
  );
  const event: fc.Arbitrary<Event> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("act" as const), at, act, stamp: fc.nat({ max: 3 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("ops" as const), to: at, from: at, pick: fc.nat() }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("state" as const), to: at, from: at }) },
  );
  const events = fc.array(event, { minLength: 1, maxLength: 20, size: "max" });
  return fc.tuple(fc.integer({ min: 2, max: 4 }), events);
}
