import {
  type CounterView,
  counter,
  defineSchema,
  disableWinsFlag,
  type FlagView,
  flag,
  growCounter,
  growSet,
  keepWholeMap,
  type ListView,
  list,
  type MapField,
  type MapView,
  map,
  type RegisterField,
  record,
  register,
  removeWinsMap,
  removeWinsSet,
  type SetView,
  type Value,
} from "@syncline/client";
import { expect, expectTypeOf, test } from "vitest";
import { world } from "../scenarios/world.js";
import { database, thrown } from "./databases.js";

/** Every kind beside registers, counters and sets, from one app's draft over a master to another app's view. */
const schema = defineSchema({
  parties: {
    open: flag(),
    paid: disableWinsFlag(),
    visits: growCounter(),
    guests: removeWinsSet<string>(),
    seen: growSet<string>(),
  },
});

test("what one app writes another one reads", async () => {
  const cluster = world(1);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], schema);
  const mine = db.open("parties", "p1");
  mine.transact((p) => {
    p.open.enable();
    p.paid.enable();
    p.paid.disable();
    p.visits.increment(2);
    p.guests.add("ann");
    p.guests.add("bob");
    p.guests.remove("ann");
    p.seen.add("x");
    expect([p.open.value, p.paid.value, p.visits.value]).toEqual([true, false, 2]);
  });
  const { db: other } = database(cluster, "bob", ["m1"], schema);
  const theirs = other.open("parties", "p1");
  cluster.settle();
  await theirs.ready;
  expect([theirs.open.value, theirs.paid.value, theirs.visits.value]).toEqual([true, false, 2]);
  expect([theirs.guests.values, theirs.guests.has("bob"), theirs.guests.size]).toEqual([["bob"], true, 1]);
  expect(theirs.seen.values).toEqual(["x"]);
  expect(theirs.toJSON()).toEqual({ open: true, paid: false, visits: 2, guests: ["bob"], seen: ["x"] });
  expect(cluster.nodes.get("m1")?.json("parties/p1")).toEqual(theirs.toJSON());
});

test("by name and kind: without a schema any, with one what it declares", () => {
  const cluster = world(2);
  const { db } = database(cluster, "ann", []);
  const note = db.open("notes", "n1");
  note.transact((draft) => draft.field("done", flag()).enable());
  expect(note.field("done", flag()).value).toBe(true);
  expect(note.field("done", disableWinsFlag()).value).toBe(false);
  expect(note.kinds()).toEqual({ done: "flag" });
  const { db: typed } = database(cluster, "bob", [], schema);
  const party = typed.open("parties", "p1");
  expect(party.field("open", flag()).value).toBe(false);
  // @ts-expect-error it is a flag of another kind
  expect(thrown(() => party.field("open", disableWinsFlag()))).toMatchObject({ code: "UNKNOWN_FIELD" });
});

test("maps of fields, and of maps, from one app's draft over a master to another app's view", async () => {
  const boards = defineSchema({ boards: { votes: map(counter()), names: map(map(register<string>())) } });
  const cluster = world(5);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], boards);
  const mine = db.open("boards", "b1");
  mine.transact((b) => {
    b.votes.at("c1").increment(2);
    b.votes.at("c2").increment();
    b.votes.delete("c2");
    b.names.at("en").at("hello").set("Hello");
    b.names.at("de").create();
    expect([b.votes.at("c1").value, b.votes.keys, b.names.has("de")]).toEqual([2, ["c1"], true]);
  });
  const { db: other } = database(cluster, "bob", ["m1"], boards);
  const theirs = other.open("boards", "b1");
  cluster.settle();
  await theirs.ready;
  expect(theirs.votes.toJSON()).toEqual({ c1: 2 });
  expect(theirs.names.at("en").at("hello").value).toBe("Hello");
  expect(theirs.names.at("fr").at("hello").value).toBeUndefined();
  expect(theirs.toJSON()).toEqual({ votes: { c1: 2 }, names: { de: {}, en: { hello: "Hello" } } });
  expect(thrown(() => theirs.votes.at("__proto__"))).toMatchObject({ code: "INVALID_VALUE" });
  expectTypeOf(theirs.names).toEqualTypeOf<MapView<MapField<RegisterField<string>>>>();
  expectTypeOf(theirs.votes.at("c1")).toEqualTypeOf<CounterView>();
  expectTypeOf(theirs.votes.toJSON()).toEqualTypeOf<{ readonly [key: string]: number }>();
  expectTypeOf(theirs.names.toJSON()).toEqualTypeOf<{
    readonly [key: string]: { readonly [key: string]: string };
  }>();
  expectTypeOf<ReturnType<MapView["toJSON"]>>().toEqualTypeOf<{ readonly [key: string]: Value }>();
  theirs.transact((b) => b.names.clear());
  expect(theirs.toJSON()).toEqual({ votes: { c1: 2 } });
});

test("lists, from one app's draft over a master to another app's view", async () => {
  const boards = defineSchema({ boards: { items: list<{ text: string }>(), columns: map(list<number>()) } });
  const cluster = world(6);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], boards);
  const mine = db.open("boards", "b1");
  mine.transact((b) => {
    b.items.push({ text: "a" }, { text: "b" });
    b.items.insert(0, { text: "c" });
    b.items.move(0, 2);
    b.items.delete(0);
    b.columns.at("x").push(1);
    expect([b.items.length, b.items.at(1), b.items.indexOf({ text: "b" })]).toEqual([2, { text: "c" }, 0]);
  });
  const { db: other } = database(cluster, "bob", ["m1"], boards);
  const theirs = other.open("boards", "b1");
  cluster.pass(2_000);
  await theirs.ready;
  expect(theirs.toJSON()).toEqual({ items: [{ text: "b" }, { text: "c" }], columns: { x: [1] } });
  expect([theirs.items.length, theirs.items.at(0), theirs.items.at(2)]).toEqual([
    2,
    { text: "b" },
    undefined,
  ]);
  expect(theirs.items.ids).toEqual(mine.items.ids);
  expect(theirs.items.indexOfId(theirs.items.idAt(1) ?? "")).toBe(1);
  expect(theirs.items.indexOf({ text: "c" })).toBe(1);
  expect(theirs.columns.at("x").values).toEqual([1]);
  expectTypeOf(theirs.items).toEqualTypeOf<ListView<{ text: string }>>();
  expectTypeOf(theirs.toJSON().items).toEqualTypeOf<readonly { text: string }[] | undefined>();
  expect(thrown(() => theirs.transact((b) => b.items.delete(5)))).toMatchObject({
    code: "INVALID_VALUE",
    message: expect.stringMatching(/field "items": index 5 is not in a list of 2/),
  });
  // What was declared holds for the compiler: this is refused there.
  // @ts-expect-error it holds objects with a text
  void (() => theirs.transact((b) => b.items.push(1)));
});

test("records, alone and in maps, by their fields", async () => {
  const card = record({ title: register<string>(), votes: counter(), labels: list<string>() });
  const boards = defineSchema({ boards: { settings: record({ dark: flag() }), cards: map(card) } });
  const cluster = world(9);
  cluster.master("m1");
  const { db } = database(cluster, "ann", ["m1"], boards);
  const mine = db.open("boards", "b1");
  mine.transact((b) => {
    b.settings.dark.enable();
    const one = b.cards.at("c1");
    expect(one.exists).toBe(false);
    one.title.set("Milk");
    one.votes.increment(2);
    one.labels.push("shop");
    expect(one.toJSON()).toEqual({ title: "Milk", votes: 2, labels: ["shop"] });
    b.cards.at("c2").create();
  });
  const { db: other } = database(cluster, "bob", ["m1"], boards);
  const theirs = other.open("boards", "b1");
  cluster.pass(2_000);
  await theirs.ready;
  expect(theirs.toJSON()).toEqual({
    settings: { dark: true },
    cards: { c1: { title: "Milk", votes: 2, labels: ["shop"] }, c2: {} },
  });
  expect([theirs.cards.at("c1").title.value, theirs.cards.at("c2").exists]).toEqual(["Milk", true]);
  expect(Object.keys(theirs.cards.at("c1"))).toEqual([]);
  expectTypeOf(theirs.cards.at("c1").votes).toEqualTypeOf<CounterView>();
  expectTypeOf(theirs.settings.toJSON().dark).toEqualTypeOf<boolean | undefined>();
  theirs.transact((b) => b.cards.at("c1").clear());
  mine.transact((b) => b.cards.at("c1").votes.increment());
  cluster.pass(2_000);
  expect(mine.toJSON().cards).toEqual({ c1: { votes: 1 }, c2: {} });
  for (const name of ["toJSON", "__proto__", ""]) {
    const fields = Object.fromEntries([[name, counter()]]);
    expect(thrown(() => record(fields))).toMatchObject({ code: "INVALID_VALUE" });
  }
});

test("concurrent writes of a register become one value by the reader's function", () => {
  const { db } = database(world(3), "ann", [], defineSchema({ rooms: { limit: register<number>() } }));
  const room = db.open("rooms", "r1");
  expect(room.limit.merged(Math.min)).toBeUndefined();
  room.transact((r) => r.limit.set(4));
  expect(room.limit.merged(Math.min)).toBe(4);
});

test("a field that none of our functions has made is refused where it is declared", () => {
  const made = { kind: "flag" } as const;
  expect(thrown(() => defineSchema({ parties: { open: made } }))).toMatchObject({ code: "INVALID_VALUE" });
});

test("the types are those of the kinds", () => {
  void (() => {
    const { db } = database(world(4), "ann", [], schema);
    const party = db.open("parties", "p1");
    expectTypeOf(party.open).toEqualTypeOf<FlagView>();
    expectTypeOf(party.visits).toEqualTypeOf<CounterView>();
    expectTypeOf(party.guests).toEqualTypeOf<SetView<string>>();
    expectTypeOf(party.toJSON().paid).toEqualTypeOf<boolean | undefined>();
    party.transact((p) => {
      // @ts-expect-error it only grows
      p.seen.remove("x");
      // @ts-expect-error it only grows
      p.visits.decrement();
      // @ts-expect-error it holds text
      p.guests.add(1);
      // @ts-expect-error it is no counter
      p.field("open", counter());
    });
  });
});

test("where using a key keeps it, what others removed meanwhile is all there", () => {
  const cluster = world(3);
  cluster.master("m1");
  const cards = defineSchema({
    boards: { cards: keepWholeMap(record({ title: register<string>(), done: flag() })) },
  });
  const { db } = database(cluster, "ann", ["m1"], cards);
  const { db: other } = database(cluster, "bob", ["m1"], cards);
  const [mine, theirs] = [db.open("boards", "b"), other.open("boards", "b")];
  mine.transact((board) => board.cards.at("c1").title.set("Milk"));
  cluster.settle();
  mine.transact((board) => board.cards.delete("c1"));
  theirs.transact((board) => board.cards.at("c1").done.enable());
  expect(mine.toJSON()).toEqual({});
  cluster.settle();
  const whole: string | undefined = mine.cards.at("c1").title.value;
  expect([whole, mine.toJSON()]).toEqual(["Milk", { cards: { c1: { title: "Milk", done: true } } }]);
  expect(theirs.toJSON()).toEqual(mine.toJSON());
  theirs.transact((board) => board.cards.delete("c1"));
  theirs.transact((board) => board.cards.at("c1").title.set("Bread"));
  cluster.settle();
  expect(mine.cards.toJSON()).toEqual({ c1: { title: "Bread" } });
});

test("where removing a key wins, what others do there meanwhile is lost", () => {
  const cluster = world(2);
  cluster.master("m1");
  const cards = defineSchema({
    boards: { cards: removeWinsMap(record({ title: register<string>(), done: flag() })) },
  });
  const { db } = database(cluster, "ann", ["m1"], cards);
  const { db: other } = database(cluster, "bob", ["m1"], cards);
  const [mine, theirs] = [db.open("boards", "b"), other.open("boards", "b")];
  mine.transact((board) => board.cards.at("c1").title.set("Milk"));
  cluster.settle();
  mine.transact((board) => board.cards.delete("c1"));
  theirs.transact((board) => board.cards.at("c1").done.enable());
  expect(theirs.cards.toJSON()).toEqual({ c1: { title: "Milk", done: true } });
  cluster.settle();
  expect([mine.toJSON(), theirs.toJSON()]).toEqual([{}, {}]);
  theirs.transact((board) => board.cards.at("c1").title.set("Bread"));
  cluster.settle();
  expect(mine.cards.at("c1").title.value).toBe("Bread");
  expect(mine.toJSON()).toEqual(theirs.toJSON());
});
