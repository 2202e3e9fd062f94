import {
  type Collections,
  connect,
  counter,
  type Database,
  type Doc,
  type DocMethods,
  type DraftMethods,
  defineSchema,
  type Fields,
  type Member,
  type Receipt,
  type RegisterView,
  register,
  type SetView,
  set,
  type Value,
} from "@syncline/client";
import { expectTypeOf, test } from "vitest";
import type WS from "ws";

/** What the compiler lets an app do. The type check of the tests is what runs here; the bodies are never called. */
interface Card {
  readonly title: string;
  readonly done?: boolean;
  readonly at: { x: number; y: number }[];
}

const schema = defineSchema({
  boards: { title: register<string>(), votes: counter(), tags: set<string>() },
  cards: {
    card: register<Card>(),
    anything: register(),
    close: register<boolean>(),
    images: set<Uint8Array>(),
  },
});
declare const db: Database<typeof schema.collections>;
declare const plain: Database;

test("fields have the types of the schema", () => {
  void (() => {
    const board = db.open("boards", "roadmap");
    expectTypeOf(board.title).toEqualTypeOf<RegisterView<string>>();
    expectTypeOf(board.title.value).toEqualTypeOf<string | undefined>();
    expectTypeOf(board.votes.value).toEqualTypeOf<number>();
    expectTypeOf(board.tags).toEqualTypeOf<SetView<string>>();
    expectTypeOf(board.toJSON()).toEqualTypeOf<{
      title?: string;
      votes?: number;
      tags?: readonly string[];
    }>();
    expectTypeOf(board.register("title")).toEqualTypeOf<RegisterView<string>>();
    expectTypeOf(board.ready).toEqualTypeOf<Promise<void>>();
    board.subscribe((b) => expectTypeOf(b).toEqualTypeOf(board));
    const cards = db.open("cards", "c1");
    expectTypeOf(cards.card.value).toEqualTypeOf<Card | undefined>();
    expectTypeOf(cards.anything.value).toEqualTypeOf<Value | undefined>();
    expectTypeOf(cards.images.values).toEqualTypeOf<readonly Uint8Array[]>();
  });
});

test("a transaction writes what fits the kind and the type, and nothing else", () => {
  void (() => {
    const board = db.open("boards", "roadmap");
    const write = board.transact((b) => {
      b.title.set("Roadmap");
      b.votes.increment();
      b.votes.decrement(2);
      b.tags.add("p1");
      b.register("title").set("Roadmap");
      // @ts-expect-error a counter is not set
      b.votes.set(2);
      // @ts-expect-error a register of text holds no number
      b.title.set(2);
      // @ts-expect-error neither does a set
      b.tags.add(2);
      // @ts-expect-error it is a counter
      b.register("votes");
      // @ts-expect-error there is no such field
      b.titel.set("x");
      // @ts-expect-error nor by kind
      b.set("titel");
    });
    expectTypeOf(write.acknowledged({ level: "durable" })).toEqualTypeOf<Promise<Receipt>>();
    // @ts-expect-error there is no such level
    void write.acknowledged({ level: "fsynced" });
    // @ts-expect-error a draft ends with its transaction: only there is anything written
    board.title.set("x");
    // @ts-expect-error there is no such field
    board.titel;
    // @ts-expect-error there is no such collection
    db.open("bords", "roadmap");
  });
});

test("a field that is called like a member is reached by kind and name", () => {
  void (() => {
    const cards = db.open("cards", "c1");
    expectTypeOf(cards.close).toEqualTypeOf<() => void>();
    expectTypeOf(cards.register("close").value).toEqualTypeOf<boolean | undefined>();
    cards.transact((draft) => {
      draft.register("close").set(true);
      // @ts-expect-error not on drafts either, so that both are alike
      draft.close.set(true);
    });
  });
  expectTypeOf<Member>().toEqualTypeOf<keyof DocMethods | keyof DraftMethods>();
});

test("without a schema everything goes by kind and name", () => {
  void (() => {
    expectTypeOf(connect("ws://localhost:1234")).toEqualTypeOf<Database<Collections>>();
    expectTypeOf(connect("ws://localhost:1234", { token: "t" })).toEqualTypeOf<Database<Collections>>();
    const note = plain.open("notes", "n1");
    expectTypeOf(note).toEqualTypeOf<Doc<Fields>>();
    expectTypeOf(note.register("text").value).toEqualTypeOf<Value | undefined>();
    expectTypeOf(note.toJSON()).toEqualTypeOf<Record<string, Value>>();
    note.transact((draft) => {
      draft.register("text").set({ a: [1, null, "x"] });
      draft.counter("views").increment();
      draft.set("tags").add("p1");
      // @ts-expect-error a date is no value
      draft.register("text").set(new Date());
      // @ts-expect-error no property without a schema
      draft.text;
    });
    // @ts-expect-error no property without a schema
    note.text;
  });
});

test("what cannot be stored is refused where it is declared", () => {
  void (() => {
    register<Uint8Array>();
    register<Card | null>();
    register<readonly Card[]>();
    register<Record<string, Card>>();
    register<"open" | "done">();
    set<[x: number, y: number]>();
    // @ts-expect-error
    register<Date>();
    // @ts-expect-error
    register<() => void>();
    // @ts-expect-error
    register<{ render: () => void }>();
    // @ts-expect-error
    register<Map<string, string>>();
    // @ts-expect-error
    register<bigint>();
    // @ts-expect-error
    register<unknown>();
    // @ts-expect-error
    register<string | undefined>();
    // @ts-expect-error
    set<Set<string>>();
  });
});

test("connect takes the schema's types, and the WebSocket of browsers and of ws", () => {
  void ((ws: typeof WS, log: Console) => {
    expectTypeOf(connect(["ws://localhost:1234"], { schema })).toEqualTypeOf<typeof db>();
    connect("ws://localhost:1234", { WebSocket: globalThis.WebSocket });
    connect("ws://localhost:1234", { WebSocket: ws, log });
    connect("ws://localhost:1234", { token: () => "t" });
    connect("ws://localhost:1234", { token: async () => "t", limits: { outboxChangesMax: 10 } });
    // @ts-expect-error a token is text
    connect("ws://localhost:1234", { token: 7 });
  });
});
