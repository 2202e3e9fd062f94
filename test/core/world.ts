/**
 * A few replicas of one document and everything that was ever done to it.
 *
 * Steps are plain data, so that a generator makes them and a shrinker cuts them down. After every step every replica
 * that the step touched is held against the specifications, against the oracle of what its users saw, and against a
 * document that was given the same changes one by one.
 */
import { isDeepStrictEqual } from "node:util";
import {
  type Change,
  changeId,
  crc32,
  createChange,
  Document,
  type Draft,
  decodeChange,
  type KindName,
  type Result,
  type TransactionOrigin,
  type Value,
} from "@syncline/core";
import { documentJson, documentKinds } from "@syncline/simulation";
import fc from "fast-check";
import { expect } from "vitest";
import { type Act, actOf, CASES, type Deed, siblings, type TypeCase } from "./cases.js";

export const NAME = { collection: "boards", key: "roadmap" };

export interface FieldAct {
  readonly name: string;
  readonly act: Act;
}

export type Step =
  | {
      readonly do: "transact";
      readonly at: number;
      readonly stamp: number;
      readonly acts: readonly FieldAct[];
    }
  /** An op of a later version: of an unknown kind, an unknown opcode, or below a field. */
  | {
      readonly do: "later";
      readonly at: number;
      readonly stamp: number;
      readonly name: string;
      readonly form: number;
    }
  /** One of the changes that are ready there, whoever made it and wherever it has been. */
  | { readonly do: "deliver"; readonly to: number; readonly pick: number }
  /** A change that is there already or is not ready yet: refused, with nothing changed. */
  | { readonly do: "misdeliver"; readonly to: number; readonly pick: number }
  | { readonly do: "merge"; readonly to: number; readonly from: number }
  | { readonly do: "reload"; readonly at: number; readonly how: "state" | "clone" };

export interface Made {
  readonly change: Change;
  readonly deeds: readonly (Deed & { readonly name: string })[];
}

export class World {
  readonly documents: Document[];
  /** What each replica holds, by change id. */
  readonly held: Set<string>[];
  readonly made = new Map<string, Made>();
  /** How often what happened, to show that the generator reaches everything. */
  readonly tally: Map<string, number>;

  constructor(size: number, tally = new Map<string, number>()) {
    this.documents = Array.from({ length: size }, () => new Document(NAME));
    this.held = Array.from({ length: size }, () => new Set<string>());
    this.tally = tally;
  }

  step(step: Step): void {
    const size = this.documents.length;
    if (step.do === "transact") this.#transact(step.at % size, step.stamp, step.acts);
    else if (step.do === "later") this.#later(step.at % size, step.stamp, step.name, step.form);
    else if (step.do === "deliver") this.#deliver(step.to % size, step.pick);
    else if (step.do === "misdeliver") this.#misdeliver(step.to % size, step.pick);
    else if (step.do === "merge") this.#merge(step.to % size, step.from % size);
    else this.#reload(step.at % size, step.how);
  }

  /** Everybody hears of everything. */
  settle(): void {
    this.documents.forEach((_document, to) => {
      for (;;) {
        const change = this.#ready(to)[0];
        if (change === undefined) break;
        this.#apply(to, change);
      }
      this.check(to);
    });
    const [first, ...others] = this.documents.map((document) => document.encodeState());
    for (const other of others) expectBytes(other, first!);
  }

  check(at: number): void {
    const document = this.documents[at]!;
    const made = [...this.held[at]!].map((id) => this.made.get(id)!);
    const changes = made.map(({ change }) => change);
    expectEqual(document.toJSON(), documentJson(changes));
    expectEqual(document.kinds(), documentKinds(changes));

    const deeds = made.flatMap((each) => each.deeds);
    for (const name of new Set(deeds.map((deed) => deed.name))) {
      for (const each of CASES) {
        const of = deeds.filter((deed) => deed.name === name && deed.act.kind === each.kind);
        const value = shown(document, name, each);
        // A field of which only later versions know an op is shown as one that nobody has written to.
        if (of.length > 0 || value !== undefined) expectEqual(value, each.oracle(of));
      }
      const { values } = document.register(name);
      expectEqual(
        values,
        siblings(deeds.filter((deed) => deed.name === name && deed.act.kind === "register")),
      );
      if (values.length > 1) this.#count("siblings");
    }

    const state = document.encodeState();
    expectBytes(state, replayed(changes).encodeState());
    expectBytes(unwrap(Document.decodeState(state)).encodeState(), state);
    expectEqual(document.frontier(), frontierOf(changes));
  }

  #transact(at: number, stamp: number, acts: readonly FieldAct[]): void {
    const document = this.documents[at]!;
    const author = at + 1;
    const by = { author, stamp };
    let read: Record<string, Value> = {};
    const write = (draft: Draft): void => {
      for (const each of acts) perform(draft, each);
      read = draft.toJSON();
    };
    const before = document.encodeState();
    const prepared = document.prepare(by, write);
    expectBytes(document.encodeState(), before);
    const done = doneBy(document, by, acts);
    const change = document.transact(by, write);
    expectEqual(read, document.toJSON());
    expect(change === undefined).toBe(prepared === undefined);
    if (change !== undefined && prepared !== undefined) expectBytes(change.bytes, prepared.bytes);
    this.#count(change === undefined ? "empty transaction" : "transaction");
    if (change === undefined) {
      expectBytes(document.encodeState(), before);
      return;
    }
    expect(done.length).toBe(toldNothing(change).length);
    for (const { op } of change.ops) this.#count(op.act);
    this.#keep(at, change, done);
    this.check(at);
  }

  #later(at: number, stamp: number, name: string, form: number): void {
    const document = this.documents[at]!;
    const author = at + 1;
    const path = [
      [{ name, kind: 99 }],
      [{ name, kind: 1 }],
      [
        { name, kind: 5 },
        { name: "c1", kind: 2 },
      ],
      [
        { name, kind: 2 },
        { name: "c1", kind: 2 },
      ],
    ][form % 4]!;
    const op = { act: "opaque", bytes: Uint8Array.of(form % 4 === 0 ? 1 : 200, form) } as const;
    const change = createChange({
      document: NAME,
      author,
      first: document.counter(author) + 1,
      stamp,
      observed: document.frontier().filter((head) => head.author !== author),
      paths: [path],
      ops: [{ path: 0, op }],
    });
    document.apply(unwrap(decodeChange(change.bytes)));
    this.#count("opaque");
    this.#keep(at, change, []);
    this.check(at);
  }

  #deliver(to: number, pick: number): void {
    const ready = this.#ready(to);
    if (ready.length === 0) return;
    if (ready.length > 1) this.#count("choice of order");
    this.#apply(to, ready[pick % ready.length]!);
    this.check(to);
  }

  #misdeliver(to: number, pick: number): void {
    const ready = new Set(this.#ready(to));
    const wrong = [...this.made.values()].map(({ change }) => change).filter((change) => !ready.has(change));
    if (wrong.length === 0) return;
    const change = wrong[pick % wrong.length]!;
    this.#count(this.held[to]!.has(changeId(change)) ? "duplicate" : "early");
    const before = this.documents[to]!.encodeState();
    expect(() => this.documents[to]!.apply(change)).toThrow();
    expectBytes(this.documents[to]!.encodeState(), before);
  }

  #merge(to: number, from: number): void {
    const other = this.documents[from]!;
    const before = other.encodeState();
    this.documents[to]!.merge(unwrap(Document.decodeState(before)));
    expectBytes(other.encodeState(), before);
    for (const id of this.held[from]!) this.held[to]!.add(id);
    this.#count("merge");
    this.check(to);
  }

  #reload(at: number, how: "state" | "clone"): void {
    const document = this.documents[at]!;
    this.documents[at] =
      how === "clone" ? document.clone() : unwrap(Document.decodeState(document.encodeState()));
    this.#count(how);
  }

  #keep(at: number, change: Change, done: readonly FieldAct[]): void {
    const seen = new Set(this.held[at]!);
    const deeds = done.map(({ name, act }, i) => {
      const counter = change.first + i;
      const saw = (other: Deed & { readonly id?: string }): boolean =>
        other.author === change.author
          ? other.counter < counter
          : other.id !== undefined && seen.has(other.id);
      return { name, act, author: change.author, counter, stamp: change.stamp, saw, id: changeId(change) };
    });
    this.made.set(changeId(change), { change, deeds });
    this.held[at]!.add(changeId(change));
  }

  #ready(to: number): Change[] {
    const document = this.documents[to]!;
    return [...this.made.values()]
      .map(({ change }) => change)
      .filter((change) => change.first === document.counter(change.author) + 1)
      .filter((change) => change.observed.every((dot) => document.counter(dot.author) >= dot.counter));
  }

  #apply(to: number, change: Change): void {
    this.documents[to]!.apply(unwrap(decodeChange(change.bytes)));
    this.held[to]!.add(changeId(change));
    this.#count("apply");
  }

  #count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }
}

/** The same for bytes, which it shows as hexadecimal digits. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  expect(Buffer.from(actual).toString("hex")).toBe(Buffer.from(expected).toString("hex"));
}

/** Like `toStrictEqual`, many times faster while all is well. */
export function expectEqual(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected);
}

/** A body with the checksum that stored forms end with. */
export function withChecksum(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 4);
  bytes.set(body);
  new DataView(bytes.buffer).setUint32(body.length, crc32(body), true);
  return bytes;
}

export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.fault.code}: ${result.fault.reason}`);
  return result.value;
}

/** What each op of a transaction does, found by making longer and longer parts of it. */
function doneBy(document: Document, by: TransactionOrigin, acts: readonly FieldAct[]): FieldAct[] {
  const done: FieldAct[] = [];
  acts.forEach(({ name, act }, i) => {
    const change = document.prepare(by, (draft) => {
      for (const each of acts.slice(0, i + 1)) perform(draft, each);
    });
    for (const { op } of toldNothing(change).slice(done.length)) done.push({ name, act: actOf(act, op) });
  });
  return done;
}

/** The ops of a change without those that tell what is lost by them, which are its last ones. */
function toldNothing(change: Change | undefined): Change["ops"] {
  return change?.ops.filter(({ path }) => !change.paths[path]![0]!.name.startsWith("~")) ?? [];
}

function perform(draft: Draft, { name, act }: FieldAct): void {
  const each = CASES.find(({ kind }) => kind === act.kind)!;
  each.withType((type, doIt) => doIt(draft.at(name, type), act));
}

/** What a document shows of a field, wherever its name has gone. */
function shown(document: Document, name: string, each: TypeCase): Value | undefined {
  const json = document.toJSON();
  const kinds = document.kinds();
  const key = [name, `${name}@${each.kind}`].find((key) => kinds[key] === each.kind);
  return key === undefined ? undefined : json[key];
}

/** The changes applied one by one, in an order of their own. */
function replayed(changes: readonly Change[]): Document {
  const document = new Document(NAME);
  const waiting = [...changes].sort((a, b) => b.author - a.author || a.first - b.first);
  while (waiting.length > 0) {
    const at = waiting.findIndex(
      (change) =>
        change.first === document.counter(change.author) + 1 &&
        change.observed.every((dot) => document.counter(dot.author) >= dot.counter),
    );
    const [change] = waiting.splice(at, 1);
    document.apply(change!);
  }
  return document;
}

/** The last change of each author, unless another one has observed it. */
function frontierOf(changes: readonly Change[]): { author: number; counter: number }[] {
  const heads = changes.filter(
    (change) =>
      !changes.some(
        (other) =>
          (other.author === change.author && other.first > change.first) ||
          other.observed.some((dot) => dot.author === change.author && dot.counter >= change.last),
      ),
  );
  return heads.map(({ author, last }) => ({ author, counter: last })).sort((a, b) => a.author - b.author);
}

const at = fc.nat({ max: 3 });
// Few, equal and going backwards: clocks are wrong and ties are frequent.
const stamp = fc.nat({ max: 4 });
const name = fc.constantFrom("a", "b");

function actsOf(cases: readonly TypeCase[]): fc.Arbitrary<FieldAct[]> {
  const alphabet = cases.flatMap((each) => each.alphabet);
  const act = fc.oneof(
    fc.constantFrom(...alphabet),
    fc.constantFrom(...alphabet, ...cases.flatMap(({ more }) => more)),
  );
  return fc.array(fc.record({ name, act }), { minLength: 1, maxLength: 4 });
}

/** What is in them must have come before it can be moved or removed; and writes to a register must meet. */
const WEIGHTS: Partial<Record<KindName, number>> = { register: 3, list: 4, map: 3, set: 3 };

/** Mostly of one type, so that ops meet. */
const acts: fc.Arbitrary<FieldAct[]> = fc.oneof(
  ...CASES.map((each) => ({ weight: WEIGHTS[each.kind] ?? 1, arbitrary: actsOf([each]) })),
  { weight: 1, arbitrary: actsOf(CASES) },
);

const stepsWith = (acts: fc.Arbitrary<FieldAct[]>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          do: fc.constant("transact"),
          at,
          stamp,
          acts,
        }),
      },
      { weight: 8, arbitrary: fc.record({ do: fc.constant("deliver"), to: at, pick: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("merge"), to: at, from: at }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("misdeliver"), to: at, pick: fc.nat() }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant("reload"), at, how: fc.constantFrom("state", "clone") }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant("later"),
          at,
          stamp,
          name: fc.constantFrom("a", "c"),
          form: fc.nat({ max: 7 }),
        }),
      },
    ),
    { minLength: 1, maxLength: 24, size: "max" },
  );

export const steps = stepsWith(acts);

/** Of one kind only, in one field and mostly under one key, because removals must meet. */
export const removals = fc.oneof(
  ...CASES.filter(({ kind }) => ["remove-map", "keep-map"].includes(kind)).map(({ alphabet, more }) => {
    const act = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...alphabet.filter(({ act }) => act !== "count")) },
      { weight: 1, arbitrary: fc.constantFrom(...alphabet) },
      { weight: 1, arbitrary: fc.constantFrom(...more) },
    );
    return stepsWith(fc.array(fc.record({ name: fc.constant("a"), act }), { minLength: 1, maxLength: 2 }));
  }),
);
