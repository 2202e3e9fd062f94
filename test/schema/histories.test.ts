/**
 * Random schema changes together with data, on several replicas, delivered in any causal order, as changes and as
 * states: every replica has the schema that the specification demands, after every step, and nothing that was written
 * is out of reach.
 */
import { type Change, Document, type Draft, decodeChange, orSet } from "@syncline/core";
import {
  alterSchema,
  arranged,
  Catalog,
  fieldNamed,
  SCHEMA,
  SchemaRefused,
  type Statement,
} from "@syncline/engine";
import { meaningOf, type SchemaChange, type SpecifiedThing, specifiedSchema } from "@syncline/simulation";
import fc from "fast-check";
import { expect, test } from "vitest";

const NAMES = ["a", "b"];
const FIELDS = ["x", "y"];
const KIND_NAMES = ["set", "register"];

const spec2 = (kind: string) => ({ kind, types: ["number", "string"] });
const name = fc.constantFrom(...NAMES);
const field = fc.constantFrom(...FIELDS, "x@set", "y@register");
const types = fc.constantFrom(["string"], ["number"], ["number", "string"]);
const spec = fc.record({ kind: fc.constantFrom(...KIND_NAMES), types });
const as = fc.option(name, { nil: undefined, freq: 2 });
const statement: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("create" as const), collection: name }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      collection: name,
      field: fc.constantFrom(...FIELDS),
      is: spec,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drop" as const), collection: name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drop" as const), collection: name, field }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("undrop" as const), collection: name, as }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("undrop" as const),
      collection: name,
      field: fc.constantFrom(...FIELDS),
      as: fc.option(fc.constantFrom(...FIELDS), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rename" as const), collection: name, to: name }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("rename" as const),
      collection: name,
      field,
      to: fc.constantFrom(...FIELDS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("widen" as const),
      collection: name,
      field,
      to: fc.constantFrom(spec2("set"), spec2("register"), { kind: "set", types: ["number"] }),
    }),
  },
);
const at = fc.nat(2);

type Step =
  | { step: "alter"; at: number; statement: Statement }
  | { step: "write"; at: number; collection: string; field: string }
  | { step: "deliver"; at: number; from: number; pick: number }
  | { step: "merge"; at: number; from: number }
  | { step: "clock"; at: number; ahead: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ step: fc.constant("alter" as const), at, statement }) },
  { weight: 4, arbitrary: fc.record({ step: fc.constant("write" as const), at, collection: name, field }) },
  {
    weight: 4,
    arbitrary: fc.record({ step: fc.constant("deliver" as const), at, from: at, pick: fc.nat(20) }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("merge" as const), at, from: at }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("clock" as const), at, ahead: fc.nat(50) }) },
);

test("every replica has the schema that was specified, and no value is out of reach (I11)", () => {
  const tally = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 90 }), (steps) => {
      const world = new World(tally);
      for (const one of steps) world.step(one);
      world.settle();
    }),
    { numRuns: 150 },
  );
  const reached =
    "create drop undrop rename add widen refused write re-created name@kind deliver merge skewed";
  for (const what of reached.split(" ")) expect(tally.get(what) ?? 0, what).toBeGreaterThan(5);
});

interface Made {
  readonly change: Change;
  readonly means: SchemaChange;
}

class World {
  readonly replicas = [0, 1, 2].map((index) => new Replica(index + 1));
  /** Identity and value of everything that was written. */
  readonly written: { collection: string; key: string; field: string; value: string }[] = [];
  readonly data = new Map<string, Document>();

  constructor(private readonly tally: Map<string, number>) {
    const [first, ...others] = this.replicas;
    first!.mustAlter({ do: "create", collection: "a" });
    first!.mustAlter({ do: "add", collection: "a", field: "x", is: { kind: "set", types: ["string"] } });
    for (const other of others) other.merge(first!);
  }

  step(step: Step): void {
    const replica = this.replicas[step.at]!;
    switch (step.step) {
      case "alter":
        this.count(replica.alter(step.statement) ? step.statement.do : "refused");
        break;
      case "write":
        this.write(replica, step.collection, step.field);
        break;
      case "deliver": {
        const news = this.replicas[step.from]!.held.filter((made) => replica.isReady(made));
        const made = news[step.pick % Math.max(1, news.length)];
        if (made === undefined) return;
        replica.take(made);
        this.count("deliver");
        break;
      }
      case "merge":
        replica.merge(this.replicas[step.from]!);
        this.count("merge");
        break;
      case "clock":
        replica.ahead = step.ahead;
        this.count("skewed");
    }
    replica.check();
    for (const { id, key, fields } of replica.catalog.collections) {
      if (id.includes(".")) this.count("re-created");
      if (key.includes("@") || fields.some((one) => one.key.includes("@"))) this.count("name@kind");
    }
  }

  /** Everybody gets everything; all that was dropped is brought back; then every value is shown. */
  settle(): void {
    const [first, ...others] = this.replicas;
    for (const other of others) first!.merge(other);
    for (const other of others) other.merge(first!);
    for (const replica of this.replicas) replica.check();
    const bytes = this.replicas.map(({ document }) => Buffer.from(document.encodeState()).toString("hex"));
    expect(new Set(bytes).size).toBe(1);

    const replica = first!;
    for (let again = 0; again < 50; again++) {
      const gone = replica.catalog.collections.find(({ dropped }) => dropped);
      const fieldGone = replica.catalog.live
        .flatMap((collection) => collection.fields.map((one) => ({ collection, one })))
        .find(({ one }) => one.dropped);
      const fresh = `n${again}`;
      if (gone !== undefined) replica.mustAlter({ do: "undrop", collection: gone.id, as: fresh });
      else if (fieldGone !== undefined) {
        const { collection, one } = fieldGone;
        replica.mustAlter({
          do: "undrop",
          collection: collection.key,
          field: `${one.name}@${one.kind}`,
          as: fresh,
        });
      } else break;
    }
    expect(replica.catalog.collections.every(({ dropped }) => !dropped)).toBe(true);
    for (const { collection, key, field, value } of this.written) {
      const found = replica.catalog.withId(collection);
      const document = this.data.get(`${collection}/${key}`)!;
      const shown = arranged(found, document.toJSON(), document.kinds());
      const inSchema = found?.fields.find(({ id, kind }) => id === field && kind === "set");
      expect(shown[inSchema!.key], `${collection}/${field}`).toContain(value);
    }
  }

  private write(replica: Replica, collection: string, word: string): void {
    const found = replica.catalog.named(collection);
    const field = found && fieldNamed(found, word);
    if (found === undefined || field?.kind !== "set") return;
    const id = `${found.id}/k`;
    const document = this.data.get(id) ?? new Document({ collection: found.id, key: "k" });
    this.data.set(id, document);
    const value = `v${this.written.length}`;
    document.transact({ author: 99, stamp: this.written.length + 1 }, (draft) =>
      draft.at(field.id, orSet).add(value),
    );
    this.written.push({ collection: found.id, key: "k", field: field.id, value });
    this.count("write");
  }

  private count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }
}

class Replica {
  document = new Document(SCHEMA);
  held: Made[] = [];
  catalog = new Catalog();
  /** How far its clock is ahead. */
  ahead = 0;
  private made = 0;

  constructor(readonly author: number) {}

  alter(statement: Statement): boolean {
    const stamp = 1_000 + this.held.length * 10 + this.ahead;
    const past = specifiedSchema(this.held.map(({ means }) => means));
    const said = { ...statement, ...specIn(statement) } as Parameters<typeof meaningOf>[0];
    const effects = meaningOf(said, past);
    let change: Change | undefined;
    try {
      const play = (draft: Draft) => alterSchema(draft, [statement], { seen: [] });
      change = this.document.transact({ author: this.author, stamp }, play);
    } catch (error) {
      if (!(error instanceof SchemaRefused)) throw error;
      expect(effects, error.message).toBeUndefined();
      return false;
    }
    expect(effects, JSON.stringify(statement)).toBeDefined();
    if (change !== undefined) {
      const seen = new Set(this.held.map(({ means }) => means.id));
      const id = `${this.author}:${++this.made}`;
      this.held.push({ change, means: { id, seen, stamp, author: this.author, effects: effects! } });
    }
    this.catalog = new Catalog(this.document);
    return true;
  }

  mustAlter(statement: Statement): void {
    expect(this.alter(statement), JSON.stringify(statement)).toBe(true);
  }

  isReady({ change, means }: Made): boolean {
    const has = new Set(this.held.map((made) => made.means.id));
    return !has.has(means.id) && [...means.seen].every((id) => has.has(id)) && change.ops.length > 0;
  }

  take(made: Made): void {
    const decoded = decodeChange(made.change.bytes);
    if (!decoded.ok) throw new Error(decoded.fault.reason);
    this.document.apply(decoded.value);
    this.held.push(made);
    this.catalog = new Catalog(this.document);
  }

  merge(other: Replica): void {
    const state = Document.decodeState(other.document.encodeState());
    if (!state.ok) throw new Error(state.fault.reason);
    this.document.merge(state.value);
    const has = new Set(this.held.map((made) => made.means.id));
    this.held.push(...other.held.filter(({ means }) => !has.has(means.id)));
    this.catalog = new Catalog(this.document);
  }

  check(): void {
    const specified = [...specifiedSchema(this.held.map(({ means }) => means)).values()];
    const shown: SpecifiedThing[] = this.catalog.collections.flatMap((collection) => [
      thing(collection.id, collection, []),
      ...collection.fields.map((one) => thing(`${collection.id}/${one.id}@${one.kind}`, one, one.types)),
    ]);
    const inOrder = (things: SpecifiedThing[]) => things.sort((a, b) => (a.what < b.what ? -1 : 1));
    expect(inOrder(shown)).toEqual(inOrder(specified));
  }
}

function thing(
  what: string,
  { name, key, made, dropped }: { name: string; key: string; made: number; dropped: boolean },
  allowed: readonly string[],
): SpecifiedThing {
  return { what, name, made, dropped, types: [...allowed], owns: !dropped && key === name };
}

const specIn = (statement: Statement): object =>
  statement.do === "add" ? statement.is : statement.do === "widen" ? statement.to : {};
